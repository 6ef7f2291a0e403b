"""Blocks that become Verilog modules of their own.

MyHDL flattens what it converts. Here a block is marked as one of three kinds, and hdl/verilog/convert.py keeps the hierarchy:

* `leaf`: generators and flattened helper blocks, converted by MyHDL into one module;
* `composite`: nothing but instances, written out as instances;
* `written`: Verilog text given by its configuration, with a MyHDL twin for simulation, where Verilog is needed that MyHDL cannot
  write.

A module block has an argument `config`, a frozen dataclass whose `module` property names the module: equal configurations share
one module, unequal ones must not share a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import myhdl
from myhdl._block import _Block, _uniqueify_name, block_decorator

LEAF, COMPOSITE, WRITTEN = "leaf", "composite", "written"

_outlining: ContextVar[bool] = ContextVar("outlining", default=False)


class _ModuleDecorator(block_decorator):  # type: ignore[misc]
    """MyHDL's block decorator, which knows its kind and can leave out what is inside."""

    kind: str

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        # MyHDL counts the frames from here to the caller: nothing may come between
        name = _uniqueify_name(f"{self.func.__name__}{self.calls}")
        self.calls += 1
        hollow = _outlining.get() and self.kind != COMPOSITE
        function = _nothing if hollow else self.func
        instance = _Block(function, self, name, self.srcfile, self.srcline, self.skipname, *arguments, **named)
        instance.func = self.func
        instance.decorator = self
        return instance


def _nothing(*arguments: Any, **named: Any) -> list[Any]:
    return []


def _marked(kind: str) -> Callable[[Callable[..., Any]], Any]:
    def mark(function: Callable[..., Any]) -> Any:
        decorated = _ModuleDecorator(function)
        decorated.kind = kind
        return decorated

    return mark


leaf = _marked(LEAF)
composite = _marked(COMPOSITE)
written = _marked(WRITTEN)


def kind_of(instance: Any) -> str | None:
    """The kind of an elaborated block's module, or None for a helper that is flattened into its user."""
    decorator = getattr(instance, "decorator", None)
    return decorator.kind if decorator is not None else None


@contextmanager
def outline(wanted: bool = True) -> Iterator[None]:
    """Elaborate composites only: who is instantiated with what, without what is inside."""
    token = _outlining.set(wanted)
    try:
        yield
    finally:
        _outlining.reset(token)


def forget_elaborations() -> None:
    """Let go of all signals made so far; to be called when a simulation or a conversion is done with them.

    MyHDL lists every signal that a process ever made, keeps it in memory, and goes through all of them at the end of each
    simulation.
    """
    myhdl._simulator._signals.clear()


def listed(names: Sequence[str]) -> str:
    """Names with commas between them, for the text of a module: a few on a line, since tools bound the length of a line."""
    return ",\n    ".join(", ".join(names[start : start + 16]) for start in range(0, len(names), 16))
