"""Layers of weights of a few bits, whose sums become codes by thresholds, or are scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.dot import dot
from ..arithmetic.steps import Steps
from ..types.range import Range
from ..types.reach import Reach
from ..types.tensor import TensorType
from .linear import WINDOW_ELEMENTS, Linear


@dataclass(frozen=True, eq=False)
class FewBits(Linear):
    """Integer sums of the input's values times weights of a few bits, zero-padded.

    weights: (kernel_height, kernel_width, in_channels, out_channels). grid: what the input's codes stand for. steps: what makes
    codes of a sum; None makes it a network's last layer, which gives its sums as scores. A channel whose codes fall with its sum
    has its weights negated at import.
    """

    steps: Steps | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps is not None and len(self.steps.thresholds) != self.channels:
            raise ValueError(f"thresholds of {len(self.steps.thresholds)} channels for {self.channels}")

    @property
    def dense(self) -> bool:
        return self.window.whole

    @property
    def output(self) -> TensorType:
        """The codes, or the scores, which are signed whatever they are."""
        if self.steps is not None:
            codes = self.steps.codes
        else:
            low, high = self.accumulator_range
            codes = Range(min(int(low.min()), -1), max(int(high.max()), 0))
        return TensorType(self.window.rows.outputs, self.window.columns.outputs, self.channels, codes)

    def accumulators(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, in_channels) codes to (N, out_height, out_width, out_channels) sums of weights times values."""
        sums = np.empty((len(codes), self.window.rows.outputs, self.window.columns.outputs, self.channels), np.int64)
        step = max(1, WINDOW_ELEMENTS // (self.window.outputs * len(self.matrix)))
        for start in range(0, len(codes), step):
            windows = self.window.extract(codes[start : start + step])
            sums[start : start + step] = dot(windows.reshape(*windows.shape[:3], -1), self.matrix)
        values: NDArray[np.int64] = self.grid.gain * sums + self.grid.offset * self.inside_sums()
        return values

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Codes, or scores for the last layer: (N, out_height, out_width, out_channels)."""
        sums = self.accumulators(codes)
        return sums if self.steps is None else self.steps(sums)

    def reach(self, inputs: Reach) -> Reach:
        sums = self.reach_of_sums(inputs)
        return sums if self.steps is None else Reach(self.steps(sums.low), self.steps(sums.high))
