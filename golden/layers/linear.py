"""What layers with weights have in common: windows over the input, and a sum for each window and output channel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.dot import dot
from ..types.grid import Grid
from ..types.range import Range
from ..types.reach import Reach
from ..types.tensor import TensorType
from .window import Window

WINDOW_ELEMENTS = 1 << 20
"""Elements of the windows that are spread out at a time."""


@dataclass(frozen=True, eq=False)
class Linear:
    """Sums of the input's values times integer weights, zero-padded, and what a subclass makes of them.

    weights: (kernel_height, kernel_width, in_channels, out_channels). grid: what the input's codes stand for.
    """

    name: str
    nodes: tuple[str, ...]
    input: TensorType
    grid: Grid
    window: Window
    weights: NDArray[np.integer]

    def __post_init__(self) -> None:
        expected = (self.window.rows.kernel, self.window.columns.kernel, self.input.channels)
        if self.weights.shape[:3] != expected:
            raise ValueError(f"weights of shape {self.weights.shape} for a window of shape {expected}")

    @property
    def channels(self) -> int:
        """Output channels."""
        return int(self.weights.shape[3])

    @property
    def dense(self) -> bool:
        """Are frames gathered for this layer, instead of a window sliding over them?"""
        return False

    @property
    def matrix(self) -> NDArray[np.integer]:
        """(taps * in_channels, out_channels) weights; for a dense layer the rows follow the stream."""
        return self.weights.reshape(-1, self.channels)

    @cached_property
    def tap_sums(self) -> NDArray[np.int64]:
        """(kernel_height, kernel_width, channels): the sum of the weights of each kernel position."""
        sums: NDArray[np.int64] = self.weights.sum(axis=2, dtype=np.int64)
        return sums

    @cached_property
    def weight_bits(self) -> int:
        """Width of a weight in two's complement, at least 2."""
        low, high = int(self.weights.min()), int(self.weights.max())
        return max((-low - 1).bit_length() if low < 0 else 0, max(high, 1).bit_length()) + 1

    @cached_property
    def accumulator_range(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Smallest and largest sum of weights times values that any input can give, per channel: (channels,), (channels,).

        The extreme at one output position takes the largest value where the weight is positive and the smallest where it is
        negative, over the taps that lie inside the image there.
        """
        grid = self.grid
        low, high = (grid.gain * code + grid.offset for code in (self.input.low, self.input.high))
        shapes = self.window.shapes.astype(np.int64)
        weights = self.weights.astype(np.int64)
        positive = shapes @ np.maximum(weights, 0).sum(axis=2).reshape(self.window.taps, -1)
        negative = shapes @ np.maximum(-weights, 0).sum(axis=2).reshape(self.window.taps, -1)
        return (low * positive - high * negative).min(axis=0), (high * positive - low * negative).max(axis=0)

    @property
    def accumulator_stride(self) -> int:
        """A step that all such sums of one channel are whole multiples of apart.

        Codes move them by the grid's gain; where padding takes a tap away, the tap's share of the offset moves them too.
        """
        if not self.window.padded:
            return self.grid.gain
        return math.gcd(self.grid.gain, int(np.gcd.reduce(self.tap_offsets, axis=None)))

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame, those on padding included, as the literature counts them."""
        return self.window.outputs * self.weights.size

    @property
    def scores(self) -> Range:
        """Sums as a network's result: signed whatever they are."""
        low, high = self.accumulator_range
        return Range(min(int(low.min()), -1), max(int(high.max()), 0))

    @property
    def codes(self) -> Range:
        """What the results are."""
        raise NotImplementedError

    @property
    def output(self) -> TensorType:
        """The type of the result."""
        return TensorType(self.window.rows.outputs, self.window.columns.outputs, self.channels, self.codes)

    @property
    def tap_offsets(self) -> NDArray[np.int64]:
        """(kernel_height, kernel_width, channels): what a kernel position adds where it lies on the image, whatever is there."""
        return self.grid.offset * self.tap_sums

    def inside_offsets(self) -> NDArray[np.int64]:
        """(out_height, out_width, channels): what all those of a window add."""
        return self.window.total_inside(self.tap_offsets)

    def products(self, rows: NDArray[np.integer]) -> NDArray[np.int64]:
        """(..., taps * in_channels) codes times the weights: (..., channels)."""
        return dot(rows, self.matrix)

    def accumulators(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, in_channels) codes to (N, out_height, out_width, channels) sums of weights times values."""
        sums = np.empty((len(codes), self.window.rows.outputs, self.window.columns.outputs, self.channels), np.int64)
        step = max(1, WINDOW_ELEMENTS // (self.window.outputs * len(self.matrix)))
        for start in range(0, len(codes), step):
            windows = self.window.extract(codes[start : start + step])
            sums[start : start + step] = self.products(windows.reshape(*windows.shape[:3], -1))
        values: NDArray[np.int64] = self.grid.gain * sums + self.inside_offsets()
        return values

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, in_channels) codes to the result's (N, out_height, out_width, channels)."""
        raise NotImplementedError

    def reach(self, inputs: Reach) -> Reach:
        """What its results can be."""
        raise NotImplementedError

    def reach_of_sums(self, inputs: Reach) -> Reach:
        """What sums of weights times values can be, without a bias.

        Most windows look alike: of those only one is reckoned.
        """
        bottom, top = self.grid.values(inputs.low), self.grid.values(inputs.high)
        ends = np.concatenate([bottom + top, top - bottom], axis=-1)
        looks, look = np.unique(ends.reshape(self.window.inputs, -1), axis=0, return_inverse=True)
        looks = np.concatenate([np.zeros_like(looks[:1]), looks])  # what padding looks like, and what a position may look like
        image = 1 + look.reshape(1, *ends.shape[:2], 1)
        alike, of = np.unique(self.window.extract(image).reshape(self.window.outputs, -1), axis=0, return_inverse=True)
        largest = np.abs(looks).max() * np.abs(self.matrix).max() * len(self.matrix)
        matrix = self.matrix.astype(np.float32 if largest < 1 << 23 else np.float64)  # exact in either
        size = np.abs(matrix)
        low, high = (np.empty((len(alike), self.channels), np.int64) for _ in range(2))
        step = max(1, WINDOW_ELEMENTS // len(matrix))
        for start in range(0, len(alike), step):
            part = looks[alike[start : start + step]].astype(matrix.dtype)  # (windows, taps, 2 * channels)
            middle, spread = (half.reshape(len(part), -1) for half in np.split(part, 2, axis=-1))
            twice, width = middle @ matrix, spread @ size
            low[start : start + step], high[start : start + step] = (twice - width) / 2, (twice + width) / 2
        shape = (self.window.rows.outputs, self.window.columns.outputs, self.channels)
        low, high = (found[of.reshape(-1)].reshape(shape) for found in (low, high))
        return Reach(low, high)
