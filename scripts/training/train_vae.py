"""Train a shipped variational autoencoder and write it as ONNX. Needs the `training` extra (PyTorch)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.nn.utils import parametrize

from ..data.datasets import Dataset
from ..networks.anomaly import LEFT_OUT
from .vae_topologies import Recipe, Trigger, Vae, divergence

SEED = 2024
OPSET = 17
WARM_UP = 0.3
"""Part of the training over which the KL divergence's weight rises from 0 to 1, so that latents are used before they cost."""
RADIUS = 30.0
"""The least sum of mu squared that outliers are to have: 16 would lie 4 standard deviations from the prior's centre."""


def train(recipe: Recipe, dataset: Dataset, progress: Callable[[int, int, float, float], None], epochs: int | None = None) -> Vae:
    """Train a recipe; calls progress(epoch, epochs, reconstruction error, KL divergence; nats per image) after each epoch.

    The loss is the negative evidence lower bound, with pixels normal about the reconstruction, of the recipe's variance
    (Rybkin et al., arXiv:2006.13202, learn it). An exposed encoder is also to send mirrored images far from the
    prior's centre (outlier exposure: Hendrycks et al., arXiv:1812.04606): without that, an anomaly need not stand out there.
    """
    torch.set_num_threads(1)  # enough for networks of this size, and sums are always taken in the same order
    torch.manual_seed(SEED)
    model = recipe.build()
    images = torch.from_numpy(dataset.train_images[dataset.train_labels != recipe.without])
    total = epochs or recipe.epochs
    steps = total * math.ceil(len(images) / recipe.batch)
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, steps, pct_start=0.1)
    step = 0
    for epoch in range(total):
        sums = torch.zeros(2)
        for pick in torch.randperm(len(images)).split(recipe.batch):
            x, target = shaped(images[pick], recipe)
            mu, logvar = model.posterior(x)
            error = ((model.decoder(model.sample(mu, logvar)) - target) ** 2).sum() / (2 * recipe.variance)
            kl = divergence(mu, logvar).sum()
            loss = error + min(1.0, step / (WARM_UP * steps)) * kl
            if recipe.exposed:
                outlying, _ = model.posterior(shaped(mirrored(images[pick]), recipe)[0])
                loss = loss + torch.relu(RADIUS - (outlying**2).sum(1)).sum()
            optimiser.zero_grad()
            (loss / len(pick)).backward()
            optimiser.step()
            schedule.step()
            step += 1
            sums += torch.stack([error, kl]).detach()
        progress(epoch + 1, total, *(sums / len(images)).tolist())
    return model.eval()


def shaped(images: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Images as the network takes them, and as it is to give them back."""
    x = images.flatten(1) if recipe.flat else images
    return x, x / recipe.levels


def mirrored(images: Tensor) -> Tensor:
    """Each image mirrored top to bottom, left to right, or at the diagonal, at random."""
    forms = torch.stack([images.flip(2), images.flip(3), images.transpose(2, 3)])
    return forms[torch.randint(3, (len(images),)), torch.arange(len(images))]


@dataclass(frozen=True, eq=False)
class Figures:
    """What a trained autoencoder does with test images."""

    error: float
    """Mean squared error per pixel of reconstructions from sampled latents, pixels from 0 to 1."""
    kl: NDArray[np.float32]
    """KL divergence of each latent, in nats, averaged over the images."""
    logvar: tuple[float, float]
    """Lowest and highest logarithm of a variance."""


def figures(recipe: Recipe, model: Vae, dataset: Dataset) -> Figures:
    """Measured on the test images of the classes that the model was trained with."""
    torch.manual_seed(SEED)
    with torch.no_grad():
        x, target = shaped(torch.from_numpy(dataset.test_images[dataset.test_labels != recipe.without]), recipe)
        mu, logvar = model.posterior(x)
        error = functional.mse_loss(model.decoder(model.sample(mu, logvar)), target)
    return Figures(error.item(), divergence(mu, logvar).mean(0).numpy(), (logvar.min().item(), logvar.max().item()))


def export(recipe: Recipe, model: Vae, dataset: Dataset, path: Path) -> None:
    """Write `model` as ONNX, in float32 and with any number of frames; the class left out is noted under LEFT_OUT."""
    for module in model.modules():
        if parametrize.is_parametrized(module):
            for parameter in list(module.parametrizations):  # type: ignore[arg-type]
                parametrize.remove_parametrizations(module, parameter)
    example, _ = shaped(torch.from_numpy(dataset.test_images[:2]), recipe)
    output = "score" if isinstance(model, Trigger) else "reconstruction"
    torch.onnx.export(
        model,
        (example,),
        str(path),
        opset_version=OPSET,
        dynamo=False,
        input_names=["image"],
        output_names=[output],
        dynamic_axes={"image": {0: "N"}, output: {0: "N"}},
    )
    if recipe.without is not None:
        proto = onnx.load(str(path))
        onnx.helper.set_model_props(proto, {LEFT_OUT: str(recipe.without)})
        onnx.save(proto, str(path))
