"""Integer dot products: operands times weights of several bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EXACT = 1 << 53
"""Integers below this are exact in float64, whose products NumPy leaves to BLAS."""


def dot(operands: NDArray[np.integer], weights: NDArray[np.integer]) -> NDArray[np.int64]:
    """Sums (..., lanes) of operands (..., inputs) times weights (inputs, lanes), exact."""
    largest = max(abs(int(operands.min(initial=0))), int(operands.max(initial=0)))
    bound = largest * int(np.abs(weights.astype(np.int64)).sum(axis=0).max(initial=0))
    if bound < EXACT:
        return np.rint(operands.astype(np.float64) @ weights.astype(np.float64)).astype(np.int64)
    return operands.astype(np.int64) @ weights.astype(np.int64)
