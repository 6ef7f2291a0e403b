"""The matrix-vector unit: its blocks, one after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.accumulate import accumulate, decide
from ..arithmetic.collect import collect
from ..arithmetic.popcount import counts


def multiply(
    operands: NDArray[np.integer],
    flips: NDArray[np.integer],
    bias: NDArray[np.int64],
    bits: int,
    gain: int,
    sum_bits: int,
    channels: int,
    scores: bool,
) -> NDArray[np.int64]:
    """Results (positions, channels) of operands (positions, chunks, inputs) of `bits` bits.

    flips: (repeats, chunks, inputs, lanes), 1 for a weight of -1. bias: (positions, repeats, lanes). Sums are modulo
    2**sum_bits, in two's complement if they are scores; otherwise their top bit is the result.
    """
    repeats = []
    for repeat, of_repeat in enumerate(flips):
        partial = np.stack([counts(operands[:, i], of_repeat[i], bits) for i in range(len(of_repeat))], axis=1)
        sums = accumulate(gain * partial, bias[:, repeat]) % (1 << sum_bits)
        half = 1 << (sum_bits - 1)
        repeats.append((sums + half) % (1 << sum_bits) - half if scores else decide(sums, sum_bits))
    return np.asarray(collect(np.stack(repeats, axis=1), channels), np.int64)
