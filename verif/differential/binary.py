"""Binary networks, drawn from a seed, of every supported operator; now and then with something that is not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from ..harness import random_graphs
from ..harness.onnx_graphs import BREVITAS, QONNX, Operand, normalisation, signs
from .case import Case, Curve, Planted, Segment
from .exporter import FUNCTIONS, STYLES, Exporter

OPSETS = (9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 21, 24)

ERF = np.vectorize(math.erf, otypes=[np.float64])

RISING: dict[str, tuple[int, Curve]] = {
    "Atan": (7, np.arctan),
    "Ceil": (1, np.ceil),
    "Celu": (12, lambda x: np.where(x < 0, np.expm1(np.minimum(x, 0)), x)),
    "Elu": (6, lambda x: np.where(x < 0, np.expm1(np.minimum(x, 0)), x)),
    "Erf": (9, ERF),
    "Exp": (1, lambda x: np.exp(np.minimum(x, 9))),
    "Floor": (1, np.floor),
    "Relu": (1, lambda x: np.maximum(x, 0)),
    "Round": (11, np.rint),
    "Selu": (6, lambda x: 1.05070098 * np.where(x < 0, 1.67326319 * np.expm1(np.minimum(x, 0)), x)),
    "Sigmoid": (1, lambda x: 1 / (1 + np.exp(-x))),
    "Softplus": (1, lambda x: np.logaddexp(x, 0)),
    "Softsign": (1, lambda x: x / (1 + np.abs(x))),
    "Tanh": (1, np.tanh),
}
"""Operators of one argument that rise everywhere, from which opset on, and what they compute."""

TURNING: dict[str, tuple[int, Curve]] = {
    "Abs": (1, np.abs),
    "Cos": (7, np.cos),
    "Gelu": (20, lambda x: 0.5 * x * (1 + ERF(x / math.sqrt(2)))),
    "HardSwish": (14, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "Mish": (18, lambda x: x * np.tanh(np.logaddexp(x, 0))),
    "Reciprocal": (1, lambda x: 1 / x),
    "Sin": (7, np.sin),
    "Swish": (24, lambda x: x / (1 + np.exp(-x))),
}
"""Others, which may turn, depending on where they are taken."""

UNKNOWN = {"Asin": 7, "Tan": 7, "Cosh": 9, "Atanh": 9, "Sinh": 9, "Asinh": 9}
"""Operators that are not supported, and from which opset on there are some."""

BETWEEN = (
    *("dilated pool", "residual", "unknown", "filler", "position", "inputs", "custom"),
    *("product", "softmax", "training", "second input", "sizes"),
)
"""What is planted behind a binarisation."""

INSIDE = ("mixed", "zero", "real")
"""What is planted in weights."""


class BinaryDrawing(random_graphs.Drawing):
    """One graph. `turn` takes the seed's turn among choices, so that few seeds have had them all."""

    g: Exporter

    def __init__(self, seed: int) -> None:
        self.seed = seed
        super().__init__(seed)
        self.calls = 0
        self.scores = False
        self.fault = self.pick(*BETWEEN, *INSIDE, *(() if self.standard else ("two bits",))) if self.chance(6) else None
        self.planted: Planted | None = None
        self.segments: list[Segment] = []
        self.segment: Segment | None = None
        self.padded: str | None = None
        self.levels: np.ndarray | None = None
        self.blamed: list[int] | None = None
        self.typical = np.linspace(-1.5, 1.5, 13)

    def builder(self) -> Exporter:
        self.standard = not self.chance(3)
        opset, style = int(self.pick(*OPSETS)), str(self.pick(*STYLES))
        domain, nodes = self.pick(QONNX, BREVITAS), self.chance(2)
        return Exporter(self.fed, self.random, style, self.seed // 3, opset=opset, domain=domain, constant_nodes=nodes)

    def turn(self, *choices: Any) -> Any:
        self.calls += 1
        return choices[(self.seed // 2 + self.calls - 1) % len(choices)]

    def case(self, folder: Path) -> Case:
        """The case, its file in `folder`."""
        sample = self.sample(folder / f"graph_{self.seed}.onnx")
        return Case(self.seed, sample.path, sample.x, sample.input_scale, self.levels, None, self.planted, tuple(self.segments))

    def sample(self, path: Path) -> random_graphs.Sample:
        drawn = super().sample(path)
        if self.chance(5) and self.segments:  # a second output, which says nothing of the first
            self.g.save(path, self.x, self.segments[0].bits)
        return drawn

    # what is known of the graph

    def apply(self, operator: str, *operands: Operand, **attributes: Any) -> None:
        if operator == "Pad":
            self.padded = self.x
        before = self.x
        super().apply(operator, *operands, **attributes)
        node = self.g.nodes[-1]
        if operator in ("Conv", "MatMul", "Gemm"):
            self.segment = Segment(self.padded or before, node.input[1], self.x)
            self.padded = None
            if self.blamed is not None:
                self.plant(str(self.fault), len(self.g.nodes) - 1)
                self.blamed = None
        elif operator in ("MaxPool", "GlobalMaxPool") and self.segment is not None:
            self.segment.pooled.append(before)

    def plant(self, what: str, *positions: int) -> None:
        """Note that the nodes at these positions are at fault."""
        self.planted, self.fault = Planted(what, tuple(self.g.name_of(p) for p in positions)), None

    @property
    def here(self) -> int:
        """The last node's position."""
        return len(self.g.nodes) - 1

    # parts

    def input(self) -> tuple[np.ndarray, float | None]:
        self.segment = Segment(None, None, "x")
        frames, scale = super().input()
        if scale == 1 and self.g.opset >= 10 and self.chance(2):
            self.dequantise()
        if not any(node.op_type in ("Quant", "IntQuant", "BipolarQuant") for node in self.g.nodes):
            self.levels = np.arange(256) * np.float32(scale or 1 / 255)
        elif self.segment is not None:
            self.levels = np.linspace(-4, 4, 1601)
        self.segment = None
        return frames, scale

    def dequantise(self) -> None:
        """Make the input one of bytes, with a node in front of all others that makes real numbers of them."""
        g = self.g
        g.inputs[0].type.tensor_type.elem_type = TensorProto.UINT8
        step, zero = np.array(1, np.float32), np.array(0, np.uint8)
        g.initializers += [numpy_helper.from_array(step, "step"), numpy_helper.from_array(zero, "zero")]
        first = helper.make_node("DequantizeLinear", ["x", "step", "zero"], ["reals"], name="dequantise")
        for node in g.nodes:
            node.input[:] = ["reals" if name == "x" else name for name in node.input]
        g.nodes.insert(0, first)
        self.x = "reals" if self.x == "x" else self.x

    def weights(self, shape: tuple[int, ...], axis: int) -> Operand:
        g = self.g
        weights = signs(self.random, *shape)
        sizes = self.random.uniform(0.1, 2, shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
        sizes = sizes.astype(np.float32)
        if self.fault in INSIDE and self.planted is None and weights.size > shape[axis]:
            place = tuple(int(self.random.integers(n)) for n in shape)
            weights[place] *= {"mixed": 2.0, "zero": 0.0, "real": 0.3}[str(self.fault)]
            self.blamed = []
            return weights * sizes
        latent = (weights * self.random.uniform(0.1, 1, shape)).astype(np.float32)
        kinds = ["plain", "scaled", "sign", "estimator", "where", "integers", *([] if self.standard else ["bipolar", "quant"])]
        match self.pick(*kinds):
            case "plain":
                return weights
            case "scaled":
                return weights * sizes
            case "sign":
                return g("Mul", g("Sign", latent), sizes) if self.chance(2) else g("Sign", latent)
            case "estimator":  # PyTorch's straight-through idiom: (sign(w) * s - w).detach() + w
                w = g.plain(latent)
                return g("Add", g("Sub", g("Mul", g("Sign", w), sizes), w), w)
            case "where":
                w = g.plain(latent)
                return g("Where", g("Greater", w, 0.0), 0.5, -0.5)
            case "integers" if g.opset >= 10:
                scale = self.pick(1.0, 0.25)
                return g("DequantizeLinear", g.plain(weights, np.int8), g.plain(scale, np.float32), g.plain(0, np.int8))
            case "bipolar":
                return g("BipolarQuant", latent, sizes)
            case "quant":
                return g.quant(latent, 1, sizes, narrow=1)
        return weights

    def convolution(self, last: bool) -> None:
        self.scores = last
        super().convolution(last)

    def dense(self, last: bool) -> None:
        self.scores = last
        super().dense(last)

    def pool(self, wanted: bool) -> None:
        if not wanted:
            return
        _, height, width = self.shape
        if self.chance(4):
            self.apply("GlobalMaxPool")
            self.shape = (self.shape[0], 1, 1)
            return
        if self.g.opset < 10:  # without ceil_mode
            if min(height, width) > 1:
                self.apply("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
                self.shape = (self.shape[0], height // 2, width // 2)
            return
        super().pool(wanted)

    def flatten(self) -> None:
        if len(self.shape) == 3 and self.shape[1:] == (1, 1) and self.chance(2):
            self.apply("Squeeze", np.array([3]))
            self.apply("Squeeze", np.array([2]))
            self.shape = self.shape[:1]
            return
        super().flatten()
        if self.chance(8):
            self.apply("Unsqueeze", np.array([1]))
            self.apply("Squeeze", np.array([1]))

    def normalise(self) -> None:
        g = self.g
        last = len(self.shape) == 3 and self.chance(4)  # Keras: channels behind
        if last:
            self.apply("Transpose", perm=[0, 2, 3, 1])
        scale, bias, mean, variance = normalisation(self.random, self.shape[0], self.magnitude)
        if self.chance(16):
            scale[0] = 0
        kinds = ["operator"] * (not last) + ["standardised", "power", "reciprocal", "folded", "exponential", "reversed"]
        kind = self.pick(*kinds)
        ahead = [1] * (len(self.shape) - 1)
        column = [*ahead, -1] if last else [-1, *ahead]
        columns = [a.reshape(column) for a in (scale, bias, mean, variance)]
        if kind == "operator":
            self.apply("BatchNormalization", scale, bias, mean, variance, epsilon=1e-4)
        elif kind == "folded":
            self.apply("Mul", columns[0] / self.magnitude)
            self.apply("Add", columns[1])
        else:
            if kind == "reversed":
                self.x = g("Sub", columns[2], self.x)
                columns[0] = -columns[0]
            else:
                self.apply("Sub", columns[2])
            if kind == "power":
                self.apply("Div", g("Pow", columns[3], 0.5))
            elif kind == "exponential":
                self.apply("Mul", g("Exp", g("Mul", g("Log", columns[3]), -0.5)))
            elif kind == "reciprocal":
                self.apply("Mul", g("Reciprocal", g("Sqrt", g("Add", columns[3], 1e-5))))
            else:
                self.apply("Div", g("Sqrt", g("Add", columns[3], 1e-5)))
            self.apply("Mul", columns[0])
            self.apply("Add", columns[1])
        if self.chance(2):
            self.functions()
        if last:
            self.apply("Transpose", perm=[0, 3, 1, 2])

    def functions(self) -> None:
        """A chain of scalar operators, then perhaps an offset that brings it back around zero."""
        self.typical = np.linspace(-1.5, 1.5, 13)
        for _ in range(int(self.random.integers(1, 4))):
            self.function()
        centre = float(np.median(self.typical))
        if not self.chance(8) and np.isfinite(centre):
            self.apply("Sub", round(centre + float(self.random.normal()) * 0.05, 4))

    def function(self) -> None:
        """One operator."""
        g, opset = self.g, self.g.opset
        steps = ("Ceil", "Floor", "Round")  # what a score may not pass: it would turn with its last bit
        names = [n for n, (since, _) in RISING.items() if opset >= since and not (self.scores and n in steps)]
        constants = [
            "Neg",
            "LeakyRelu",
            "PRelu",
            "Clip",
            "HardSigmoid",
            "Pow",
            "Log",
            "Sqrt",
            "into",
            "Reciprocal",
            "minus",
            "Div",
        ]
        kind = self.turn(*names, *constants)
        if self.chance(20):
            kind = self.pick(*(n for n, (since, _) in TURNING.items() if opset >= since))
        t = self.typical
        with np.errstate(all="ignore"):
            match kind:
                case "Neg":
                    self.apply("Neg")
                    t = -t
                case "LeakyRelu":
                    self.apply("LeakyRelu", alpha=0.125)
                    t = np.where(t < 0, t / 8, t)
                case "PRelu":
                    self.apply("PRelu", self.pick(np.array([0.25]), np.array(0.25)))
                    t = np.where(t < 0, t / 4, t)
                case "Clip":
                    low, high = self.pick((-1.0, 1.0), (0.0, 1.0), (None, 1.0), (0.0, 6.0), (-0.5, None))
                    self.apply("Clip", low, high)
                    t = np.clip(t, low, high)
                case "HardSigmoid":
                    alpha, beta = self.pick((0.2, 0.5), (0.5, 0.5))
                    self.apply("HardSigmoid", alpha=alpha, beta=beta)
                    t = np.clip(alpha * t + beta, 0, 1)
                case "Pow":
                    power = self.pick(3.0, 1.0, 3.0, 2.0)
                    self.apply("Pow", power)
                    t = t**power
                case "Log" | "Sqrt":
                    self.positive()
                    t = np.logaddexp(self.typical, 0)
                    self.apply(kind)
                    t = np.log(t) if kind == "Log" else np.sqrt(t)
                case "Reciprocal" if kind not in TURNING or not self.chance(20):
                    self.positive()
                    self.apply("Reciprocal")
                    t = 1 / np.logaddexp(self.typical, 0)
                case "into":
                    self.positive()
                    self.x = g("Div", 2.0, self.x)
                    t = 2 / np.logaddexp(self.typical, 0)
                case "minus":
                    self.x = g("Sub", 1.0, self.x)
                    t = 1 - t
                case "Div":
                    self.apply("Div", -4.0)
                    t = t / -4
                case _:
                    if kind in ("Exp",):
                        self.apply("Clip", None, 9.0)
                    self.apply(kind)
                    t = ({**RISING, **TURNING}[kind][1])(t)
        self.typical = t

    def positive(self) -> None:
        """Softplus, which gives no zero and nothing below, before what is not defined there."""
        self.apply("Clip", -9.0, 9.0)
        self.apply("Softplus")

    def binarisation(self) -> None:
        g, size = self.g, float(self.pick(1.0, 0.5, 0.7))
        kinds = ["sign", "where", "Greater", "Less", "rounded", "heaviside", "twice", "hard"]
        if g.opset < 11:
            kinds = [kind for kind in kinds if kind not in ("rounded", "hard")]
        if g.opset >= 12:
            kinds += ["GreaterOrEqual", "LessOrEqual"]
        if not self.standard:
            kinds += ["bipolar", "quant", "narrow", "unsigned", "threshold"]
        kind = self.turn(*kinds)
        comparisons = [operator for operator in ("Greater", "Less", "GreaterOrEqual", "LessOrEqual") if operator in kinds]
        against = round(float(self.random.normal()) * 0.1, 3)
        match kind:
            case "sign":
                self.apply("Sign")
            case "where":
                condition = g(self.pick(*comparisons), *self.pick((self.x, against), (against, self.x)))
                self.x = g("Where", condition, size, self.pick(-size, 0.0))
            case "Greater" | "Less" | "GreaterOrEqual" | "LessOrEqual":
                self.x = g("Cast", g(kind, *self.pick((self.x, against), (against, self.x))), to=1)
            case "rounded":
                self.apply("Add", 0.5)
                self.apply("Clip", 0.0, 1.0)
                self.apply("Round")
            case "hard":
                self.apply("HardSigmoid")
                self.apply("Round")
            case "heaviside":
                self.apply("Relu")
                self.apply("Sign")
            case "twice":
                self.apply("Sign")
                self.apply("Add", 0.1)
                self.apply("Sign")
            case "bipolar":
                self.apply("BipolarQuant", size)
            case "unsigned":
                self.x = g.quant(self.x, 1, size, signed=0, rounding_mode=self.pick("ROUND", "CEIL", "FLOOR"))
            case "quant" | "narrow":
                self.x = g.quant(self.x, 1, size, narrow=int(kind == "narrow"))
            case "threshold":
                rank, channels = len(self.shape), self.pick(1, self.shape[0])
                thresholds = self.random.normal(size=(channels, 1)) * 0.2
                layout = "NCHW" if rank > 1 else "NC"
                self.apply("MultiThreshold", thresholds, out_dtype="BIPOLAR", out_scale=2.0, out_bias=-1.0, data_layout=layout)
        if self.segment is not None:
            self.segment.bits = self.x
            self.segments.append(self.segment)
            self.segment = None
        self.magnitude = 0.8
        if self.fault in BETWEEN and self.chance(2):
            self.disturb(str(self.fault))
        elif self.fault == "two bits":
            self.x = g.quant(self.product(1), 2, 1.0)
            self.plant("activations of two bits", self.here)
        if self.chance(4):
            self.apply("Mul", self.pick(-1.0, 0.25))
        if self.chance(4):
            self.apply(self.pick("Identity", "Dropout"))
        if self.standard and self.chance(8):
            self.apply("Doubled", domain=FUNCTIONS)  # a function of the file's own

    # what no hardware is made of

    def product(self, kernel: int) -> str:
        """A layer that leaves the shape as it is."""
        channels, edge = self.shape[0], kernel // 2
        if len(self.shape) == 1:
            return self.g("MatMul", self.x, signs(self.random, channels, channels))
        return self.g("Conv", self.x, signs(self.random, channels, channels, kernel, kernel), pads=[edge] * 4)

    def disturb(self, kind: str) -> None:
        """Plant a fault behind bits, if it suits their shape, that leaves the shape as it is."""
        g, shape, image = self.g, self.shape, len(self.shape) == 3
        channels = shape[0]
        match kind:
            case "dilated pool" if image and g.opset >= 10:
                self.x = g("MaxPool", self.x, kernel_shape=[2, 2], dilations=[2, 2], pads=[1, 1, 1, 1])
            case "residual":
                self.x = g(
                    "Add", g("Mul", self.product(3), g.plain(0.70710678, np.float32)), self.x
                )  # of a step that is no fraction of the other
            case "unknown":
                self.x = g(self.pick(*(name for name, since in UNKNOWN.items() if g.opset >= since)), self.x)
            case "filler" if image:
                if self.chance(2) and min(shape[1:]) > 1:
                    self.x = g("Pad", self.x, np.array([0, 0, 1, 1, 0, 0, 0, 0]), mode="reflect")
                else:
                    self.x = g("Pad", self.x, np.array([0, 0, 1, 1, 0, 0, 0, 0]), 1.0, mode="constant")
                self.plant("padding that is not zero", self.here)
                self.x = g("Conv", self.x, signs(self.random, channels, channels, 2, 2))
                return
            case "position" if image and shape[1] * shape[2] > 1:
                y = g("Add", self.product(1), g.plain(self.random.normal(size=shape), np.float32))
                first = self.here
                self.x = g("Sign", y)
                self.plant("a normalisation that differs between positions", first, self.here)
                return
            case "inputs" if channels > 1:
                sizes = self.per_channel(self.random.uniform(0.5, 2, channels))
                self.x = g("Mul", self.x, g.plain(sizes))
                first = self.here
                weights = signs(self.random, channels, channels, *([1, 1] if image else []))
                self.x = g("Conv" if image else "MatMul", self.x, g.plain(weights))
                self.plant("inputs of different sizes", first, self.here)
                return
            case "custom":
                self.x = g("Twist", self.x, domain="com.example")
            case "product" if not image:
                self.x = g("Mul", self.product(1), self.x)
            case "softmax" if not image:
                y = g("Softmax", self.product(1), axis=1)
                first = self.here
                self.x = g("Sign", g("Sub", y, g.plain(0.2, np.float32)))
                self.plant("a softmax inside", first, self.here - 1, self.here)
                return
            case "training" if image and g.opset >= 14:
                constants = normalisation(self.random, channels, 1)
                self.x = g("BatchNormalization", self.x, *constants, training_mode=1)
            case "second input":
                g.inputs.append(helper.make_tensor_value_info("extra", TensorProto.FLOAT, ["N", *shape]))
                self.x = g("Add", self.x, "extra")
                self.planted = Planted(kind, ("extra", g.last))
                self.fault = None
                return
            case "sizes" if channels > 1:
                low = g.plain(self.per_channel(self.random.uniform(0.5, 2, channels)))
                condition = g("Greater", self.product(1), g.plain(0, np.float32))
                first = self.here
                self.x = g("Where", condition, low, g("Neg", low))
                last = self.here
                self.x = self.product(1)
                self.plant("bits of different sizes", first, last, self.here)
                return
            case _:
                return
        self.plant(kind, self.here)


def draw_binary(seed: int, folder: Path) -> Case:
    """The seed's binary network."""
    return BinaryDrawing(seed).case(folder)
