"""MyHDL in a fraction of its time is still MyHDL."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from myhdl import bin as myhdl_bin
from myhdl import intbv

from sigmabit.hdl.verilog.quick import binary


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(st.integers(-(2**70), 2**70) | st.integers(-9, 9))
def test_binary(number: int) -> None:
    """As short as can be, and read back the same; MyHDL uses it."""
    text = binary(number)
    assert int(text, 2) - (number < 0) * 2 ** len(text) == number
    least, most = (-(2 ** (len(text) - 1)), -1) if number < 0 else (0, 2 ** len(text) - 1)
    assert least <= number <= most
    assert len(text) == 1 or not least // 2 <= number <= most // 2, "one bit fewer would do"
    assert myhdl_bin(number) == text
    assert len(intbv(0, min=min(number, 0), max=max(number, 0) + 1)) >= len(text)
