"""What the cells of a mapped UltraScale+ netlist are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..series7.netlist import LUTS, Series7Netlist


class UltraScaleNetlist(Series7Netlist):
    """A netlist of LUT1 to LUT6, MUXF7/8, CARRY4, FD*E, SRL*, memories of eight LUTs, RAMB*E2 and DSP48E2.

    Levels are those of the 7 series. Two CARRY4 are a CARRY8, which Vivado makes of them.
    """

    luts: ClassVar[Mapping[str, int]] = LUTS | {"RAM32M16": 8, "RAM64M8": 8, "RAM64X8SW": 8, "RAM32X16DR8": 8}
    memories: ClassVar[Mapping[str, float]] = {"RAMB36E2": 1.0, "RAMB18E2": 0.5}
    multiplier: ClassVar[str] = "DSP48E2"
