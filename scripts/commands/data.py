"""sigmabit data: the test images of a data set as the other commands take them."""

from __future__ import annotations

from pathlib import Path

import click

import sigmabit

from ..interface.files import check_folder, write_array, write_folder
from ..interface.terminal import Terminal
from . import options


@click.command(short_help="The test images of a data set as .npy files.")
@click.argument("name", metavar="NAME", shell_complete=options.among(("digits", "mnist", "cifar10")))
@click.option("--data", "source", type=options.PATH, metavar="DIR", help="Folder with the larger data sets.")
@click.option("--frames", type=click.IntRange(min=1), metavar="N", help="Only the first N frames.")
@click.option("-o", "--output", type=options.PATH, required=True, metavar="DIR", help="Folder for x.npy and y.npy.")
@options.as_json
def data(name: str, source: Path | None, frames: int | None, output: Path, as_json: bool) -> None:
    """Write the test images of NAME (digits, mnist or cifar10) as DIR/x.npy and their classes as DIR/y.npy."""
    terminal = Terminal(as_json)
    check_folder(output)
    dataset = sigmabit.dataset(name, folder=source, test_only=True)
    images, labels = dataset.test_images[:frames], dataset.test_labels[:frames]

    def write(fresh: Path) -> None:
        write_array(fresh / "x.npy", images)
        write_array(fresh / "y.npy", labels)

    write_folder(output, write, last=("x.npy",))
    about = {"folder": str(output), "frames": len(images)} | ({"note": dataset.note} if dataset.note else {})
    text = f"{len(images)} {dataset.note} images in {output}/x.npy, classes in y.npy".replace("  ", " ")
    terminal.emit(about, text)
