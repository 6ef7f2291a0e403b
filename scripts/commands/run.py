"""sigmabit run: frames through the network, in NumPy or through the hardware in a simulator."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Network
from sigmabit.hdl.plan import Plan
from sigmabit.verif.pipelines import Measured, simulate

from ..files import check_writable, read_labels, write_array, write_arrays, write_whole
from ..models import load_with_data, make_plan
from ..terminal import Report, Terminal, table
from . import options


@click.command(short_help="MODEL's output for the frames of X.npy.")
@options.model
@options.data
@click.option("--output", type=options.PATH, required=True, metavar="Y.npy", help="Where the graph's output goes, as float32.")
@click.option(
    "--on",
    type=click.Choice(["golden", "myhdl", "verilator", "icarus"]),
    default="golden",
    show_default=True,
    help="What computes it.",
)
@options.plan
@options.part
@options.clock
@options.input_scale
@options.labels
@click.option("--waves", type=options.PATH, metavar="FILE.fst", help="Record all signals (Verilator only).")
@click.option("--trace", type=options.PATH, metavar="FILE.npz", help="Record every tensor.")
@options.as_json
def run(
    model: Path,
    data: Path,
    output: Path,
    on: str,
    plan: Path | None,
    part: str | None,
    clock_mhz: float | None,
    input_scale: float | None,
    labels: Path | None,
    waves: Path | None,
    trace: Path | None,
    as_json: bool,
) -> None:
    """Compute MODEL's output for the frames of X.npy."""
    terminal = Terminal(as_json)
    written = [path for path in (output, waves, trace) if path is not None]
    for path in written:
        check_writable(path)
    if len({path.resolve() for path in written}) < len(written):
        raise click.UsageError("--output, --waves and --trace are not all different files")
    if waves and on != "verilator":
        raise click.UsageError("--waves needs --on verilator")
    network, _, codes = load_with_data(model, data, input_scale)
    truth = read_labels(labels, len(codes), math.prod(network.output.shape)) if labels else None
    made = None if on == "golden" else make_plan(network, plan, part, clock_mhz=clock_mhz)
    measured: Measured | None = None
    with terminal.progress() as report:
        if made is None:
            report("computing", 0, 0)
            tensors = dict(network.steps(codes))
            results = tensors[network.layers[-1].name]
        else:
            measured = _simulate(network, made, codes, on, trace is not None, waves, report)
            tensors, results = measured.trace, measured.results
    y = network.output.decode(results)
    write_array(output, y)
    if trace:
        write_arrays(trace, tensors)
    summary = summarise(network, on, made, measured, y, truth)
    shown = [[key.replace("_", " "), f"{value:.2%}" if key == "accuracy" else value] for key, value in summary.items()]
    terminal.emit(summary, table(f"{network.name} on {on}", ["", ""], shown))


def _simulate(
    network: Network, plan: Plan, codes: NDArray[np.int64], on: str, taps: bool, waves: Path | None, report: Report
) -> Measured:
    """The simulation; its waves appear when it has ended."""
    if waves is None:
        return simulate(network, plan, codes, on, taps, progress=report)
    found: list[Measured] = []
    write_whole(waves, lambda fresh: found.append(simulate(network, plan, codes, on, taps, waves=fresh, progress=report)))
    return found[0]


def summarise(
    network: Network,
    on: str,
    plan: Plan | None,
    measured: Measured | None,
    y: NDArray[np.float32],
    labels: NDArray[np.int64] | None,
) -> dict[str, Any]:
    """What a run gave, under the names that all commands use."""
    summary: dict[str, Any] = {
        "network": network.name,
        "on": on,
        "frames": len(y),
        "latency_cycles": measured.latency if measured else None,
        "interval_cycles": measured.interval(plan.settling) if measured and plan else None,
    }
    if plan:
        summary |= {"clock_mhz": plan.clock_mhz, "planned_latency_cycles": plan.latency, "planned_interval_cycles": plan.interval}
    if labels is not None:
        summary["accuracy"] = accuracy(y, labels)
    return summary


def accuracy(y: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Fraction of frames whose largest output, the first of equals, is at the label."""
    return float((y.reshape(len(y), -1).argmax(axis=1) == labels).mean())
