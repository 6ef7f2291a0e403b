"""Bytes to levels of a serial line."""

from __future__ import annotations

from collections.abc import Sequence


def transmit(data: Sequence[int], divisor: int) -> list[int]:
    """The line's level in each cycle: per byte a low start bit, eight bits, the least significant first, a high stop bit."""
    bits = (bit for byte in data for bit in (0, *(byte >> position & 1 for position in range(8)), 1))
    return [bit for bit in bits for _ in range(divisor)]
