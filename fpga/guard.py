"""Runs a program, and ends it with all that it has started when nobody is left who waits for it.

Run as a script, by programs.py: python guard.py LIFELINE COMMAND... LIFELINE is the reading end of a pipe whose writing end
closes with the process that waits, however that ends. SIGTERM ends the program, too; SIGUSR1 is passed on. The exit status is
the program's, as a shell gives it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

PATIENCE = 2.0
"""Seconds in which programs may remove what they have written half, before they are killed."""


def main(lifeline: int, command: list[str]) -> int:
    """Run the command in a process group of its own; its exit status."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, lambda *_: None)
    try:
        program = os.posix_spawnp(command[0], command, os.environ, setpgroup=0, setsigdef=[signal.SIGPIPE, signal.SIGXFSZ])
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 126
    status = _wait(lifeline, woken, program)
    _end(program)
    return status if status >= 0 else 128 - status


def _wait(lifeline: int, woken: int, program: int) -> int:
    """Until the program ends or is to end; its exit status, negative for a signal."""
    while True:
        ready, _, _ = select.select([lifeline, woken], [], [])
        signals = os.read(woken, 64) if woken in ready else b""
        if signal.SIGUSR1 in signals:
            os.kill(program, signal.SIGUSR1)
        if lifeline in ready or signal.SIGTERM in signals:
            return -signal.SIGTERM
        done, status = os.waitpid(program, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)


def _end(group: int) -> None:
    """End every process of a group that is still there, and wait until all are gone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                os.killpg(group, number)
                os.waitpid(-1, os.WNOHANG)  # or a program that has ended would count as one that is there
            except ProcessLookupError:
                return
            except ChildProcessError:
                pass
            time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
