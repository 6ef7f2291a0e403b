"""A beat given several times."""

from __future__ import annotations

from collections.abc import Sequence


def replay(beats: Sequence[int], times: int) -> list[int]:
    """Each beat `times` times."""
    return [beat for beat in beats for _ in range(times)]
