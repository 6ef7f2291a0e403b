"""Runs a Yosys script in this process: python -m sigmabit.fpga.yosys SCRIPT.

Passes that look for patterns around certain cells take time that grows with the square of the design, and others read large
libraries. Where there is no such cell, they would find nothing, and are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from pyosys import libyosys

from .targets import TARGETS

PATTERNS = dict(chain.from_iterable(target.patterns.items() for target in TARGETS))
"""Beginnings of commands, and how the types of the cells begin without which they find nothing."""


PASSES = dict(chain.from_iterable(target.passes.items() for target in TARGETS))
"""Commands that are none of Yosys'."""


def commands(script: Path) -> Iterator[str]:
    """The commands of a script, and of those that it runs."""
    for line in script.read_text().splitlines():
        command = line.strip()
        if command.startswith("script "):
            yield from commands(Path(command.removeprefix("script ")))
        elif command and not command.startswith("#"):
            yield command


def main(script: Path) -> None:
    """Run a script's commands one by one."""
    design = libyosys.Design()
    for command in commands(script):
        if command in PASSES:
            PASSES[command](design)
            continue
        cells = tuple(kind for start, kind in PATTERNS.items() if command.startswith(start))
        if not cells or any(kind.startswith(cells) for kind in _types(design)):
            libyosys.run_pass(command, design)


def _types(design: libyosys.Design) -> set[str]:
    """The types of all cells."""
    return {cell.type.str().removeprefix("\\") for module in design.selected_modules() for cell in module.selected_cells()}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
