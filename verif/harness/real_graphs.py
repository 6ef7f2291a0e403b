"""Float graphs of small variational autoencoders, drawn from a seed in the spellings that exporters use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from sigmabit.golden import Coding

from .onnx_graphs import Builder, Operand, normalisation

FRAMES = 6

CODINGS = (
    Coding.stated(8, 1 / 64, -2.0),
    Coding.stated(12, 0.001, -2.048),
    Coding.stated(10, 0.004, -0.5),
    Coding.stated(5, 0.1, 0.25),
    Coding.stated(16, 2.0**-14, 0.0),
)
"""Of inputs that are no pixels."""


@dataclass(frozen=True, eq=False)
class RealSample:
    """A model file, frames for it, their codes where the file does not say, and samples of the standard normal."""

    path: Path
    x: np.ndarray
    coding: Coding | None
    epsilon: np.ndarray


def draw_vae(seed: int, folder: Path) -> RealSample:
    """Convolutions and dense layers in front of the latent variables; scores, or dense and transposed layers, behind."""
    return Drawing(seed).sample(folder / f"vae_{seed}.onnx")


class Vae(Builder):
    """A graph with the parts of a variational autoencoder, whose weights come from `random`."""

    def __init__(self, shape: tuple[int, ...], random: np.random.Generator, **options: Any) -> None:
        super().__init__(shape, **options)
        self.random = random

    def weights(self, *shape: int, fan: int) -> np.ndarray:
        """Weights whose sums are of order 1."""
        return (self.random.normal(size=shape) / np.sqrt(fan)).astype(np.float32)

    def dense(self, x: str, inputs: int, outputs: int, **attributes: Any) -> str:
        """A Gemm with a bias."""
        return self("Gemm", x, self.weights(outputs, inputs, fan=inputs), self.weights(outputs, fan=4), transB=1, **attributes)

    def heads(self, x: str, inputs: int, latents: int) -> tuple[str, str]:
        """Means and logarithms."""
        return self.dense(x, inputs, latents), self.dense(x, inputs, latents)

    def draw(self, mean: str, logarithm: str) -> str:
        """z, as PyTorch exports it."""
        sigma = self("Exp", self("Mul", logarithm, 0.5))
        return self("Add", mean, self("Mul", sigma, self("RandomNormalLike", mean)))

    def scored(self, z: str, mean: str, logvar: str) -> str:
        """z, the sum of mu squared, and the divergence."""
        axis = np.array([1])
        square = self("Mul", mean, mean)
        excess = self("Sub", self("Sub", self("Add", square, self("Exp", logvar)), 1.0), logvar)
        return self("Concat", z, self("ReduceSum", square, axis), self("ReduceSum", self("Mul", excess, 0.5), axis), axis=1)


class Drawing:
    """A graph in the making: `x` is its last tensor, of the given shape without the batch."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.images = not self.chance(3)
        channels, height, width = (int(n) for n in self.random.integers((1, 4, 4), (4, 9, 9)))
        self.nhwc = self.images and self.chance(4)
        self.shape: tuple[int, ...] = (channels, height, width) if self.images else (channels * height * 2,)
        self.fed = (height, width, channels) if self.nhwc else self.shape
        self.g = self.builder()
        self.x = "x"
        self.latents = int(self.random.integers(1, 6))
        self.tabulated = False  # is the deviation no exponential?
        self.uneven = False  # do channels differ since the last layer behind a function?

    def builder(self) -> Vae:
        """What the nodes are added to."""
        return Vae(self.fed, self.random, constant_nodes=self.chance(2), opset=self.pick(13, 17))

    def chance(self, n: int) -> bool:
        return int(self.random.integers(n)) == 0

    def pick(self, *choices: Any) -> Any:
        return choices[self.random.integers(len(choices))]

    def apply(self, operator: str, *operands: Operand, **attributes: Any) -> None:
        """Add a node that takes the last tensor, and go on from its result."""
        self.x = self.g(operator, self.x, *operands, **attributes)

    def per_channel(self, values: np.ndarray) -> np.ndarray:
        return values.reshape(-1, *[1] * (len(self.shape) - 1)).astype(np.float32)

    def sample(self, path: Path) -> RealSample:
        frames, coding = self.input()
        if self.images:
            for _ in range(int(self.random.integers(0, 3))):
                self.convolution()
                self.function()
        self.flatten()
        for _ in range(int(self.random.integers(0, 2))):
            self.linear(int(self.random.integers(2, 9)))
            self.function()
        mean, logarithm, log_sigma = self.heads()
        self.draw(mean, logarithm, log_sigma)
        ending = self.pick("z", "dense" if self.tabulated else "scores", "dense", "images", "images", "images")
        if ending == "scores":
            logvar = self.g("Mul", logarithm, 2.0) if log_sigma else logarithm
            self.x = self.g.scored(self.x, mean, logvar)
        elif ending in ("dense", "images"):
            self.decoder(images=ending == "images")
        epsilon = self.random.normal(size=(FRAMES, self.latents)).astype(np.float32)
        return RealSample(self.g.save(path, self.x), frames, coding, epsilon)

    def input(self) -> tuple[np.ndarray, Coding | None]:
        codes = self.random.integers(0, 256, (FRAMES, *self.fed))
        kind = self.pick("unit", "bytes", "sixteenths", "offset", "negated", "quant", "real")
        frames: np.ndarray = codes / 255
        coding: Coding | None = None
        if kind == "quant":
            self.apply("Sub", 0.5)
            self.x = self.g("Mul", self.x, 1.5)
        if self.nhwc:
            self.apply("Transpose", perm=[0, 3, 1, 2])
        if kind == "bytes":
            frames, coding = codes, Coding.pixels(1.0)
            self.apply("Div", 255.0)
        elif kind == "sixteenths":
            frames, coding = codes % 17, Coding.pixels(1.0)
            self.apply("Mul", 1 / 16)
        elif kind == "offset":
            self.apply("Sub", 0.5)
            self.apply("Div", 0.5)
        elif kind == "negated":
            self.x = self.g("Sub", 1.0, self.x)
        elif kind == "real":
            coding = self.pick(*CODINGS)
            frames = coding.nearest(self.random.normal(size=codes.shape))
        return frames.astype(np.float32), coding

    def convolution(self) -> None:
        channels, height, width = self.shape
        outputs = int(self.random.integers(1, 6))
        kernel = [int(k) for k in self.random.integers(1, [min(height, 3) + 1, min(width, 3) + 1])]
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
        bias = [self.g.weights(outputs, fan=4)] if self.chance(2) else []
        self.apply("Conv", self.g.weights(outputs, channels, *kernel, fan=channels * kernel[0] * kernel[1]), *bias, **attributes)
        if padding == "auto":
            self.shape = (outputs, -(-height // strides[0]), -(-width // strides[1]))
        else:
            self.shape = (outputs, (height - kernel[0]) // strides[0] + 1, (width - kernel[1]) // strides[1] + 1)
        self.uneven = False

    def transposed(self) -> None:
        channels, *sizes = self.shape
        outputs = int(self.random.integers(1, 5))
        kernel, strides = ([int(n) for n in self.random.integers(1, limit, 2)] for limit in (5, 4))
        more = [int(self.random.integers(0, s)) for s in strides]
        full = [s * (n - 1) + k + m for s, n, k, m in zip(strides, sizes, kernel, more, strict=True)]
        attributes: dict[str, Any] = {"strides": strides, "output_padding": more}
        if not self.chance(3):
            before = [int(self.random.integers(0, min(n, k + s))) for n, k, s in zip(full, kernel, strides, strict=True)]
            after = [int(self.random.integers(0, min(n - b, k + 2))) for n, b, k in zip(full, before, kernel, strict=True)]
            attributes["pads"] = [*before, *after]
            full = [n - b - a for n, b, a in zip(full, before, after, strict=True)]
        bias = [self.g.weights(outputs, fan=4)] if self.chance(2) else []
        self.apply("ConvTranspose", self.g.weights(channels, outputs, *kernel, fan=channels * 3), *bias, **attributes)
        self.shape = (outputs, *full)

    def function(self, behind: bool = True) -> None:
        """A normalisation perhaps, a function, and perhaps affine steps behind it."""
        if self.chance(3):
            constants = normalisation(self.random, self.shape[0], 1)
            self.apply("BatchNormalization", *constants)
        elif self.chance(3):
            self.apply("Add", self.per_channel(self.random.normal(size=self.shape[0])))
            self.apply("Neg")
        kind = self.pick("none", "Relu", "LeakyRelu", "PRelu", "Sigmoid", "Tanh", "Clip", "HardSigmoid", "Softplus")
        slopes = self.per_channel(self.random.uniform(-0.2, 0.6, self.shape[0])) if self.chance(2) else np.array([0.25])
        constants_of: dict[str, list[Operand]] = {"PRelu": [slopes], "Clip": [-0.5, 1.0]}
        if kind != "none":
            self.apply(kind, *constants_of.get(kind, []), **({"alpha": 0.125} if kind == "LeakyRelu" else {}))
        if self.chance(3):
            self.apply("Mul", 1.5)
            self.apply("Sub", 0.25)
        if behind and kind != "none" and self.chance(3):
            self.apply("Mul", self.per_channel(self.random.uniform(0.5, 2, self.shape[0])))
            self.apply("Add", self.per_channel(self.random.normal(size=self.shape[0])))
            self.uneven = True

    def flatten(self) -> None:
        if self.images:
            if self.chance(3):
                self.apply("Transpose", perm=[0, 2, 3, 1])
            if self.chance(2):
                self.apply("Flatten")
            else:
                self.apply("Reshape", np.array([-1, int(np.prod(self.shape))]) if self.chance(2) else np.array([0, -1]))
        self.shape = (int(np.prod(self.shape)),)

    def linear(self, outputs: int) -> None:
        (inputs,) = self.shape
        if self.chance(2):
            self.x = self.g.dense(self.x, inputs, outputs)
        else:
            self.apply("MatMul", self.g.weights(inputs, outputs, fan=inputs))
            self.apply("Add", self.g.weights(outputs, fan=4))
        self.shape, self.uneven = (outputs,), False

    def heads(self) -> tuple[str, str, bool]:
        """Means and logarithms, and whether these are of deviations."""
        start, length = (self.x, self.shape), self.latents
        log_sigma = self.chance(3)
        if self.chance(2):
            self.linear(length)
            mean = self.x
            self.x, self.shape = start
            self.linear(length)
            return mean, self.x, log_sigma
        self.linear(2 * length)
        if self.chance(2):
            split = np.array([length, length])
            self.g("Split", self.x, split, axis=1)
            self.g.nodes[-1].output.append("second_half")
            halves = [self.g.nodes[-1].output[0], "second_half"]
        else:
            axes = np.array([1])
            bounds = ((0, length), (length, 1 << 40))
            halves = [self.g("Slice", self.x, np.array([a]), np.array([b]), axes) for a, b in bounds]
        first, second = halves if self.chance(2) else halves[::-1]
        if self.chance(3):
            first = self.g("Mul", first, self.random.uniform(0.5, 2, (1, length)))
        return first, second, log_sigma

    def draw(self, mean: str, logarithm: str, log_sigma: bool) -> None:
        """z, in any spelling."""
        other = self.chance(4)
        if not other and self.chance(4):
            logarithm = self.g("Clip", logarithm, -20.0, 20.0)
        if other:
            sigma = self.deviation(logarithm)
        elif log_sigma:
            sigma = self.g("Exp", logarithm)
        else:
            form = self.pick("half", "quotient", "root", "power")
            if form == "half":
                sigma = self.g("Exp", self.g("Mul", 0.5, logarithm))
            elif form == "quotient":
                sigma = self.g("Exp", self.g("Div", logarithm, 2.0))
            elif form == "root":
                sigma = self.g("Sqrt", self.g("Exp", logarithm))
            else:
                sigma = self.g("Pow", self.g("Exp", logarithm), 0.5)
        source = self.pick("like", "like", "shape", "fixed", "input")
        if source == "like":
            noise = self.g("RandomNormalLike", self.pick(mean, logarithm, sigma))
        elif source == "shape":
            noise = self.g("RandomNormalLike", self.g("ConstantOfShape", self.g("Shape", sigma)), dtype=1)
        elif source == "fixed":
            noise = self.g("RandomNormal", shape=[1, self.latents])
        else:
            noise = "eps"
            self.g.inputs.append(helper.make_tensor_value_info(noise, TensorProto.FLOAT, ["N", self.latents]))
        product = self.g("Mul", sigma, noise) if self.chance(2) else self.g("Mul", noise, sigma)
        self.x = self.g("Add", mean, product) if self.chance(2) else self.g("Add", product, mean)
        self.shape = (self.latents,)

    def deviation(self, head: str) -> str:
        """A deviation that is no exponential, or one within narrow limits."""
        g, self.tabulated = self.g, True
        if self.chance(3):
            head = g("Add", head, self.random.normal(size=self.latents))
        match self.pick("clip", "extremes", "tanh", "plus", "softplus", "in parts", "variance", "root", "sigmoid", "relu", "abs"):
            case "clip":
                return g("Exp", g("Mul", 0.5, g("Clip", head, -2.0, self.pick(0.5, 2.0))))
            case "extremes":
                return g("Exp", g("Max", g("Min", head, 1.0), -1.5))
            case "tanh":
                return g("Exp", g("Mul", g("Tanh", head), 2.0))
            case "plus":
                return g("Add", g("Exp", g("Div", head, 2.0)), self.pick(1e-6, 1e-3, 0.1))
            case "softplus":
                return g("Add", g("Softplus", head), 1e-4)
            case "in parts":
                return g("Log", g("Add", g("Exp", head), 1.0))
            case "variance":
                return g("Sqrt", g("Add", g("Softplus", head), 1e-5))
            case "root":
                return g("Sqrt", g("Exp", g("Clip", head, None, 1.0)))
            case "sigmoid":
                return g("Mul", g("Sigmoid", head), self.pick(0.5, 2.0))
            case "relu":
                return g("Add", g("Relu", head), 0.01)
            case _:
                return g("Abs", head)

    def decoder(self, images: bool) -> None:
        if self.chance(3):
            self.apply("Mul", self.random.uniform(0.5, 2, (1, self.latents)))
        least = 0
        if images and self.chance(4):
            self.shape, least = (self.latents, 1, 1), 1
        else:
            shape = tuple(int(n) for n in self.random.integers(1, 4, 3)) if images else (int(self.random.integers(1, 9)),)
            self.linear(int(np.prod(shape)))
            self.function(behind=False)
            self.shape = shape
        if images:
            self.apply("Reshape", np.array([-1, *self.shape]))
            self.images = True
            for _ in range(int(self.random.integers(least, 3))):
                if self.chance(4):
                    self.convolution()
                else:
                    self.transposed()
                self.function(behind=False)
            if self.chance(3):
                self.flatten()
