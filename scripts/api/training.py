"""The shipped networks, from their data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sigmabit.golden import Precision, SigmabitError, calibrated, embed, import_real, recognise_scale
from sigmabit.verif.simulation.job import Progress

from ..interface.files import check_folder, check_writable, write_folder, write_whole
from ..networks.autoencoder import autoencoder, random_autoencoder
from ..networks.trigger import SEED, random_trigger
from .execution import silent
from .made_networks import dataset as load_data

CALIBRATION_FRAMES = 1200
"""Training images, the first ones, that a real-valued network is calibrated with."""

Result = tuple[dict[str, Any], str]
"""What has come of a training: as JSON, and as a line of text."""

Trainer = Callable[[str, Path | None, int | None, Path, Progress], Result]
"""Makes the network of a name, from the data in a folder and in a number of epochs, and writes it to a path."""

RESUMABLE = ("cifar10_bcnn", "cifar10_bcnn_small", "cifar10_w2a4")
"""Networks whose training takes long enough to be interrupted."""


def _classifier(
    name: str, folder: Path | None, epochs: int | None, path: Path, report: Progress, checkpoint: Path | None = None
) -> Result:
    from ..training import train as training

    dataset = load_data(training.RECIPES[name].dataset, folder=folder)

    def epoch(done: int, total: int, loss: float, hits: float) -> None:
        report(f"loss {loss:.3f}, training accuracy {hits:.2%}", done, total)

    model = training.train(name, dataset, epoch, epochs, checkpoint)
    result = training.accuracy(model, dataset.test_images, dataset.test_labels)
    write_whole(path, lambda fresh: training.export(model, dataset.test_images[:1], fresh, training.RECIPES[name].fast))
    text = f"{path}: {result:.2%} on {dataset.tested_on}"
    return {"model": str(path), "test_accuracy": result, "test_images": dataset.tested_on}, text


def _float_classifier(name: str, folder: Path | None, epochs: int | None, path: Path, report: Progress) -> Result:
    from ..training import train_float as training
    from ..training.train import accuracy

    recipe = training.RECIPES[name]
    dataset = load_data(recipe.dataset, folder=folder)

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


def _few_bits(name: str, folder: Path | None, epochs: int | None, path: Path, report: Progress) -> Result:
    from ..training import train_few_bits as training
    from ..training.train import accuracy

    dataset = load_data(training.RECIPES[name].schedule.dataset, folder=folder)

    def epoch(done: int, total: int, loss: float, hits: float) -> None:
        report(f"loss {loss:.3f}, training accuracy {hits:.2%}", done, total)

    model = training.train(name, dataset, epoch, epochs)
    result = accuracy(model, dataset.test_images, dataset.test_labels)
    write_whole(path, lambda fresh: training.export(model, dataset.test_images[:1], fresh))
    text = f"{path}: {result:.2%} on {dataset.tested_on}"
    return {"model": str(path), "test_accuracy": result, "test_images": dataset.tested_on}, text


def _residual(
    name: str, folder: Path | None, epochs: int | None, path: Path, report: Progress, checkpoint: Path | None = None
) -> Result:
    from ..training import train_residual as training
    from ..training.train import accuracy
    from ..training.train_few_bits import export

    dataset = load_data(training.RECIPE.dataset, folder=folder)

    def epoch(done: int, total: int, loss: float, hits: float) -> None:
        report(f"loss {loss:.3f}, training accuracy {hits:.2%}", done, total)

    model = training.train(dataset, epoch, epochs, checkpoint)
    result = accuracy(model, dataset.test_images, dataset.test_labels)
    write_whole(path, lambda fresh: export(model, dataset.test_images[:1], fresh))
    text = f"{path}: {result:.2%} on {dataset.tested_on}"
    return {"model": str(path), "test_accuracy": result, "test_images": dataset.tested_on}, text


def _autoencoder(name: str, folder: Path | None, epochs: int | None, path: Path, report: Progress) -> Result:
    from ..training import train_vae as training
    from ..training.vae_topologies import ANOMALY_SET, RECIPES

    recipe = (RECIPES | ANOMALY_SET)[name]
    dataset = load_data(recipe.dataset, folder=folder)

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


def _dense(name: str, folder: Path | None, epochs: int | None, path: Path, report: Progress) -> Result:
    from ..training import train_dense as training

    recipe = training.RECIPES[name]
    dataset = load_data(recipe.dataset, folder=folder)

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


def _anomaly_set(name: str, folder: Path | None, epochs: int | None, path: Path, report: Progress) -> Result:
    from ..training.vae_topologies import ANOMALY_SET

    results: list[Result] = []

    def write(fresh: Path) -> None:
        results.extend(_autoencoder(each, folder, epochs, fresh / f"{each}.onnx", report) for each in ANOMALY_SET)

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
    report: Progress,
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

TRAINED = tuple(TRAINERS)
"""Networks that train makes."""


@dataclass(frozen=True)
class Trained:
    """What has come of a training. path: the file, or the folder of a set. about: figures, as plain values. text: a sentence."""

    path: Path
    about: dict[str, Any]
    text: str

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return self.about


def train(
    name: str,
    *,
    file: Path | None = None,
    folder: Path | None = None,
    epochs: int | None = None,
    checkpoint: Path | None = None,
    progress: Progress = silent,
) -> Trained:
    """Train a shipped network, and write it. Needs the training extra, but for networks of seeded weights.

    Args:
        name: one of TRAINED.
        file: where it goes; NAME.onnx, or a folder NAME for a set, without it.
        folder: where the larger data sets lie; without it, SIGMABIT_DATA names it.
        epochs: instead of the recipe's own number.
        checkpoint: a file that is written after each epoch, and gone on from if it is there; of CIFAR-10 alone.
        progress: is told loss and accuracy, and how many epochs are done.

    Raises:
        SigmabitError: there is no such network, an extra is missing, or the data are.
        OutputError: it could not be written.
    """
    if name not in TRAINERS:
        raise SigmabitError(f"unknown network {name}, expected {_listed(TRAINERS)}")
    trainer = TRAINERS[name]
    if checkpoint is not None:
        if name not in RESUMABLE:
            raise SigmabitError(f"{name}: its training takes minutes; --checkpoint is for {_listed(RESUMABLE)}")
        check_writable(checkpoint)
        trainer = partial(_residual if trainer is _residual else _classifier, checkpoint=checkpoint)
    is_set = trainer is _anomaly_set
    path = file or Path(name if is_set else f"{name}.onnx")
    (check_folder if is_set else check_writable)(path)
    try:
        about, text = trainer(name, folder, epochs, path, progress)
    except ImportError as error:
        raise SigmabitError(f"training needs {error.name}: install sigmabit[training]") from None
    return Trained(path, about, text)


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"
