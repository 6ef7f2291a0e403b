"""sigmabit train: the shipped networks, from their data."""

from __future__ import annotations

from pathlib import Path

import click

import sigmabit

from ..interface.terminal import Terminal
from . import options

*FIRST, LAST = sigmabit.TRAINED


@click.command(
    short_help="A shipped network, from its data.",
    help=f"""Train a shipped network and write it: {", ".join(FIRST)} or {LAST}.

    digits_anomaly is a folder of ten: digits_vae with each class left out in turn. trigger_57 and
    dense_autoencoder have seeded weights, and need no data. mnist_dense_vae is the latter, trained; all others need the
    `training` extra.""",
)
@click.argument("name", metavar="NAME", shell_complete=options.among(sigmabit.TRAINED))
@click.option("--data", type=options.PATH, metavar="DIR", help="Folder with the larger data sets.")
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Instead of the recipe's own number.")
@click.option(
    "-o", "--output", type=options.PATH, metavar="FILE.onnx", help="Where it goes (default NAME.onnx; a folder NAME for a set)."
)
@click.option(
    "--checkpoint", type=options.PATH, metavar="FILE", help="Written after each epoch, and gone on from if it is there (cifar10)."
)
@options.as_json
def train(  # noqa: D103
    name: str, data: Path | None, epochs: int | None, output: Path | None, checkpoint: Path | None, as_json: bool
) -> None:
    terminal = Terminal(as_json)
    with terminal.progress() as report:
        found = sigmabit.train(name, file=output, folder=data, epochs=epochs, checkpoint=checkpoint, progress=report)
    terminal.emit(found.to_json(), found.text)
