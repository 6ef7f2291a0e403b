"""Two ways through a network that begin at one tensor, their results side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types.range import Range
from ..types.reach import Reach
from ..types.tensor import TensorType
from .ways import Ways


@dataclass(frozen=True, eq=False)
class Concatenation(Ways):
    """The channels of main's results, and behind them those of skip's, position by position."""

    def __post_init__(self) -> None:
        super().__post_init__()
        first, second = self.ends
        if first.shape[:2] != second.shape[:2]:
            raise ValueError(f"{self.name}: results of {first.shape[:2]} and {second.shape[:2]} positions")

    @property
    def output(self) -> TensorType:
        """The codes of either."""
        main, skip = self.ends
        codes = Range(min(main.low, skip.low), max(main.high, skip.high))
        return TensorType(main.height, main.width, main.channels + skip.channels, codes)

    def merged(self, main: NDArray[np.int64], skip: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.concatenate([main, skip], axis=-1)

    def reach_of(self, main: Reach, skip: Reach) -> Reach:
        return Reach(self.merged(main.low, skip.low), self.merged(main.high, skip.high))
