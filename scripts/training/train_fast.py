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

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data.datasets import Dataset
from ..networks import shapes
from .interruptible import Interruptible, complete
from .topologies import Parts, Recipe, build


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


class Training(Interruptible):
    """That of a binary network."""

    def __init__(self, shape: shapes.Shape, recipe: Recipe, dataset: Dataset, schedule: int, seed: int) -> None:
        self.shape = shape
        super().__init__(recipe, dataset, schedule, seed)

    def network(self, dtype: torch.dtype) -> nn.Module:
        return build(self.shape, plain(dtype))

    def descent(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.model.parameters(), lr=self.recipe.learning_rate)

    def loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(scores / math.sqrt(scores.shape[1]), labels)

    def stepped(self) -> None:
        """Keep the latent weights in [-1, 1], so that none drifts out of reach of its gradient."""
        with torch.no_grad():
            for module in self.model.modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    module.weight.clamp_(-1, 1)

    def finished(self) -> nn.Module:
        exact = build(self.shape, plain(torch.float32)).to(self.device)
        exact.load_state_dict(self.model.state_dict())
        self.take_statistics(exact)
        result = build(self.shape)
        unknown = result.load_state_dict(exact.state_dict(), strict=False).unexpected_keys
        assert not unknown, unknown
        return result.eval()


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
    training = Training(shape, recipe, dataset, epochs or recipe.schedule or recipe.epochs, seed)
    return complete(training, epochs or recipe.epochs, progress, checkpoint)
