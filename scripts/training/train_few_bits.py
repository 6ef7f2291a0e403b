"""Networks of 2 bits, by Brevitas: how to train for Sigmabit. Needs the `training` extra (PyTorch, Brevitas).

What matters for the hardware: every layer with weights takes what a quantiser gives, and a normalisation and a quantiser follow
it. Scales, normalisations and biases cost nothing: they end in thresholds. The input's quantiser says what the pixels are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from brevitas.core.scaling import ScalingImplType
from brevitas.core.stats import StatsOp
from brevitas.export import export_qonnx
from brevitas.inject.enum import RestrictValueType
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear, QuantReLU
from brevitas.quant import Int8WeightPerTensorFloat, Uint8ActPerTensorFixedPoint, Uint8ActPerTensorFloat
from torch import nn
from torch.nn import functional

from ..data.datasets import Dataset
from . import topologies
from .train import augment

SEED = 2022


class Weight(Int8WeightPerTensorFloat):
    """Weights -s, 0 and s, where s is the mean size of the real ones: 2 bits, narrow."""

    bit_width = 2
    scaling_stats_op = StatsOp.AVE


class Activation(Uint8ActPerTensorFloat):
    """Activations 0, s, 2 s and 3 s; s is trained."""

    bit_width = 2


def pixels(largest: float, bits: int) -> nn.Module:
    """Pixels from 0 to `largest` in 2**bits - 1 steps."""

    class Grid(Uint8ActPerTensorFixedPoint):
        bit_width = bits
        scaling_impl_type = ScalingImplType.CONST
        restrict_scaling_type = RestrictValueType.FP
        max_val = largest

    return QuantIdentity(act_quant=Grid)


def convolution(inputs: int, outputs: int) -> list[nn.Module]:
    """3 x 3, with zeros around."""
    return [QuantConv2d(inputs, outputs, 3, padding=1, bias=False, weight_quant=Weight), nn.BatchNorm2d(outputs)]


def dense(inputs: int, outputs: int) -> list[nn.Module]:
    """A dense layer."""
    return [QuantLinear(inputs, outputs, bias=False, weight_quant=Weight), nn.BatchNorm1d(outputs)]


def relu() -> nn.Module:
    """What makes codes of 2 bits."""
    return QuantReLU(act_quant=Activation)


def digits_w2a2() -> nn.Sequential:
    """8x8 digits: digits_bcnn's layers, with weights and activations of 2 bits."""
    return nn.Sequential(
        pixels(31.0, 5),
        *convolution(1, 16), relu(),
        *convolution(16, 32), nn.MaxPool2d(2), relu(),
        nn.Flatten(),
        *dense(512, 64), relu(),
        *dense(64, 10),
    )  # fmt: skip


def mnist_w2a2() -> nn.Sequential:
    """28x28 MNIST: mnist_bcnn's layers, with weights and activations of 2 bits.

    The maximum before the quantiser is that behind it, and a quarter of the work.
    """
    return nn.Sequential(
        pixels(1.0, 8),
        *convolution(1, 32), nn.MaxPool2d(2), relu(),
        *convolution(32, 64), nn.MaxPool2d(2), relu(),
        *convolution(64, 64), nn.MaxPool2d(2), relu(),
        nn.Flatten(),
        *dense(576, 128), relu(),
        *dense(128, 10),
    )  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """What is trained, and how."""

    build: Callable[[], nn.Sequential]
    schedule: topologies.Recipe


RECIPES = {
    "digits_w2a2": Recipe(digits_w2a2, topologies.Recipe("digits", epochs=60, batch=64, learning_rate=5e-3, shift=1)),
    "mnist_w2a2": Recipe(mnist_w2a2, topologies.Recipe("mnist", epochs=14, batch=200, learning_rate=5e-3, shift=2, rotate=10.0)),
}


def train(
    name: str, dataset: Dataset, progress: Callable[[int, int, float, float], None], epochs: int | None = None
) -> nn.Sequential:
    """Train the recipe `name`; calls progress(epoch, epochs, loss, training accuracy) after each epoch."""
    recipe, schedule = RECIPES[name], RECIPES[name].schedule
    torch.set_num_threads(1)  # sums are always taken in the same order
    torch.manual_seed(SEED)
    model = recipe.build()
    images, labels = torch.from_numpy(dataset.train_images), torch.from_numpy(dataset.train_labels)
    total = epochs or schedule.epochs
    optimiser = torch.optim.Adam(model.parameters(), lr=schedule.learning_rate)
    steps = total * math.ceil(len(labels) / schedule.batch)
    falling = torch.optim.lr_scheduler.OneCycleLR(optimiser, schedule.learning_rate, steps, pct_start=0.1)
    for epoch in range(total):
        model.train()
        losses, hits = [], 0
        for pick in torch.randperm(len(labels)).split(schedule.batch):
            scores = model(augment(images[pick], schedule))
            loss = functional.cross_entropy(scores, labels[pick], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            falling.step()
            losses.append(loss.item())
            hits += int((scores.argmax(1) == labels[pick]).sum())
        progress(epoch + 1, total, float(np.mean(losses)), hits / len(labels))
    return model.eval()


def export(model: nn.Module, example: np.ndarray, path: Path) -> None:
    """Write `model` as QONNX, for any number of frames."""
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
