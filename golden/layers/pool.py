"""Maximum pooling of bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types.range import BITS
from ..types.reach import Reach
from ..types.tensor import TensorType
from .window import Window


@dataclass(frozen=True, eq=False)
class Pool:
    """OR, or AND for the channels in `every`, of the bits in each window; padding takes no part.

    A maximum of values on which a rising function was binarised is the OR of their bits. Where pooling came before a falling
    normalisation and was moved behind the threshold, the maximum has become the AND. every: (channels,) bool.
    """

    name: str
    nodes: tuple[str, ...]
    input: TensorType
    window: Window
    every: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.input.codes != BITS:
            raise ValueError(f"pooling of {self.input.bits}-bit codes; only bits can be pooled")
        if self.every.shape != (self.input.channels,):
            raise ValueError(f"every of shape {self.every.shape} for {self.input.channels} channels")

    @property
    def output(self) -> TensorType:
        """The pooled bits."""
        return TensorType(self.window.rows.outputs, self.window.columns.outputs, self.input.channels, BITS)

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame."""
        return 0

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, channels) bits to (N, out_height, out_width, channels)."""
        some = self.window.extract(codes, padding=0).max(axis=(3, 4))
        all_ = self.window.extract(codes, padding=1).min(axis=(3, 4))
        pooled: NDArray[np.int64] = np.where(self.every, all_, some).astype(np.int64)
        return pooled

    def reach(self, inputs: Reach) -> Reach:
        """What its results can be."""
        return inputs.through(self.run)
