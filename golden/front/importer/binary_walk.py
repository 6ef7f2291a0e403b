"""The walk over the graph of a binary network: what takes an activation closes the layer before it, whose values must be two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...layers.window import Window
from ...network.network import InputFormat, Network
from ...types.grid import Grid
from ...types.range import BITS
from ...types.scalar import Chain, Step
from .assembly import Assembly, binary_grid, output_format
from .decisions import quantises
from .model_file import Graph, Node
from .operands import (
    Array,
    BinaryWeights,
    activation,
    binary_weights,
    check_dilations,
    check_groups,
    few_bit_weights,
    output_axis,
    sliding_window,
    value_grid,
)
from .scalar_nodes import Refusal
from .symbols import PAD, Codes, Frame, Index, Pooling, Sums, Symbol, Unknown, Value, per_channel, unknown
from .walk import Results, Walk

FEW = 4
"""Magnitudes of weights that somebody may have meant to be binary."""

REAL = "; real weights may stand behind all binary activations, not before any"


class BinaryWalk(Walk[Network, BinaryWeights]):
    """One import of a binary network."""

    def __init__(self, graph: Graph, path: str, input_scale: float | None) -> None:
        super().__init__(graph, path, input_scale)
        self.assembly = Assembly()
        self.real_weights = False
        self.handlers |= {operator: partial(layer, self) for operator, layer in LAYERS.items()}

    def network(self, symbol: Symbol) -> Network:
        symbol = self.output(symbol)
        if isinstance(symbol.source, Sums):
            self.assembly.scores(symbol.source)
        self.settle_input()
        output = output_format(self.graph.output, symbol)
        if not self.assembly.stage:
            raise Refusal("no layer stands between the input and the output")
        form = self.input()
        return Network(
            self.graph.name,
            form,
            self.assembly.layers(),
            output,
            tuple(self.assembly.ties),
            self.graph.omitted,
            self.assembly.uneven,
        )

    def output(self, symbol: Symbol) -> Symbol:
        """The last activation, with its layers put together."""
        source = symbol.source
        if isinstance(source, Codes | Sums):
            stage = source.stage if isinstance(source, Codes) else source.codes.stage
            if source.consumer is not None or stage != self.assembly.stage:
                raise Refusal("it comes from further back; branches are not supported")
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
        assert self.codes is not None
        return self.format(self.frame.settled, self.codes.range, self.codes.grid, self.quantiser)

    def check_weights(self, node: Node, arguments: list[Value]) -> None:
        if node.operator == "Conv":
            check_groups(node)
        if node.operator in ("Conv", "MaxPool"):
            check_dilations(node)
        if node.operator in ("Conv", "MatMul", "Gemm") and len(arguments) > 1 and isinstance(arguments[1], np.ndarray):
            self.signs(arguments[1], output_axis(node))

    def signs(self, weights: Array, axis: int) -> BinaryWeights:
        """Signs and magnitudes of binary weights."""
        try:
            return binary_weights(weights, axis)
        except Refusal as refusal:
            few = few_bit_weights(weights, axis)
            if few is not None:
                return few
            reals = weights.dtype.kind == "f" and np.unique(np.abs(weights)).size > FEW
            self.real_weights |= bool(reals)
            raise Refusal(f"{refusal}{REAL if reals else ''}") from None

    def binarise(self, node: Node, arguments: list[Value], steps: list[Step]) -> Symbol:
        """A quantiser is one more scalar step: what takes its result finds out which values there are."""
        symbol = self.on_stream(activation(arguments)).then(steps)
        if isinstance(symbol.source, Unknown):
            if not quantises(Chain(tuple(steps))):
                binary_grid(steps[-1])
            return unknown(symbol.shape)
        return symbol

    def is_binary(self, symbol: Symbol) -> bool:
        return not isinstance(symbol.source, Unknown) and self.assembly.is_binary(self.on_stream(symbol))

    def takes_levels(self, symbol: Symbol) -> bool:
        return isinstance(symbol.source, Sums | Unknown)

    def on_codes(self, node: Node, arguments: list[Value]) -> Symbol:
        """The activation that a layer takes, as codes."""
        symbol = self.on_stream(activation(arguments))
        if isinstance(symbol.source, Unknown):
            return symbol
        try:
            return self.assembly.codes(symbol, node.name)
        except Refusal as refusal:
            if refusal.node is None:
                self.check_weights(node, arguments)  # what is wrong with its own weights comes first
            raise

    # layers

    def taken(self, node: Node, arguments: list[Value]) -> Symbol:
        return self.on_codes(node, arguments)

    def weights_of(self, numbers: Array, axis: int, alpha: float = 1.0) -> BinaryWeights:
        return self.signs(numbers * np.asarray(alpha, numbers.dtype), axis)

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

    def product(self, node: Node, symbol: Symbol, weights: BinaryWeights) -> Symbol:
        codes = symbol.source
        assert isinstance(codes, Codes)
        elements = symbol.index[0]
        if not np.array_equal(np.sort(elements), np.arange(codes.frame.size)):
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

    def max_pool(self, node: Node, arguments: list[Value]) -> Symbol:
        symbol = self.on_stream(activation(arguments))
        if len(symbol.shape) != 4:
            raise Refusal(f"pooling of an activation of shape {symbol.shape}")
        if np.any(symbol.index == PAD):
            raise Refusal("pooling after zero padding, where the zeros take part")
        image = symbol.index[0]
        kernel = image.shape[1:] if node.operator == "GlobalMaxPool" else node.attributes["kernel_shape"]
        window = sliding_window(node, image.shape[1:], kernel, (0, 0, 0, 0))
        for axis in (window.rows, window.columns):
            if max(axis.before, axis.after) >= axis.kernel:
                raise Refusal(f"padding={max(axis.before, axis.after)} is not below kernel={axis.kernel}")
            if len({axis.last(output) for output in range(axis.outputs)}) < axis.outputs:
                raise Refusal("padding so wide that two windows end at the same input")
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
        symbol = self.assembly.codes(symbol, node.name)
        codes, channels = self.image(symbol, image)
        if codes.range != BITS:
            raise Refusal("pooling of pixels; only binary activations can be pooled")
        if not np.array_equal(channels, np.arange(image.shape[0])):
            raise Refusal("pooling of a rearranged activation")
        rising = value_grid(symbol, codes)[1]
        self.assembly.consume(codes, node.name)
        self.assembly.pool(node, window, np.full(image.shape[0], not rising))
        return Symbol(Codes(frame, self.assembly.stage, BITS, codes.grid), index, symbol.chain)

    # streams

    def image(self, symbol: Symbol, image: Index) -> tuple[Codes, Index]:
        """Codes read as an image of (C, H, W) elements; and for each channel on the stream, where the graph has it."""
        codes = symbol.source
        assert isinstance(codes, Codes)
        identity = np.arange(image.shape[0])
        if codes.frame.read_as(image):
            return codes, identity
        natural = codes.frame.settled
        if natural.shape == image.shape:
            order = np.argsort(image[:, 0, 0])
            if np.array_equal(image[order], natural):
                return codes, order
        raise Refusal(f"it reads an activation of {natural.shape} rearranged, as {image.shape}")


LAYERS: dict[str, Callable[[BinaryWalk, Node, list[Value]], Results]] = {
    "GlobalMaxPool": BinaryWalk.max_pool,
    "MaxPool": BinaryWalk.max_pool,
}
"""What an operator's layer is made by. Layers of weights are operators of every walk: `conv`, `dense`."""
