"""How many thresholds a sum reaches, by looking for it: a bit of the number at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .steps import Steps


def search(steps: Steps, sums: NDArray[np.integer]) -> NDArray[np.int64]:
    """Codes of sums (..., channels): those of `steps`, of which each bit, the highest first, is that of one comparison.

    With the bits found so far in front, the bit is set if as many thresholds are reached as it is worth then.
    """
    limits = steps.thresholds
    channels, each = limits.shape
    codes = np.zeros(sums.shape, np.int64)
    for bit in reversed(range(each.bit_length())):
        tried = codes + (1 << bit)
        limit = limits[np.arange(channels), np.minimum(tried, each) - 1]
        codes = np.where((tried <= each) & (sums >= limit), tried, codes)
    return codes
