"""From a seed to the states that the lanes begin at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .uniform import Words, ahead, jump

GAMMA = 0x9E37_79B9_7F4A_7C15
"""The distance of splitmix64's states."""

MIXERS = ((30, 0xBF58_476D_1CE4_E5B9), (27, 0x94D0_49BB_1331_11EB), (31, 1))
"""Its rounds: the shift, and the factor behind it."""

LANE = 1 << 64
"""Steps between the beginnings of neighbouring lanes."""


def splitmix(seed: int) -> Iterator[int]:
    """splitmix64 (G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014)."""
    while True:
        seed = (seed + GAMMA) % 2**64
        mixed = seed
        for shift, factor in MIXERS:
            mixed = (mixed ^ mixed >> shift) * factor % 2**64
        yield mixed


def lane_states(seed: int, lanes: int) -> Words:
    """States (2, lanes) that the lanes begin at: lane 0 at two words of splitmix64, the others 2**64 steps apart.

    No two lanes have a state in common before one of them has made 2**64 steps. A state of zeros, at which the generator would
    stay, never comes: splitmix64's words are a permutation of its states, so that of two in a row only one can be zero.
    """
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed={seed} is not a number of 64 bits")
    mixed = splitmix(seed)
    states = [np.array([next(mixed), next(mixed)], np.uint64)]
    distance = ahead(LANE)
    while len(states) < lanes:
        states.append(jump(states[-1], distance))
    return np.stack(states, axis=1)
