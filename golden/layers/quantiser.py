"""Codes made of sums that are on a stream as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.steps import Steps
from ..types.reach import Reach
from ..types.tensor import TensorType


@dataclass(frozen=True, eq=False)
class Quantiser:
    """code = the number of its channel's thresholds that a sum reaches, or in a falling channel the negative of a sum.

    falling: (channels,). Where no quantiser stands between two sums, one of a residual's ways begins with this.
    """

    name: str
    nodes: tuple[str, ...]
    input: TensorType
    steps: Steps
    falling: NDArray[np.bool_]

    def __post_init__(self) -> None:
        channels = self.input.channels
        if len(self.steps.thresholds) != channels or self.falling.shape != (channels,):
            raise ValueError(
                f"{self.name}: thresholds of {len(self.steps.thresholds)} channels, {self.falling.shape} of them falling or not, "
                f"for {channels}"
            )

    @property
    def output(self) -> TensorType:
        """The codes."""
        return TensorType(*self.input.shape, self.steps.codes)

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame."""
        return 0

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, channels) sums to codes of the same shape."""
        sums = codes.astype(np.int64)
        return self.steps(np.where(self.falling, -sums, sums))

    def reach(self, inputs: Reach) -> Reach:
        """What its results can be."""
        return inputs.through(self.run)
