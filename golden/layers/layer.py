"""What all layers have in common."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..types.reach import Reach
from ..types.tensor import TensorType


class Layer(Protocol):
    """A step of a network: codes in, codes out."""

    @property
    def name(self) -> str:
        """Unique in its network."""
        ...

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the graph's nodes that it stands for."""
        ...

    @property
    def input(self) -> TensorType:
        """What it takes."""
        ...

    @property
    def output(self) -> TensorType:
        """What it gives."""
        ...

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame, or per sample."""
        ...

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, channels) codes to the result's."""
        ...

    def reach(self, inputs: Reach) -> Reach:
        """What its results can be, for inputs from such intervals."""
        ...
