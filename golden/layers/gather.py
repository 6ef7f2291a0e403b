"""Frames cut into the operands of a dense layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def chunks(frames: NDArray[np.integer], merge: int, slices: int) -> NDArray[np.integer]:
    """(N, positions, channels) codes as operands: (N, chunks, codes).

    A chunk holds `merge` positions, or one of `slices` equal parts of the channels of one; channels are fastest.
    """
    count, positions, channels = frames.shape
    return frames.reshape(count, positions // merge * slices, merge * channels // slices)
