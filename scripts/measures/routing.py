"""A network placed and routed for ECP5: alone, or with its link on a board."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sigmabit.fpga.board import Board, Clock, top_name, write
from sigmabit.fpga.ecp5.core import CLOCK, between_registers, core_name
from sigmabit.fpga.ecp5.route import Routed, RouteError, loosened, pack, place_and_route
from sigmabit.fpga.ecp5.target import ECP5
from sigmabit.fpga.netlist import Area
from sigmabit.fpga.synthesis import SynthesisError, synthesise
from sigmabit.golden import SigmabitError
from sigmabit.hdl.link.link import System, divisor, system_of
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.verilog.convert import convert

from ..interface.terminal import Report

JOBS = 2
"""Seeds that are tried at a time."""


@dataclass(frozen=True)
class Place:
    """Where a network is put. part: with speed grade and package. mhz: the clock that is wanted. on: a board, with its clock, and
    the rate of its line; None for the pipeline alone.
    """

    part: str
    mhz: float
    on: tuple[Board, Clock, int] | None = None


@dataclass(frozen=True)
class Routing:
    """What came of it: the area by Yosys, and an attempt for each seed."""

    area: Area
    attempts: tuple[Routed, ...]

    @property
    def best(self) -> Routed:
        """The attempt whose clock is the fastest."""
        return max(self.attempts, key=lambda attempt: attempt.mhz)

    @property
    def rates(self) -> dict[str, float]:
        """The clocks of all attempts: least, median, best, in MHz."""
        rates = [attempt.mhz for attempt in self.attempts]
        return {"least": min(rates), "median": median(rates), "best": max(rates)}


def route(plan: Plan, place: Place, seeds: int, work: Path, report: Report, until_met: bool = False) -> Routing:
    """Map, place and route a plan's network, once for each of seeds 1, 2, ..., or until_met the clock is as wanted.

    work: a folder for all that is made on the way.

    Raises SigmabitError with what Yosys or nextpnr could not do.
    """
    folder = work / "verilog"

    def converting(name: str) -> None:
        report(f"converting {name}", 0, 0)

    if place.on is not None:
        board, clock, baud = place.on
        design = convert(System(system_of(plan, divisor(float(clock.mhz) * 1e6, baud))).outline(), converting)
        design.write(folder)
        names, top, net = write(folder, design.top, design.files, board, clock), top_name(design.top), "clock_instance.clk"
    else:
        design = convert(Pipeline(plan.pipeline).outline(), converting)
        design.write(folder)
        top, net = core_name(design.top), f"{CLOCK}$TRELLIS_IO_IN"
        (folder / f"{top}.v").write_text(between_registers(design.top, design.modules[design.top].text))
        names = [*design.files, f"{top}.v"]
    constraints = folder / f"{top}.lpf"
    try:
        report("synthesising", 0, 0)
        area = synthesise([folder / name for name in names], top, work, target=ECP5).area
        netlist = loosened(work / f"{top}.json")
        if constraints.exists():
            shutil.copy(constraints, work)
        done: list[int] = []

        def attempt(seed: int) -> Routed:
            found = place_and_route(
                netlist,
                place.part,
                place.mhz,
                net,
                seed,
                work / constraints.name if constraints.exists() else None,
                lambda phase: report(f"{phase}, seed {seed}", len(done), seeds),
            )
            done.append(seed)
            report("routed", len(done), seeds)
            return found

        found: list[Routed] = []
        with ThreadPoolExecutor(JOBS) as pool:
            for first in range(1, seeds + 1, JOBS):
                found += pool.map(attempt, range(first, min(first + JOBS, seeds + 1)))
                if until_met and any(routed.met for routed in found):
                    break
        return Routing(area, tuple(found))
    except (SynthesisError, RouteError) as error:
        raise SigmabitError(str(error)) from None


def bitstream(routing: Routing, plan: Plan, place: Place, work: Path, file: Path) -> None:
    """Write the bitstream of the best attempt. Raises SigmabitError."""
    assert place.on is not None
    top = next(path.stem for path in work.glob("*_board.json"))
    try:
        pack(work / f"{top}_{routing.best.seed}.config", file)
    except RouteError as error:
        raise SigmabitError(str(error)) from None


def where(cell: str) -> str:
    """The layer and the block of a cell, by the instances in its name."""
    words = [word.removesuffix("_instance") for word in cell.split(".") if word.endswith("_instance")]
    words = [word for word in words if word not in ("system", "pipeline")]
    rest = re.sub(r"\$.*|_(?:TRELLIS|LUT4|CCU2C|PFUMX|L6MUX21|DP16KD|MULT18X18D)\w*$", "", cell.split(".")[-1])
    return " / ".join([*words, rest] if rest and rest not in words else words) or "the top"


def facts(routing: Routing, plan: Plan, place: Place) -> dict[str, Any]:
    """What came of it, as plain values."""
    best = routing.best
    mhz = place.mhz if place.on is not None and best.met else best.mhz  # a board's clock is what its PLL makes
    start, end = best.ends() if best.path else ("", "")
    return {
        "network": plan.network.name,
        "part": place.part,
        "board": None if place.on is None else place.on[0].key,
        "wanted_mhz": round(place.mhz, 6),
        "routed_mhz": {key: round(rate, 2) for key, rate in routing.rates.items()},
        "met": best.met,
        "interval_cycles": plan.interval,
        "latency_cycles": plan.latency,
        "clock_mhz": round(mhz, 2),
        "fps": mhz * 1e6 / plan.interval,
        "latency_us": plan.latency / mhz,
        **best.used,
        "seeds": [
            {"seed": attempt.seed, "routed_mhz": round(attempt.mhz, 2), "router": attempt.router} for attempt in routing.attempts
        ],
        "path": {
            "from": where(start),
            "to": where(end),
            "levels": best.levels,
            "ns": round(sum(step.ns for step in best.path), 3),
            "share_of_wires": round(best.wires, 3),
        },
    }
