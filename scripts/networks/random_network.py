"""Networks of a shipped shape with seeded weights, and normalisations that keep every channel of every layer balanced.

Speed does not depend on what the weights are, and area hardly does; but in a network whose channels never change a wrong weight
would not be noticed. So each channel is normalised about the median of its sums over some images: half of its bits are ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from . import binary_weights
from .shapes import POOL, Affine, Conv, Dense, Normalise, Pool, Shape, Sign, Whole

OPSET = 13
IR_VERSION = 8
EPSILON = 1e-5
QONNX = "qonnx.custom_op.general"
IMAGES = 64
"""Synthetic images that the medians are taken over."""

SCALES = (8, 4, 2, 1)
"""Sizes of the blocks of noise that a synthetic image is the sum of, each as strong as it is large."""

Values = NDArray[np.float32]
"""(N, height, width, channels) whole numbers. Sums of up to 2**24 are exact in float32, in whatever order they are added."""


@dataclass(frozen=True, eq=False)
class RandomNetwork:
    """A network in plain ONNX (QONNX where its input is quantised), and for each binarisation the fraction of ones."""

    model: onnx.ModelProto
    ones: tuple[float, ...]


def random_network(
    name: str,
    shape: Shape,
    seed: int,
    codes: NDArray[np.integer] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> RandomNetwork:
    """A network of `shape`; the same seed and the same images give the same file, byte for byte.

    codes: (N, channels, height, width) pixels from 0 to 255 (below 2**bits for an input of whole numbers) to take the medians
    over, instead of synthetic ones; the weights are the same with any. They are stored as one bit each.
    progress: is told of layers done, of how many.
    """
    if codes is None:
        codes = synthetic(shape, np.random.default_rng((seed, 1)))
    return _Builder(name, shape, np.random.default_rng((seed, 0)), codes).network(progress)


def synthetic(shape: Shape, generator: np.random.Generator, count: int = IMAGES) -> NDArray[np.int64]:
    """(N, channels, height, width) pixels: noise at all scales, the coarse one strongest, as in photographs."""
    channels, height, width = shape.input
    total = np.zeros((count, *shape.input), np.int64)
    for scale in SCALES:
        size = (count, channels, -(-height // scale), -(-width // scale))
        blocks = generator.integers(0, shape.levels, size).repeat(scale, axis=2).repeat(scale, axis=3)
        total += scale * blocks[:, :, :height, :width]
    return total // sum(SCALES)


def taps(kernel: NDArray[np.float32]) -> Iterator[tuple[tuple[int, int], NDArray[np.float32]]]:
    """For each (row, column) of a kernel (outputs, inputs, rows, columns), its matrix (inputs, outputs).

    As a copy: NumPy leaves products with views that have no unit stride to loops of its own instead of BLAS, or copies them again
    for each row of pixels.
    """
    matrices = np.ascontiguousarray(kernel.transpose(2, 3, 1, 0))
    for place in np.ndindex(kernel.shape[2:]):
        yield place, matrices[place]


class _Builder:
    """One network on its way: the graph so far, and what it makes of the images."""

    def __init__(self, name: str, shape: Shape, generator: np.random.Generator, codes: NDArray[np.integer]) -> None:
        self.name, self.shape, self.generator = name, shape, generator
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.counts: dict[str, int] = {}
        self.values: Values = codes.transpose(0, 2, 3, 1).astype(np.float32)
        self.scale = 1 / 255 if shape.bits is None else 1.0
        self.flow = "image"
        self.ones: list[float] = []
        self.constants.append(binary_weights.table())

    def network(self, progress: Callable[[int, int], None]) -> RandomNetwork:
        """The finished network."""
        for position, layer in enumerate(self.shape.layers):
            progress(position, len(self.shape.layers))
            match layer:
                case Affine():
                    self.affine(layer)
                case Whole():
                    self.whole(layer)
                case Conv():
                    self.conv(layer)
                case Dense():
                    self.dense(layer)
                case Pool():
                    self.pool()
                case Normalise():
                    self.normalise(last=position + 1 == len(self.shape.layers))
                case Sign():
                    self.sign()
        graph = helper.make_graph(
            self.nodes,
            self.name,
            [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["N", *self.shape.input])],
            [helper.make_tensor_value_info(self.flow, onnx.TensorProto.FLOAT, ["N", self.values.shape[-1]])],
            self.constants,
        )
        opsets = [helper.make_opsetid("", OPSET)]
        if self.shape.bits is not None:
            opsets.append(helper.make_opsetid(QONNX, 1))
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return RandomNetwork(model, tuple(self.ones))

    def constant(self, name: str, values: object, dtype: type[np.generic] = np.float32) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def fresh(self, kind: str) -> str:
        """A name by kind and number: conv1, sign1, conv2, ..."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{kind}{self.counts[kind]}"

    def affine(self, layer: Affine) -> None:
        gain, offset = self.constant("gain", layer.gain), self.constant("offset", layer.offset)
        self.flow = self.node("Add", [self.node("Mul", [self.flow, gain], "scaled"), offset], "centred")
        self.values = np.float32(layer.gain) * self.values + np.float32(round(layer.offset / self.scale))

    def whole(self, layer: Whole) -> None:
        constants = [self.constant(n, v) for n, v in (("step", 1.0), ("zero_point", 0.0), ("bits", float(layer.bits)))]
        about = {"signed": 0, "narrow": 0, "rounding_mode": "ROUND", "domain": QONNX}
        self.flow = self.node("Quant", [self.flow, *constants], "whole", **about)

    def weights(self, name: str, shape: tuple[int, ...]) -> tuple[str, Values]:
        """Weights that the graph unfolds from bytes: the tensor's name, and the numbers."""
        bits = self.generator.integers(0, 256, math.prod(shape) // 8, np.uint8)
        constants, nodes = binary_weights.unfolded(f"{name}.weight", bits, shape)
        self.constants += constants
        self.nodes += nodes
        return f"{name}.weight", binary_weights.unpack(bits, shape)

    def conv(self, layer: Conv) -> None:
        name = self.fresh("conv")
        tensor, signs = self.weights(name, (layer.outputs, layer.inputs, layer.kernel, layer.kernel))
        self.flow = self.node("Conv", [self.flow, tensor], name, kernel_shape=[layer.kernel] * 2, pads=[layer.padding] * 4)
        margin = (layer.padding, layer.padding)
        padded = np.pad(self.values, ((0, 0), margin, margin, (0, 0)))
        height, width = (size - layer.kernel + 1 for size in padded.shape[1:3])
        sums = np.zeros((len(padded), height, width, layer.outputs), np.float32)
        for (row, column), matrix in taps(signs):
            sums += padded[:, row : row + height, column : column + width] @ matrix
        self.values = sums

    def dense(self, layer: Dense) -> None:
        name = self.fresh("dense")
        if "flat" not in self.counts:
            self.flow = self.node("Flatten", [self.flow], self.fresh("flat"), axis=1)
        tensor, signs = self.weights(name, (layer.inputs, layer.outputs))
        self.flow = self.node("MatMul", [self.flow, tensor], name)
        flat = self.values.transpose(0, 3, 1, 2).reshape(len(self.values), -1)
        self.values = (flat @ signs)[:, None, None]

    def pool(self) -> None:
        self.flow = self.node("MaxPool", [self.flow], self.fresh("pool"), kernel_shape=[POOL] * 2, strides=[POOL] * 2)
        frames, height, width, channels = self.values.shape
        rows, columns = height // POOL, width // POOL
        tiles = self.values[:, : rows * POOL, : columns * POOL].reshape(frames, rows, POOL, columns, POOL, channels)
        self.values = tiles.max(axis=(2, 4))

    def normalise(self, last: bool) -> None:
        """gamma * (x - mean) / sqrt(variance + epsilon) + beta is zero half a step above the median, where no sum is."""
        name = self.fresh("norm")
        channels = self.values.shape[-1]
        sums = self.values.reshape(-1, channels)
        half = (len(sums) - 1) // 2
        middle = np.partition(sums.T, half)[:, half].astype(np.float64)
        away = sums - middle
        variance = np.maximum((away**2).mean(axis=0), 1.0) * self.scale**2
        gamma = self.generator.integers(64, 128, channels) / 64
        beta = self.generator.integers(-32, 33, channels) / 64
        if not last:
            gamma *= self.generator.choice([-1, 1], channels)
        mean = (middle + 0.5) * self.scale + beta * np.sqrt(variance + EPSILON) / gamma
        constants = [("gamma", gamma), ("beta", beta), ("mean", mean), ("variance", variance)]
        inputs = [self.flow, *(self.constant(f"{name}.{suffix}", values) for suffix, values in constants)]
        self.flow = self.node("BatchNormalization", inputs, name, epsilon=EPSILON)
        self.values = np.where(gamma > 0, away - 0.5, 0.5 - away).reshape(self.values.shape).astype(np.float32)

    def sign(self) -> None:
        """Not ONNX's Sign, which leaves zero as it is."""
        name = self.fresh("sign")
        if name == "sign1":
            for constant, value in (("zero", 0.0), ("plus", 1.0), ("minus", -1.0)):
                self.constant(constant, value)
        bit = self.node("GreaterOrEqual", [self.flow, "zero"], f"{name}.bit")
        self.flow = self.node("Where", [bit, "plus", "minus"], name)
        bits = self.values >= 0
        self.ones.append(float(bits.mean()))
        self.values = np.where(bits, np.float32(1), np.float32(-1))
        self.scale = 1.0
