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

    @property
    def binarises(self) -> bool:
        """Is the step a quantiser, so that what it gives is meant to be bits?"""
        return False

    @property
    def levels(self) -> int:
        """How many numbers a quantiser is meant to give; for one of bits, and for any other step, two."""
        return 2

    @property
    def jumps(self) -> bool:
        """Do some numbers that differ by no more than rounding give results that differ by more?"""
        return self.binarises

    @property
    def exact(self) -> bool:
        """Is the result free of rounding?"""
        return False

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
        return power(x, self.constant.astype(x.dtype))


def power(x: Float, exponent: Float) -> Float:
    """x ** exponent. NumPy takes 0.5 for the root, which of -0 is -0, and of -inf none; as powers these are 0 and inf."""
    with np.errstate(all="ignore"):
        result = np.power(x, exponent)
    root = exponent == 0.5
    if np.any(root):
        result = np.where(root & (x == 0), 0, np.where(root & (x == -np.inf), np.inf, result)).astype(result.dtype)
    return np.asarray(result)


class LeakyRelu(_WithOne):
    """x where it is not negative, c * x elsewhere; c = 0 is the ordinary ReLU, a tensor c is PReLU."""

    @property
    def exact(self) -> bool:
        return not np.any(self.constant)

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

    @property
    def exact(self) -> bool:
        return True

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

    @property
    def jumps(self) -> bool:
        return self.function in (np.rint, np.floor, np.ceil)

    @property
    def exact(self) -> bool:
        return self.jumps or self.function in (np.abs, np.negative)

    def __call__(self, x: Float) -> Float:
        return self.function(x)


@dataclass(frozen=True, eq=False)
class Binarise(Step):
    """high where x >= threshold, low elsewhere, also for NaN: BipolarQuant, comparisons, one-step MultiThreshold."""

    threshold: Float
    low: Float
    high: Float

    @property
    def binarises(self) -> bool:
        return True

    @property
    def constants(self) -> tuple[Float, ...]:
        return self.threshold, self.low, self.high

    def with_constants(self, constants: tuple[Float, ...]) -> Binarise:
        threshold, low, high = constants
        return type(self)(self.node, threshold, low, high)

    @property
    def exact(self) -> bool:
        return True

    def __call__(self, x: Float) -> Float:
        return np.where(x >= self.threshold.astype(x.dtype), self.high.astype(x.dtype), self.low.astype(x.dtype))


class Piece(Binarise):
    """The same within a function of one number, of which it says where a piece begins: nothing is binary."""

    @property
    def binarises(self) -> bool:
        return False


@dataclass(frozen=True, eq=False)
class Count(Step):
    """size * n + first, where n is how many of the thresholds x reaches: MultiThreshold."""

    thresholds: tuple[Float, ...]
    size: np.float32
    first: np.float32

    @property
    def binarises(self) -> bool:
        return True

    @property
    def constants(self) -> tuple[Float, ...]:
        return self.thresholds

    def with_constants(self, constants: tuple[Float, ...]) -> Count:
        return Count(self.node, constants, self.size, self.first)

    @property
    def levels(self) -> int:
        return len(self.thresholds) + 1

    @property
    def exact(self) -> bool:
        return True

    def of(self, counts: Float) -> Float:
        """What it gives for so many thresholds reached."""
        return counts * counts.dtype.type(self.size) + counts.dtype.type(self.first)

    def __call__(self, x: Float) -> Float:
        counts = np.zeros(x.shape, x.dtype)
        for threshold in self.thresholds:
            counts = counts + (x >= threshold.astype(x.dtype))
        return self.of(counts)


@dataclass(frozen=True, eq=False)
class Sign(Step):
    """ONNX Sign: -1, 0 or 1, and 0 only at exactly 0."""

    @property
    def binarises(self) -> bool:
        return True

    @property
    def without_zero(self) -> Binarise:
        """The same, but for +1 at exactly 0."""
        one = np.ones((), np.float32)
        return Binarise(self.node, np.zeros((), np.float32), -one, one)

    @property
    def exact(self) -> bool:
        return True

    def __call__(self, x: Float) -> Float:
        return np.sign(x)


@dataclass(frozen=True, eq=False)
class Choose(Step):
    """yes where x is not 0, no where it is: Where, on a comparison's 0 and 1."""

    yes: Float
    no: Float

    @property
    def constants(self) -> tuple[Float, ...]:
        return self.yes, self.no

    def with_constants(self, constants: tuple[Float, ...]) -> Choose:
        return Choose(self.node, *constants)

    @property
    def exact(self) -> bool:
        return True

    def __call__(self, x: Float) -> Float:
        return np.where(x != 0, self.yes.astype(x.dtype), self.no.astype(x.dtype))


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

    @property
    def binarises(self) -> bool:
        return True

    def __call__(self, x: Float) -> Float:
        scale, zero_point = self.scale.astype(x.dtype), self.zero_point.astype(x.dtype)
        codes = np.clip(self.rounding(x / scale + zero_point), self.lowest, self.highest)
        return (codes - zero_point) * scale


FINE = 16
"""Levels from which on a quantiser states the grid of real numbers, and decides nothing."""


def fine(step: Step) -> bool:
    """Is a step such a quantiser?"""
    return isinstance(step, Quantise) and step.levels >= FINE


@dataclass(frozen=True, eq=False)
class Truncate(Step):
    """QONNX Trunc: whole numbers round(x / scale + zero_point) without their lowest bits, and back to real numbers.

    divisor: what the bits that go are worth. lowest, highest: what stays is limited to these, before it is rounded. back: the
    zero point behind; unit: what 1 stands for there. bits: how many are meant to stay.
    """

    scale: Float
    zero_point: Float
    divisor: Float
    back: Float
    unit: Float
    lowest: float
    highest: float
    rounding: Callable[[Float], Float]
    bits: int

    @property
    def constants(self) -> tuple[Float, ...]:
        return self.scale, self.zero_point, self.divisor, self.back, self.unit

    def with_constants(self, constants: tuple[Float, ...]) -> Truncate:
        scale, zero_point, divisor, back, unit = constants
        return Truncate(self.node, scale, zero_point, divisor, back, unit, self.lowest, self.highest, self.rounding, self.bits)

    @property
    def levels(self) -> int:
        return int(2**self.bits)

    @property
    def binarises(self) -> bool:
        return True

    def __call__(self, x: Float) -> Float:
        scale, zero_point, divisor, back, unit = (constant.astype(x.dtype) for constant in self.constants)
        kept = np.clip(np.rint(x / scale + zero_point) / divisor, self.lowest, self.highest)
        return (self.rounding(kept) - back) * unit


@dataclass(frozen=True, eq=False)
class Rowwise(Step):
    """A function of a whole row of scores (N, K), such as a softmax: only the host can apply it, at the graph's end."""

    function: Callable[[Float], Float]

    def __call__(self, x: Float) -> Float:
        return self.function(x)


class Choice(Rowwise):
    """The place (N, 1) of the largest score of each row (N, K)."""


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
    def binarised(self) -> int:
        """Number of steps up to the last quantiser; 0 without one."""
        return max((end for end, step in enumerate(self.steps, 1) if step.binarises), default=0)

    @property
    def decided(self) -> int:
        """Number of steps up to the last quantiser, or without one to the last that rounds to whole numbers; 0 without any."""
        return self.binarised or max((end for end, step in enumerate(self.steps, 1) if step.jumps), default=0)

    @property
    def rounded(self) -> Chain:
        """The chain up to its last step that rounds."""
        return Chain(self.steps[: max((end for end, step in enumerate(self.steps, 1) if not step.exact), default=0)])

    @property
    def culprit(self) -> str | None:
        """The node that is meant to give bits: the last quantiser, or the last that rounds."""
        return self.steps[self.decided - 1].node if self.decided else None

    @property
    def without_zeros(self) -> Chain:
        """The chain with each Sign taken as +1 at exactly 0."""
        return Chain(tuple(step.without_zero if isinstance(step, Sign) else step for step in self.steps))

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


def coarse(step: Step) -> bool:
    """Does a step jump between numbers that differ by no more than rounding, but for fine quantisers?"""
    if isinstance(step, Join):
        return any(map(coarse, (*step.first.steps, *step.second.steps)))
    return step.jumps and not fine(step)


@dataclass(frozen=True, eq=False)
class Join(Step):
    """A function of the two numbers that two chains make of the same x, as in x * sigmoid(x)."""

    function: Callable[[Float, Float], Float]
    first: Chain
    second: Chain

    @property
    def constants(self) -> tuple[Float, ...]:
        return (*self.first.constants, *self.second.constants)

    @property
    def binarises(self) -> bool:
        return self.first.binarised > 0 or self.second.binarised > 0

    def with_constants(self, constants: tuple[Float, ...]) -> Join:
        given = iter(constants)
        first, second = (chain.map_constants(lambda _: next(given)) for chain in (self.first, self.second))
        return Join(self.node, self.function, first, second)

    def __call__(self, x: Float) -> Float:
        return self.function(self.first(x), self.second(x))


@dataclass(frozen=True, eq=False)
class Apart(Step):
    """What one of several chains makes of x, for each element which one: 0 is the first."""

    chains: tuple[Chain, ...]
    which: Float

    @property
    def constants(self) -> tuple[Float, ...]:
        return (self.which, *(constant for chain in self.chains for constant in chain.constants))

    def with_constants(self, constants: tuple[Float, ...]) -> Apart:
        which, *rest = constants
        given = iter(rest)
        return Apart(self.node, tuple(chain.map_constants(lambda _: next(given)) for chain in self.chains), which)

    def __call__(self, x: Float) -> Float:
        result, *others = (chain(x) for chain in self.chains)
        for number, other in enumerate(others, 1):
            result = np.where(self.which == number, other, result)
        return result
