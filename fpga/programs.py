"""Programs that this one starts, such as compilers, simulators and Yosys: they end when it does, however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

GUARD = Path(__file__).with_name("guard.py")


@cache
def _lifeline() -> tuple[int, int]:
    """A pipe that closes with this process: its ends to read and to write."""
    return os.pipe()


def start(command: Sequence[str], **how: Any) -> subprocess.Popen[Any]:
    """As subprocess.Popen, of a program whose whole tree of processes ends with this process, or when it is terminated."""
    reader, _ = _lifeline()
    guarded = [sys.executable, "-I", "-S", str(GUARD), str(reader), *command]
    return subprocess.Popen(guarded, start_new_session=True, pass_fds=(reader,), **how)


@contextmanager
def running(command: Sequence[str], **how: Any) -> Iterator[subprocess.Popen[Any]]:
    """The same, ended on the way out."""
    with start(command, **how) as process:
        try:
            yield process
        finally:
            process.terminate()


def call(command: Sequence[str], **how: Any) -> int:
    """Run a program to its end; its exit status, 128 and more where a signal ended it."""
    with running(command, **how) as process:
        return process.wait()


def end_all() -> None:
    """End whatever was started and is still there; what is started from now on ends at once."""
    _, writer = _lifeline()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, writer)
    os.close(nowhere)
