"""Float graphs of small binary networks, drawn from a seed in the spellings that exporters use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .onnx_graphs import BREVITAS, QONNX, Builder, Operand, normalisation, signs

FRAMES = 16

POOLINGS: tuple[dict[str, Any], ...] = (
    {"kernel_shape": [2, 2], "strides": [2, 2]},
    {"kernel_shape": [2, 1], "strides": [1, 1]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    {"kernel_shape": [1, 3], "strides": [1, 2], "pads": [0, 1, 0, 0]},
    {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1},
)


@dataclass(frozen=True, eq=False)
class Sample:
    """A model file, frames for it, and the step of its pixels where the file does not say."""

    path: Path
    x: np.ndarray
    input_scale: float | None


def draw_sample(seed: int, folder: Path) -> Sample:
    """Convolutions, dense layers or both, with and without pooling, in any shape, padding, stride and spelling."""
    return Drawing(seed).sample(folder / f"graph_{seed}.onnx")


class Drawing:
    """A graph in the making: `x` is its last tensor, of the given shape without the batch and the given typical size."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = np.random.default_rng(seed)
        self.convolutions = int(self.random.integers(0, 3))
        channels, height, width = (int(n) for n in self.random.integers((1, 5, 5), (4, 11, 11)))
        self.nhwc = self.convolutions > 0 and self.chance(4)
        self.shape: tuple[int, ...] = (channels, height, width) if self.convolutions else (channels * height * 2,)
        self.fed: tuple[int, ...] = (height, width, channels) if self.nhwc else self.shape
        self.standard = self.chance(2)  # no quantisers, so that onnxruntime executes the file
        self.g = self.builder()
        self.x = "x"
        self.magnitude = 0.6

    def builder(self) -> Builder:
        """What the nodes are added to."""
        return Builder(self.fed, self.pick(QONNX, BREVITAS), constant_nodes=self.chance(2))

    def chance(self, n: int) -> bool:
        return int(self.random.integers(n)) == 0

    def pick(self, *choices: Any) -> Any:
        return choices[self.random.integers(len(choices))]

    def apply(self, operator: str, *operands: Operand, **attributes: Any) -> None:
        """Add a node that takes the last tensor, and go on from its result."""
        self.x = self.g(operator, self.x, *operands, **attributes)

    def per_channel(self, values: np.ndarray) -> np.ndarray:
        """Constants in a shape that fits the last tensor's channels."""
        return values.reshape(-1, *[1] * (len(self.shape) - 1)).astype(np.float32)

    def sample(self, path: Path) -> Sample:
        frames, scale = self.input()
        denses = int(self.random.integers(0 if self.convolutions else 1, 3))
        for number in range(self.convolutions):
            self.convolution(last=number + 1 == self.convolutions and denses == 0)
        if denses:
            self.flatten()
        for number in range(denses):
            self.dense(last=number + 1 == denses)
        return Sample(self.finish(path), frames, scale)

    def finish(self, path: Path) -> Path:
        """The file of the graph that ends here."""
        return self.g.save(path, self.x)

    def input(self) -> tuple[np.ndarray, float | None]:
        limits = self.random.integers(1, 257, (FRAMES, self.fed[0], *[1] * (len(self.fed) - 1)))  # frames unlike one another
        codes = self.random.integers(0, limits, (FRAMES, *self.fed))
        kinds = ["unit", "bytes", "halves", "offset", "thresholded", *([] if self.standard else ["quant", "bipolar"])]
        kind = self.pick(*kinds)
        frames: np.ndarray
        scale: float | None
        if kind in ("quant", "bipolar"):
            if kind == "bipolar":
                self.apply("BipolarQuant", 1.0)
            else:
                bits, signed = self.pick(3, 8), int(self.random.integers(2))
                zero = 0 if signed else self.pick(0, 2)
                self.x = self.g.quant(self.x, bits, 2.0 ** (1 - bits), zero, signed=signed, narrow=int(self.random.integers(2)))
            frames, scale = np.asarray(self.random.normal(size=codes.shape) + self.random.normal(size=limits.shape)), None
        elif kind == "bytes":
            frames, scale = codes, 1.0
            self.magnitude = 150.0
        elif kind == "halves":
            frames, scale = codes / 2, 0.5
            self.magnitude = 75.0
        else:
            frames, scale = codes / 255, None
        if self.nhwc:
            self.apply("Transpose", perm=[0, 3, 1, 2])
        if kind == "offset":
            self.apply("Mul", 2.0)
            self.apply("Sub", 1.0)
        elif kind == "thresholded":
            self.apply("Sub", self.per_channel(self.random.uniform(0.2, 0.8, self.shape[0])))
            self.binarisation()
        return frames.astype(np.float32), scale

    def weights(self, shape: tuple[int, ...], axis: int) -> Operand:
        """Binary weights as numbers, with a scale for each output, or binarised in the graph; `axis` counts the outputs."""
        weights = signs(self.random, *shape)
        sizes = self.random.uniform(0.1, 2, shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
        latent = (weights * self.random.uniform(0.1, 1, shape)).astype(np.float32)
        kinds = ["plain", "scaled", "sign", *([] if self.standard else ["bipolar", "quant"])]
        kind = self.pick(*kinds)
        if kind == "sign":
            return self.g("Sign", latent)
        if kind == "bipolar":
            return self.g("BipolarQuant", latent, sizes)
        if kind == "quant":
            return self.g.quant(latent, 1, sizes, narrow=1)
        return weights if kind == "plain" else weights * sizes

    def convolution(self, last: bool) -> None:
        channels, height, width = self.shape
        outputs = int(self.random.integers(1, 13))
        kernel = self.random.integers(1, [min(height, 3) + 1, min(width, 3) + 1])
        strides = [int(s) for s in self.random.integers(1, 3, 2)]
        attributes: dict[str, Any] = {"strides": strides}
        padding = self.pick("none", "pads", "node", "auto")
        if padding in ("pads", "node"):
            pads = [int(p) for p in self.random.integers(0, [*kernel, *kernel])]
            if padding == "node":
                self.apply("Pad", np.array([0, 0, *pads[:2], 0, 0, *pads[2:]]), mode="constant")
            else:
                attributes["pads"] = pads
            height, width = height + pads[0] + pads[2], width + pads[1] + pads[3]
        elif padding == "auto":
            attributes["auto_pad"] = self.pick("SAME_UPPER", "SAME_LOWER")
        bias = self.random.normal(size=outputs) if self.chance(2) else None
        self.apply(
            "Conv",
            self.weights((outputs, channels, *(int(k) for k in kernel)), 0),
            *([] if bias is None else [bias]),
            **attributes,
        )
        if padding == "auto":
            self.shape = (outputs, -(-height // strides[0]), -(-width // strides[1]))
        else:
            self.shape = (outputs, (height - int(kernel[0])) // strides[0] + 1, (width - int(kernel[1])) // strides[1] + 1)
        self.magnitude *= np.sqrt(channels * kernel.prod())
        if last and self.chance(2):
            self.normalise()
            return
        places = [self.chance(4) for _ in range(3)]
        self.pool(places[0])
        self.normalise()
        self.pool(places[1])
        self.binarisation()
        self.pool(places[2])

    def pool(self, wanted: bool) -> None:
        _, height, width = self.shape
        fitting = [p for p in POOLINGS if p["kernel_shape"][0] <= height and p["kernel_shape"][1] <= width]
        if not wanted or not fitting:
            return
        chosen = self.pick(*fitting)
        self.apply("MaxPool", **chosen)
        before_after = np.reshape(chosen.get("pads", [0, 0, 0, 0]), (2, 2)).sum(axis=0)
        spare = np.array([height, width]) + before_after - chosen["kernel_shape"]
        steps = -(-spare // chosen["strides"]) if chosen.get("ceil_mode") else spare // chosen["strides"]
        self.shape = (self.shape[0], int(steps[0]) + 1, int(steps[1]) + 1)

    def flatten(self) -> None:
        if len(self.shape) == 1:
            return
        if self.chance(3):
            self.apply("Transpose", perm=[0, 2, 3, 1])
        kind = self.pick("flatten", "constant", "arithmetic")
        if kind == "flatten":
            self.apply("Flatten", axis=1)
        elif kind == "constant":
            self.apply("Reshape", np.array(self.pick([0, -1], [-1, int(np.prod(self.shape))])))
        else:
            batch = self.g("Gather", self.g("Shape", self.x), np.array(0), axis=0)
            self.apply("Reshape", self.g("Concat", self.g("Unsqueeze", batch, np.array([0])), np.array([-1]), axis=0))
        self.shape = (int(np.prod(self.shape)),)

    def dense(self, last: bool) -> None:
        inputs, outputs = self.shape[0], int(self.random.integers(4, 17))
        kind = self.pick("matmul", "add", "transposed", "gemm")
        if kind == "gemm":
            self.apply(
                "Gemm",
                self.weights((outputs, inputs), 0),
                self.random.normal(size=outputs),
                transB=1,
                alpha=self.pick(0.5, -1.0),
                beta=2.0,
            )
        elif kind == "transposed":
            self.apply("MatMul", self.g("Transpose", self.weights((outputs, inputs), 0), perm=[1, 0]))
        else:
            self.apply("MatMul", self.weights((inputs, outputs), 1))
        self.shape = (outputs,)
        self.magnitude *= np.sqrt(inputs)
        if kind == "add":
            self.apply("Add", self.random.normal(size=outputs))
        if not last or self.chance(4):
            self.normalise()
            self.binarisation()
        elif self.chance(2):
            self.normalise()
            if self.chance(2):
                self.apply(self.pick("Softmax", "LogSoftmax"), axis=1)

    def normalise(self) -> None:
        """BatchNormalization, or what an exporter makes of it."""
        scale, bias, mean, variance = normalisation(self.random, self.shape[0], self.magnitude)
        if self.chance(4):
            scale[0] = 0
        kind = self.pick("operator", "standardised", "power", "reciprocal", "folded")
        if kind == "operator":
            self.apply("BatchNormalization", scale, bias, mean, variance, epsilon=1e-4)
            return
        scale, bias, mean, variance = (self.per_channel(c) for c in (scale, bias, mean, variance))
        if kind == "folded":
            self.apply("Mul", scale / self.magnitude)
            self.apply("Add", bias)
            return
        self.apply("Sub", mean)
        if kind == "power":
            self.apply("Div", self.g("Pow", variance, 0.5))
        else:
            deviation = self.g("Sqrt", self.g("Add", variance, 1e-5))
            if kind == "reciprocal":
                self.apply("Mul", self.g("Reciprocal", deviation))
            else:
                self.apply("Div", deviation)
        self.apply("Mul", scale)
        self.apply("Add", bias)

    def binarisation(self) -> None:
        """One bit per element in one of its spellings, then perhaps a scale and nodes that change nothing."""
        standard = ("sign", "where", "greater", "less")
        kind = self.pick(*standard if self.standard else (*standard, "bipolar", "quant", "narrow", "unsigned", "threshold"))
        size = self.pick(1.0, 0.7)
        match kind:
            case "sign":
                self.apply("Sign")
            case "where":
                condition = self.g("GreaterOrEqual", self.x, 0.1)
                self.x = self.g("Where", condition, size, -size)
            case "greater":
                self.x = self.g("Cast", self.g("Greater", self.x, -0.1), to=1)
            case "less":
                self.x = self.g("Cast", self.g("Less", self.x, 0.1), to=1)
                self.apply("Mul", 2.0)
                self.apply("Sub", 1.0)
            case "bipolar":
                self.apply("BipolarQuant", size)
            case "unsigned":
                self.x = self.g.quant(self.x, 1, size, signed=0)
            case "quant" | "narrow":
                self.x = self.g.quant(self.x, 1, size, narrow=int(kind == "narrow"))
            case "threshold":
                thresholds = self.random.normal(size=(self.pick(1, self.shape[0]), 1))
                layout = "NCHW" if len(self.shape) > 1 else "NC"
                self.apply("MultiThreshold", thresholds, out_dtype="BIPOLAR", out_scale=2.0, out_bias=-1.0, data_layout=layout)
        self.magnitude = 0.8
        if self.chance(4):
            self.apply("Mul", self.pick(-1.0, 0.25))
        if self.chance(4):
            self.apply(self.pick("Identity", "Dropout"))
