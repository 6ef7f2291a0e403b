"""What the device does with requests: each is executed once, and answered as often as it is asked."""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Protocol

from .deframer import Message, Reason

PROTOCOL = 1
"""Version of the protocol."""


class Kind(IntEnum):
    """What a request asks for. Its answer has the same kind with the highest bit set, or is REFUSED."""

    STATUS = 1
    DATA = 2
    RESET = 3
    SEED = 4
    REFUSED = 0xFF


ANSWER = 0x80
"""The bit of a kind that makes it an answer."""

NONCE_BYTES = 4
"""What a status request carries, for its answer to bring back."""

SEED_BYTES = 8


@dataclass(frozen=True)
class Traffic:
    """What requests and answers hold.

    frame_bytes: of a frame at the network's input. result_bytes: of all its results. frames: that a request may carry. window:
    requests that may be on their way at once, and answers that the device keeps; a power of two. seeded: the network draws
    samples.
    """

    frame_bytes: int
    result_bytes: int
    frames: int
    window: int
    seeded: bool = False

    def __post_init__(self) -> None:
        for name in ("frame_bytes", "result_bytes", "frames"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        if self.frames > 255 or max(self.frames * self.frame_bytes, self.frames * self.result_bytes) > 65535:
            raise ValueError(
                f"frames={self.frames} of {self.frame_bytes} and {self.result_bytes} bytes: at most 255, and 65535 bytes each way"
            )
        if self.window not in (2, 4, 8, 16):
            raise ValueError(f"window={self.window} is none of 2, 4, 8, 16")

    @property
    def request_bytes(self) -> int:
        """The largest payload of a request."""
        return max(self.frames * self.frame_bytes, SEED_BYTES)

    @property
    def answer_bytes(self) -> int:
        """The largest payload of an answer."""
        return max(self.frames * self.result_bytes, NONCE_BYTES + Status.BYTES)


@dataclass(frozen=True)
class Status:
    """What a device says of itself, without the nonce. busy: cycles in which it executed a DATA request."""

    protocol: int
    major: int
    minor: int
    patch: int
    expected: int
    window: int
    frames: int
    seeded: int
    frame_bytes: int
    result_bytes: int
    model: bytes
    frames_in: int
    frames_out: int
    malformed: int
    dropped: int
    refused: int
    busy: int

    LAYOUT = "<8BHH16s5IQ"
    BYTES = struct.calcsize(LAYOUT)

    def pack(self) -> bytes:
        """As it lies in an answer."""
        return struct.pack(self.LAYOUT, *(getattr(self, field.name) for field in fields(self)))

    @classmethod
    def unpack(cls, data: bytes) -> Status:
        """The inverse of `pack`."""
        return cls(*struct.unpack(cls.LAYOUT, data))


class Core(Protocol):
    """The network behind the link."""

    def run(self, frame: bytes) -> bytes | None:
        """The results of a frame; None where none come."""

    def reset(self, seed: int | None) -> None:
        """As after power-up; with another seed, if one is given."""

    def counters(self) -> tuple[int, int, int, int, int]:
        """frames_in, frames_out, malformed, dropped, busy."""


class Controller:
    """Requests in, answers out.

    model: 16 bytes that tell one network from another. version: of the project.
    """

    def __init__(self, traffic: Traffic, core: Core, model: bytes, version: tuple[int, int, int] = (0, 0, 0)) -> None:
        self.traffic, self.core, self.model, self.version = traffic, core, model, version
        self.expected = self.kept = 0
        self.answers: dict[int, Message] = {}

    def answer(self, request: Message | Reason, refused: int = 0) -> Message:
        """The answer to a request, or to a frame that holds none. refused: how many of those there were."""
        if isinstance(request, Reason):
            return self._refusal(self.expected, request)
        if request.kind == Kind.STATUS:
            if len(request.payload) != NONCE_BYTES:
                return self._refusal(request.sequence, Reason.SIZE)
            return Message(Kind.STATUS | ANSWER, request.sequence, request.payload + self.status(refused).pack())
        if request.kind not in (Kind.DATA, Kind.RESET, *([Kind.SEED] if self.traffic.seeded else [])):
            return self._refusal(request.sequence, Reason.KIND)
        if request.sequence != self.expected:
            if (self.expected - 1 - request.sequence) % 256 < self.kept:
                return self.answers[request.sequence]
            return self._refusal(request.sequence, Reason.SEQUENCE)
        done = self._execute(request)
        if isinstance(done, Reason):
            return self._refusal(request.sequence, done)
        answer = Message(request.kind | ANSWER, request.sequence, done)
        self.answers[request.sequence] = answer
        self.expected = (self.expected + 1) % 256
        self.kept = min(self.kept + 1, self.traffic.window)
        return answer

    def status(self, refused: int = 0) -> Status:
        """What a status answer says."""
        traffic, (major, minor, patch) = self.traffic, self.version
        frames_in, frames_out, malformed, dropped, busy = self.core.counters()
        return Status(
            PROTOCOL,
            *(major, minor, patch),
            self.expected,
            traffic.window,
            traffic.frames,
            int(traffic.seeded),
            traffic.frame_bytes,
            traffic.result_bytes,
            self.model,
            *(frames_in, frames_out, malformed, dropped, refused, busy),
        )

    def _execute(self, request: Message) -> bytes | Reason:
        size, payload = self.traffic.frame_bytes, request.payload
        if request.kind == Kind.DATA:
            count, rest = divmod(len(payload), size)
            if rest or not 1 <= count <= self.traffic.frames:
                return Reason.SIZE
            results = []
            for first in range(0, len(payload), size):
                result = self.core.run(payload[first : first + size])
                if result is None:
                    self.core.reset(None)
                    # the answer that was begun has taken the place of the oldest
                    self.kept = min(self.kept, self.traffic.window - 1)
                    return Reason.STALLED
                results.append(result)
            return b"".join(results)
        if len(payload) != (SEED_BYTES if request.kind == Kind.SEED else 0):
            return Reason.SIZE
        self.core.reset(int.from_bytes(payload, "little") if request.kind == Kind.SEED else None)
        return b""

    def _refusal(self, sequence: int, reason: Reason) -> Message:
        return Message(Kind.REFUSED, sequence, bytes((reason, self.expected)))
