"""The walk over the graph of a binary network: what takes an activation closes the layer before it, whose values must be two."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...layers.window import Window
from ...network.network import InputFormat, Network
from ...types.coding import Coding
from ...types.errors import Unsupported
from ...types.grid import Grid
from ...types.scalar import Chain, Choose, Step
from .affine import affine
from .assembly import Assembly
from .choices import COMPARISONS
from .decisions import NOT_QUANTISED, check_even, check_levels, quantises
from .formats import binary_grid, codes_of, output_format
from .front import BINARISING
from .joins import Added, Common, Unquantised, forks, unquantised
from .model_file import Graph, Node
from .operands import (
    MOST_TOLD,
    Array,
    BinaryWeights,
    activation,
    averaged_window,
    binary_weights,
    check_dilations,
    check_numbers,
    constant,
    few_bit_weights,
    groups_of,
    maxima_window,
    no_few_bits,
    output_axis,
    spread_kernels,
    value_grid,
)
from .scalar_nodes import Refusal
from .symbols import (
    MAX_ACTIVATION,
    PAD,
    Codes,
    Frame,
    Index,
    Pooling,
    Source,
    Sums,
    Symbol,
    Unknown,
    Value,
    joined,
    once_each,
    per_channel,
    unknown,
    unwrapped,
)
from .walk import ARITHMETIC, Results, Walk

FEW = 4
"""Magnitudes of weights that somebody may have meant to be binary."""

MOST_BITS = 8
"""Of a weight."""

REAL = "; real weights may stand behind all binary activations, not before any"


class BinaryWalk(Walk[Network, BinaryWeights]):
    """One import of a binary network. apart: nodes whose sums are on a stream as they are, for more than one quantiser."""

    counted = True

    def __init__(self, graph: Graph, path: str, coding: Coding | None, apart: frozenset[str] = frozenset()) -> None:
        super().__init__(graph, path, coding)
        self.assembly = Assembly()
        self.apart = apart
        self.real_weights = False
        # nodes whose weights are no whole numbers of a few bits, and have more sizes than somebody may have meant to be binary
        self.of_reals: set[str] = set()
        # what is assumed behind refused nodes, whose order is open, and the shape of its natural order
        self.open: list[tuple[Frame, tuple[int, ...]]] = []
        # have activations of different shapes met, so that how many positions there are behind is not certain?
        self.mismatched = False
        self.forks = forks(graph)
        self.unquantised = unquantised(graph, BINARISING)
        self.handlers |= {operator: partial(layer, self) for operator, layer in LAYERS.items()}

    def visit(self, node: Node) -> None:
        """As every walk does. What a quantiser gives, or a sum adds as it is, is on a stream before it goes two ways."""
        super().visit(node)
        for tensor in node.outputs if node.name in self.apart else self.forks.intersection(node.outputs):
            symbol = self.values.get(tensor)
            if isinstance(symbol, Symbol) and isinstance(symbol.source, Sums | Added):
                try:
                    taken = node.name in self.apart or tensor in self.unquantised
                    pooled = isinstance(symbol.source, Sums) and symbol.source.poolings
                    if symbol.chain.binarised or (taken and pooled):
                        self.values[tensor] = self.assembly.output(symbol)
                    elif taken:
                        self.assembly.unquantised(symbol.source, node.name)
                        self.values[tensor] = self.assembly.on_stream(symbol)
                except Refusal as refusal:
                    self.refuse(refusal, node)
                    self.values[tensor] = self.supposed(symbol)
            elif isinstance(symbol, Symbol) and self.unsettled(symbol):
                self.values[tensor] = self.supposed(symbol)

    def network(self, symbol: Symbol) -> Network:
        shape, symbol = symbol.shape, unwrapped(symbol)
        symbol = self.output(symbol, host=True)
        if isinstance(symbol.source, Sums):
            self.assembly.scores(symbol.source)
            self.assembly.note_ties_of_host(symbol, symbol.source)
        self.settle_input()
        output = output_format(self.graph.output, symbol, shape)
        if not self.assembly.stage:
            raise Refusal("no layer stands between the input and the output")
        form = self.input()
        return Network(
            self.graph.name,
            form,
            self.assembly.layers(),
            output,
            tuple(self.assembly.trials.ties),
            self.graph.omitted,
            self.assembly.uneven,
        )

    def output(self, symbol: Symbol, host: bool = False) -> Symbol:
        """The last activation, with its layers put together. host: a last quantiser of several levels may be the host's."""
        source = symbol.source
        if isinstance(source, Codes | Sums | Unquantised):
            stage = source.codes.stage if isinstance(source, Sums) else source.stage
            if source.consumer is not None or stage != self.assembly.stage:
                raise Refusal("it comes from further back than the last layer, whose results are the output")
            if host and isinstance(source, Sums) and not source.poolings and quantises(symbol.chain):
                return symbol
            return self.assembly.output(symbol)
        if isinstance(source, Added):
            if host and not symbol.chain.binarised:
                self.assembly.unquantised(source, "the output")
                return self.assembly.on_stream(symbol)
            if not symbol.chain.binarised:
                raise Refusal("the sum is not quantised, and layers of real weights follow it", source.node.name)
            return self.assembly.output(symbol)
        return symbol

    def finish(self, tensor: str) -> None:
        """Put the layers together that lead to a tensor, which other layers go on from."""
        symbol = self.values[tensor]
        if isinstance(symbol, Symbol) and not isinstance(symbol.source, Unknown):
            try:
                symbol = self.output(self.on_stream(symbol))
                self.values[tensor] = self.assembly.codes(symbol, "layers of real weights")
            except Refusal as refusal:
                self.refuse(refusal, next(node for node in self.graph.nodes if tensor in node.outputs))

    def input(self) -> InputFormat:
        """How the graph's input becomes codes."""
        self.settle_input()
        return self.graph_input.format_of_codes()

    def check_weights(self, node: Node, arguments: list[Value]) -> None:
        if node.operator in ("AveragePool", "MaxPool"):
            check_dilations(node)
        if node.operator == "Conv" and isinstance(arguments[1], np.ndarray):
            groups_of(node, arguments[1])
        if node.operator in ("Conv", "MatMul", "Gemm") and len(arguments) > 1 and isinstance(arguments[1], np.ndarray):
            self.signs(node, arguments[1], output_axis(node))

    def signs(self, node: Node, weights: Array, axis: int) -> BinaryWeights:
        """Signs and magnitudes of binary weights, or whole numbers; those of a few bits too many are noted as a finding."""
        check_numbers(weights)
        found = binary_weights(weights, axis) or few_bit_weights(weights, axis)
        if found is not None:
            return found
        reals = weights.dtype.kind == "f" and np.unique(np.abs(weights)).size > FEW
        self.real_weights |= bool(reals)
        wide = few_bit_weights(weights, axis, MOST_TOLD) if reals else None
        if wide is not None:
            self.refuse(Refusal(f"weights of {wide.bits} bits; at most {MOST_BITS} are supported"), node)
            return wide
        if reals:
            self.of_reals.add(node.name)
        raise Refusal(no_few_bits(weights, axis))

    def listed(self) -> tuple[Unsupported, ...]:
        """With the first real weights it is said where they may be."""
        findings = super().listed()
        first = next((finding for finding in findings if finding.node in self.of_reals), None)
        return tuple(replace(finding, reason=finding.reason + REAL) if finding is first else finding for finding in findings)

    def binarise(self, node: Node, arguments: list[Value], steps: list[Step]) -> Symbol:
        """A quantiser is one more scalar step: what takes its result finds out which values there are."""
        symbol = self.on_stream(activation(arguments)).then(steps)
        if isinstance(symbol.source, Unknown):
            if not quantises(Chain(tuple(steps))):
                binary_grid(steps[-1])
            return symbol if node.operator in COMPARISONS else self.supposed(symbol)  # of several of which a function may be made
        return symbol

    def supposed(self, symbol: Symbol) -> Symbol:
        """What a quantiser gives of an activation that is not known, or that has been refused: any of its codes, so that what is
        behind can be looked at. A graph with such an activation has been refused.
        """
        shape, source = symbol.shape, symbol.source
        chain = Chain((*_pooled(source), *symbol.chain.steps))
        end = chain.binarised
        quantised, behind = Chain(chain.steps[:end]), Chain(chain.steps[end:])
        try:
            check_levels(quantised)
            codes, grid = codes_of(quantised.steps[-1])
            if end < len(_pooled(source)):
                raise Refusal("codes are pooled after more is done to them")
        except (IndexError, Refusal):  # at what takes it, if anything does
            return replace(unknown(shape), chain=quantised) if isinstance(source, Unknown) else unknown(shape)
        if not isinstance(source, Unknown):
            return Symbol(Codes(source.frame, self.assembly.stage, codes, grid), symbol.index, behind)
        elements = symbol.index.reshape(-1)
        frame = Frame(elements.size)
        channels, *rest = shape[1:] if 1 < len(shape) < 5 else (frame.size,)
        self.open.append((frame, (channels, *[1] * (2 - len(rest)), *rest)))
        behind = behind.map_constants(lambda c: np.asarray(c) if np.ndim(c) == 0 else c[elements])
        return Symbol(Codes(frame, self.assembly.stage, codes, grid), np.arange(frame.size).reshape(shape), behind)

    def on_stream(self, symbol: Symbol) -> Symbol:
        symbol = super().on_stream(symbol)
        return self.supposed(symbol) if self.unsettled(symbol) else symbol

    def unsettled(self, symbol: Symbol) -> bool:
        """Has something made bits of an activation that is not known, whose codes are not supposed yet?"""
        return isinstance(symbol.source, Unknown) and symbol.chain.binarised > 0 and not np.any(symbol.index == PAD)

    def examine_end(self) -> None:
        """A last quantiser is looked at, too."""
        value = self.values.get(self.graph.output)
        if isinstance(value, Symbol):
            self.examine(value, self.graph.leading[-1])

    def examine(self, symbol: Symbol, node: Node) -> None:
        """Note what is wrong with the last quantiser of an activation; with what is behind it, the node itself would be."""
        end = symbol.chain.binarised
        if end and isinstance(symbol.source, Codes | Sums | Added | Unquantised):
            try:
                self.assembly.codes(replace(symbol, chain=Chain(symbol.chain.steps[:end])), node.name)
            except Refusal as refusal:
                if refusal.node is not None:
                    self.refuse(refusal, node)

    def settle_input(self) -> None:
        super().settle_input()
        for frame, shape in self.open:
            if frame.view is None:
                frame.view = np.arange(frame.size).reshape(shape)

    def is_binary(self, symbol: Symbol) -> bool:
        return not isinstance(symbol.source, Added | Unknown | Unquantised) and self.assembly.is_binary(self.on_stream(symbol))

    def takes_levels(self, symbol: Symbol) -> bool:
        return isinstance(symbol.source, Codes | Sums | Added | Unknown | Unquantised)

    def on_codes(self, node: Node, arguments: list[Value]) -> Symbol:
        """The activation that a layer takes, as codes."""
        symbol = self.on_stream(activation(arguments))
        try:
            if not isinstance(symbol.source, Unknown):
                return self.assembly.codes(symbol, node.name)
            check_levels(symbol.chain)
            check_even(symbol.chain)
        except Refusal as refusal:
            own = refusal.node is None
            if str(refusal) == NOT_QUANTISED:
                self.check_weights(node, arguments)  # what is wrong with its own weights comes first
                raise
            self.refuse(refusal, node)
            if not own and not isinstance(symbol.source, Unknown):
                return self.on_codes(node, [self.supposed(symbol)])
        known = not isinstance(symbol.source, Unknown)
        return unknown(symbol.shape) if known or symbol.chain.steps else symbol

    # sums of two activations

    def binary(self, node: Node, arguments: list[Value]) -> Value:
        """Add, Sub, Mul, Div or Pow; the first two also of two ways that begin at one tensor."""
        first, second = arguments
        if node.operator not in ("Add", "Sub") or not isinstance(first, Symbol) or not isinstance(second, Symbol):
            return super().binary(node, arguments)
        found = joined(node.name, ARITHMETIC[node.operator], first, second)
        return self.added(node, self.on_stream(first), self.on_stream(second)) if found is None else found

    def added(self, node: Node, first: Symbol, second: Symbol) -> Symbol:
        """A sum of two streams, element by element."""
        if first.shape != second.shape:
            reason = f"it adds activations of shapes {first.shape} and {second.shape}, expected the same"
            return self.mismatch(node, reason, max(first.shape, second.shape, key=math.prod))
        if isinstance(first.source, Unknown) or isinstance(second.source, Unknown):
            return unknown(first.shape)
        self.settle_input()
        places, others = self.place(first), self.place(second)
        frames = [symbol.source.frame.shape for symbol in (first, second)]
        if frames[0] != frames[1] or not np.array_equal(places, others):
            raise Refusal(f"it adds activations that lie differently on their streams, of shapes {frames[0]} and {frames[1]}")
        ways = self.assembly.way_into_sum(first, node), self.assembly.way_into_sum(second, node)
        variation = max(getattr(symbol.source, "variation", 0.0) for symbol in (first, second))
        added = Added(node, ways, Frame.of(frames[0]), variation)
        _ = added.gains
        return Symbol(added, places)

    def mismatch(self, node: Node, reason: str, shape: tuple[int, ...]) -> Symbol:
        """What stands for a sum or a concatenation of different shapes, which is refused: the larger one's may be meant."""
        self.examine_all(node)
        self.refuse(Refusal(reason), node)
        self.mismatched = True
        return unknown(shape)

    def concatenation(self, node: Node, arguments: list[Value]) -> Symbol:
        """Channels of several streams side by side, on one grid."""
        for place, value in enumerate(arguments):
            if not isinstance(value, Symbol):
                raise Refusal(f"its input {place} is a constant; only activations can lie side by side")
        symbols = [activation([value]) for value in arguments]
        rank, axis = len(symbols[0].shape), int(node.attributes["axis"])
        axis %= rank
        if axis == 0:
            raise Refusal("it joins frames of a batch")
        shapes = [symbol.shape for symbol in symbols]
        largest = max(shapes, key=math.prod)
        result = (*largest[:axis], sum(shape[axis] for shape in shapes), *largest[axis + 1 :])
        if len({(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}) > 1:
            reason = f"it joins activations of shapes {' and '.join(map(str, shapes))}, expected the same beside axis {axis}"
            return self.mismatch(node, reason, result)
        symbols = [self.on_codes(node, [symbol]) for symbol in symbols]
        if any(isinstance(symbol.source, Unknown) for symbol in symbols):
            return unknown(result)
        self.settle_input()
        numbers = [self.assembly.numbers(symbol) for symbol in symbols]
        common = Common.of(numbers)
        streams = [self.assembly.on_grid(*pair, common, node) for pair in zip(symbols, numbers, strict=True)]
        whole, places = streams[0], [self.place(symbols[0])]
        for stream, symbol in zip(streams[1:], symbols[1:], strict=True):
            places.append(self.place(symbol) + whole.frame.size)
            whole = self.assembly.beside(node, whole, stream)
        return Symbol(whole, np.concatenate(places, axis=axis))

    def place(self, symbol: Symbol) -> Index:
        """For each element of an activation, where it lies on the stream: (C, H, W) in order."""
        if np.any(symbol.index == PAD):
            raise Refusal("one of its inputs is padded with zeros")
        view = symbol.source.frame.settled
        place = np.empty(view.size, np.int64)
        place[view.reshape(-1)] = np.arange(view.size)
        return place[symbol.index]

    # layers

    def taken(self, node: Node, arguments: list[Value]) -> Symbol:
        return self.on_codes(node, arguments)

    def weights_of(self, node: Node, numbers: Array, axis: int, alpha: float = 1.0) -> BinaryWeights:
        return self.signs(node, numbers * np.asarray(alpha, numbers.dtype), axis)

    def fitting(self, node: Node, symbol: Symbol, kernels: Array) -> tuple[Symbol, int]:
        """Where weights do not fit their input, what is behind is looked at as if they took one of as many channels as they have
        a number for each.
        """
        try:
            return super().fitting(node, symbol, kernels)
        except Refusal as refusal:
            if not isinstance(symbol.source, Codes) or len(symbol.shape) != 4 or any(map(np.ndim, symbol.chain.constants)):
                raise
            self.refuse(refusal, node)
            _, channels, *_ = kernels.shape
            frame = Frame.of((channels, *symbol.shape[2:]))
            return Symbol(replace(symbol.source, frame=frame), frame.settled[None], symbol.chain), 1

    def convolution(self, node: Node, symbol: Symbol, image: Index, window: Window, weights: BinaryWeights) -> Symbol:
        codes, channels = self.image(symbol, image)
        grid, rising = value_grid(symbol, codes)
        kernel = weights.signs.transpose(2, 3, 1, 0)[:, :, channels]
        kernel = kernel if rising else -kernel
        outputs = kernel.shape[-1]
        if window.whole:
            return self.sums(node, codes, grid, None, kernel.reshape(-1, outputs), weights, Frame.of((outputs, 1, 1)))
        frame = Frame.of((outputs, window.rows.outputs, window.columns.outputs))
        return self.sums(node, codes, grid, window, kernel, weights, frame)

    def spread(self, weights: BinaryWeights, groups: int, dilations: Sequence[int]) -> BinaryWeights:
        return replace(weights, signs=spread_kernels(weights.signs, groups, dilations))

    def product(self, node: Node, symbol: Symbol, weights: BinaryWeights) -> Symbol:
        codes = symbol.source
        assert isinstance(codes, Codes)
        elements = symbol.index[0]
        if not once_each(elements, codes.frame.size):
            raise Refusal("it does not take every element of the activation before it exactly once")
        grid, rising = value_grid(symbol, codes)
        self.settle_input()
        by_element = np.empty_like(weights.signs)
        by_element[elements] = weights.signs if rising else -weights.signs
        raster = codes.frame.settled.transpose(1, 2, 0).reshape(-1)
        frame = Frame.of((by_element.shape[1], 1, 1))
        sums = self.sums(node, codes, grid, None, by_element[raster], weights, frame)
        return sums.rearranged(frame.settled.reshape(1, -1))

    def sums(
        self,
        node: Node,
        codes: Codes,
        grid: Grid,
        window: Window | None,
        signs: NDArray[np.integer],
        weights: BinaryWeights,
        frame: Frame,
    ) -> Symbol:
        """The accumulators of a layer, as an image (1, M, H, W)."""
        self.assembly.consume(codes, node.name)
        scale = weights.magnitudes.astype(np.float64) * grid.scale
        sums = Sums(node, codes, grid, window, np.ascontiguousarray(signs, np.int16), scale, weights.variation, frame)
        return Symbol(sums, frame.settled[None])

    def conv(self, node: Node, arguments: list[Value]) -> Symbol:
        kernels = arguments[1] if len(arguments) > 1 else None
        point = isinstance(kernels, np.ndarray) and kernels.shape[2:] == (1, 1) and node.attributes.get("group", 1) == 1
        image = self.averaged(arguments) if point and not any(node.attributes.get("pads", ())) else None
        if image is None:
            return super().conv(node, arguments)
        shared = _shared(constant(arguments, 1).reshape(-1, image.shape[1]), image.shape[2:])
        return super().conv(replace(node, attributes={}), [image, shared, *arguments[2:]])

    def dense(self, node: Node, arguments: list[Value], matrix: Array, alpha: float) -> Symbol:
        symbol = arguments[0]
        if self.mismatched and isinstance(symbol, Symbol) and matrix.ndim == 2 and symbol.shape != (1, len(matrix)):
            self.weights_of(node, matrix, 1, alpha)
            return unknown((1, matrix.shape[1]))
        image = self.averaged(arguments)
        if image is None or matrix.ndim != 2 or len(matrix) != image.shape[1]:
            return super().dense(node, arguments, matrix, alpha)
        kernels = _shared(matrix.T, image.shape[2:])
        return super().dense(node, [image.rearranged(image.index.reshape(1, -1))], kernels.reshape(len(kernels), -1).T, alpha)

    def averaged(self, arguments: list[Value]) -> Symbol | None:
        """What a global average is taken of, (1, C, H, W), if a layer takes the average as it is and can sum up all of it."""
        symbol = arguments[0]
        if not isinstance(symbol, Symbol) or not isinstance(symbol.source, Sums) or symbol.source.poolings:
            return None
        means = symbol.source.means
        if means is None:
            return None
        in_order = np.array_equal(symbol.index.reshape(-1), symbol.source.frame.settled.reshape(-1))
        chosen = any(isinstance(step, Choose) for step in symbol.chain.steps)
        if not in_order or chosen or affine(symbol.chain) is None or any(map(np.ndim, symbol.chain.constants)):
            return None
        assert isinstance(means.source, Codes)
        means.source.consumer = None  # instead of the average the layer takes it
        return replace(means, chain=Chain((*means.chain.steps, *symbol.chain.steps)))

    def average_pool(self, node: Node, arguments: list[Value]) -> Symbol:
        """Sums of each channel's window by itself, whose weights are 1."""
        symbol = self.on_stream(activation(arguments))
        if len(symbol.shape) == 3:
            return self.over_row(self.average_pool, node, arguments)
        if len(symbol.shape) != 4:
            raise Refusal(f"pooling of an activation of shape {symbol.shape}")
        symbol = self.on_codes(node, [symbol])
        image, window, divisor = averaged_window(node, symbol)
        channels = len(image)
        if isinstance(symbol.source, Unknown):
            return unknown((1, channels, window.rows.outputs, window.columns.outputs))
        ones = spread_kernels(np.ones((channels, 1, window.rows.kernel, window.columns.kernel), np.int8), channels, (1, 1))
        weights = BinaryWeights(ones, np.full(channels, 1 / divisor), 0.0)
        result = self.convolution(node, symbol, image, window, weights)
        assert isinstance(result.source, Sums)
        if window.whole:
            result.source.means = symbol.rearranged(image[None])
        return result

    def reduce_mean(self, node: Node, arguments: list[Value]) -> Symbol:
        """The mean of all positions, if it is that."""
        symbol = activation(arguments)
        axes = node.attributes.get("axes") or (constant(arguments, 1).reshape(-1).tolist() if len(arguments) > 1 else [])
        rank = len(symbol.shape)
        if rank not in (3, 4) or sorted(axis % rank for axis in axes) != list(range(2, rank)):
            raise Refusal(f"over axes {list(axes)} of an activation of shape {symbol.shape}, expected the mean of all positions")
        mean = self.average_pool(replace(node, operator="GlobalAveragePool", attributes={}), [symbol])
        return mean if node.attributes.get("keepdims", 1) else mean.rearranged(mean.index.reshape(1, -1))

    def max_pool(self, node: Node, arguments: list[Value]) -> Symbol:
        symbol = self.on_stream(activation(arguments))
        if len(symbol.shape) == 3:
            return self.over_row(self.max_pool, node, arguments)
        if not isinstance(symbol.source, Sums):
            symbol = self.on_codes(node, [symbol])
        image, window = maxima_window(node, symbol)
        frame = Frame.of((image.shape[0], window.rows.outputs, window.columns.outputs))
        index = frame.settled[None]
        source = symbol.source
        if isinstance(source, Unknown):
            return unknown(index.shape)
        if isinstance(source, Sums):
            if not source.frame.read_as(image):
                raise Refusal("pooling of a rearranged activation")
            for step in symbol.chain.steps:
                try:
                    per_channel(Chain((step,)), source.frame)
                except Refusal:
                    raise Refusal("it differs between positions of one channel, and is pooled", step.node) from None
            poolings = (*source.poolings, Pooling(node, per_channel(symbol.chain, source.frame), window))
            pooled = replace(source, frame=frame, poolings=poolings, consumer=None)
            return Symbol(pooled, index)
        codes, channels = self.image(symbol, image)
        if not np.array_equal(channels, np.arange(image.shape[0])):
            raise Refusal("pooling of a rearranged activation")
        rising = value_grid(symbol, codes)[1]
        self.assembly.consume(codes, node.name)
        self.assembly.pool(node, window, np.full(image.shape[0], not rising), codes.range)
        return Symbol(Codes(frame, self.assembly.stage, codes.range, codes.grid), index, symbol.chain)

    # streams

    def image(self, symbol: Symbol, image: Index) -> tuple[Codes, Index]:
        """Codes read as an image of (C, H, W) elements; and for each channel on the stream, where the graph has it."""
        codes = symbol.source
        assert isinstance(codes, Codes)
        identity = np.arange(image.shape[0])
        if codes.frame.read_as(image):
            return codes, identity
        natural = codes.frame.view
        if natural is None:
            raise Refusal(f"it reads an activation of {codes.frame.size} elements, not each of them once, as {image.shape}")
        if natural.shape == image.shape:
            order = np.argsort(image[:, 0, 0])
            if np.array_equal(image[order], natural):
                return codes, order
        raise Refusal(f"it reads an activation of {natural.shape} rearranged, as {image.shape}")


def _pooled(source: Source) -> tuple[Step, ...]:
    """What is done to sums before they are pooled."""
    return tuple(step for pooling in source.poolings for step in pooling.before.steps) if isinstance(source, Sums) else ()


def _shared(matrix: Array, size: tuple[int, ...]) -> Array:
    """(M, C) weights of a mean of so many positions as (M, C, height, width) weights of the positions."""
    positions = math.prod(size)
    if matrix.size * positions > MAX_ACTIVATION:
        raise Refusal(f"{matrix.size} weights of means of {positions} positions, at most {MAX_ACTIVATION} are supported")
    kernels: Array = np.broadcast_to((matrix.astype(np.float64) / positions)[:, :, None, None], (*matrix.shape, *size))
    return kernels


LAYERS: dict[str, Callable[[BinaryWalk, Node, list[Value]], Results]] = {
    "AveragePool": BinaryWalk.average_pool,
    "Concat": BinaryWalk.concatenation,
    "GlobalAveragePool": BinaryWalk.average_pool,
    "GlobalMaxPool": BinaryWalk.max_pool,
    "MaxPool": BinaryWalk.max_pool,
    "ReduceMean": BinaryWalk.reduce_mean,
}
"""What an operator's layer is made by. Layers of weights are operators of every walk: `conv`, `dense`."""
