"""What the tests of the link by datagrams share: a network, who asks, and a reference that shares nothing with golden."""

from __future__ import annotations

from dataclasses import dataclass, field
from zlib import crc32

from sigmabit.golden.link.session import Exchange

MODEL = bytes(range(16))
ME, OTHER = 0x1234_0A00_0001, 0xFFFF_0A00_0002
"""Who asks: a port above an address."""
MINE, THEIRS = 0x5151, 0x7777
"""Their sessions."""


class Core:
    """A network: the results of a frame are its bytes' sum, its index and the seed."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange, self.seed, self.frames = exchange, 0, 0
        self.seen: list[bytes] = []

    def run(self, frame: bytes) -> bytes:
        """Of one frame."""
        assert len(frame) == self.exchange.frame_bytes
        self.frames += 1
        self.seen.append(frame)
        total = sum(frame) + self.seed
        return bytes(total + 3 * place & 0xFF for place in range(self.exchange.result_bytes))

    def reset(self, seed: int | None) -> None:
        """The seed stays, unless another is given."""
        self.seed = self.seed if seed is None else seed & 0xFF
        self.frames = 0

    def counters(self) -> tuple[int, int, int, int, int]:
        """Nothing is ever malformed here."""
        return self.frames, self.frames, 0, 0, 0


def message(kind: int, sequence: int, session: int, payload: bytes = b"") -> bytes:
    """A datagram, put together byte by byte."""
    head = bytes((kind, 0, len(payload) & 255, len(payload) >> 8, sequence & 255, sequence >> 8, session & 255, session >> 8))
    body = head + payload + b"\0" * (-len(payload) % 4)
    return body + crc32(body).to_bytes(4, "little")


@dataclass
class Reference:
    """A device. told: what it does, in words: "push", "again" or "reply", and the answer's bytes."""

    exchange: Exchange
    core: Core
    version: tuple[int, int, int]
    holder: int = 0
    turn: int = 0
    past: list[tuple[int, bytes]] = field(default_factory=list)
    rest: bytes = b""
    refused: int = 0
    told: list[tuple[str, bytes]] = field(default_factory=list)

    def ask(self, kind: int, sequence: int, session: int, payload: bytes) -> None:
        """One request that came whole."""
        ours = session == self.holder != 0
        seeded = self.exchange.seeded
        if kind == 1 and len(payload) == 4:
            self.reply(0x81, sequence, session, payload + self.about())
        elif kind in (5, 6) and not payload and (ours or self.holder == 0):
            if kind == 5 and not ours:
                self.holder, self.turn, self.past, self.rest = session, 0, [], b""
                self.core.reset(None)
            elif kind == 6:
                self.holder = 0
            self.reply(kind + 128, sequence, session, b"")
        elif kind in (1, 5, 6):
            self.refuse(8 if kind == 1 or payload else 11, sequence, session)
        elif kind not in (2, 3, 4) or (kind == 4 and not seeded):
            self.refuse(7, sequence, session)
        elif not ours:
            self.refuse(11, sequence, session)
        elif sequence != self.turn:
            known = dict(self.past[-self.exchange.window :])
            if sequence in known:
                self.told.append(("again", known[sequence]))
            else:
                self.refuse(9, sequence, session)
        else:
            self.execute(kind, sequence, session, payload)

    def execute(self, kind: int, sequence: int, session: int, payload: bytes) -> None:
        """One whose turn it is."""
        results = b""
        if kind == 2:
            size = (self.exchange.frame_bytes + 3) // 4 * 4
            frames = (len(self.rest) + len(payload)) // size
            room = 1460 // ((self.exchange.result_bytes + 3) // 4 * 4)
            if not payload or len(payload) % 4 or frames > min(room, 255):
                return self.refuse(8, sequence, session)
            held = self.rest + payload
            for number in range(frames):
                one = self.core.run(held[number * size :][: self.exchange.frame_bytes])
                results += one + b"\0" * (-len(one) % 4)
            self.rest = held[frames * size :]
        elif len(payload) != (8 if kind == 4 else 0):
            return self.refuse(8, sequence, session)
        else:
            self.rest = b""
            self.core.reset(int.from_bytes(payload, "little") if kind == 4 else None)
        answer = message(kind + 128, sequence, session, results)
        self.past.append((sequence, answer))
        self.turn = (self.turn + 1) % 65536
        self.told.append(("push", answer))
        return None

    def reply(self, kind: int, sequence: int, session: int, payload: bytes) -> None:
        """At once."""
        self.told.append(("reply", message(kind, sequence, session, payload)))

    def refuse(self, reason: int, sequence: int, session: int) -> None:
        """With the number whose turn it is."""
        self.reply(255, sequence, session, bytes((reason, 0, self.turn & 255, self.turn >> 8)))

    def about(self) -> bytes:
        """Of the device."""
        exchange = self.exchange
        most = min(1460 // ((exchange.result_bytes + 3) // 4 * 4), 255)
        own = bytes((2, *self.version, self.turn & 255, exchange.window, most, exchange.seeded))
        sizes = exchange.frame_bytes.to_bytes(2, "little") + exchange.result_bytes.to_bytes(2, "little")
        counters = b"".join(value.to_bytes(4, "little") for value in (*self.core.counters()[:4], self.refused))
        return own + sizes + MODEL + counters + bytes(8)
