"""sigmabit run: frames through the network, in NumPy or through the hardware in a simulator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import InputError, Network
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.hdl.planning.plan import Plan, check_samples
from sigmabit.verif.simulation import SIMULATORS, Measured, Noise, simulate

from ..interface.choices import Planning, Reading, Sampling
from ..interface.files import check_writable, write_array, write_arrays, write_whole
from ..interface.loading import labels_of, load_with_data, make_noise, make_plan
from ..interface.terminal import Report, Terminal, table
from ..measures.comparison import check_size
from . import options

LEAST_FRAMES = 11
"""Frames whose ten distances may show an interval."""


@click.command(short_help="MODEL's output for the frames of X.npy.")
@options.model
@options.data
@click.option("--output", type=options.PATH, required=True, metavar="Y.npy", help="Where the graph's output goes, as float32.")
@click.option(
    "--on",
    type=click.Choice(["golden", *SIMULATORS]),
    default="golden",
    show_default=True,
    help="What computes it.",
)
@options.planning
@options.reading_frames
@options.sampling_or_given
@options.labels
@click.option("--waves", type=options.PATH, metavar="FILE.fst", help="Record all signals (Verilator only).")
@click.option("--trace", type=options.PATH, metavar="FILE.npz", help="Record every tensor.")
@click.option("--latents", type=options.PATH, metavar="FILE.npz", help="Record mu, logvar, eps and z of a model that samples.")
@options.as_json
def run(
    model: Path,
    data: Path,
    output: Path,
    on: str,
    planning: Planning,
    reading: Reading,
    sampling: Sampling,
    labels: Path | None,
    waves: Path | None,
    trace: Path | None,
    latents: Path | None,
    as_json: bool,
) -> None:
    """Compute MODEL's output for the frames of X.npy."""
    terminal = Terminal(as_json)
    written = [path for path in (output, waves, trace, latents) if path is not None]
    for path in written:
        check_writable(path)
    if len({path.resolve() for path in written}) < len(written):
        raise click.UsageError("--output, --waves, --trace and --latents are not all different files")
    if waves and (on not in SIMULATORS or not SIMULATORS[on].records):
        able = " or ".join(name for name, simulator in SIMULATORS.items() if simulator.records)
        raise click.UsageError(f"--waves needs --on {able}")
    network, _, codes = load_with_data(model, data, reading, terminal)
    noise, samples = make_noise(network, len(codes), sampling)
    if latents and network.latent is None:
        raise InputError(f"--latents: {network.name} draws no samples")
    truth = labels_of(labels, network, len(codes))
    made = None
    if on != "golden" or planning.file is not None:
        made = make_plan(network, planning, samples)
    count = made.samples if made else 1 if samples is None else samples
    check_samples(network, count)
    recorded = trace is not None or latents is not None
    check_size(network, len(codes), count, recorded)
    drawn = noise.for_network(network, len(codes), count)
    measured: Measured | None = None
    with terminal.progress() as report:
        if on == "golden" or made is None:
            report("computing", 0, 0)
            tensors = dict(network.steps(codes, drawn)) if recorded else {}
            results = tensors[network.layers[-1].name] if recorded else network.results(codes, drawn)
        else:
            measured = _simulate(made, codes, on, recorded, waves, report, noise)
            tensors, results = measured.trace, measured.results
    y = network.output.decode(results)
    if drawn is not None and (samples is not None or drawn.shape[1] > 1):
        y = y.reshape(len(codes), -1, *y.shape[1:])
    write_array(output, y)
    if trace:
        write_arrays(trace, tensors)
    if latents and drawn is not None:
        write_arrays(latents, latent_values(network, tensors, drawn))
    summary = summarise(network, on, made, measured, y, truth)
    shown = [[key.replace("_", " "), f"{value:.2%}" if key == "accuracy" else value] for key, value in summary.items()]
    lines = [summary["note"]] if "note" in summary else []
    shown = [row for row in shown if row[0] != "note"]
    terminal.emit(summary, table(f"{network.name} on {on}", ["", ""], shown), *lines)


def _simulate(
    plan: Plan,
    codes: NDArray[np.int64],
    on: str,
    taps: bool,
    waves: Path | None,
    report: Report,
    noise: Noise,
) -> Measured:
    """The simulation; its waves appear when it has ended."""
    if waves is None:
        return simulate(plan, codes, on, taps, progress=report, noise=noise)
    found: list[Measured] = []

    def record(fresh: Path) -> None:
        found.append(simulate(plan, codes, on, taps, waves=fresh, progress=report, noise=noise))

    write_whole(waves, record)
    return found[0]


def latent_values(
    network: Network, tensors: Mapping[str, NDArray[np.int64]], epsilon: NDArray[np.int64]
) -> dict[str, NDArray[np.float32]]:
    """mu and logvar (N, latents) and eps and z (N, K, latents), as the numbers that the codes of a run stand for.

    What the model has for the logarithm of a standard deviation, or for that itself, is given as the logarithm of the variance.
    """
    latent = network.latent
    assert latent is not None
    codes = tensors[network.layers[network.layers.index(latent) - 1].name][:, 0, 0, : 2 * latent.latents]
    heads = codes * 2.0**-latent.fraction
    z = tensors[latent.name][:, 0, 0, : latent.latents] * 2.0**-latent.z_fraction
    values = {
        "mu": heads[:, : latent.latents],
        "logvar": latent.log_variances(codes[:, latent.latents :]),
        "eps": epsilon * 2.0**-FRACTION,
        "z": z.reshape(epsilon.shape),
    }
    return {name: value.astype(np.float32) for name, value in values.items()}


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
    if plan and measured:
        summary |= {"clock_mhz": plan.clock_mhz, "planned_latency_cycles": plan.latency, "planned_interval_cycles": plan.interval}
        if summary["interval_cycles"] is None:
            summary["note"] = no_interval(len(y))
    if network.latent is not None:
        summary["samples"] = y.shape[1] if y.ndim > 1 + len(network.output.shape) else 1
    if labels is not None:
        summary["accuracy"] = accuracy(network, y, labels)
    return summary


def no_interval(frames: int) -> str:
    """Why a run of so many frames shows no interval."""
    if frames < LEAST_FRAMES:
        return f"no interval was measured: it takes at least {LEAST_FRAMES} frames, these were {frames}"
    return f"no interval was measured: the last of {frames} frames do not follow at equal distances yet; it takes more frames"


def accuracy(network: Network, y: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Fraction of frames whose class is the label."""
    return float((network.output.decisions(y) == labels).mean())
