"""The families that there are."""

from __future__ import annotations

from .ecp5 import Ecp5
from .family import Family
from .gowin import Gowin
from .series7 import Series7
from .ultrascale import UltraScalePlus

SERIES7: Family = Series7()

ECP5: Family = Ecp5()

GOWIN: Family = Gowin()

ULTRASCALE: Family = UltraScalePlus()

FAMILIES: tuple[Family, ...] = (SERIES7, ECP5, GOWIN, ULTRASCALE)
"""All of them: Verilog has bodies for each that has primitives."""
