"""sigmabit send: frames to a board, and its answers."""

from __future__ import annotations

from pathlib import Path

import click

import sigmabit

from ..interface.choices import Reading
from ..interface.device import open_device, where
from ..interface.files import check_writable, write_array
from ..interface.loading import labels_of
from ..interface.terminal import Terminal, table
from . import options


@click.command(short_help="MODEL's output for the frames of X.npy, computed by a board.")
@options.model
@options.port
@options.udp
@options.baud
@options.data
@click.option("--output", type=options.PATH, metavar="Y.npy", help="Where the graph's output goes, as float32.")
@options.reading_frames
@click.option(
    "--seed",
    type=options.SEED,
    metavar="N",
    help="Seed with which the model's sampler begins (default: it goes on from where it is).",
)
@options.labels
@options.patience
@options.as_json
def send(
    model: Path,
    port: str | None,
    udp: str | None,
    baud: int | None,
    data: Path,
    output: Path | None,
    reading: Reading,
    seed: int | None,
    labels: Path | None,
    patience: float,
    as_json: bool,
) -> None:
    """Send the frames of X.npy to the board at PORT, or at an address, which holds MODEL, and take its results.

    A damaged line costs time, never a result.
    """
    terminal, place = Terminal(as_json), where(port, udp, baud)
    if output is not None:
        check_writable(output)
    loaded = sigmabit.load_with_frames(model, data, **vars(reading), remark=terminal.remark)
    network, codes = loaded.network, loaded.codes
    terminal.figures |= loaded.figures
    truth = labels_of(labels, network, len(codes))
    if seed is not None and network.latent is None:
        raise sigmabit.InputError(f"--seed: {network.name} draws no samples")
    with terminal.progress() as report, open_device(port, udp, baud, patience) as client:
        found = sigmabit.send(network, codes, client, seed=seed, progress=report)
    if output is not None:
        write_array(output, found.y)
    summary = {"network": network.name, "port": place} | found.summary(truth)
    shown = [
        [key, f"{value:.2%}" if key == "accuracy" else value] for key, value in summary.items() if key not in ("network", "port")
    ]
    written = [] if output is None else [f"the output is in {output}"]
    terminal.emit(summary, table(f"{network.name} at {place}", ["", ""], shown), *written)
