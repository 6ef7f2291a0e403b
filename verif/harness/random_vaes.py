"""Small networks that draw samples, made from a seed, and the loops that say what they compute."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.arithmetic.activate import Activation
from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.layers.layer import Layer
from sigmabit.golden.layers.shuffle import Shuffle
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.network.network import InputFormat, Network, OutputFormat
from sigmabit.golden.sampling.exponential import Exponential, exponential
from sigmabit.golden.sampling.latent import Latent
from sigmabit.golden.sampling.score import KL_FRACTION
from sigmabit.golden.types.grid import BIPOLAR, Grid
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.scalar import Chain
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.planning.plan import Plan

from .layers import naive
from .random_networks import Random, draw_plan


@dataclass(frozen=True)
class VaeCase:
    """A network of a few small layers with a sampling layer, and a plan for it; the seed draws both.

    positions: of a row that lie side by side at the entrance, and at most behind a shuffle, if the network can take so many.
    """

    seed: int
    positions: int = 1

    @cached_property
    def network(self) -> Network:
        """The network."""
        random = np.random.default_rng(self.seed)
        height, width, channels = (int(n) for n in random.integers((1, 1, 1), (4, 4, 3)))
        signed = bool(random.integers(2))  # a popcount takes unsigned codes only, so then nothing binary stands in front
        tensor = TensorType(height, width, channels, Range.of_bits(4, signed))
        grid = Grid(1, 0, 1.0) if signed else Grid(*((1, 0), (2, -15))[random.integers(2)], 1.0)
        layers = tuple(_layers(tensor, grid, random))
        result = layers[-1].output.layout
        size = result.height * result.width * result.channels
        return Network(
            f"vae_{self.seed}",
            InputFormat("x", (tensor.size,), np.arange(tensor.size), tensor, grid, None),
            layers,
            OutputFormat("y", (size,), np.arange(size), np.ones((), np.float32), 1, 0, Chain()),
        )

    @cached_property
    def plan(self) -> Plan:
        """The plan, for up to three samples of a frame, with a port for them."""
        plan = draw_plan(self.network, self.seed, 1 + self.seed % 3, self.positions, self.positions)
        return replace(plan, pipeline=plan.variant(epsilon=True))


def _layers(tensor: TensorType, grid: Grid, random: Random) -> Iterator[Layer]:
    if not tensor.signed and random.integers(2):
        binary = _binary(tensor, grid, random)
        yield binary
        tensor, grid = binary.output, BIPOLAR
    if random.integers(2):
        layer = _fixed("conv", tensor, grid, Window(_axis(tensor.height, random), _axis(tensor.width, random)), 2, random)
        yield layer
        tensor, grid = layer.output, _unit(layer.output)
    latents, score = int(random.integers(1, 4)), bool(random.integers(3) == 0)
    bits = int(random.integers(6, 11))
    head = _fixed("head", tensor, grid, _whole(tensor), 2 * latents, random)
    head = replace(head, activation=Activation(head.activation.shift, bits, signed=True))
    yield head
    form = (
        int(random.integers(1, bits - 2)),
        bool(random.integers(2)),
        score,
        int(random.integers(6, 12)),
        int(random.integers(0, 6)),
    )
    latent = Latent("latent", (), head.output, *form)
    yield latent
    tensor = latent.output
    if score or not random.integers(3):
        return
    rows, columns = (int(n) for n in random.integers(1, 4, 2))
    dense = _fixed("dense", tensor, _unit(tensor), _whole(tensor), rows * columns * 2, random)
    yield dense
    tensor = dense.output
    if rows * columns > 1:
        bottom, right = int(random.integers(0, rows)), int(random.integers(0, columns))
        shuffle = Shuffle("shuffle", (), tensor, rows, columns, rows - bottom, columns - right)
        yield shuffle
        tensor = shuffle.output
    if random.integers(2):
        yield _fixed("last", tensor, _unit(tensor), Window(_axis(tensor.height, random), _axis(tensor.width, random)), 3, random)


def _binary(tensor: TensorType, grid: Grid, random: Random) -> Convolution:
    """A layer of a binary encoder."""
    window = Window(_axis(tensor.height, random), _axis(tensor.width, random))
    shape = (window.rows.kernel, window.columns.kernel, tensor.channels, int(random.integers(1, 4)))
    weights = random.choice(np.array([-1, 1], np.int8), shape)
    return Convolution("front", (), tensor, grid, window, weights, random.integers(-20, 20, shape[3]))


def _fixed(name: str, tensor: TensorType, grid: Grid, window: Window, outputs: int, random: Random) -> Fixed:
    weights = random.integers(-12, 12, (window.rows.kernel, window.columns.kernel, tensor.channels, outputs))
    bits, signed = int(random.integers(3, 8)), bool(random.integers(2))
    shift = int(random.integers(0, 1 + (int(np.abs(weights).sum()) // outputs).bit_length()))
    activation = Activation(shift, bits, signed)
    if random.integers(3) == 0:
        activation = Activation(shift, bits, signed, random.integers(-8, 8, 1 << bits), 4, table_signed=True)
    return Fixed(name, (), tensor, grid, window, weights, random.integers(-30, 30, outputs), activation)


def _unit(tensor: TensorType) -> Grid:
    """Codes that stand for themselves."""
    return Grid(1, 0, 1.0)


def _whole(tensor: TensorType) -> Window:
    return Window(Axis(tensor.height, tensor.height), Axis(tensor.width, tensor.width))


def _axis(size: int, random: Random) -> Axis:
    """Kernels up to 3, strides up to 2, padding up to the kernel."""
    kernel = int(random.integers(1, 4))
    before, after = (int(n) for n in random.integers(0, kernel + 1, 2))
    return Axis(size, kernel, int(random.integers(1, 3)), before, after) if kernel <= size + before + after else Axis(size, 1)


def naive_vae(network: Network, frame: NDArray[np.int64], epsilon: Sequence[Sequence[int]]) -> list[list[list[int]]]:
    """For each vector of samples the results of one frame (height, width, channels) in raster order, by loops over everything."""
    tensors = [frame]
    for layer in network.layers:
        if isinstance(layer, Latent):
            tensors = [np.array(_sample(layer, tensors[0].reshape(-1).tolist(), eps))[None, None] for eps in epsilon]
        elif isinstance(layer, Shuffle):
            tensors = [_spread(layer, tensor) for tensor in tensors]
        else:
            assert isinstance(layer, Fixed | Convolution)
            tensors = [np.array(naive(layer, tensor)).reshape(layer.output.shape) for tensor in tensors]
    return [tensor.reshape(-1, tensor.shape[-1]).tolist() for tensor in tensors]


def _sample(layer: Latent, heads: list[int], eps: Sequence[int]) -> list[int]:
    half = 1 << layer.z_bits - 1
    results, squares, divergence = [], 0, Fraction(0)
    for i, e in enumerate(eps):
        mu, logarithm = heads[i], heads[layer.latents + i]
        deviation = _value(Exponential(layer.input.bits, layer.fraction, layer.log_sigma, squared=False), logarithm)
        z = Fraction(mu, 2**layer.fraction) + deviation * Fraction(e, 2**11)
        results.append(min(max(math.floor(z * 2**layer.z_fraction + Fraction(1, 2)), -half), half - 1))
        squares += mu * mu
        variance = layer.variance
        clamped = min(max(logarithm, variance.clamp[0]), variance.clamp[1])
        log_variance = Fraction(clamped * (2 if layer.log_sigma else 1), 2**layer.fraction)
        divergence += Fraction(mu * mu, 4**layer.fraction) + _value(variance, logarithm) - 1 - log_variance
    if layer.score:
        results += [squares, math.floor(divergence / 2 * 2**KL_FRACTION + Fraction(1, 2))]
    return results


def _value(form: Exponential, code: int) -> Fraction:
    """The table's value; that it is near exp() is test_exponential's business."""
    return Fraction(int(exponential(np.array([code]), form)[0]), 2**form.value_fraction)


def _spread(layer: Shuffle, tensor: NDArray[np.int64]) -> NDArray[np.int64]:
    channels = layer.output.channels
    spread = np.empty(layer.output.shape, np.int64)
    for y in range(layer.height):
        for x in range(layer.width):
            place = (y % layer.rows * layer.columns + x % layer.columns) * channels
            spread[y, x] = tensor[y // layer.rows, x // layer.columns, place : place + channels]
    return spread
