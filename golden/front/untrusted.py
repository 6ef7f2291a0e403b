"""Files that others wrote: opened once, only where they are ordinary files of bounded size, and JSON without surprises."""

from __future__ import annotations

import json
import math
import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

from ..types.errors import SigmabitError

MAX_JSON_BYTES = 1 << 23
"""A plan of 20,000 layers has some 6 MB."""

LARGEST = 1e30
"""Of numbers in JSON, and of steps and ranges: far beyond what any has, and float32 holds it."""


@contextmanager
def opened(path: Path, most: int, error: type[SigmabitError]) -> Iterator[BufferedReader]:
    """An ordinary file of at most `most` bytes, to be read. Raises `error` for devices, pipes, folders, and where it cannot."""
    try:
        # a pipe without a writer would keep waiting whoever opens it
        file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    except OSError as failure:
        raise error(f"{path}: {failure.strerror or failure}") from None
    except ValueError as failure:  # a name that no file can have
        raise error(f"{str(path)!r}: {failure}") from None
    with file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise error(f"{path}: not an ordinary file")
        if found.st_size > most:
            raise error(f"{path}: {found.st_size} bytes, at most {most} are read")
        yield file


def content(path: Path, most: int, error: type[SigmabitError]) -> bytes:
    """All bytes of such a file."""
    with opened(path, most, error) as file:
        try:
            return file.read(most)
        except OSError as failure:
            raise error(f"{path}: {failure.strerror or failure}") from None


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text whose numbers are finite and of ordinary size, and whose keys are there once.

    Raises ValueError, which says what is wrong.
    """
    if len(text) > MAX_JSON_BYTES:
        raise ValueError(f"{len(text)} bytes, at most {MAX_JSON_BYTES} are read")
    try:
        value = json.loads(text, parse_int=_whole, object_pairs_hook=_object)
        _check("it", value)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("not JSON") from None
    return value


def _whole(digits: str) -> int | float:
    """As it is written; thousands of digits, which Python does not take, are infinite."""
    return int(digits) if len(digits) < 400 else float(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for key, value in pairs:
        _check(key, value)
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"{twice[:40]} is there twice")
    return found


def _check(name: str, value: Any) -> None:
    if isinstance(value, list):
        for entry in value:
            _check(name, entry)
    elif isinstance(value, int | float) and not abs(value) <= LARGEST:  # nan is not
        raise ValueError(f"{name[:40]} is {str(value)[:20]}, beyond {LARGEST:g}")


def ordinary(number: float) -> bool:
    """Is it zero, or finite and neither so small nor so large that float32 loses it?"""
    return number == 0 or (math.isfinite(number) and 1 / LARGEST <= abs(number) <= LARGEST)
