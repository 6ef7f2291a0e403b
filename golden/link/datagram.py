"""Messages as datagrams: header, payload and CRC in whole words of four bytes, least significant byte first.

UDP keeps the ends of a message, so nothing is stuffed; it may lose, double, delay and reorder, so each message tells its session
and its place in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from .deframer import Reason

WORD = 4
"""Bytes of a word, the unit of all that is on the way."""

HEADER_WORDS = 2
"""Kind, a byte that nobody reads, the payload's length in bytes; sequence number, session."""

CRC_WORDS = 1

LARGEST = 1472
"""Bytes of a datagram: those of an Ethernet frame of 1,500, less the headers of IP and UDP."""

MOST_WORDS = LARGEST // WORD - HEADER_WORDS - CRC_WORDS
"""Of a payload."""

NUMBERS = 1 << 16
"""Sequence numbers, and sessions."""


def words(size: int) -> int:
    """That so many bytes take, the last filled up with zeros."""
    return -(-size // WORD)


@dataclass(frozen=True)
class Datagram:
    """A message. sequence: its place in the session."""

    kind: int
    sequence: int
    session: int
    payload: bytes = b""

    def pack(self) -> bytes:
        """As it is on the way."""
        head = self.kind | len(self.payload) << 16 | self.sequence << 32 | self.session << 48
        body = head.to_bytes(HEADER_WORDS * WORD, "little") + self.payload + bytes(-len(self.payload) % WORD)
        return body + crc32(body).to_bytes(CRC_WORDS * WORD, "little")

    @classmethod
    def unpack(cls, data: bytes) -> Datagram | Reason:
        """The inverse of `pack`, or why a datagram holds no message."""
        if len(data) > LARGEST:
            return Reason.OVERSIZED
        if len(data) % WORD or len(data) < (HEADER_WORDS + CRC_WORDS) * WORD:
            return Reason.TRUNCATED
        body, check = data[:-WORD], data[-WORD:]
        if crc32(body) != int.from_bytes(check, "little"):
            return Reason.CRC
        kind, length = body[0], int.from_bytes(body[2:4], "little")
        if words(length) != len(body) // WORD - HEADER_WORDS:
            return Reason.LENGTH
        sequence, session = (int.from_bytes(body[first : first + 2], "little") for first in (4, 6))
        return cls(kind, sequence, session, body[8 : 8 + length])
