"""What a mapped 7-series netlist uses, and how deep its logic is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

LUTS = {f"LUT{n}": 1 for n in range(1, 7)} | {
    "LUT6_2": 1,
    "INV": 1,
    "SRL16E": 1,
    "SRLC16E": 1,
    "SRLC32E": 1,
    "RAM32X1S": 1,
    "RAM64X1S": 1,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
    "RAM32M": 4,
    "RAM64M": 4,
}
"""LUT6 that each cell occupies; inverters, shift registers and distributed memories are LUTs too (UG474)."""

BRAM36 = {"RAMB36E1": 1.0, "RAMB18E1": 0.5}
"""RAMB36 that each cell occupies."""

CARRIES_PER_LEVEL = 8
"""CARRY4 of one chain that count as one logic level."""

SEQUENTIAL_PINS = {"CLK", "C", "WCLK", "CLKARDCLK", "CLKBWRCLK"}


@dataclass(frozen=True)
class Area:
    """LUT6, registers, RAMB36, DSP48, CARRY4, logic levels, and the most loads of a net that is no clock."""

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
    """One flat module of Yosys' JSON."""

    def __init__(self, path: Path, top: str) -> None:
        self.module: dict[str, Any] = json.loads(path.read_text())["modules"][top]

    @cached_property
    def cells(self) -> dict[str, dict[str, Any]]:
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
            lut=sum(LUTS.get(kind, 0) * n for kind, n in counts.items()),
            ff=sum(n for kind, n in counts.items() if kind.startswith("FD")),
            bram36=sum(BRAM36.get(kind, 0.0) * n for kind, n in counts.items()),
            dsp=counts["DSP48E1"],
            carry4=counts["CARRY4"],
            levels=self.levels,
            fan_out=max(self.fan_out.values(), default=0),
            cells=dict(sorted(counts.items())),
        )

    @property
    def levels(self) -> int:
        """Logic levels of the longest path between registers, or between a register and a port.

        One LUT with the MUXF7/8 behind it is a level; so is a carry chain of up to eight CARRY4, the LUT before it not
        included; distributed memory counts as a LUT from address to output. Block RAM and DSP are ends of paths.
        """
        return max((level for level, _, _ in self._arrival.values()), default=0)

    @property
    def deepest_path(self) -> list[str]:
        """The nets along a longest path, each with the kind of cell that drives it."""
        if not self._arrival:
            return []
        names = {net: name for name, entry in self.module["netnames"].items() for net in entry["bits"]}
        net: Any = max(self._arrival, key=lambda n: self._arrival[n][0])
        path = []
        while net is not None:
            kind = self.cells[self._driver[net]]["type"] if net in self._driver else "start"
            path.append(f"{names.get(net, net)} ({kind})")
            net = self._arrival[net][2] if net in self._arrival else None
        return path[::-1]

    @cached_property
    def _arrival(self) -> dict[Any, tuple[int, int, Any]]:
        """For each net behind combinational logic: its level, the CARRY4 so far in its chain, and the net before it."""
        arrival: dict[Any, tuple[int, int, Any]] = {}

        def latest(cell: dict[str, Any], pins: Sequence[str], cost: int) -> tuple[int, int, Any]:
            nets = [net for pin in pins for net in cell["connections"].get(pin, []) if not isinstance(net, str)]
            return max(((arrival.get(net, (0, 0, None))[0] + cost, 0, net) for net in nets), default=(cost, 0, None))

        def later(*ways: tuple[int, int, Any]) -> tuple[int, int, Any]:
            return max(ways, key=lambda way: way[:2])

        for name in self._in_order:
            cell = self.cells[name]
            if cell["type"] == "CARRY4":
                level, _, before = latest(cell, ("S", "DI", "CYINIT"), 1)
                way = (level, 1, before)
                for net in cell["connections"].get("CI", []):
                    level, length, _ = arrival.get(net, (0, 0, None))
                    if length:
                        more = length == CARRIES_PER_LEVEL
                        way = later(way, (level + 1, 1, net) if more else (level, length + 1, net))
            elif cell["type"] in ("MUXF7", "MUXF8"):
                way = later(latest(cell, ("I0", "I1"), 0), latest(cell, ("S",), 1))
            else:
                way = latest(cell, _inputs(cell), 1)
            for pin, nets in _outputs(cell):
                own = latest(cell, _read_by_o5(cell), 1) if (cell["type"], pin) == ("LUT6_2", "O5") else way
                arrival.update(dict.fromkeys(nets, own))
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
            net: name for name, cell in self.cells.items() if _combinational(cell) for _, nets in _outputs(cell) for net in nets
        }

    def _below(self, name: str) -> list[str]:
        """The combinational cells that drive a cell."""
        cell, driver = self.cells[name], self._driver
        return [driver[net] for pin in _inputs(cell) for net in cell["connections"][pin] if net in driver]

    @cached_property
    def fan_out(self) -> dict[str, int]:
        """Loads of each net, clocks left out, by a name of the net."""
        names = {net: name for name, entry in self.module["netnames"].items() for net in entry["bits"]}
        loads: Counter[Any] = Counter(
            net
            for cell in self.cells.values()
            for pin in _inputs(cell, everything=True)
            if pin not in SEQUENTIAL_PINS
            for net in cell["connections"][pin]
            if not isinstance(net, str)
        )
        return {str(names.get(net, net)): count for net, count in loads.most_common()}


def _combinational(cell: dict[str, Any]) -> bool:
    kind = cell["type"]
    return kind.startswith(("LUT", "MUXF", "RAM32M", "RAM64M", "RAM32X", "RAM64X", "RAM128X")) or kind in ("CARRY4", "INV")


def _inputs(cell: dict[str, Any], everything: bool = False) -> list[str]:
    """Input pins that a combinational path can enter by; memories only by their read addresses."""
    pins = [pin for pin, direction in cell["port_directions"].items() if direction == "input" and pin in cell["connections"]]
    if everything or not cell["type"].startswith("RAM"):
        return pins
    return [pin for pin in pins if pin.startswith(("ADDR", "DPRA", "A"))]


def _read_by_o5(cell: dict[str, Any]) -> list[str]:
    """Input pins that the lower output of a LUT6_2 depends on: the lower half of its table tells."""
    table = int(cell["parameters"]["INIT"], 2)
    return [f"I{pin}" for pin in range(5) if any((table >> i ^ table >> (i ^ 1 << pin)) & 1 for i in range(32))]


def _outputs(cell: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    for pin, direction in cell["port_directions"].items():
        if direction == "output" and pin in cell["connections"]:
            yield pin, cell["connections"][pin]
