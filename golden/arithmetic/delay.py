"""Values some cycles late."""

from __future__ import annotations

from collections.abc import Sequence


def delay(values: Sequence[int], cycles: int) -> list[int]:
    """What comes out while `values` go in, from the cycle on in which the first is out."""
    return list(values[: max(0, len(values) - cycles)])


def copies(value: int, count: int) -> int:
    """A bit `count` times side by side; a word that is there once."""
    return value * ((1 << count) - 1)
