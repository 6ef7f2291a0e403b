"""sigmabit run: frames through the network, in NumPy or through the hardware in a simulator."""

from __future__ import annotations

from pathlib import Path

import click

import sigmabit

from ..interface.choices import Planning, Reading, Sampling, Working
from ..interface.files import check_writable, write_array, write_arrays
from ..interface.loading import labels_of
from ..interface.terminal import Terminal, table
from . import options


@click.command(short_help="MODEL's output for the frames of X.npy.")
@options.model
@options.data
@click.option("--output", type=options.PATH, required=True, metavar="Y.npy", help="Where the graph's output goes, as float32.")
@click.option(
    "--on",
    type=click.Choice(["golden", *sigmabit.SIMULATORS]),
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
@options.working
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
    working: Working,
    as_json: bool,
) -> None:
    """Compute MODEL's output for the frames of X.npy."""
    terminal = Terminal(as_json)
    written = [path for path in (output, waves, trace, latents) if path is not None]
    for path in written:
        check_writable(path)
    if waves and waves.suffix != ".fst":
        raise click.UsageError(f"--waves {waves}: expected a name that ends in .fst")
    views = [waves.with_suffix(ending) for ending in sigmabit.VIEWS] if waves else []
    files = [*written, *views, *([data] if isinstance(data, Path) else [])]
    if len({path.resolve() for path in files}) < len(files):
        raise click.UsageError("--input, --output, --waves and its views, --trace and --latents are not all different files")
    if waves and (on not in sigmabit.SIMULATORS or not sigmabit.SIMULATORS[on].records):
        able = " or ".join(name for name, simulator in sigmabit.SIMULATORS.items() if simulator.records)
        raise click.UsageError(f"--waves needs --on {able}")
    # they start while files are read
    workers = click.get_current_context().with_resource(sigmabit.workers(working.workers, cluster=working.cluster))
    loaded = sigmabit.load_with_frames(model, data, **vars(reading), remark=terminal.remark)
    network, codes = loaded.network, loaded.codes
    terminal.figures |= loaded.figures
    noise, samples = sigmabit.noise(network, len(codes), **vars(sampling))
    if latents and network.latent is None:
        raise sigmabit.InputError(f"--latents: {network.name} draws no samples")
    truth = labels_of(labels, network, len(codes))
    made = None
    if on != "golden" or planning.file is not None:
        made = sigmabit.plan(network, **vars(planning), samples=samples)
    with terminal.progress() as report:
        found = sigmabit.run(
            network,
            codes,
            on=on,
            plan=made,
            noise=noise,
            samples=samples,
            record=trace is not None or latents is not None,
            waves=waves,
            workers=workers,
            progress=report,
        )
    write_array(output, found.y)
    if trace:
        write_arrays(trace, dict(found.tensors))
    if latents:
        write_arrays(latents, found.latents)
    summary = found.summary(truth)
    shown = [[key.replace("_", " "), f"{value:.2%}" if key == "accuracy" else value] for key, value in summary.items()]
    beside = {"waves": waves, "tensors": trace, "latents": latents}
    told = [f"the output is in {output}", *(f"{what} in {path}" for what, path in beside.items() if path)]
    lines = [", ".join(told), *([summary["note"]] if "note" in summary else [])]
    shown = [row for row in shown if row[0] != "note"]
    terminal.emit(summary, table(f"{network.name} on {on}", ["", ""], shown), *lines)
