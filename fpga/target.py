"""What Yosys has to know of a family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sigmabit.hdl.family import Family

from .netlist import Netlist
from .router import Router


@dataclass(frozen=True)
class Target:
    """How modules are mapped to the cells of a family, and what these are.

    family: whose cells these are. reading: options for reading sources, which choose among bodies. libraries: commands that read
    the cells, before any source. script: the passes, once the sources are read and the top is set. patterns: beginnings of passes
    that take long, and how the types of the cells begin that they look for. netlist: how the result is read. models: Verilog of
    what the cells do, but for those in unmodelled. router: what places and routes them; None where that is nothing here. passes:
    commands of the script that are none of Yosys', which take its design. body: the text of a module that does the same as the
    one of that name, in fewer cells; None where there is none.
    """

    family: Family
    reading: str
    libraries: tuple[str, ...]
    script: Path
    patterns: Mapping[str, str]
    netlist: type[Netlist]
    models: Path
    unmodelled: frozenset[str]
    router: Router | None = None
    passes: Mapping[str, Callable[[Any], None]] = field(default_factory=dict)
    body: Callable[[str], str | None] = lambda module: None
