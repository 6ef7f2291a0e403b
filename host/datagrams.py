"""A client of one device over UDP: frames in, results out, whatever the network does. docs/link/datagrams.md has the protocol."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.link.controller import ANSWER, NONCE_BYTES, SEED_BYTES, Kind, Status
from sigmabit.golden.link.datagram import MOST_WORDS, NUMBERS, WORD, Datagram, words
from sigmabit.golden.link.deframer import Reason
from sigmabit.golden.link.session import PROTOCOL, Hold

from .client import LinkError, Progress, Statistics, check_several, checked_patience

PORT = 4660
"""A device's, where none is given."""

FIRST_WAIT, LEAST_WAIT, LONGEST_WAIT = 0.25, 0.02, 2.0
"""Seconds after which a request is sent again: as long as nothing is known of the device's time, and in any case."""

OVERDUE = 4
"""Times that an answer took so far, after which it is overdue."""

ROOM = 1 << 20
"""Bytes that the operating system may keep for a client that is busy."""


def address_of(text: str, port: int = PORT, least: int = 1) -> tuple[str, int]:
    """HOST or HOST:PORT, the port at least so much. Raises LinkError for anything else."""
    host, colon, number = text.strip().rpartition(":")
    if not colon:
        host, number = text.strip(), str(port)
    if not host or not number.isascii() or not number.isdigit() or not least <= int(number[:6]) < 65536:
        raise LinkError(f"{text!r} is no address: give HOST or HOST:PORT, the port from {least} to 65535")
    return host, int(number)


@dataclass
class _Turns:
    """Requests of an exchange: `first` is the number of the first, `sent` when each was last sent, `again` those sent again."""

    requests: Sequence[tuple[Kind, bytes]]
    first: int
    answers: dict[int, bytes] = field(default_factory=dict)
    sent: list[float] = field(default_factory=list)
    again: set[int] = field(default_factory=set)
    done: int = 0
    quiet: float = 0.0


class DatagramClient:
    """A device behind a UDP port, held by a session of this client's until it is closed.

    patience: seconds without any progress after which it gives up. Requests are numbered, as many as the device's window are on
    their way at once, and what is not answered is sent again: each is executed once, and its answer is right, or LinkError is
    raised. While another session holds the device, it is asked for again from time to time.
    """

    def __init__(self, address: tuple[str, int], patience: float = 10.0) -> None:
        self.address, self.patience, self.statistics = address, checked_patience(patience), Statistics()
        self._session, self._turn, self._open = secrets.randbelow(NUMBERS - 1) + 1, 0, False
        # seconds that an answer usually takes, and how often what was waited for in vain has doubled the wait
        self._usual, self._doubled = FIRST_WAIT / OVERDUE, 1
        try:
            family, kind, number, _, where = socket.getaddrinfo(*address, socket.AF_INET, socket.SOCK_DGRAM)[0]
            self._socket = socket.socket(family, kind, number)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
            self._socket.connect(where)
        except (OSError, UnicodeError) as error:  # the latter of names that are no names
            raise LinkError(f"{self._name}: {getattr(error, 'strerror', None) or 'no such host'}") from None
        try:
            self.device = self.status()
            if self.device.protocol != PROTOCOL:
                raise LinkError(f"{self._name}: the device speaks version {self.device.protocol} of the protocol, not {PROTOCOL}")
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, address: str, patience: float = 10.0) -> Self:
        """The device at HOST or HOST:PORT."""
        return cls(address_of(address), patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let others have the device."""
        if self._open:
            self._open = False
            self._send(Hold.CLOSE, 0, b"")
        self._socket.close()

    # --- what a device can do

    def status(self) -> Status:
        """What the device says of itself. Of no effect on anything, whoever holds it. Raises LinkError."""
        nonce = os.urandom(NONCE_BYTES)
        answer = self._until(Kind.STATUS, nonce, lambda heard: heard.payload[:NONCE_BYTES] == nonce)
        if len(answer.payload) != NONCE_BYTES + Status.BYTES:
            raise LinkError(f"{self._name}: a status of {len(answer.payload)} bytes; the device has another protocol")
        return Status.unpack(answer.payload[NONCE_BYTES:])

    def run(
        self, frames: NDArray[np.uint8], progress: Progress = lambda done, total: None, several: int | None = None
    ) -> NDArray[np.uint8]:
        """Results (N, result_bytes) of frames (N, frame_bytes), as the bytes of the network's streams.

        several: frames in a request, at most; without it datagrams are as full as can be, and frames may lie in two or more.
        """
        size, total = self.device.frame_bytes, len(frames)
        if frames.ndim != 2 or frames.shape[1] != size or frames.dtype != np.uint8:
            raise LinkError(f"frames of {frames.dtype} of shape {frames.shape}, the device takes bytes of shape (N, {size})")
        check_several(several)
        each, results = words(size), words(self.device.result_bytes)
        padded = np.zeros((total, each * WORD), np.uint8)
        padded[:, :size] = frames
        step = self._step(each, several) * WORD
        data = padded.tobytes()
        payloads = [data[first : first + step] for first in range(0, len(data), step)]

        def told(done: int) -> None:
            progress(min(done * step // (each * WORD), total), total)

        answers = b"".join(self._exchange([(Kind.DATA, payload) for payload in payloads], told))
        if len(answers) != total * results * WORD:
            raise LinkError(f"{self._name}: {len(answers)} bytes of results for {total} frames of {results * WORD}")
        return np.frombuffer(answers, np.uint8).reshape(total, -1)[:, : self.device.result_bytes]

    def _step(self, each: int, several: int | None) -> int:
        """Words in a request: so that no more frames end in one than have results in an answer."""
        if several is not None and several * each <= MOST_WORDS:
            return min(several, self.device.frames) * each
        return min(MOST_WORDS, max(1, (self.device.frames - 1) * each)) if self.device.frames > 1 else min(MOST_WORDS, each)

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

    def _hold(self) -> None:
        """Open the session, once another has let go of the device."""
        if not self._open:
            self._until(Hold.OPEN, b"", lambda heard: heard.session == self._session)
            self._open, self._turn = True, 0

    def _exchange(
        self, requests: Sequence[tuple[Kind, bytes]], progress: Callable[[int], None] = lambda done: None
    ) -> list[bytes]:
        """The answers' payloads."""
        self._hold()
        turns = _Turns(requests, self._turn)
        deadline = time.monotonic() + self.patience
        while turns.done < len(requests):
            while len(turns.sent) - turns.done < self.device.window and len(turns.sent) < len(requests):
                self._ask(turns, len(turns.sent))
            heard = self._hear(min(turns.sent[turns.done] + self._wait, deadline))
            now, before = time.monotonic(), turns.done
            if heard is not None:
                self._take(turns, heard, now)
            elif now >= deadline:
                self._open = False
                done = f"{turns.done} of {len(requests)} requests are done"
                raise LinkError(f"{self._name}: no answer in {self.patience:g} s; {done}")
            else:
                self._doubled *= 2
                self._again(turns, turns.done, turns.done + 1)
            if turns.done > before:
                deadline = now + self.patience
                progress(turns.done)
        self._turn = (self._turn + len(requests)) % NUMBERS
        return [turns.answers[number] for number in range(len(requests))]

    def _ask(self, turns: _Turns, number: int) -> None:
        kind, payload = turns.requests[number]
        self._send(kind, (turns.first + number) % NUMBERS, payload)
        now = time.monotonic()
        if number == len(turns.sent):
            self.statistics.requests += 1
            turns.sent.append(now)
        else:
            self.statistics.repeated += 1
            turns.sent[number] = now
            turns.again.add(number)

    @property
    def _wait(self) -> float:
        """Seconds after which a request without an answer is sent again."""
        return min(max(LEAST_WAIT, OVERDUE * self._usual) * self._doubled, LONGEST_WAIT)

    def _again(self, turns: _Turns, first: int, end: int) -> None:
        for number in range(first, end):
            if number not in turns.answers:
                self._ask(turns, number)

    def _take(self, turns: _Turns, heard: Datagram, now: float) -> None:
        """An answer of this exchange, or a refusal; all else is a copy of what has been."""
        number = (heard.sequence - turns.first) % NUMBERS
        if heard.session != self._session or number >= len(turns.sent):
            return
        if heard.kind == Kind.REFUSED:
            self._refused(turns, heard, number, now)
        elif heard.kind == turns.requests[number][0] | ANSWER and number not in turns.answers:
            if number not in turns.again:
                took = now - turns.sent[number]
                self._usual = max(took, self._usual + (took - self._usual) / 4)
            turns.answers[number], self._doubled = heard.payload, 1
            while turns.done in turns.answers:
                turns.done += 1
            # answers keep their order, as far as the network does: one that is passed by is lost, or will be here soon
            if number > turns.done + 2 and now > turns.quiet:
                turns.quiet = now + self._wait
                self._again(turns, turns.done, turns.done + 1)

    def _refused(self, turns: _Turns, heard: Datagram, number: int, now: float) -> None:
        self.statistics.refused += 1
        if len(heard.payload) != WORD or heard.payload[0] not in set(Reason) or number in turns.answers:
            return
        reason, turn = Reason(heard.payload[0]), int.from_bytes(heard.payload[2:4], "little")
        due = (turn - turns.first) % NUMBERS
        if reason is Reason.HELD:
            self._open = False
            raise LinkError(f"{self._name}: the session was ended: {reason.text}")
        if reason is not Reason.SEQUENCE:
            raise LinkError(f"{self._name}: a request was refused: {reason.text}")
        # all that was sent behind a lost request is refused, too: one repetition serves them all
        if turns.done <= due < len(turns.sent) and now > turns.quiet:
            turns.quiet = now + self._wait / 2
            self._again(turns, due, len(turns.sent))

    # --- datagrams

    @property
    def _name(self) -> str:
        return f"{self.address[0]}:{self.address[1]}"

    def _until(self, kind: int, payload: bytes, fits: Callable[[Datagram], bool]) -> Datagram:
        """The answer to a request that has no turn, which is sent again and again."""
        begun, wait, held, asked = time.monotonic(), self._wait, False, 0
        while not asked or time.monotonic() < begun + self.patience:
            self._send(kind, 0, payload)
            asked += 1
            until = min(time.monotonic() + wait, begun + self.patience)
            while (heard := self._hear(until)) is not None:
                if heard.kind == kind | ANSWER and fits(heard):
                    return heard
                held = held or (heard.kind == Kind.REFUSED and heard.payload[:1] == bytes((Reason.HELD,)))
            wait = min(2 * wait, LONGEST_WAIT)
        if held:
            raise LinkError(f"{self._name}: another session has held the device for {self.patience:g} s")
        times = "once" if asked == 1 else f"{asked} times"
        raise LinkError(
            f"{self._name}: no answer in {self.patience:g} s, asked {times}; is it the right address, and the right port?"
        )

    def _send(self, kind: int, sequence: int, payload: bytes) -> None:
        data = Datagram(kind, sequence, self._session, payload).pack()
        self.statistics.bytes_sent += len(data)
        try:
            self._socket.send(data)
        except OSError as error:
            if not isinstance(error, ConnectionRefusedError):  # of an earlier datagram; the device may come yet
                raise LinkError(f"{self._name}: {error.strerror or error}") from None

    def _hear(self, until: float) -> Datagram | None:
        """The next message; None if none comes until then."""
        while True:
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(2048)
            except TimeoutError:
                return None
            except ConnectionRefusedError:
                time.sleep(min(left, 0.05))
                continue
            self.statistics.bytes_received += len(data)
            message = Datagram.unpack(data)
            if not isinstance(message, Reason):
                return message
