"""Networks of a few bits, drawn from a seed: weights and activations of one bit to eight, each layer its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from ..harness import random_graphs
from ..harness.onnx_graphs import Builder, Operand
from .case import Case

ROUNDINGS = ("ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
"""Of QONNX."""


class FewBitDrawing(random_graphs.Drawing):
    """One graph of which nothing is to be refused. Quantisers stand where a binary network has binarisations."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.kind: int = TensorProto.FLOAT

    def case(self, folder: Path) -> Case:
        """The case, its file in `folder`."""
        path = folder / f"few_bits_{self.seed}.onnx"
        sample = self.sample(path)
        return Case(self.seed, path, sample.x, sample.input_scale)

    def builder(self) -> Builder:
        """Now and then for an input over one dimension."""
        if self.convolutions and not self.nhwc and self.chance(5):
            channels, height, width = self.shape
            self.shape = self.fed = (channels, height + width)
        return super().builder()

    def finish(self, path: Path) -> Path:
        if len(self.shape) == 1 and self.chance(3):
            self.choice()
        return self.g.save(path, self.x, kind=self.kind)

    # quantisers

    def input(self) -> tuple[np.ndarray, float | None]:
        """Pixels that the file quantises, or bytes."""
        if self.chance(4):
            return super().input()
        if self.nhwc:
            self.apply("Transpose", perm=[0, 3, 1, 2])
        frames = self.random.normal(scale=1.5, size=(random_graphs.FRAMES, *self.fed)).astype(np.float32)
        self.quantiser(int(self.random.integers(2, 9)))
        if self.chance(4):
            self.quantiser(int(self.random.integers(2, 5)))
        self.magnitude = 1.5
        return frames, None

    def binarisation(self) -> None:
        """Any quantiser behind any clip, and perhaps one more behind it."""
        if self.chance(3):
            self.apply("Relu")
        elif self.chance(4):
            self.apply("Clip", -1.0, self.pick(1.0, 2.5))
        if self.chance(6):
            super().binarisation()
        else:
            self.quantiser(int(self.random.integers(2, 6)))
            if self.chance(6):
                self.quantiser(int(self.random.integers(2, 4)))
        self.magnitude = 0.8
        if self.chance(4):
            self.apply("Mul", self.pick(-1.0, 0.25, 3.0))

    def quantiser(self, bits: int) -> None:
        """One of some bits, about as wide as what comes is."""
        scale = float(self.pick(2.0, 2.7, 4.0)) / (1 << bits)
        kinds = ["linear"] if self.standard else ["linear", "quant", "quant", "newer", "threshold"]
        match self.pick(*kinds):
            case "linear":
                self.linear(bits, scale)
            case "threshold":
                self.thresholds(bits, scale)
            case kind:
                mode, signed = self.pick(*ROUNDINGS), int(self.random.integers(2))
                zero, narrow = self.pick(0, 0, 1, -1), int(self.random.integers(2))
                self.x = self.g.quant(self.x, bits, scale, zero, signed=signed, narrow=narrow, rounding_mode=mode)
                if kind == "newer" and self.g.domain.startswith("qonnx"):
                    self.g.nodes[-1].op_type = "IntQuant"
                if zero == 0 and bits > 2 and self.g.domain.startswith("qonnx") and self.chance(6):
                    mode = self.pick("FLOOR", "ROUND", "CEIL")
                    self.apply("Trunc", scale, 0.0, float(bits), float(bits - 1), rounding_mode=mode)

    def linear(self, bits: int, scale: float) -> None:
        """QuantizeLinear, for fewer than eight bits a Clip, and DequantizeLinear."""
        signed = self.chance(2)
        kind, half = (np.int8, 1 << (bits - 1)) if signed else (np.uint8, 0)
        zero = np.array(self.pick(0, 0, 1, -1 if signed else 3), kind)
        self.apply("QuantizeLinear", scale, zero)
        if bits < 8:
            low, high = (-half, half - 1) if signed else (0, (1 << bits) - 1)
            self.apply("Clip", np.array(low, kind), np.array(high, kind))
        self.apply("DequantizeLinear", scale, zero)

    def thresholds(self, bits: int, scale: float) -> None:
        """MultiThreshold of any number of steps."""
        steps = int(self.random.integers(2, 1 << bits))
        each = self.pick(1, self.shape[0])
        found = np.sort(self.random.normal(size=(each, steps)), axis=1)
        layout = "NCHW" if len(self.shape) > 1 else "NC"
        attributes: dict[str, Any] = {"out_scale": self.pick(scale, -scale), "out_bias": self.pick(0.0, -1.0)}
        self.apply("MultiThreshold", found, out_dtype="INT32", data_layout=layout, **attributes)

    # layers

    def convolution(self, last: bool) -> None:
        """Now and then in groups or dilated, behind an average, or behind ways that meet."""
        if self.chance(3):
            self.average()
        if self.chance(3):
            self.ways()
        if len(self.shape) == 3 and self.chance(2):
            super().convolution(last)
            return
        channels, *size = self.shape
        groups = int(self.pick(*(n for n in range(1, channels + 1) if channels % n == 0)))
        outputs = groups * int(self.random.integers(1, 4))
        kernel = [int(n) for n in self.random.integers(1, [min(n, 3) + 1 for n in size])]
        dilations = [int(self.pick(1, 2)) if 2 * (k - 1) < n else 1 for k, n in zip(kernel, size, strict=True)]
        pads = [int(n) for n in self.random.integers(0, [*kernel, *kernel])]
        weights = self.weights((outputs, channels // groups, *kernel), 0)
        self.apply("Conv", weights, group=groups, dilations=dilations, pads=pads)
        wide = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
        ends = zip(size, pads[: len(size)], pads[len(size) :], wide, strict=True)
        self.shape = (outputs, *(n + before + after - k + 1 for n, before, after, k in ends))
        self.magnitude *= np.sqrt(channels // groups * np.prod(kernel))
        self.normalise()
        if not last or self.chance(2):
            self.binarisation()
            self.pool(self.chance(3))

    def pool(self, wanted: bool) -> None:
        if len(self.shape) == 3:
            super().pool(wanted)
        elif wanted and self.shape[1] > 2:
            stride = int(self.pick(1, 2))
            self.apply("MaxPool", kernel_shape=[2], strides=[stride])
            self.shape = (self.shape[0], (self.shape[1] - 2) // stride + 1)

    def average(self) -> None:
        """An average of what a quantiser gave, and a quantiser behind it."""
        _, *size = self.shape
        kernel = [int(n) for n in self.random.integers(1, [min(n, 3) + 1 for n in size])]
        pads = [int(n) for n in self.random.integers(0, [*kernel, *kernel])] if self.chance(2) else [0] * 2 * len(size)
        self.apply("AveragePool", kernel_shape=kernel, pads=pads, count_include_pad=int(any(pads)))
        ends = zip(size, pads[: len(size)], pads[len(size) :], kernel, strict=True)
        self.shape = (self.shape[0], *(n + before + after - k + 1 for n, before, after, k in ends))
        self.apply("Add", self.per_channel(self.random.normal(scale=0.2, size=self.shape[0])))
        self.quantiser(int(self.random.integers(2, 5)))

    def flatten(self) -> None:
        """Perhaps an average of all positions instead, which the dense layer takes as it is, or a quantiser does."""
        if len(self.shape) > 1 and self.chance(2):
            self.quantiser(3)
            if self.chance(2):
                self.apply("GlobalAveragePool")
            else:
                self.apply("ReduceMean", axes=list(range(2, len(self.shape) + 1)), keepdims=1)
            self.shape = (self.shape[0], *[1] * (len(self.shape) - 1))
            if self.chance(3):
                self.apply("Add", self.per_channel(self.random.normal(scale=0.2, size=self.shape[0])))
                self.quantiser(3)
        if len(self.shape) == 2:
            self.apply("Flatten")
            self.shape = (int(np.prod(self.shape)),)
        else:
            super().flatten()

    # ways that meet

    def ways(self) -> None:
        """A quantiser, a sum of two ways or three or channels side by side, and a quantiser behind."""
        self.halves()
        fork, channels = self.x, self.shape[0]
        match self.pick("two", "three", "twice", "beside"):
            case "beside":
                more = int(self.random.integers(1, 3))
                ways = [self.way(fork, more, codes=True), fork]
                self.x = self.g("Concat", *(ways if self.chance(2) else ways[::-1]), axis=1)
                self.shape = (channels + more, *self.shape[1:])
            case "twice":  # the first sum goes on as it is, and as codes
                whole = self.sum(self.way(fork, channels), fork)
                self.halves()
                self.sum(whole, self.way(self.x, channels))
            case count:
                self.sum(self.way(fork, channels), fork if self.chance(2) else self.way(fork, channels))
                if count == "three":
                    self.sum(self.x, self.way(fork, channels))
        self.apply("Add", 0.0371)
        self.quantiser(int(self.random.integers(2, 5)))
        self.magnitude = 0.8

    def sum(self, first: str, second: str) -> str:
        """That of two ways, or their difference."""
        self.x = self.g(self.pick("Add", "Add", "Sub"), first, second)
        return self.x

    def halves(self) -> None:
        """A quantiser whose step is a power of two, so that sums are exact; those before it lie beside its thresholds."""
        self.apply("Add", 0.0371)
        bits, scale = int(self.random.integers(1, 4)), float(self.pick(0.25, 0.5, 1.0))
        if self.standard:
            kind, half = (np.int8, 1 << bits) if self.chance(2) else (np.uint8, 0)
            zero = np.array(0, kind)
            self.apply("QuantizeLinear", scale, zero)
            self.apply("Clip", np.array(-half, kind), np.array((1 << (bits + 1)) - 1 - half, kind))
            self.apply("DequantizeLinear", scale, zero)
        elif bits == 1:
            self.apply("BipolarQuant", scale)
        else:
            self.x = self.g.quant(self.x, bits, scale, signed=int(self.random.integers(2)))

    def way(self, fork: str, outputs: int, codes: bool = False) -> str:
        """A convolution of the same size, quantised, or as it is; its weights are whole halves."""
        inputs, *size = self.shape
        kernel = int(self.pick(1, 3)) if min(size) > 2 else 1
        weights = self.random.integers(-2, 3, (outputs, inputs, *[kernel] * len(size))) / 2
        weights.flat[0] = 1.0
        self.x = self.g("Conv", fork, weights.astype(np.float32), pads=[kernel // 2] * 2 * len(size))
        if codes or self.chance(2):
            self.halves()
        return self.x

    # weights

    def weights(self, shape: tuple[int, ...], axis: int) -> Operand:
        """Of one bit to eight, with a scale for all outputs or for each."""
        bits = int(self.pick(1, 2, 2, 3, 4, 8))
        if bits == 1:
            return super().weights(shape, axis)
        narrow = int(self.random.integers(2))
        most = (1 << (bits - 1)) - 1
        columns = [-1 if i == axis else 1 for i in range(len(shape))]
        scale = self.random.uniform(0.5, 1.5, self.pick(1, shape[axis])) / most
        codes = np.clip(np.rint(self.random.normal(scale=0.6 * most, size=shape)), narrow - most - 1, most)
        codes.flat[0] = most  # a layer of zeros alone is refused
        match self.pick("plain", "integers", *([] if self.standard else ["quant", "quant"])):
            case "plain":
                return (codes * scale.reshape(columns if scale.size > 1 else (1,))).astype(np.float32)
            case "integers":
                zeros = np.zeros(scale.size, np.int8)
                scales, zeros = (scale, zeros) if scale.size > 1 else (scale[0], zeros[0])
                return self.g("DequantizeLinear", codes.astype(np.int8), np.asarray(scales), np.asarray(zeros), axis=axis)
        latent = self.random.normal(scale=0.6, size=shape).astype(np.float32)
        latent.flat[0] = most * scale[0]
        spread = scale.reshape(columns) if scale.size > 1 else scale.reshape(())
        return self.g.quant(latent, bits, spread, narrow=narrow)

    # the end

    def choice(self) -> None:
        """The largest of the scores, or its place."""
        kind = self.pick("argmax", "last", "largest", "places")
        if kind in ("argmax", "last"):
            self.apply("ArgMax", axis=1, keepdims=int(self.random.integers(2)), select_last_index=int(kind == "last"))
        else:
            results = [f"{self.x}_{name}" for name in ("largest", "places")]
            self.g.nodes.append(helper.make_node("TopK", [self.x, self.g.constant(np.array([1]))], results, name="top"))
            self.x = results[kind == "places"]
        self.kind = TensorProto.FLOAT if kind == "largest" else TensorProto.INT64


def draw_few_bits(seed: int, folder: Path) -> Case:
    """The seed's case."""
    return FewBitDrawing(seed).case(folder)
