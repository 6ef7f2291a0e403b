"""The entry point of the `sigmabit` command: signals first, then the modules, which may take a second or two."""

from __future__ import annotations

import contextlib
import os
import sys
from io import TextIOWrapper
from typing import TextIO

from . import signals

FAILED = 1
"""Exit status after a comparison or a simulation that shows the hardware to be wrong. Nothing else ends with it."""

BAD_INPUT = 2
"""Exit status after an error that the user can mend."""

INTERRUPTED, PIPE_CLOSED = 130, 141
"""Exit statuses as a shell gives them for SIGINT and SIGPIPE; those of SIGHUP and SIGTERM are signals.Stopped's."""


def main() -> None:
    """Run the command line; what a user can mend becomes one sentence on standard error and status 2."""
    with signals.handled(signals.at_once):
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:  # whoever has started this has closed it
                setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for as long as this process lives
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # names of nodes and files may hold what the terminal cannot show
                stream.reconfigure(errors="backslashreplace")
        status = _run()
        _written(sys.stderr)
        sys.exit(status if _written(sys.stdout) else max(status, BAD_INPUT))


def _run() -> int:
    """Import what the command needs, and run it; its exit status."""
    import click

    from .group import PipeClosed, load, sigmabit

    try:
        load(sys.argv[1:])
        with signals.handled(signals.orderly):
            sigmabit.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        return _fail("interrupted", INTERRUPTED)
    except signals.Stopped as stopped:
        return _fail(str(stopped), stopped.status)
    except PipeClosed:
        return PIPE_CLOSED
    except click.ClickException as error:
        return _fail(error.format_message())
    except Exception as error:
        return _explained(error)
    return 0


def _explained(error: Exception) -> int:
    """What a user can mend, or what hardware has done wrong; the exit status. Whatever else it is, is raised."""
    from sigmabit.fpga.board import BoardError
    from sigmabit.golden import SigmabitError
    from sigmabit.verif.simulation import SimulationError

    match error:
        case SimulationError():
            return _fail(str(error), FAILED)
        case SigmabitError() | BoardError():
            return _fail(str(error))
        case MemoryError():
            return _fail("not enough memory for this")
        case OSError():
            file = error.filename or ("a file" if _written(sys.stdout) else "standard output")
            return _fail(f"{file}: {error.strerror or error}")
    raise error


def _fail(message: str, status: int = BAD_INPUT) -> int:
    from .interface.terminal import printable

    with contextlib.suppress(OSError):  # nobody may be there to read it
        print(f"error: {printable(' '.join(message.split()))}", file=sys.stderr, flush=True)
    return status


def _written(stream: TextIO) -> bool:
    """Has all of it gone where it was to go? If not, the rest goes nowhere, or Python would try again at the end."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return False
    return True


if __name__ == "__main__":
    main()
