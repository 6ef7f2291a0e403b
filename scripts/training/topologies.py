"""The networks that ship with the project, as PyTorch + Brevitas modules ready for training and QONNX export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from brevitas.inject.enum import RestrictValueType, ScalingImplType
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear
from brevitas.quant.binary import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst
from brevitas.quant.fixed_point import Uint8ActPerTensorFixedPoint
from torch import Tensor, nn

from ..networks import shapes


class BinaryWeight(SignedBinaryWeightPerTensorConst):
    """Weights of +1 and -1."""

    scaling_const = 1.0


class BinaryActivation(SignedBinaryActPerTensorConst):
    """Activations of +1 and -1, straight-through gradient inside [-1, 1]."""


class Affine(nn.Module):
    """y = gain * x + offset."""

    def __init__(self, gain: float, offset: float) -> None:
        super().__init__()
        self.gain, self.offset = gain, offset

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain + self.offset


@dataclass(frozen=True)
class Parts:
    """What the layers with weights, the binarisations and the input's grid become."""

    conv: Callable[[shapes.Conv], nn.Module]
    dense: Callable[[shapes.Dense], nn.Module]
    sign: Callable[[], nn.Module]
    whole: Callable[[int], nn.Module]


def conv(layer: shapes.Conv) -> nn.Module:
    """A binary convolution."""
    return QuantConv2d(layer.inputs, layer.outputs, layer.kernel, padding=layer.padding, bias=False, weight_quant=BinaryWeight)


def dense(layer: shapes.Dense) -> nn.Module:
    """A binary dense layer."""
    return QuantLinear(layer.inputs, layer.outputs, bias=False, weight_quant=BinaryWeight)


def sign() -> nn.Module:
    """A binarisation."""
    return QuantIdentity(act_quant=BinaryActivation)


def whole(bits: int) -> nn.Module:
    """Whole numbers from 0 on, step 1."""

    class Grid(Uint8ActPerTensorFixedPoint):
        bit_width = bits
        scaling_impl_type = ScalingImplType.CONST
        restrict_scaling_type = RestrictValueType.FP
        max_val = 2.0**bits - 1

    return QuantIdentity(act_quant=Grid)


BREVITAS = Parts(conv, dense, sign, whole)


def build(shape: shapes.Shape, parts: Parts = BREVITAS) -> nn.Sequential:
    """The layers of a shape as modules; what has parameters has them under the same names, whatever the parts."""
    modules: list[nn.Module] = []
    channels, flat = shape.input[0], False
    for layer in shape.layers:
        match layer:
            case shapes.Affine():
                modules.append(Affine(layer.gain, layer.offset))
            case shapes.Whole():
                modules.append(parts.whole(layer.bits))
            case shapes.Conv():
                modules.append(parts.conv(layer))
                channels = layer.outputs
            case shapes.Dense():
                modules += [parts.dense(layer)] if flat else [nn.Flatten(), parts.dense(layer)]
                channels, flat = layer.outputs, True
            case shapes.Pool():
                modules.append(nn.MaxPool2d(shapes.POOL))
            case shapes.Normalise():
                modules.append(nn.BatchNorm1d(channels) if flat else nn.BatchNorm2d(channels))
            case shapes.Sign():
                modules.append(parts.sign())
    return nn.Sequential(*modules)


@dataclass(frozen=True)
class Recipe:
    """How a network of `shapes.SHAPES` is trained: its data set and schedule."""

    dataset: str
    epochs: int
    batch: int
    learning_rate: float
    shift: int
    """Largest random shift of a training image, in pixels."""
    rotate: float = 0.0
    """Largest random rotation of a training image, in degrees."""
    flip: bool = False
    """Is every other training image mirrored?"""
    fast: bool = False
    """By `train_fast`: without Brevitas, in bfloat16, on a GPU if there is one; no rotations."""
    schedule: int | None = None
    """Epochs over which the learning rate would fall to nothing, for a training that ends before that."""
    cooled: int = 0
    """Of such a training's, the last epochs, in which the learning rate falls to nothing all the same."""


RECIPES = {
    "digits_bcnn": Recipe("digits", epochs=60, batch=64, learning_rate=5e-3, shift=1),
    "mnist_bcnn": Recipe("mnist", epochs=40, batch=200, learning_rate=5e-3, shift=2, rotate=10.0),
    "cifar10_bcnn": Recipe("cifar10", epochs=200, batch=128, learning_rate=5e-3, shift=4, flip=True, fast=True),
    "cifar10_bcnn_small": Recipe("cifar10", epochs=26, batch=128, learning_rate=5e-3, shift=2, flip=True, fast=True, schedule=30),
}
