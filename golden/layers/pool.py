"""Maximum pooling of bits, and of codes of a few bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types.reach import Reach
from ..types.tensor import TensorType
from .window import Window


@dataclass(frozen=True, eq=False)
class Pool:
    """The largest, or for the channels in `every` the smallest, of the codes in each window; padding takes no part.

    Codes count from 0; of bits these are the OR and the AND. A maximum of values of which a rising function made codes is the
    largest of the codes. Where pooling came before a falling normalisation and was moved behind the thresholds, it has become
    the smallest. every: (channels,) bool.
    """

    name: str
    nodes: tuple[str, ...]
    input: TensorType
    window: Window
    every: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.input.low != 0:
            raise ValueError(f"pooling of codes from {self.input.low} on, expected 0")
        if self.every.shape != (self.input.channels,):
            raise ValueError(f"every of shape {self.every.shape} for {self.input.channels} channels")

    @property
    def output(self) -> TensorType:
        """The pooled codes."""
        return TensorType(self.window.rows.outputs, self.window.columns.outputs, self.input.channels, self.input.codes)

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame."""
        return 0

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, channels) codes to (N, out_height, out_width, channels)."""
        largest = self.window.extract(codes, padding=0).max(axis=(3, 4))
        smallest = self.window.extract(codes, padding=self.input.high).min(axis=(3, 4))
        pooled: NDArray[np.int64] = np.where(self.every, smallest, largest).astype(np.int64)
        return pooled

    def reach(self, inputs: Reach) -> Reach:
        """What its results can be."""
        return inputs.through(self.run)
