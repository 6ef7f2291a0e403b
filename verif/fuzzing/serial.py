"""Bytes of a serial line that are changed: deframer, controller and the host's client, which never hang and never guess.

What is whole is told from what is not by another decoder, which has nothing of golden's.
"""

from __future__ import annotations

import binascii
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sigmabit.golden.link.controller import ANSWER, Controller, Kind, Traffic
from sigmabit.golden.link.deframer import Deframer, Inbox, Message, Reason
from sigmabit.golden.link.framer import frame
from sigmabit.host.client import Client, LinkError

from .kind import Outcome, Stage, Verdict, attempt
from .mutation import Random, in_bytes

TRAFFIC = Traffic(frame_bytes=3, result_bytes=2, frames=2, window=4, seeded=True)
MODEL = bytes(range(16))

CLIENTS = 32
"""One trial of so many has a client, which waits, since a line that is damaged may be silent."""

PATIENCE = 1.2
"""The client's, in seconds."""

LONGEST = 30.0
"""Seconds that a client may take with such patience: for each of its requests, whose answers may come in the last moment."""


@dataclass
class Sums:
    """A network that adds."""

    runs: int = 0

    def run(self, frame: bytes) -> bytes | None:
        """Two bytes; none where the first byte says so."""
        self.runs += 1
        return None if frame[0] == 255 else sum(frame).to_bytes(2, "little")

    def reset(self, seed: int | None) -> None:
        """Counters begin anew."""
        self.runs = 0

    def counters(self) -> tuple[int, int, int, int, int]:
        return self.runs, self.runs, 0, 0, 0


@dataclass(frozen=True)
class Serial:
    """Bytes to a device, and bytes from one to the host."""

    name: str = "serial"

    def trial(self, seed: int, folder: Path, stage: Stage) -> Verdict:
        chance = random.Random(seed)
        if chance.randrange(CLIENTS) == 0:
            stage("client")
            return attempt("client", lambda: client(chance))
        stream = drawn(chance)
        (folder / "stream.bin").write_bytes(stream)
        stage("device")
        return attempt("device", lambda: _device(stream))


def drawn(chance: Random) -> bytes:
    """Requests, one after the other, some of them damaged, with others' bytes between them."""
    stream = b""
    for _ in range(chance.randint(1, 8)):
        payload = chance.randbytes(chance.choice((0, 1, 3, 4, 6, 8, 9, 300)))
        request = frame(chance.choice((*map(int, Kind), 0, 77)), chance.choice((0, 0, 1, 2, 255)), payload)
        noise = chance.randbytes(chance.randrange(30))
        stream += chance.choice((request, request, in_bytes(chance, request), noise, request[:-1]))
    return stream


def plain(body: bytes) -> bytes | None:
    """What a frame holds, without its zeros, as COBS has it; None where it is cut short."""
    found, at = b"", 0
    while at < len(body):
        code = body[at]
        if at + code > len(body):
            return None
        found += body[at + 1 : at + code]
        at += code
        if code < 255 and at < len(body):
            found += b"\0"
    return found


def whole(stream: bytes, limit: int) -> list[Message]:
    """The messages in a stream, each between two zeros."""
    found = []
    for body in stream.split(b"\0")[:-1]:
        data = plain(body) if body else None
        if data is None or not 8 <= len(data) <= limit + 8 or binascii.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
            continue
        if int.from_bytes(data[2:4], "little") == len(data) - 8:
            found.append(Message(data[0], data[1], data[4:-4]))
    return found


def _device(stream: bytes) -> Verdict:
    """Does the device find what is whole, nothing else, and answer each as the protocol allows?"""
    limit = TRAFFIC.request_bytes
    deframer, inbox, controller = Deframer(limit), Inbox(limit, 64), Controller(TRAFFIC, Sums(), MODEL)
    verdicts = [verdict for byte in stream if (verdict := deframer.feed(byte)) is not None]
    found = [verdict for verdict in verdicts if isinstance(verdict, Message)]
    if found != whole(stream, limit):
        return Verdict(Outcome.FAILED, f"messages {found}, expected {whole(stream, limit)}")
    for byte in stream:
        inbox.feed(byte)
        if len(inbox.words) >= inbox.depth:
            return Verdict(Outcome.FAILED, f"{len(inbox.words)} words in an inbox of {inbox.depth}")
    for verdict in verdicts:
        before = controller.expected
        answer = controller.answer(verdict)
        if len(answer.payload) > TRAFFIC.answer_bytes:
            return Verdict(Outcome.FAILED, f"an answer of {len(answer.payload)} bytes to {verdict}")
        turned = (controller.expected - before) % 256
        done = isinstance(verdict, Message) and answer.kind == verdict.kind | ANSWER and verdict.kind != Kind.STATUS
        if turned > 1 or (turned and not done) or (answer.kind == Kind.REFUSED and answer.payload[0] not in {*Reason}):
            return Verdict(Outcome.FAILED, f"{verdict} is answered by {answer}, the turn moves by {turned}")
    return Verdict(Outcome.RIGHT if found else Outcome.REFUSED)


@dataclass
class BadLine:
    """A port with a device behind a line that changes bytes, and brings some of its own."""

    chance: Random
    rate: float
    deframer: Deframer = field(default_factory=lambda: Deframer(TRAFFIC.request_bytes))
    controller: Controller = field(default_factory=lambda: Controller(TRAFFIC, Sums(), MODEL))
    waiting: bytearray = field(default_factory=bytearray)
    name: str | None = "line"

    def write(self, data: bytes, /) -> int:
        for byte in self._passed(data):
            verdict = self.deframer.feed(byte)
            if verdict is not None:
                answer = self.controller.answer(verdict)
                self.waiting += self._passed(frame(answer.kind, answer.sequence, answer.payload))
        return len(data)

    def _passed(self, data: bytes) -> bytes:
        return in_bytes(self.chance, data) if self.chance.random() < self.rate else data

    def read(self, size: int = 1) -> bytes:
        if not self.waiting:
            time.sleep(0.001)
            if self.chance.random() < self.rate / 10:
                return self.chance.randbytes(size)
        some = bytes(self.waiting[:size])
        del self.waiting[:size]
        return some

    def close(self) -> None:
        """Nothing is to be done."""


def client(chance: Random) -> Verdict:
    """Are the host's results right, or is the line at fault, and soon?"""
    line = BadLine(chance, chance.choice((0.0, 0.1, 0.3, 0.7, 1.0)))
    frames = (np.frombuffer(chance.randbytes(3 * 7), np.uint8).reshape(7, 3) & 127).astype(np.uint8)
    begun, verdict = time.monotonic(), Verdict(Outcome.RIGHT)
    try:
        with Client(line, PATIENCE) as client:
            results = client.run(frames)
            client.seed(7)
        expected = frames.sum(axis=1, dtype="<u2").view(np.uint8).reshape(7, 2)
        if not np.array_equal(results, expected):
            verdict = Verdict(Outcome.FAILED, f"results {results.tolist()}, expected {expected.tolist()}")
    except LinkError as error:
        verdict = Verdict(Outcome.REFUSED, str(error))
        if not line.rate:
            verdict = Verdict(Outcome.FAILED, f"of a line without a fault: {error}")
    took = time.monotonic() - begun
    return verdict if took < LONGEST else Verdict(Outcome.FAILED, f"{took:.1f} s with a patience of {PATIENCE:g} s")
