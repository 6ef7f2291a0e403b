"""A bad network: a UDP socket before another, that loses, doubles, delays and changes datagrams, in both directions."""

from __future__ import annotations

import contextlib
import heapq
import random
import socket
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

TURNED = 0.004
"""Seconds at the most by which a datagram comes late: enough for many others to overtake it."""


@dataclass(frozen=True)
class Faults:
    """Probabilities, per datagram: that it is lost, comes twice, comes late, has a byte changed."""

    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    changed: float = 0.0


class BadNetwork:
    """Datagrams between `address` and another address. count: how many went in; hit: those that something happened to."""

    def __init__(self, other: tuple[str, int], faults: Faults, seed: int) -> None:
        self.faults, self.count, self.hit = faults, 0, 0
        self._random, self._other = random.Random(seed), other
        self._near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._near.bind(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._near.getsockname()
        self._far: dict[tuple[str, int], socket.socket] = {}
        self._due: list[tuple[float, int, bytes, socket.socket, tuple[str, int]]] = []
        self._stopping, self._number = False, 0
        self._lock = threading.Condition()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._listen, self._deliver)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopping = True
        with self._lock:
            self._lock.notify_all()
        for file in (self._near, *self._far.values()):
            file.shutdown(socket.SHUT_RDWR) if file is not self._near else None
            file.close()

    def _listen(self) -> None:
        while not self._stopping:
            try:
                data, sender = self._near.recvfrom(2048)
            except OSError:
                return
            if sender not in self._far:  # a socket for each who asks, so that answers find their way
                far = self._far[sender] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                far.connect(self._other)
                threading.Thread(target=self._return, args=(far, sender), daemon=True).start()
            self._pass(data, self._far[sender], self._other)

    def _return(self, far: socket.socket, sender: tuple[str, int]) -> None:
        while not self._stopping:
            try:
                data = far.recv(2048)
            except ConnectionRefusedError:
                continue
            except OSError:
                return
            self._pass(data, self._near, sender)

    def _pass(self, data: bytes, through: socket.socket, to: tuple[str, int]) -> None:
        with self._lock:
            self.count += 1
            chance, faults = self._random.random(), self.faults
            copies, when = 1, time.monotonic()
            for probability, kind in (
                (faults.lost, "lost"),
                (faults.doubled, "doubled"),
                (faults.late, "late"),
                (faults.changed, "changed"),
            ):
                if chance < probability:
                    self.hit += 1
                    copies = {"lost": 0, "doubled": 2}.get(kind, 1)
                    if kind == "late":
                        when += self._random.random() * TURNED
                    if kind == "changed":
                        place = self._random.randrange(len(data))
                        data = data[:place] + bytes((data[place] ^ self._random.randrange(1, 256),)) + data[place + 1 :]
                    break
                chance -= probability
            for _ in range(copies):
                self._number += 1
                heapq.heappush(self._due, (when, self._number, data, through, to))
            self._lock.notify_all()

    def _deliver(self) -> None:
        with self._lock:
            while not self._stopping:
                now = time.monotonic()
                while self._due and self._due[0][0] <= now:
                    _, _, data, through, to = heapq.heappop(self._due)
                    with contextlib.suppress(OSError):  # whoever it is to may have gone
                        through.sendto(data, to) if through is self._near else through.send(data)
                self._lock.wait(self._due[0][0] - now if self._due else None)
