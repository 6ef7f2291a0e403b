"""From sums to codes of a few bits: how many thresholds a sum reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types.range import Range


@dataclass(frozen=True, eq=False)
class Steps:
    """code = the number of its channel's thresholds that a sum reaches.

    thresholds: (channels, levels - 1) int64, none below the one before; equal ones are passed together, which leaves out codes.
    """

    thresholds: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.thresholds.ndim != 2 or not self.thresholds.shape[1]:
            raise ValueError(f"thresholds of shape {self.thresholds.shape}, expected (channels, levels - 1)")
        falls = np.diff(self.thresholds, axis=1) < 0
        if falls.any():
            channel, step = (int(place) for place in np.argwhere(falls)[0])
            first, second = self.thresholds[channel, step : step + 2]
            raise ValueError(f"channel {channel}: threshold {second} behind {first}")

    @property
    def codes(self) -> Range:
        """Of results: from 0 to the number of thresholds."""
        return Range(0, self.thresholds.shape[1])

    def __call__(self, sums: NDArray[np.int64]) -> NDArray[np.int64]:
        """Codes of sums (..., channels)."""
        codes = np.zeros(sums.shape, np.int64)
        for thresholds in self.thresholds.T:
            codes += sums >= thresholds
        return codes
