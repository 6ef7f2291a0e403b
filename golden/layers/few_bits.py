"""Layers of weights of a few bits, whose sums become codes by thresholds, or are scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.steps import Steps
from ..types.range import Range
from ..types.reach import Reach
from .linear import Linear


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
    def codes(self) -> Range:
        """Those of the steps, or the scores."""
        return self.scores if self.steps is None else self.steps.codes

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Codes, or scores for the last layer: (N, out_height, out_width, out_channels)."""
        sums = self.accumulators(codes)
        return sums if self.steps is None else self.steps(sums)

    def reach(self, inputs: Reach) -> Reach:
        sums = self.reach_of_sums(inputs)
        return sums if self.steps is None else Reach(self.steps(sums.low), self.steps(sums.high))
