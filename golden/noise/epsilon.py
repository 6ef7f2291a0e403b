"""Samples of the standard normal from outside, and who gets them."""

from __future__ import annotations

from collections.abc import Sequence


def epsilon(vectors: Sequence[int], good: Sequence[bool], samples: int) -> list[list[int]]:
    """The vectors that each frame consumes, in order: `samples` of them, or none if the frame is malformed."""
    following = iter(vectors)
    return [[next(following) for _ in range(samples)] if well_formed else [] for well_formed in good]
