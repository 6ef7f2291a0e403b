"""Chunks of output channels put together to positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def collect(chunks: NDArray[np.integer], channels: int) -> NDArray[np.integer]:
    """(..., chunks, lanes) values as (..., channels): chunk 0 first; the last chunk's lanes beyond the channels are dropped."""
    return chunks.reshape(*chunks.shape[:-2], -1)[..., :channels]
