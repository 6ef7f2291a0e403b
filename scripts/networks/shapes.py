"""The shapes of the binary networks that ship with the project: their layers in order, for whoever builds one of them.

PyTorch is not needed for this: `topologies` makes modules of a shape, `random_network` a file with seeded weights.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Affine:
    """y = gain * x + offset; maps pixels in [0, 1] to [-1, 1]."""

    gain: float
    offset: float


@dataclass(frozen=True)
class Whole:
    """Inputs that are whole numbers of so many bits, step 1."""

    bits: int


@dataclass(frozen=True)
class Conv:
    """A convolution with binary weights in square windows, stride 1."""

    inputs: int
    outputs: int
    kernel: int
    padding: int = 0


@dataclass(frozen=True)
class Dense:
    """A dense layer of binary weights, which flattens what comes before it."""

    inputs: int
    outputs: int


@dataclass(frozen=True)
class Pool:
    """The maxima over 2x2 windows that do not overlap."""


@dataclass(frozen=True)
class Normalise:
    """Batch normalisation."""


@dataclass(frozen=True)
class Sign:
    """A binarisation: +1 from zero on, -1 below."""


Layer = Affine | Whole | Conv | Dense | Pool | Normalise | Sign

POOL = 2
"""Rows and columns of a pooled window."""


@dataclass(frozen=True)
class Shape:
    """A network: the (channels, height, width) that it takes, and its layers."""

    input: tuple[int, int, int]
    layers: tuple[Layer, ...]

    @property
    def bits(self) -> int | None:
        """Of an input of whole numbers; None for pixels, which are multiples of 1/255 from 0 to 1."""
        return next((layer.bits for layer in self.layers if isinstance(layer, Whole)), None)

    @property
    def levels(self) -> int:
        """Different numbers that an input element may be."""
        return 256 if self.bits is None else 2**self.bits

    @property
    def weights(self) -> int:
        """Binary weights."""
        convolutions = (x for x in self.layers if isinstance(x, Conv))
        dense = (x for x in self.layers if isinstance(x, Dense))
        return sum(x.inputs * x.outputs * x.kernel**2 for x in convolutions) + sum(x.inputs * x.outputs for x in dense)


DIGITS_BCNN = Shape(
    (1, 8, 8),
    (
        Whole(5),
        Conv(1, 16, 3, padding=1), Normalise(), Sign(),
        Conv(16, 32, 3, padding=1), Pool(), Normalise(), Sign(),
        Dense(512, 64), Normalise(), Sign(),
        Dense(64, 10), Normalise(),
    ),
)  # fmt: skip
"""8x8 digits: two 3x3 convolutions, pooling before the normalisation, two dense layers."""

MNIST_BCNN = Shape(
    (1, 28, 28),
    (
        Affine(2.0, -1.0),
        Conv(1, 32, 3, padding=1), Normalise(), Sign(), Pool(),
        Conv(32, 64, 3, padding=1), Pool(), Normalise(), Sign(),
        Conv(64, 64, 3), Normalise(), Sign(), Pool(),
        Dense(256, 128), Normalise(), Sign(),
        Dense(128, 10), Normalise(),
    ),
)  # fmt: skip
"""28x28 MNIST: three 3x3 convolutions and two dense layers, 89,632 binary weights."""


def cifar10_bcnn(width: int, dense: int) -> Shape:
    """32x32 CIFAR-10: three pairs of 3x3 convolutions of `width`, twice and four times as many channels, a pooling behind
    each pair, and three dense layers.

    Courbariaux et al. 2016, "Binarized Neural Networks"; Zhao et al. 2017 and Li et al. 2017 put it on FPGAs. With a width
    of 128 and dense layers of 1,024 it has 14.02 million weights and 616.97 million multiply-accumulates.
    """
    layers: list[Layer] = [Affine(2.0, -1.0)]
    before = 3
    for channels in (width, 2 * width, 4 * width):
        layers += [Conv(before, channels, 3, padding=1), Normalise(), Sign()]
        layers += [Conv(channels, channels, 3, padding=1), Pool(), Normalise(), Sign()]
        before = channels
    layers += [Dense(16 * before, dense), Normalise(), Sign(), Dense(dense, dense), Normalise(), Sign()]
    layers += [Dense(dense, 10), Normalise()]
    return Shape((3, 32, 32), tuple(layers))


SHAPES = {
    "digits_bcnn": DIGITS_BCNN,
    "mnist_bcnn": MNIST_BCNN,
    "cifar10_bcnn": cifar10_bcnn(128, 1024),
    "cifar10_bcnn_small": cifar10_bcnn(48, 384),
}
