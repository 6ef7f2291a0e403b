"""Chains of scalar steps split into what layers of real weights absorb, and the function of one number that is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...types.scalar import (
    Add,
    Chain,
    Choose,
    Clip,
    Divide,
    Float,
    Function,
    LeakyRelu,
    Multiply,
    Normalise,
    Quantise,
    Rowwise,
    Step,
    coarse,
    fine,
)
from .scalar_nodes import UNARY, Refusal

Real = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Affine:
    """gain * x + offset, both numbers or arrays over the elements of x's source."""

    gain: Real
    offset: Real

    def then(self, gain: Float, offset: Float) -> Affine:
        """gain * y + offset of this one's results y."""
        with np.errstate(all="ignore"):  # elements that nothing takes may hold anything; `of` looks at those that are taken
            return Affine(self.gain * gain, self.offset * gain + offset)

    def of(self, elements: NDArray[np.int64]) -> tuple[Real, Real]:
        """Gains and offsets of the given elements, in the shape of `elements`."""
        parts = []
        for part in (self.gain, self.offset):
            chosen = np.broadcast_to(part, elements.shape) if np.ndim(part) == 0 else part[elements]
            if not np.isfinite(chosen).all():
                raise Refusal("the steps before it scale an element by a number that is not finite")
            parts.append(chosen)
        return parts[0], parts[1]


IDENTITY = Affine(np.ones(()), np.zeros(()))


def line(step: Step) -> tuple[Float, Float] | None:
    """Gain and offset of an affine step, in float64; None of any other."""
    constants: list[Any] = [np.asarray(constant, np.float64) for constant in step.constants]
    with np.errstate(all="ignore"):
        match step:
            case Add():
                return np.ones(()), constants[0]
            case Multiply():
                return constants[0], np.zeros(())
            case Divide():
                return 1 / constants[0], np.zeros(())
            case Normalise():
                scale, bias, mean, variance = constants
                factor = scale / np.sqrt(variance + step.epsilon)
                return factor, bias - mean * factor
            case Choose():  # between the numbers for 1 and 0, which is all that a condition can be
                return constants[0] - constants[1], constants[1]
            case Function() if step.function is np.negative:
                return -np.ones(()), np.zeros(())
    return None


def affine(chain: Chain, first: Affine = IDENTITY) -> Affine | None:
    """The whole chain as one affine function of what `first` gives, if it is one."""
    result = first
    for step in chain.steps:
        coefficients = line(step)
        if coefficients is None:
            return None
        result = result.then(*coefficients)
    return result


def idle(chain: Chain, elements: NDArray[np.int64]) -> bool:
    """Does a chain leave the given elements as they are, as a product with 1 and a sum with 0 do?"""
    whole = affine(chain)
    if whole is None:
        return False
    gain, offset = whole.of(elements)
    return bool(np.all(gain == 1) and not np.any(offset))


@dataclass(frozen=True, eq=False)
class Parts:
    """A chain as three: affine steps, which the layer before absorbs; a function, of constants that all elements share, or of
    some of their own where that may be; and affine steps that are not the same for all elements, which the layer behind absorbs.
    """

    before: Affine
    function: Chain
    after: Affine


def split(chain: Chain, own: bool = False) -> Parts:
    """The parts of a chain. own: may its function have other constants for each element? Raises Refusal where it has others."""
    steps = chain.steps
    curved = [position for position, step in enumerate(steps) if line(step) is None]
    if not curved:
        whole = affine(chain)
        assert whole is not None
        return Parts(whole, Chain(), IDENTITY)
    begin, end = curved[0], curved[-1] + 1
    while end < len(steps) and _shared(steps[end]):
        end += 1
    for step in steps[begin:end]:
        if (step.binarises and coarse(step)) or isinstance(step, Rowwise):
            raise Refusal(f"it takes the result of {step.node}, which is no function of one real number")
        if not (own or _shared(step)):
            raise Refusal(f"{step.node} before it differs between elements behind a function that is not affine")
    before, after = affine(Chain(steps[:begin])), affine(Chain(steps[end:]))
    assert before is not None and after is not None
    return Parts(before, Chain(steps[begin:end]), after)


def _shared(step: Step) -> bool:
    """Are the step's constants the same for all elements?"""
    return all(np.ndim(constant) == 0 for constant in step.constants)


RISING = tuple(UNARY[name] for name in ("Exp", "Log", "Sigmoid", "Softplus", "Softsign", "Sqrt", "Tanh"))


def behind(chain: Chain, inner: Chain) -> Parts:
    """The parts of a chain behind maxima of a function `inner`: what rises is applied before them, and what is affine at its end
    becomes the next layer's.
    """
    steps = chain.steps
    curved = [place for place, step in enumerate(steps) if line(step) is None]
    begin, end = (curved[0], curved[-1] + 1) if curved else (0, 0)
    after = affine(Chain(steps[end:]))
    assert after is not None
    first = IDENTITY
    if not inner.steps and curved:
        whole = affine(Chain(steps[:begin]))
        assert whole is not None
        if np.all(whole.gain > 0):
            first, steps = whole, steps[begin:]
            end -= begin
    for step in steps[:end]:
        if any(map(np.ndim, step.constants)) or not _rises(step):
            raise Refusal(f"{step.node} behind maxima does not rise everywhere, or differs between channels: put it before them")
    return Parts(first, Chain((*inner.steps, *steps[:end])), after)


def _rises(step: Step) -> bool:
    match step:
        case Add() | Clip():
            return True
        case Multiply() | Divide():
            return bool(step.constant > 0)
        case LeakyRelu():
            return bool(step.constant >= 0)
        case Quantise():
            return fine(step)
        case Function():
            return step.function in RISING
    return False
