"""Trainings that may be interrupted: epoch by epoch, in bfloat16 where the device has it, on augmented images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from sigmabit.golden import SigmabitError

from ..data.datasets import Dataset
from ..interface.files import write_whole
from .topologies import Recipe

STATISTICS = 20_000
"""Training images, the first ones, for the normalisations' statistics."""

STATISTICS_BATCH = 500


class CheckpointError(SigmabitError):
    """A file that no training can go on from."""


class Interruptible(ABC):
    """One training, epoch by epoch. The same seed gives the same network on the same machine, interrupted or not."""

    def __init__(self, recipe: Recipe, dataset: Dataset, schedule: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.recipe, self.schedule_epochs = recipe, schedule
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = self.network(torch.bfloat16 if has_bfloat16(self.device) else torch.float32).to(self.device)
        levels = 1 if dataset.train_images.max() > 1 else 255
        images = np.rint(dataset.train_images.transpose(0, 2, 3, 1) * levels).astype(np.uint8)
        self.images = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
        self.labels = torch.from_numpy(dataset.train_labels).to(self.device)
        self.step = 1 / levels
        self.batches = len(self.labels) // recipe.batch
        self.optimiser = self.descent()
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, recipe.learning_rate, schedule * self.batches, pct_start=0.1
        )
        self.generator = torch.Generator().manual_seed(seed)
        self.epoch = 0

    @abstractmethod
    def network(self, dtype: torch.dtype) -> nn.Module:
        """What is trained, of modules that hand on tensors of a type."""

    @abstractmethod
    def descent(self) -> torch.optim.Optimizer:
        """What changes the network's parameters."""

    @abstractmethod
    def loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        """What it makes small."""

    @abstractmethod
    def finished(self) -> nn.Module:
        """The network as a Brevitas module, its normalisations' statistics taken anew."""

    @abstractmethod
    def stepped(self) -> None:
        """Called behind each change of the parameters."""

    def run_epoch(self) -> tuple[float, float]:
        """Once through all training images; the mean loss, and the fraction that was classified correctly."""
        self.model.train()
        losses, hits = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        order = torch.randperm(len(self.labels), generator=self.generator)
        for batch, pick in enumerate(order[: self.batches * self.recipe.batch].split(self.recipe.batch)):
            self.cool(self.epoch + batch / self.batches)
            labels = self.labels[pick.to(self.device)]
            scores = self.model(self.augmented(pick)).float()
            loss = self.loss(scores, labels)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self.schedule.step()
            self.stepped()
            losses += loss.detach()
            hits += (scores.detach().argmax(1) == labels).sum()
        self.epoch += 1
        return float(losses) / self.batches, float(hits) / (self.batches * self.recipe.batch)

    def cool(self, epochs: float) -> None:
        """Lower the learning rate at the end of a training that ends before its schedule does; epochs: that have passed."""
        recipe = self.recipe
        if self.schedule_epochs == recipe.schedule and recipe.epochs - epochs < recipe.cooled:
            for group in self.optimiser.param_groups:
                group["lr"] *= (recipe.epochs - epochs) / recipe.cooled

    def augmented(self, pick: Tensor) -> Tensor:
        """Training images, each shifted and mirrored at random; beyond its edge an image is reflected."""
        height, width = self.images.shape[1:3]
        count, shift = len(pick), self.recipe.shift

        def moved(size: int) -> Tensor:
            places = torch.arange(size) + torch.randint(-shift, shift + 1, (count, 1), generator=self.generator)
            return (size - 1) - (size - 1 - places.abs()).abs()

        rows, columns = moved(height), moved(width)
        if self.recipe.flip:
            mirrored = torch.randint(2, (count, 1), generator=self.generator).bool()
            columns = torch.where(mirrored, width - 1 - columns, columns)
        pick, rows, columns = (index.to(self.device) for index in (pick, rows, columns))
        return self.pixels(self.images[pick[:, None, None], rows[:, :, None], columns[:, None, :]])

    def pixels(self, images: Tensor) -> Tensor:
        """(N, height, width, channels) bytes to what the network takes."""
        return images.permute(0, 3, 1, 2).float() * self.step

    def save(self, path: Path) -> None:
        """Everything that goes on changes, for `load`."""
        state = {name: getattr(self, name).state_dict() for name in ("model", "optimiser", "schedule")}
        torch.save(state | {"epoch": self.epoch, "epochs": self.schedule_epochs, "generator": self.generator.get_state()}, path)

    def load(self, path: Path) -> None:
        """Go on where `save` was called. Raises CheckpointError for the file of another training."""
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            for name in ("model", "optimiser", "schedule"):
                getattr(self, name).load_state_dict(state[name])
            self.generator.set_state(state["generator"].cpu())
            self.epoch, epochs = state["epoch"], state["epochs"]
        except OSError as error:
            raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from None
        except Exception:  # torch raises whatever its parsers do
            raise CheckpointError(f"{path}: not a checkpoint of this network's training, or truncated") from None
        if epochs != self.schedule_epochs:
            raise CheckpointError(f"{path}: of a training over {epochs} epochs, not {self.schedule_epochs}")

    def take_statistics(self, network: nn.Module) -> None:
        """Those of a network's normalisations anew, over the first images as they are."""
        network.train()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None  # the mean over all batches
        with torch.no_grad():
            for images in self.images[:STATISTICS].split(STATISTICS_BATCH):
                network(self.pixels(images))


def complete(
    training: Interruptible, total: int, progress: Callable[[int, int, float, float], None], checkpoint: Path | None
) -> nn.Module:
    """The network after `total` epochs; progress(epoch, epochs, loss, training accuracy) is called after each.

    checkpoint: a file to go on from, if it is there, and to write after each epoch.
    """
    if checkpoint is not None and checkpoint.exists():
        training.load(checkpoint)
    while training.epoch < total:
        loss, hits = training.run_epoch()
        if checkpoint is not None:
            write_whole(checkpoint, training.save)
        progress(training.epoch, total, loss, hits)
    return training.finished()


def has_bfloat16(device: torch.device) -> bool:
    """Does the device multiply bfloat16 numbers, rather than emulate that?"""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())
