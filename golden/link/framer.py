"""From messages to bytes on the link: header, payload and CRC, stuffed so that a zero stands between frames and nowhere else.

The stuffing is COBS (Cheshire and Baker, Consistent Overhead Byte Stuffing, IEEE/ACM Transactions on Networking 7(2), 1999).
"""

from __future__ import annotations

from zlib import crc32

DELIMITER = 0
"""The byte before and after each frame."""

HEADER_BYTES = 4
"""Kind, sequence number, and the payload's length, least significant byte first."""

CRC_BYTES = 4

LONGEST_RUN = 254
"""Bytes that one code byte can announce; a longer run of bytes other than zero costs another code byte."""


def seal(kind: int, sequence: int, payload: bytes = b"") -> bytes:
    """A message before stuffing: header, payload, CRC-32 of both."""
    body = bytes((kind, sequence)) + len(payload).to_bytes(2, "little") + payload
    return body + crc32(body).to_bytes(CRC_BYTES, "little")


def stuff(body: bytes) -> bytes:
    """The same without zeros: each run of other bytes behind a code byte, its length plus one.

    A code stands for the zero behind its run as well, unless it is that of the longest run, or the last.
    """
    stuffed, run = bytearray(), bytearray()
    for position, byte in enumerate(body):
        if byte:
            run.append(byte)
        if byte == 0 or (len(run) == LONGEST_RUN and position != len(body) - 1):
            stuffed += bytes((len(run) + 1,)) + run
            run.clear()
    return bytes(stuffed + bytes((len(run) + 1,)) + run)


def frame(kind: int, sequence: int, payload: bytes = b"") -> bytes:
    """A message as it goes over the link."""
    return bytes((DELIMITER,)) + stuff(seal(kind, sequence, payload)) + bytes((DELIMITER,))
