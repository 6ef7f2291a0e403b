"""What codes or sums can be at all: an interval for each element of a tensor.

A result whose interval is one number never changes. Intervals are safe, not tight: results that the weights of several layers
together hold still may go unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .tensor import TensorType


@dataclass(frozen=True, eq=False)
class Reach:
    """Smallest and largest number, element by element: (height, width, channels) int64 each."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @staticmethod
    def of(tensor: TensorType) -> Reach:
        """All codes of a tensor."""
        return Reach(np.full(tensor.shape, tensor.low), np.full(tensor.shape, tensor.high))

    def through(self, run: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> Reach:
        """Behind a layer each of whose results rises, or falls, with every input."""
        ends = np.sort(run(np.stack([self.low, self.high])), axis=0)
        return Reach(ends[0], ends[1])

    @property
    def constant_channels(self) -> NDArray[np.bool_]:
        """(channels,) whether a channel's results are each always the same."""
        constant: NDArray[np.bool_] = (self.low == self.high).all(axis=(0, 1))
        return constant
