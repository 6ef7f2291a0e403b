"""Place and route by nextpnr: what a family has to say of it, and what comes of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from . import programs
from .board import Text


class RouteError(RuntimeError):
    """Place and route failed, or its tool is not there; the message says which. placed: it failed behind placement."""

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
    """A placed and routed design. mhz: the fastest clock of its slowest path. used: cells, by the keys of a router's titles.
    router: which of nextpnr's it took, where there are several. others: the fastest that other clocks may be, and what they are.
    """

    seed: int
    mhz: float
    wanted_mhz: float
    used: dict[str, int]
    path: tuple[Step, ...]
    router: str = ""
    others: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """May the clock be as fast as it was wanted, and others as fast as they are?"""
        return self.mhz >= self.wanted_mhz and all(fastest >= given for fastest, given in self.others.values())

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


class Router(ABC):
    """What places and routes the netlists of a family by nextpnr. Names of clocks and cells are those that nextpnr reports."""

    parts: ClassVar[Text]
    """What the parts that it takes are called: with package and speed grade."""

    titles: ClassVar[Mapping[str, str]]
    """What is counted of a routed design, lut, ff, ram, multipliers, and what that is called."""

    used: ClassVar[Mapping[str, Sequence[str]]]
    """The same, and which kinds of cells of nextpnr's that is."""

    cells: ClassVar[str]
    """How the kinds of cells begin, as alternatives of a regular expression: what Yosys appends to the names of nets."""

    untimed: ClassVar[str] = ""
    """What its timing leaves out, as a sentence; empty where that is nothing."""

    pads: ClassVar[Sequence[str]] = ()
    """Yosys' passes that a netlist needs, after those of the target, before it is placed."""

    program: ClassVar[str]
    """nextpnr for this family."""

    packer: ClassVar[str]
    """What makes a bitstream of what it has placed."""

    extra: ClassVar[str]
    """What brings both."""

    ways: ClassVar[Mapping[str, Sequence[str]]] = {"": ()}
    """Its routers, in the order in which they are tried, and what each is told; nameless where there is but one."""

    placed_file: ClassVar[str]
    """How the name of a placement ends."""

    bitstream_file: ClassVar[str]
    """How the name of a bitstream ends."""

    @abstractmethod
    def core_constraints(self, part: str, pins: Sequence[str]) -> str:
        """Constraints for a design of so many ports that is on no board; empty where nextpnr chooses pins."""

    @abstractmethod
    def clock(self, on_board: bool) -> str | tuple[str, ...]:
        """What the name of the net of the clock ends in. on_board: whether its clock is made by the board's top."""

    @abstractmethod
    def options(self, part: str, placed: str, constraints: str | None) -> list[str]:
        """What nextpnr is told of a part, and of the files for placement and constraints. Raises RouteError."""

    @abstractmethod
    def packing(self, placed: str, bitstream: str) -> list[str]:
        """What the packer is told of its two files."""

    def check(self) -> None:
        """Raises RouteError where what it runs is not installed."""
        for program in (self.program, self.packer):
            path_of(program, self.extra)

    def prepared(self, netlist: Path, part: str, seed: int) -> tuple[Path, list[str]]:
        """The netlist as nextpnr is to have it, beside itself, and what nextpnr is told of it."""
        return netlist, []

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
        """Place and route a netlist, as Yosys wrote it. Placement, report and log are left beside it.

        constraints: pins, in the netlist's folder. on_board: whether its clock is made by the board's top. Raises RouteError.
        """
        work, stem = netlist.parent, f"{netlist.stem}_{seed}"
        own = self.options(part, f"{stem}{self.placed_file}", constraints.name if constraints else None)
        prepared, more = self.prepared(netlist, part, seed)
        options = [*own, *more, "--json", prepared.name, "--report", f"{stem}.json"]
        options += ["--seed", str(seed), "--freq", f"{wanted_mhz:g}", "--timing-allow-fail"]
        for way, told in self.ways.items():
            try:
                run(
                    self.program,
                    [*options, *["--router", way] * bool(way), *told],
                    work,
                    work / f"{stem}.log",
                    self.extra,
                    progress,
                )
            except RouteError as error:
                if not error.placed or way == list(self.ways)[-1]:
                    raise
            else:
                report = json.loads((work / f"{stem}.json").read_text())
                return replace(read(report, self.clock(on_board), wanted_mhz, seed, self.used), router=way)
        raise AssertionError

    def pack(self, netlist: Path, seed: int, bitstream: Path) -> None:
        """The bitstream of what was placed and routed with a seed. Raises RouteError."""
        work, stem = netlist.parent, f"{netlist.stem}_{seed}"
        name = f"{stem}{self.bitstream_file}"
        run(self.packer, self.packing(f"{stem}{self.placed_file}", name), work, work / f"{stem}.pack.log", self.extra)
        (work / name).replace(bitstream)


def read(
    report: dict[str, Any], clock: str | tuple[str, ...], wanted_mhz: float, seed: int, used: Mapping[str, Sequence[str]]
) -> Routed:
    """What a report of nextpnr says. clock: what the name of the net of the clock ends in, or one of several endings. used: the
    kinds of cells by what is counted. Raises RouteError where it has no such clock, or several.
    """
    rates = {name: entry["achieved"] for name, entry in report["fmax"].items() if name.endswith(clock)}
    if len(rates) != 1:
        known = ", ".join(report["fmax"]) or "none"
        name = clock if isinstance(clock, str) else clock[0]
        raise RouteError(f"nextpnr reports the clocks {known}, of which {f'{name} is not one' if name else 'one is expected'}")
    (net, mhz) = next(iter(rates.items()))
    others = {
        name.removeprefix("$glbnet$").split("$")[0]: (entry["achieved"], entry["constraint"])
        for name, entry in report["fmax"].items()
        if name != net
    }
    inside = f"posedge {net}"
    paths = [path["path"] for path in report["critical_paths"] if path["from"] == path["to"] == inside]
    steps = [Step(step["delay"], step["type"] == "routing", step["to"]["cell"]) for path in paths[:1] for step in path]
    counted = {key: sum(report["utilization"][kind]["used"] for kind in kinds) for key, kinds in used.items()}
    return Routed(seed, mhz, wanted_mhz, counted, tuple(steps), others=others)


def path_of(program: str, extra: str) -> Path:
    """Where one of the programs is that an extra brings. Raises RouteError where it is not."""
    path = Path(sys.executable).parent / program
    if not path.exists():
        said = program.removeprefix("yowasp-")
        raise RouteError(f"{said} is not installed; `pip install 'sigmabit[{extra}]'` brings it, and make does so by itself")
    return path


def run(
    program: str,
    options: Sequence[str],
    work: Path,
    log: Path,
    extra: str,
    progress: Callable[[str], None] = lambda what: None,
) -> None:
    """Run one of the programs that an extra brings, in a folder; its output is kept. Raises RouteError."""
    command, said = path_of(program, extra), program.removeprefix("yowasp-")
    lines: list[str] = []
    with (
        log.open("w", buffering=1) as kept,
        programs.running([str(command), *options], cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process,
    ):
        for line in process.stdout or ():
            text = line.decode(errors="replace") if isinstance(line, bytes) else line
            kept.write(text)
            lines.append(text.strip())
            if (phase := re.match(r"Info: (Pack|Placed|Running|Routing|Creating)", text)) is not None:
                progress({"Pack": "packing", "Routing": "routing"}.get(phase[1], "placing"))
        status = process.wait()
    if status:
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
        last = next((line for line in reversed(lines) if line), "it said nothing")
        what = errors[0].rstrip(".") if errors else f"it ended with status {status}, and {last!r:.200}"
        placed = any("Routing.." in line for line in lines)
        raise RouteError(f"{said}: {what}; --work DIR keeps its log, {log.name}", placed)
