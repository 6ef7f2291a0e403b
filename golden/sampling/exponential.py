"""exp() of fixed-point codes: standard deviations and variances of latent variables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

VALUE_BITS = 24
"""Width of a value: what the wider input of a DSP48E1, 25 bits in two's complement, takes of an unsigned number."""

FACTOR_BITS = 17
"""Width of an entry of the low table: the same of the narrower input, of 18 bits."""

DIRECT_BITS = 6
"""Codes of up to so many bits are looked up in one table: a LUT6 for each bit of the value, fewer than the product takes."""

CLAMP = 3
"""Log-variances are clamped to [-2**CLAMP, 2**CLAMP): a deviation between exp(-4) and exp(4)."""

FINEST = 20
"""Fraction bits of a code at the most."""

_CONTEXT = Context(prec=50)


@dataclass(frozen=True)
class Exponential:
    """Codes of `bits` bits in two's complement with `fraction` fraction bits, each the logarithm of a variance, or of a standard
    deviation if log_sigma; and what is wanted of them: the standard deviation, or its square if squared.

    exp(a + b) = exp(a) * exp(b): with a the high bits of a code and b the low ones, two short tables and a product do for a long
    table. The tables are rounded from exact decimal arithmetic, and thus are the same on every machine.
    """

    bits: int
    fraction: int
    log_sigma: bool
    squared: bool

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 16:
            raise ValueError(f"bits={self.bits} is not 2 to 16")
        if not 0 <= self.fraction <= FINEST:
            raise ValueError(f"fraction={self.fraction} is not 0 to {FINEST}")

    @property
    def power(self) -> int:
        """The value is exp(x * 2**power)."""
        return -1 + self.log_sigma + self.squared

    @property
    def clamp_bits(self) -> int:
        """Width of a clamped code."""
        return min(self.bits, CLAMP - self.log_sigma + 1 + self.fraction)

    @property
    def clamp(self) -> tuple[int, int]:
        """Lowest and highest code that is not clamped: [-8, 8) of a log-variance, [-4, 4) of log-sigma, or all codes."""
        half = 1 << (self.clamp_bits - 1)
        return -half, half - 1

    def clamped(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Codes within the clamp."""
        clamped: NDArray[np.int64] = np.clip(codes, *self.clamp).astype(np.int64)
        return clamped

    @cached_property
    def value_fraction(self) -> int:
        """Fraction bits of a value, as many as its 24 bits leave for the largest one."""
        return VALUE_BITS - int(self._exact(self.clamp[1])).bit_length()

    @property
    def direct(self) -> bool:
        """One table, and no product?"""
        return self.clamp_bits <= DIRECT_BITS

    @property
    def low_bits(self) -> int:
        """Bits of a clamped code that the low table takes."""
        return self.clamp_bits // 2

    @cached_property
    def values(self) -> tuple[int, ...]:
        """Values of all clamped codes, from code 0 upwards and then the negative ones, as their bits count."""
        return self._table(_signed_order(self.clamp_bits), self.value_fraction)

    @cached_property
    def high(self) -> tuple[int, ...]:
        """Values of the codes whose low bits are 0, in the order of their high bits."""
        multiples = _signed_order(self.clamp_bits - self.low_bits)
        return self._table((multiple << self.low_bits for multiple in multiples), self.value_fraction)

    @cached_property
    def low_fraction(self) -> int:
        """Fraction bits of the low table, as many as the factor's 17 bits hold, and the 48 of a product can take."""
        last = self._exact((1 << self.low_bits) - 1) - 1
        fraction = 47 - VALUE_BITS
        while _rounded(last, fraction) >> FACTOR_BITS:
            fraction -= 1
        return fraction

    @cached_property
    def low(self) -> tuple[int, ...]:
        """exp() - 1 of the low bits."""
        return self._table(range(1 << self.low_bits), self.low_fraction, 1)

    def of(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Values of (...) codes."""
        return exponential(codes, self)

    @property
    def error(self) -> float:
        """What a value differs by at the most from exp(), within the clamp."""
        return largest_error(self)

    def _exact(self, code: int) -> Decimal:
        shift = self.power - self.fraction
        scale = Decimal(1 << shift) if shift >= 0 else 1 / Decimal(1 << -shift)
        return _CONTEXT.exp(_CONTEXT.multiply(Decimal(code), scale))

    def _table(self, codes: Iterable[int], fraction: int, less: int = 0) -> tuple[int, ...]:
        return tuple(_rounded(self._exact(code) - less, fraction) for code in codes)


def _signed_order(bits: int) -> Iterable[int]:
    """Codes in the order of the unsigned numbers that have the same bits."""
    half = 1 << (bits - 1)
    return (*range(half), *range(-half, 0))


def _rounded(value: Decimal, fraction: int) -> int:
    return int((value * (1 << fraction)).to_integral_value(ROUND_HALF_UP))


def exponential(codes: NDArray[np.integer], config: Exponential) -> NDArray[np.int64]:
    """Values of (...) codes, unsigned, of 24 bits with value_fraction fraction bits, rounded half up."""
    clamped = config.clamped(codes)
    if config.direct:
        return np.array(config.values)[clamped]  # a negative index counts from the end, as the table's order does
    high = np.array(config.high)[clamped >> config.low_bits]
    low = np.array(config.low)[clamped & ((1 << config.low_bits) - 1)]
    values: NDArray[np.int64] = (
        (high << config.low_fraction) + high * low + (1 << (config.low_fraction - 1))
    ) >> config.low_fraction
    return values


def largest_error(config: Exponential) -> float:
    """What a value differs by at the most from exp() of the real number that its code stands for, within the clamp."""
    low, high = config.clamp
    codes = np.arange(low, high + 1)
    exact = np.exp(codes * 2.0 ** (config.power - config.fraction))
    return float(np.abs(exponential(codes, config) * 2.0**-config.value_fraction - exact).max())
