"""From where to where integer codes go."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """Integer codes from `low` to `high`, both included: (0, 1) are bits, (-1, 1) is ternary, (-128, 127) is a signed byte."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"codes from {self.low} to {self.high}, expected two at least")

    @staticmethod
    def of_levels(levels: int) -> Range:
        """So many codes from 0 on."""
        return Range(0, levels - 1)

    @staticmethod
    def of_bits(bits: int, signed: bool = False) -> Range:
        """All that so many bits can hold."""
        return Range(-(1 << bits - 1), (1 << bits - 1) - 1) if signed else Range(0, (1 << bits) - 1)

    @property
    def levels(self) -> int:
        """How many codes there are."""
        return self.high - self.low + 1

    @property
    def signed(self) -> bool:
        """Are codes in two's complement?"""
        return self.low < 0

    @property
    def bits(self) -> int:
        """Width of a code: what holds its magnitude, and the sign if there is one."""
        below = (-self.low - 1).bit_length() if self.signed else 0
        return max(below, max(self.high, 0).bit_length()) + self.signed


BITS = Range(0, 1)
"""The codes of a binary activation."""
