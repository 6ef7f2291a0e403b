"""Small networks with residual sums made from a seed: as golden layers, and as graphs of any exporter's kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.arithmetic.steps import Steps
from sigmabit.golden.layers.concatenation import Concatenation
from sigmabit.golden.layers.few_bits import FewBits
from sigmabit.golden.layers.layer import Layer
from sigmabit.golden.layers.quantiser import Quantiser
from sigmabit.golden.layers.residual import Residual
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.network.network import InputFormat, Network, OutputFormat
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.scalar import Chain
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.layers.folding import Unsuitable
from sigmabit.hdl.planning.kinds import kinds_of
from sigmabit.hdl.planning.plan import Plan

from .onnx_graphs import Builder, normalisation
from .random_networks import Random, draw_plan

PLAIN = Grid(1, 0, 1.0)


@dataclass(frozen=True)
class ResidualCase:
    """A network of one residual sum or a few, one behind the other or one in another, and a plan; the seed draws everything.

    positions: of a row that lie side by side at the entrance, if the network can take so many. whole: sums go on as they are.
    """

    seed: int
    positions: int = 1
    whole: bool = False

    @cached_property
    def network(self) -> Network:
        """The network: the first that is drawn in which one way of each sum is always the later."""
        return next(network for network in map(self._drawn, count()) if _planned(network))

    def _drawn(self, number: int) -> Network:
        random = np.random.default_rng([self.seed, number] if number else self.seed)
        height, width, channels = (int(n) for n in random.integers((2, 2, 1), (6, 6, 4)))
        tensor = TensorType(height, width, channels, Range(0, int(random.choice([1, 3, 10]))))
        layers = tuple((WholeDrawing if self.whole else Drawing)(random).network(tensor))
        result = layers[-1].output
        return Network(
            f"residual_{self.seed}",
            InputFormat("x", (tensor.size,), np.arange(tensor.size), tensor, PLAIN, None),
            layers,
            OutputFormat("y", (result.size,), np.arange(result.size), np.ones((), np.float32), 1, 0, Chain(())),
        )

    @cached_property
    def plan(self) -> Plan:
        """The plan."""
        return draw_plan(self.network, self.seed, positions=self.positions)


def _planned(network: Network) -> bool:
    try:
        kinds_of(network, 1)
    except Unsuitable:
        return False
    return True


class Drawing:
    """Layers, drawn and named one after the other."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.numbers = count(1)

    def network(self, tensor: TensorType) -> Iterator[Layer]:
        """A layer or none, sums, and a dense layer of scores."""
        if self.random.integers(2):
            first = self.layer(tensor, self.axes(tensor, 3), 3)
            yield first
            tensor = first.output
        for _ in range(int(self.random.integers(1, 3))):
            residual = self.residual(tensor, depth=1)
            yield residual
            tensor = residual.output
        yield self.layer(tensor, (Axis(tensor.height, tensor.height), Axis(tensor.width, tensor.width)), 0)

    def residual(self, tensor: TensorType, depth: int) -> Residual:
        """A sum of ways of the same shape: to the same image, to one of half its size, or over a frame's single position."""
        random, stride = self.random, int(random_stride(self.random, tensor))
        channels = int(random.integers(1, 5)) if stride > 1 or random.integers(2) else tensor.channels
        main: list[Layer] = []
        end = tensor
        if depth and random.integers(3) == 0:
            main.append(self.residual(end, depth - 1))
            end = main[-1].output
        kernel = int(random.choice([1, 3, 3]))
        size = _halved(tensor, stride)
        axes = [_same(now, wanted, kernel) for now, wanted in zip((end.height, end.width), size, strict=True)]
        last = self.layer(end, (axes[0], axes[1]), int(random.choice([0, 1, 3])), channels)
        main.append(last)
        if random.integers(2) and last.steps is not None:
            main.append(self.layer(last.output, self.axes(last.output, 3), 3, channels))
        skip: list[Layer] = []
        if stride > 1 or channels != tensor.channels or random.integers(3) == 0:
            kernel = int(random.choice([1, 1, 3]))
            axes = [_same(now, wanted, kernel) for now, wanted in zip((tensor.height, tensor.width), size, strict=True)]
            skip.append(self.layer(tensor, (axes[0], axes[1]), int(random.choice([0, 3, 7])), channels))
        gains = random.choice([-2, -1, 1, 1, 1, 2, 3, 4], (2, channels))
        spread = 4 + int(np.abs(gains).max()) * 8
        steps = Steps(np.sort(random.integers(-spread, spread, (channels, int(random.choice([1, 3, 7])))), axis=1))
        return Residual(f"add{next(self.numbers)}", (), tensor, tuple(main), tuple(skip), gains, steps)

    def axes(self, tensor: TensorType, kernel: int) -> tuple[Axis, Axis]:
        """Those of a window that keeps an image's size."""
        return _same(tensor.height, tensor.height, kernel), _same(tensor.width, tensor.width, kernel)

    def layer(self, tensor: TensorType, axes: tuple[Axis, Axis], steps: int, channels: int = 3) -> FewBits:
        """A layer of weights of a few bits; 0 steps give scores."""
        random, window = self.random, Window(*axes)
        weights = random.integers(-2, 3, (window.rows.kernel, window.columns.kernel, tensor.channels, channels))
        spread = 4 + tensor.high * 2
        thresholds = np.sort(random.integers(-spread, spread, (channels, max(steps, 1))), axis=1)
        ending = Steps(thresholds) if steps else None
        return FewBits(f"conv{next(self.numbers)}", (), tensor, PLAIN, window, weights, ending)


class WholeDrawing(Drawing):
    """Sums of several ways, sums that are the network's result, ways that carry sums; results side by side, of sums or codes, and
    of different numbers of channels. Quantisers where layers take any.
    """

    def network(self, tensor: TensorType) -> Iterator[Layer]:
        layers: list[Layer] = [self.layer(tensor, self.axes(tensor, 3), int(self.random.choice([0, 3])))]
        for _ in range(int(self.random.integers(1, 3))):
            layers.append(self.joined(layers[-1].output, depth=1))
        if self.random.integers(2):
            layers.extend(self.quantised(layers[-1].output))
            end = layers[-1].output
            layers.append(self.layer(end, (Axis(end.height, end.height), Axis(end.width, end.width)), 0))
        yield from layers

    def quantised(self, tensor: TensorType) -> Iterator[Layer]:
        """A quantiser of what is wider than codes are."""
        if tensor.bits > 3 or tensor.signed:
            spread, channels = max(2, tensor.high // 2), tensor.channels
            thresholds = self.random.integers(-spread, spread, (channels, int(self.random.choice([1, 1, 3, 4]))))
            falling = self.random.integers(2, size=channels).astype(bool)
            yield Quantiser(f"quantiser{next(self.numbers)}", (), tensor, Steps(np.sort(thresholds, axis=1)), falling)

    def way(self, tensor: TensorType, size: tuple[int, int], channels: int) -> tuple[Layer, ...]:
        """A quantiser if there are sums, and a layer of scores, or of codes."""
        layers = [*self.quantised(tensor)]
        end, kernel = layers[-1].output if layers else tensor, int(self.random.choice([1, 3]))
        sizes = zip((end.height, end.width), size, strict=True)
        rows, columns = (_same(now, wanted, kernel) for now, wanted in sizes)
        return *layers, self.layer(end, (rows, columns), int(self.random.choice([0, 0, 3])), channels)

    def joined(self, tensor: TensorType, depth: int) -> Residual | Concatenation:
        """Ways of the same size, of which one may be joined of others, behind the fork or instead of a layer."""
        random, stride = self.random, int(random_stride(self.random, tensor))
        channels = int(random.integers(1, 4)) if stride > 1 else tensor.channels
        size = _halved(tensor, stride)
        kind = int(random.integers(3)) if depth else 2
        if kind == 0:  # of three ways
            main: tuple[Layer, ...] = (self.summed(tensor, self.way(tensor, size, channels), self.way(tensor, size, channels)),)
        elif kind == 1:  # a way begins with a sum
            inner = self.joined(tensor, depth - 1)
            end = inner.output
            size, channels = (end.height, end.width), end.channels
            main = (inner, *self.way(end, size, channels))
        else:
            main = self.way(tensor, size, channels)
        alike = (channels, *size) == (tensor.channels, tensor.height, tensor.width)
        if random.integers(3) == 0:
            skip = () if stride == 1 and random.integers(2) else self.way(tensor, size, int(random.integers(1, 4)))
            ways = (main, skip) if random.integers(2) else (skip, main)
            return Concatenation(f"concat{next(self.numbers)}", (), tensor, *ways)
        skip = () if alike and random.integers(4) else self.way(tensor, size, channels)
        return self.summed(tensor, main, skip)

    def summed(self, tensor: TensorType, main: tuple[Layer, ...], skip: tuple[Layer, ...]) -> Residual:
        """The sum of two ways, as it is."""
        gains = self.random.choice([-1, 1, 1, 1, 2, 3], (2, main[-1].output.channels))
        return Residual(f"add{next(self.numbers)}", (), tensor, main, skip, gains, None)


def random_stride(random: Random, tensor: TensorType) -> int:
    """One, or two where an image has the size for it."""
    return int(random.choice([1, 1, 2])) if min(tensor.height, tensor.width) > 2 else 1


def _halved(tensor: TensorType, stride: int) -> tuple[int, int]:
    return -(-tensor.height // stride), -(-tensor.width // stride)


def _same(size: int, wanted: int, kernel: int) -> Axis:
    """An axis that makes so many of a size."""
    stride = 1 if size == wanted else 2
    before = kernel // 2
    return Axis(size, kernel, stride, before, max(0, (wanted - 1) * stride + kernel - size - before))


# --- graphs


@dataclass(frozen=True)
class GraphCase:
    """A graph of residual sums that has been drawn, and frames for it."""

    path: Path
    x: NDArray[np.float32]


class Graph:
    """A graph that is drawn: images of quantised numbers by name, channels and step."""

    def __init__(self, random: Random, shape: tuple[int, int, int]) -> None:
        self.random, self.g = random, Builder(shape)
        self.unit = float(random.choice([0.125, 0.1, 1 / 3, 0.0625]))

    def weights(self, *shape: int) -> str:
        """Quantised weights of one bit to four, in steps that are powers of two."""
        bits = int(self.random.integers(1, 5))
        values = self.random.normal(scale=2.0 ** (bits - 2), size=shape).astype(np.float32)
        if bits == 1:
            return self.g("BipolarQuant", values, 0.5)
        if not np.rint(values / 0.5).any():  # weights of 0 alone are refused
            values.flat[0] = -0.5
        return self.g.quant(values, bits, 0.5, narrow=int(self.random.integers(2)))

    def quantised(self, y: str, scale: float) -> str:
        """Two bits to four, signed or not."""
        signed = int(self.random.integers(2))
        y = y if signed else self.g("Relu", y)
        return self.g.quant(y, int(self.random.integers(2, 5)), scale, signed=signed, rounding_mode=str(self.rounding()))

    def rounding(self) -> str:
        """Any that QONNX has."""
        return str(self.random.choice(["ROUND", "ROUND", "FLOOR", "CEIL"]))

    def conv(self, y: str, inputs: int, outputs: int, kernel: int, stride: int) -> str:
        """A convolution and a normalisation."""
        pads = [kernel // 2] * 4
        y = self.g("Conv", y, self.weights(outputs, inputs, kernel, kernel), pads=pads, strides=[stride, stride])
        return self.g("BatchNormalization", y, *normalisation(self.random, outputs, 1.5))

    def way(self, y: str, inputs: int, outputs: int, stride: int, scale: float, layers: int, kernel: int) -> str:
        """So many convolutions, quantised each; the last to the given step."""
        for number in range(layers):
            last = number == layers - 1
            y = self.conv(y, inputs, outputs, kernel, stride if number == 0 else 1)
            y = self.quantised(y, scale if last else float(self.random.choice([0.5, 0.25])))
            inputs = outputs
        return y

    def residual(self, y: str, channels: int, scale: float, stride: int, depth: int) -> tuple[str, int, float]:
        """A sum of two ways of an image of so many channels in such steps: the name, channels and steps of its codes."""
        random = self.random
        outputs = int(random.integers(2, 5)) if stride > 1 or random.integers(2) else channels
        main, wide, step, first = y, channels, scale, stride
        if depth and random.integers(3) == 0:
            main, wide, step = self.residual(main, wide, step, 1, depth - 1)
        main_step = scale * float(random.choice([1, 0.5, 2, 3, 0.75]))
        main = self.way(main, wide, outputs, first, main_step, int(random.integers(1, 3)), int(random.choice([1, 3, 3])))
        skip = y
        if stride > 1 or outputs != channels or random.integers(4) == 0:
            skip = self.way(
                y, channels, outputs, stride, scale * float(random.choice([1, 2, 0.25])), 1, int(random.choice([1, 1, 3]))
            )
        pair = (main, skip) if random.integers(2) else (skip, main)
        total = self.g("Sub" if random.integers(4) == 0 else "Add", *pair)
        # a step on which no sum lies in the middle between two codes
        found = scale * float(random.choice([0.9, 1.3, 1.7]))
        bits, signed = int(random.integers(1, 5)), int(random.integers(2))
        if bits == 1:
            total = self.g("BipolarQuant", self.g("Add", total, 0.37 * scale), found)
            return total, outputs, found
        return self.g.quant(total if signed else self.g("Relu", total), bits, found, signed=signed), outputs, found


class WholeGraph(Graph):
    """Sums that no quantiser takes before the next one does."""

    def bare(self, y: str, inputs: int, outputs: int, kernel: int, stride: int) -> str:
        """A convolution, perhaps scaled."""
        pads = [kernel // 2] * 4
        y = self.g("Conv", y, self.weights(outputs, inputs, kernel, kernel), pads=pads, strides=[stride, stride])
        if self.random.integers(3) == 0:
            y = self.g("Mul", y, float(self.random.choice([-1.0, 2.0, 0.5])))
        if self.random.integers(4) == 0:
            y = self.g("Add", y, self.random.integers(-3, 4, (outputs, 1, 1)) * 0.25)
        return y

    def coded(self, y: str) -> str:
        """A quantiser of a sum, which lies beside its thresholds: a bit, or a few. Now and then the step is no power of two."""
        y = self.g("Add", y, 0.0371)
        kind, odd = int(self.random.integers(3)), self.random.integers(12) == 0
        if kind == 0:
            return self.g("BipolarQuant", y, 0.5)
        if kind == 1:
            y = self.g("Mul", y, float(self.random.choice([-0.5, 0.25])))
        return self.g.quant(y, int(self.random.integers(2, 4)), 0.6 if odd else float(self.random.choice([0.5, 1.0, 2.0])))

    def way(self, y: str, inputs: int, outputs: int, stride: int, coded: bool = False) -> str:  # type: ignore[override]
        """A quantiser, unless there are codes, and a convolution."""
        return self.bare(y if coded else self.coded(y), inputs, outputs, int(self.random.choice([1, 3])), stride)

    def summed(self, first: str, second: str) -> str:
        """Either before the other."""
        pair = (first, second) if self.random.integers(2) else (second, first)
        return self.g("Sub" if self.random.integers(4) == 0 else "Add", *pair)

    def block(self, y: str, inputs: int, outputs: int, stride: int, depth: int, coded: bool = False) -> str:
        """A sum of two ways or three, or with a sum in one of them. coded: of codes, which all ways take; sums only one may take,
        and the others codes of them.
        """
        identity = stride == 1 and inputs == outputs and bool(self.random.integers(4))
        if not identity and not coded:
            y, coded = self.coded(y), True
        kind = int(self.random.integers(3)) if depth else 2
        if kind == 0:
            main = self.summed(*(self.way(y, inputs, outputs, stride, coded) for _ in range(2)))
        elif kind == 1:
            main = self.way(self.block(y, inputs, outputs, stride, 0, coded), outputs, outputs, 1)
        else:
            main = self.way(y, inputs, outputs, stride, coded)
        return self.summed(main, y if identity else self.way(y, inputs, outputs, stride, coded))

    def beside(self, y: str, channels: int, size: int, depth: int = 1) -> tuple[str, int]:
        """A tensor, or a layer of its, beside a layer of its, of other steps, or beside such again: the name, and channels."""
        y = self.coded(y)
        ways, count = [y], channels
        if self.random.integers(2):
            ways, count = [self.coded(self.way(y, channels, 2, 1, coded=True))], 2
        for _ in range(int(self.random.integers(1, 3))):
            more = int(self.random.integers(1, 3))
            way = self.coded(self.way(y, channels, more, 1, coded=True))
            if self.random.integers(3) == 0:
                way = self.g("Mul", way, float(self.random.choice([-1.0, 0.5, 2.0])))
            ways.append(way)
            count += more
        order = self.random.permutation(len(ways))
        y = self.g("Concat", *(ways[i] for i in order), axis=int(self.random.choice([1, -3])))
        if depth and self.random.integers(3) == 0:
            y, count = self.beside(self.way(y, count, 2, 1, coded=True), 2, size, 0)
        return y, count


def draw_beside(seed: int, folder: Path, frames: int = 24) -> GraphCase:
    """Pixels of 2 bits to 4, a convolution, channels side by side, a sum of them with a layer of theirs, a dense layer."""
    random = np.random.default_rng(seed)
    channels, size = int(random.integers(1, 3)), int(random.integers(3, 6))
    drawn = WholeGraph(random, (channels, size, size))
    levels, drawn.unit = int(random.choice([2, 4])), 0.1 if random.integers(5) == 0 else 0.25
    y, unit = drawn.g.quant("x", levels, drawn.unit, signed=0), drawn.unit
    y, channels = drawn.beside(drawn.bare(y, channels, 2, 3, 1), 2, size)
    if random.integers(2):
        y = drawn.coded(drawn.block(y, channels, channels, 1, 1, coded=True))
    y = drawn.g("MatMul", drawn.g("Flatten", y), drawn.weights(channels * size * size, 3))
    path = drawn.g.save(folder / f"beside_{seed}.onnx", y)
    return GraphCase(path, random.uniform(-unit, unit * 2**levels, (frames, *shape_of(drawn))).astype(np.float32))


def draw_whole_graph(seed: int, folder: Path, frames: int = 24) -> GraphCase:
    """Pixels of 2 bits to 4, a convolution, sums; these are the result, or a quantiser and a dense layer follow."""
    random = np.random.default_rng(seed)
    channels, size = int(random.integers(1, 3)), int(random.integers(3, 6))
    drawn = WholeGraph(random, (channels, size, size))
    levels, drawn.unit = int(random.choice([2, 4])), 0.1 if random.integers(5) == 0 else 0.25
    y, unit = drawn.g.quant("x", levels, drawn.unit, signed=0), drawn.unit
    y = drawn.bare(y, channels, 3, 3, 1)
    channels, outputs = 3, 3
    for _ in range(int(random.integers(1, 3))):
        stride = int(random.choice([1, 1, 2]))
        outputs = int(random.integers(2, 4)) if stride > 1 else channels
        y = drawn.block(y, channels, outputs, stride, 1)
        channels, size = outputs, -(-size // stride)
    if random.integers(2):
        y = drawn.g("MatMul", drawn.g("Flatten", drawn.coded(y)), drawn.weights(channels * size * size, 3))
    path = drawn.g.save(folder / f"whole_{seed}.onnx", y)
    return GraphCase(path, random.uniform(-unit, unit * 2**levels, (frames, *shape_of(drawn))).astype(np.float32))


def draw_graph(seed: int, folder: Path, frames: int = 24) -> GraphCase:
    """Pixels of 2 bits to 8, a convolution or none, a sum or a few, a dense layer."""
    random = np.random.default_rng(seed)
    channels, size = int(random.integers(1, 4)), int(random.integers(3, 7))
    drawn = Graph(random, (channels, size, size))
    levels, unit = int(random.choice([2, 4, 8])), drawn.unit
    y, scale, height = drawn.g.quant("x", levels, unit, signed=0), unit, size
    if levels == 8 or random.integers(2):
        scale = float(random.choice([0.5, 0.3]))
        y = drawn.quantised(drawn.conv(y, channels, 3, 3, 1), scale)
        channels = 3
    for _ in range(int(random.integers(1, 3))):
        stride = int(random.choice([1, 1, 2]))
        y, channels, scale = drawn.residual(y, channels, scale, stride, 1)
        height = -(-height // stride)
    y = drawn.g("MatMul", drawn.g("Flatten", y), drawn.weights(channels * height * height, 3))
    path = drawn.g.save(folder / f"residual_{seed}.onnx", y)
    return GraphCase(path, random.uniform(-unit, unit * 2**levels, (frames, *shape_of(drawn))).astype(np.float32))


def shape_of(drawn: Graph) -> tuple[int, ...]:
    """Of the input, without the batch."""
    dims = drawn.g.inputs[0].type.tensor_type.shape.dim
    return tuple(int(d.dim_value) for d in dims[1:])
