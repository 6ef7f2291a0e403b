"""Train a shipped network and write it as QONNX. Needs the `training` extra (PyTorch, Brevitas)."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from brevitas.export import export_qonnx
from torch import Tensor, nn
from torch.nn import functional

from ..data.datasets import Dataset
from ..networks.binary_weights import pack_weights
from ..networks.shapes import SHAPES
from . import train_fast
from .topologies import RECIPES, Recipe, build

SEED = 2017


def train(
    name: str,
    dataset: Dataset,
    progress: Callable[[int, int, float, float], None],
    epochs: int | None = None,
    checkpoint: Path | None = None,
) -> nn.Module:
    """Train the recipe `name`; calls progress(epoch, epochs, loss, training accuracy) after each epoch.

    checkpoint: for a fast recipe, a file to go on from if it is there, and to write after each epoch.
    """
    recipe = RECIPES[name]
    if recipe.fast:
        return train_fast.train(SHAPES[name], recipe, dataset, progress, epochs, SEED, checkpoint)
    torch.manual_seed(SEED)
    model = build(SHAPES[name])
    images = torch.from_numpy(dataset.train_images)
    labels = torch.from_numpy(dataset.train_labels)
    total = epochs or recipe.epochs
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
    steps = total * math.ceil(len(labels) / recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, steps, pct_start=0.1)
    for epoch in range(total):
        model.train()
        losses, hits = [], 0
        for pick in torch.randperm(len(labels)).split(recipe.batch):
            if len(pick) < 2:  # batch normalisation needs two samples
                continue
            scores = model(augment(images[pick], recipe)) / math.sqrt(10)
            loss = functional.cross_entropy(scores, labels[pick])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            clamp_latent_weights(model)
            losses.append(loss.item())
            hits += int((scores.argmax(1) == labels[pick]).sum())
        progress(epoch + 1, total, float(np.mean(losses)), hits / len(labels))
    return model.eval()


def augment(images: Tensor, recipe: Recipe) -> Tensor:
    """Shift and rotate each image at random, then put the pixels back on their grid of 255 (or 16) steps."""
    count, _, height, width = images.shape
    angle = torch.deg2rad((torch.rand(count) * 2 - 1) * recipe.rotate)
    shift_x = torch.randint(-recipe.shift, recipe.shift + 1, (count,)) * (2 / width)
    shift_y = torch.randint(-recipe.shift, recipe.shift + 1, (count,)) * (2 / height)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    theta = torch.stack([cosine, -sine, shift_x, sine, cosine, shift_y], 1).reshape(-1, 2, 3)
    moved = functional.grid_sample(
        images, functional.affine_grid(theta, list(images.shape), align_corners=False), align_corners=False
    )
    step = 1.0 if images.max() > 1 else 1 / 255
    return torch.round(moved / step) * step


def clamp_latent_weights(model: nn.Module) -> None:
    """Keep the real-valued weights behind the signs in [-1, 1], so that none drifts out of reach of its gradient."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.weight.clamp_(-1, 1)


def accuracy(model: nn.Module, images: np.ndarray, labels: np.ndarray) -> float:
    """Fraction of `images` whose largest score is at the label."""
    with torch.no_grad():
        hits = sum(
            int((model(torch.from_numpy(part)).argmax(1).numpy() == truth).sum())
            for part, truth in zip(np.array_split(images, 10), np.array_split(labels, 10), strict=True)
        )
    return hits / len(labels)


def export(model: nn.Module, example: np.ndarray, path: Path, packed: bool = False) -> None:
    """Write `model` as QONNX. Latent weights become +1 and -1, their only effect, so that the file compresses well.

    packed: as one bit each, which larger networks need.
    """
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.weight.copy_(torch.where(module.weight >= 0, 1.0, -1.0))
    export_qonnx(
        model,
        torch.from_numpy(example),
        str(path),
        opset_version=13,
        dynamo=False,
        input_names=["image"],
        output_names=["scores"],
        dynamic_axes={"image": {0: "N"}, "scores": {0: "N"}},
    )
    if packed:
        proto = onnx.load(str(path))
        pack_weights(proto)
        onnx.save(proto, str(path))
