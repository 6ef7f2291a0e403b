"""Layers put together from what the walk over the graph finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...arithmetic.steps import Steps
from ...layers.convolution import Convolution
from ...layers.dense import Dense
from ...layers.few_bits import FewBits
from ...layers.layer import Layer
from ...layers.normalisation import Tie, falls, find_ties, real_values
from ...layers.pool import Pool
from ...layers.threshold import Threshold
from ...layers.window import Axis, Window
from ...network.network import InputFormat, OutputFormat
from ...types.grid import Grid
from ...types.range import BITS, Range
from ...types.scalar import Binarise, Chain, Float, Function, Power, Quantise, Rowwise, Sign, Step
from ...types.tensor import TensorType
from .decisions import NOT_BINARY, Accumulators, Decision, decide, decide_or_refuse, differently
from .model_file import Node
from .operands import value_grid
from .scalar_nodes import Refusal
from .symbols import Codes, Index, Input, Sums, Symbol, per_channel

MAX_EVALUATIONS = 1 << 35
"""Evaluations of one node for one accumulator, over all channels and binarisations of a network: a minute or two."""

COSTLY = 8
"""As how many evaluations that of a function such as an exponential counts."""

Builder = Callable[[str], Layer]
"""Makes a layer of the given name, once the order of the input is settled."""


def numbered(kinds: Iterable[str]) -> list[str]:
    """Names by kind and number: conv1, pool1, conv2, ..."""
    counts = Counter[str]()
    names = []
    for kind in kinds:
        counts[kind] += 1
        names.append(f"{kind}{counts[kind]}")
    return names


@dataclass(frozen=True)
class _Planned:
    kind: str
    build: Builder


class Assembly:
    """The layers so far, in order. Each layer takes the codes that the one before gives; anything else is refused."""

    def __init__(self) -> None:
        self.planned: list[_Planned] = []
        self.ties: list[Tie] = []
        self.variations: dict[int, float] = {}
        self.left = MAX_EVALUATIONS

    @property
    def stage(self) -> int:
        """Number of layers so far."""
        return len(self.planned)

    @property
    def kinds(self) -> list[str]:
        """Of the layers so far, one each."""
        return [planned.kind for planned in self.planned]

    def names(self) -> list[str]:
        """Names by kind and number."""
        return numbered(self.kinds)

    @property
    def uneven(self) -> tuple[tuple[str, float], ...]:
        """Layers whose weights differ within rounding, and by how much of their size."""
        names = self.names()
        return tuple((names[number], variation) for number, variation in self.variations.items() if variation)

    def layers(self) -> tuple[Layer, ...]:
        """The layers themselves."""
        return tuple(planned.build(name) for planned, name in zip(self.planned, self.names(), strict=True))

    def add(self, kind: str, build: Builder) -> None:
        """One more layer, named by its kind."""
        self.planned.append(_Planned(kind, build))

    def consume(self, source: Codes | Sums, taker: str) -> None:
        """Note that a node takes a stream; a second taker would be a branch."""
        stage = source.stage if isinstance(source, Codes) else source.codes.stage
        if source.consumer is not None:
            raise Refusal(f"it takes an activation that also feeds {source.consumer}; branches are not supported")
        if stage != self.stage:
            raise Refusal("it takes an activation from further back; branches are not supported")
        source.consumer = taker

    def codes(self, symbol: Symbol, taker: str) -> Symbol:
        """The activation as codes on a stream, for a layer that takes it: what it is made of becomes a layer.

        A chain behind codes stays one where it makes another grid of their grid. Raises Refusal, at the quantiser that gives
        more than two values.
        """
        source = symbol.source
        if isinstance(source, Sums):
            return self.close(symbol, source, taker)
        assert isinstance(source, Codes)
        try:
            value_grid(symbol, source)
        except Refusal:
            if symbol.chain.binarised or self.is_binary(symbol):
                return self.threshold(symbol, source, taker)
        return symbol

    def output(self, symbol: Symbol) -> Symbol:
        """The activation as the graph's output: what is behind its last quantiser stays a chain, which the host applies.

        Sums that are pooled have to become bits, if only by a rounding or by how few they are.
        """
        source, steps = symbol.source, symbol.chain.steps
        end = symbol.chain.binarised
        if not end and isinstance(source, Sums) and source.poolings:
            end = self.end_of_bits(symbol)
        elif not end:
            return symbol
        closed = self.codes(replace(symbol, chain=Chain(steps[:end])), "the output")
        return replace(closed, chain=Chain((*closed.chain.steps, *steps[end:])))

    def end_of_bits(self, symbol: Symbol) -> int:
        """After how many steps pooled sums are bits. Raises Refusal, at what should have made them bits or at the pooling."""
        source, steps = symbol.source, symbol.chain.steps
        assert isinstance(source, Sums)
        ends = range(next((i for i, step in enumerate(steps) if isinstance(step, Rowwise)), len(steps)) + 1)
        for end in ends:
            if self.is_binary(replace(symbol, chain=Chain(steps[:end]))):
                return end
        pooling = source.poolings[0]
        if any(step.jumps for step in (*pooling.before.steps, *steps)):
            return ends[-1]
        raise Refusal(f"{pooling.node.name} pools the scores; only binary activations can be pooled", pooling.node.name)

    def is_binary(self, symbol: Symbol) -> bool:
        """Does an activation take no more than two values?"""
        source = symbol.source
        assert isinstance(source, Codes | Sums)
        try:
            chain, accumulators = _codes_decision(symbol, source) if isinstance(source, Codes) else _sums_decision(symbol, source)
        except Refusal:  # it differs between positions
            return False
        self._about_to_evaluate(chain, accumulators)
        return decide(chain, accumulators) is not None

    def threshold(self, symbol: Symbol, codes: Codes, taker: str) -> Symbol:
        """Binarised pixels, or bits whose meaning changes from element to element."""
        frame = codes.frame
        chain, accumulators = _codes_decision(symbol, codes)
        self._about_to_evaluate(chain, accumulators)
        decision = decide_or_refuse(chain, accumulators)
        if decision.codes != BITS:
            raise Refusal(f"{decision.codes.levels} levels made of codes; only sums of a layer may become more than two")
        self.consume(codes, taker)
        thresholds = np.broadcast_to(decision.steps.thresholds, (frame.size,))
        falling = np.broadcast_to(decision.steps.falling, (frame.size,))
        nodes = tuple(dict.fromkeys(symbol.chain.nodes))

        def build(name: str) -> Layer:
            channels, height, width = frame.shape
            raster = frame.settled.transpose(1, 2, 0)
            return Threshold(name, nodes, TensorType(height, width, channels, codes.range), thresholds[raster], falling[raster])

        self.add("threshold", build)
        self._note_ties(chain, accumulators, decision)
        return Symbol(Codes(frame, self.stage, BITS, decision.grid), symbol.index)

    def close(self, symbol: Symbol, sums: Sums, taker: str) -> Symbol:
        """A layer of weights, its poolings and all that is done to single elements up to the next layer."""
        befores = [pooling.before for pooling in sums.poolings]
        whole, accumulators = _sums_decision(symbol, sums)
        self._about_to_evaluate(whole, accumulators)
        decision = decide_or_refuse(whole, accumulators)
        if decision.codes != BITS and sums.poolings:
            raise Refusal(
                f"{sums.poolings[0].node.name} pools activations of {decision.codes.levels} levels; only bits can be pooled"
            )
        self.consume(sums, taker)
        steps = decision.steps
        # a falling channel is negated: its bit is 1 from minus the last accumulator below the step on
        flips = steps.falling if steps.thresholds.ndim == 1 else steps.falling[:, None]
        thresholds = np.where(flips, accumulators.stride - steps.thresholds, steps.thresholds)
        nodes = tuple(dict.fromkeys((sums.node.name, *whole.nodes)))
        self.variations[self.stage] = sums.variation
        self.add(
            "dense" if sums.window is None else "conv",
            lambda name: build_layer(name, nodes, sums, thresholds, steps.falling),
        )
        self._note_ties(whole, accumulators, decision, sums.variation)
        inner = Chain()
        for pooling, part in zip(sums.poolings, befores, strict=True):
            inner = Chain((*inner.steps, *part.steps))
            self._about_to_evaluate(inner, accumulators)
            inner_chain = inner.without_zeros if decision.zeros else inner
            try:
                inner_falls = falls(
                    lambda a, f=inner_chain: f(accumulators.reals(a)),  # type: ignore[misc]
                    accumulators.low,
                    accumulators.high,
                    accumulators.stride,
                )
            except ValueError as error:
                raise Refusal(f"what {pooling.node.name} pools before it is not monotone: {error}", whole.culprit) from None
            # The maximum over f is f at the largest sum, or at the smallest where f falls. The bit there is the OR of
            # all bits if the whole function and f rise or fall together, and the AND if not.
            self.pool(pooling.node, pooling.window, steps.falling ^ inner_falls)
        return Symbol(Codes(sums.frame, self.stage, decision.codes, decision.grid), symbol.index)

    def pool(self, node: Node, window: Window, every: NDArray[np.bool_]) -> None:
        """Pooling of bits."""
        tensor = TensorType(window.rows.size, window.columns.size, len(every), BITS)
        self.add("pool", lambda name: Pool(name, (node.name,), tensor, window, every))

    def scores(self, sums: Sums) -> None:
        """A layer of weights at the network's end."""
        if sums.poolings:
            raise Refusal(f"{sums.poolings[0].node.name} pools the scores; only binary activations can be pooled")
        if sums.codes.stage != self.stage:
            raise Refusal("the output comes from further back; branches are not supported")
        kind = "dense" if sums.window is None else "conv"
        self.variations[self.stage] = sums.variation
        self.add(kind, lambda name: build_layer(name, (sums.node.name,), sums, None, None))

    def _about_to_evaluate(self, chain: Chain, accumulators: Accumulators) -> None:
        """Count what trying all accumulators takes. Raises Refusal where that is too much."""
        costs = 1 + sum(COSTLY if isinstance(step, Function | Power) else 1 for step in chain.steps)
        self.left -= accumulators.evaluations * costs
        if self.left < 0:
            raise Refusal(
                f"{accumulators.evaluations} accumulators of its channels to be tried, each through {len(chain.steps)} nodes; at "
                f"most {MAX_EVALUATIONS} such steps are made for a network"
            )

    def _note_ties(self, chain: Chain, accumulators: Accumulators, decision: Decision, variation: float = 0.0) -> None:
        """List what rounding decides, at each step of the chain that jumps, and what the zero of a Sign does."""
        name, numbers = self.names()[-1], accumulators
        found = {(tie.channel, tie.accumulator): tie for tie in decision.zeros_of(name)}
        for position, step in reversed(list(enumerate(chain.steps))):
            if step.jumps:
                zero = step.threshold.astype(np.float64) if isinstance(step, Binarise) else np.zeros(())
                before = Chain(chain.steps[:position])
                rounded = before.rounded
                behind = Chain(chain.steps[len(rounded.steps) :])
                ties = find_ties(
                    f"{name} before {step.node}",
                    lambda a, f=before, c=zero: f(numbers.exact(a)) - c,  # type: ignore[misc]
                    decision.steps,
                    *(numbers.low, numbers.high, numbers.stride),
                    lambda a, f=rounded: f(numbers.exact(a)),  # type: ignore[misc]
                    behind,
                    variation=variation,
                )
                found |= {(tie.channel, tie.accumulator): tie for tie in ties}
        self.ties.extend(found[place] for place in sorted(found))


def _codes_decision(symbol: Symbol, codes: Codes) -> tuple[Chain, Accumulators]:
    """What is done to codes, element by element or to all alike, and the codes that there are."""
    uniform = all(np.ndim(c) == 0 for step in symbol.chain.steps for c in step.constants)
    chain = symbol.chain.map_constants(lambda c: np.asarray(c) if np.ndim(c) == 0 else np.asarray(c)[:, None])
    rows = 1 if uniform else codes.frame.size
    low, high = (np.full(rows, end, np.int64) for end in (codes.range.low, codes.range.high))
    return chain, Accumulators(low, high, 1, codes.grid.reals, lambda a: codes.grid.values(a) * codes.grid.scale)


def _sums_decision(symbol: Symbol, sums: Sums) -> tuple[Chain, Accumulators]:
    """What is done to the sums of a layer, poolings left out, and the sums that there are."""
    end = symbol.chain.decided
    try:
        quantised = per_channel(Chain(symbol.chain.steps[:end]), sums.frame)
    except Refusal as refusal:
        raise Refusal(str(refusal), symbol.chain.culprit) from None
    behind = Chain(symbol.chain.steps[end:])
    try:
        behind = per_channel(behind, sums.frame)
    except Refusal:
        raise Refusal(differently(behind) if end else NOT_BINARY) from None
    parts = (*(pooling.before for pooling in sums.poolings), quantised, behind)
    layer = build_layer("", (), sums, None, None)
    scale = sums.scale[:, None]
    chain = Chain(tuple(step for part in parts for step in part.steps))
    return chain, Accumulators(
        *layer.accumulator_range, layer.accumulator_stride, lambda a: real_values(a, scale, Chain()), lambda a: a * scale
    )


def build_layer(
    name: str,
    nodes: tuple[str, ...],
    sums: Sums,
    thresholds: NDArray[np.int64] | None,
    flips: NDArray[np.bool_] | None,
) -> Convolution | FewBits:
    """The layer of `sums`, with the weights of the channels in `flips` negated; binary where weights and results are bits.

    thresholds: (channels,), or (channels, levels - 1).
    """
    channels, height, width = sums.codes.frame.shape
    tensor = TensorType(height, width, channels, sums.codes.range)
    weights = sums.weights if flips is None else np.where(flips, -sums.weights, sums.weights)
    if np.all(np.abs(weights) == 1) and (thresholds is None or thresholds.ndim == 1):
        signs = weights.astype(np.int8)
        if sums.window is None:
            return Dense.of(name, nodes, tensor, sums.grid, signs, thresholds)
        return Convolution(name, nodes, tensor, sums.grid, sums.window, signs, thresholds)
    steps = None if thresholds is None else Steps(thresholds.reshape(weights.shape[-1], -1))
    window = sums.window or Window(Axis(height, height), Axis(width, width))
    kernel = weights.reshape(window.rows.kernel, window.columns.kernel, channels, -1)
    return FewBits(name, nodes, tensor, sums.grid, window, kernel, steps)


def output_format(name: str, symbol: Symbol) -> OutputFormat:
    """How the graph's output follows from the last layer's result."""
    source = symbol.source
    if isinstance(source, Input):
        raise Refusal("no layer stands between the input and the output")
    elements = symbol.index.reshape(-1)
    raster = source.frame.settled.transpose(1, 2, 0).reshape(-1)
    place = np.empty(source.frame.size, np.int64)
    place[raster] = np.arange(source.frame.size)
    if isinstance(source, Sums):
        channel = np.empty(source.frame.size, np.int64)
        channel[source.frame.settled] = np.arange(source.frame.shape[0])[:, None, None]
        scale, gain, offset = source.scale[channel[elements]], 1, 0
    else:
        assert isinstance(source, Codes)
        scale, gain, offset = np.array(source.grid.scale), source.grid.gain, source.grid.offset
    chain = symbol.chain.map_constants(lambda c: np.asarray(c) if np.ndim(c) == 0 else c[elements])
    return OutputFormat(name, symbol.shape[1:], place[elements], scale, gain, offset, chain)


def input_format(
    name: str, shape: tuple[int, ...], view: Index, codes: Range, grid: Grid, quantiser: Chain | None, assumed: bool
) -> InputFormat:
    """How the graph's input becomes the first layer's codes; view: (C, H, W) elements as they are on the stream."""
    channels, height, width = view.shape
    order = view.transpose(1, 2, 0).reshape(-1)
    return InputFormat(name, shape, order, TensorType(height, width, channels, codes), grid, quantiser, assumed)


def _levels(last: Step) -> tuple[float, float]:
    """The lower and the upper number that a binarisation gives."""
    pair: tuple[Float, Float]
    if isinstance(last, Quantise):
        zero_point = last.zero_point.astype(np.float32)
        pair = ((last.lowest - zero_point) * last.scale, (last.highest - zero_point) * last.scale)
    else:
        assert isinstance(last, Binarise)
        pair = (last.low, last.high)
    if any(np.asarray(level).size > 1 for level in pair):
        raise Refusal("binary activations whose size differs between channels")
    low, high = sorted(float(np.asarray(level).flat[0]) for level in pair)
    return low, high


def binary_grid(last: Step) -> Grid:
    """The grid of the two numbers that a binarisation gives."""
    low, high = _levels(last.without_zero if isinstance(last, Sign) else last)
    grid = Grid.fit(np.array([low, high], np.float32))
    if grid is None:
        raise Refusal(f"binary activations of the levels {low:g} and {high:g}")
    return grid
