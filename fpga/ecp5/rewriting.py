"""What a pass of our own looks at: the cells of a design's modules, as Yosys writes them in JSON."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Cell = dict[str, Any]


def modules(design: Any) -> Iterator[tuple[Any, dict[str, Cell]]]:
    """Each module of a design that is no library's, and its cells by name."""
    from pyosys import libyosys

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "netlist.json"
        libyosys.run_pass(f"write_json -selected {file}", design)
        found = json.loads(file.read_text())["modules"]
    for module in design.selected_modules():
        yield module, found[module.name.str().removeprefix("\\")]["cells"]


def identifier(name: str) -> Any:
    """A cell's, a pin's or a parameter's name as Yosys has it."""
    from pyosys import libyosys

    return libyosys.IdString(name if name[0] in "$\\" else f"\\{name}")
