"""Pipelines in the cells of a device: area, clock, and a page about all of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.board import Board
from sigmabit.fpga.workers import Workers
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.planning.plan import Plan
from sigmabit.verif.simulation import Noise
from sigmabit.verif.simulation.job import Progress

from ..data.shipped import model_file
from ..interface.loading import check_board, check_series7
from ..measures import routing
from ..measures.area import PLANNED, RESOURCES, WORST, Areas, parts_of, planned, read_areas, synthesised
from ..measures.power import estimate, measured, read_activity
from ..measures.routes import read_route
from .execution import check_codes, check_file, silent

ROUTED = routing.examples()
"""A part of each family that route knows, for people."""

KEYS = (*RESOURCES, *(f"planned_{key}" for key in PLANNED))
"""What is summed up over the layers."""


@dataclass(frozen=True, eq=False)
class Synthesis:
    """What Yosys made of a plan's pipeline.

    areas: by part of the pipeline (ingress, the layers, egress, sampler): lut, ff, bram36, dsp and carry4, in the family's
    cells; levels, the logic levels between registers; fan_out, the loads of the net that has most.
    """

    plan: Plan
    areas: Areas

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The same as rows, with what was planned beside."""
        parts = parts_of(self.plan)
        rows: list[dict[str, Any]] = []
        for name, area in self.areas.items():
            expected = planned(parts[name].bill(self.plan.family))
            rows.append({"name": name, **area, **{f"planned_{key}": expected[key] for key in PLANNED}})
        return rows

    @property
    def total(self) -> dict[str, Any]:
        """Of the whole pipeline: sums, and of levels and fan_out the worst."""
        rows = self.layers
        total: dict[str, Any] = {key: sum(row[key] for row in rows) for key in KEYS}
        return total | {key: max(row[key] for row in rows) for key in WORST}

    def to_json(self) -> dict[str, Any]:
        """As plain values: what `sigmabit synth --report` writes."""
        about = {"network": self.plan.network.name, "part": self.plan.part, "interval_cycles": self.plan.interval}
        return {**about, **self.total, "layers": self.layers}


def synthesise(plan: Plan, *, work: Path | None = None, workers: Workers | None = None, progress: Progress = silent) -> Synthesis:
    """The area of each part of a plan's pipeline by Yosys, in the cells of the plan's family, each synthesised by itself.

    Args:
        plan: the pipeline.
        work: a folder in which sources, scripts, logs and netlists stay; workers on other machines must see it.
        workers: synthesise parts, two at a time without them.
        progress: is told what is going on, and how far it is: done of total.

    Raises:
        SigmabitError: Yosys failed; the message holds its own.
    """
    with nullcontext(str(work)) if work else tempfile.TemporaryDirectory() as folder:
        return Synthesis(plan, synthesised(plan, Path(folder), progress, workers))


@dataclass(frozen=True, eq=False)
class Routed:
    """A plan's network, placed and routed. What is made of it lies in the folder `work`."""

    plan: Plan
    place: routing.Place
    routing: routing.Routing

    @property
    def met(self) -> bool:
        """Is the clock as fast as was wanted?"""
        return self.routing.best.met

    @property
    def mhz(self) -> float:
        """The fastest clock that was found."""
        return self.routing.best.mhz

    @property
    def wanted_mhz(self) -> float:
        """The clock that was wanted."""
        return self.place.mhz

    @property
    def too_slow(self) -> list[str]:
        """Clocks beside the system's, such as a PHY's, that are slower than they are given, for people."""
        return [f"{name} of {given:g} MHz" for name, (rate, given) in self.routing.best.others.items() if rate < given]

    @property
    def titles(self) -> Mapping[str, str]:
        """What is counted, by its key in to_json, for people."""
        return self.routing.router.titles

    @property
    def untimed(self) -> str:
        """What the router has no times for, for people; empty where it has all."""
        return self.routing.router.untimed

    @property
    def bitstream_name(self) -> str:
        """What its bitstream is called."""
        return f"{self.plan.network.name}{self.routing.router.bitstream_file}"

    def write_bitstream(self, file: Path) -> None:
        """The bitstream of the best attempt, of a network on a board. Raises SigmabitError."""
        routing.bitstream(self.routing, self.place, file)

    def to_json(self) -> dict[str, Any]:
        """As plain values: clocks of all seeds, cells, frames per second, the slowest path."""
        return routing.facts(self.routing, self.plan, self.place)


def check_route(part: str, *, board: Board | None = None) -> None:
    """That something places and routes a part, and is installed: what a route asks first.

    Args:
        part: the device.
        board: whose part it is, if it is one's.

    Raises:
        PartError: no such part.
        SigmabitError: nothing routes it, or nextpnr is not installed.
        BoardError: the board's part is for Vivado.
    """
    routing.router_of(part, board)


def route(
    plan: Plan,
    work: Path,
    *,
    board: Board | None = None,
    baud: int | None = None,
    seeds: int = 1,
    until_met: bool = False,
    workers: Workers | None = None,
    progress: Progress = silent,
) -> Routed:
    """Place and route a plan's network by nextpnr, alone or with its link on a board.

    Args:
        plan: the pipeline, for a part that nextpnr knows; the board's, if there is one.
        work: a folder for Verilog, netlists and logs, also for write_bitstream later; workers on other machines must see it.
        board: where it goes; without one, the pipeline stands between registers.
        baud: the rate of the board's serial line; 921,600 without it.
        seeds: how often to try, with seeds 1, 2, ...
        until_met: stop trying when the clock is as fast as wanted.
        workers: try seeds, two at a time without them; as many are told of, whoever tries them.
        progress: is told what is going on, and how far it is.

    Raises:
        SigmabitError: nothing routes the part, nextpnr is not installed, or it failed, or Yosys.
        BoardError: the board's part is for Vivado, or the plan is for another part.
    """
    if board is not None:
        check_board(plan, board)
    check_route(plan.part, board=board)
    clock = board.made_clock(plan.clock_mhz) if board else None
    mhz = float(clock.mhz) if clock else plan.clock_mhz
    place = routing.Place(plan.part.upper(), mhz, (board, clock, baud) if board and clock else None)
    return Routed(plan, place, routing.route(plan, place, seeds, work, progress, until_met, workers))


def report(
    model: str | Path,
    plan: Plan,
    x: NDArray[Any],
    codes: NDArray[np.int64],
    folder: Path,
    *,
    labels: NDArray[np.int64] | None = None,
    noise: Noise | None = None,
    synth: bool = True,
    synth_file: Path | None = None,
    power: bool = True,
    power_file: Path | None = None,
    route_file: Path | None = None,
    command: Sequence[str] = ("sigmabit.report(...)",),
    progress: Progress = silent,
) -> dict[str, Any]:
    """One page about a pipeline, with plots: speed as planned and measured, area, power, decisions, comparisons.

    Args:
        model: the file, or the name of a shipped model.
        plan: of its network.
        x: (N, ...), as load_with_frames gives them.
        codes: the same as (N, height, width, channels).
        folder: where page and plots go, whole or not at all.
        labels: (N,) classes, for the accuracy.
        noise: where samples of the standard normal come from.
        synth: have Yosys measure the area, unless synth_file says it.
        synth_file: what `sigmabit synth --report` wrote for this plan.
        power: estimate power, where the family's energies are known.
        power_file: what `sigmabit power --report` wrote for this plan.
        route_file: what `sigmabit route --report` wrote for this plan.
        command: how the page was asked for, word by word, which it says.
        progress: is told what is going on, and how far it is.

    Returns:
        What the page says, as plain values, with `folder` and `files`, the page first.

    Raises:
        InputError: a file was made for another plan, or power is asked for of a family whose energies are not known.
    """
    from ..report.study import Subject, study
    from ..report.write import write

    if power_file:
        check_series7(plan, "--power")
    areas = read_areas(synth_file, plan) if synth_file else None
    activity = read_activity(power_file, plan) if power_file else None
    routed = read_route(route_file, plan) if route_file else None
    noise, file = noise or Noise(), model_file(model)
    check_codes(plan.network, codes)
    check_file(plan, file)
    with tempfile.TemporaryDirectory() as work:

        def area() -> Areas | None:
            return areas if areas or not synth else synthesised(plan, Path(work), progress)

        def watts(known: Areas | None) -> dict[str, Any] | None:
            if not power or plan.family is not SERIES7:
                return None
            return estimate(activity or measured(plan, codes, noise, progress), plan, known)

        found = study(Subject(file, plan, x, codes, labels, noise, list(command), routed), area, watts, progress)
    files = write(found, plan, x, folder)
    return found.data | {"folder": str(folder), "files": files}
