"""Builds that are kept: made once, whole or not at all, and looked through each time before they are used."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .toolchain import ToolError

DIGESTS = "digests"
"""The file in a build that lists all others: digest, mode and name of each."""

UNFINISHED = ".unfinished-"
"""Between a build's name and a random word: a folder that somebody fills, or has left half filled."""


def kept(folder: Path, make: Callable[[Path], None]) -> Path:
    """`folder`, as make(fresh) has filled it: now, or earlier if nothing in it has changed since.

    Processes that want the same build at the same time wait for the first of them. What was left by those that were killed is
    removed. Raises ToolError where nothing can be written, and what `make` raises.
    """
    if undamaged(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _lock(folder, wait=True):
            if not undamaged(folder):
                _sweep(folder)
                _fill(folder, make)
    except OSError as error:
        where = error.filename or folder
        raise ToolError(f"{where}: cannot be written: {error.strerror}; SIGMABIT_CACHE names another folder for builds") from None
    return folder


def undamaged(folder: Path) -> bool:
    """Is a build there, with all its files as they were?"""
    try:
        return (folder / DIGESTS).read_bytes() == _listing(folder)
    except OSError:
        return False


def _listing(folder: Path) -> bytes:
    """A line for each file of a build, in order."""
    lines = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / DIGESTS):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        lines.append(f"{digest} {path.stat().st_mode:o} {path.relative_to(folder)}\n")
    return "".join(lines).encode()


def _fill(folder: Path, make: Callable[[Path], None]) -> None:
    """Make a build beside its place, then move it there."""
    fresh = Path(tempfile.mkdtemp(prefix=f"{folder.name}{UNFINISHED}", dir=folder.parent))
    try:
        make(fresh)
        (fresh / DIGESTS).write_bytes(_listing(fresh))
        _remove(folder)
        fresh.rename(folder)
    except BaseException:
        _remove(fresh)
        raise


def _sweep(own: Path) -> None:
    """Remove what lies unfinished beside a build that is locked, unless somebody is at work on it."""
    for left in own.parent.glob(f"*{UNFINISHED}*"):
        of = own.parent / left.name.partition(UNFINISHED)[0]
        if of == own:
            _remove(left)
            continue
        with _lock(of, wait=False) as free:
            if free:
                _remove(left)


@contextmanager
def _lock(folder: Path, wait: bool) -> Iterator[bool]:
    """Keep others from building the same; False where others do, and are not waited for. It ends with the process that has it."""
    with (folder.parent / f".{folder.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


def _remove(path: Path) -> None:
    """Away with a folder, or with what is in its place."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
