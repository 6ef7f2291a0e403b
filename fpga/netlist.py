"""A mapped netlist as Yosys writes it: what it uses, and how deep its logic is. What its cells are, a family knows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

Cell = dict[str, Any]
"""A cell of Yosys' JSON."""


class Way(NamedTuple):
    """How a net is reached: its level, cells of the carry chain that it comes from, 0 elsewhere, and the net before it."""

    level: int
    chain: int = 0
    before: Any = None


START = Way(0)
"""How a net is reached that a register or a port drives."""


@dataclass(frozen=True)
class Area:
    """LUTs, registers, block RAM of 36 Kb, multipliers, carry chains by four bits; levels; the most loads of a net but clocks."""

    lut: int
    ff: int
    bram36: float
    dsp: int
    carry4: int
    levels: int
    fan_out: int
    cells: dict[str, int] = field(default_factory=dict, compare=False)

    def including(self, other: Area, times: int) -> Area:
        """This area, and `times` another's, whose inputs may be the same nets."""
        return Area(
            self.lut + times * other.lut,
            self.ff + times * other.ff,
            self.bram36 + times * other.bram36,
            self.dsp + times * other.dsp,
            self.carry4 + times * other.carry4,
            max(self.levels, other.levels),
            max(self.fan_out, times * other.fan_out),
            dict(sorted((Counter(self.cells) + Counter({kind: times * n for kind, n in other.cells.items()})).items())),
        )


class Netlist:
    """One flat module of Yosys' JSON. A family says what its cells are."""

    def __init__(self, path: Path, top: str) -> None:
        self.module: dict[str, Any] = json.loads(path.read_text())["modules"][top]

    def uses(self, counts: Counter[str]) -> Mapping[str, float]:
        """The fields of an area that cells of these kinds come to: lut, ff, bram36, dsp, carry4."""
        raise NotImplementedError

    def kind(self, cell: Cell) -> str:
        """What drives a cell's outputs: "lut", "register", or "", which is everything else."""
        raise NotImplementedError

    def combinational(self, cell: Cell) -> bool:
        """Is there a path through the cell without a register?"""
        raise NotImplementedError

    def clocked_by(self, pin: str) -> bool:
        """Is a pin that of a clock?"""
        raise NotImplementedError

    def entries(self, cell: Cell) -> list[str]:
        """Input pins that a combinational path can enter by."""
        raise NotImplementedError

    def leave(self, cell: Cell, arrival: Mapping[Any, Way]) -> Iterator[tuple[str, Way]]:
        """How the nets of each output pin are reached, by how those before have been."""
        raise NotImplementedError

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """Cells by name; names of scopes left out."""
        return {name: cell for name, cell in self.module["cells"].items() if cell["type"] != "$scopeinfo"}

    @property
    def area(self) -> Area:
        """What the module uses."""
        counts = Counter(cell["type"] for cell in self.cells.values())
        unknown = [kind for kind in counts if kind.startswith("$")]
        if unknown:
            raise ValueError(f"cells that are not mapped: {', '.join(sorted(unknown))}")
        return Area(
            **self.uses(counts),  # type: ignore[arg-type]
            levels=self.levels,
            fan_out=max(self.fan_out.values(), default=0),
            cells=dict(sorted(counts.items())),
        )

    @property
    def levels(self) -> int:
        """Logic levels of the longest path between registers, or between a register and a port."""
        return max((way.level for way in self._arrival.values()), default=0)

    @property
    def deepest_path(self) -> list[str]:
        """The nets along a longest path, each with the kind of cell that drives it."""
        if not self._arrival:
            return []
        names = {net: name for name, entry in self.module["netnames"].items() for net in entry["bits"]}
        net: Any = max(self._arrival, key=lambda n: self._arrival[n].level)
        path = []
        while net is not None:
            kind = self.cells[self._driver[net]]["type"] if net in self._driver else "start"
            path.append(f"{names.get(net, net)} ({kind})")
            net = self._arrival[net].before if net in self._arrival else None
        return path[::-1]

    @cached_property
    def _arrival(self) -> dict[Any, Way]:
        """How each net behind combinational logic is reached."""
        arrival: dict[Any, Way] = {}
        for name in self._in_order:
            cell = self.cells[name]
            for pin, way in self.leave(cell, arrival):
                arrival.update(dict.fromkeys(cell["connections"][pin], way))
        return arrival

    @cached_property
    def _in_order(self) -> list[str]:
        """Combinational cells, each after those that drive it."""
        driver = self._driver
        order: list[str] = []
        state: dict[str, int] = {}
        for root in driver.values():
            stack = [(root, iter(self._below(root)))] if state.setdefault(root, 0) == 0 else []
            if stack:
                state[root] = 1
            while stack:
                name, below = stack[-1]
                following = next((d for d in below if state.get(d, 0) == 0), None)
                if following is None:
                    order.append(name)
                    state[name] = 2
                    stack.pop()
                else:
                    state[following] = 1
                    stack.append((following, iter(self._below(following))))
        return order

    @cached_property
    def _driver(self) -> dict[Any, str]:
        """The combinational cell that drives each net."""
        return {
            net: name
            for name, cell in self.cells.items()
            if self.combinational(cell)
            for pin in outputs(cell)
            for net in cell["connections"][pin]
        }

    def _below(self, name: str) -> list[str]:
        """The combinational cells that drive a cell."""
        cell, driver = self.cells[name], self._driver
        return [driver[net] for pin in self.entries(cell) for net in cell["connections"][pin] if net in driver]

    @cached_property
    def fan_out(self) -> dict[str, int]:
        """Loads of each net, clocks left out, by a name of the net."""
        names = {net: name for name, entry in self.module["netnames"].items() for net in entry["bits"]}
        loads: Counter[Any] = Counter(
            net
            for cell in self.cells.values()
            for pin in inputs(cell)
            if not self.clocked_by(pin)
            for net in cell["connections"][pin]
            if not isinstance(net, str)
        )
        return {str(names.get(net, net)): count for net, count in loads.most_common()}


def inputs(cell: Cell) -> list[str]:
    """Input pins that are connected."""
    return _connected(cell, "input")


def outputs(cell: Cell) -> list[str]:
    """Output pins that are connected."""
    return _connected(cell, "output")


def latest(arrival: Mapping[Any, Way], cell: Cell, pins: Iterable[str], levels: int) -> Way:
    """How a net is reached through so many levels of logic behind some pins of a cell."""
    nets = (net for pin in pins for net in cell["connections"].get(pin, []) if not isinstance(net, str))
    return max((Way(arrival.get(net, START).level + levels, 0, net) for net in nets), default=Way(levels))


def later(way: Way) -> tuple[int, int]:
    """By what one way is later than another."""
    return way.level, way.chain


def _connected(cell: Cell, wanted: str) -> list[str]:
    return [pin for pin, direction in cell["port_directions"].items() if direction == wanted and pin in cell["connections"]]
