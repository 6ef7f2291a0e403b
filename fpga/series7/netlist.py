"""What the cells of a mapped 7-series netlist are, and what counts as a logic level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ..netlist import START, Cell, Netlist, Way, inputs, later, latest, outputs

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

CLOCKS = {"CLK", "C", "WCLK", "CLKARDCLK", "CLKBWRCLK"}


class Series7Netlist(Netlist):
    """A netlist of LUT1 to LUT6, MUXF7/8, CARRY4, FD*E, SRL*, RAM*M, RAMB* and DSP48E1.

    One LUT with the MUXF7/8 behind it is a level; so is a carry chain of up to eight CARRY4, the LUT before it not included;
    distributed memory counts as a LUT from address to output. Block RAM and DSP are ends of paths.

    luts, memories: LUT6 and RAMB36 that a cell occupies; multiplier: the cell that multiplies.
    """

    luts: ClassVar[Mapping[str, int]] = LUTS
    memories: ClassVar[Mapping[str, float]] = BRAM36
    multiplier: ClassVar[str] = "DSP48E1"

    def uses(self, counts: Counter[str]) -> Mapping[str, float]:
        return {
            "lut": sum(self.luts.get(kind, 0) * n for kind, n in counts.items()),
            "ff": sum(n for kind, n in counts.items() if kind.startswith("FD")),
            "bram36": sum(self.memories.get(kind, 0.0) * n for kind, n in counts.items()),
            "dsp": counts[self.multiplier],
            "carry4": counts["CARRY4"],
        }

    def kind(self, cell: Cell) -> str:
        return "lut" if cell["type"] in self.luts else "register" if cell["type"].startswith("FD") else ""

    def combinational(self, cell: Cell) -> bool:
        kind = cell["type"]
        return kind.startswith(("LUT", "MUXF", "RAM32", "RAM64", "RAM128")) or kind in ("CARRY4", "INV")

    def clocked_by(self, pin: str) -> bool:
        return pin in CLOCKS

    def entries(self, cell: Cell) -> list[str]:
        """Of memories only the read addresses."""
        pins = inputs(cell)
        return [pin for pin in pins if pin.startswith(("ADDR", "DPRA", "A"))] if cell["type"].startswith("RAM") else pins

    def leave(self, cell: Cell, arrival: Mapping[Any, Way]) -> Iterator[tuple[str, Way]]:
        if cell["type"] == "CARRY4":
            way = _carried(cell, arrival)
        elif cell["type"] in ("MUXF7", "MUXF8"):
            way = max(latest(arrival, cell, ("I0", "I1"), 0), latest(arrival, cell, ("S",), 1), key=later)
        else:
            way = latest(arrival, cell, self.entries(cell), 1)
        for pin in outputs(cell):
            lower = (cell["type"], pin) == ("LUT6_2", "O5")
            yield pin, latest(arrival, cell, _read_by_o5(cell), 1) if lower else way


def _carried(cell: Cell, arrival: Mapping[Any, Way]) -> Way:
    """How a CARRY4 is left: it begins a level, or prolongs a chain that is not too long yet."""
    way = latest(arrival, cell, ("S", "DI", "CYINIT"), 1)._replace(chain=1)
    for net in cell["connections"].get("CI", []):
        before = arrival.get(net, START)
        if before.chain:
            more = before.chain == CARRIES_PER_LEVEL
            way = max(way, Way(before.level + 1, 1, net) if more else Way(before.level, before.chain + 1, net), key=later)
    return way


def _read_by_o5(cell: Cell) -> list[str]:
    """Input pins that the lower output of a LUT6_2 depends on: the lower half of its table tells."""
    table = int(cell["parameters"]["INIT"], 2)
    return [f"I{pin}" for pin in range(5) if any((table >> i ^ table >> (i ^ 1 << pin)) & 1 for i in range(32))]
