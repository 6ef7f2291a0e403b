"""Ranges of codes: levels, sign and width."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmabit.golden.types.range import BITS, Range
from sigmabit.golden.types.tensor import TensorType

every = settings(max_examples=300, deadline=None, database=None, derandomize=True)


@every
@given(st.integers(-5000, 5000), st.integers(1, 5000))
def test_width(low: int, more: int) -> None:
    """It is the least in which all codes fit, in two's complement where any is negative."""
    codes = Range(low, low + more)
    assert codes.levels == more + 1
    assert codes.signed == (low < 0)
    fits = [bits for bits in range(1, 20) if held(bits, codes.signed).low <= low and codes.high <= held(bits, codes.signed).high]
    assert codes.bits == fits[0]


def held(bits: int, signed: bool) -> Range:
    """All that bits can hold."""
    return Range(-(2 ** (bits - 1)), max(2 ** (bits - 1) - 1, 0)) if signed else Range(0, 2**bits - 1)


@pytest.mark.parametrize("bits", range(2, 17))
def test_all_of_a_width(bits: int) -> None:
    """Ranges that fill their width, and layouts of tensors with them."""
    for signed in (False, True):
        codes = Range.of_bits(bits, signed)
        assert (codes.bits, codes.signed, codes.levels) == (bits, signed, 2**bits)
        assert TensorType(2, 3, 4, codes).layout.code_range == (codes.low, codes.high)
    assert Range.of_levels(2**bits) == Range.of_bits(bits)


@pytest.mark.parametrize(("codes", "bits", "signed"), [(BITS, 1, False), (Range(-1, 1), 2, True), (Range(-1, 0), 1, True)])
def test_few(codes: Range, bits: int, signed: bool) -> None:
    """Bits, ternary, and a sign alone."""
    assert (codes.bits, codes.signed) == (bits, signed)


def test_refused() -> None:
    """Fewer than two codes."""
    with pytest.raises(ValueError, match="codes from 3 to 3, expected two at least"):
        Range(3, 3)
