"""sigmabit verify: the float graph, golden and the hardware side by side."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Network
from sigmabit.golden.gaussian import FRACTION
from sigmabit.verif import reference
from sigmabit.verif.pipelines import simulate

from ..files import check_writable, read_labels, write_json
from ..gallery import draw
from ..models import load_with_data, make_noise, make_plan
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
@options.calibration
@options.samples
@options.seed
@options.epsilon
@click.option("--pictures", type=options.PATH, metavar="DIR", help="Draw what a variational autoencoder does, as PNG files.")
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
    calibration: Path | None,
    samples: int | None,
    seed: int | None,
    epsilon: Path | None,
    pictures: Path | None,
    report_file: Path | None,
    as_json: bool,
) -> None:
    """Run X.npy through MODEL's file with onnxruntime or qonnx, through golden, and through the Verilog; compare all three.

    A model that draws samples is given the same ones in all three. Exit status 1 if golden and the Verilog differ in any integer
    of the result.
    """
    terminal = Terminal(as_json)
    if report_file:
        check_writable(report_file)
    network, x, codes = load_with_data(model, data, input_scale, terminal, calibration)
    step = network.input.grid.scale
    unsaid = input_scale is None and plan is None and network.input.quantiser is None and network.latent is None
    if unsaid and not math.isclose(step, 1 / 255):
        terminal.remark(f"{data}: pixels in steps of {step:g}; `sigmabit convert` must be told: --input-scale {step:g}")
    truth = read_labels(labels, len(x), math.prod(network.output.shape)) if labels else None
    noise, samples = make_noise(network, len(x), samples, seed, epsilon)
    made = make_plan(network, plan, part, clock_mhz=clock_mhz, samples=samples)
    drawn = noise.for_network(network, len(x), made.samples)
    with terminal.progress() as report:
        report("executing the float graph", 0, 0)
        reals = None if drawn is None else (drawn * 2.0**-FRACTION).astype(np.float32)
        float_run = reference.execute(model, x, lambda done, total: report("executing the float graph", done, total), reals)
        report("computing golden", 0, 0)
        golden = network.results(codes, drawn)
        measured = simulate(network, made, codes, on, progress=report, noise=noise)
    outputs = {
        float_run.executor: float_run.outputs.reshape(len(golden), *network.output.shape),
        "golden": network.output.decode(golden),
        on: network.output.decode(measured.results),
    }
    mismatches = int(np.any(measured.results != golden, axis=(1, 2, 3)).sum())
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
    if drawn is None:
        about, shown = _decisions(outputs, truth, float_run.executor)
    else:
        about, shown = _reconstructions(network, x, outputs, made.samples, float_run.executor)
    result |= about
    rows += shown
    if report_file:
        write_json(report_file, result)
    if pictures:
        drawn_at = draw(network, x, outputs[on], pictures)
        if drawn_at:
            rows.append(["picture", str(drawn_at)])
    rows += [
        [f"results that differ, golden and {on}", mismatches],
        ["latency in cycles, planned / measured", f"{made.latency:,} / {measured.latency:,}"],
        ["interval in cycles, planned / measured", f"{made.interval:,} / {'-' if interval is None else f'{interval:,.10g}'}"],
        [f"frames per second at an assumed {made.clock_mhz:g} MHz", f"{made.fps:,.0f}"],
    ]
    terminal.emit(result, table(network.name, ["", ""], rows))
    sys.exit(1 if mismatches else 0)


Rows = list[list[object]]


def _decisions(
    outputs: dict[str, NDArray[np.float32]], truth: NDArray[np.int64] | None, executor: str
) -> tuple[dict[str, Any], Rows]:
    """How a classifier's outputs compare."""
    decisions = {name: y.reshape(len(y), -1).argmax(axis=1) for name, y in outputs.items()}
    disagreements = int((decisions["golden"] != decisions[executor]).sum())
    result: dict[str, Any] = {"decisions_unlike_float": disagreements}
    rows: Rows = [[f"decisions that differ, golden and {executor}", disagreements]]
    if truth is not None:
        result["accuracy"] = {name: accuracy(y, truth) for name, y in outputs.items()}
        accuracies: Rows = [[f"accuracy, {name}", f"{value:.2%}"] for name, value in result["accuracy"].items()]
        rows = accuracies + rows
    return result, rows


def _reconstructions(
    network: Network, x: NDArray[Any], outputs: dict[str, NDArray[np.float32]], samples: int, executor: str
) -> tuple[dict[str, Any], Rows]:
    """How the outputs of a network that draws samples compare; with the frames, scaled to 1, where they are like them."""
    difference = float(np.sqrt(np.mean((outputs["golden"] - outputs[executor]) ** 2)))
    result: dict[str, Any] = {"samples": samples, "rms_unlike_float": difference}
    rows: Rows = [["samples of each", samples], [f"golden less {executor}, root mean square", f"{difference:.5f}"]]
    if math.prod(network.output.shape) == math.prod(network.input.shape):
        target = (x / x.max()).reshape(len(x), -1).repeat(samples, axis=0)
        errors = {name: float(((y.reshape(len(y), -1) - target) ** 2).mean()) for name, y in outputs.items()}
        result["reconstruction_error"] = errors
        rows += [[f"squared error of reconstruction, {name}", f"{value:.6f}"] for name, value in errors.items()]
    return result, rows
