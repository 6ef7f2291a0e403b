"""The families that there are."""

from __future__ import annotations

from .family import Family
from .series7 import Series7

SERIES7: Family = Series7()

FAMILIES: tuple[Family, ...] = (SERIES7,)
"""All of them: Verilog has bodies for each that has primitives."""
