"""sigmabit bench: what the XNOR-popcount array and queues cost, and how fast pipelines are converted, built and simulated."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from sigmabit.fpga.netlist import Area
from sigmabit.fpga.synthesis import SynthesisError, synthesise
from sigmabit.golden import InputError, SigmabitError
from sigmabit.hdl.convert import convert
from sigmabit.hdl.egress import EgressConfig, egress
from sigmabit.hdl.module import outline
from sigmabit.hdl.popcount import PopcountConfig
from sigmabit.hdl.stream import Flow, FrameStatus, Stream, bit, reset, wire
from sigmabit.hdl.top import Pipeline
from sigmabit.verif.gates import simulate_netlist
from sigmabit.verif.pipelines import simulate
from sigmabit.verif.toolchain import environment

from .. import latency as measure
from .. import popcounts
from ..files import check_writable, write_whole
from ..models import load_with_data, make_plan
from ..terminal import Terminal, table
from . import options


@click.group(short_help="What blocks cost, how fast simulations are.", no_args_is_help=False)
def bench() -> None:
    """Benchmarks: area of the popcount array and of a queue, speed of conversion and simulation, latency beside a processor's."""


@bench.command(name="popcount")
@click.option("--inputs", type=click.IntRange(1, 8192), default=512, show_default=True, help="Operand elements per cycle.")
@click.option("--bits", type=click.IntRange(1, 16), default=1, show_default=True, help="Bits of an element.")
@click.option("--lanes", type=click.IntRange(1, 256), default=16, show_default=True, help="Sums taken of the same operand.")
@click.option("--constant", is_flag=True, help="Weights that never change.")
@click.option("--sweep", is_flag=True, help="Arrays of 64 to 1,536 inputs of one bit, weights that change and that do not.")
@click.option("--plot", "picture", type=options.PATH, metavar="FILE.png", help="Draw the sweep beside published figures.")
@options.as_json
def popcount_cost(inputs: int, bits: int, lanes: int, constant: bool, sweep: bool, picture: Path | None, as_json: bool) -> None:
    """Area per input and lane of an XNOR-popcount array, pipeline registers included, by Yosys for xc7."""
    terminal = Terminal(as_json)
    if picture:
        if not sweep:
            raise click.UsageError("--plot needs --sweep")
        check_writable(picture)
    if not sweep:
        config = PopcountConfig(inputs, bits, lanes, constant)
        area = _popcounts(terminal, [config])[0]
        terminal.emit(_per_lane(config, area), table(f"{config.module} by Yosys for xc7", ["", ""], _rows(config, area)))
        return
    configs = [PopcountConfig(n, 1, lanes, fixed) for n in popcounts.SWEPT for fixed in (False, True)]
    found = [_per_lane(*pair) for pair in zip(configs, _popcounts(terminal, configs), strict=True)]
    changing, constants = found[::2], found[1::2]
    if picture:
        drawn = [[each["lut_per_lane"] for each in kind] for kind in (changing, constants)]
        write_whole(picture, lambda fresh: popcounts.plot(fresh, popcounts.SWEPT, drawn[0], drawn[1], lanes))
    rows: list[list[object]] = [
        [n, f"{a['lut_per_lane']:.3f}", a["levels"], f"{b['lut_per_lane']:.3f}", b["levels"]]
        for n, a, b in zip(popcounts.SWEPT, changing, constants, strict=True)
    ]
    columns = ["inputs", "LUT6 per lane", "levels", "constant weights", "levels"]
    terminal.emit({"arrays": found}, table(f"XNOR-popcount arrays of {lanes} lanes by Yosys for xc7", columns, rows))


def _popcounts(terminal: Terminal, configs: list[PopcountConfig]) -> list[Area]:
    """The areas of arrays, each by itself."""
    areas: list[Area] = []
    with terminal.progress() as report:
        for config in configs:
            report("synthesising", len(areas), len(configs))
            with tempfile.TemporaryDirectory() as name:
                try:
                    areas.append(popcounts.popcount_area(config, Path(name)))
                except SynthesisError as error:
                    raise SigmabitError(str(error)) from None
    return areas


def _per_lane(config: PopcountConfig, area: Area) -> dict[str, Any]:
    total = config.inputs * config.bits * config.lanes
    return {
        "inputs": config.inputs,
        "bits": config.bits,
        "constant": config.constant,
        "lut": area.lut,
        "ff": area.ff,
        "levels": area.levels,
        "fan_out": area.fan_out,
        "lanes": total,
        "lut_per_lane": area.lut / total,
    }


def _rows(config: PopcountConfig, area: Area) -> list[list[object]]:
    total = config.inputs * config.bits * config.lanes
    return [
        ["XNOR-popcount lanes", total],
        ["LUT6, shift registers included", area.lut],
        ["LUT6 per lane", f"{area.lut / total:.3f}"],
        ["LUT6 per lane, planned", f"{config.cost.lut / total:.3f}"],
        ["registers per lane", f"{area.ff / total:.3f}"],
        ["logic levels between registers", area.levels],
    ]


@bench.command(name="queue")
@click.option("--channels", type=click.IntRange(1, 4096), default=64, show_default=True, help="Bits of a beat.")
@click.option("--depth", type=click.IntRange(2, 1024), default=16, show_default=True, help="Beats that it holds.")
@options.as_json
def queue_area(channels: int, depth: int, as_json: bool) -> None:
    """Area of a pipeline's exit as a queue of single bits: what a block with credits would need behind it (docs/flow.md)."""
    config = EgressConfig(beats=1, channels=channels, bits=1, signed=False, frames=depth)
    ports = Flow(channels), FrameStatus(), Stream(channels * config.field), bit(), wire(32), wire(32)
    terminal = Terminal(as_json)
    area = _area(terminal, lambda: egress(bit(), reset(), *ports, config))
    data = {"channels": channels, "depth": depth, "lut": area.lut, "ff": area.ff}
    rows: list[list[object]] = [["LUT6, distributed memory included", area.lut], ["registers", area.ff]]
    terminal.emit(data, table(f"a queue of {depth} beats of {channels} bits by Yosys for xc7", ["", ""], rows))


def _area(terminal: Terminal, elaborate: Callable[[], Any]) -> Area:
    """What Yosys makes of a block."""
    with tempfile.TemporaryDirectory() as name, terminal.progress() as report:
        report("synthesising", 0, 0)
        with outline():
            block = elaborate()
        design = convert(block)
        try:
            return synthesise(design.write(Path(name) / "verilog"), design.top, Path(name)).area
        except SynthesisError as error:
            raise SigmabitError(str(error)) from None


@bench.command()
@options.model
@options.data
@options.plan
@click.option("--interval", type=click.IntRange(min=1), metavar="CYCLES", help="Target for the plan, instead of the fastest.")
@options.part
@options.clock
@options.input_scale
@options.as_json
def simulation(
    model: Path,
    data: Path,
    plan: Path | None,
    interval: int | None,
    part: str | None,
    clock_mhz: float | None,
    input_scale: float | None,
    as_json: bool,
) -> None:
    """Seconds to convert MODEL and to build its simulation from nothing, and frames per second that it simulates on one core."""
    terminal = Terminal(as_json)
    network, _, codes = load_with_data(model, data, input_scale, terminal)
    made = make_plan(network, plan, part, interval, clock_mhz=clock_mhz)
    began = time.perf_counter()
    first = convert(Pipeline(made.pipeline).outline())
    converting = time.perf_counter() - began
    same = first.texts == convert(Pipeline(made.pipeline).outline()).texts
    marks: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as cache, terminal.progress() as report, environment({"SIGMABIT_CACHE": cache}):

        def note(what: str, done: int, total: int) -> None:
            marks.setdefault(what, time.perf_counter())
            report(what, done, total)

        simulate(network, made, codes[:1], progress=note)
        building = marks["simulating"] - marks["building"]
        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        measured = simulate(network, made, codes, progress=report)  # converted and built: it is simulated alone
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


@bench.command(name="gates")
@options.model
@options.data
@options.plan
@click.option("--interval", type=click.IntRange(min=1), metavar="CYCLES", help="Target for the plan, instead of the fastest.")
@options.part
@options.clock
@options.input_scale
@options.as_json
def gates(
    model: Path,
    data: Path,
    plan: Path | None,
    interval: int | None,
    part: str | None,
    clock_mhz: float | None,
    input_scale: float | None,
    as_json: bool,
) -> None:
    """MODEL's whole pipeline as Yosys maps it to LUTs, carry chains and registers, simulated: results and toggles.

    For networks of some ten thousand LUTs without block RAM and DSP48. Exit status 1 if a result differs from golden's.
    """
    terminal = Terminal(as_json)
    network, _, codes = load_with_data(model, data, input_scale, terminal)
    made = make_plan(network, plan, part, interval, clock_mhz=clock_mhz)
    if len(codes) <= made.settling:
        raise InputError(f"{data}: {len(codes)} frames do not fill the pipeline; it takes more than {made.settling}")
    with tempfile.TemporaryDirectory() as work, terminal.progress() as report:
        try:
            found = simulate_netlist(network, made, codes, Path(work), progress=report)
        except SynthesisError as error:
            raise SigmabitError(str(error)) from None
    mismatches = int(np.any(found.measured.results != network.results(codes), axis=(1, 2, 3)).sum())
    result = {
        "frames": len(codes),
        "mismatches": mismatches,
        "latency_cycles": found.measured.latency,
        "planned_latency_cycles": made.latency,
        "lut_outputs": found.luts,
        "registers": found.registers,
        "lut_rate": found.lut_rate,
        "register_rate": found.register_rate,
    }
    rows: list[list[object]] = [
        ["results unlike golden's", f"{mismatches} of {len(codes)}"],
        ["latency in cycles, planned and of the netlist", f"{made.latency} and {found.measured.latency}"],
        ["toggles of a LUT's output in a cycle", f"{found.lut_rate:.3f}"],
        ["toggles of a register in a cycle", f"{found.register_rate:.3f}"],
        ["ratio", f"{found.lut_rate / found.register_rate:.2f}"],
    ]
    title = f"netlist of {network.name}: {found.luts:,} LUT outputs, {found.registers:,} registers"
    terminal.emit(result, table(title, ["", ""], rows))
    sys.exit(1 if mismatches else 0)


BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@bench.command(name="latency")
@options.model
@options.data
@options.plan
@click.option("--interval", type=int, metavar="CYCLES", help="Make a plan with at most this interval.")
@options.part
@options.clock
@options.input_scale
@click.option("--torch", "recipe", metavar="NAME", help="Measure PyTorch too, on the shipped autoencoder of that name.")
@click.option("--plot", "picture", type=options.PATH, metavar="FILE.png", help="Draw time against batch size.")
@options.as_json
def latency(
    model: Path,
    data: Path,
    plan: Path | None,
    interval: int | None,
    part: str | None,
    clock_mhz: float | None,
    input_scale: float | None,
    recipe: str | None,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Time for batches of 1 to 256 frames: onnxruntime on this processor, PyTorch, and the pipeline's cycles at an assumed clock.

    The pipeline's cycles are those of its plan, which simulations meet exactly; its clock is an assumption.
    """
    terminal = Terminal(as_json)
    if picture:
        check_writable(picture)
    network, x, _ = load_with_data(model, data, input_scale, terminal)
    made = make_plan(network, plan, part, interval, clock_mhz=clock_mhz)
    times = {}
    with terminal.progress() as report:
        report("measuring", 0, 0)
        for threads, name in ((1, "onnxruntime, one thread"), (0, "onnxruntime")):
            times[name] = measure.seconds(measure.onnxruntime_run(model, threads), x, BATCHES)
        if recipe:
            times["PyTorch"] = measure.seconds(_torch(recipe), x, BATCHES)
    pipeline = f"pipeline at an assumed {made.clock_mhz:g} MHz"
    times[pipeline] = measure.pipeline_seconds(made, BATCHES)
    if picture:
        write_whole(picture, lambda fresh: measure.plot(fresh, network.name, BATCHES, times))
    result = {
        "batches": list(BATCHES),
        "seconds": times,
        "latency_cycles": made.latency,
        "interval_cycles": made.interval,
        "clock_mhz": made.clock_mhz,
    }
    columns = ["frames", *(f"{name}, us" for name in times)]
    rows: list[list[object]] = [
        [batch, *(f"{values[i] * 1e6:,.2f}" for values in times.values())] for i, batch in enumerate(BATCHES)
    ]
    best = min(values[0] for name, values in times.items() if name != pipeline)
    faster = f"one frame: {best / times[pipeline][0]:,.1f} times as fast as the faster of the others"
    terminal.emit(result, table(f"{network.name}: time for a batch", columns, rows), "", faster)


def _torch(recipe: str) -> measure.Run:
    try:
        return measure.torch_run(recipe)
    except ImportError as error:
        raise SigmabitError(f"--torch needs the training extra: {error}") from None
    except KeyError:
        raise SigmabitError(f"--torch {recipe}: no shipped autoencoder of that name") from None
