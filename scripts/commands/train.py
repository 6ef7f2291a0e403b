"""sigmabit train: the shipped networks, from their data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
from numpy.typing import NDArray

from sigmabit.golden import Precision, SigmabitError, calibrated, embed, import_real, recognise_scale

from ..data.datasets import Dataset, DatasetError, data_folder, load
from ..interface.files import check_folder, check_writable, write_folder, write_whole
from ..interface.terminal import Terminal
from ..networks.autoencoder import autoencoder, random_autoencoder
from ..networks.trigger import SEED, random_trigger
from . import options

CALIBRATION_FRAMES = 1200
"""Training images, the first ones, that a real-valued network is calibrated with."""

Result = tuple[dict[str, Any], str]
"""What has come of a training: as JSON, and as a line of text."""

Trainer = Callable[[str, Path | None, int | None, Path, Terminal], Result]
"""Makes the network of a name, from the data in a folder and in a number of epochs, and writes it to a path."""

RESUMABLE = ("cifar10_bcnn", "cifar10_bcnn_small", "cifar10_w2a4")
"""Networks whose training takes long enough to be interrupted."""


def _classifier(
    name: str, folder: Path | None, epochs: int | None, path: Path, terminal: Terminal, checkpoint: Path | None = None
) -> Result:
    from ..training import train as training

    dataset = _load(training.RECIPES[name].dataset, folder)
    with terminal.progress() as report:

        def epoch(done: int, total: int, loss: float, hits: float) -> None:
            report(f"loss {loss:.3f}, training accuracy {hits:.2%}", done, total)

        model = training.train(name, dataset, epoch, epochs, checkpoint)
    result = training.accuracy(model, dataset.test_images, dataset.test_labels)
    write_whole(path, lambda fresh: training.export(model, dataset.test_images[:1], fresh, training.RECIPES[name].fast))
    text = f"{path}: {result:.2%} on {dataset.tested_on}"
    return {"model": str(path), "test_accuracy": result, "test_images": dataset.tested_on}, text


def _float_classifier(name: str, folder: Path | None, epochs: int | None, path: Path, terminal: Terminal) -> Result:
    from ..training import train_float as training
    from ..training.train import accuracy

    recipe = training.RECIPES[name]
    dataset = _load(recipe.dataset, folder)
    with terminal.progress() as report:

        def epoch(done: int, total: int, loss: float, hits: float) -> None:
            report(f"loss {loss:.3f}, training accuracy {hits:.2%}", done, total)

        model = training.train(recipe, dataset, epoch, epochs)
    result = accuracy(model, dataset.test_images, dataset.test_labels)

    def write(fresh: Path) -> None:
        training.export(model, dataset.test_images[:1], fresh)
        _calibrate(fresh, dataset.train_images[:CALIBRATION_FRAMES])

    write_whole(path, write)
    text = f"{path}: {result:.2%} on {dataset.tested_on}"
    return {"model": str(path), "test_accuracy": result, "test_images": dataset.tested_on}, text


def _few_bits(name: str, folder: Path | None, epochs: int | None, path: Path, terminal: Terminal) -> Result:
    from ..training import train_few_bits as training
    from ..training.train import accuracy

    dataset = _load(training.RECIPES[name].schedule.dataset, folder)
    with terminal.progress() as report:

        def epoch(done: int, total: int, loss: float, hits: float) -> None:
            report(f"loss {loss:.3f}, training accuracy {hits:.2%}", done, total)

        model = training.train(name, dataset, epoch, epochs)
    result = accuracy(model, dataset.test_images, dataset.test_labels)
    write_whole(path, lambda fresh: training.export(model, dataset.test_images[:1], fresh))
    text = f"{path}: {result:.2%} on {dataset.tested_on}"
    return {"model": str(path), "test_accuracy": result, "test_images": dataset.tested_on}, text


def _residual(
    name: str, folder: Path | None, epochs: int | None, path: Path, terminal: Terminal, checkpoint: Path | None = None
) -> Result:
    from ..training import train_residual as training
    from ..training.train import accuracy
    from ..training.train_few_bits import export

    dataset = _load(training.RECIPE.dataset, folder)
    with terminal.progress() as report:

        def epoch(done: int, total: int, loss: float, hits: float) -> None:
            report(f"loss {loss:.3f}, training accuracy {hits:.2%}", done, total)

        model = training.train(dataset, epoch, epochs, checkpoint)
    result = accuracy(model, dataset.test_images, dataset.test_labels)
    write_whole(path, lambda fresh: export(model, dataset.test_images[:1], fresh))
    text = f"{path}: {result:.2%} on {dataset.tested_on}"
    return {"model": str(path), "test_accuracy": result, "test_images": dataset.tested_on}, text


def _autoencoder(name: str, folder: Path | None, epochs: int | None, path: Path, terminal: Terminal) -> Result:
    from ..training import train_vae as training
    from ..training.vae_topologies import ANOMALY_SET, RECIPES

    recipe = (RECIPES | ANOMALY_SET)[name]
    dataset = _load(recipe.dataset, folder)
    with terminal.progress() as report:

        def epoch(done: int, total: int, error: float, kl: float) -> None:
            report(f"{name}: error {error:.2f}, KL divergence {kl:.2f} nats", done, total)

        model = training.train(recipe, dataset, epoch, epochs)
    found = training.figures(recipe, model, dataset)
    seen = dataset.train_images[dataset.train_labels != recipe.without][:CALIBRATION_FRAMES]

    def write(fresh: Path) -> None:
        training.export(recipe, model, dataset, fresh)
        _calibrate(fresh, seen.reshape(len(seen), -1) if recipe.flat else seen)

    write_whole(path, write)
    result = {
        "model": str(path),
        "squared_error_per_pixel": found.error,
        "kl_per_latent": [float(kl) for kl in found.kl],
        "logvar": list(found.logvar),
    }
    latents = " ".join(f"{kl:.2f}" for kl in found.kl)
    low, high = found.logvar
    text = f"{path}: squared error {found.error:.4f} per pixel, KL per latent {latents} nats, logvar {low:.2f} to {high:.2f}"
    return result, text


def _dense(name: str, folder: Path | None, epochs: int | None, path: Path, terminal: Terminal) -> Result:
    from ..training import train_dense as training

    recipe = training.RECIPES[name]
    dataset = _load(recipe.dataset, folder)
    with terminal.progress() as report:

        def epoch(done: int, total: int, error: float, kl: float) -> None:
            report(f"{name}: squared error {error:.4f}, KL divergence {kl:.2f} nats", done, total)

        layers = training.train(recipe, dataset, epoch, epochs)
    found = training.figures(layers, dataset.test_images)

    def write(fresh: Path) -> None:
        onnx.save(autoencoder(dataset.test_images.shape[1:], layers), str(fresh))
        _calibrate(fresh, dataset.train_images[:CALIBRATION_FRAMES])

    write_whole(path, write)
    latents = " ".join(f"{kl:.2f}" for kl in found["kl_per_latent"])
    text = f"{path}: squared error {found['squared_error_per_pixel']:.4f} per pixel, KL per latent {latents} nats"
    return {"model": str(path), **found}, text


def _anomaly_set(name: str, folder: Path | None, epochs: int | None, path: Path, terminal: Terminal) -> Result:
    from ..training.vae_topologies import ANOMALY_SET

    results: list[Result] = []

    def write(fresh: Path) -> None:
        results.extend(_autoencoder(each, folder, epochs, fresh / f"{each}.onnx", terminal) for each in ANOMALY_SET)

    write_folder(path, write)
    models = [about | {"model": str(path / Path(about["model"]).name)} for about, _ in results]
    errors = [model["squared_error_per_pixel"] for model in models]
    text = f"{path}: {len(models)} models, squared errors from {min(errors):.4f} to {max(errors):.4f} per pixel"
    return {"folder": str(path), "models": models}, text


def _seeded(
    name: str,
    folder: Path | None,
    epochs: int | None,
    path: Path,
    terminal: Terminal,
    make: Callable[[], onnx.ModelProto] = random_trigger,
    precision: Precision | None = None,
) -> Result:
    if epochs is not None:
        raise SigmabitError(f"{name}: its weights are drawn, not trained; --epochs has no meaning for it")

    def write(fresh: Path) -> None:
        proto = make()
        onnx.save(proto, str(fresh))
        inputs = proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value
        frames = np.random.default_rng(SEED).integers(0, 256, (CALIBRATION_FRAMES, inputs)).astype(np.float32)
        _calibrate(fresh, frames, precision)

    write_whole(path, write)
    return {"model": str(path)}, f"{path}: seeded weights"


def _calibrate(model: Path, frames: NDArray[np.float32], precision: Precision | None = None) -> None:
    """Write the ranges that the frames give into the model's metadata."""
    embed(model, calibrated(import_real(model, recognise_scale(frames)), frames, precision or Precision()), model)


TRAINERS: dict[str, Trainer] = {
    "digits_bcnn": _classifier,
    "mnist_bcnn": _classifier,
    "cifar10_bcnn_small": _classifier,
    "cifar10_bcnn": _classifier,
    "digits_w2a2": _few_bits,
    "mnist_w2a2": _few_bits,
    "cifar10_w2a4": _residual,
    "digits_cnn": _float_classifier,
    "digits_vae": _autoencoder,
    "mnist_vae": _autoencoder,
    "trigger_vae": _autoencoder,
    "mnist_dense_vae": _dense,
    "trigger_57": _seeded,
    "dense_autoencoder": partial(_seeded, make=partial(random_autoencoder, (784,)), precision=Precision(weights=8)),
    "digits_anomaly": _anomaly_set,
}


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"


@click.command(
    short_help="A shipped network, from its data.",
    help=f"""Train a shipped network and write it: {_listed(TRAINERS)}.

    digits_anomaly is a folder of ten: digits_vae with each class left out in turn. trigger_57 and
    dense_autoencoder have seeded weights, and need no data. mnist_dense_vae is the latter, trained; all others need the
    `training` extra.""",
)
@click.argument("name", metavar="NAME")
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
    if name not in TRAINERS:
        raise SigmabitError(f"unknown network {name}, expected {_listed(TRAINERS)}")
    trainer = TRAINERS[name]
    if checkpoint is not None:
        if name not in RESUMABLE:
            raise SigmabitError(f"{name}: its training takes minutes; --checkpoint is for {_listed(RESUMABLE)}")
        check_writable(checkpoint)
        trainer = partial(_residual if trainer is _residual else _classifier, checkpoint=checkpoint)
    is_set = trainer is _anomaly_set
    path = output or Path(name if is_set else f"{name}.onnx")
    (check_folder if is_set else check_writable)(path)
    try:
        result, text = trainer(name, data, epochs, path, terminal)
    except ImportError as error:
        raise SigmabitError(f"training needs {error.name}: install sigmabit[training]") from None
    terminal.emit(result, text)


def _load(name: str, folder: Path | None) -> Dataset:
    try:
        return load(name, data_folder(folder))
    except DatasetError as error:
        raise SigmabitError(str(error)) from None
