"""Depth to space: each position's channels spread over a block of positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types.reach import Reach
from ..types.tensor import TensorType


@dataclass(frozen=True)
class Shuffle:
    """(height, width, rows * columns * C) codes to (out_height, out_width, C).

    In a position's channels lie block row, block column and channel, channels fastest. What exceeds the output is left out.

    The second half of a transposed convolution of that stride, whose first half is a convolution that computes all positions of
    a block at once (Shi et al. 2016, arXiv:1609.05158).
    """

    name: str
    nodes: tuple[str, ...]
    input: TensorType
    rows: int
    columns: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.input.channels % (self.rows * self.columns):
            raise ValueError(f"{self.name}: {self.input.channels} channels for blocks of {self.rows} x {self.columns}")
        for what, blocks, block, size in (
            ("rows", self.input.height, self.rows, self.height),
            ("columns", self.input.width, self.columns, self.width),
        ):
            if not (blocks - 1) * block < size <= blocks * block:
                raise ValueError(f"{self.name}: {size} {what} of {blocks} blocks of {block}")

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame."""
        return 0

    @property
    def output(self) -> TensorType:
        """The type of the result."""
        channels = self.input.channels // (self.rows * self.columns)
        return TensorType(self.height, self.width, channels, self.input.codes)

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, rows * columns * C) codes, spread out."""
        return shuffle(codes, self.rows, self.columns)[:, : self.height, : self.width].astype(np.int64)

    def reach(self, inputs: Reach) -> Reach:
        """What its results can be."""
        return inputs.through(self.run)


def shuffle(codes: NDArray[np.integer], rows: int, columns: int) -> NDArray[np.integer]:
    """(N, height, width, rows * columns * C) to (N, height * rows, width * columns, C)."""
    frames, height, width, channels = codes.shape
    blocks = codes.reshape(frames, height, width, rows, columns, -1)
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(frames, height * rows, width * columns, channels // (rows * columns))
