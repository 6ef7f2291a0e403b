"""A pipeline as Yosys maps it to a device's primitives, simulated: is it still what the network computes, and what toggles?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.netlist import Area, Netlist
from sigmabit.fpga.synthesis import as_verilog
from sigmabit.fpga.targets import target_of
from sigmabit.golden import InputError
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.verilog.convert import Design, Module

from . import Measured, Noise, SimulationError
from .activity import nets
from .job import Progress, Toggles, converted, job
from .verilator import HARNESS, compiled, execute, header, recording

RECORD, PERIOD_PS = "toggles.saif", 1000
"""The file of toggles, and what a cycle is said to take there."""


@dataclass(frozen=True, eq=False)
class Gates:
    """What the netlist gave, what it consists of, and how many nets toggle in a cycle.

    lut_rate: of the outputs of LUTs, both of one with two counted, for each LUT. register_rate: of registers, for each. Carry
    chains are left out: what they drive is, for the most part, in the same slice.
    """

    measured: Measured
    area: Area
    lut_rate: float
    register_rate: float


def simulate_netlist(
    plan: Plan,
    codes: NDArray[np.integer],
    work: Path,
    noise: Noise | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Gates:
    """Map the plan's pipeline as a whole, and run frames (N, height, width, channels) through its netlist.

    Toggles are counted without delays, in the frames after the first plan.settling, which must not be all. work: a folder for
    what is made on the way. Raises SynthesisError; SimulationError; and InputError where the plan has block RAM or multipliers,
    of which there is no model.
    """
    target = target_of(plan.family)
    if target.unmodelled and (plan.cost.bram36 or plan.cost.dsp):
        held = f"block RAM or {plan.family.resources['dsp']}"
        raise InputError(f"{plan.network.name}: its plan has {held}, of which there is no model for simulation")
    progress("converting", 0, 0)
    design = converted(plan.variant())
    progress("synthesising", 0, 0)
    text, netlist = as_verilog(design.write(work / "verilog"), design.top, work, target)
    missing = sorted(target.unmodelled & set(netlist.area.cells))
    if missing:
        raise SimulationError(f"{design.top}: its netlist has {', '.join(missing)}, which cannot be simulated")
    cells = f"`timescale 1ps/1ps\n{target.models.read_text()}"
    flat = Design(design.top, {"cells": Module("cells", None, cells, ()), design.top: Module(design.top, None, text, ())})
    asked = job(plan, len(codes), noise=noise, toggles=Toggles(work / RECORD, plan.settling, PERIOD_PS))
    progress("building", 0, 0)
    options = [*recording(asked), "--trace-depth", "2", "--no-timing", "-Wno-fatal"]
    measured = execute(asked, compiled(flat, HARNESS, header(asked), options, optimise=0), codes, progress)
    return _rates(measured, netlist, work)


def _rates(measured: Measured, netlist: Netlist, work: Path) -> Gates:
    """Toggles of the nets that cells drive."""
    driver: dict[int, str] = {}
    for cell in netlist.cells.values():
        kind = netlist.kind(cell)
        for pin, way in cell["port_directions"].items():
            if way == "output" and kind:
                driver |= {bit: kind for bit in cell["connections"].get(pin, []) if isinstance(bit, int)}
    named = {(name, place): bit for name, net in netlist.module["netnames"].items() for place, bit in enumerate(net["bits"])}
    seen: dict[int, int] = {}
    cycles = 1
    with (work / RECORD).open() as raw, (work / f"{RECORD}.first").open() as first:
        for net in nets(raw, first):
            bit = named[net.name, int(net.place[2:-2]) if net.place else 0]
            if bit in driver:
                seen[bit] = net.toggles
            cycles = (net.low + net.high) // PERIOD_PS
    sums = {kind: sum(toggles for bit, toggles in seen.items() if driver[bit] == kind) / cycles for kind in ("lut", "register")}
    area = netlist.area
    return Gates(measured, area, sums["lut"] / area.lut, sums["register"] / area.ff)
