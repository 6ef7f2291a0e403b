"""Dense layers of binary weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types.grid import Grid
from ..types.tensor import TensorType
from .convolution import Convolution
from .window import Axis, Window


@dataclass(frozen=True, eq=False)
class Dense(Convolution):
    """A convolution with one window, the whole input: every output sums over every position and channel."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.window.whole:
            raise ValueError(f"{self.name}: the window does not cover the input exactly")

    @property
    def dense(self) -> bool:
        return True

    @staticmethod
    def of(
        name: str,
        nodes: tuple[str, ...],
        input_: TensorType,
        grid: Grid,
        matrix: NDArray[np.int8],
        thresholds: NDArray[np.int64] | None,
    ) -> Dense:
        """The layer of a (inputs, outputs) matrix whose rows follow the stream: positions in raster order, channels inside."""
        whole = Window(Axis(input_.height, input_.height), Axis(input_.width, input_.width))
        return Dense(name, nodes, input_, grid, whole, matrix.reshape(*input_.shape, -1), thresholds)
