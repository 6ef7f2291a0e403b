"""The Gaussian samples of a seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .gaussian import gaussian
from .seeder import lane_states
from .uniform import Words, ahead, jump, words

STREAMS = 4096
"""Parts that a long run is made in side by side."""


def samples(seed: int, lanes: int, count: int, start: int = 0) -> NDArray[np.int32]:
    """Samples (count, lanes) from number `start` on, 11 of their 16 bits fraction. What a large start skips costs nothing.

    Sample n of a lane is made of word n of its generator. A lane's samples do not depend on the number of lanes.
    """
    states = lane_states(seed, lanes)
    if start:
        states = jump(states, ahead(start))
    length = max(64, -(-count // STREAMS))
    streams = max(1, -(-count // length))
    drawn, _ = words(apart(states, streams, length), length)
    ordered = drawn.transpose(1, 0, 2).reshape(streams * length, lanes)
    return gaussian(ordered[:count])


def apart(states: Words, streams: int, length: int) -> Words:
    """States (2, streams, ...) that are `length` steps apart from each other, the first ones as given."""
    found = states[:, None]
    while found.shape[1] < streams:
        found = np.concatenate([found, jump(found, ahead(length * found.shape[1]))], axis=1)
    return found[:, :streams]
