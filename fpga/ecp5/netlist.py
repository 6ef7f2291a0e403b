"""Cells of ECP5 in a mapped netlist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ..netlist import START, Cell, Netlist, Way, inputs, later, latest, outputs

COMBS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}
"""LUT4 that each cell occupies; a memory of 16 words of 4 bits has four, and two more to write it (FPGA-TN-02205)."""

END_OF_CHAIN = 2
"""LUT4 by which nextpnr prolongs a carry chain at either end that is connected: it takes a cell to get in or out."""

CARRIES_PER_LEVEL = 16
"""CCU2C of one chain that count as one logic level."""

CLOCKS = {"CLK", "WCK", "CLKA", "CLKB", "CLK0", "CLK1", "CLK2", "CLK3", "CLKI"}


class Ecp5Netlist(Netlist):
    """A netlist of LUT4, PFUMX, L6MUX21, CCU2C, TRELLIS_FF, TRELLIS_DPR16X4, DP16KD and MULT18X18D.

    One LUT with the multiplexers behind it is a level; so is a carry chain of up to sixteen CCU2C, which begins with LUTs of its
    own; distributed memory counts as a LUT from address to output. Block RAM and multipliers are ends of paths.
    """

    def uses(self, counts: Counter[str]) -> Mapping[str, float]:
        return {
            "lut": sum(COMBS.get(kind, 0) * n for kind, n in counts.items()) + END_OF_CHAIN * self.ends,
            "ff": counts["TRELLIS_FF"],
            "bram36": counts["DP16KD"] / 2,
            "dsp": counts["MULT18X18D"],
            "carry4": counts["CCU2C"] // 2,
        }

    @property
    def ends(self) -> int:
        """Ends of carry chains that are connected to something."""
        carries = {name: cell for name, cell in self.cells.items() if cell["type"] == "CCU2C"}
        carried = {net for cell in carries.values() for net in cell["connections"].get("COUT", [])}
        loose = loose_ends(self.cells)
        begun = [name for name, cell in carries.items() if not set(cell["connections"].get("CIN", [])) & carried]
        taken = {net for cell in carries.values() for net in cell["connections"].get("CIN", [])}
        ended = [name for name, cell in carries.items() if not set(cell["connections"].get("COUT", [])) & taken]
        return sum((name, "CIN") not in loose for name in begun) + sum((name, "COUT") not in loose for name in ended)

    def kind(self, cell: Cell) -> str:
        return "lut" if cell["type"] in ("LUT4", "TRELLIS_DPR16X4") else "register" if cell["type"] == "TRELLIS_FF" else ""

    def combinational(self, cell: Cell) -> bool:
        return cell["type"] in ("LUT4", "PFUMX", "L6MUX21", "CCU2C", "TRELLIS_DPR16X4")

    def clocked_by(self, pin: str) -> bool:
        return pin in CLOCKS

    def entries(self, cell: Cell) -> list[str]:
        """Of memories only the read addresses."""
        pins = inputs(cell)
        return [pin for pin in pins if pin.startswith("RAD")] if cell["type"] == "TRELLIS_DPR16X4" else pins

    def leave(self, cell: Cell, arrival: Mapping[Any, Way]) -> Iterator[tuple[str, Way]]:
        if cell["type"] == "CCU2C":
            way = _carried(cell, arrival)
        elif cell["type"] == "PFUMX":
            way = max(latest(arrival, cell, ("ALUT", "BLUT"), 0), latest(arrival, cell, ("C0",), 1), key=later)
        elif cell["type"] == "L6MUX21":
            way = max(latest(arrival, cell, ("D0", "D1"), 0), latest(arrival, cell, ("SD",), 1), key=later)
        else:
            way = latest(arrival, cell, self.entries(cell), 1)
        for pin in outputs(cell):
            yield pin, way


def loose_ends(cells: Mapping[str, Cell]) -> set[tuple[str, str]]:
    """Pins of CCU2C, by cell, that need no net: what it carries goes nowhere, or a constant carried to it goes no further."""
    taken = {
        net
        for cell in cells.values()
        for pin, nets in cell["connections"].items()
        if cell["port_directions"].get(pin) == "input"
        for net in nets
    }
    found = set()
    for name, cell in cells.items():
        if cell["type"] == "CCU2C":
            pins = cell["connections"]
            if not set(pins.get("COUT", [])) & taken:
                found.add((name, "COUT"))
            # with C at 1 and D at 0 it looks up the second four entries; where all are 0 it carries something of its own, and
            # what was carried to it is its sum
            own = (pins.get("C0"), pins.get("D0")) == (["1"], ["0"]) and cell["parameters"]["INIT0"][8:12] == "0000"
            unread = not set(pins.get("S0", [])) & taken
            if own and unread and pins.get("CIN", ["x"])[0] in ("0", "1", "x"):
                found.add((name, "CIN"))
    return found


def _carried(cell: Cell, arrival: Mapping[Any, Way]) -> Way:
    """How a CCU2C is left: it begins a level, or prolongs a chain that is not too long yet."""
    way = latest(arrival, cell, [f"{letter}{half}" for letter in "ABCD" for half in "01"], 1)._replace(chain=1)
    for net in cell["connections"].get("CIN", []):
        before = arrival.get(net, START)
        if before.chain:
            more = before.chain == CARRIES_PER_LEVEL
            way = max(way, Way(before.level + 1, 1, net) if more else Way(before.level, before.chain + 1, net), key=later)
    return way
