"""The exit: results of malformed frames are dropped."""

from __future__ import annotations

from collections.abc import Sequence


def deliver(results: Sequence[Sequence[int]], good: Sequence[bool]) -> list[tuple[int, bool]]:
    """Transfers (data, tlast) for the results of frames that were good, in order."""
    return [
        (data, position == len(result) - 1)
        for result, wanted in zip(results, good, strict=True)
        if wanted
        for position, data in enumerate(result)
    ]
