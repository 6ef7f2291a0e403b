"""Small autoencoders and other networks of real weights, as their authors write them and exporters spell them.

An `Author` writes a graph for an opset, with a free batch or a batch of one, as one of three exporters does: PyTorch's older
one, its newer one, and tf2onnx for Keras. A `Work` is one network: what its input is, and its graph.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from sigmabit.golden import Coding, recognise_scale

from .onnx_graphs import Operand, normalisation
from .real_graphs import Vae

STYLES = ("script", "dynamo", "keras")
OPSETS = (11, 13, 17, 20)
FRAMES = 24
LATENTS = 3


class Author(Vae):
    """Writes a graph; `style` is an exporter."""

    def __init__(self, shape: tuple[int, ...], style: str, opset: int, batch: Any, seed: int) -> None:
        super().__init__(shape, np.random.default_rng(seed), opset=opset, batch=batch, constant_nodes=style == "script")
        self.style, self.batch = style, batch

    def linear(self, x: str, inputs: int, outputs: int) -> str:
        """A dense layer with a bias."""
        if self.style == "script":
            return self.dense(x, inputs, outputs)
        product = self("MatMul", x, self.weights(inputs, outputs, fan=inputs))
        return self("Add", product, self.weights(outputs, fan=4))

    def conv(self, x: str, inputs: int, outputs: int, kernel: Sequence[int], groups: int = 1, **attributes: Any) -> str:
        """A convolution with a bias, over rows or images."""
        weights = self.weights(outputs, inputs // groups, *kernel, fan=inputs // groups * int(np.prod(kernel)))
        stated: dict[str, Any] = {"kernel_shape": list(kernel), "group": groups, **attributes}
        return self("Conv", x, weights, self.weights(outputs, fan=4), **stated)

    def deconv(self, x: str, inputs: int, outputs: int, kernel: Sequence[int], **attributes: Any) -> str:
        """A transposed one."""
        weights = self.weights(inputs, outputs, *kernel, fan=inputs * 4)
        return self("ConvTranspose", x, weights, self.weights(outputs, fan=4), kernel_shape=list(kernel), **attributes)

    def norm(self, x: str, channels: int) -> str:
        """BatchNorm, for inference."""
        return self("BatchNormalization", x, *normalisation(self.random, channels, 1), epsilon=1e-3, momentum=0.9)

    def view(self, x: str, *shape: int) -> str:
        """(batch, *shape)."""
        if self.batch != "N":
            return self("Reshape", x, np.array([1, *shape]))
        if self.style == "script":  # x.view(x.size(0), ...)
            size = self("Gather", self("Shape", x), np.array(0), axis=0)
            parts: list[Operand] = [self.unsqueeze(size), *(np.array([n]) for n in shape)]
            return self("Reshape", x, self("Concat", *parts, axis=0))
        return self("Reshape", x, np.array([-1, *shape]))

    def unsqueeze(self, x: str) -> str:
        """Axis 0, as an attribute or as an input."""
        return self("Unsqueeze", x, axes=[0]) if self.opset < 13 else self("Unsqueeze", x, np.array([0]))

    def flat(self, x: str, size: int) -> str:
        """A row."""
        return self("Flatten", x, axis=1) if self.style == "script" and size % 2 else self.view(x, size)

    def halves(self, x: str, size: int) -> tuple[str, str]:
        """chunk(2, dim=1)."""
        if self.style == "dynamo":
            bounds = (0, size), (size, np.iinfo(np.int64).max)
            first, second = (self("Slice", x, np.array([a]), np.array([b]), np.array([1])) for a, b in bounds)
            return first, second
        first = (
            self("Split", x, split=[size, size], axis=1) if self.opset < 13 else self("Split", x, np.array([size] * 2), axis=1)
        )
        self.nodes[-1].output.append(f"{first}_2")
        return first, f"{first}_2"

    def chunk(self, x: str, size: int) -> tuple[str, str]:
        """The same where PyTorch's older exporter computes the bounds."""
        if self.style != "script":
            return self.halves(x, size)
        axis = np.array([1])
        half = self("Div", self("Add", self("Gather", self("Shape", x), axis, axis=0), np.array([1])), np.array([2]))
        middle, end = self("Mul", half, np.array([1])), self("Mul", half, np.array([2]))
        return self("Slice", x, np.array([0]), middle, axis), self("Slice", x, middle, end, axis)

    def total(self, x: str, mean: bool = False) -> str:
        """A sum or a mean over features, which stay an axis."""
        operator = "ReduceMean" if mean else "ReduceSum"
        if self.opset < (18 if mean else 13):
            return self(operator, x, axes=[1], keepdims=1)
        return self(operator, x, np.array([1]), keepdims=1)

    def over(self, operator: str, x: str, axis: int, keepdims: int = 1) -> str:
        """A reduction whose axes became an input with opset 18."""
        if self.opset < 18:
            return self(operator, x, axes=[axis], keepdims=keepdims)
        return self(operator, x, np.array([axis]), keepdims=keepdims)

    def equation(self, equation: str, x: str, weights: np.ndarray) -> str:
        """A product, "bti,io->bto" or "oi,bti->bot", by an operator since opset 12."""
        turned = equation.startswith("oi")
        if self.opset < 12:
            product = self("MatMul", x, weights.T if turned else weights)
            return self("Transpose", product, perm=[0, 2, 1]) if turned else product
        return self("Einsum", *((weights, x) if turned else (x, weights)), equation=equation)

    def sample(self, mean: str, sigma: str) -> str:
        """mu + eps * sigma."""
        if self.style == "keras":
            eps = self("RandomNormalLike", self("ConstantOfShape", self("Shape", mean)), dtype=1)
            return self("Add", mean, self("Mul", sigma, eps))
        eps = self("RandomNormalLike", sigma)
        return (
            self("Add", mean, self("Mul", eps, sigma)) if self.style == "script" else self("Add", self("Mul", sigma, eps), mean)
        )

    def gaussian(self, mean: str, logvar: str) -> str:
        """The same of the logarithm of a variance."""
        return self.sample(mean, self("Exp", self("Mul", logvar, 0.5)))

    def silu(self, x: str) -> str:
        """x * sigmoid(x)."""
        return self("Mul", x, self("Sigmoid", x))

    def gelu(self, x: str) -> str:
        """As an operator since opset 20, with Erf before."""
        if self.opset >= 20:
            return self("Gelu", x)
        return self("Mul", self("Mul", x, self("Add", self("Erf", self("Div", x, 2**0.5)), 1.0)), 0.5)

    def gelu_by_tanh(self, x: str) -> str:
        """GELU(approximate="tanh"), an operator since opset 20."""
        if self.opset >= 20:
            return self("Gelu", x, approximate="tanh")
        inner = self("Mul", self("Add", x, self("Mul", self("Pow", x, 3.0), 0.044715)), (2 / np.pi) ** 0.5)
        return self("Mul", self("Mul", x, 0.5), self("Add", self("Tanh", inner), 1.0))

    def shrunk(self, x: str) -> str:
        """Tanhshrink."""
        return self("Sub", x, self("Tanh", x))

    def log_sigmoid(self, x: str) -> str:
        """LogSigmoid."""
        return self("Log", self("Sigmoid", x))

    def soft_shrunk(self, x: str) -> str:
        """Softshrink: an operator, or pieces of it by comparisons, or by a sign."""
        if self.style == "keras":
            return self("Shrink", x, bias=0.25, lambd=0.25)
        if self.style == "script":
            above = self("Where", self("Greater", x, 0.25), self("Sub", x, 0.25), 0.0)
            return self("Add", above, self("Where", self("Less", x, -0.25), self("Add", x, 0.25), 0.0))
        inner = self("Sub", x, self("Mul", self("Sign", x), 0.25))
        return self("Where", self("Greater", self("Abs", x), 0.25), inner, self("Mul", x, 0.0))

    def hard_shrunk(self, x: str) -> str:
        """Hardshrink, which jumps."""
        if self.style == "keras":
            return self("Shrink", x, lambd=0.125)
        if self.style == "script":
            sides = self("Greater", x, 0.125), self("Less", x, -0.125)
            return self("Where", self("Or", *(self("Cast", side, to=TensorProto.BOOL) for side in sides)), x, 0.0)
        return self("Where", self("Not", self("Greater", self("Abs", x), 0.125)), 0.0, x)

    def in_pieces(self, x: str) -> str:
        """Functions as their authors write them: x * (x > 0), another where that is 0, the sign of one of both."""
        positive = self("Cast", self("Greater", x, 0.0), to=TensorProto.FLOAT)
        y = self("Add", self("Mul", x, positive), self("Mul", self("Sub", 1.0, positive), self("Tanh", x)))
        return self("Mul", self("Sign", y), self("Log", self("Add", self("Abs", y), 1.0)))

    def snake(self, x: str) -> str:
        """x + sin(x)^2."""
        return self("Add", x, self("Pow", self("Sin", x), 2.0))

    def mish(self, x: str) -> str:
        """As an operator since opset 18."""
        return self("Mish", x) if self.opset >= 18 else self("Mul", x, self("Tanh", self("Softplus", x)))

    def swish_of_hard(self, x: str) -> str:
        """Hard swish, an operator since opset 14."""
        if self.opset >= 14:
            return self("HardSwish", x)
        return self("Mul", x, self("Div", self("Clip", self("Add", x, 3.0), 0.0, 6.0), 6.0))

    def celu(self, x: str) -> str:
        """An operator since opset 12."""
        return self("Celu", x, alpha=0.75) if self.opset >= 12 else self("Elu", x)

    def larger(self, x: str, *times: int) -> str:
        """nn.Upsample, UpSampling1D and 2D."""
        factors = np.array([1, 1, *times], np.float32)
        empty = np.zeros(0, np.float32) if self.opset < 13 else None
        mode = {"coordinate_transformation_mode": "asymmetric", "mode": "nearest", "nearest_mode": "floor"}
        return self("Resize", x, empty, factors, **mode)

    def shuffled(self, x: str, channels: int, height: int, width: int) -> str:
        """nn.PixelShuffle(2), an operator in the older exporter, written out in others."""
        if self.style == "script":
            return self("DepthToSpace", x, blocksize=2, mode="CRD")
        y = self("Transpose", self.view(x, channels, 2, 2, height, width), perm=[0, 1, 4, 2, 5, 3])
        return self.view(y, channels, 2 * height, 2 * width)

    def dropped(self, x: str) -> str:
        """Dropout for inference."""
        return self("Dropout", x) if self.opset < 12 else self("Dropout", x, 0.3, np.array(False))

    def noise(self, size: int) -> str:
        """The noise as an input of the graph."""
        self.inputs.append(helper.make_tensor_value_info("eps", TensorProto.FLOAT, [self.batch, size]))
        return "eps"

    def images(self, channels: int, height: int, width: int) -> str:
        """The input with its channels in front, which come last in Keras."""
        return self("Transpose", "x", perm=[0, 3, 1, 2]) if self.style == "keras" else "x"

    def decoder(self, z: str, features: int, end: str = "Sigmoid", latents: int = LATENTS) -> str:
        """Two dense layers."""
        y = self.linear(self("Relu", self.linear(z, latents, 8)), 8, features)
        return self(end, y) if end else y


Graph = Callable[[Author], str]


@dataclass(frozen=True)
class Work:
    """A network: its input's shape with channels in front, what its numbers are, and its graph. steep: whether rounding may turn
    a function of it from one end to the other, so that only layers are near, not the whole.
    """

    shape: tuple[int, ...]
    numbers: str
    graph: Graph
    steep: bool = False

    def write(self, path: Path, style: str, opset: int, fixed: bool) -> Path:
        """The file that an exporter makes."""
        shape = (*self.shape[1:], self.shape[0]) if style == "keras" and len(self.shape) == 3 else self.shape
        g = Author(shape, style, opset, 1 if fixed else "N", 11)
        return g.save(path, self.graph(g))

    def frames(self, style: str) -> tuple[np.ndarray, Coding]:
        """Frames, as near to their codes as float32 is, and these."""
        random, shape = np.random.default_rng(12), (FRAMES, *self.shape)
        match self.numbers:
            case "pixels":
                x = random.integers(0, 256, shape) / 255
            case "bytes":
                x = random.integers(0, 256, shape).astype(float)
            case "signed":
                x = random.integers(0, 256, shape) / 127.5 - 1
            case "counts":
                x = random.integers(-1500, 1500, shape).astype(float)
            case _:
                x = random.normal(size=shape)
        scale = recognise_scale(x.astype(np.float32))
        coding = Coding.fitting(x) if scale is None else Coding.pixels(scale)
        x = coding.nearest(x).astype(np.float32)
        return (np.moveaxis(x, 1, -1) if style == "keras" and len(self.shape) == 3 else x), coding


FEATURES = 10
ROW = (FEATURES,)
IMAGE = (2, 8, 6)
SERIES = (3, 12)


def vae(g: Author, function: Callable[[str], str], end: str = "Sigmoid") -> str:
    """Of dense layers, with a function."""
    hidden = function(g.linear("x", FEATURES, 8))
    mean, logvar = (g.linear(hidden, 8, LATENTS) for _ in range(2))
    z = g.gaussian(mean, logvar)
    y = g.linear(function(g.linear(z, LATENTS, 8)), 8, FEATURES)
    return g(end, y) if end else y


def with_operator(operator: str, **attributes: Any) -> Graph:
    """The same with an operator as the function."""
    return lambda g: vae(g, lambda x: g(operator, x, **attributes))


def with_method(name: str) -> Graph:
    """The same with a function in an exporter's spelling."""
    return lambda g: vae(g, getattr(g, name))


def with_sigma(sigma: Callable[[Author, str], str], decoded: bool = True) -> Graph:
    """With another deviation than exp(logvar / 2)."""

    def graph(g: Author) -> str:
        hidden = g("Relu", g.linear("x", FEATURES, 8))
        mean, head = (g.linear(hidden, 8, LATENTS) for _ in range(2))
        z = g.sample(mean, sigma(g, head))
        return g.decoder(z, FEATURES) if decoded else z

    return graph


def chunked(g: Author) -> str:
    """Both heads as the halves of one layer."""
    mean, logvar = g.halves(g.linear(g("Relu", g.linear("x", FEATURES, 8)), 8, 2 * LATENTS), LATENTS)
    return g.decoder(g.gaussian(mean, logvar), FEATURES)


def own_hidden(g: Author, operator: str = "Relu", deeper: bool = False) -> str:
    """Heads with hidden layers of their own."""
    hidden = g("Relu", g.linear("x", FEATURES, 8))
    heads = []
    for width in (5, 4):
        y, inputs = hidden, 8
        for _ in range(1 + deeper):
            y, inputs = g(operator, g.linear(y, inputs, width)), width
        heads.append(g.linear(y, inputs, LATENTS))
    return g.decoder(g.gaussian(*heads), FEATURES)


def hierarchy(g: Author, hidden: bool = True) -> str:
    """Two latent variables, one behind the other."""
    first = g("Relu", g.linear("x", FEATURES, 8))
    mean, logvar = (g.linear(first, 8, LATENTS) for _ in range(2))
    y, inputs = g.gaussian(mean, logvar), LATENTS
    if hidden:
        y, inputs = g("Relu", g.linear(y, LATENTS, 6)), 6
    mean, logvar = (g.linear(y, inputs, 2) for _ in range(2))
    return g.decoder(g.gaussian(mean, logvar), FEATURES, latents=2)


def bent_mean(operator: str) -> Graph:
    """A function of the means."""

    def graph(g: Author) -> str:
        hidden = g("Relu", g.linear("x", FEATURES, 8))
        mean, logvar = (g.linear(hidden, 8, LATENTS) for _ in range(2))
        return g.decoder(g.gaussian(g(operator, mean), logvar), FEATURES)

    return graph


def latent_image(g: Author, larger: bool = False) -> str:
    """Latent variables of several positions, from convolutions and for one."""
    y = g("Relu", g.conv(g.images(*IMAGE), 2, 4, (3, 3), strides=[2, 2], pads=[1, 1, 1, 1]))
    mean, logvar = (g.conv(y, 4, 2, (3, 3), strides=[2, 1], pads=[1, 1, 1, 1]) for _ in range(2))
    z = g.gaussian(mean, logvar)
    if larger:
        return g("Sigmoid", g.deconv(z, 2, 2, (4, 2), strides=[4, 2]))
    y = g("Relu", g.conv(z, 2, 4, (3, 3), pads=[1, 1, 1, 1]))
    return g.deconv(y, 4, 2, (2, 2), strides=[2, 2])


def latent_chunks(g: Author) -> str:
    """Both heads of an image from one convolution."""
    y = g("Relu", g.conv(g.images(*IMAGE), 2, 4, (3, 3), strides=[2, 2], pads=[1, 1, 1, 1]))
    z = g.gaussian(*g.chunk(g.conv(y, 4, 4, (1, 1)), 2))
    return g.conv(g("Relu", g.deconv(z, 2, 4, (2, 2), strides=[2, 2])), 4, 2, (3, 3), pads=[1, 1, 1, 1])


def latent_column(g: Author) -> str:
    """(1, C, 1, 1), as convolutions over the whole image and transposed ones give and take."""
    y = g("Relu", g.conv(g.images(*IMAGE), 2, 4, (3, 3), strides=[2, 2], pads=[1, 1, 1, 1]))
    mean, logvar = (g.conv(y, 4, LATENTS, (4, 3)) for _ in range(2))
    y = g("Relu", g.deconv(g.gaussian(mean, logvar), LATENTS, 4, (4, 3)))
    return g("Tanh", g.deconv(y, 4, 2, (2, 2), strides=[2, 2]))


def given_noise(g: Author, temperature: float = 1.0) -> str:
    """Epsilon is an input."""
    hidden = g("Tanh", g.linear("x", FEATURES, 8))
    mean, logvar = (g.linear(hidden, 8, LATENTS) for _ in range(2))
    noise = g("Mul", g("Exp", g("Div", logvar, 2.0)), g.noise(LATENTS))
    z = g("Add", mean, noise if temperature == 1 else g("Mul", noise, temperature))
    return g.decoder(z, FEATURES, "")


def warm(g: Author) -> str:
    """Noise of a temperature."""
    hidden = g("Relu", g.linear("x", FEATURES, 8))
    mean, logvar = (g.linear(hidden, 8, LATENTS) for _ in range(2))
    eps = g("Mul", g("RandomNormalLike", mean), 0.7)
    return g.decoder(g("Add", mean, g("Mul", eps, g("Exp", g("Mul", logvar, 0.5)))), FEATURES)


def scored(g: Author) -> str:
    """z, and the scores that triggers take."""
    hidden = g("Relu", g.linear("x", FEATURES, 8))
    mean, logvar = (g.linear(hidden, 8, LATENTS) for _ in range(2))
    z, square = g.gaussian(mean, logvar), g("Mul", mean, mean)
    excess = g("Sub", g("Sub", g("Add", square, g("Exp", logvar)), 1.0), logvar)
    return g("Concat", z, g.total(square), g.total(g("Mul", excess, 0.5)), axis=1)


def convolutional(g: Author, activation: str = "LeakyRelu", norm: bool = True, latents: int = LATENTS) -> str:
    """Strided convolutions, BatchNorm, and their mirror image, as in a well-known collection."""
    y = g.images(*IMAGE)
    for inputs, outputs in ((2, 4), (4, 6)):
        y = g.conv(y, inputs, outputs, (3, 3), strides=[2, 2], pads=[1, 1, 1, 1])
        y = g(activation, g.norm(y, outputs) if norm else y)
    y = g.flat(y, 24)
    mean, logvar = (g.linear(y, 24, latents) for _ in range(2))
    z = g.gaussian(mean, logvar)
    y = g.view(g.linear(z, latents, 24), 6, 2, 2)
    y = g.deconv(y, 6, 4, (3, 3), strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
    y = g(activation, g.norm(y, 4) if norm else y)
    return g("Tanh", g.conv(y, 4, 2, (3, 3), pads=[1, 1, 1, 1]))


def encoder_of(pool: Callable[[Author, str], str], size: int) -> Graph:
    """A convolution, a pooling, and both heads; a dense decoder."""

    def graph(g: Author) -> str:
        y = pool(g, g("Relu", g.conv(g.images(*IMAGE), 2, 4, (3, 3), pads=[1, 1, 1, 1])))
        y = g.flat(y, size)
        mean, logvar = (g.linear(y, size, LATENTS) for _ in range(2))
        return g.decoder(g.gaussian(mean, logvar), 5)

    return graph


def decoder_of(larger: Callable[[Author, str], str], channels: int) -> Graph:
    """What makes an image of latent variables, of (channels, 8, 6) with 4 x 3 before."""

    def graph(g: Author) -> str:
        y = g("Relu", g.view(g.linear("x", LATENTS, 48), 4, 4, 3))
        return g("Sigmoid", g.conv(larger(g, y), channels, 2, (3, 3), pads=[1, 1, 1, 1]))

    return graph


def spectral(g: Author) -> str:
    """Spectral normalisation, whose weights the graph computes: W / (u W v)."""

    def linear(x: str, inputs: int, outputs: int) -> str:
        weights = g.constant(g.weights(outputs, inputs, fan=inputs))
        product = g("MatMul", weights, g.weights(inputs, 1, fan=inputs))
        sigma = g("MatMul", g.weights(1, outputs, fan=outputs), product)
        scaled = g("Div", weights, g("Reshape", sigma, np.zeros(0, np.int64)))
        return g("Gemm", x, scaled, g.weights(outputs, fan=4), transB=1)

    return linear(g("LeakyRelu", linear("x", FEATURES, 8), alpha=0.2), 8, 3)


def by_equation(g: Author) -> str:
    """Products as Einsum, of a matrix either way around, and a row's length."""
    y = g("Relu", g.equation("bti,io->bto", "x", g.weights(6, 8, fan=6)))
    y = g.flat(g("Tanh", g.equation("oi,bti->bot", y, g.weights(4, 8, fan=8))), 20)
    return g.over("ReduceL2", g("Concat", g.linear(y, 20, 3), g("Neg", g.linear(y, 20, 2)), axis=1), 1)


def wrapped(g: Author) -> str:
    """Padding of the input by its own numbers, the largest of each channel, and two layers of one function side by side."""
    y = "x"
    for mode, margin in (("reflect", 2), ("edge", 1)):
        y = g("Pad", y, np.array([0, 0, margin, 0, 0, margin]), mode=mode)
    y = g.over("ReduceMax", g("Relu", g.conv(y, 3, 6, (4,), strides=[2])), 2, keepdims=0)
    return g.linear(g("Concat", *(g("Elu", g.linear(y, 6, n)) for n in (3, 4)), axis=1), 7, 2)


def apart(g: Author) -> str:
    """Results behind different functions, one of which has slopes of its own for each, side by side."""
    rectified = g("PRelu", g.linear("x", FEATURES, 4), sloped(g, 4))
    y = g("Concat", rectified, g.linear("x", FEATURES, 2), g("Mul", g("Tanh", g.linear("x", FEATURES, 3)), 2.0), axis=1)
    y = g("Relu", g.linear(y, 9, 6))
    return g.linear(g("Concat", g("Sigmoid", g.linear(y, 6, 2)), g.linear(y, 6, 3), axis=1), 5, 3)


def heads_apart(g: Author) -> str:
    """Heads behind hidden layers of different functions."""
    mean = g.linear(g("PRelu", g.linear("x", FEATURES, 5), sloped(g, 5)), 5, LATENTS)
    logvar = g.linear(g("Tanh", g.linear("x", FEATURES, 6)), 6, LATENTS)
    return g.decoder(g.gaussian(mean, logvar), FEATURES)


def of_positions(g: Author) -> str:
    """Dense layers of the features of each step of a series, and one of all steps, as nn.Linear does over the last axis."""
    y = g("Relu", of_each(g, "x", 6, 8))
    y = g("Tanh", of_each(g, y, 8, 3))
    return g.linear(g.flat(y, 15), 15, 4)


def of_each(g: Author, x: str, inputs: int, outputs: int) -> str:
    """One dense layer: over the last axis, or, in Keras, of rows with the steps in front."""
    if g.style != "keras":
        return g("Add", g("MatMul", x, g.weights(inputs, outputs, fan=inputs)), g.weights(outputs, fan=4))
    rows = g(
        "Add",
        g("MatMul", g("Reshape", x, np.array([-1, inputs])), g.weights(inputs, outputs, fan=inputs)),
        g.weights(outputs, fan=4),
    )
    return g("Reshape", rows, np.array([-1, 5, outputs]))


def in_parts(g: Author) -> str:
    """Transposed convolutions of groups and of taps apart; channels that become positions, each of which is there twice then."""
    y = g("Relu", g.view(g.linear("x", LATENTS, 48), 4, 4, 3))
    weights = g.weights(4, 2, 3, 3, fan=8)
    y = g("ConvTranspose", y, weights, group=2, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    y = g("ConvTranspose", g("Relu", y), g.weights(4, 8, 2, 2, fan=16), kernel_shape=[2, 2], dilations=[2, 1])
    y = g.shuffled(g("Relu", y), 2, 6, 4)
    return g.conv(g.larger(y, 2, 2), 2, 2, (3, 3), pads=[1, 1, 1, 1])


def sloped(g: Author, *shape: int) -> Any:
    """Slopes of a PReLU, other ones for each channel."""
    return g.random.uniform(-0.2, 0.6, shape)


def own_slopes(g: Author) -> str:
    """PReLU of slopes that are learnt, with and without maxima behind, and before a PixelShuffle."""
    y = g("PRelu", g.norm(g.conv(g.images(*IMAGE), 2, 4, (3, 3), pads=[1, 1, 1, 1]), 4), sloped(g, 4, 1, 1))
    y = g(
        "MaxPool", g("PRelu", g.conv(y, 4, 6, (3, 3), pads=[1, 1, 1, 1]), sloped(g, 6, 1, 1)), kernel_shape=[2, 2], strides=[2, 2]
    )
    y = g("PRelu", g.deconv(y, 6, 4, (2, 2), strides=[2, 2]), sloped(g, 4, 1, 1))
    y = g.shuffled(g("PRelu", g.conv(y, 4, 8, (3, 3), pads=[1, 1, 1, 1]), sloped(g, 8, 1, 1)), 2, 8, 6)
    return g.linear(g("PRelu", g.linear(g.flat(y, 384), 384, 6), sloped(g, 6)), 6, 3)


def series(g: Author, dilated: bool = False, groups: int = 1) -> str:
    """An autoencoder of windows of a few channels, over one dimension."""
    spread = {"dilations": [2], "pads": [2, 2]} if dilated else {"pads": [1, 1]}
    y = g("Relu", g.conv("x", 3, 6, (3,), groups, **spread))
    y = g("Relu", g.conv(y, 6, 4, (4,), strides=[2], pads=[1, 1]))
    y = g("Relu", g.deconv(y, 4, 6, (4,), strides=[2], pads=[1, 1]))
    return g.conv(y, 6, 3, (3,), pads=[1, 1])


def series_vae(g: Author) -> str:
    """The same with latent variables."""
    y = g.flat(g("Elu", g.conv("x", 3, 4, (3,), strides=[2], pads=[1, 0])), 24)
    mean, logvar = (g.linear(y, 24, LATENTS) for _ in range(2))
    y = g("Elu", g.view(g.linear(g.gaussian(mean, logvar), LATENTS, 24), 4, 6))
    return g.deconv(y, 4, 3, (2,), strides=[2])


def mlp(g: Author, *sizes: int, functions: Sequence[str] = ("Relu",), end: str = "") -> str:
    """Dense layers."""
    y = "x"
    for number, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        y = g.linear(y, inputs, outputs)
        if number < len(sizes) - 2:
            y = g(functions[number % len(functions)], y)
    if end == "Softmax":
        return g(end, y, axis=1)
    return g(end, y) if end else y


def of_mlp(*sizes: int, functions: Sequence[str] = ("Relu",), end: str = "") -> Graph:
    """The same as a graph."""
    return lambda g: mlp(g, *sizes, functions=functions, end=end)


def heads_alone(g: Author) -> str:
    """Means and logarithms side by side."""
    hidden = g("Relu", g.linear("x", FEATURES, 8))
    return g("Concat", *(g.linear(hidden, 8, LATENTS) for _ in range(2)), axis=1)


def score_alone(g: Author, mean: bool = False) -> str:
    """The squared length of the means."""
    mu = g.linear(g("Relu", g.linear("x", FEATURES, 8)), 8, LATENTS)
    return g.total(g("Pow", mu, 2.0) if mean else g("Mul", mu, mu), mean)


def normalised(g: Author) -> str:
    """What a scaler does is part of the graph, as are BatchNorm and Dropout behind dense layers."""
    y = g("Div", g("Sub", "x", g.random.normal(size=FEATURES)), g.random.uniform(0.5, 2, FEATURES))
    y = g.dropped(g("Relu", g.norm(g.linear(y, FEATURES, 8), 8)))
    return g("Identity", g.norm(g.linear(y, 8, 4), 4))


def norm_first(g: Author) -> str:
    """Channels are standardised in the graph, and BatchNorm stands behind functions: the padding is 0 behind them."""
    y = g("Div", g("Sub", g.images(*IMAGE), np.array([[[0.485]], [[0.406]]])), np.array([[[0.229]], [[0.225]]]))
    y = g.norm(g("Relu", g.conv(y, 2, 4, (3, 3), pads=[1, 1, 1, 1])), 4)
    y = g.norm(g("Tanh", g.conv(y, 4, 4, (3, 3), strides=[2, 2], pads=[1, 1, 0, 0])), 4)
    y = g("Relu", g.deconv(y, 4, 3, (4, 4), strides=[2, 2], pads=[1, 1, 1, 1]))
    return g.conv(g.larger(g.norm(y, 3), 2, 2), 3, 2, (3, 3), pads=[1, 1, 1, 1])


def series_norm_first(g: Author) -> str:
    """BatchNorm of the input of a series, and behind its only maxima."""
    y = g("Relu", g.conv(g.norm("x", 3), 3, 4, (3,), pads=[1, 1]))
    y = g("MaxPool", y, kernel_shape=[2], strides=[2])
    y = g("Relu", g.conv(g.norm(y, 4), 4, 4, (3,), pads=[2, 2], dilations=[2]))
    return g.linear(g.flat(g("Elu", g.conv(g.norm(y, 4), 4, 3, (7,), strides=[8], pads=[2, 2])), 3), 3, 2)


def of_bytes(g: Author) -> str:
    """Pixels from 0 to 255, scaled to -1 to 1 by the graph."""
    y = g("Sub", g("Div", g.images(*IMAGE), 127.5), 1.0)
    y = g("Relu", g.conv(y, 2, 3, (3, 3), strides=[2, 2]))
    return g.linear(g.flat(y, 18), 18, 4)


def scaled_back(g: Author) -> str:
    """Standardised in front, back behind: each feature by numbers of its own, behind a function."""
    mean, deviation = g.random.normal(size=FEATURES), g.random.uniform(0.5, 2, FEATURES)
    y = g("Relu", g.linear(g("Div", g("Sub", "x", mean), deviation), FEATURES, 6))
    return g("Add", g("Mul", g("Tanh", g.linear(y, 6, FEATURES)), deviation), mean)


def sample_scaled(g: Author) -> str:
    """A sample alone, which the graph scales."""
    hidden = g("Relu", g.linear("x", FEATURES, 8))
    z = g.gaussian(*(g.linear(hidden, 8, LATENTS) for _ in range(2)))
    return g("Sub", g("Mul", z, g.random.uniform(0.5, 2, LATENTS)), 1.0)


def pooled_series(g: Author) -> str:
    """Maxima and means over one dimension, and nearest neighbours back."""
    y = g("MaxPool", g("Relu", g.norm(g.conv("x", 3, 6, (3,), pads=[1, 1]), 6)), kernel_shape=[2], strides=[2])
    y = g("AveragePool", g("Relu", g.conv(y, 6, 4, (3,), pads=[1, 1])), kernel_shape=[2], strides=[2])
    y = g("Relu", g.conv(g.larger(y, 2), 4, 6, (3,), pads=[1, 1]))
    return g.conv(g.larger(y, 2), 6, 3, (3,), pads=[1, 1])


def score_of_series(g: Author) -> str:
    """The mean of all positions, and a dense layer."""
    y = g.silu(g.conv("x", 3, 6, (3,), pads=[1, 1]))
    return g.linear(g.view(g("GlobalAveragePool", y), 6), 6, 2)


def autoencoder(g: Author) -> str:
    """Of images, without noise."""
    y = g("Relu", g.conv(g.images(*IMAGE), 2, 4, (3, 3), strides=[2, 2], pads=[1, 1, 1, 1]))
    y = g("Relu", g.conv(y, 4, 2, (1, 1)))
    return g("Sigmoid", g.deconv(y, 2, 2, (2, 2), strides=[2, 2]))


def lenet(g: Author) -> str:
    """Two convolutions with maxima, two dense layers, probabilities."""
    y = g("MaxPool", g("Relu", g.conv(g.images(*IMAGE), 2, 4, (3, 3), pads=[1, 1, 1, 1])), kernel_shape=[2, 2], strides=[2, 2])
    y = g("Relu", g.conv(y, 4, 4, (2, 2)))
    y = g.linear(g("Relu", g.linear(g.flat(y, 24), 24, 8)), 8, 4)
    return g("Softmax", y, axis=1)


def separable(g: Author) -> str:
    """Depthwise and pointwise convolutions, means of all positions, a dense layer."""
    y = g("Relu", g.conv(g.images(*IMAGE), 2, 4, (3, 3), 2, pads=[1, 1, 1, 1]))
    y = g("Relu", g.conv(g("Relu", g.conv(y, 4, 4, (3, 3), 4)), 4, 6, (1, 1)))
    return g.linear(g.flat(g("GlobalAveragePool", y), 6), 6, 3)


def same_padding(g: Author) -> str:
    """Keras's padding="same"."""
    y = g("Relu", g.conv(g.images(*IMAGE), 2, 4, (3, 3), strides=[2, 2], auto_pad="SAME_UPPER"))
    return g.linear(g.flat(y, 48), 48, 4)


def eval_of_mean(g: Author) -> str:
    """The mean goes to the decoder; the other head leads nowhere."""
    hidden = g("Relu", g.linear("x", FEATURES, 8))
    mean, _ = (g.linear(hidden, 8, LATENTS) for _ in range(2))
    return g.decoder(mean, FEATURES)


def steep(g: Author) -> str:
    """Functions that jump from one code to the next, nearly."""
    y = g("Sigmoid", g("Mul", g.linear("x", FEATURES, 8), 400.0))
    y = g("Tanh", g("Mul", g("Softsign", g.linear(y, 8, 6)), 300.0))
    return g.linear(y, 6, 3)


def with_constant(*sigma: float) -> Graph:
    """A deviation that no layer gives: a parameter, or one number."""

    def graph(g: Author) -> str:
        mean = g.linear(g("Relu", g.linear("x", FEATURES, 8)), 8, LATENTS)
        numbers = np.array(sigma) if len(sigma) > 1 else sigma[0]
        return g.decoder(g("Add", mean, g("Mul", g("RandomNormalLike", mean), numbers)), FEATURES)

    return graph


def with_parameter(g: Author) -> str:
    """A logarithm that is a parameter, behind functions of it."""
    mean = g.linear(g("Relu", g.linear("x", FEATURES, 8)), 8, LATENTS)
    sigma = g("Softplus", g("Mul", g.constant(g.weights(LATENTS, fan=1)), 0.5))
    return g("Add", g("Mul", sigma, g("RandomNormalLike", mean)), mean)


def clipped(low: float, high: float) -> Callable[[Author, str], str]:
    """exp(clamp(logvar) / 2)."""
    return lambda g, head: g("Exp", g("Mul", g("Clip", head, low, high), 0.5))


WORKS: dict[str, Work] = {
    "vae relu": Work(ROW, "pixels", with_operator("Relu")),
    "vae leaky": Work(ROW, "standard", with_operator("LeakyRelu", alpha=0.2)),
    "vae tanh": Work(ROW, "signed", with_operator("Tanh")),
    "vae sigmoid": Work(ROW, "pixels", with_operator("Sigmoid")),
    "vae elu": Work(ROW, "standard", with_operator("Elu", alpha=1.0)),
    "vae selu": Work(ROW, "standard", with_operator("Selu")),
    "vae softplus": Work(ROW, "standard", with_operator("Softplus")),
    "vae softsign": Work(ROW, "signed", with_operator("Softsign")),
    "vae hard sigmoid": Work(ROW, "pixels", with_operator("HardSigmoid")),
    "vae silu": Work(ROW, "standard", with_method("silu")),
    "vae gelu": Work(ROW, "standard", with_method("gelu")),
    "vae mish": Work(ROW, "standard", with_method("mish")),
    "vae hard swish": Work(ROW, "standard", with_method("swish_of_hard")),
    "vae celu": Work(ROW, "standard", with_method("celu")),
    "vae gelu by tanh": Work(ROW, "standard", with_method("gelu_by_tanh")),
    "vae tanhshrink": Work(ROW, "standard", with_method("shrunk")),
    "vae log sigmoid": Work(ROW, "standard", with_method("log_sigmoid")),
    "vae soft shrink": Work(ROW, "standard", with_method("soft_shrunk")),
    "vae hard shrink": Work(ROW, "standard", with_method("hard_shrunk")),
    "vae in pieces": Work(ROW, "standard", with_method("in_pieces")),
    "vae snake": Work(ROW, "standard", with_method("snake")),
    "vae hard tanh": Work(ROW, "standard", lambda g: vae(g, lambda x: g("Clip", x, -1.0, 1.0))),
    "vae of sums": Work(ROW, "standard", lambda g: vae(g, lambda x: g("Relu", x), "")),
    "vae relu6": Work(ROW, "bytes", lambda g: vae(g, lambda x: g("Clip", g("Div", x, 64.0), 0.0, 6.0))),
    "heads chunked": Work(ROW, "pixels", chunked),
    "sigma of a logarithm": Work(ROW, "standard", with_sigma(lambda g, head: g("Exp", head))),
    "sigma softplus": Work(ROW, "standard", with_sigma(lambda g, head: g("Add", g("Softplus", head), 1e-4))),
    "sigma softplus alone": Work(ROW, "standard", with_sigma(lambda g, head: g("Softplus", head), decoded=False)),
    "sigma plus": Work(ROW, "standard", with_sigma(lambda g, head: g("Add", g("Exp", g("Mul", head, 0.5)), 1e-3))),
    "sigma sigmoid": Work(ROW, "standard", with_sigma(lambda g, head: g("Sigmoid", head))),
    "sigma root": Work(ROW, "standard", with_sigma(lambda g, head: g("Sqrt", g("Exp", head)))),
    "sigma root of softplus": Work(ROW, "standard", with_sigma(lambda g, head: g("Sqrt", g("Add", g("Softplus", head), 1e-5)))),
    "sigma wide clamp": Work(ROW, "standard", with_sigma(clipped(-20.0, 20.0))),
    "sigma narrow clamp": Work(ROW, "standard", with_sigma(clipped(-4.0, 2.0))),
    "sigma one-sided clamp": Work(ROW, "standard", with_sigma(clipped(-6.0, 30.0))),
    "sigma power": Work(ROW, "standard", with_sigma(lambda g, head: g("Pow", g("Exp", head), 0.5))),
    "sigma elu": Work(ROW, "standard", with_sigma(lambda g, head: g("Add", g("Elu", head), 1.0))),
    "sigma log1p": Work(ROW, "standard", with_sigma(lambda g, head: g("Log", g("Add", g("Exp", head), 1.0)))),
    "sigma square": Work(ROW, "standard", with_sigma(lambda g, head: g("Add", g("Pow", head, 2.0), 1e-3))),
    "sigma at least": Work(ROW, "standard", with_sigma(lambda g, head: g("Max", g("Exp", head), 0.05))),
    "sigma of a tanh": Work(ROW, "standard", with_sigma(lambda g, head: g("Exp", g("Mul", g("Tanh", head), 2.0)))),
    "sigma a number": Work(ROW, "standard", with_constant(0.1)),
    "sigma numbers": Work(ROW, "standard", with_constant(0.5, 1.0, 2.0)),
    "sigma next to nothing": Work(ROW, "standard", with_constant(1.0, 0.002, 0.01)),
    "sigma a parameter": Work(ROW, "standard", with_parameter),
    "noise given and cooled": Work(ROW, "standard", lambda g: given_noise(g, 0.8)),
    "noise given": Work(ROW, "standard", given_noise),
    "noise of a temperature": Work(ROW, "pixels", warm),
    "sample and scores": Work(ROW, "standard", scored),
    "heads of their own": Work(ROW, "standard", own_hidden),
    "heads of their own, elu": Work(ROW, "standard", lambda g: own_hidden(g, "Elu", deeper=True)),
    "heads of their own, apart": Work(ROW, "standard", heads_apart),
    "results apart": Work(ROW, "standard", apart),
    "two latents": Work(ROW, "standard", hierarchy),
    "two latents at once": Work(ROW, "standard", lambda g: hierarchy(g, hidden=False)),
    "mean of tanh": Work(ROW, "standard", bent_mean("Tanh")),
    "mean of relu": Work(ROW, "standard", bent_mean("Relu")),
    "mean of softplus": Work(ROW, "standard", bent_mean("Softplus")),
    "latent image": Work(IMAGE, "pixels", latent_image),
    "latent image transposed": Work(IMAGE, "pixels", lambda g: latent_image(g, larger=True)),
    "latent image in chunks": Work(IMAGE, "pixels", latent_chunks),
    "latent column": Work(IMAGE, "standard", latent_column),
    "conv vae": Work(IMAGE, "signed", convolutional),
    "conv vae relu": Work(IMAGE, "pixels", lambda g: convolutional(g, "Relu", norm=False)),
    "conv vae elu": Work(IMAGE, "standard", lambda g: convolutional(g, "Elu")),
    "conv vae of one latent": Work(IMAGE, "pixels", lambda g: convolutional(g, "Tanh", latents=1)),
    "maxima": Work(IMAGE, "pixels", encoder_of(lambda g, y: g("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2]), 48)),
    "means": Work(IMAGE, "pixels", encoder_of(lambda g, y: g("AveragePool", y, kernel_shape=[2, 2], strides=[2, 2]), 48)),
    "global means": Work(IMAGE, "pixels", encoder_of(lambda g, y: g("GlobalAveragePool", y), 4)),
    "global maxima": Work(IMAGE, "pixels", encoder_of(lambda g, y: g("GlobalMaxPool", y), 4)),
    "decoder transposed": Work((LATENTS,), "standard", decoder_of(lambda g, y: g.deconv(y, 4, 4, (2, 2), strides=[2, 2]), 4)),
    "decoder upsampled": Work((LATENTS,), "standard", decoder_of(lambda g, y: g.larger(y, 2, 2), 4)),
    "decoder shuffled": Work(
        (LATENTS,),
        "standard",
        decoder_of(lambda g, y: g("DepthToSpace", g.conv(y, 4, 8, (1, 1)), blocksize=2, mode="CRD"), 2),
    ),
    "decoder shuffled by hand": Work(
        (LATENTS,), "standard", decoder_of(lambda g, y: g.shuffled(g.conv(y, 4, 8, (1, 1)), 2, 4, 3), 2)
    ),
    "decoder of rows": Work((LATENTS,), "standard", of_mlp(LATENTS, 8, FEATURES, end="Sigmoid")),
    "slopes of channels": Work(IMAGE, "standard", own_slopes),
    "decoder in parts": Work((LATENTS,), "standard", in_parts),
    "each step": Work((5, 6), "standard", of_positions),
    "series": Work(SERIES, "standard", series),
    "series dilated": Work(SERIES, "counts", lambda g: series(g, dilated=True)),
    "series grouped": Work(SERIES, "standard", lambda g: series(g, groups=3)),
    "series vae": Work(SERIES, "standard", series_vae),
    "series pooled": Work(SERIES, "standard", pooled_series),
    "series score": Work(SERIES, "standard", score_of_series),
    "scaled back": Work(ROW, "standard", scaled_back),
    "sample scaled": Work(ROW, "standard", sample_scaled),
    "encoder": Work(ROW, "standard", of_mlp(FEATURES, 8, LATENTS)),
    "encoder of counts": Work(ROW, "counts", lambda g: mlp(g, FEATURES, 8, LATENTS)),
    "encoder heads": Work(ROW, "standard", heads_alone),
    "encoder score": Work(ROW, "standard", score_alone),
    "encoder mean score": Work(ROW, "standard", lambda g: score_alone(g, mean=True)),
    "trigger": Work((57,), "standard", of_mlp(57, 32, 16, 13)),
    "mean decoded": Work(ROW, "pixels", eval_of_mean),
    "autoencoder": Work(ROW, "pixels", of_mlp(FEATURES, 6, 2, 6, FEATURES, end="Sigmoid")),
    "autoencoder tanh": Work(ROW, "signed", of_mlp(FEATURES, 6, 2, 6, FEATURES, functions=("Tanh",), end="Tanh")),
    "autoencoder of sums": Work(ROW, "standard", of_mlp(FEATURES, 8, 3, 8, FEATURES, functions=("Elu", "Relu"))),
    "autoencoder of images": Work(IMAGE, "pixels", autoencoder),
    "classifier": Work(ROW, "standard", of_mlp(FEATURES, 12, 8, 4, end="Softmax")),
    "classifier of images": Work(IMAGE, "pixels", lenet),
    "classifier separable": Work(IMAGE, "standard", separable),
    "classifier same": Work(IMAGE, "bytes", same_padding),
    "by equation": Work((5, 6), "standard", by_equation),
    "wrapped": Work(SERIES, "standard", wrapped),
    "spectral": Work(ROW, "standard", spectral),
    "regressor": Work(ROW, "standard", of_mlp(FEATURES, 8, 8, 1, functions=("Relu", "Tanh"))),
    "steep": Work(ROW, "standard", steep, steep=True),
    "normalised inside": Work(ROW, "standard", normalised),
    "norm first": Work(IMAGE, "pixels", norm_first),
    "series norm first": Work(SERIES, "standard", series_norm_first),
    "bytes scaled inside": Work(IMAGE, "bytes", of_bytes),
}
"""By name."""
