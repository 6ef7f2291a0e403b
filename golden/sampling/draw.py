"""Which samples of the standard normal a frame is given."""

from __future__ import annotations

from collections.abc import Sequence


def draw(good: Sequence[bool], samples: int) -> list[int | None]:
    """The first of the `samples` vectors that each frame consumes; None for a malformed one, which consumes nothing."""
    firsts: list[int | None] = []
    position = 0
    for well_formed in good:
        firsts.append(position if well_formed else None)
        position += samples * well_formed
    return firsts
