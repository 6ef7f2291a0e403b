"""Training of larger binary networks: the same arithmetic as Brevitas' modules, in a third of their time.

Latent weights and normalisations are float32; what flows between the layers is bfloat16, in which +1 and -1 are exact. At the
end the normalisations' statistics are taken anew in float32, in which all sums are exact, and the parameters go into a Brevitas
module, which is what is measured and exported.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sigmabit.golden import SigmabitError

from ..data.datasets import Dataset
from ..interface.files import write_whole
from ..networks import shapes
from .topologies import Parts, Recipe, build

STATISTICS = 20_000
"""Training images, the first ones, for the normalisations' statistics."""

STATISTICS_BATCH = 500


class CheckpointError(SigmabitError):
    """A file that no training can go on from."""


class _Sign(torch.autograd.Function):
    """+1 from zero on, -1 below; straight-through gradient inside [-1, 1]."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _signs(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(gradient, x, -1.0, 1.0)


class _WeightSign(torch.autograd.Function):
    """The signs of latent weights, in the type of the activations; the gradient passes as it is."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, dtype: torch.dtype) -> Tensor:
        return _signs(weight).to(dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient.float(), None


def _signs(x: Tensor) -> Tensor:
    if x.dtype == torch.bfloat16:  # its sign bit before the rest of 1.0: several times faster than a comparison
        return x.view(torch.int16).bitwise_and(-0x8000).bitwise_or_(0x3F80).view(torch.bfloat16)
    return torch.where(x >= 0, 1.0, -1.0)


class _Conv(nn.Conv2d):
    """Sums of type `result`; those over pixels are taken in float32 first."""

    result = torch.float32

    def forward(self, x: Tensor) -> Tensor:
        signs = _WeightSign.apply(self.weight, x.dtype)
        sums = functional.conv2d(x, signs.contiguous(memory_format=torch.channels_last), padding=self.padding)
        return sums.to(self.result)


class _Dense(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, _WeightSign.apply(self.weight, x.dtype))


class _Binarise(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return _Sign.apply(x)


def plain(dtype: torch.dtype) -> Parts:
    """Modules that hand on tensors of a type."""

    def conv(layer: shapes.Conv) -> nn.Module:
        module = _Conv(layer.inputs, layer.outputs, layer.kernel, padding=layer.padding, bias=False)
        module.result = dtype
        return module

    def dense(layer: shapes.Dense) -> nn.Module:
        return _Dense(layer.inputs, layer.outputs, bias=False)

    return Parts(conv, dense, _Binarise, lambda bits: nn.Identity())


class Training:
    """One training, epoch by epoch. The same seed gives the same network on the same machine, interrupted or not."""

    def __init__(self, shape: shapes.Shape, recipe: Recipe, dataset: Dataset, schedule: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.shape, self.recipe, self.schedule_epochs = shape, recipe, schedule
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.bfloat16 if _has_bfloat16(self.device) else torch.float32
        self.model = build(shape, plain(dtype)).to(self.device)
        levels = 1 if dataset.train_images.max() > 1 else 255
        images = np.rint(dataset.train_images.transpose(0, 2, 3, 1) * levels).astype(np.uint8)
        self.images = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
        self.labels = torch.from_numpy(dataset.train_labels).to(self.device)
        self.step = 1 / levels
        self.batches = len(self.labels) // recipe.batch
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=recipe.learning_rate)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, recipe.learning_rate, schedule * self.batches, pct_start=0.1
        )
        self.generator = torch.Generator().manual_seed(seed)
        self.epoch = 0

    def run_epoch(self) -> tuple[float, float]:
        """Once through all training images; the mean loss, and the fraction that was classified correctly."""
        self.model.train()
        losses, hits = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        order = torch.randperm(len(self.labels), generator=self.generator)
        for pick in order[: self.batches * self.recipe.batch].split(self.recipe.batch):
            labels = self.labels[pick.to(self.device)]
            scores = self.model(self.augmented(pick)).float()
            loss = functional.cross_entropy(scores / math.sqrt(scores.shape[1]), labels)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self.schedule.step()
            self.clamp()
            losses += loss.detach()
            hits += (scores.detach().argmax(1) == labels).sum()
        self.epoch += 1
        return float(losses) / self.batches, float(hits) / (self.batches * self.recipe.batch)

    def clamp(self) -> None:
        """Keep the latent weights in [-1, 1], so that none drifts out of reach of its gradient."""
        with torch.no_grad():
            for module in self.model:
                if isinstance(module, nn.Conv2d | nn.Linear):
                    module.weight.clamp_(-1, 1)

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

    def finished(self) -> nn.Module:
        """The network as a Brevitas module, its normalisations' statistics taken anew."""
        exact = build(self.shape, plain(torch.float32)).to(self.device)
        exact.load_state_dict(self.model.state_dict())
        for module in exact:
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None  # the mean over all batches
        with torch.no_grad():
            for images in self.images[:STATISTICS].split(STATISTICS_BATCH):
                exact(self.pixels(images))
        result = build(self.shape)
        unknown = result.load_state_dict(exact.state_dict(), strict=False).unexpected_keys
        assert not unknown, unknown
        return result.eval()

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


def train(
    shape: shapes.Shape,
    recipe: Recipe,
    dataset: Dataset,
    progress: Callable[[int, int, float, float], None],
    epochs: int | None,
    seed: int,
    checkpoint: Path | None,
) -> nn.Module:
    """As `train.train`. checkpoint: a file to go on from, if it is there, and to write after each epoch."""
    total = epochs or recipe.epochs
    training = Training(shape, recipe, dataset, epochs or recipe.schedule or recipe.epochs, seed)
    if checkpoint is not None and checkpoint.exists():
        training.load(checkpoint)
    while training.epoch < total:
        loss, hits = training.run_epoch()
        if checkpoint is not None:
            write_whole(checkpoint, training.save)
        progress(training.epoch, total, loss, hits)
    return training.finished()


def _has_bfloat16(device: torch.device) -> bool:
    """Does the device multiply bfloat16 numbers, rather than emulate that?"""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())
