"""The networks that ship with the project, as PyTorch + Brevitas modules ready for training and QONNX export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from brevitas.inject.enum import RestrictValueType, ScalingImplType
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear
from brevitas.quant.binary import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst
from brevitas.quant.fixed_point import Uint8ActPerTensorFixedPoint
from torch import Tensor, nn


class BinaryWeight(SignedBinaryWeightPerTensorConst):
    """Weights of +1 and -1."""

    scaling_const = 1.0


class BinaryActivation(SignedBinaryActPerTensorConst):
    """Activations of +1 and -1, straight-through gradient inside [-1, 1]."""


class DigitPixel(Uint8ActPerTensorFixedPoint):
    """The digits' grid: integers 0 to 31 in 5 bits, step 1."""

    bit_width = 5
    scaling_impl_type = ScalingImplType.CONST
    restrict_scaling_type = RestrictValueType.FP
    max_val = 31.0


class Affine(nn.Module):
    """y = gain * x + offset; maps pixels in [0, 1] to [-1, 1]."""

    def __init__(self, gain: float, offset: float) -> None:
        super().__init__()
        self.gain, self.offset = gain, offset

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain + self.offset


def conv(inputs: int, outputs: int, kernel: int, padding: int = 0, stride: int = 1) -> nn.Module:
    """A binary convolution."""
    return QuantConv2d(inputs, outputs, kernel, stride, padding, bias=False, weight_quant=BinaryWeight)


def dense(inputs: int, outputs: int) -> nn.Module:
    """A binary dense layer."""
    return QuantLinear(inputs, outputs, bias=False, weight_quant=BinaryWeight)


def sign() -> nn.Module:
    """A binarisation."""
    return QuantIdentity(act_quant=BinaryActivation)


def digits_bcnn() -> nn.Module:
    """8x8 digits: two 3x3 convolutions, pooling between normalisation and sign and after sign, two dense layers."""
    return nn.Sequential(
        QuantIdentity(act_quant=DigitPixel),
        conv(1, 16, 3, padding=1), nn.BatchNorm2d(16), sign(),
        conv(16, 32, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(32), sign(),
        nn.Flatten(),
        dense(512, 64), nn.BatchNorm1d(64), sign(),
        dense(64, 10), nn.BatchNorm1d(10),
    )  # fmt: skip


def mnist_bcnn() -> nn.Module:
    """28x28 MNIST: three 3x3 convolutions and two dense layers, 89,632 binary weights."""
    return nn.Sequential(
        Affine(2.0, -1.0),
        conv(1, 32, 3, padding=1), nn.BatchNorm2d(32), sign(), nn.MaxPool2d(2),
        conv(32, 64, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(64), sign(),
        conv(64, 64, 3), nn.BatchNorm2d(64), sign(), nn.MaxPool2d(2),
        nn.Flatten(),
        dense(256, 128), nn.BatchNorm1d(128), sign(),
        dense(128, 10), nn.BatchNorm1d(10),
    )  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """How a shipped model is trained: its module, data set and schedule."""

    build: Callable[[], nn.Module]
    dataset: str
    epochs: int
    batch: int
    learning_rate: float
    shift: int
    """Largest random shift of a training image, in pixels."""
    rotate: float = 0.0
    """Largest random rotation of a training image, in degrees."""


RECIPES = {
    "digits_bcnn": Recipe(digits_bcnn, "digits", epochs=60, batch=64, learning_rate=5e-3, shift=1),
    "mnist_bcnn": Recipe(mnist_bcnn, "mnist", epochs=40, batch=200, learning_rate=5e-3, shift=2, rotate=10.0),
}
