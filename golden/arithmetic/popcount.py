"""The XNOR-popcount array: sums of codes times binary weights, as counts of differing bits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 1 << 20
"""Working memory of one step of `counts`: small enough to stay in the processor's cache."""


def counts(codes: NDArray[np.integer], flips: NDArray[np.integer], bits: int) -> NDArray[np.int64]:
    """Count, for every lane, the weighted bits in which operand and lane differ.

    codes: (..., n) unsigned, below 2**bits. flips: (n, lanes), 1 where the weight is -1 ("stored complemented") and 0 where it
    is +1. Result: (..., lanes), the sum over i and b of 2**b * (bit b of codes[..., i] XOR flips[i, lane]).

    With weight w = 1 - 2 * flip a flipped code is (2**bits - 1) - code, hence

        counts = sum(w * code) + (2**bits - 1) * (number of -1 weights),

    the popcount of XNOR for bipolar bits (Courbariaux et al. 2016, "Binarized Neural Networks") and its bit-serial form
    for pixels. Hardware keeps this unsigned number.
    """
    n, lanes = flips.shape
    if codes.shape[-1] != n:
        raise ValueError(f"{codes.shape[-1]} codes for {n} weights per lane")
    packed_flips = _words(np.ascontiguousarray(flips.T)).T
    flat = codes.reshape(-1, n)
    result = np.empty((len(flat), lanes), np.int64)
    step = max(1, BLOCK_BYTES // (8 * lanes))
    for start in range(0, len(flat), step):
        part = flat[start : start + step]
        total = np.zeros((len(part), lanes), np.int64)
        for bit in range(bits):
            for word, flip in zip(_words((part >> bit) & 1).T, packed_flips, strict=True):
                total += np.bitwise_count(word[:, None] ^ flip).astype(np.int64) << bit
        result[start : start + step] = total
    return result.reshape(*codes.shape[:-1], lanes)


def counts_of_some(
    codes: NDArray[np.integer], flips: NDArray[np.integer], there: NDArray[np.integer], bits: int
) -> NDArray[np.int64]:
    """`counts` of the elements alone whose weight is there: for weights of -1, 0 and 1. there: (n, lanes), 1 or 0.

    With weight w = there * (1 - 2 * flip) again sum(w * code) + (2**bits - 1) * (number of -1 weights).
    """
    added: NDArray[np.int64] = codes @ (there * (1 - 2 * flips)) + ((1 << bits) - 1) * (there * flips).sum(axis=0)
    return added


def counts_of_places(
    codes: NDArray[np.integer], flips: NDArray[np.integer], groups: Sequence[int], bits: int
) -> NDArray[np.int64]:
    """`counts` of each lane's own codes, of which the first group counts once, the next twice, then four times, and so on.

    codes: (lanes, n). flips: (n, lanes). groups: how many of the n codes each has. Result: (lanes,).
    """
    ends = np.cumsum(groups)
    result = np.zeros(len(codes), np.int64)
    for place, (start, end) in enumerate(zip(ends - groups, ends, strict=True)):
        for lane, taken in enumerate(codes[:, start:end] if end > start else ()):
            result[lane] += counts(taken, flips[start:end, [lane]], bits)[0] << place
    return result


def weighted_sums(codes: NDArray[np.integer], weights: NDArray[np.integer], bits: int) -> NDArray[np.int64]:
    """sum(w * code) for weights (n, lanes) of +1 and -1: `counts` without its constant."""
    flips = (weights < 0).astype(np.uint8)
    sums: NDArray[np.int64] = counts(codes, flips, bits) - ((1 << bits) - 1) * flips.sum(axis=0, dtype=np.int64)
    return sums


def _words(bits: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Rows of single bits, padded with zeros, as 64-bit words."""
    padded = np.zeros((len(bits), -(-bits.shape[1] // 64) * 64), np.uint8)
    padded[:, : bits.shape[1]] = bits
    return np.packbits(padded, axis=1, bitorder="little").view(np.uint64)
