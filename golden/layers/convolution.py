"""Convolutions with binary weights, followed by thresholds or giving scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.popcount import weighted_sums
from ..types.range import BITS, Range
from ..types.reach import Reach
from .linear import Linear


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
        if self.input.low != 0:
            raise ValueError(f"codes from {self.input.low} on, expected 0")
        if self.thresholds is not None and self.thresholds.shape != (self.channels,):
            raise ValueError(f"{self.thresholds.shape} thresholds for {self.channels} channels")

    @property
    def codes(self) -> Range:
        """The bits, or the scores."""
        return self.scores if self.thresholds is None else BITS

    def products(self, rows: NDArray[np.integer]) -> NDArray[np.int64]:
        return weighted_sums(rows, self.matrix, self.input.bits)

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Bits, or scores for the last layer: (N, out_height, out_width, out_channels)."""
        sums = self.accumulators(codes)
        return sums if self.thresholds is None else (sums >= self.thresholds).astype(np.int64)

    def reach(self, inputs: Reach) -> Reach:
        sums = self.reach_of_sums(inputs)
        if self.thresholds is None:
            return sums
        return Reach((sums.low >= self.thresholds).astype(np.int64), (sums.high >= self.thresholds).astype(np.int64))
