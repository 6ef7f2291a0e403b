"""sigmabit send: frames to a board, and its answers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from sigmabit.golden import InputError, Network
from sigmabit.golden.network.identity import identity
from sigmabit.host import LinkError, Status

from ..interface.choices import Reading
from ..interface.device import open_device, where
from ..interface.files import check_writable, write_array
from ..interface.loading import labels_of, load_with_data
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
    network, _, codes = load_with_data(model, data, reading, terminal)
    truth = labels_of(labels, network, len(codes))
    if seed is not None and network.latent is None:
        raise InputError(f"--seed: {network.name} draws no samples")
    source, result = network.input.tensor.layout.on_axi(), network.result.on_axi()
    with terminal.progress() as report, open_device(port, udp, baud, patience) as client:
        samples = check_device(network, client.device, model, place)
        if seed is not None:
            client.seed(seed)
        begun = time.monotonic()
        frames = source.pack(codes).reshape(len(codes), -1)
        received = client.run(frames, lambda done, total: report("sending", done, total))
        seconds = time.monotonic() - begun
        line = client.statistics
    y = network.output.decode(result.unpack(received.reshape(-1, result.beat_bits // 8)))
    if samples > 1:
        y = y.reshape(len(codes), samples, *y.shape[1:])
    if output is not None:
        write_array(output, y)
    summary: dict[str, Any] = {
        "network": network.name,
        "port": place,
        "frames": len(codes),
        "samples": samples,
        "seconds": round(seconds, 3),
        "fps": round(len(codes) / seconds, 3),
        "requests": line.requests,
        "repeated": line.repeated,
        "refused": line.refused,
    }
    if truth is not None:
        summary["accuracy"] = network.output.accuracy(y, truth)
    shown = [
        [key, f"{value:.2%}" if key == "accuracy" else value] for key, value in summary.items() if key not in ("network", "port")
    ]
    terminal.emit(summary, table(f"{network.name} at {place}", ["", ""], shown))


def check_device(network: Network, device: Status, model: Path, place: str) -> int:
    """The samples that the device draws of each frame. Raises LinkError where it holds another network."""
    beats = network.result.on_axi()
    each = beats.beats * beats.beat_bits // 8
    if device.model != identity(network) or device.result_bytes % each:
        raise LinkError(f"{place}: the device holds another network than {model}")
    return device.result_bytes // each
