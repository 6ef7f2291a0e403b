"""sigmabit random: a network of a shipped shape with seeded weights."""

from __future__ import annotations

from pathlib import Path

import click

import sigmabit

from ..interface.files import check_writable
from ..interface.terminal import Terminal
from . import options

NAMES = ", ".join(sigmabit.WEIGHTS)
IMAGES = 64


@click.command(
    short_help="A network of a shipped shape with seeded weights.",
    help=f"""Write a network of the shape NAME ({NAMES}) with seeded weights, and with normalisations that keep every channel's
    bits balanced over some images: half of them are ones. Speed does not depend on what the weights are, and area hardly does.

    The same seed gives the same file, byte for byte. PyTorch is not needed.""",
)
@click.argument("name", metavar="NAME", shell_complete=options.among(sigmabit.WEIGHTS))
@click.option("--seed", type=options.SEED, default=1, metavar="N", help="Seed of the weights (default: 1).")
@click.option(
    "--input", "data", type=options.PATH, metavar="X.npy", help=f"Take the first {IMAGES} images of it, not synthetic ones."
)
@click.option("-o", "--output", type=options.PATH, metavar="FILE.onnx", help="Where it goes (default NAME.onnx).")
@options.as_json
def random(name: str, seed: int, data: Path | None, output: Path | None, as_json: bool) -> None:  # noqa: D103
    terminal = Terminal(as_json)
    if name not in sigmabit.WEIGHTS:
        raise sigmabit.SigmabitError(f"unknown network {name}, expected one of {NAMES}")
    path = output or Path(f"{name}.onnx")
    check_writable(path)
    with terminal.progress() as report:
        found = sigmabit.seeded(name, seed=seed, images=data, progress=report)
    found.write(path)
    low, high = min(found.ones), max(found.ones)
    text = f"{path}: {found.weights:,} weights of seed {seed}; {low:.1%} to {high:.1%} of a layer's bits are ones"
    terminal.emit({"model": str(path)} | found.to_json(), text)
