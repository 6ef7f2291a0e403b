"""Folded accumulation, and the decision that ends it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def accumulate(counts: NDArray[np.int64], initial: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums over the folds of (..., folds, lanes), started at `initial` (..., lanes).

    A threshold k costs nothing this way: started at -k, the sum is not negative exactly if the count reaches k.
    """
    return initial + counts.sum(axis=-2)


def decide(sums: NDArray[np.int64]) -> NDArray[np.int64]:
    """1 where a sum is not negative: the complement of its sign bit."""
    return (sums >= 0).astype(np.int64)
