"""Levels of a serial line to bytes: a start bit, eight bits with the least significant first, a stop bit."""

from __future__ import annotations

from collections.abc import Sequence

SYNCHRONISER = 2
"""Registers between the line and everything else."""


def receive(levels: Sequence[int], divisor: int) -> list[tuple[int, int | None]]:
    """(cycle, byte) for each byte on a line with a level per cycle, `divisor` cycles a bit; None for one without its stop bit.

    The line is looked at in the middle of each bit. A low shorter than half a bit is no start. The line counts as high before the
    first level; after a missing stop bit nothing begins until it is high again. The cycle is that in which hardware shows the
    byte: SYNCHRONISER + 1 after the one in which the stop bit is looked at.
    """
    found: list[tuple[int, int | None]] = []
    at = 0
    while True:
        while at < len(levels) and levels[at]:
            at += 1
        middle = at + divisor // 2
        stop = middle + 9 * divisor
        if stop >= len(levels):
            return found
        if levels[middle]:
            at = middle + 1
            continue
        bits = [levels[middle + bit * divisor] for bit in range(1, 10)]
        byte = sum(bit << position for position, bit in enumerate(bits[:8]))
        found.append((stop + SYNCHRONISER + 1, byte if bits[8] else None))
        at = stop + 1
        if not bits[8]:
            while at < len(levels) and not levels[at]:
                at += 1
