"""Read-only memory."""

from __future__ import annotations

from collections.abc import Sequence


def read(words: Sequence[int], addresses: Sequence[int]) -> list[int]:
    """The words at the addresses."""
    return [words[address] for address in addresses]
