"""sigmabit verify: the float graph, golden and the hardware side by side."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np

from sigmabit.verif import reference
from sigmabit.verif.pipelines import simulate

from ..files import check_writable, read_labels, write_json
from ..models import load_with_data, make_plan
from ..terminal import Terminal, table
from . import options
from .run import accuracy


@click.command(short_help="Float graph, golden and Verilog side by side.")
@options.model
@options.data
@options.labels
@click.option(
    "--on", type=click.Choice(["verilator", "icarus", "myhdl"]), default="verilator", show_default=True, help="The simulator."
)
@options.plan
@options.part
@options.clock
@options.input_scale
@click.option("--report", "report_file", type=options.PATH, metavar="FILE", help="Write the result here too, as JSON.")
@options.as_json
def verify(
    model: Path,
    data: Path,
    labels: Path | None,
    on: str,
    plan: Path | None,
    part: str | None,
    clock_mhz: float | None,
    input_scale: float | None,
    report_file: Path | None,
    as_json: bool,
) -> None:
    """Run X.npy through MODEL's file with onnxruntime or qonnx, through golden, and through the Verilog; compare all three.

    Exit status 1 if golden and the Verilog differ in any integer of the result.
    """
    terminal = Terminal(as_json)
    if report_file:
        check_writable(report_file)
    network, x, codes = load_with_data(model, data, input_scale)
    step = network.input.grid.scale
    if input_scale is None and plan is None and network.input.quantiser is None and not math.isclose(step, 1 / 255):
        terminal.remark(f"{data}: pixels in steps of {step:g}; `sigmabit convert` must be told: --input-scale {step:g}")
    truth = read_labels(labels, len(x), math.prod(network.output.shape)) if labels else None
    made = make_plan(network, plan, part, clock_mhz=clock_mhz)
    with terminal.progress() as report:
        report("executing the float graph", 0, 0)
        float_run = reference.execute(model, x, lambda done, total: report("executing the float graph", done, total))
        report("computing golden", 0, 0)
        golden = network.results(codes)
        measured = simulate(network, made, codes, on, progress=report)
    outputs = {
        float_run.executor: float_run.outputs,
        "golden": network.output.decode(golden),
        on: network.output.decode(measured.results),
    }
    decisions = {name: y.reshape(len(y), -1).argmax(axis=1) for name, y in outputs.items()}
    mismatches = int(np.any(measured.results != golden, axis=(1, 2, 3)).sum())
    disagreements = int((decisions["golden"] != decisions[float_run.executor]).sum())
    interval = measured.interval(made.settling)
    result: dict[str, Any] = {
        "frames": len(x),
        "mismatches": mismatches,
        "decisions_unlike_float": disagreements,
        "latency_cycles": measured.latency,
        "interval_cycles": interval,
        "planned_latency_cycles": made.latency,
        "planned_interval_cycles": made.interval,
        "clock_mhz": made.clock_mhz,
        "fps": made.fps,
    }
    if truth is not None:
        result["accuracy"] = {name: accuracy(y, truth) for name, y in outputs.items()}
    if report_file:
        write_json(report_file, result)
    rows: list[list[object]] = [["frames", len(x)]]
    if truth is not None:
        rows += [[f"accuracy, {name}", f"{value:.2%}"] for name, value in result["accuracy"].items()]
    rows += [
        [f"frames that differ, golden and {on}", mismatches],
        [f"decisions that differ, golden and {float_run.executor}", disagreements],
        ["latency in cycles, planned / measured", f"{made.latency:,} / {measured.latency:,}"],
        ["interval in cycles, planned / measured", f"{made.interval:,} / {'-' if interval is None else f'{interval:,.10g}'}"],
        [f"frames per second at an assumed {made.clock_mhz:g} MHz", f"{made.fps:,.0f}"],
    ]
    terminal.emit(result, table(network.name, ["", ""], rows))
    sys.exit(1 if mismatches else 0)
