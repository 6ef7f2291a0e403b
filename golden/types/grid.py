"""What the codes on a stream stand for."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

MAX_DENOMINATOR = 4096
"""Largest gain that `Grid.fit` tries: finer offsets between two codes are not told from rounding."""


@dataclass(frozen=True)
class Grid:
    """An integer grid of real numbers: code v stands for scale * (gain * v + offset). Which codes there are says their Range.

    Bipolar bits are gain=2, offset=-1, scale=1; pixels / 255 are gain=1, offset=0, scale=1/255;
    2 * pixels / 255 - 1 has gain=2, offset=-255. The integer gain * v + offset is called the *value* of the code: layers add
    and multiply values, and real zero (padding) is value zero, whether or not a code has it.
    """

    gain: int
    offset: int
    scale: float

    def __post_init__(self) -> None:
        if self.gain < 1:
            raise ValueError(f"gain={self.gain} is below 1")
        if not self.scale > 0:
            raise ValueError(f"scale={self.scale} is not positive")

    def values(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Integer values of codes, any shape."""
        return self.gain * codes.astype(np.int64) + self.offset

    def reals(self, codes: NDArray[np.integer]) -> NDArray[np.float32]:
        """Real numbers that the codes stand for, scaled once in float32."""
        return self.values(codes).astype(np.float32) * np.float32(self.scale)

    @staticmethod
    def fit(reals: NDArray[np.floating]) -> Grid | None:
        """The grid on which code v stands for reals[v], or None where the numbers are not evenly spaced and rising.

        The offset in steps, a real number, is taken as the fraction of smallest denominator that it cannot be told from in
        float32; that denominator becomes the gain. Where there is none, the numbers may be a unit in the last place off, not half
        of one: they are what is left of a difference.
        """
        exact = reals.astype(np.float64)
        step = float(exact[-1] - exact[0]) / (len(exact) - 1)
        largest = float(np.max(np.abs(exact)))
        if not np.isfinite(step) or step <= 0:
            return None
        if np.any(np.abs(exact - (exact[0] + step * np.arange(len(exact)))) > 4e-7 * max(largest, step)):
            return None
        ratio = float(exact[0]) / step
        # each number is off by half a unit in float32's last place, the step by twice that over all steps
        tolerance = 2.0**-24 * max(1.0, largest / step) * (1 + 2 * abs(ratio) / (len(exact) - 1))
        gain = _denominator(ratio, tolerance) or _denominator(ratio, 2 * tolerance)
        if gain is None:
            return None
        fraction = Fraction(round(ratio * gain), gain)
        place = int(np.argmax(np.abs(exact)))  # the largest number tells the scale best
        value = fraction.denominator * place + fraction.numerator
        return Grid(fraction.denominator, fraction.numerator, float(exact[place]) / value)


def _denominator(ratio: float, tolerance: float) -> int | None:
    """The smallest of a fraction that is so near to a ratio."""
    gains = range(1, MAX_DENOMINATOR + 1)
    return next((gain for gain in gains if abs(ratio * gain - round(ratio * gain)) <= tolerance * gain), None)


BIPOLAR = Grid(gain=2, offset=-1, scale=1.0)
"""Bits that stand for -1 and +1."""
