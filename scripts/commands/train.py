"""sigmabit train: the shipped networks, from their data."""

from __future__ import annotations

from pathlib import Path

import click

from sigmabit.golden import SigmabitError

from ..datasets import DatasetError, data_folder, load
from ..files import check_writable, write_whole
from ..terminal import Terminal
from . import options


@click.command(short_help="A shipped network, from its data.")
@click.argument("name", metavar="NAME")
@click.option("--data", type=options.PATH, metavar="DIR", help="Folder with the larger data sets.")
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Instead of the recipe's own number.")
@click.option("-o", "--output", type=options.PATH, metavar="FILE.onnx", help="Where the model goes (default NAME.onnx).")
@options.as_json
def train(name: str, data: Path | None, epochs: int | None, output: Path | None, as_json: bool) -> None:
    """Train a shipped network (digits_bcnn or mnist_bcnn) and write it as QONNX. Needs the `training` extra."""
    terminal = Terminal(as_json)
    path = output or Path(f"{name}.onnx")
    check_writable(path)
    try:
        from .. import train as training
    except ImportError as error:
        raise SigmabitError(f"training needs {error.name}: install sigmabit[training]") from None
    if name not in training.RECIPES:
        raise SigmabitError(f"unknown network {name}, expected {' or '.join(training.RECIPES)}")
    try:
        dataset = load(training.RECIPES[name].dataset, data_folder(data))
    except DatasetError as error:
        raise SigmabitError(str(error)) from None
    with terminal.progress() as report:

        def epoch(done: int, total: int, loss: float, hits: float) -> None:
            report(f"loss {loss:.3f}, training accuracy {hits:.2%}", done, total)

        model = training.train(name, dataset, epoch, epochs)
    result = training.accuracy(model, dataset.test_images, dataset.test_labels)
    write_whole(path, lambda fresh: training.export(model, dataset.test_images[:1], fresh))
    terminal.emit(
        {"model": str(path), "test_accuracy": result}, f"{path}: {result:.2%} on {len(dataset.test_labels)} test images"
    )
