"""What ends a command from outside: Ctrl-C, SIGTERM, and SIGHUP when its terminal closes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SAID = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "its terminal was closed"}
"""The signals, and how a command says that one of them has ended it."""


class Stopped(BaseException):
    """A signal is to end the command. What it has begun is cleaned up on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(SAID[signal.Signals(number)])
        self.status = 128 + number


def at_once(number: int, _: FrameType | None) -> None:
    """A handler for as long as nothing has been begun: modules that are half imported could do anything with an exception."""
    os.write(2, f"error: {SAID[signal.Signals(number)]}\n".encode())
    os._exit(128 + number)


def orderly(number: int, _: FrameType | None) -> None:
    """A handler that ends all programs that were started, and raises KeyboardInterrupt or Stopped."""
    from sigmabit.fpga.programs import end_all

    end_all()
    raise KeyboardInterrupt if number == signal.SIGINT else Stopped(number)


@contextmanager
def handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let a handler have these signals, those left out that are ignored, as by nohup."""
    before = {number: signal.getsignal(number) for number in SAID}
    taken = {number: old for number, old in before.items() if old != signal.SIG_IGN}
    for number in taken:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in taken.items():
            signal.signal(number, old)
