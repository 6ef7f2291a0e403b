"""Sums of codes times weights of several bits, plane by plane: what is counted where a bit of the weights is set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def planes(codes: NDArray[np.integer], weights: NDArray[np.integer], weight_bits: int) -> NDArray[np.int64]:
    """Sums (..., lanes) of codes (..., inputs) from 0 on times weights (inputs, lanes).

    In two's complement a weight is -2**(weight_bits - 1) times its top bit, and 2**k times each bit k below.
    """
    counts = [codes.astype(np.int64) @ (weights.astype(np.int64) >> bit & 1) for bit in range(weight_bits)]
    below: NDArray[np.int64] = sum((count << bit for bit, count in enumerate(counts[:-1])), np.zeros_like(counts[-1]))
    return below - (counts[-1] << weight_bits - 1)
