"""Registers that stand behind all outputs of a block RAM or a multiplier are the ones inside it, which give their word sooner.

Without them a DP16KD takes 5.8 ns to its output, a MULT18X18D 3.9, and there is a wire to the register. Yosys knows neither.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from .rewriting import Cell, identifier, modules

WIDE = 36
"""Bits of a word that takes the outputs of both ports; port B then reads it."""


def output_registers(design: Any) -> None:
    """Use them, in a design of mapped modules."""
    from pyosys import libyosys

    for module, cells in modules(design):
        for memory, ports, registers in absorbed(cells):
            into = module.cell(identifier(memory))
            for port in ports:
                into.setParam(libyosys.IdString(f"\\REGMODE_{port}"), libyosys.Const("OUTREG"))
                into.setPort(libyosys.IdString(f"\\OCE{port}"), libyosys.SigSpec(True))
            _replace(module, into, registers)
        for multiplier, registers in multiplied(cells):
            into, behind = (module.cell(identifier(each)) for each in (multiplier, next(iter(registers.values()))))
            into.setParam(libyosys.IdString("\\REG_OUTPUT_CLK"), libyosys.Const("CLK0"))
            clocked = {
                "CLK0": behind.getPort(libyosys.IdString("\\CLK")),
                "CE0": libyosys.SigSpec(True),
                "RST0": libyosys.SigSpec(False),
            }
            for pin, signal in clocked.items():
                into.setPort(libyosys.IdString(f"\\{pin}"), signal)
            _replace(module, into, registers)


def _replace(module: Any, cell: Any, registers: dict[str, str]) -> None:
    """A cell's outputs are those of the registers behind them, which go."""
    from pyosys import libyosys

    for pin, register in registers.items():
        behind = module.cell(identifier(register))
        cell.setPort(libyosys.IdString(f"\\{pin}"), behind.getPort(libyosys.IdString("\\Q")))
        module.remove(behind)


def absorbed(cells: dict[str, Cell]) -> list[tuple[str, str, dict[str, str]]]:
    """Memories of Yosys' JSON that are read in every cycle, the ports whose registers are used, and by the pin of an output the
    register behind it, which takes it in every cycle of the same clock, is never cleared, and begins with 0.
    """
    loads, found = _loads(cells), []
    for name, cell in cells.items():
        if cell["type"] != "DP16KD":
            continue
        # the outputs of one register, all at once: of a port, or of both where a word takes both
        for ports in ("AB",) if _number(cell, "DATA_WIDTH_A") == WIDE == _number(cell, "DATA_WIDTH_B") else ("A", "B"):
            pins = {pin: nets[0] for pin, nets in cell["connections"].items() if pin[:2] == "DO" and pin[2] in ports}
            read = {pin: loads[net] for pin, net in pins.items() if loads[net]}
            clock = (cell["connections"][f"CLK{ports[-1]}"], cell["parameters"].get(f"CLK{ports[-1]}MUX", "CLK")[:3])
            always = cell["connections"][f"CE{ports[-1]}"] == ["1"]
            if read and always and all(len(to) == 1 and _plain(cells[to[0][0]], to[0][1], clock) for to in read.values()):
                found.append((name, ports, {pin: to[0][0] for pin, to in read.items()}))
    return found


def multiplied(cells: dict[str, Cell]) -> list[tuple[str, dict[str, str]]]:
    """Likewise of multipliers. The registers' clock rises."""
    loads, found = _loads(cells), []
    for name, cell in cells.items():
        if cell["type"] != "MULT18X18D":
            continue
        pins = {pin: nets[0] for pin, nets in cell["connections"].items() if pin[0] == "P"}
        read = {pin: loads[net] for pin, net in pins.items() if loads[net]}
        clock = next((cells[to[0][0]]["connections"].get("CLK") for to in read.values()), None)
        if clock and all(len(to) == 1 and _plain(cells[to[0][0]], to[0][1], (clock, "CLK")) for to in read.values()):
            found.append((name, {pin: to[0][0] for pin, to in read.items()}))
    return found


def _loads(cells: dict[str, Cell]) -> dict[Any, list[tuple[str, str]]]:
    """The cells and pins that take each net."""
    loads: dict[Any, list[tuple[str, str]]] = defaultdict(list)
    for name, cell in cells.items():
        for pin, nets in cell["connections"].items():
            if cell["port_directions"].get(pin) == "input":
                for net in nets:
                    loads[net].append((name, pin))
    return loads


def _plain(cell: Cell, pin: str, clock: tuple[Any, str]) -> bool:
    """Is this pin the input of a register as is wanted?"""
    if cell["type"] != "TRELLIS_FF" or pin != "DI":
        return False
    has, pins = cell["parameters"], cell["connections"]
    enabled = has.get("CEMUX", "1").strip() == "1"
    kept = pins.get("LSR", ["0"]) == ["0"] and has.get("LSRMUX", "LSR") == "LSR" and has.get("REGSET", "RESET") == "RESET"
    return enabled and kept and (pins["CLK"], has.get("CLKMUX", "CLK")[:3]) == clock


def _number(cell: Cell, parameter: str) -> int:
    return int(cell["parameters"][parameter], 2)
