"""The families that there are."""

from __future__ import annotations

from .family import Family
from .series7 import Series7

FAMILY: Family = Series7()
"""The one that blocks are made for."""

FAMILIES: tuple[Family, ...] = (FAMILY,)
"""All of them: Verilog has bodies for each that has primitives."""
