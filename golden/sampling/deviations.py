"""Standard deviations by a table: any function of one code that is nowhere negative, such as a softplus."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.tabulate import tabulate
from .exponential import FINEST, VALUE_BITS

LARGEST_BITS = 14
"""Bits in front of the point of a standard deviation at the most."""


@dataclass(frozen=True, eq=False)
class Table:
    """Codes of `bits` bits in two's complement with `fraction` fraction bits, each of which stands for a standard deviation.

    words: (2**bits,) standard deviations, unsigned, of 24 bits with `value_fraction` fraction bits; from that of code 0 upwards
    and then those of the negative codes, as their bits count.
    """

    bits: int
    fraction: int
    value_fraction: int
    words: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 16:
            raise ValueError(f"bits={self.bits} is not 2 to 16")
        if not 0 <= self.fraction <= FINEST:
            raise ValueError(f"fraction={self.fraction} is not 0 to {FINEST}")
        if not VALUE_BITS - LARGEST_BITS <= self.value_fraction <= VALUE_BITS:
            raise ValueError(f"value_fraction={self.value_fraction} is not {VALUE_BITS - LARGEST_BITS} to {VALUE_BITS}")
        if self.words.shape != (1 << self.bits,):
            raise ValueError(f"a table of {self.words.shape} deviations for codes of {self.bits} bits")
        if self.words.min() < 0 or self.words.max() >> VALUE_BITS:
            raise ValueError(f"deviations from {self.words.min()} to {self.words.max()}, of {VALUE_BITS} bits")

    @staticmethod
    def tabulated(
        function: Callable[[NDArray[np.float64]], NDArray[np.floating]], bits: int, fraction: int, limit: float
    ) -> Table:
        """The table of a function of what the codes stand for, up to a limit, a power of two; rounded half up, as fine as 24 bits
        hold its largest result.

        Raises ValueError where it is no number, negative, 0 for all codes, or more than LARGEST_BITS hold.
        """
        numbers: NDArray[np.float64] = _signed_order(bits) * np.float64(2.0**-fraction)
        results = np.asarray(function(numbers), np.float64)
        wrong = ~(results >= 0)
        if wrong.any():
            # of those that are wrong, the one nearest to 0
            place = int(np.flatnonzero(wrong)[np.abs(numbers[wrong]).argmin()])
            raise ValueError(f"a standard deviation of {results[place]:g} where its function takes {numbers[place]:g}")
        if not results.any():
            raise ValueError("a standard deviation of 0 for every code")
        results = np.minimum(results, limit)
        if results.max() > 1 << LARGEST_BITS:
            raise ValueError(f"a standard deviation of up to {results.max():g}, at most {1 << LARGEST_BITS} is supported")
        value_fraction = VALUE_BITS - max(0, math.ceil(math.log2(results.max())))
        words = np.floor(results * 2.0**value_fraction + 0.5).astype(np.int64)
        return Table(bits, fraction, value_fraction, np.minimum(words, (1 << VALUE_BITS) - 1))

    @property
    def limit(self) -> float:
        """The largest deviation."""
        return float(self.words.max()) * 2.0**-self.value_fraction

    @property
    def error(self) -> float:
        """What a deviation differs by at the most from its function, up to the limit: half a unit; a whole one at the end of the
        24 bits.
        """
        full = self.words.max() == (1 << VALUE_BITS) - 1
        return (1.0 if full else 0.5) * 2.0**-self.value_fraction

    def of(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Standard deviations of (...) codes, unsigned, of 24 bits with value_fraction fraction bits."""
        return tabulate(codes & ((1 << self.bits) - 1), self.words)


def _signed_order(bits: int) -> NDArray[np.int64]:
    """Codes in the order of the unsigned numbers that have the same bits."""
    half = 1 << (bits - 1)
    return np.concatenate([np.arange(half), np.arange(-half, 0)])
