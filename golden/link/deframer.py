"""From bytes on the link to messages: what is whole, and why the rest is not."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum

from .crc import RESIDUE, crc32
from .framer import CRC_BYTES, DELIMITER, HEADER_BYTES, LONGEST_RUN


class Reason(IntEnum):
    """Why a request is refused. Up to NO_ROOM its frame was damaged on the way, or found no place: sent again, it may succeed."""

    BROKEN = 1
    OVERSIZED = 2
    TRUNCATED = 3
    CRC = 4
    LENGTH = 5
    NO_ROOM = 6
    KIND = 7
    SIZE = 8
    SEQUENCE = 9
    STALLED = 10
    HELD = 11

    @property
    def damaged(self) -> bool:
        """Was it the frame, not the request in it?"""
        return self <= Reason.NO_ROOM

    @property
    def text(self) -> str:
        """For people."""
        return _TEXTS[self]


_TEXTS = {
    Reason.BROKEN: "a byte without its stop bit",
    Reason.OVERSIZED: "a frame larger than any request",
    Reason.TRUNCATED: "a frame cut short",
    Reason.CRC: "a frame whose CRC does not fit",
    Reason.LENGTH: "a frame that is not as long as it says",
    Reason.NO_ROOM: "no room for another request",
    Reason.KIND: "a kind of request that this device does not know",
    Reason.SIZE: "a payload of the wrong size",
    Reason.SEQUENCE: "a sequence number out of turn",
    Reason.STALLED: "the network did not answer",
    Reason.HELD: "another session holds the device, or none does",
}


@dataclass(frozen=True)
class Message:
    """What a frame carries."""

    kind: int
    sequence: int
    payload: bytes = b""


class Deframer:
    """Bytes in, one at a time; a message, or why there is none, at the end of each frame that is not empty.

    limit: bytes of the largest payload. Whatever came before, a frame that begins behind a zero is read rightly.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._begin()

    def _begin(self) -> None:
        self._body = bytearray()
        self._left = 0
        self._zero = self._started = self._broken = self._over = False

    def feed(self, byte: int | None) -> Message | Reason | None:
        """One more byte; None for one that came without its stop bit."""
        if byte is None:
            self._broken = self._started = True
        elif byte == DELIMITER:
            verdict = self._verdict() if self._started else None
            self._begin()
            return verdict
        elif self._left:
            self._left -= 1
            self._emit(byte)
        else:
            if self._zero:
                self._emit(0)
            self._left, self._zero, self._started = byte - 1, byte <= LONGEST_RUN, True
        return None

    def _emit(self, byte: int) -> None:
        if len(self._body) == HEADER_BYTES + self.limit + CRC_BYTES:
            self._over = True
        else:
            self._body.append(byte)

    def _verdict(self) -> Message | Reason:
        body = bytes(self._body)
        if self._broken:
            return Reason.BROKEN
        if self._over:
            return Reason.OVERSIZED
        if self._left or len(body) < HEADER_BYTES + CRC_BYTES:
            return Reason.TRUNCATED
        if crc32(body) != RESIDUE:
            return Reason.CRC
        payload = body[HEADER_BYTES:-CRC_BYTES]
        if int.from_bytes(body[2:HEADER_BYTES], "little") != len(payload):
            return Reason.LENGTH
        return Message(body[0], body[1], payload)


REFUSAL = 1 << 8
"""Marks a word of the inbox that is no byte but the reason of a refusal."""


class Inbox:
    """A deframer and the memory behind it: header and payload of whole messages, and one word for what was refused.

    depth: words of the memory, of which one stays free. Refusals that follow one that has not been read leave no further word.
    """

    def __init__(self, limit: int, depth: int) -> None:
        self.deframer, self.depth = Deframer(limit), depth
        self.words: deque[int] = deque()
        self.refused = 0
        self._pending, self._lost = 0, False

    def feed(self, byte: int | None) -> None:
        """One more byte from the link."""
        before = len(self.deframer._body)
        verdict = self.deframer.feed(byte)
        if verdict is None:
            if len(self.deframer._body) > before:
                if len(self.words) + self._pending < self.depth - 1:
                    self._pending += 1
                else:
                    self._lost = True
            return
        if isinstance(verdict, Message) and self._lost:
            verdict = Reason.NO_ROOM
        self._pending, self._lost = 0, False
        if isinstance(verdict, Message):
            length = len(verdict.payload).to_bytes(2, "little")
            self.words.extend(bytes((verdict.kind, verdict.sequence)) + length + verdict.payload)
            return
        self.refused += 1
        if not (self.words and self.words[-1] & REFUSAL) and len(self.words) < self.depth - 1:
            self.words.append(REFUSAL | verdict)

    def take(self) -> int:
        """The oldest word."""
        return self.words.popleft()
