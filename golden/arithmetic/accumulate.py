"""Folded accumulation, and the decision that ends it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def accumulate(counts: NDArray[np.int64], bias: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums over the folds of (..., folds, lanes), started at `bias` (..., lanes)."""
    sums: NDArray[np.int64] = bias + counts.sum(axis=-2)
    return sums


def decide(sums: NDArray[np.int64], sum_bits: int) -> NDArray[np.int64]:
    """The top bit of sums of `sum_bits` bits.

    A threshold k costs nothing this way: with a bias of 2**(sum_bits - 1) - k the top bit is set exactly if the count reaches k,
    as long as counts and threshold keep the sum in range.
    """
    return (sums >> (sum_bits - 1)) & 1
