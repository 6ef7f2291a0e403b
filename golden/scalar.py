"""Scalar functions of a float graph: the steps between an accumulator and the next binarisation, or at the graph's ends.

Every step is evaluated in the graph's own float32, one rounding per operator, as an executor of the model file does. A step's
constants have any shape that broadcasts against its argument.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Step:
    """One node of the graph, applied to an array."""

    node: str

    @property
    def constants(self) -> tuple[Float, ...]:
        """The step's constants, in the order that `with_constants` takes them."""
        return ()

    def with_constants(self, constants: tuple[Float, ...]) -> Step:
        """The same step with its constants replaced, e.g. rearranged."""
        return self

    def __call__(self, x: Float) -> Float:
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class _WithOne(Step):
    constant: Float

    @property
    def constants(self) -> tuple[Float, ...]:
        return (self.constant,)

    def with_constants(self, constants: tuple[Float, ...]) -> Step:
        return type(self)(self.node, *constants)


class Add(_WithOne):
    """x + c; also x - c, which rounds alike."""

    def __call__(self, x: Float) -> Float:
        return x + self.constant.astype(x.dtype)


class Multiply(_WithOne):
    """x * c."""

    def __call__(self, x: Float) -> Float:
        return x * self.constant.astype(x.dtype)


class Divide(_WithOne):
    """x / c."""

    def __call__(self, x: Float) -> Float:
        return x / self.constant.astype(x.dtype)


class DivideInto(_WithOne):
    """c / x."""

    def __call__(self, x: Float) -> Float:
        return self.constant.astype(x.dtype) / x


class Power(_WithOne):
    """x ** c."""

    def __call__(self, x: Float) -> Float:
        return np.power(x, self.constant.astype(x.dtype))


class LeakyRelu(_WithOne):
    """x where it is not negative, c * x elsewhere; c = 0 is the ordinary ReLU, a tensor c is PReLU."""

    def __call__(self, x: Float) -> Float:
        return np.where(x < 0, x * self.constant.astype(x.dtype), x)


@dataclass(frozen=True, eq=False)
class Clip(Step):
    """x limited to [low, high]."""

    low: Float
    high: Float

    @property
    def constants(self) -> tuple[Float, ...]:
        return self.low, self.high

    def with_constants(self, constants: tuple[Float, ...]) -> Clip:
        return Clip(self.node, *constants)

    def __call__(self, x: Float) -> Float:
        return np.minimum(np.maximum(x, self.low.astype(x.dtype)), self.high.astype(x.dtype))


@dataclass(frozen=True, eq=False)
class Normalise(Step):
    """BatchNormalization at inference, folded to x * factor + shift and rounded in float32 as onnxruntime does it."""

    scale: Float
    bias: Float
    mean: Float
    variance: Float
    epsilon: float

    @property
    def constants(self) -> tuple[Float, ...]:
        return self.scale, self.bias, self.mean, self.variance

    def with_constants(self, constants: tuple[Float, ...]) -> Normalise:
        scale, bias, mean, variance = constants
        return Normalise(self.node, scale, bias, mean, variance, self.epsilon)

    def __call__(self, x: Float) -> Float:
        kind = x.dtype.type
        factor = kind(1) / np.sqrt(self.variance.astype(kind) + kind(self.epsilon)) * self.scale.astype(kind)
        shift = self.bias.astype(kind) - self.mean.astype(kind) * factor
        return x * factor + shift


@dataclass(frozen=True, eq=False)
class Function(Step):
    """A named function of x alone."""

    function: Callable[[Float], Float]

    def __call__(self, x: Float) -> Float:
        return self.function(x)


@dataclass(frozen=True, eq=False)
class Binarise(Step):
    """high where x >= threshold, low elsewhere: BipolarQuant, Sign, one-step MultiThreshold.

    ONNX Sign gives 0 at exactly 0; here that is `high`, and accumulators that lead there are among the network's ties.
    """

    threshold: Float
    low: Float
    high: Float

    @property
    def constants(self) -> tuple[Float, ...]:
        return self.threshold, self.low, self.high

    def with_constants(self, constants: tuple[Float, ...]) -> Binarise:
        threshold, low, high = constants
        return Binarise(self.node, threshold, low, high)

    def __call__(self, x: Float) -> Float:
        return np.where(x >= self.threshold.astype(x.dtype), self.high.astype(x.dtype), self.low.astype(x.dtype))


@dataclass(frozen=True, eq=False)
class Quantise(Step):
    """QONNX Quant: codes round(x / scale + zero_point) clipped to [lowest, highest], and back to real numbers."""

    scale: Float
    zero_point: Float
    lowest: int
    highest: int
    rounding: Callable[[Float], Float]

    @property
    def constants(self) -> tuple[Float, ...]:
        return self.scale, self.zero_point

    def with_constants(self, constants: tuple[Float, ...]) -> Quantise:
        scale, zero_point = constants
        return Quantise(self.node, scale, zero_point, self.lowest, self.highest, self.rounding)

    @property
    def levels(self) -> int:
        """Number of codes."""
        return self.highest - self.lowest + 1

    def __call__(self, x: Float) -> Float:
        scale, zero_point = self.scale.astype(x.dtype), self.zero_point.astype(x.dtype)
        codes = np.clip(self.rounding(x / scale + zero_point), self.lowest, self.highest)
        return (codes - zero_point) * scale


@dataclass(frozen=True, eq=False)
class Rowwise(Step):
    """A function of a whole row of scores (N, K), such as a softmax: only the host can apply it, at the graph's end."""

    function: Callable[[Float], Float]

    def __call__(self, x: Float) -> Float:
        return self.function(x)


@dataclass(frozen=True, eq=False)
class Chain:
    """Steps applied one after the other."""

    steps: tuple[Step, ...] = ()

    def __call__(self, x: Float) -> Float:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for step in self.steps:
                x = step(x)
        return x

    def then(self, step: Step) -> Chain:
        """This chain with one more step."""
        return Chain((*self.steps, step))

    @property
    def constants(self) -> tuple[Float, ...]:
        """All steps' constants, in order."""
        return tuple(constant for step in self.steps for constant in step.constants)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes' names, in order."""
        return tuple(step.node for step in self.steps)

    def map_constants(self, change: Callable[[Float], Float]) -> Chain:
        """The chain with each constant replaced by change(constant)."""
        return Chain(tuple(step.with_constants(tuple(map(change, step.constants))) for step in self.steps))


@dataclass(frozen=True, eq=False)
class Join(Step):
    """A function of the two numbers that two chains make of the same x, as in x * sigmoid(x)."""

    function: Callable[[Float, Float], Float]
    first: Chain
    second: Chain

    @property
    def constants(self) -> tuple[Float, ...]:
        return (*self.first.constants, *self.second.constants)

    def with_constants(self, constants: tuple[Float, ...]) -> Join:
        given = iter(constants)
        first, second = (chain.map_constants(lambda _: next(given)) for chain in (self.first, self.second))
        return Join(self.node, self.function, first, second)

    def __call__(self, x: Float) -> Float:
        return self.function(self.first(x), self.second(x))
