"""sigmabit data: the test images of a data set as the other commands take them."""

from __future__ import annotations

from pathlib import Path

import click

from sigmabit.golden import SigmabitError

from ..datasets import DatasetError, data_folder, load
from ..files import OutputError, check_folder, write_array
from ..terminal import Terminal
from . import options


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--data", "source", type=options.PATH, metavar="DIR", help="Folder with the larger data sets.")
@click.option("--frames", type=click.IntRange(min=1), metavar="N", help="Only the first N frames.")
@click.option("-o", "--output", type=options.PATH, required=True, metavar="DIR", help="Folder for x.npy and y.npy.")
@options.as_json
def data(name: str, source: Path | None, frames: int | None, output: Path, as_json: bool) -> None:
    """Write the test images of NAME (digits or mnist) as DIR/x.npy and their classes as DIR/y.npy."""
    terminal = Terminal(as_json)
    check_folder(output)
    try:
        dataset = load(name, data_folder(source))
    except DatasetError as error:
        raise SigmabitError(str(error)) from None
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{output}: cannot be made: {error.strerror}") from None
    images, labels = dataset.test_images[:frames], dataset.test_labels[:frames]
    write_array(output / "x.npy", images)
    write_array(output / "y.npy", labels)
    terminal.emit({"folder": str(output), "frames": len(images)}, f"{len(images)} images in {output}/x.npy, classes in y.npy")
