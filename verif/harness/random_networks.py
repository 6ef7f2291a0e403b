"""Small networks made from a seed, and foldings of any network made from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.arithmetic.steps import Steps
from sigmabit.golden.layers.concatenation import Concatenation
from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.dense import Dense
from sigmabit.golden.layers.few_bits import FewBits
from sigmabit.golden.layers.layer import Layer
from sigmabit.golden.layers.pool import Pool
from sigmabit.golden.layers.quantiser import Quantiser
from sigmabit.golden.layers.residual import Residual
from sigmabit.golden.layers.shuffle import Shuffle
from sigmabit.golden.layers.threshold import Threshold
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.network.network import InputFormat, Network, OutputFormat
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import BITS, Range
from sigmabit.golden.types.scalar import Chain
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.layers.folding import Folding, Unsuitable
from sigmabit.hdl.layers.weighted import Weighted
from sigmabit.hdl.planning.kinds import kinds_of
from sigmabit.hdl.planning.plan import Plan, make_plan

from .layers import BIPOLAR_BITS, Numbers, naive

Random = np.random.Generator

FIRST = (
    BIPOLAR_BITS,
    Numbers(Range(0, 3), Grid(2, -3, 1.0)),
    Numbers(Range(0, 10), Grid(1, 0, 1.0)),
    Numbers(Range(0, 255), Grid(1, 0, 1.0)),
)
"""What a network begins with."""


def draw_folding(kind: Weighted, random: Random) -> Folding:
    """Any folding that suits a layer."""
    layer, whole = kind.layer, kind.whole
    groups = [n for n in range(1, whole + 1) if whole % n == 0]
    group = int(random.choice(groups if layer.dense else [1, whole] if kind.positions == 1 else [whole]))
    slices = [n for n in range(1, kind.divided + 1) if kind.divided % n == 0]
    sliced = 1 if layer.dense and group > 1 else int(random.choice(slices))
    return Folding(group, sliced, int(random.integers(1, layer.channels + 1)), bool(random.integers(2)))


def draw_hastened(kind: Weighted, folding: Folding, random: Random) -> Folding:
    """A folding, or what gives its results sooner, where anything does."""
    each = [folding, *kind.hastened(folding)]
    return each[random.integers(len(each))]


def draw_plan(network: Network, seed: int, samples: int = 1, positions: int = 1, wide: int = 1) -> Plan:
    """Any plan: each layer folded at random, at the least interval or a slower one; so many positions side by side, and behind
    each shuffle some number up to `wide`, or as many as the layers can take.
    """
    random = np.random.default_rng(seed)
    positions = min(positions, network.input.tensor.width)
    behind = draw_places(network, wide, np.random.default_rng([seed, wide]))
    try:
        kinds = kinds_of(network, positions, behind)
    except Unsuitable:
        return draw_plan(network, seed, samples, max(positions - 1, 1), max(wide - 1, 1))
    weighted = {name: kind for name, kind in kinds.items() if isinstance(kind, Weighted)}
    foldings = {name: draw_folding(kind, random) for name, kind in weighted.items()}
    haste = np.random.default_rng([seed, 17])
    foldings = {name: draw_hastened(weighted[name], folding, haste) for name, folding in foldings.items()}
    plan = make_plan(network, foldings, "xc7vx690t", 200.0, samples=samples, positions=positions, wide=behind)
    slack = int(random.choice([0, 0, 1, 17]))
    if not slack:
        return plan
    return make_plan(network, foldings, "xc7vx690t", 200.0, plan.interval + slack, samples, positions=positions, wide=behind)


def draw_places(network: Network, most: int, random: Random) -> dict[str, int]:
    """Up to so many positions side by side behind each shuffle."""
    shuffles = [layer for layer in network.layers if isinstance(layer, Shuffle)]
    return {layer.name: int(random.integers(1, min(most, layer.width) + 1)) for layer in shuffles}


@dataclass(frozen=True)
class NetworkCase:
    """A network of a few small layers, and a plan for it; the seed draws everything from shapes to folding.

    positions: of a row that lie side by side at the entrance, if the network can take so many.
    """

    seed: int
    positions: int = 1

    @cached_property
    def network(self) -> Network:
        """The network."""
        random = np.random.default_rng(self.seed)
        height, width, channels = (int(n) for n in random.integers((2, 2, 1), (7, 7, 4)))
        numbers = FIRST[random.integers(4)]
        tensor = TensorType(height, width, channels, numbers.codes)
        layers = tuple(_layers(tensor, numbers, random))
        result = layers[-1].output.layout
        size = result.height * result.width * result.channels
        order = np.arange(tensor.size)
        return Network(
            f"network_{self.seed}",
            InputFormat("x", (tensor.size,), order, tensor, numbers.grid, None),
            layers,
            OutputFormat("y", (size,), np.arange(size), np.ones((), np.float32), 1, 0, Chain(())),
        )

    @cached_property
    def plan(self) -> Plan:
        """The plan."""
        return draw_plan(self.network, self.seed, positions=self.positions)


def _layers(tensor: TensorType, numbers: Numbers, random: Random) -> Iterator[Layer]:
    if tensor.codes.levels > 2 and random.integers(3) == 0:
        thresholds = random.integers(0, tensor.codes.levels + 1, tensor.shape)
        yield Threshold("sign0", (), tensor, thresholds, random.integers(0, 2, tensor.shape).astype(bool))
        tensor, numbers = TensorType(*tensor.shape, BITS), BIPOLAR_BITS
    convolutions, denses = int(random.integers(0, 3)), int(random.integers(0, 3))
    last = convolutions + denses - 1
    for number in range(convolutions):
        window = Window(_axis(tensor.height, random), _axis(tensor.width, random))
        shape = (window.rows.kernel, window.columns.kernel, tensor.channels, int(random.integers(1, 6)))
        weights = random.choice(np.array([-1, 1], np.int8), shape)
        scores = number == last and bool(random.integers(4))
        layer = Convolution(
            f"conv{number}", (), tensor, numbers.grid, window, weights, None if scores else _thresholds(weights, numbers, random)
        )
        yield layer
        if scores:
            return
        tensor, numbers = layer.output, BIPOLAR_BITS
        if random.integers(2):
            pool = Pool(
                f"pool{number}",
                (),
                tensor,
                Window(_pool_axis(tensor.height, random), _pool_axis(tensor.width, random)),
                random.integers(0, 2, tensor.channels).astype(bool),
            )
            yield pool
            tensor = pool.output
    for number in range(max(denses, 0 if convolutions else 1)):
        weights = random.choice(np.array([-1, 1], np.int8), (tensor.size, int(random.integers(1, 8))))
        scores = convolutions + number >= last and bool(random.integers(4))
        dense = Dense.of(
            f"dense{number}", (), tensor, numbers.grid, weights, None if scores else _thresholds(weights, numbers, random)
        )
        yield dense
        if scores:
            return
        tensor, numbers = dense.output, BIPOLAR_BITS


def _thresholds(weights: NDArray[np.int8], numbers: Numbers, random: Random) -> NDArray[np.int64]:
    spread = 1 + int(np.sqrt(weights[..., 0].size)) * numbers.largest
    thresholds: NDArray[np.int64] = random.integers(-spread, spread + 1, weights.shape[-1:])
    return thresholds


def _axis(size: int, random: Random) -> Axis:
    """Kernels up to 3, strides up to 3, padding wider than the kernel too."""
    kernel = int(random.integers(1, 4))
    before, after = (int(n) for n in random.integers(0, kernel + 2, 2))
    return Axis(size, kernel, int(random.integers(1, 4)), before, after) if kernel <= size + before + after else Axis(size, 1)


def _pool_axis(size: int, random: Random) -> Axis:
    """An axis on which every window has an input, and no two end at the same one."""
    while True:
        axis = _axis(size, random)
        ends = {axis.last(output) for output in range(axis.outputs)}
        if max(axis.before, axis.after) < axis.kernel and len(ends) == axis.outputs:
            return axis


def naive_network(network: Network, frame: NDArray[np.int64]) -> list[list[int]]:
    """The results of one frame (height, width, channels) in raster order, by loops over everything."""
    frame = naive_layers(network.layers, frame)
    return frame.reshape(-1, frame.shape[-1]).tolist()  # type: ignore[no-any-return]


def naive_layers(layers: Sequence[Layer], frame: NDArray[np.int64]) -> NDArray[np.int64]:
    """What a chain of layers makes of one frame."""
    for layer in layers:
        shape = layer.output.shape
        if isinstance(layer, Threshold):
            frame = np.array(
                [int(c >= k) ^ f for c, k, f in zip(frame.flat, layer.thresholds.flat, layer.falling.flat, strict=True)]
            )
        elif isinstance(layer, Pool):
            rows, columns = layer.window.rows, layer.window.columns
            seen = [frame[_inside(rows, y), _inside(columns, x)] for y in range(rows.outputs) for x in range(columns.outputs)]
            frame = np.array([[min(c.flat) if e else max(c.flat) for c, e in zip(s.T, layer.every, strict=True)] for s in seen])
        elif isinstance(layer, Residual):
            main, skip = (naive_layers(way, frame).reshape(-1, shape[-1]).tolist() for way in layer.ways)
            first, second = layer.gains.tolist()
            sums = [
                [f * a + s * b for f, s, a, b in zip(first, second, *row, strict=True)] for row in zip(main, skip, strict=True)
            ]
            frame = np.array(sums if layer.steps is None else _reached(layer.steps, sums), np.int64)
        elif isinstance(layer, Concatenation):
            ways = [naive_layers(way, frame) for way in layer.ways]
            frame = np.array([[*main, *skip] for main, skip in zip(*(w.reshape(-1, w.shape[-1]) for w in ways), strict=True)])
        elif isinstance(layer, Quantiser):
            signs = [-1 if falls else 1 for falls in layer.falling]
            sums = [[s * a for s, a in zip(signs, row, strict=True)] for row in frame.reshape(-1, shape[-1]).tolist()]
            frame = np.array(_reached(layer.steps, sums), np.int64)
        else:
            assert isinstance(layer, Convolution | FewBits)
            frame = np.array(naive(layer, frame), np.int64)
        frame = frame.reshape(shape)
    return frame


def _reached(steps: Steps, sums: list[list[int]]) -> list[list[int]]:
    return [[sum(a >= t for t in ts) for a, ts in zip(row, steps.thresholds.tolist(), strict=True)] for row in sums]


def _inside(axis: Axis, output: int) -> slice:
    start = output * axis.stride - axis.before
    return slice(max(start, 0), start + axis.kernel)
