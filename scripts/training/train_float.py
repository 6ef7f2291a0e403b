"""Train a shipped classifier of real weights and write it as ONNX. Needs the `training` extra (PyTorch)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data.datasets import Dataset

SEED = 2024
OPSET = 17


class Scaled(nn.Module):
    """Whole numbers as parts of the largest."""

    def __init__(self, largest: float) -> None:
        super().__init__()
        self.largest = largest

    def forward(self, x: Tensor) -> Tensor:
        return x / self.largest


def digits_cnn() -> nn.Sequential:
    """8x8 digits: three 3x3 convolutions, two of stride 2, and a dense layer; 33,000 products."""
    return nn.Sequential(
        Scaled(16),
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, 10),
    )  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """How a classifier is trained: its module, data set and schedule."""

    build: Callable[[], nn.Sequential]
    dataset: str
    epochs: int
    batch: int
    learning_rate: float
    decay: float = 1e-3


RECIPES = {"digits_cnn": Recipe(digits_cnn, "digits", epochs=120, batch=64, learning_rate=1e-2)}


def train(
    recipe: Recipe, dataset: Dataset, progress: Callable[[int, int, float, float], None], epochs: int | None = None
) -> nn.Sequential:
    """Train a recipe on randomly moved images; calls progress(epoch, epochs, loss, training accuracy) after each epoch."""
    torch.set_num_threads(1)  # enough for networks of this size, and sums are always taken in the same order
    torch.manual_seed(SEED)
    model = recipe.build()
    images, labels = torch.from_numpy(dataset.train_images), torch.from_numpy(dataset.train_labels)
    total = epochs or recipe.epochs
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.decay)
    steps = total * math.ceil(len(labels) / recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, steps, pct_start=0.1)
    for epoch in range(total):
        losses, hits = [], 0
        for pick in torch.randperm(len(labels)).split(recipe.batch):
            scores = model(moved(images[pick]))
            loss = functional.cross_entropy(scores, labels[pick], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
            hits += int((scores.argmax(1) == labels[pick]).sum())
        progress(epoch + 1, total, float(np.mean(losses)), hits / len(labels))
    return model.eval()


def moved(images: Tensor) -> Tensor:
    """A batch of images, all moved by up to a pixel in each direction, at random; what comes in is black."""
    down, across = torch.randint(0, 3, (2,)).tolist()
    height, width = images.shape[2:]
    return functional.pad(images, (1, 1, 1, 1))[:, :, down : down + height, across : across + width]


def export(model: nn.Sequential, example: np.ndarray, path: Path) -> None:
    """Write `model` as ONNX, in float32 and with any number of frames."""
    torch.onnx.export(
        model,
        (torch.from_numpy(example),),
        str(path),
        opset_version=OPSET,
        dynamo=False,
        input_names=["image"],
        output_names=["scores"],
        dynamic_axes={"image": {0: "N"}, "scores": {0: "N"}},
    )
