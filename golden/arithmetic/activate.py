"""From sums to codes: shift, saturation, and a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types.range import Range
from .tabulate import tabulate


@dataclass(frozen=True, eq=False)
class Activation:
    """floor(sum / 2**shift), limited to [low, high], then looked up in a table if there is one.

    low and high are what `bits` bits can hold, in two's complement if signed: a ReLU is a limit at zero. table: (high - low + 1,)
    output codes, from that of `low` on, from result_low to result_high; None gives the limited number itself.
    """

    shift: int
    bits: int
    signed: bool
    table: NDArray[np.int64] | None = None
    table_bits: int = 0
    table_signed: bool = False

    def __post_init__(self) -> None:
        if self.shift < 0 or self.bits < 1:
            raise ValueError(f"shift={self.shift}, bits={self.bits}: a shift of at least 0 and one bit are needed")
        if self.table is not None:
            if self.table.shape != (1 << self.bits,):
                raise ValueError(f"a table of {self.table.shape} codes for numbers of {self.bits} bits")
            codes = self.codes
            if self.table.min() < codes.low or self.table.max() > codes.high:
                found = f"a table from {self.table.min()} to {self.table.max()}"
                raise ValueError(f"{found} for codes from {codes.low} to {codes.high}")

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest number after the shift."""
        numbers = Range.of_bits(self.bits, self.signed)
        return numbers.low, numbers.high

    @property
    def codes(self) -> Range:
        """Of results: all that their width can hold."""
        return Range.of_bits(self.result_bits, self.result_signed)

    @property
    def result_bits(self) -> int:
        """Width of a code."""
        return self.bits if self.table is None else self.table_bits

    @property
    def result_signed(self) -> bool:
        """Are codes in two's complement?"""
        return self.signed if self.table is None else self.table_signed

    def overflows(self, sums: NDArray[np.int64]) -> int:
        """How many sums are limited from above, or from below where codes are signed: below zero a ReLU is meant to."""
        low, high = self.limits
        shifted = sums >> self.shift
        return int((shifted > high).sum() + ((shifted < low).sum() if self.signed else 0))

    def __call__(self, sums: NDArray[np.int64]) -> NDArray[np.int64]:
        """Codes of sums, any shape."""
        low, high = self.limits
        limited: NDArray[np.int64] = np.clip(sums >> self.shift, low, high)
        return limited if self.table is None else tabulate(limited - low, self.table)
