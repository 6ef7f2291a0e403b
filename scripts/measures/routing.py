"""A network placed and routed by nextpnr: alone, or with its link on a board."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from sigmabit.fpga.board import Board, BoardError, Clock, is_text, top_name, write
from sigmabit.fpga.core import PINS, between_registers, core_name
from sigmabit.fpga.netlist import Area
from sigmabit.fpga.router import Routed, RouteError, Router
from sigmabit.fpga.synthesis import SynthesisError, check_shared, synthesise
from sigmabit.fpga.targets import TARGETS, target_of
from sigmabit.fpga.workers import Threads, Workers
from sigmabit.golden import SigmabitError
from sigmabit.hdl.family.parts import family_of
from sigmabit.hdl.family.parts import part as device
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.verilog.convert import convert

from ..interface.linking import system_on
from ..interface.terminal import Report

JOBS = 2
"""Seeds that are tried at a time: the fewest after which it is looked whether the clock is met."""


@dataclass(frozen=True)
class Place:
    """Where a network is put. part: with speed grade and package. mhz: the clock that is wanted. on: a board, with its clock, and
    the rate of its serial line, where it has one; None for the pipeline alone.
    """

    part: str
    mhz: float
    on: tuple[Board, Clock, int | None] | None = None


@dataclass(frozen=True)
class Routing:
    """What came of it: the area by Yosys, and an attempt for each seed. netlist: what was placed, in the folder of all."""

    area: Area
    attempts: tuple[Routed, ...]
    netlist: Path
    router: Router

    @property
    def best(self) -> Routed:
        """The attempt whose clock is the fastest."""
        return max(self.attempts, key=lambda attempt: attempt.mhz)

    @property
    def rates(self) -> dict[str, float]:
        """The clocks of all attempts: least, median, best, in MHz."""
        rates = [attempt.mhz for attempt in self.attempts]
        return {"least": min(rates), "median": median(rates), "best": max(rates)}


def route(
    plan: Plan,
    place: Place,
    seeds: int,
    work: Path,
    report: Report,
    until_met: bool = False,
    workers: Workers | None = None,
) -> Routing:
    """Map, place and route a plan's network, once for each of seeds 1, 2, ..., or until_met the clock is as wanted.

    work: a folder for all that is made on the way. workers: try seeds, two at a time without them. Whoever does, as many are told
    of: those that were tried beyond are left out.

    Raises SigmabitError with what Yosys or nextpnr could not do.
    """
    target, router = target_of(plan.family), router_of(plan.part)
    folder = work / "verilog"

    def converting(name: str) -> None:
        report(f"converting {name}", 0, 0)

    if place.on is not None:
        board, clock, baud = place.on
        design, _ = system_on(board, plan, clock, baud, converting)
        design.write(folder)
        names, top = write(folder, design.top, design.files, board, clock), top_name(design.top)
        pins = f"{top}{board.constraints_file}"
        wanted = (folder / pins).read_text()
    else:
        design = convert(Pipeline(plan.pipeline).outline(), converting)
        design.write(folder)
        top = core_name(design.top)
        pins, wanted = f"{top}.pins", router.core_constraints(place.part, PINS)
        (folder / f"{top}.v").write_text(between_registers(design.top, design.modules[design.top].text))
        names = [*design.files, f"{top}.v"]
    try:
        report("synthesising", 0, 0)
        area = synthesise([folder / name for name in names], top, work, target=target, then=router.pads).area
        if wanted:
            (work / pins).write_text(wanted)
        netlist = work / f"{top}.json"
        attempt = partial(_attempt, router, netlist, place, work / pins if wanted else None)
        found = attempts(workers or Threads(JOBS), attempt, seeds, until_met, report)
        return Routing(area, tuple(found), netlist, router)
    except (SynthesisError, RouteError) as error:
        raise SigmabitError(blamed(str(error), place)) from None


def blamed(text: str, place: Place) -> str:
    """What a tool says; where it names a pin of a board, behind the board's file."""
    if place.on is None:
        return text
    board = place.on[0]
    return f"{board.origin}: {text}" if any(f"'{pin}'" in text for _, pin, _ in board.places) else text


def attempts(
    workers: Workers, attempt: Callable[[int, Report], Routed], seeds: int, until_met: bool, report: Report
) -> list[Routed]:
    """What came of seeds 1, 2, ...; until_met: of as many times JOBS as it takes until one is fast enough, however many are tried
    at a time.
    """
    found: list[Routed] = []

    def told(number: int, what: str, done: int, total: int) -> None:
        report(what, len(found), seeds)

    step = -(-workers.count // JOBS) * JOBS if until_met else seeds
    for first in range(1, seeds + 1, step):
        for routed in workers.map(attempt, range(first, min(first + step, seeds + 1)), told):
            found.append(routed)
            report("routed", len(found), seeds)
            if until_met and len(found) % JOBS == 0 and any(routed.met for routed in found):
                return found
    return found


def _attempt(router: Router, netlist: Path, place: Place, pinned: Path | None, seed: int, report: Report) -> Routed:
    """Place and route a netlist with a seed. pinned: the file with its pins."""
    check_shared(netlist)
    on_board = place.on is not None
    return router.place_and_route(
        netlist, place.part, place.mhz, seed, on_board, pinned, lambda phase: report(f"{phase}, seed {seed}", 0, 0)
    )


def bitstream(routing: Routing, place: Place, file: Path) -> None:
    """Write the bitstream of the best attempt. Raises SigmabitError."""
    try:
        routing.router.pack(routing.netlist, routing.best.seed, file)
    except RouteError as error:
        raise SigmabitError(str(error)) from None


def router_of(part: str, board: Board | None = None) -> Router:
    """What places and routes a part, or a board's, and is installed. Raises SigmabitError where nothing does."""
    family = family_of(device(part))
    router = target_of(family).router
    if router is None and board is not None:
        known = f"`make bitstream BOARD={board.key}`); route is for {routed_families()}"
        raise BoardError(f"{board.key}: {board.part} is placed and routed by Vivado ({known}")
    if router is None:
        raise SigmabitError(f"{part}: route is for {routed_families()}, not for {family.name}")
    if not is_text(part.upper(), router.parts):
        raise SigmabitError(f"{part}: route takes {router.parts[1]}")
    try:
        router.check()
    except RouteError as error:
        raise SigmabitError(str(error)) from None
    return router


def routed_families() -> str:
    """The families whose netlists are placed and routed, for people."""
    return " and ".join(target.family.name for target in TARGETS if target.router is not None)


def examples() -> str:
    """A part for each of them, for people."""
    return " or ".join(target.router.parts[1] for target in TARGETS if target.router is not None)


def where(cell: str, router: Router) -> str:
    """The layer and the block of a cell, by the instances in its name."""
    words = [word.removesuffix("_instance") for word in cell.split(".") if word.endswith("_instance")]
    words = [word for word in words if word not in ("system", "pipeline")]
    rest = re.sub(rf"\$.*|_(?:{router.cells})\w*$", "", cell.split(".")[-1])
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
        "other_clocks_mhz": {name: round(rate, 2) for name, (rate, _) in best.others.items()},
        "interval_cycles": plan.interval,
        "latency_cycles": plan.latency,
        "clock_mhz": round(mhz, 2),
        "fps": mhz * 1e6 / plan.interval,
        "latency_us": plan.latency / mhz,
        **best.used,
        "fan_out": routing.area.fan_out,
        "seeds": [
            {"seed": attempt.seed, "routed_mhz": round(attempt.mhz, 2), "router": attempt.router} for attempt in routing.attempts
        ],
        "path": {
            "from": where(start, routing.router),
            "to": where(end, routing.router),
            "levels": best.levels,
            "ns": round(sum(step.ns for step in best.path), 3),
            "share_of_wires": round(best.wires, 3),
        },
        "untimed": routing.router.untimed or None,
    }
