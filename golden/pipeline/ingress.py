"""The entrance: which frames are well formed, and what the interior sees of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Admitted:
    """One frame inside: its transfers' data, None where the entrance filled up, and whether tlast came where it belongs."""

    beats: tuple[int | None, ...]
    good: bool


def admit(transfers: Sequence[tuple[int, bool]], beats: int) -> list[Admitted]:
    """The frames of `beats` beats that enter for transfers (data, tlast).

    A frame whose tlast comes early is filled up; after one without tlast at its end, transfers are dropped up to the next tlast.
    A frame that is still open at the end is not counted.
    """
    frames: list[Admitted] = []
    current: list[int | None] = []
    draining = False
    for data, last in transfers:
        if draining:
            draining = not last
            continue
        current.append(data)
        full = len(current) == beats
        if full or last:
            frames.append(Admitted((*current, *[None] * (beats - len(current))), good=full and last))
            draining = full and not last
            current = []
    return frames
