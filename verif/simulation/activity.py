"""How much a busy pipeline's nets toggle: counted by Verilator, written as SAIF for Vivado, summed up over a pipeline's parts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import InputError
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.verilog.convert import Design

from . import Measured, Noise, SimulationError, simulate
from .job import Progress, Toggles, converted

LEAST_CYCLES = 1000
"""Of a window: in a shorter one, it would depend on where it begins how much toggles."""

INSTANCE = "_instance"
"""How the names of instances end; Verilator's scopes of functions and generate blocks have other names."""

INSIDE = re.compile(rf"^(\w+) (\w+{INSTANCE}) \($", re.MULTILINE)
DECLARED = re.compile(r"^ *(?:output )?reg (?:signed )?(?:\[[^\]]*\] )?(\w+(?:, \w+)*)(?: = [^;]*)?[;,]?$", re.MULTILINE)
CLOCKED = re.compile(r"(?:^|\)|\bbegin|\belse)\s*(\w+)(?:\[[^=;]*\])? <= ", re.MULTILINE)

BEHAVIOUR = re.compile(r"^`else$.*?^`endif$", re.MULTILINE | re.DOTALL)

OPENED = re.compile(r"( *)\(INSTANCE (\S+)")
COUNTED = re.compile(r" *\((\w+)((?:\\\[\d+\\\])?) \(T0 (\d+)\) \(T1 (\d+)\) .*\(TC (\d+)\)\)")


@dataclass(frozen=True)
class Switching:
    """What a part of a pipeline does: its registers, in bits, and how many of them toggle in a cycle, on average."""

    registers: int
    toggles: float

    @property
    def rate(self) -> float:
        """Toggles of a register in a cycle: 0 to 1."""
        return self.toggles / self.registers if self.registers else 0.0


@dataclass(frozen=True)
class Activity:
    """A window of so many cycles, and what each part does in it: by the names that area.parts_of has for them."""

    cycles: int
    parts: dict[str, Switching]


@dataclass(frozen=True)
class Net:
    r"""A bit. path: the instances that it is in, the top module first. place: its index, as \[3\]. low, high: ps that it was."""

    path: tuple[str, ...]
    name: str
    place: str
    low: int
    high: int
    toggles: int


def switching(
    plan: Plan,
    codes: NDArray[np.integer],
    saif: Path,
    noise: Noise | None = None,
    under: tuple[str, ...] = (),
    progress: Progress = lambda what, done, total: None,
) -> tuple[Activity, Measured]:
    """Run frames (N, height, width, channels) through the plan's pipeline in Verilator, and write what its nets do as SAIF.

    The first frames fill the pipeline; where there are too few to keep it busy for LEAST_CYCLES then, they come again. In the
    file the pipeline is the instance `under`, from the top module on. Raises InputError for a clock without a period, and
    SimulationError.
    """
    needed = plan.settling + max(1, -(-LEAST_CYCLES // plan.interval))
    if len(codes) < needed:
        codes = np.resize(codes, (max(needed, plan.settling + len(codes)), *codes.shape[1:]))
    period = round(1e6 / plan.clock_mhz)
    if period < 2:
        raise InputError(f"a clock of {plan.clock_mhz:g} MHz has no period in whole picoseconds")
    raw = saif.with_name(f"{saif.name}.raw")
    first = raw.with_name(f"{raw.name}.first")
    try:
        measured = simulate(plan, codes, progress=progress, noise=noise, toggles=Toggles(raw, plan.settling, period))
        progress("counting toggles", 0, 0)
        with raw.open() as lines, first.open() as values, saif.open("w") as file:
            return count(nets(lines, values), converted(plan.variant()), period, file, under), measured
    finally:
        raw.unlink(missing_ok=True)
        first.unlink(missing_ok=True)


def registers(text: str) -> set[str]:
    """The registers of a module's Verilog: what is assigned at a clock's edge. Memories are none, nor are those inside block RAM.

    Of two bodies, that of primitives counts: tables have one register for each weight in the other one, and share them in it.
    """
    if 'rom_style = "block"' in text:
        return set()
    text = BEHAVIOUR.sub("", text)
    declared = {name for names in DECLARED.findall(text) for name in names.split(", ")}
    return declared & set(CLOCKED.findall(text))


def nets(raw: TextIO, first: TextIO) -> Iterator[Net]:
    """The nets in Verilator's SAIF file that a netlist has, too: those in instances. Memories are left out.

    first: the file of the first values alone, line by line the same nets, in which those that are 1 have a toggle that was none.
    """
    path: list[str] = []
    known = False
    for line, value in zip(raw, first, strict=True):
        if opened := OPENED.match(line):
            del path[len(opened[1]) - 1 :]  # a line is indented by one for each instance around it
            path.append(opened[2])
            known = len(path) > 1 and all(name.endswith(INSTANCE) for name in path[2:])
        elif known and (counted := COUNTED.match(line)):
            name, place, low, high, toggles = counted.groups()
            begins = COUNTED.match(value)
            assert begins is not None and begins[1] == name and begins[2] == place
            yield Net(tuple(path[1:]), name, place, int(low), int(high), int(toggles) - int(begins[5]))


def count(found: Iterator[Net], design: Design, period_ps: int, saif: TextIO, under: tuple[str, ...] = ()) -> Activity:
    """Sum up a pipeline's nets over its parts, and write them. Raises SimulationError where a register is missing among them."""
    inside = {name: {label: below for below, label in INSIDE.findall(module.text)} for name, module in design.modules.items()}
    clocked = {name: registers(module.text) for name, module in design.modules.items()}
    bits: dict[str, int] = defaultdict(int)
    toggles: dict[str, int] = defaultdict(int)
    writer: _Writer | None = None
    for path, of in groupby(found, key=lambda net: net.path):
        module = design.top
        for label in path[1:]:
            module = inside[module][label]
        missing = set(clocked[module])
        part = path[1].removesuffix(INSTANCE) if len(path) > 1 else ""
        bits[part] += 0  # a part without registers is one, too
        for first, net in enumerate(of):
            writer = writer or _Writer(saif, net.low + net.high, under or (design.top,))
            if not first:
                writer.enter(path[1:])
            writer.net(net)
            if net.name in clocked[module]:
                missing.discard(net.name)
                bits[part] += 1
                toggles[part] += net.toggles
        if missing:
            raise SimulationError(f"{'/'.join(path)}: nothing was recorded of {', '.join(sorted(missing))}")
    assert writer is not None
    writer.close()
    cycles = writer.duration // period_ps
    return Activity(cycles, {part: Switching(bits[part], toggles[part] / cycles) for part in bits if part})


class _Writer:
    """A SAIF file (IEEE 1801, backward) in the making."""

    def __init__(self, file: TextIO, duration: int, under: tuple[str, ...]) -> None:
        self.file, self.duration = file, duration
        file.write('(SAIFILE\n(SAIFVERSION "2.0")\n(DIRECTION "backward")\n(PROGRAM_NAME "sigmabit")\n(DIVIDER / )\n')
        file.write(f"(TIMESCALE 1 ps)\n(DURATION {duration})\n")
        file.writelines(f"(INSTANCE {name}\n" for name in under)
        self.around = len(under)
        self.nets = False
        self.path: tuple[str, ...] = ()

    def enter(self, path: tuple[str, ...]) -> None:
        """The nets that follow are in this instance; an instance is entered once."""
        self._end_nets()
        shared = next((i for i, pair in enumerate(zip(self.path, path, strict=False)) if pair[0] != pair[1]), None)
        shared = min(len(self.path), len(path)) if shared is None else shared
        self.file.write(")\n" * (len(self.path) - shared))
        self.file.writelines(f"(INSTANCE {name}\n" for name in path[shared:])
        self.path = path

    def net(self, net: Net) -> None:
        """A net in the instance that was entered last."""
        if not self.nets:
            self.file.write("(NET\n")
            self.nets = True
        self.file.write(f"({net.name}{net.place} (T0 {net.low}) (T1 {net.high}) (TX 0) (TC {net.toggles}) (IG 0))\n")

    def close(self) -> None:
        """Close whatever is open."""
        self._end_nets()
        self.file.write(")\n" * (len(self.path) + self.around + 1))

    def _end_nets(self) -> None:
        if self.nets:
            self.file.write(")\n")
        self.nets = False
