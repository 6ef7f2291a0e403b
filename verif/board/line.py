"""A bad line: a pseudo-terminal before another, that changes, drops and doubles bytes on the way, in both directions."""

from __future__ import annotations

import os
import random
import select
import threading
import tty
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Damage:
    """Probabilities, per byte: that it is changed, dropped, doubled; and that the bytes from it on, up to 40, are changed."""

    changed: float = 0.0
    dropped: float = 0.0
    doubled: float = 0.0
    burst: float = 0.0


class DamagedLine:
    """Bytes between `port`, to be opened, and another port. frames: how many went in, in both directions; damaged: among them."""

    def __init__(self, other: str, damage: Damage, seed: int) -> None:
        self.damage, self.frames, self.damaged = damage, 0, 0
        self._random = random.Random(seed)
        self._other = os.open(other, os.O_RDWR | os.O_NOCTTY)
        self._far, self._near = os.openpty()
        tty.setraw(self._near)
        self.port = os.ttyname(self._near)
        self._left = {self._far: 0, self._other: 0}
        self._hits, self._length = dict(self._left), dict(self._left)
        self._stop, self._stopped = os.pipe()
        self._pump = threading.Thread(target=self._run, name="line", daemon=True)
        self._pump.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.write(self._stopped, b"!")
        self._pump.join()
        for file in (self._stop, self._stopped, self._far, self._near, self._other):
            os.close(file)

    def _run(self) -> None:
        waiting = {self._far: b"", self._other: b""}
        while True:
            readers = [self._stop, *(file for file, held in waiting.items() if not held)]
            targets = {self._other: self._far, self._far: self._other}
            writers = [targets[file] for file, held in waiting.items() if held]
            readable, writable, _ = select.select(readers, writers, [])
            if self._stop in readable:
                return
            for file in readable:
                waiting[file] = self._damaged(file, os.read(file, 512))
            for target in writable:
                source = targets[target]
                waiting[source] = waiting[source][os.write(target, waiting[source][:256]) :]

    def _count(self, source: int, byte: int) -> None:
        """A frame ends with a zero; one that is hit after that zero is another."""
        if byte:
            self._length[source] += 1
            return
        if self._length[source]:
            self.frames += 1
            self.damaged += self._hits[source] > 0
        self._length[source] = self._hits[source] = 0

    def _damaged(self, source: int, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            self._count(source, byte)
            chance = self._random.random()
            if self._left[source]:
                self._left[source] -= 1
                self._hits[source] += 1
                out.append(self._random.randrange(256))
                continue
            for probability, result in (
                (self.damage.changed, bytes([byte ^ self._random.randrange(1, 256)])),
                (self.damage.dropped, b""),
                (self.damage.doubled, bytes([byte, byte])),
            ):
                if chance < probability:
                    self._hits[source] += 1
                    out += result
                    break
                chance -= probability
            else:
                if chance < self.damage.burst:
                    self._left[source] = self._random.randrange(40)
                out.append(byte)
        return bytes(out)
