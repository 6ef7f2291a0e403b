"""Convolutions with binary weights, followed by thresholds or giving scores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.popcount import weighted_sums
from ..types.range import BITS, Range
from ..types.reach import Reach
from ..types.tensor import TensorType
from .linear import WINDOW_ELEMENTS, Linear


@dataclass(frozen=True, eq=False)
class Convolution(Linear):
    """Integer convolution of the input's values with weights of +1 and -1, zero-padded.

    weights: (kernel_height, kernel_width, in_channels, out_channels) int8. grid: what the input's codes stand for.
    thresholds: (out_channels,) int64, bit = accumulator >= threshold; None makes it a network's last layer, which gives its
    accumulators as scores. A channel whose normalisation falls has its weights negated at import, so that one comparison
    serves all.
    """

    thresholds: NDArray[np.int64] | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not np.all(np.abs(self.weights) == 1):
            raise ValueError("weights other than +1 and -1")
        if self.thresholds is not None and self.thresholds.shape != (self.channels,):
            raise ValueError(f"{self.thresholds.shape} thresholds for {self.channels} channels")

    @cached_property
    def accumulator_range(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Smallest and largest accumulator that any input can give, per channel: (channels,), (channels,).

        The extreme at one output position takes the largest value where the weight is +1 and the smallest where it is -1, over
        the taps that lie inside the image there.
        """
        grid = self.grid
        low, high = (grid.gain * code + grid.offset for code in (self.input.low, self.input.high))
        shapes = np.unique(self.window.inside().reshape(self.window.outputs, -1), axis=0).astype(np.int64)
        positive = shapes @ (self.weights == 1).sum(axis=2, dtype=np.int64).reshape(self.window.taps, -1)
        negative = shapes @ (self.weights == -1).sum(axis=2, dtype=np.int64).reshape(self.window.taps, -1)
        return (low * positive - high * negative).min(axis=0), (high * positive - low * negative).max(axis=0)

    @property
    def accumulator_stride(self) -> int:
        """A step that all accumulators of one channel are whole multiples of apart.

        Codes move them by the grid's gain; where padding takes a tap away, the tap's share of the offset moves them too.
        """
        if not self.window.padded:
            return self.grid.gain
        shares = self.grid.offset * self.weights.sum(axis=2, dtype=np.int64)
        return math.gcd(self.grid.gain, int(np.gcd.reduce(shares, axis=None)))

    @property
    def output(self) -> TensorType:
        """The bits, or the scores, which are signed whatever they are."""
        codes = BITS
        if self.thresholds is None:
            low, high = self.accumulator_range
            codes = Range(min(int(low.min()), -1), max(int(high.max()), 0))
        return TensorType(self.window.rows.outputs, self.window.columns.outputs, self.channels, codes)

    def accumulators(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, in_channels) codes to (N, out_height, out_width, out_channels) sums of weights times values."""
        grid = self.grid
        weights = self.matrix
        sums = np.empty((len(codes), self.window.rows.outputs, self.window.columns.outputs, self.channels), np.int64)
        step = max(1, WINDOW_ELEMENTS // (self.window.outputs * len(weights)))
        for start in range(0, len(codes), step):
            windows = self.window.extract(codes[start : start + step])
            sums[start : start + step] = weighted_sums(windows.reshape(*windows.shape[:3], -1), weights, self.input.bits)
        values: NDArray[np.int64] = grid.gain * sums + grid.offset * self.inside_sums()
        return values

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Bits, or scores for the last layer: (N, out_height, out_width, out_channels)."""
        sums = self.accumulators(codes)
        return sums if self.thresholds is None else (sums >= self.thresholds).astype(np.int64)

    def reach(self, inputs: Reach) -> Reach:
        sums = self.reach_of_sums(inputs)
        if self.thresholds is None:
            return sums
        return Reach((sums.low >= self.thresholds).astype(np.int64), (sums.high >= self.thresholds).astype(np.int64))
