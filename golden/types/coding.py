"""Which codes the numbers of an input become, where no quantiser of the graph says so."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .grid import Grid
from .range import Range

PIXELS = 255
"""The largest of 8-bit pixels."""

USUAL_BITS = 8
"""Of codes whose width nothing says, unless the numbers are whole."""

MOST_BITS = 16
"""Of a code."""

OFFSET_GAIN = 0.8
"""Codes have an offset where this makes their steps so much finer, at least: without one, padding costs nothing."""

MOST_OFFSET = 1 << 16
"""Steps between zero and the lowest code: more would widen all sums."""

LEAST_STEP = 1e-30
"""From one code to the next; the largest is its reciprocal."""

WHOLE = 1e-3
"""How far from a whole number of steps a number may lie that is one but for float32's rounding."""


@dataclass(frozen=True)
class Line:
    """What a code stands for in a condition: gain * x + offset, where it stands for x in the input beside it."""

    gain: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not (LEAST_STEP <= self.gain <= 1 / LEAST_STEP and abs(self.offset) <= 1 / LEAST_STEP):
            raise ValueError(f"a gain of {self.gain:g} and an offset of {self.offset:g}")

    def aligned(self, numbers: NDArray[np.floating]) -> NDArray[np.float64]:
        """What numbers (...) of a condition are in the input."""
        found: NDArray[np.float64] = (numbers.astype(np.float64) - self.offset) / self.gain
        return found


SAME = Line()
"""What it stands for in the input."""


@dataclass(frozen=True)
class Coding:
    """Codes of a range, each of which stands for a number on a grid.

    rounds: a number becomes the nearest code, and one beyond the ends that of the end; otherwise a number that no code stands
    for is an error, as with pixels. beside: what they stand for in a condition, where that differs.
    """

    codes: Range
    grid: Grid
    rounds: bool = True
    beside: Line = SAME

    @staticmethod
    def pixels(scale: float) -> Coding:
        """Multiples of a step, from 0 to 255 times that."""
        return Coding(Range(0, PIXELS), Grid(1, 0, scale), rounds=False)

    @staticmethod
    def stated(bits: int, scale: float, lowest: float) -> Coding:
        """All codes of so many bits, the first of which stands for `lowest`, and each next one for a step more.

        Raises InputError where `lowest` is no whole number of steps, nor half of one, nor another simple fraction.
        """
        levels = 1 << bits
        for codes in (Range.of_bits(bits), Range.of_bits(bits, signed=True)):
            if math.isclose(lowest, scale * codes.low, rel_tol=1e-6):
                return Coding(codes, Grid(1, 0, scale))
        grid = Grid.fit(lowest + scale * np.arange(levels))
        if grid is None or abs(grid.offset) > MOST_OFFSET * grid.gain:
            raise InputError(
                f"codes from {lowest:g} on in steps of {scale:g}: zero is no simple fraction of a step away, as sums need"
            )
        return Coding(Range.of_levels(levels), grid)

    @staticmethod
    def fitting(x: NDArray[np.generic], bits: int | None = None) -> Coding:
        """The finest codes for all numbers of x: whole numbers as they are, if their codes have no more than the given bits, or
        16; pixels from -1 to 1 as they are; others in 2^bits, or 256, equal steps.

        Raises InputError where all numbers are the same, which shows no range.
        """
        low, high = float(x.min()), float(x.max())
        if low == high:
            raise InputError(f"all its numbers are {low:g}, which shows no range that an input has")
        numbers = x.astype(np.float64)
        if np.array_equal(numbers, np.rint(numbers)) and max(-low, high) < 1 << MOST_BITS:
            needed = Range(int(min(low, 0)), int(max(high, 0)))
            if needed.bits <= (bits or MOST_BITS):
                return Coding(Range.of_bits(bits or needed.bits, needed.signed), Grid(1, 0, 1.0))
        steps = (numbers + 1) * (PIXELS / 2)
        if bits in (None, USUAL_BITS) and -1 <= low < 0 < high <= 1 and np.all(np.abs(steps - np.rint(steps)) <= WHOLE):
            return Coding(Range(0, PIXELS), Grid(2, -PIXELS, 1 / PIXELS))
        return _between(low, high, bits or USUAL_BITS)

    def with_condition(self, numbers: NDArray[np.generic]) -> Coding:
        """The same codes for an input with a condition beside it, of which such numbers are known; they round if these have to.

        Zero stays zero wherever there is room, so that padding stays padding; numbers on a grid of their own stay on it. Raises
        InputError for numbers of no ordinary size.
        """
        found = replace(self, beside=self._line(numbers))
        aligned = found.beside.aligned(numbers.astype(np.float64))
        return found if self.rounds or self.holds(aligned) else replace(found, rounds=True)

    def _line(self, numbers: NDArray[np.generic]) -> Line:
        """What the codes stand for in a condition of such numbers."""
        low, high = float(numbers.min()), float(numbers.max())
        lowest, highest = self.ends
        if not max(-low, high) <= 1 / LEAST_STEP / max(highest, -lowest, 1.0):
            raise InputError(f"its condition goes from {low:g} to {high:g}, which is no ordinary size")
        if highest <= 0 or lowest > 0 or (lowest == 0 and low < 0):
            gain = max(high - low, LEAST_STEP) / (highest - lowest)
            return Line(gain, low - gain * lowest)
        size = max(high / highest, low / lowest if low < 0 else 0.0) * self.step
        if not size >= LEAST_STEP:
            return SAME
        step = _common_step(numbers, math.floor(max(-low, high) / size + WHOLE))
        if step is not None:
            size = step / math.floor(step / size + WHOLE)
        return Line(size / self.step)

    def __str__(self) -> str:
        if not self.rounds:
            return f"pixels in steps of {self.grid.scale:.9g}"
        return f"codes of {self.codes.bits} bits from {self.ends[0]:.6g} to {self.ends[1]:.6g}"

    def alike(self, other: Coding) -> bool:
        """Are they the same but for rounding?"""
        ends = zip((*self.ends, self.step), (*other.ends, other.step), strict=True)
        return (self.codes, self.rounds) == (other.codes, other.rounds) and all(
            math.isclose(*pair, rel_tol=1e-6) for pair in ends
        )

    @property
    def counted(self) -> Coding:
        """The same numbers, by codes that count from 0."""
        grid = replace(self.grid, offset=self.grid.offset + self.grid.gain * self.codes.low)
        return replace(self, codes=Range.of_levels(self.codes.levels), grid=grid)

    @property
    def step(self) -> float:
        """From one code to the next."""
        return self.grid.gain * self.grid.scale

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest number that codes stand for."""
        low, high = (self.grid.scale * (self.grid.gain * code + self.grid.offset) for code in (self.codes.low, self.codes.high))
        return low, high

    def holds(self, x: NDArray[np.generic]) -> bool:
        """Do codes stand for all these numbers, but for rounding?"""
        return bool(np.all(np.abs(self.nearest(x) - x.astype(np.float64)) <= WHOLE * self.step))

    def nearest(self, x: NDArray[np.generic]) -> NDArray[np.float64]:
        """The nearest of the numbers that codes stand for."""
        steps = (x.astype(np.float64) / self.grid.scale - self.grid.offset) / self.grid.gain
        codes = np.clip(np.rint(steps), self.codes.low, self.codes.high)
        found: NDArray[np.float64] = self.grid.scale * (self.grid.gain * codes + self.grid.offset)
        return found

    def beyond(self, x: NDArray[np.generic]) -> NDArray[np.bool_]:
        """Which numbers lie further beyond the ends than rounding explains."""
        low, high = self.ends
        numbers, room = x.astype(np.float64), self.step * (0.5 + WHOLE)
        outside: NDArray[np.bool_] = (numbers < low - room) | (numbers > high + room)
        return outside


def _common_step(numbers: NDArray[np.generic], most: int) -> float | None:
    """The largest step of which all numbers are multiples, up to so many times; None without one."""
    sizes = np.unique(np.abs(numbers.astype(np.float64)))
    for count in range(1, most + 1):
        step = float(sizes[-1]) / count
        multiples = sizes[: most + 1] / step
        if len(sizes) <= most + 1 and np.all(np.abs(multiples - np.rint(multiples)) <= WHOLE):
            return step
    return None


def _between(low: float, high: float, bits: int) -> Coding:
    """Codes of so many bits for real numbers from low to high. Raises InputError where their steps are of no ordinary size."""
    levels = 1 << bits
    codes = Range.of_bits(bits, signed=low < 0)
    plain = max(low / codes.low if codes.signed else 0.0, high / codes.high)
    fine = (high - low) / (levels - 2)  # one step more than there are between: the lowest code is a whole number of them
    if not LEAST_STEP <= fine <= 1 / LEAST_STEP:
        raise InputError(f"its numbers go from {low:g} to {high:g}, in steps of {fine:g}; steps are from {LEAST_STEP:g} to 1e+30")
    first = int(np.floor(low / fine))
    if fine > OFFSET_GAIN * plain or abs(first) > MOST_OFFSET:
        return Coding(codes, Grid(1, 0, plain))
    return Coding(Range.of_levels(levels), Grid(1, first, fine))
