"""Whole numbers as sums and differences of few powers of two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def signed_digits(numbers: NDArray[np.integer]) -> NDArray[np.int8]:
    """Digits (places, ...) of -1, 0 and 1, the lowest place first, of which as few as possible are not 0.

    The canonical ones (Reitwiesner, "Binary Arithmetic", 1960): of a magnitude x they are not 0 where x and 3x differ. Where
    the plain binary ones are no more than those, they are taken, whose places are fewer. There is at least one place.
    """
    magnitudes = np.abs(numbers.astype(np.int64))
    up, down = (3 * magnitudes & ~magnitudes) >> 1, (magnitudes & ~(3 * magnitudes)) >> 1
    plain = np.bitwise_count(magnitudes) <= np.bitwise_count(up | down)
    up, down = np.where(plain, magnitudes, up), np.where(plain, 0, down)
    places = np.arange(max(1, int((up | down).max(initial=0)).bit_length())).reshape(-1, *[1] * numbers.ndim)
    digits: NDArray[np.int8] = (((up >> places) & 1) - ((down >> places) & 1)).astype(np.int8)
    return digits * np.where(numbers < 0, -1, 1).astype(np.int8)


def count_digits(numbers: NDArray[np.integer]) -> int:
    """How many of the signed digits of all numbers are not 0, without making them."""
    magnitudes = np.abs(numbers.astype(np.int64))
    return int(np.bitwise_count(magnitudes ^ (3 * magnitudes)).sum())
