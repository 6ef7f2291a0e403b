"""What a device does with datagrams: one session at a time holds it, each of its requests is executed once, in its turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from .controller import ANSWER, NONCE_BYTES, SEED_BYTES, Core, Kind, Status
from .datagram import MOST_WORDS, NUMBERS, WORD, Datagram, words
from .deframer import Reason

PROTOCOL = 2
"""Version of the protocol; 1 is that of the serial line."""


class Hold(IntEnum):
    """Requests that only sessions know, besides those of Kind."""

    OPEN = 5
    CLOSE = 6


@dataclass(frozen=True)
class Exchange:
    """What requests and answers hold.

    frame_bytes, result_bytes: of a frame at the network's input, and of all its results; both are filled up to whole words.
    window: requests that may be on their way at once, and answers that the device keeps; a power of two. seeded: the network
    draws samples.
    """

    frame_bytes: int
    result_bytes: int
    window: int
    seeded: bool = False

    def __post_init__(self) -> None:
        for name in ("frame_bytes", "result_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        if self.frame_bytes > 0xFFFF:
            raise ValueError(f"frames of {self.frame_bytes} bytes, expected 65,535 at most")
        if self.result_words > MOST_WORDS:
            raise ValueError(f"results of {self.result_bytes} bytes, a datagram has room for {MOST_WORDS * WORD}")
        if self.window not in (2, 4, 8, 16):
            raise ValueError(f"window={self.window} is none of 2, 4, 8, 16")

    @property
    def frame_words(self) -> int:
        """Words of a frame."""
        return words(self.frame_bytes)

    @property
    def result_words(self) -> int:
        """Words of a frame's results."""
        return words(self.result_bytes)

    @property
    def frames(self) -> int:
        """That may end in one request: so many as have results in one answer."""
        return min(MOST_WORDS // self.result_words, 255)


class Sessions:
    """Datagrams in, datagrams out.

    A session that is silent for so long that `stale` says so may be ended by another. model: 16 bytes that tell one network from
    another. version: of the project.
    """

    def __init__(
        self,
        exchange: Exchange,
        core: Core,
        model: bytes,
        version: tuple[int, int, int] = (0, 0, 0),
        stale: Callable[[], bool] = lambda: False,
    ) -> None:
        self.exchange, self.core, self.model, self.version, self.stale = exchange, core, model, version, stale
        self.holder: int | None = None
        self.expected = self.kept = self.refused = 0
        self.partial = b""
        self.answers: dict[int, Datagram] = {}

    def answer(self, data: bytes) -> Datagram | None:
        """The answer to a datagram; none to one that holds no message, which is counted."""
        request = Datagram.unpack(data)
        if isinstance(request, Reason):
            self.refused += 1
            return None
        match request.kind:
            case Kind.STATUS:
                if len(request.payload) != NONCE_BYTES:
                    return self._refusal(request, Reason.SIZE)
                return self._done(request, request.payload + self.status().pack())
            case Hold.OPEN | Hold.CLOSE if request.payload:
                return self._refusal(request, Reason.SIZE)
            case Hold.OPEN:
                if self.holder not in (None, request.session) and not self.stale():
                    return self._refusal(request, Reason.HELD)
                if self.holder != request.session:
                    self.holder, self.expected, self.kept, self.partial = request.session, 0, 0, b""
                    self.answers.clear()
                    self.core.reset(None)
                return self._done(request)
            case Hold.CLOSE:
                if self.holder not in (None, request.session):
                    return self._refusal(request, Reason.HELD)
                self.holder = None
                return self._done(request)
            case Kind.DATA | Kind.RESET | Kind.SEED if request.kind != Kind.SEED or self.exchange.seeded:
                return self._in_turn(request)
        return self._refusal(request, Reason.KIND)

    def _in_turn(self, request: Datagram) -> Datagram:
        if self.holder != request.session:
            return self._refusal(request, Reason.HELD)
        if request.sequence != self.expected:
            if (self.expected - 1 - request.sequence) % NUMBERS < self.kept:
                return self.answers[request.sequence % self.exchange.window]
            return self._refusal(request, Reason.SEQUENCE)
        results = self._execute(request)
        if results is None:
            return self._refusal(request, Reason.SIZE)
        answer = self._done(request, results)
        self.answers[request.sequence % self.exchange.window] = answer
        self.expected = (self.expected + 1) % NUMBERS
        self.kept = min(self.kept + 1, self.exchange.window)
        return answer

    def _execute(self, request: Datagram) -> bytes | None:
        """The results of the frames that end in it; None where its payload has a wrong size."""
        exchange, payload = self.exchange, request.payload
        if request.kind != Kind.DATA:
            if len(payload) != (SEED_BYTES if request.kind == Kind.SEED else 0):
                return None
            self.partial = b""
            self.core.reset(int.from_bytes(payload, "little") if request.kind == Kind.SEED else None)
            return b""
        size = exchange.frame_words * WORD
        count = (len(self.partial) + len(payload)) // size
        if not payload or len(payload) % WORD or count > exchange.frames:
            return None
        self.partial += payload
        results = b""
        for _ in range(count):
            frame, self.partial = self.partial[: exchange.frame_bytes], self.partial[size:]
            result = self.core.run(frame)
            assert result is not None
            results += result + bytes(-len(result) % WORD)
        return results

    def status(self) -> Status:
        """What a status answer says."""
        exchange = self.exchange
        frames_in, frames_out, malformed, dropped, busy = self.core.counters()
        return Status(
            *(PROTOCOL, *self.version),
            self.expected % 256,
            exchange.window,
            exchange.frames,
            int(exchange.seeded),
            exchange.frame_bytes,
            exchange.result_bytes,
            self.model,
            *(frames_in, frames_out, malformed, dropped, self.refused, busy),
        )

    def _done(self, request: Datagram, payload: bytes = b"") -> Datagram:
        return Datagram(request.kind | ANSWER, request.sequence, request.session, payload)

    def _refusal(self, request: Datagram, reason: Reason) -> Datagram:
        expected = self.expected.to_bytes(2, "little")
        return Datagram(Kind.REFUSED, request.sequence, request.session, bytes((reason, 0)) + expected)
