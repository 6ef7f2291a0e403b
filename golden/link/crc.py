"""CRC-32 as in IEEE 802.3: what the host link's frames end with."""

from __future__ import annotations

POLYNOMIAL = 0xEDB88320
"""x^32 + x^26 + x^23 + ... + 1, lowest power in the highest bit: bytes go in with their least significant bit first."""

RESIDUE = 0x2144DF1C
"""The CRC-32 of any bytes followed by their own CRC-32, least significant byte first."""


def step(state: int, byte: int) -> int:
    """The register after one more byte; it begins with all ones, and its complement is the CRC."""
    state ^= byte
    for _ in range(8):
        state = (state >> 1) ^ (POLYNOMIAL if state & 1 else 0)
    return state


def crc32(data: bytes) -> int:
    """The CRC-32 of some bytes."""
    state = 0xFFFFFFFF
    for byte in data:
        state = step(state, byte)
    return state ^ 0xFFFFFFFF
