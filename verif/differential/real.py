"""Variational autoencoders, drawn from a seed, of every supported operator; now and then with something that is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sigmabit.golden import Coding

from ..harness import real_graphs
from ..harness.onnx_graphs import Operand, signs
from ..harness.real_graphs import Vae
from .binary import OPSETS, UNKNOWN
from .case import Case, Planted
from .exporter import FUNCTIONS, STYLES, Exporter

FAULTS = (
    *("second noise", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial", "sign", "residual"),
    *("unknown", "softmax", "negative", "frozen", "custom"),
)


class VaeExporter(Exporter, Vae):
    """The parts of an autoencoder, as exporters write them. noise: steps that change nothing of the noise."""

    noise: Sequence[tuple[str, float]] = ()
    latents = 0

    def __init__(self, shape: Sequence[int | str], random: np.random.Generator, style: str, turns: int, **options: Any) -> None:
        Vae.__init__(self, tuple(int(n) for n in shape), random, **options)
        self.style, self.turns, self.spelling = style, turns, True

    def __call__(self, operator: str, *operands: Operand, name: str = "", domain: str | None = None, **attributes: Any) -> str:
        result = super().__call__(operator, *operands, name=name, domain=domain, **attributes)
        if operator in ("RandomNormal", "RandomNormalLike"):
            for step, constant in self.noise:
                result = super().__call__(step, result, constant)
        return result

    def scored(self, z: str, mean: str, logvar: str) -> str:
        if self.random.integers(2):
            return super().scored(z, mean, logvar)
        axis = np.array([1])
        match self.turn("ReduceSumSquare", "ReduceSum", "ReduceL1", "ReduceL2"):
            case "ReduceSumSquare":
                square = self("ReduceSumSquare", mean, axis)
            case "ReduceL2":
                square = self("Pow", self("ReduceL2", mean, axis), 2.0)
            case operator:
                square = self(operator, self("Pow", mean, 2.0), axis)
        excess = self("Sub", self("Sub", self("Add", self("Mul", mean, mean), self("Exp", logvar)), 1.0), logvar)
        divergence = self("Mul", self("ReduceMean", excess, axis), 0.5 * self.latents)
        return self("Concat", z, square, divergence, axis=1)


class RealDrawing(real_graphs.Drawing):
    """One graph."""

    g: VaeExporter

    def __init__(self, seed: int) -> None:
        self.seed, self.calls = seed, 0
        self.convolved = self.resized = False
        super().__init__(seed)
        self.fault = self.pick(*FAULTS) if self.chance(6) else None
        self.planted: Planted | None = None
        self.g.latents = self.latents
        self.g.noise = self.pick((), (), (), (("Mul", 1.0), ("Add", 0.0)), (("Mul", 1.0),), (("Add", 0.0),))

    def builder(self) -> VaeExporter:
        opset, style = int(self.pick(*OPSETS)), str(self.pick(*STYLES))
        return VaeExporter(self.fed, self.random, style, self.seed // 3, constant_nodes=self.chance(2), opset=opset)

    def turn(self, *choices: Any) -> Any:
        self.calls += 1
        return choices[(self.seed // 3 + self.calls - 1) % len(choices)]

    def case(self, folder: Path) -> Case:
        """The case, its file in `folder`."""
        sample = self.sample(folder / f"graph_{self.seed}.onnx")
        return Case(self.seed, sample.path, sample.x, None, epsilon=sample.epsilon, planted=self.planted, coding=sample.coding)

    def plant(self, *positions: int) -> None:
        """Note that the nodes at these positions are at fault."""
        self.planted, self.fault = Planted(str(self.fault), tuple(self.g.name_of(p) for p in positions)), None

    @property
    def here(self) -> int:
        """The last node's position."""
        return len(self.g.nodes) - 1

    # parts

    def input(self) -> tuple[np.ndarray, Coding | None]:
        frames, coding = super().input()
        if self.chance(4):
            self.front()
        return frames, coding

    def front(self) -> None:
        """A binary layer or two in front, behind a scalar step or none."""
        if self.chance(2):
            self.apply("Sub", 0.4)
            self.apply("Mul", self.pick(2.0, -1.0))
        self.bits()
        if self.chance(2):
            channels = self.shape[0]
            if self.images:
                self.apply("Conv", signs(self.random, 4, channels, 3, 3), pads=[1, 1, 1, 1])
                self.shape = (4, *self.shape[1:])
            else:
                self.apply("MatMul", signs(self.random, channels, 6))
                self.shape = (6,)
            self.apply("Add", 0.3)
            self.bits()
            self.scaled()
            if self.images and self.chance(2):
                self.apply("MaxPool", kernel_shape=[2, 2], strides=[1, 1])
                self.shape = (4, self.shape[1] - 1, self.shape[2] - 1)
        self.scaled()

    def scaled(self) -> None:
        """Bits as they are, or by the name of other numbers."""
        match self.pick("", "Identity", "Dropout", "Mul", "Sub", "Neg", "Doubled"):
            case "Mul":
                self.apply("Mul", 0.5)
            case "Sub":
                self.apply("Sub", 0.25)
            case "Doubled":
                self.apply("Doubled", domain=FUNCTIONS)
            case "":
                pass
            case operator:
                self.apply(operator)

    def bits(self) -> None:
        """A binarisation."""
        match self.turn("Sign", "Where", "Greater"):
            case "Sign":
                self.apply("Sub", 0.05)
                self.apply("Sign")
            case "Where":
                self.x = self.g("Where", self.g("Greater", self.x, 0.05), 1.0, -1.0)
            case _:
                self.x = self.g("Cast", self.g("Greater", self.x, 0.05), to=1)

    def convolution(self) -> None:
        if self.convolved and not self.uneven and self.chance(2):
            self.resample()
        super().convolution()
        self.convolved = True

    def transposed(self) -> None:
        super().transposed()
        self.convolved = False

    def resample(self) -> None:
        """Maxima, means, or copies of the positions of a convolution's results."""
        channels, height, width = self.shape
        kernel = [int(k) for k in self.random.integers(1, [min(height, 2) + 1, min(width, 3) + 1])]
        strides = [int(s) for s in self.random.integers(1, 3, 2)]
        way = self.turn("MaxPool", "AveragePool", "ReduceMax", *(() if self.resized else ("Resize", "DepthToSpace", "Resize")))
        if self.g.opset < 10 and not self.resized:
            way = "Resize"
        if way == "ReduceMax":
            self.apply("ReduceMax", np.array([2, 3]))
            self.shape = (channels, 1, 1)
        elif way == "DepthToSpace":
            self.resized = True
            self.apply("Conv", self.g.weights(8, channels, 1, 1, fan=channels))
            self.apply("DepthToSpace", blocksize=2)
            self.shape = (2, height * 2, width * 2)
        elif way == "Resize":
            self.resized = True
            factors = np.array([1, 1, *strides], np.float32)
            if self.g.opset > 10:
                self.apply("Resize", np.zeros(0, np.float32), factors)
            else:
                self.apply("Upsample" if self.g.opset < 10 else "Resize", factors)
            self.shape = (channels, height * strides[0], width * strides[1])
        else:
            self.apply(way, kernel_shape=kernel, strides=strides)
            self.shape = (channels, (height - kernel[0]) // strides[0] + 1, (width - kernel[1]) // strides[1] + 1)

    def function(self, behind: bool = True) -> None:
        g = self.g
        super().function(behind)
        if self.uneven:
            return
        if self.fault in ("sign", "unknown", "custom") and self.chance(2):
            known = [name for name, since in UNKNOWN.items() if g.opset >= since]
            operator = {"sign": "Sign", "unknown": self.pick(*known), "custom": "Twist"}[str(self.fault)]
            self.apply(operator, domain="com.example" if self.fault == "custom" else "")
            # bits behind real weights: either may be blamed
            layers = [p for p, node in enumerate(g.nodes) if self.fault == "sign" and node.op_type in ("Conv", "Gemm", "MatMul")]
            self.plant(*layers, self.here)
        elif self.chance(3):
            self.curve()
        elif self.chance(6):
            self.apply("Doubled", domain=FUNCTIONS)  # a function of the file's own

    def curve(self) -> None:
        """One more operator, of those that are rarer."""
        opset = self.g.opset
        names = [
            "Swish",
            "Abs",
            "Ceil",
            "Exp",
            "Floor",
            "HardSwish",
            "Neg",
            "Reciprocal",
            "Softsign",
            "Sqrt",
            "Log",
            "Pow",
            "into",
        ]
        names += ["Celu", "Elu", "Erf", "Gelu", "Mish", "Selu", "Atan", "Cos", "Sin", "Shrink", "ThresholdedRelu"]
        names += ["And", "Not", "Or", "Xor", *["Swish"] * 4]  # few opsets have the last one
        since = {"HardSwish": 14, "Celu": 12, "Gelu": 20, "Mish": 18, "Swish": 24, "ThresholdedRelu": 10}
        match self.turn(*(name for name in names if opset >= since.get(name, 1))):
            case "Ceil" | "Floor":  # which would turn with a last bit
                self.apply("Identity")
            case "Exp":
                self.apply("Clip", None, 4.0)
                self.apply("Exp")
            case "Reciprocal" | "Sqrt" | "Log" as operator:
                self.apply("Clip", -5.0, 5.0)
                self.apply("Softplus")
                self.apply(operator)
            case "Pow":
                self.apply("Clip", -2.0, 2.0)
                self.apply("Pow", 2.0)
            case "Shrink":
                self.apply("Shrink", bias=0.25, lambd=0.25)
            case "ThresholdedRelu":  # elsewhere it would jump
                self.apply("ThresholdedRelu", alpha=0.0)
            case "And" | "Not" | "Or" | "Xor" as operator:
                self.pieces(operator)
            case "into":
                self.apply("Clip", -5.0, 5.0)
                self.apply("Softplus")
                self.x = self.g("Div", 2.0, self.x)
            case operator:
                self.apply(operator)

    def pieces(self, operator: str) -> None:
        """What x is beyond 0 and 1, by decisions, though it would be 0 between them anyway."""
        g, x = self.g, self.x
        beyond = g("Sub", x, g("Clip", x, 0.0, 1.0))
        above, below = g("Greater", x, 0.0), g("Less", x, 1.0)
        match operator:
            case "And":
                self.x = g("Where", g("And", above, below), 0.0, beyond)
            case "Or":
                self.x = g("Where", g("Or", g("Greater", x, 1.0), g("Less", x, 0.0)), beyond, 0.0)
            case "Xor":
                self.x = g("Where", g("Xor", above, g("Greater", x, 1.0)), 0.0, beyond)
            case _:
                self.x = g("Where", g("Not", above), beyond, g("Sub", beyond, 0.0))

    def flatten(self) -> None:
        if self.images and self.convolved and not self.uneven and self.chance(2):
            self.resample()
        super().flatten()
        if self.chance(4):
            self.apply("Unsqueeze", np.array([1]))
            self.apply("Squeeze", np.array([1]))
        if self.chance(4):
            self.apply(self.pick("Identity", "Dropout"))
        if self.chance(8):
            self.apply("Cast", to=1)

    def linear(self, outputs: int) -> None:
        self.convolved = False
        if self.fault in ("residual", "softmax") and self.chance(2) and not self.uneven:
            (inputs,) = self.shape
            y = self.g.dense(self.x, inputs, inputs)
            self.x = self.g("Add", y, self.x) if self.fault == "residual" else self.g("Softmax", y, axis=1)
            first = self.here
            super().linear(outputs)
            self.plant(*range(first, self.here + 1))
            return
        if self.g.opset >= 12 and self.chance(4):
            (inputs,) = self.shape
            self.apply("Einsum", self.g.weights(inputs, outputs, fan=inputs), equation="bi,ij->bj")
            self.shape, self.uneven = (outputs,), False
            return
        super().linear(outputs)

    def heads(self) -> tuple[str, str, bool]:
        if not self.chance(4):
            return super().heads()
        length, log_sigma = self.latents, self.chance(3)
        self.linear(2 * length)
        places = self.random.permutation(2 * length)
        if self.chance(2):
            first, second = (self.g("Gather", self.x, half, axis=1) for half in (places[:length], places[length:]))
        else:
            rows = self.g("Reshape", self.x, np.array([-1, 2, length]))
            if self.chance(2):
                first, second = (self.g("Gather", rows, np.array(n), axis=1) for n in (0, 1))
            else:
                halves = [self.g("Slice", rows, np.array([n]), np.array([n + 1]), np.array([1])) for n in (0, 1)]
                first, second = (self.g("Squeeze", half, np.array([1])) for half in halves)
        return first, second, log_sigma

    def draw(self, mean: str, logarithm: str, log_sigma: bool) -> None:
        g, fault = self.g, self.fault
        begin = len(g.nodes)
        if fault in ("RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial", "negative") or (
            fault == "frozen" and self.latents > 1
        ):
            sigma = g("Exp", logarithm)
            match fault:
                case "negative":
                    sigma = g("Neg", sigma)
                    noise = g("RandomNormalLike", sigma)
                case "RandomUniform":
                    noise = g("RandomUniform", shape=[1, self.latents])
                case "frozen":
                    noise = g.plain(self.random.normal(size=(1, self.latents)), np.float32)
                case "Multinomial":
                    noise = g("Cast", g("Multinomial", sigma, sample_size=self.latents), to=1)
                case _:
                    noise = g(fault, sigma)
            self.x = g("Add", mean, g("Mul", sigma, noise))
            self.shape = (self.latents,)
            self.plant(*range(begin, len(g.nodes)))
            return
        if not self.chance(5):
            super().draw(mean, logarithm, log_sigma)
        else:  # torch.addcmul, and what a trace makes of expand
            sigma = g("Exp", logarithm if log_sigma else g("Mul", logarithm, 0.5))
            noise = g("RandomNormalLike", sigma)
            product = g("Mul", g("Mul", sigma, noise), 1.0)
            self.x, self.shape = g("Add", mean, product), (self.latents,)
        if fault == "second noise":
            begin = len(g.nodes)
            self.apply("Add", g("RandomNormalLike", self.x))
            self.plant(*range(begin, len(g.nodes)))
        elif self.chance(8):
            self.apply("Expand", np.array([1, self.latents]))
        elif self.chance(8):
            self.apply("Tile", np.array([1, 1]))


def draw_real(seed: int, folder: Path) -> Case:
    """The seed's autoencoder."""
    return RealDrawing(seed).case(folder)
