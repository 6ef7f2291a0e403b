"""sigmabit random: a network of a shipped shape with seeded weights."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
from numpy.typing import NDArray

from sigmabit.golden import InputError, SigmabitError
from sigmabit.golden.network.network import GRID_TOLERANCE

from ..interface.files import check_writable, read_array, write_whole
from ..interface.terminal import Terminal
from ..networks.random_network import IMAGES, random_network
from ..networks.shapes import SHAPES, Shape
from . import options

NAMES = ", ".join(SHAPES)


@click.command(
    short_help="A network of a shipped shape with seeded weights.",
    help=f"""Write a network of the shape NAME ({NAMES}) with seeded weights, and with normalisations that keep every channel's
    bits balanced over some images: half of them are ones. Speed does not depend on what the weights are, and area hardly does.

    The same seed gives the same file, byte for byte. PyTorch is not needed.""",
)
@click.argument("name", metavar="NAME")
@click.option("--seed", type=options.SEED, default=1, metavar="N", help="Seed of the weights (default: 1).")
@click.option(
    "--input", "data", type=options.PATH, metavar="X.npy", help=f"Take the first {IMAGES} images of it, not synthetic ones."
)
@click.option("-o", "--output", type=options.PATH, metavar="FILE.onnx", help="Where it goes (default NAME.onnx).")
@options.as_json
def random(name: str, seed: int, data: Path | None, output: Path | None, as_json: bool) -> None:  # noqa: D103
    terminal = Terminal(as_json)
    if name not in SHAPES:
        raise SigmabitError(f"unknown network {name}, expected one of {NAMES}")
    path = output or Path(f"{name}.onnx")
    check_writable(path)
    shape = SHAPES[name]
    codes = None if data is None else _codes(data, shape)
    with terminal.progress() as report:
        result = random_network(name, shape, seed, codes, partial(report, "balancing layers"))
    write_whole(path, lambda fresh: onnx.save(result.model, str(fresh)))
    about: dict[str, Any] = {"model": str(path), "seed": seed, "weights": shape.weights, "ones": list(result.ones)}
    low, high = min(result.ones), max(result.ones)
    terminal.emit(about, f"{path}: {shape.weights:,} weights of seed {seed}; {low:.1%} to {high:.1%} of a layer's bits are ones")


def _codes(path: Path, shape: Shape) -> NDArray[np.int64]:
    """The first images of a file as whole numbers."""
    images = read_array(path)[:IMAGES]
    if images.shape[1:] != shape.input or not len(images):
        raise InputError(f"{path}: input of shape {images.shape}, expected (N, {', '.join(map(str, shape.input))})")
    codes = images.astype(np.float64) * (255 if shape.bits is None else 1) if images.dtype.kind in "fiub" else np.full(1, np.nan)
    if not np.all((np.abs(codes - np.rint(codes)) <= GRID_TOLERANCE) & (codes > -0.5) & (codes < shape.levels - 0.5)):
        kind = "multiples of 1/255 from 0 to 1" if shape.bits is None else f"whole numbers from 0 to {shape.levels - 1}"
        raise InputError(f"{path}: its numbers are not all {kind}")
    return np.rint(codes).astype(np.int64)
