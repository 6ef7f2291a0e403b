"""A client of one device: frames in, results out, whatever the line does on the way. docs/link/link.md has the protocol."""

from __future__ import annotations

import errno
import math
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
from sigmabit.golden.link.controller import ANSWER, NONCE_BYTES, PROTOCOL, SEED_BYTES, Kind, Status
from sigmabit.golden.link.deframer import Deframer, Message, Reason
from sigmabit.golden.link.framer import CRC_BYTES, HEADER_BYTES, LONGEST_RUN, frame

Progress = Callable[[int, int], None]
"""Called with the frames that are done, and their number."""

FIRST_WAIT = 0.5
"""Seconds beyond the line's after which a request is repeated, when nothing is known of the device's time yet."""

LONGEST_WAIT = 1.0
"""Seconds beyond the line's after which a status is asked for again at the latest: a line that loses most of what is sent wants
many tries, and a status disturbs nothing."""

LEAST_WAIT = 0.1
"""Seconds beyond the line's before which nothing is repeated, since an operating system may be busy elsewhere for so long."""

OVERDUE = 4
"""Times that a device took so far, after which an answer is overdue."""

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

    def write(self, data: bytes, /) -> int | None:
        """Send bytes."""

    def close(self) -> None:
        """The end."""


def open_port(name: str, baud: int) -> serial.Serial:
    """A serial port with eight bits, no parity, one stop bit, and no flow control. Raises LinkError where there is none."""
    impossible = f"{name}: a serial port cannot have a rate of {baud} baud"
    if baud < 1:
        raise LinkError(impossible)
    try:
        # a device that is unplugged must not keep the reader for ever
        return serial.Serial(name, baud, timeout=0.05, exclusive=True)
    except OverflowError:
        raise LinkError(impossible) from None
    except (OSError, ValueError) as error:
        number = _number(error)
        if isinstance(error, ValueError) and "baud" in str(error):
            message = impossible
        elif number in (errno.EAGAIN, errno.EBUSY):
            message = f"{name}: another program has the port"
        else:
            why = "it is no serial port" if number == errno.ENOTTY else os.strerror(number) if number else error
            message = f"{name}: cannot be opened as a serial port: {why}"
        raise LinkError(message) from None


def _number(error: BaseException) -> int | None:
    """The system's number for it, where there is one; pyserial gives it, or has it from another error."""
    numbers = [getattr(error, "errno", None), *(error.__context__.args[:1] if error.__context__ else ())]
    return next((number for number in numbers if isinstance(number, int)), None)


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
    """Requests that are answered in order.

    progressed: when the last answer came. sent: for each that was sent, when it was, for the first time, at the far end of the
    line; arrives: the same for the last time. quiet: until when refusals are of what was sent before the last repetition. nonce:
    of the status that was asked for just before the request `overdue` was last repeated.
    """

    requests: Sequence[tuple[Kind, bytes]]
    first: int
    progressed: float
    answers: list[bytes] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    arrives: list[float] = field(default_factory=list)
    again: set[int] = field(default_factory=set)
    quiet: float = 0.0
    nonce: bytes = b""
    overdue: int = 0

    def sequence(self, number: int) -> int:
        return (self.first + number) % 256

    @property
    def waiting(self) -> int:
        """Requests without an answer."""
        return len(self.sent) - len(self.answers)

    def place(self, turn: int) -> bool:
        """Can it be that it is this number's turn?"""
        return (turn - self.first - len(self.answers)) % 256 <= self.waiting


class _Pace:
    """When an answer is due: the time of the line, by its rate, and the time that the device takes.

    The device's is measured per frame, on data requests that were sent once: which of its copies an answer belongs to is not
    known. With each repetition the wait is doubled, and stays so until a request that was sent once is answered (Karn and
    Partridge, SIGCOMM 1987), or until something comes that says that it is the line that is at fault.
    """

    def __init__(self, baud: int | None) -> None:
        self._byte = 10 / baud if baud else 0.0
        self._free = 0.0
        self._usual: float | None = None
        self._doubled = 1

    def line(self, payload: int) -> float:
        """Seconds that a message takes at most."""
        body = HEADER_BYTES + payload + CRC_BYTES
        return (body + body // LONGEST_RUN + 3) * self._byte

    def sent(self, size: int, begun: float, ended: float) -> float:
        """When bytes are at the line's far end that were written, behind all others, from `begun` to `ended`."""
        self._free = max(max(self._free, begun) + size * self._byte, ended)
        return self._free

    def work(self, frames: int) -> float:
        """Seconds that a device takes for a request of so many frames, 0 for a request of another kind."""
        return FIRST_WAIT / OVERDUE if self._usual is None or not frames else self._usual * frames

    def wait(self, frames: int) -> float:
        """Seconds without an answer, beyond the line's, after which to repeat."""
        return max(LEAST_WAIT, OVERDUE * self.work(frames)) * self._doubled

    def repeated(self) -> None:
        """An answer was waited for in vain."""
        self._doubled *= 2

    def lost(self) -> None:
        """The line was at fault."""
        self._doubled = 1

    def answered(self, frames: int, least: float, most: float) -> None:
        """A data request that was sent once is answered; the device took from `least` to `most` for it.

        The two differ where it had another before, on which it may have begun before the answer to that was here.
        """
        self._doubled = 1
        least, most = least / frames, most / frames
        if self._usual is None:
            self._usual = most
        elif self._usual < least:
            self._usual += (least - self._usual) / 2
        elif self._usual > most:
            self._usual += (most - self._usual) / 5


def check_several(several: int | None) -> None:
    """Raises LinkError for what is no number of frames."""
    if several is not None and (not float(several).is_integer() or several < 1):
        raise LinkError(f"several={several} is {'below 1' if several < 1 else 'no whole number'}")


def checked_patience(patience: float) -> float:
    """The same, if it is a number of seconds that ends. Raises LinkError."""
    if not 0 < patience < math.inf:
        raise LinkError(f"patience={patience} is no number of seconds above 0")
    return patience


class Client:
    """A device behind a port, which the client closes at the end.

    patience: seconds without any progress, beyond those that the line needs, after which it gives up. baud: the line's rate;
    None for one that takes no time. Requests are numbered, up to `window` of them are on their
    way at once, and what is not answered is sent again: each is executed once, and its answer is right, or LinkError is raised.
    """

    def __init__(self, port: Port, patience: float = 10.0, baud: int | None = None) -> None:
        self.port, self.patience = port, checked_patience(patience)
        self.statistics = Statistics()
        self._heard: Queue[tuple[float, Message | Reason | Exception]] = Queue()
        self._closing = False
        self._pace = _Pace(baud)
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
        return cls(open_port(name, baud), patience, baud)

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
        """What the device says of itself. Of no effect on anything; may be asked at any time.

        It is asked for again and again, for `patience` seconds beyond what the line needs for the first time. Raises LinkError.
        """
        nonce, noise, asked = os.urandom(NONCE_BYTES), False, 0
        deadline, wait = math.inf, FIRST_WAIT
        now = -math.inf
        while now < deadline:
            due = self._send(Kind.STATUS, 0, nonce) + self._pace.line(NONCE_BYTES + Status.BYTES)
            asked += 1
            deadline = min(deadline, due + self.patience)
            until = min(due + wait, deadline)
            while now < until:  # a line that is never quiet must not keep it here
                heard, now = self._hear(until)
                status = None if heard is None else self._status(heard, nonce)
                if status is not None:
                    return status
                noise = noise or heard is not None
            wait = min(2 * wait, LONGEST_WAIT)
        came = "; what came was damaged, or no answer" if noise else ""
        times = "once" if asked == 1 else f"{asked} times"
        raise LinkError(
            f"{self._name}: no answer in {self.patience:g} s, asked {times}{came}; is it the right port, and the right rate?"
        )

    def run(
        self, frames: NDArray[np.uint8], progress: Progress = lambda done, total: None, several: int | None = None
    ) -> NDArray[np.uint8]:
        """Results (N, result_bytes) of frames (N, frame_bytes), as the bytes of the network's streams.

        several: frames in a request, at most what the device takes.
        """
        size = self.device.frame_bytes
        if frames.ndim != 2 or frames.shape[1] != size or frames.dtype != np.uint8:
            raise LinkError(f"frames of {frames.dtype} of shape {frames.shape}, the device takes bytes of shape (N, {size})")
        check_several(several)
        several = self.device.frames if several is None else min(several, self.device.frames)
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
        if not 0 <= seed < 1 << 8 * SEED_BYTES:
            raise LinkError(f"seed={seed} is not from 0 to {(1 << 8 * SEED_BYTES) - 1}")
        self._exchange([(Kind.SEED, seed.to_bytes(SEED_BYTES, "little"))])

    # --- requests that have turns

    def _exchange(
        self, requests: Sequence[tuple[Kind, bytes]], progress: Callable[[int], None] = lambda done: None
    ) -> list[bytes]:
        """The answers' payloads."""
        # after a failure, the device alone knows; it answers when it has done with what is on its way
        first = self.status().expected if self._turn is None else self._turn
        turns = _Turns(requests, first, time.monotonic())
        self._turn = None
        while len(turns.answers) < len(requests):
            while turns.waiting < self.device.window and len(turns.sent) < len(requests):
                self._ask(turns, len(turns.sent))
            number = len(turns.answers)
            until = self._due(turns, turns.arrives) + self._pace.wait(self._frames(turns, number))
            end = self._due(turns, turns.sent) + self.patience
            heard, now = self._hear(min(until, end))
            if isinstance(heard, Message) and self._answers(turns, heard, now):
                progress(len(turns.answers))
            elif now >= end:
                done = f"{number} of {len(requests)} requests are done"
                raise LinkError(f"{self._name}: no answer in {self.patience:g} s; {done}")
            elif heard is None:
                # a status tells whether it is the line that is at fault, or the device, which is late or has lost its place
                turns.nonce, turns.overdue = os.urandom(NONCE_BYTES), number
                self._send(Kind.STATUS, 0, turns.nonce)
                self._pace.repeated()
                self._repeat(turns)
            elif self._faulty(turns, heard):
                self._pace.lost()
                # they come in flocks: what was sent behind a damaged request is out of turn, too; a status is of a repetition
                if isinstance(heard, Message) and heard.kind != Kind.STATUS | ANSWER and now > turns.quiet:
                    self._repeat(turns)
        self._turn = turns.sequence(len(requests))
        return turns.answers

    def _frames(self, turns: _Turns, number: int) -> int:
        kind, payload = turns.requests[number]
        return len(payload) // self.device.frame_bytes if kind == Kind.DATA else 0

    def _answer_time(self, turns: _Turns, number: int) -> float:
        return self._pace.line(self._frames(turns, number) * self.device.result_bytes)

    def _due(self, turns: _Turns, arrived: Sequence[float]) -> float:
        """When the next answer is here, of a request that was at the far end then, if the device takes no time at all."""
        number = len(turns.answers)
        return max(arrived[number], turns.progressed) + self._answer_time(turns, number)

    def _ask(self, turns: _Turns, number: int) -> None:
        kind, payload = turns.requests[number]
        arrives = self._send(kind, turns.sequence(number), payload)
        if number == len(turns.sent):
            self.statistics.requests += 1
            turns.sent.append(arrives)
            turns.arrives.append(arrives)
        else:
            self.statistics.repeated += 1
            turns.arrives[number] = arrives
            turns.again.add(number)

    def _repeat(self, turns: _Turns) -> None:
        number = len(turns.answers)
        for waiting in range(number, len(turns.sent)):
            self._ask(turns, waiting)
        frames = self._frames(turns, number)
        turns.quiet = turns.arrives[number] + min(self._pace.work(frames) * turns.waiting, self._pace.wait(frames) / 2)

    def _answers(self, turns: _Turns, heard: Message, now: float) -> bool:
        """Is it the answer that is due? Then it is taken; others are copies of answers that have been."""
        number = len(turns.answers)
        if (
            number == len(turns.sent)
            or heard.sequence != turns.sequence(number)
            or heard.kind != turns.requests[number][0] | ANSWER
        ):
            return False
        if number not in turns.again and heard.kind == Kind.DATA | ANSWER:
            line = self._answer_time(turns, number)
            most = max(0.0, now - turns.sent[number] - line)
            least = max(0.0, now - max(turns.sent[number], turns.progressed) - line)
            self._pace.answered(self._frames(turns, number), least, most)
        turns.answers.append(heard.payload)
        turns.progressed, turns.quiet = now, 0.0
        return True

    def _faulty(self, turns: _Turns, heard: Message | Reason) -> bool:
        """Does it say that something was lost or damaged? Raises LinkError where no repetition would help."""
        if isinstance(heard, Reason):
            return True
        if heard.kind == Kind.REFUSED:
            return self._refusal(turns, heard)
        number, status = len(turns.answers), self._status(heard, turns.nonce)
        if status is not None and not turns.place(status.expected):
            raise LinkError(f"{self._name}: the device has lost its place; was it reset?")
        # the line keeps order: what is not answered before something that was asked for later will never be
        later = range(number + 1, len(turns.sent))
        return (status is not None and turns.overdue == number) or any(
            (heard.kind, heard.sequence) == (turns.requests[n][0] | ANSWER, turns.sequence(n)) for n in later
        )

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

    def _check(self) -> None:
        if self.device.protocol != PROTOCOL:
            raise LinkError(f"{self._name}: the device speaks version {self.device.protocol} of the protocol, not {PROTOCOL}")

    def _status(self, heard: Message | Reason, nonce: bytes) -> Status | None:
        """A status, if that is what was heard, and was asked for."""
        if isinstance(heard, Message) and heard.kind == Kind.STATUS | ANSWER and heard.payload[:NONCE_BYTES] == nonce:
            if len(heard.payload) != NONCE_BYTES + Status.BYTES:
                raise LinkError(f"{self._name}: a status of {len(heard.payload)} bytes; the device has another protocol")
            return Status.unpack(heard.payload[NONCE_BYTES:])
        return None

    def _send(self, kind: Kind, sequence: int, payload: bytes) -> float:
        """Returns when it is at the far end of the line."""
        data = frame(kind, sequence, payload)
        self.statistics.bytes_sent += len(data)
        begun = time.monotonic()
        try:
            self.port.write(data)
        except (OSError, serial.SerialException) as error:
            raise self._lost(error) from None
        return self._pace.sent(len(data), begun, time.monotonic())

    def _hear(self, until: float) -> tuple[Message | Reason | None, float]:
        """The next thing that was heard, and when; None if nothing is until then."""
        try:
            when, heard = self._heard.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            return None, max(until, time.monotonic())
        if isinstance(heard, Exception):
            raise self._lost(heard)
        return heard, when

    def _lost(self, error: BaseException) -> LinkError:
        number = _number(error)
        why = f" ({os.strerror(number)})" if number else ""
        return LinkError(f"{self._name}: the connection is lost{why}; was it unplugged, or does another program read it?")

    def _listen(self) -> None:
        """Collect what comes, so that the device can send while the host does."""
        deframer = Deframer(LARGEST_ANSWER)
        try:
            while not self._closing:
                for byte in self._read():
                    self.statistics.bytes_received += 1
                    heard = deframer.feed(byte)
                    if heard is not None:
                        self._heard.put((time.monotonic(), heard))
        except (OSError, TypeError, serial.SerialException) as error:  # TypeError: pyserial, of a port closed under it
            self._heard.put((time.monotonic(), error))

    def _read(self) -> bytes:
        some = self.port.read(1)
        return some + self.port.read(getattr(self.port, "in_waiting", 0)) if some else some
