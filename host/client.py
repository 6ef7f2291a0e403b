"""A client of one device: frames in, results out, whatever the line does on the way. docs/link.md has the protocol."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, Queue
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import serial
from numpy.typing import NDArray

from sigmabit.golden import SigmabitError
from sigmabit.golden.controller import ANSWER, NONCE_BYTES, PROTOCOL, SEED_BYTES, Kind, Status
from sigmabit.golden.deframer import Deframer, Message, Reason
from sigmabit.golden.framer import frame

Progress = Callable[[int, int], None]
"""Called with the frames that are done, and their number."""

FIRST_WAIT = 0.5
"""Seconds after which the first request is repeated, when nothing is known of the line yet; each further wait is longer."""

LEAST_WAIT = 0.05
"""Seconds below which nothing is repeated, since an operating system may be busy with something else for so long."""

LARGEST_ANSWER = 0xFFFF


class LinkError(SigmabitError):
    """The device does not answer, or not as this project's devices do; the message names the port."""


class Port(Protocol):
    """What a client needs of a serial port; that of pyserial has it."""

    @property
    def name(self) -> str | None:
        """For messages."""

    def read(self, size: int = 1) -> bytes:
        """At least one byte, or none after a while."""

    def write(self, data: bytes) -> int | None:
        """Send bytes."""

    def close(self) -> None:
        """The end."""


def open_port(name: str, baud: int) -> serial.Serial:
    """A serial port with eight bits, no parity, one stop bit, and no flow control. Raises LinkError where there is none."""
    try:
        # a device that is unplugged must not keep the reader for ever
        port = serial.Serial(name, baud, timeout=0.05, exclusive=True)
        port.reset_input_buffer()
    except (serial.SerialException, ValueError) as error:
        number = getattr(error, "errno", None)
        raise LinkError(f"{name}: cannot be opened as a serial port: {os.strerror(number) if number else error}") from None
    return port


@dataclass
class Statistics:
    """What happened on the line, for people. repeated: requests that were sent again; refused: refusals that came."""

    requests: int = 0
    repeated: int = 0
    refused: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0


@dataclass
class _Turns:
    """Requests that are answered in order: how many are answered, how many were sent at least once, and when."""

    requests: Sequence[tuple[Kind, bytes]]
    first: int
    answers: list[bytes] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    again: set[int] = field(default_factory=set)

    def sequence(self, number: int) -> int:
        return (self.first + number) % 256

    @property
    def waiting(self) -> int:
        """Requests without an answer."""
        return len(self.sent) - len(self.answers)

    def place(self, turn: int) -> bool:
        """Can it be that it is this number's turn?"""
        return (turn - self.first - len(self.answers)) % 256 <= self.waiting


class Client:
    """A device behind a port, which the client closes at the end.

    patience: seconds without any progress after which it gives up. Requests are numbered, up to `window` of them are on their
    way at once, and what is not answered is sent again: each is executed once, and its answer is right, or LinkError is raised.
    """

    def __init__(self, port: Port, patience: float = 10.0) -> None:
        self.port, self.patience = port, patience
        self.statistics = Statistics()
        self._heard: Queue[Message | Reason | Exception] = Queue()
        self._closing = False
        self._usual: float | None = None
        self._reader = threading.Thread(target=self._listen, name="sigmabit link", daemon=True)
        self._reader.start()
        try:
            self.device = self.status()
            self._check()
        except BaseException:
            self.close()
            raise
        self._turn: int | None = self.device.expected

    @classmethod
    def open(cls, name: str, baud: int = 921_600, patience: float = 10.0) -> Self:
        """The device at a serial port."""
        return cls(open_port(name, baud), patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the port."""
        self._closing = True
        self._reader.join()
        self.port.close()

    # --- what a device can do

    def status(self) -> Status:
        """What the device says of itself. Of no effect on anything; may be asked at any time."""
        nonce = os.urandom(NONCE_BYTES)
        deadline, wait = time.monotonic() + self.patience, self._wait
        while time.monotonic() < deadline:
            self._send(Kind.STATUS, 0, nonce)
            until = min(time.monotonic() + wait, deadline)
            while (heard := self._hear(until)) is not None:
                status = self._status(heard, nonce)
                if status is not None:
                    return status
            wait *= 2
        raise LinkError(f"{self._name}: no answer in {self.patience:g} s; is it the right port, and the right rate?")

    def run(
        self, frames: NDArray[np.uint8], progress: Progress = lambda done, total: None, several: int | None = None
    ) -> NDArray[np.uint8]:
        """Results (N, result_bytes) of frames (N, frame_bytes), as the bytes of the network's streams.

        several: frames in a request, at most what the device takes.
        """
        size = self.device.frame_bytes
        if frames.ndim != 2 or frames.shape[1] != size or frames.dtype != np.uint8:
            raise LinkError(f"frames of {frames.dtype} of shape {frames.shape}, the device takes bytes of shape (N, {size})")
        several = min(several or self.device.frames, self.device.frames)
        payloads = [frames[first : first + several].tobytes() for first in range(0, len(frames), several)]
        total = len(frames)
        answers = self._exchange(
            [(Kind.DATA, payload) for payload in payloads], lambda done: progress(min(done * several, total), total)
        )
        results = np.frombuffer(b"".join(answers), np.uint8)
        if results.size != total * self.device.result_bytes:
            raise LinkError(f"{self._name}: {results.size} bytes of results for {total} frames of {self.device.result_bytes}")
        return results.reshape(total, self.device.result_bytes)

    def reset(self) -> None:
        """Reset the network; its counters begin at 0 again, its sampler with its seed."""
        self._exchange([(Kind.RESET, b"")])

    def seed(self, seed: int) -> None:
        """Reset the network, and let its sampler begin with this seed."""
        if not self.device.seeded:
            raise LinkError(f"{self._name}: its network draws no samples, and takes no seed")
        self._exchange([(Kind.SEED, seed.to_bytes(SEED_BYTES, "little"))])

    # --- requests that have turns

    def _exchange(
        self, requests: Sequence[tuple[Kind, bytes]], progress: Callable[[int], None] = lambda done: None
    ) -> list[bytes]:
        """The answers' payloads."""
        # after a failure, the device alone knows; it answers when it has done with what is on its way
        turns = _Turns(requests, self.status().expected if self._turn is None else self._turn)
        self._turn = None
        nonce = os.urandom(NONCE_BYTES)
        wait, progressed, repeated = self._wait, time.monotonic(), 0.0
        while len(turns.answers) < len(requests):
            while turns.waiting < self.device.window and len(turns.sent) < len(requests):
                self._ask(turns, len(turns.sent))
            heard = self._hear(max(progressed, repeated) + wait)
            now = time.monotonic()
            if isinstance(heard, Message) and self._answers(turns, heard):
                progress(len(turns.answers))
                wait, progressed = self._wait, now
            elif now - progressed > self.patience:
                done = f"{len(turns.answers)} of {len(requests)} requests are done"
                raise LinkError(f"{self._name}: no answer in {self.patience:g} s; {done}")
            elif heard is None:
                # the status tells whether it is the line that is at fault, or the device that has lost its place
                self._send(Kind.STATUS, 0, nonce)
                self._repeat(turns)
                repeated, wait = now, wait * 2
            elif isinstance(heard, Message) and heard.kind == Kind.REFUSED:
                # refusals come in flocks: what was sent behind a damaged request is out of turn, too
                if self._refusal(turns, heard) and now - max(repeated, progressed) > self._wait / 4:
                    self._repeat(turns)
                    repeated = now
            else:
                status = self._status(heard, nonce)
                if status is not None and not turns.place(status.expected):
                    raise LinkError(f"{self._name}: the device has lost its place; was it reset?")
        self._turn = turns.sequence(len(requests))
        return turns.answers

    def _ask(self, turns: _Turns, number: int) -> None:
        kind, payload = turns.requests[number]
        if number == len(turns.sent):
            self.statistics.requests += 1
            turns.sent.append(time.monotonic())
        else:
            self.statistics.repeated += 1
            turns.again.add(number)
        self._send(kind, turns.sequence(number), payload)

    def _repeat(self, turns: _Turns) -> None:
        for number in range(len(turns.answers), len(turns.sent)):
            self._ask(turns, number)

    def _answers(self, turns: _Turns, heard: Message) -> bool:
        """Is it the answer that is due? Then it is taken; others are copies of answers that have been."""
        number = len(turns.answers)
        if (
            number == len(turns.sent)
            or heard.sequence != turns.sequence(number)
            or heard.kind != turns.requests[number][0] | ANSWER
        ):
            return False
        turns.answers.append(heard.payload)
        if number not in turns.again:
            taken = time.monotonic() - turns.sent[number]
            self._usual = taken if self._usual is None else 0.8 * self._usual + 0.2 * taken
        return True

    def _refusal(self, turns: _Turns, heard: Message) -> bool:
        """Does the refusal ask for a repetition? Raises LinkError where none would help."""
        if len(heard.payload) != 2 or heard.payload[0] not in set(Reason):
            return False
        reason, turn = Reason(heard.payload[0]), heard.payload[1]
        self.statistics.refused += 1
        mine = any(heard.sequence == turns.sequence(number) for number in range(len(turns.answers), len(turns.sent)))
        if reason in (Reason.KIND, Reason.SIZE, Reason.STALLED) and mine and turns.place(turn):
            raise LinkError(f"{self._name}: a request was refused: {reason.text}")
        return (reason.damaged or reason is Reason.SEQUENCE) and turns.place(turn)

    # --- messages

    @property
    def _name(self) -> str:
        return self.port.name or "the port"

    @property
    def _wait(self) -> float:
        """Seconds after which an answer is overdue: some times what it took so far."""
        return FIRST_WAIT if self._usual is None else max(LEAST_WAIT, 4 * self._usual)

    def _check(self) -> None:
        if self.device.protocol != PROTOCOL:
            raise LinkError(f"{self._name}: the device speaks version {self.device.protocol} of the protocol, not {PROTOCOL}")

    def _status(self, heard: Message | Reason, nonce: bytes) -> Status | None:
        """A status, if that is what was heard."""
        if isinstance(heard, Message) and heard.kind == Kind.STATUS | ANSWER and heard.payload[:NONCE_BYTES] == nonce:
            if len(heard.payload) != NONCE_BYTES + Status.BYTES:
                raise LinkError(f"{self._name}: a status of {len(heard.payload)} bytes; the device has another protocol")
            return Status.unpack(heard.payload[NONCE_BYTES:])
        return None

    def _send(self, kind: Kind, sequence: int, payload: bytes) -> None:
        data = frame(kind, sequence, payload)
        self.statistics.bytes_sent += len(data)
        try:
            self.port.write(data)
        except (OSError, serial.SerialException) as error:
            raise LinkError(f"{self._name}: {error}") from None

    def _hear(self, until: float) -> Message | Reason | None:
        """The next thing that was heard; None if nothing is until then."""
        try:
            heard = self._heard.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            return None
        if isinstance(heard, Exception):
            raise LinkError(f"{self._name}: {heard}")
        return heard

    def _listen(self) -> None:
        """Collect what comes, so that the device can send while the host does."""
        deframer = Deframer(LARGEST_ANSWER)
        try:
            while not self._closing:
                for byte in self._read():
                    self.statistics.bytes_received += 1
                    heard = deframer.feed(byte)
                    if heard is not None:
                        self._heard.put(heard)
        except (OSError, TypeError, serial.SerialException) as error:  # TypeError: pyserial, of a port closed under it
            self._heard.put(error)

    def _read(self) -> bytes:
        some = self.port.read(1)
        return some + self.port.read(getattr(self.port, "in_waiting", 0)) if some else some
