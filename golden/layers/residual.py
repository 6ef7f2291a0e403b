"""Sums of two ways through a network that begin at one tensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.steps import Steps
from ..types.range import Range
from ..types.reach import Reach
from ..types.tensor import TensorType
from .ways import Ways


@dataclass(frozen=True, eq=False)
class Residual(Ways):
    """sum = gain * main's result + gain * skip's result, channel by channel; code = the number of thresholds that it reaches.

    gains: (2, channels) int64, those of main first: what a unit of each way's result is worth in units of the sum. steps: what
    makes codes of the sums; None leaves them as they are.
    """

    gains: NDArray[np.int64]
    steps: Steps | None

    def __post_init__(self) -> None:
        super().__post_init__()
        first, second = (end.shape for end in self.ends)
        if first != second:
            raise ValueError(f"{self.name}: results of shapes {first} and {second}")
        channels = self.ends[0].channels
        if self.gains.shape != (2, channels) or not self.gains.all():
            raise ValueError(f"{self.name}: gains of shape {self.gains.shape}, expected (2, {channels}), none 0")
        if self.steps is not None and len(self.steps.thresholds) != channels:
            raise ValueError(f"{self.name}: thresholds of {len(self.steps.thresholds)} channels for {channels}")

    @property
    def output(self) -> TensorType:
        """The codes, or the sums."""
        codes = Range(*self.sum_range) if self.steps is None else self.steps.codes
        return TensorType(*self.ends[0].shape, codes)

    @property
    def sum_range(self) -> tuple[int, int]:
        """The smallest and the largest sum that any two results give."""
        main, skip = self.ends
        found = range_of_sums(self.gains, main.codes, skip.codes)
        return found.low, found.high

    def merged(self, main: NDArray[np.int64], skip: NDArray[np.int64]) -> NDArray[np.int64]:
        sums = weighed(self.gains, main, skip)
        return sums if self.steps is None else self.steps(sums)

    def reach_of(self, main: Reach, skip: Reach) -> Reach:
        ends = zip(self.gains, (main, skip), strict=True)
        products = [np.sort([gains * end.low, gains * end.high], axis=0) for gains, end in ends]
        low, high = products[0] + products[1]
        return Reach(low, high) if self.steps is None else Reach(self.steps(low), self.steps(high))


def weighed(gains: NDArray[np.int64], main: NDArray[np.integer], skip: NDArray[np.integer]) -> NDArray[np.int64]:
    """(..., channels) results of both ways to their sums; gains: (2, channels)."""
    total: NDArray[np.int64] = gains[0] * main.astype(np.int64) + gains[1] * skip.astype(np.int64)
    return total


def range_of_sums(gains: NDArray[np.int64], main: Range, skip: Range) -> Range:
    """From the smallest to the largest sum that any results give; gains: (2, channels)."""
    products = np.stack([[of_way * end.low, of_way * end.high] for of_way, end in zip(gains, (main, skip), strict=True)])
    return Range(int(products.min(axis=1).sum(axis=0).min()), int(products.max(axis=1).sum(axis=0).max()))
