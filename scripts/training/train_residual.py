"""A residual network of few bits, by Brevitas: how to train sums of two ways for Sigmabit. Needs the `training` extra.

What matters for the hardware, beside what `train_few_bits` says: both numbers of a residual sum are quantised, in steps whose
ratio is that of two small whole numbers. Here every step between two layers is 1/4; a normalisation in front of each quantiser
learns the rest. The sum is exact, and its ReLU makes codes of 4 bits of it again.

For speed, training itself takes `plain` modules of the same names in place of Brevitas', for the first epochs without rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from brevitas.core.scaling import ScalingImplType
from brevitas.core.stats import StatsOp
from brevitas.inject.enum import RestrictValueType
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear, QuantReLU
from brevitas.quant import Int8ActPerTensorFixedPoint, Int8WeightPerTensorFloat, Uint8ActPerTensorFixedPoint
from torch import Tensor, nn
from torch.nn import functional

from ..data.datasets import Dataset
from .interruptible import Interruptible, complete
from .topologies import Recipe
from .train_few_bits import pixels

SEED = 2016

RECIPE = Recipe("cifar10", epochs=13, batch=128, learning_rate=0.1, shift=4, flip=True, fast=True, schedule=24, cooled=3)

ROUNDED = 1 / 3
"""From which part of the schedule on there is rounding."""

STEP = 0.25
"""What a code of 1 stands for, everywhere between two layers."""

CODES = 16
"""Codes behind a ReLU, 0 to 15."""

TERMS = 32
"""Codes in front of a sum, -16 to 15."""


class Ternary(Int8WeightPerTensorFloat):
    """Weights -s, 0 and s, where s is the mean size of the real ones."""

    bit_width = 2
    scaling_stats_op = StatsOp.AVE


class Code(Uint8ActPerTensorFixedPoint):
    """Activations of 4 bits, from 0 on."""

    bit_width = 4
    scaling_impl_type = ScalingImplType.CONST
    restrict_scaling_type = RestrictValueType.FP
    max_val = STEP * (CODES - 1)


class Term(Int8ActPerTensorFixedPoint):
    """What a residual sum adds: 5 bits, signed."""

    bit_width = 5
    scaling_impl_type = ScalingImplType.CONST
    restrict_scaling_type = RestrictValueType.FP
    min_val = -STEP * TERMS / 2
    max_val = STEP * TERMS / 2


@dataclass(frozen=True)
class Parts:
    """What the layers are made of; all have their parameters under the same names."""

    pixels: Callable[[], nn.Module]
    first: Callable[..., nn.Module]
    conv: Callable[..., nn.Module]
    dense: Callable[..., nn.Module]
    relu: Callable[[], nn.Module]
    term: Callable[[], nn.Module]


BREVITAS = Parts(
    pixels=lambda: pixels(1.0, 8),
    first=lambda *shape, **more: QuantConv2d(*shape, **more, bias=False, weight_quant=Int8WeightPerTensorFloat),
    conv=lambda *shape, **more: QuantConv2d(*shape, **more, bias=False, weight_quant=Ternary),
    dense=lambda *shape: QuantLinear(*shape, bias=False, weight_quant=Int8WeightPerTensorFloat),
    relu=lambda: QuantReLU(act_quant=Code),
    term=lambda: QuantIdentity(act_quant=Term),
)


class Block(nn.Module):
    """Two convolutions, and beside them nothing, or a projection where the shape changes; the sum of both ways."""

    def __init__(self, parts: Parts, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.main = nn.Sequential(
            parts.conv(inputs, outputs, 3, stride=stride, padding=1), nn.BatchNorm2d(outputs), parts.relu(),
            parts.conv(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), parts.term(),
        )  # fmt: skip
        self.skip: nn.Module = nn.Identity()
        if inputs != outputs:
            self.skip = nn.Sequential(parts.conv(inputs, outputs, 1, stride=stride), nn.BatchNorm2d(outputs), parts.term())
        self.relu = parts.relu()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.main(x) + self.skip(x))


def cifar10_w2a4(parts: Parts = BREVITAS) -> nn.Sequential:
    """32x32 colour images: a convolution, pooling, and four sums of 32, 64, 64 and 128 channels."""
    return nn.Sequential(
        parts.pixels(),
        parts.first(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.MaxPool2d(2), parts.relu(),
        Block(parts, 32, 32), Block(parts, 32, 64, 2), Block(parts, 64, 64), Block(parts, 64, 128, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        parts.dense(128, 10),
    )  # fmt: skip


class _Round(torch.autograd.Function):
    """Steps from `low` to `high`; the gradient passes straight through inside."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: float, high: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.range = low, high
        return x.div(STEP).round_().mul_(STEP).clamp_(low, high)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(gradient, x, *ctx.range), None, None


class _Ternary(torch.autograd.Function):
    """-s, 0 and s, as `Ternary` makes them; the gradient passes as it is."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        size = weight.abs().mean()
        return weight.div(size).round_().clamp_(-1, 1).mul_(size)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


@dataclass
class Rounding:
    """Whether there is any."""

    on: bool


def plain(rounding: Rounding, dtype: torch.dtype) -> Parts:
    """Modules without Brevitas that hand on tensors of a type, and of which `rounding` says whether they round."""

    class Clip(nn.Module):
        def __init__(self, low: float, high: float) -> None:
            super().__init__()
            self.range = low, high

        def forward(self, x: Tensor) -> Tensor:
            return _Round.apply(x, *self.range) if rounding.on else functional.hardtanh(x, *self.range)

    class Conv(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            weight = _Ternary.apply(self.weight) if rounding.on else self.weight
            weight = weight.to(x.dtype).contiguous(memory_format=torch.channels_last)
            return functional.conv2d(x, weight, stride=self.stride, padding=self.padding)

    class First(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            weight = self.weight.to(dtype).contiguous(memory_format=torch.channels_last)
            return functional.conv2d(x.to(dtype), weight, padding=self.padding)

    class Dense(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return functional.linear(x.float(), self.weight)

    return Parts(
        nn.Identity,
        partial(First, bias=False),
        partial(Conv, bias=False),
        partial(Dense, bias=False),
        lambda: Clip(0.0, STEP * (CODES - 1)),
        lambda: Clip(-STEP * TERMS / 2, STEP * (TERMS / 2 - 1)),
    )


class Training(Interruptible):
    """That of `cifar10_w2a4`."""

    def __init__(self, recipe: Recipe, dataset: Dataset, schedule: int, seed: int) -> None:
        self.rounding = Rounding(False)
        super().__init__(recipe, dataset, schedule, seed)

    def network(self, dtype: torch.dtype) -> nn.Module:
        return cifar10_w2a4(plain(self.rounding, dtype))

    def descent(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            self.model.parameters(), lr=self.recipe.learning_rate, momentum=0.9, nesterov=True, weight_decay=5e-4
        )

    def loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(scores, labels, label_smoothing=0.05)

    def stepped(self) -> None:
        """Weights of any size will do: they are taken in units of their mean."""

    def run_epoch(self) -> tuple[float, float]:
        self.rounding.on = self.epoch >= ROUNDED * self.schedule_epochs
        return super().run_epoch()

    def finished(self) -> nn.Module:
        result = cifar10_w2a4()
        unknown = result.load_state_dict(self.model.state_dict(), strict=False).unexpected_keys
        assert not unknown, unknown
        result.to(self.device)
        self.take_statistics(result)
        return result.eval()


def train(
    dataset: Dataset,
    progress: Callable[[int, int, float, float], None],
    epochs: int | None = None,
    checkpoint: Path | None = None,
) -> nn.Module:
    """Train `cifar10_w2a4`; calls progress(epoch, epochs, loss, training accuracy) after each epoch.

    checkpoint: a file to go on from if it is there, and to write after each epoch.
    """
    training = Training(RECIPE, dataset, epochs or RECIPE.schedule or RECIPE.epochs, SEED)
    return complete(training, epochs or RECIPE.epochs, progress, checkpoint)
