"""sigmabit bench simulation: how fast a pipeline is converted, built and simulated."""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import click

from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.verilog.convert import convert
from sigmabit.verif.simulation import simulate
from sigmabit.verif.simulation.toolchain import environment

from ...interface.choices import Planning, Reading
from ...interface.loading import load_with_data, make_plan
from ...interface.terminal import Terminal, table
from .. import options


@click.command(name="simulation")
@options.model
@options.data
@options.planning
@options.reading_frames
@options.as_json
def simulation(
    model: Path,
    data: Path,
    planning: Planning,
    reading: Reading,
    as_json: bool,
) -> None:
    """Seconds to convert MODEL and to build its simulation from nothing, and frames per second that it simulates on one core."""
    terminal = Terminal(as_json)
    network, _, codes = load_with_data(model, data, reading, terminal)
    made = make_plan(network, planning)
    began = time.perf_counter()
    first = convert(Pipeline(made.pipeline).outline())
    converting = time.perf_counter() - began
    same = first.texts == convert(Pipeline(made.pipeline).outline()).texts
    marks: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as cache, terminal.progress() as report, environment({"SIGMABIT_CACHE": cache}):

        def note(what: str, done: int, total: int) -> None:
            marks.setdefault(what, time.perf_counter())
            report(what, done, total)

        simulate(made, codes[:1], progress=note, optimise=2)
        building = marks["simulating"] - marks["building"]
        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        measured = simulate(made, codes, progress=report, optimise=2)  # converted and built: it is simulated alone
        running, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    cycles = int(measured.last_out[-1])
    result = {
        "frames": len(codes),
        "latency_cycles": measured.latency,
        "interval_cycles": measured.interval(made.settling),
        "planned_latency_cycles": made.latency,
        "planned_interval_cycles": made.interval,
        "conversion_s": converting,
        "identical": same,
        "build_s": building,
        "largest_process_gib": largest,
        "frames_per_s": len(codes) / running,
        "frames_per_cpu_s": len(codes) / processor,
        "cycles_per_s": cycles / running,
    }
    rows: list[list[object]] = [
        ["conversion", f"{converting:.2f} s"],
        ["converted again, byte-identical", "yes" if same else "no"],
        ["Verilator's build, from nothing", f"{building:.1f} s"],
        ["largest process of the build", f"{largest:.2f} GiB"],
        ["simulated frames per second", f"{len(codes) / running:,.1f}"],
        ["simulated frames per second of one core's time", f"{len(codes) / processor:,.1f}"],
        ["simulated cycles per second", f"{cycles / running:,.0f}"],
    ]
    terminal.emit(result, table(f"{network.name} at {made.interval:,} cycles per frame, one core", ["", ""], rows))
