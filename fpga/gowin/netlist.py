"""Cells of Gowin's GW2A in a mapped netlist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ..netlist import START, Cell, Netlist, Way, inputs, later, latest, outputs

LUTS = ("LUT1", "LUT2", "LUT3", "LUT4")

MUXES = ("MUX2_LUT5", "MUX2_LUT6", "MUX2_LUT7", "MUX2_LUT8")

SHADOWED = {"RAM16SDP1": 8, "RAM16SDP2": 8, "RAM16SDP4": 8}
"""LUT4 that a memory of 16 words takes: a tile's, four for its words, and four that stay empty."""

MEMORIES = ("SP", "SPX9", "SDPB", "SDPX9B", "DPB", "DPX9B")
"""Block RAM."""

MULTIPLIERS = {"MULT9X9": 0.5, "MULT18X18": 1.0, "MULT36X36": 4.0}
"""MULT18X18 that each takes."""

CARRIES_PER_LEVEL = 32
"""ALU of one chain that count as one logic level."""

CLOCKS = {"CLK", "CLKA", "CLKB"}


class GowinNetlist(Netlist):
    """A netlist of LUT1 to LUT4, MUX2_LUT5 to MUX2_LUT8, ALU, DFF*, RAM16SDP*, block RAM and multipliers.

    What counts as a LUT4 is a place for one, as nextpnr fills it: by a LUT; by a bit of a carry chain; for a register that
    neither drives, since it has no other way in; by a memory. One LUT with the multiplexers behind it is a level; so is a carry
    chain of up to 32 ALU, which begins with LUTs of its own; distributed memory counts as a LUT from address to output. Block RAM
    and multipliers are ends of paths.
    """

    def uses(self, counts: Counter[str]) -> Mapping[str, float]:
        luts = sum(counts[kind] for kind in LUTS) + sum(SHADOWED.get(kind, 0) * n for kind, n in counts.items())
        return {
            "lut": luts + sum(self.chains) + self.lone,
            "ff": sum(n for kind, n in counts.items() if kind.startswith("DFF")),
            "bram36": sum(counts[kind] for kind in MEMORIES) / 2,
            "dsp": sum(counts[kind] * share for kind, share in MULTIPLIERS.items()),
            "carry4": counts["ALU"] // 4,
        }

    @property
    def chains(self) -> list[int]:
        """ALU of each carry chain, as nextpnr places it: with what gets in, and out where the carry is wanted; an even number."""
        users = Counter(net for cell in self.cells.values() for pin in inputs(cell) for net in cell["connections"][pin])
        after = {cell["connections"]["CIN"][0]: cell for cell in self.cells.values() if cell["type"] == "ALU"}
        before = {net for cell in after.values() for net in cell["connections"].get("COUT", []) if users[net] == 1}
        lengths = []
        for cell in after.values():
            if cell["connections"]["CIN"][0] in before:
                continue
            length, last = 2, cell
            while (net := last["connections"].get("COUT", [None])[0]) in after and users[net] == 1:
                last = after[net]
                length += 1
            length += users[net] > 0
            lengths.append(length + length % 2)
        return lengths

    @property
    def lone(self) -> int:
        """Registers that no LUT of their own, and no ALU, drives."""
        drivers = {net: cell["type"] for cell in self.cells.values() for pin in outputs(cell) for net in cell["connections"][pin]}
        users = Counter(net for cell in self.cells.values() for pin in inputs(cell) for net in cell["connections"][pin])
        given = [cell["connections"]["D"][0] for cell in self.cells.values() if cell["type"].startswith("DFF")]
        return sum(not ((drivers.get(net) in LUTS and users[net] == 1) or drivers.get(net) == "ALU") for net in given)

    def kind(self, cell: Cell) -> str:
        kind = cell["type"]
        return "lut" if kind in LUTS or kind in SHADOWED else "register" if kind.startswith("DFF") else ""

    def combinational(self, cell: Cell) -> bool:
        kind = cell["type"]
        return kind in LUTS or kind in MUXES or kind in SHADOWED or kind == "ALU"

    def clocked_by(self, pin: str) -> bool:
        return pin in CLOCKS

    def entries(self, cell: Cell) -> list[str]:
        """Of memories only the read addresses."""
        pins = inputs(cell)
        return [pin for pin in pins if pin.startswith("RAD")] if cell["type"] in SHADOWED else pins

    def leave(self, cell: Cell, arrival: Mapping[Any, Way]) -> Iterator[tuple[str, Way]]:
        if cell["type"] == "ALU":
            way = _carried(cell, arrival)
        elif cell["type"] in MUXES:
            way = max(latest(arrival, cell, ("I0", "I1"), 0), latest(arrival, cell, ("S0",), 1), key=later)
        else:
            way = latest(arrival, cell, self.entries(cell), 1)
        for pin in outputs(cell):
            yield pin, way


def _carried(cell: Cell, arrival: Mapping[Any, Way]) -> Way:
    """How an ALU is left: it begins a level, or prolongs a chain that is not too long yet."""
    way = latest(arrival, cell, ("I0", "I1", "I3"), 1)._replace(chain=1)
    for net in cell["connections"].get("CIN", []):
        before = arrival.get(net, START)
        if before.chain:
            more = before.chain == CARRIES_PER_LEVEL
            way = max(way, Way(before.level + 1, 1, net) if more else Way(before.level, before.chain + 1, net), key=later)
    return way
