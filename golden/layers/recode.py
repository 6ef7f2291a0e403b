"""Codes made of codes by a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types.range import Range
from ..types.reach import Reach
from ..types.tensor import TensorType


@dataclass(frozen=True, eq=False)
class Recode:
    """result = entries[channel][code - lowest code]: what a second quantiser makes of what a first one gives.

    entries: (channels, levels) int64, rising or falling along a row. codes: of the results.
    """

    name: str
    nodes: tuple[str, ...]
    input: TensorType
    entries: NDArray[np.int64]
    codes: Range

    def __post_init__(self) -> None:
        expected = self.input.channels, self.input.codes.levels
        if self.entries.shape != expected:
            raise ValueError(f"{self.name}: entries of shape {self.entries.shape}, expected {expected}")
        low, high = int(self.entries.min()), int(self.entries.max())
        if low < self.codes.low or high > self.codes.high:
            raise ValueError(f"{self.name}: entries from {low} to {high} for codes from {self.codes.low} to {self.codes.high}")

    @property
    def output(self) -> TensorType:
        """The results."""
        return TensorType(*self.input.shape, self.codes)

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame."""
        return 0

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, channels) codes to results of the same shape."""
        results: NDArray[np.int64] = self.entries[np.arange(self.input.channels), codes - self.input.low]
        return results

    def reach(self, inputs: Reach) -> Reach:
        """What its results can be."""
        return inputs.through(self.run)
