"""xoroshiro128++, the source of uniform random words, and its jumps.

D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4), 2021: 128 bits of state, words of 64
bits, period 2**128 - 1. The authors report no failure in BigCrush and PractRand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WORD = 64
"""Bits of a word; a state is two words."""

CHARACTERISTIC = 0x1_0031_BCF2_F855_D6E5_8DAE_7077_9760_B081
"""The characteristic polynomial of a step, over GF(2): bit k is the coefficient of x**k."""

Words = NDArray[np.uint64]


def rotated(words: Words, distance: int) -> Words:
    """Words rotated left."""
    turned: Words = words << np.uint64(distance) | words >> np.uint64(WORD - distance)
    return turned


def word(states: Words) -> Words:
    """The words that states (2, streams...) stand for."""
    total: Words = rotated(states[0] + states[1], 17) + states[0]
    return total


def step(states: Words) -> Words:
    """The states that follow."""
    mixed = states[0] ^ states[1]
    return np.stack([rotated(states[0], 49) ^ mixed ^ mixed << np.uint64(21), rotated(mixed, 28)])


def words(states: Words, count: int) -> tuple[Words, Words]:
    """The next words (count, streams...) of streams side by side, and the states (2, streams...) after them."""
    found = np.empty((count, *states.shape[1:]), np.uint64)
    for row in found:
        row[...] = word(states)
        states = step(states)
    return found, states


def jump(states: Words, polynomial: int) -> Words:
    """States so many steps on as `polynomial` is the power of x: see `ahead`."""
    total = np.zeros_like(states)
    for power in range(polynomial.bit_length()):
        if polynomial >> power & 1:
            total ^= states
        states = step(states)
    return total


def ahead(steps: int) -> int:
    """x**steps modulo the characteristic polynomial; negative: steps back.

    A step is a linear map of the state, and a root of its characteristic polynomial (Cayley and Hamilton): any number of steps is
    a sum of some of the first 128.
    """
    result, square, steps = 1, 2, steps % PERIOD
    while steps:
        if steps & 1:
            result = _product(result, square)
        square, steps = _product(square, square), steps >> 1
    return result


PERIOD = (1 << 2 * WORD) - 1
"""Steps until a state comes again."""


def _product(a: int, b: int) -> int:
    """a * b modulo the characteristic polynomial, without carries."""
    total = 0
    while b:
        if b & 1:
            total ^= a
        a, b = a << 1, b >> 1
        if a >> 2 * WORD:
            a ^= CHARACTERISTIC
    return total
