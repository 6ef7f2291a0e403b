"""Registers that drive many cells are there several times: a wire across the device is what limits the clock.

nextpnr makes no copies of its own. Loads are parted in the order of their names, so that those of one lane, or of one memory,
share a copy. What enables or clears registers has wires of its own, and stays where it is.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from .output_registers import identified

Cell = dict[str, Any]

MOST_LOADS = 16
"""Of a register that has no copy."""

CONTROL = {"CE", "LSR", "CLK"}


def copied_registers(design: Any) -> None:
    """Copy them, in a design of mapped modules."""
    from pyosys import libyosys

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "netlist.json"
        libyosys.run_pass(f"write_json {file}", design)
        modules = json.loads(file.read_text())["modules"]
    for module in design.selected_modules():
        for register, groups in crowded(modules[module.name.str().removeprefix("\\")]["cells"]).items():
            original = module.cell(identified(register))
            driven = original.getPort(libyosys.IdString("\\Q"))
            for number, loads in enumerate(groups, 1):
                wire = module.addWire(identified(f"{register}_copy{number}_Q"), 1)
                copy = module.addCell(identified(f"{register}_copy{number}"), original)
                copy.setPort(libyosys.IdString("\\Q"), libyosys.SigSpec(wire))
                for name, pin in loads:
                    load, port = module.cell(identified(name)), libyosys.IdString(f"\\{pin}")
                    bits = load.getPort(port)
                    bits.replace(driven, libyosys.SigSpec(wire))
                    load.setPort(port, bits)


def crowded(cells: dict[str, Cell]) -> dict[str, list[list[tuple[str, str]]]]:
    """Registers of Yosys' JSON with too many loads, and for each copy the pins, by cell, that it is to drive."""
    loads: dict[Any, set[tuple[str, str]]] = defaultdict(set)
    for name, cell in cells.items():
        for pin, nets in cell["connections"].items():
            if cell["port_directions"].get(pin) == "input" and pin not in CONTROL:
                for net in nets:
                    loads[net].add((name, pin))
    found = {}
    for name, cell in cells.items():
        if cell["type"] == "TRELLIS_FF":
            pins = sorted(loads[cell["connections"]["Q"][0]], key=_natural)
            parts = -(-len(pins) // MOST_LOADS)
            if parts > 1:
                ends = [len(pins) * part // parts for part in range(parts + 1)]
                found[name] = [pins[low:high] for low, high in pairwise(ends[1:])]
    return found


def _natural(load: tuple[str, str]) -> list[tuple[int, str]]:
    """The order of names in which lane 10 comes behind lane 9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", ".".join(load))]
