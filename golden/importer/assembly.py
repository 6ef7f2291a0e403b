"""Layers put together from what the walk over the graph finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..convolution import Convolution
from ..dense import Dense
from ..grid import Grid
from ..network import InputFormat, Layer, OutputFormat
from ..normalisation import BLOCK, NotMonotoneError, Steps, Tie, falls, find_steps, find_ties, real_values
from ..pool import Pool
from ..scalar import Binarise, Chain, Float, Function, Power, Quantise, Step
from ..tensor import TensorType
from ..threshold import Threshold
from ..window import Window
from .model_file import Node
from .scalar_nodes import Refusal
from .symbols import PAD, Codes, Index, Input, Sums, Symbol, per_channel

MAX_EVALUATIONS = 1 << 35
"""Evaluations of one node for one accumulator, over all channels and binarisations of a network: a minute or two."""

COSTLY = 8
"""As how many evaluations that of a function such as an exponential counts."""

Builder = Callable[[str], Layer]
"""Makes a layer of the given name, once the order of the input is settled."""


@dataclass(frozen=True)
class _Planned:
    kind: str
    build: Builder


class Assembly:
    """The layers so far, in order. Each layer takes the codes that the one before gives; anything else is refused."""

    def __init__(self) -> None:
        self.planned: list[_Planned] = []
        self.ties: list[Tie] = []
        self.left = MAX_EVALUATIONS

    @property
    def stage(self) -> int:
        """Number of layers so far."""
        return len(self.planned)

    def names(self) -> list[str]:
        """Names by kind and number: conv1, pool1, conv2, ..."""
        counts: dict[str, int] = {}
        names = []
        for planned in self.planned:
            counts[planned.kind] = counts.get(planned.kind, 0) + 1
            names.append(f"{planned.kind}{counts[planned.kind]}")
        return names

    def layers(self) -> tuple[Layer, ...]:
        """The layers themselves."""
        return tuple(planned.build(name) for planned, name in zip(self.planned, self.names(), strict=True))

    def consume(self, source: Codes | Sums, node: Node) -> None:
        """Note that `node` takes a stream; a second taker would be a branch."""
        stage = source.stage if isinstance(source, Codes) else source.codes.stage
        if source.consumer is not None:
            raise Refusal(f"it takes an activation that also feeds {source.consumer}; branches are not supported")
        if stage != self.stage:
            raise Refusal("it takes an activation from further back; branches are not supported")
        source.consumer = node.name

    def threshold(self, node: Node, symbol: Symbol, codes: Codes) -> Symbol:
        """Binarised pixels."""
        self.consume(codes, node)
        frame, levels = codes.frame, codes.grid.levels
        uniform = all(np.ndim(c) == 0 for step in symbol.chain.steps for c in step.constants)
        rows = 1 if uniform else frame.size
        chain = symbol.chain.map_constants(lambda c: np.asarray(c) if np.ndim(c) == 0 else np.asarray(c)[:, None])
        low, high = np.zeros(rows, np.int64), np.full(rows, levels - 1, np.int64)
        self._about_to_evaluate(chain, low, high, 1)
        grid, steps = _binary_steps(chain, codes.grid.reals, low, high, 1)
        thresholds = np.broadcast_to(steps.thresholds, (frame.size,))
        falling = np.broadcast_to(steps.falling, (frame.size,))
        nodes = tuple(dict.fromkeys(symbol.chain.nodes))

        def build(name: str) -> Layer:
            channels, height, width = frame.shape
            raster = frame.settled.transpose(1, 2, 0)
            return Threshold(name, nodes, TensorType(height, width, channels, levels), thresholds[raster], falling[raster])

        self.planned.append(_Planned("threshold", build))
        self._note_ties(chain, lambda a: codes.grid.values(a) * codes.grid.scale, steps, low, high, 1)
        return Symbol(Codes(frame, self.stage, grid), symbol.index)

    def close(self, node: Node, symbol: Symbol, sums: Sums) -> Symbol:
        """A layer of weights, its poolings and its normalisation, up to the binarisation that ends symbol's chain."""
        self.consume(sums, node)
        befores = [pooling.before for pooling in sums.poolings]
        parts = [*befores, per_channel(symbol.chain, sums.frame)]
        whole = Chain(tuple(step for part in parts for step in part.steps))
        layer = build_layer("", (), sums, None, None)
        low, high = layer.accumulator_range
        stride = layer.accumulator_stride
        scale = sums.scale[:, None]
        self._about_to_evaluate(whole, low, high, stride)
        grid, steps = _binary_steps(whole, lambda a: real_values(a, scale, Chain()), low, high, stride)
        # a falling channel is negated: its bit is 1 from minus the last accumulator below the step on
        thresholds = np.where(steps.falling, stride - steps.thresholds, steps.thresholds)
        nodes = tuple(dict.fromkeys((sums.node.name, *whole.nodes)))
        self.planned.append(
            _Planned(
                "dense" if sums.window is None else "conv",
                lambda name: build_layer(name, nodes, sums, thresholds, steps.falling),
            )
        )
        self._note_ties(whole, lambda a: a * scale, steps, low, high, stride)
        inner = Chain()
        for pooling, part in zip(sums.poolings, befores, strict=True):
            inner = Chain((*inner.steps, *part.steps))
            self._about_to_evaluate(inner, low, high, stride)
            try:
                inner_falls = falls(lambda a, f=inner: real_values(a, scale, f), low, high, stride)  # type: ignore[misc]
            except NotMonotoneError as error:
                raise Refusal(f"what {pooling.node.name} pools before it is not monotone: {error}") from None
            # The maximum over f is f at the largest sum, or at the smallest where f falls. The bit there is the OR of
            # all bits if the whole function and f rise or fall together, and the AND if not.
            self.pool(pooling.node, pooling.window, steps.falling ^ inner_falls)
        return Symbol(Codes(sums.frame, self.stage, grid), symbol.index)

    def pool(self, node: Node, window: Window, every: NDArray[np.bool_]) -> None:
        """Pooling of bits."""
        tensor = TensorType(window.rows.size, window.columns.size, len(every), 2)
        self.planned.append(_Planned("pool", lambda name: Pool(name, (node.name,), tensor, window, every)))

    def scores(self, sums: Sums) -> None:
        """A layer of weights at the network's end."""
        if sums.poolings:
            raise Refusal(f"{sums.poolings[0].node.name} pools the scores; only binary activations can be pooled")
        if sums.codes.stage != self.stage:
            raise Refusal("the output comes from further back; branches are not supported")
        kind = "dense" if sums.window is None else "conv"
        self.planned.append(_Planned(kind, lambda name: build_layer(name, (sums.node.name,), sums, None, None)))

    def _about_to_evaluate(self, chain: Chain, low: NDArray[np.int64], high: NDArray[np.int64], stride: int) -> None:
        """Count what trying all accumulators takes. Raises Refusal where that is too much."""
        evaluations = len(low) * (int((high - low).max()) // stride + 1)
        self.left -= evaluations * (1 + sum(COSTLY if isinstance(step, Function | Power) else 1 for step in chain.steps))
        if self.left < 0:
            raise Refusal(
                f"{evaluations} accumulators of its channels to be tried, each through {len(chain.steps)} nodes; at most "
                f"{MAX_EVALUATIONS} such steps are made for a network"
            )

    def _note_ties(
        self,
        chain: Chain,
        exact: Callable[[NDArray[np.int64]], Float],
        steps: Steps,
        low: NDArray[np.int64],
        high: NDArray[np.int64],
        stride: int,
    ) -> None:
        last = chain.steps[-1]
        if isinstance(last, Binarise):
            before = Chain(chain.steps[:-1])
            threshold = last.threshold.astype(np.float64)
            name = f"{self.names()[-1]} before {last.node}"
            self.ties.extend(find_ties(name, lambda a: before(exact(a)) - threshold, steps, low, high, stride))


def build_layer(
    name: str,
    nodes: tuple[str, ...],
    sums: Sums,
    thresholds: NDArray[np.int64] | None,
    flips: NDArray[np.bool_] | None,
) -> Convolution:
    """The layer of `sums`, with the weights of the channels in `flips` negated."""
    channels, height, width = sums.codes.frame.shape
    tensor = TensorType(height, width, channels, sums.codes.grid.levels)
    weights = sums.weights if flips is None else np.where(flips, -sums.weights, sums.weights).astype(np.int8)
    if sums.window is None:
        return Dense.of(name, nodes, tensor, sums.grid, weights, thresholds)
    return Convolution(name, nodes, tensor, sums.grid, sums.window, weights, thresholds)


def output_format(name: str, symbol: Symbol) -> OutputFormat:
    """How the graph's output follows from the last layer's result."""
    source = symbol.source
    if isinstance(source, Input):
        raise Refusal("no layer stands between the input and the output")
    if symbol.shape[:1] != (1,) or np.any(symbol.index == PAD):
        raise Refusal(f"an output of shape {symbol.shape}, expected a batch in front and no padding")
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
    name: str, shape: tuple[int, ...], view: Index, grid: Grid, quantiser: Chain | None, assumed: bool
) -> InputFormat:
    """How the graph's input becomes the first layer's codes; view: (C, H, W) elements as they are on the stream."""
    channels, height, width = view.shape
    order = view.transpose(1, 2, 0).reshape(-1)
    return InputFormat(name, shape, order, TensorType(height, width, channels, grid.levels), grid, quantiser, assumed)


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
    low, high = _levels(last)
    grid = Grid.fit(np.array([low, high], np.float32))
    if grid is None:
        raise Refusal(f"binary activations of the levels {low:g} and {high:g}")
    return grid


def _binary_steps(
    chain: Chain,
    real: Callable[[NDArray[np.int64]], Float],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    stride: int,
) -> tuple[Grid, Steps]:
    """The grid of the two levels that `chain` ends with, and the steps of its upper level."""
    grid = binary_grid(chain.steps[-1])
    lowest, highest = _levels(chain.steps[-1])
    middle = np.float32(lowest + (highest - lowest) / 2)
    try:
        return grid, find_steps(lambda a: chain(real(a)) > middle, low, high, stride)
    except NotMonotoneError as error:
        turning = _first_not_monotone(chain, real, low, high, stride)
        raise Refusal(f"what comes before it is not monotone from {turning} on: {error}") from None


def _first_not_monotone(
    chain: Chain, real: Callable[[NDArray[np.int64]], Float], low: NDArray[np.int64], high: NDArray[np.int64], stride: int
) -> str:
    """The first node up to which `chain` both rises and falls over one channel's accumulators."""
    rose, fell = np.zeros((2, len(chain.steps), len(low)), bool)
    count = int((high - low).max()) // stride + 1
    width = max(2, BLOCK // len(low))
    for start in range(0, count, width - 1):  # neighbouring blocks share one value
        x = real(np.minimum(low[:, None] + stride * np.arange(start, min(start + width, count)), high[:, None]))
        for number, step in enumerate(chain.steps):
            x = Chain((step,))(x)
            change = np.diff(x, axis=1)
            rose[number] |= (change > 0).any(axis=1)
            fell[number] |= (change < 0).any(axis=1)
    turning = (rose & fell).any(axis=1)
    return chain.steps[int(np.argmax(turning)) if turning.any() else -1].node
