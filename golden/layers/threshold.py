"""Binarisation of codes, each against its own threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types.range import BITS
from ..types.reach import Reach
from ..types.tensor import TensorType


@dataclass(frozen=True, eq=False)
class Threshold:
    """bit = (code >= threshold) XOR falling, element by element.

    thresholds: (height, width, channels) int64, from 0 (always) to one above the largest code (never). falling: bool of the
    same shape, True where the binarised function falls with the code. This is what a network begins with that binarises its
    pixels.
    """

    name: str
    nodes: tuple[str, ...]
    input: TensorType
    thresholds: NDArray[np.int64]
    falling: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for name in ("thresholds", "falling"):
            if getattr(self, name).shape != self.input.shape:
                raise ValueError(f"{name} of shape {getattr(self, name).shape} for an input of shape {self.input.shape}")

    @property
    def output(self) -> TensorType:
        """The bits."""
        return TensorType(*self.input.shape, BITS)

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame."""
        return 0

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, channels) codes to bits of the same shape."""
        return ((codes >= self.thresholds) ^ self.falling).astype(np.int64)

    def reach(self, inputs: Reach) -> Reach:
        """What its results can be."""
        return inputs.through(self.run)
