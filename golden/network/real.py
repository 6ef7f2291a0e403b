"""A network in real numbers, as its float graph has it: what calibration runs and quantisation turns into integers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..layers.layer import Layer
from ..layers.normalisation import Tie
from ..layers.window import Window
from ..types.errors import Unsupported
from ..types.grid import BIPOLAR, Grid
from ..types.scalar import Chain
from ..types.tensor import TensorType
from .network import InputFormat, Omitted

Real = NDArray[np.float64]

WINDOW_ELEMENTS = 1 << 22
"""Elements of the windows that are spread out at a time."""


@dataclass(frozen=True, eq=False)
class RealBeside:
    """Numbers of a condition that travel beside samples, or beside results: gain * x + offset, each (K,), of the input's elements
    x (K,).
    """

    elements: NDArray[np.int64]
    gain: Real
    offset: Real

    def of(self, values: Real, order: NDArray[np.int64]) -> Real:
        """(N, K) of the network's input (N, height, width, channels), whose numbers are the elements `order`."""
        numbers: Real = values.reshape(len(values), -1)[:, self.places(order)] * self.gain + self.offset
        return numbers

    def places(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where each is first among the elements `order` of a stream."""
        _, first = np.unique(order, return_index=True)
        found: NDArray[np.int64] = first[np.searchsorted(order[first], self.elements)]
        return found


@dataclass(frozen=True, eq=False)
class RealLinear:
    """A dense layer, a convolution or a transposed convolution, and the function of one element behind it.

    window: over the input, (height, width, in_channels); one that is the whole input makes the layer dense. weights:
    (kernel_height, kernel_width, in_channels, rows * columns * out_channels). bias: (rows * columns * out_channels,).
    function: empty for none; its constants are scalars, or numbers of each result's own, (rows * columns * out_channels,).

    A transposed convolution of stride (rows, columns) is a convolution that computes blocks of so many positions at once, block
    rows slowest, channels fastest; `height` and `width` are what it gives, of which the last blocks may have too many.
    Everything else has rows = columns = 1.

    pool: a window over the results, of which the largest are the layer's; padding takes no part. beside: numbers of a condition,
    which are given behind the results of one position. inside: (kernel_height, kernel_width, rows * columns * out_channels)
    biases of kernel positions, for those that lie on the image instead of in the padding; None for none.
    """

    name: str
    nodes: tuple[str, ...]
    window: Window
    weights: Real
    bias: Real
    function: Chain
    rows: int
    columns: int
    height: int
    width: int
    pool: Window | None = None
    beside: RealBeside | None = None
    inside: Real | None = None

    @property
    def own(self) -> bool:
        """Have channels functions of their own?"""
        return any(np.ndim(constant) for constant in self.function.constants)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the result."""
        channels = self.weights.shape[3] // (self.rows * self.columns)
        if self.pool is not None:
            return self.pool.rows.outputs, self.pool.columns.outputs, channels
        return self.height, self.width, channels + (0 if self.beside is None else len(self.beside.elements))

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of what it reads."""
        return self.window.rows.size, self.window.columns.size, self.weights.shape[2]

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame, those on padding included."""
        return self.window.outputs * self.weights.size

    def sums(self, x: Real) -> Real:
        """(N, height, width, in_channels) to (N, out_height, out_width, rows * columns * out_channels), before the function."""
        matrix = self.weights.reshape(-1, self.weights.shape[3])
        sums = np.empty((len(x), self.window.rows.outputs, self.window.columns.outputs, matrix.shape[1]))
        step = max(1, WINDOW_ELEMENTS // (self.window.outputs * len(matrix)))
        for start in range(0, len(x), step):
            windows = self.window.extract(x[start : start + step])  # type: ignore[arg-type]
            sums[start : start + step] = windows.reshape(*windows.shape[:3], -1) @ matrix + self.bias
        if self.inside is not None:
            sums += self.window.total_inside(self.inside)
        return sums

    def result(self, sums: Real, beside: Real | None = None) -> Real:
        """What becomes of the sums: (N, height, width, out_channels), a condition's numbers (N, K) included."""
        frames, down, across = sums.shape[:3]
        values = np.asarray(self.function(sums), np.float64).reshape(frames, down, across, self.rows, self.columns, -1)
        image = values.transpose(0, 1, 3, 2, 4, 5).reshape(frames, down * self.rows, across * self.columns, -1)
        image = image[:, : self.height, : self.width]
        if beside is not None:
            return np.concatenate([image, beside[:, None, None]], axis=-1)
        if self.pool is None:
            return image
        largest: Real = self.pool.extract(image, padding=-np.inf).max(axis=(3, 4))  # type: ignore[arg-type]
        return largest


@dataclass(frozen=True, eq=False)
class RealLatent:
    """Sampling of `latents` latent variables from (1, 1, 2 * latents) means and logarithms of variances, in this order.

    log_sigma: they are logarithms of standard deviations instead. score: the sum of the squared means and the Kullback-Leibler
    divergence are given behind the samples. mean, logarithm, eps: the float graph's tensors of these. function: if it is not
    empty, what stands behind the means are no logarithms, but what it makes standard deviations of; its constants are scalars.
    centre: what is applied to the means first, if it is not empty. place: where its samples begin among those of a frame. beside:
    numbers of a condition, which are given behind the samples.
    """

    name: str
    nodes: tuple[str, ...]
    latents: int
    log_sigma: bool
    score: bool
    mean: str
    logarithm: str
    eps: str
    function: Chain = field(default=Chain())
    centre: Chain = field(default=Chain())
    place: int = 0
    beside: RealBeside | None = None

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of what it reads."""
        return 1, 1, 2 * self.latents

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the result."""
        return 1, 1, self.latents + 2 * self.score + (0 if self.beside is None else len(self.beside.elements))

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame and sample."""
        return self.latents

    def means(self, heads: Real) -> Real:
        """(N, latents) means of (N, 1, 1, 2 * latents) heads."""
        means: Real = np.asarray(self.centre(heads[:, 0, 0, : self.latents]), np.float64)
        return means

    def deviations(self, heads: Real) -> Real:
        """(N, latents) standard deviations of (N, 1, 1, 2 * latents) heads."""
        logarithms = heads[:, 0, 0, self.latents :]
        if self.function.steps:
            return np.asarray(self.function(logarithms), np.float64)
        with np.errstate(over="ignore"):  # calibration finds out what is not finite
            return np.exp(logarithms if self.log_sigma else logarithms / 2)

    def log_variances(self, logarithms: NDArray[np.floating]) -> NDArray[np.floating]:
        """Logarithms of variances of (...) what the layer reads behind the means."""
        if not self.function.steps:
            return logarithms * (2 if self.log_sigma else 1)
        with np.errstate(divide="ignore"):
            return 2 * np.log(self.function(logarithms))

    def run(self, heads: Real, epsilon: Real, beside: Real | None = None) -> Real:
        """(N, 1, 1, latents [+ 2] [+ K]) of heads, a frame's standard normal samples (N, place + latents or more), and a
        condition's numbers (N, K).
        """
        means = self.means(heads)
        deviations = self.deviations(heads)
        with np.errstate(all="ignore"):  # calibration finds out what is not finite
            results = [means + deviations * epsilon[:, self.place : self.place + self.latents]]
            if self.score:
                squares = (means**2).sum(axis=1, keepdims=True)
                terms = means**2 + deviations**2 - 1 - 2 * np.log(deviations)
                results += [squares, terms.sum(axis=1, keepdims=True) / 2]
        if beside is not None:
            results.append(beside)
        return np.concatenate(results, axis=1)[:, None, None, :]


@dataclass(frozen=True, eq=False)
class RealNetwork:
    """What an importer makes of a float graph.

    input: how the graph's input becomes codes. binary: integer layers in front, from a binary encoder. layers: the rest, from
    end to end. output: name, shape without the batch, and for each element of the flat output the index of its result in stream
    order. ties and uneven: of the binary layers, as in Network. omitted: what of the graph is no part of it. bits: what those of
    the binary layers stand for, which zero padding tells apart. host: what the host makes of the (N, size) output, such as a
    softmax.
    """

    name: str
    input: InputFormat
    binary: tuple[Layer, ...]
    layers: tuple[RealLinear | RealLatent, ...]
    output_name: str
    output_shape: tuple[int, ...]
    output_order: NDArray[np.int64]
    ties: tuple[Tie, ...] = ()
    omitted: Omitted = field(default=Omitted())
    uneven: tuple[tuple[str, float], ...] = ()
    bits: Grid = BIPOLAR
    host: Chain = field(default=Chain())
    unlike: tuple[Unsupported, ...] = ()

    @property
    def grid(self) -> Grid:
        """What the codes stand for that the first real layer reads."""
        return self.bits if self.binary else self.input.grid

    @property
    def latent(self) -> RealLatent | None:
        """The layer that samples, if there is one; the first of two."""
        return next((layer for layer in self.layers if isinstance(layer, RealLatent)), None)

    @property
    def latents(self) -> int:
        """Samples of the standard normal that a frame takes, of all layers together."""
        return sum(layer.latents for layer in self.layers if isinstance(layer, RealLatent))

    @property
    def tensor(self) -> TensorType:
        """The type of those codes."""
        return self.binary[-1].output if self.binary else self.input.tensor

    def values(self, codes: NDArray[np.integer]) -> Real:
        """What the first real layer reads, for (N, height, width, channels) codes of the input."""
        for layer in self.binary:
            codes = layer.run(codes)
        values: Real = np.asarray(self.grid.scale * self.grid.values(codes), np.float64)
        return values

    def encode(self, x: NDArray[np.generic]) -> Real:
        """What the first real layer reads, for the frames x (N, *input.shape)."""
        return self.values(self.input.encode(x))

    def beside(self, layer: RealLinear | RealLatent, values: Real) -> Real | None:
        """(N, K) numbers of a condition that a layer gives as well, of what the first real layer reads."""
        return None if layer.beside is None else layer.beside.of(values, self.input.order)

    def evaluate(self, x: NDArray[np.generic], epsilon: NDArray[np.floating]) -> dict[str, Real]:
        """What the first real layer reads, as `input`, and every layer's result (N, height, width, channels), by its name.

        x: frames (N, *input.shape); epsilon: standard normal samples (N, latents), of one layer that samples behind the other.
        """
        values = self.encode(x)
        results, first = {"input": values}, values
        with np.errstate(all="ignore"):  # calibration finds out what is not finite
            for layer in self.layers:
                beside = self.beside(layer, first)
                if isinstance(layer, RealLatent):
                    values = layer.run(values, epsilon.astype(np.float64), beside)
                else:
                    values = layer.result(layer.sums(values), beside)
                results[layer.name] = values
        return results

    def output(self, x: NDArray[np.generic], epsilon: NDArray[np.floating]) -> Real:
        """The graph's output (N, *output_shape) for the same."""
        *_, result = self.evaluate(x, epsilon).values()
        with np.errstate(all="ignore"):
            values = self.host(result.reshape(len(x), -1)[:, self.output_order])
        return np.asarray(values, np.float64).reshape(-1, *self.output_shape)
