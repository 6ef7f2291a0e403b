"""MyHDL in a fraction of its time: what it looks up, or counts anew, for every instance or value is found once."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, lru_cache
from types import CodeType
from typing import Any
from unittest.mock import patch

import myhdl
from myhdl import _bin


@lru_cache(4096)
def binary(number: int) -> str:
    """A number in binary, a negative one as its shortest two's complement.

    Takes the place of MyHDL's own, which divides bit by bit, and which is asked for the length of every bound that a value has.
    """
    return f"{number:b}" if number >= 0 else f"{number % (1 << (~number).bit_length() + 1):b}"


_bin._int2bitstring = binary


class _QuickInspect:
    """The inspect module, which looks up the source of a piece of code once.

    MyHDL asks for the stack once per block and generator, of whose source lines it makes no use, and for the source of every
    generator, which is the same for all instances of a block; looking them up is most of the time of an elaboration.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(inspect, name)

    @staticmethod
    def getsourcefile(function: Any) -> str | None:
        return _source(function.__code__)[0]

    @staticmethod
    def getsourcelines(function: Any) -> tuple[list[str], int]:
        return _source(function.__code__)[1]

    @classmethod
    def getsource(cls, function: Any) -> str:
        return "".join(cls.getsourcelines(function)[0])

    @staticmethod
    def stack() -> list[tuple[Any, ...]]:
        frames: list[tuple[Any, ...]] = []
        frame = sys._getframe(1)
        while frame is not None and len(frames) < 8:  # MyHDL looks at most five frames up
            frames.append((frame, frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, None, None))
            frame = frame.f_back  # type: ignore[assignment]
        return frames


@cache
def _source(code: CodeType) -> tuple[str | None, tuple[list[str], int]]:
    """A piece of code's file, and its lines with the number of the first."""
    return inspect.getsourcefile(code), inspect.getsourcelines(code)


_dedent = cache(myhdl._util._dedent)


@contextmanager
def quick_elaboration() -> Iterator[None]:
    """Elaborate and convert blocks inside this context in a fraction of the time."""
    with ExitStack() as stack:
        for module in (myhdl._block, myhdl._instance, myhdl._util, myhdl._Waiter):
            stack.enter_context(patch.object(module, "inspect", _QuickInspect()))
        stack.enter_context(patch.object(myhdl._util, "_dedent", _dedent))
        yield
