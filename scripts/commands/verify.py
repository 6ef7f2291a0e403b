"""sigmabit verify: the float graph, golden and the hardware side by side."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import click

import sigmabit

from ..drawing.gallery import draw
from ..interface.choices import Planning, Reading, Sampling, Working
from ..interface.files import check_writable, write_json
from ..interface.loading import labels_of
from ..interface.terminal import Terminal, table
from . import options


@click.command(short_help="Float graph, golden and Verilog side by side.")
@options.model
@options.data
@options.labels
@options.simulator
@options.planning
@options.reading_frames
@options.sampling_or_given
@click.option("--pictures", type=options.PATH, metavar="DIR", help="Draw what a variational autoencoder does, as PNG files.")
@options.report_file
@options.working
@options.as_json
def verify(
    model: Path,
    data: Path,
    labels: Path | None,
    on: str,
    planning: Planning,
    reading: Reading,
    sampling: Sampling,
    pictures: Path | None,
    report_file: Path | None,
    working: Working,
    as_json: bool,
) -> None:
    """Run X.npy through MODEL's file with onnxruntime or qonnx, through golden, and through the Verilog; compare all three.

    Of a classifier decisions are compared; of a model of one output, or of real weights that ends without a softmax, values,
    unless there are labels. A model that draws samples is given the same ones in all three.

    Exit status 1 if golden and the Verilog differ in any integer of the result.
    """
    terminal = Terminal(as_json)
    if report_file:
        check_writable(report_file)
    # they start while files are read
    workers = click.get_current_context().with_resource(sigmabit.workers(working.workers, cluster=working.cluster))
    loaded = sigmabit.load_with_frames(model, data, **vars(reading), remark=terminal.remark)
    network, x, codes = loaded.network, loaded.x, loaded.codes
    terminal.figures |= loaded.figures
    step = network.input.grid.scale
    form = network.input
    unsaid = reading.input_scale is None and planning.file is None and form.quantiser is None and form.statement is None
    if unsaid and not network.calibrated and not math.isclose(step, 1 / 255):
        terminal.remark(f"{model}: pixels in steps of {step:g}; `sigmabit convert` must be told: --input-scale {step:g}")
    truth = labels_of(labels, network, len(x))
    noise, samples = sigmabit.noise(network, len(x), **vars(sampling))
    made = sigmabit.plan(network, **vars(planning), samples=samples)
    with terminal.progress() as report:
        found = sigmabit.verify(model, made, x, codes, on=on, noise=noise, workers=workers, progress=report)
    measured, mismatches = found.measured, found.mismatches
    interval = measured.interval(made.settling)
    result: dict[str, Any] = {
        "frames": len(x),
        "mismatches": mismatches,
        "latency_cycles": measured.latency,
        "interval_cycles": interval,
        "planned_latency_cycles": made.latency,
        "planned_interval_cycles": made.interval,
        "clock_mhz": made.clock_mhz,
        "fps": made.fps,
    }
    rows: list[list[object]] = [["frames", len(x)]]
    about = found.compared(x, truth)
    result |= about
    rows += _rows(found, about)
    lines: list[str] = []
    if interval is None:
        result["note"] = found.no_interval
        lines.append(result["note"])
    if report_file:
        write_json(report_file, result)
    if pictures:
        drawn_at = draw(network, x, found.outputs[on], pictures)
        if drawn_at:
            rows.append(["picture", str(drawn_at)])
    rows += [
        [f"results that differ, golden and {on}", mismatches],
        ["latency in cycles, planned / measured", f"{made.latency:,} / {measured.latency:,}"],
        ["interval in cycles, planned / measured", f"{made.interval:,} / {'-' if interval is None else f'{interval:,.10g}'}"],
        [f"frames per second at an assumed {made.clock_mhz:g} MHz", f"{made.fps:,.0f}"],
    ]
    terminal.emit(result, table(network.name, ["", ""], rows), *lines)
    sys.exit(1 if mismatches else 0)


def _rows(found: sigmabit.Executions, about: dict[str, Any]) -> list[list[object]]:
    """How the executions compare, for people."""
    rows: list[list[object]] = [[f"accuracy, {name}", f"{value:.2%}"] for name, value in about.get("accuracy", {}).items()]
    if "decisions_unlike_float" in about:
        rows.append([f"decisions that differ, golden and {found.executor}", about["decisions_unlike_float"]])
    if "samples" in about:
        rows.append(["samples of each", about["samples"]])
    if "rms_unlike_float" in about:
        rows.append([f"golden less {found.executor}, root mean square", f"{about['rms_unlike_float']:.5f}"])
    for name, value in about.get("reconstruction_error", {}).items():
        rows.append([f"squared error of reconstruction, {name}", f"{value:.6f}"])
    return rows
