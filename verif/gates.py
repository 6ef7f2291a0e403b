"""A pipeline as Yosys maps it to a device's primitives, simulated: is it still what the network computes, and what toggles?"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.netlist import Netlist
from sigmabit.fpga.synthesis import CELLS, as_verilog
from sigmabit.golden import Network
from sigmabit.hdl.convert import Design, Module
from sigmabit.hdl.plan import Plan

from .activity import nets
from .pipelines import Measured, Noise, SimulationError
from .pipelines.common import Progress, Toggles, converted, job
from .pipelines.verilator import HARNESS, compiled, execute, header, recording

OUTPUTS = {"O", "O5", "O6", "Q"}
"""Outputs of LUTs and registers."""

WITHOUT_MODEL = ("RAMB18E1", "RAMB36E1", "DSP48E1")
"""Cells whose library model leaves out what they do."""


@dataclass(frozen=True, eq=False)
class Gates:
    """What the netlist gave, and toggles in a cycle of a LUT's output and of a register, on average over all."""

    measured: Measured
    luts: int
    registers: int
    lut_rate: float
    register_rate: float


def simulate_netlist(
    network: Network,
    plan: Plan,
    codes: NDArray[np.integer],
    work: Path,
    noise: Noise | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Gates:
    """Map the plan's pipeline as a whole, and run frames (N, height, width, channels) through its netlist.

    Toggles are counted without delays, in the frames after the first plan.settling, which must not be all. work: a folder for
    what is made on the way. Raises SynthesisError and SimulationError, also where the pipeline has block RAM or DSP48, of which
    there is no model.
    """
    progress("converting", 0, 0)
    design = converted(plan.variant())
    progress("synthesising", 0, 0)
    text, netlist = as_verilog(design.write(work / "verilog"), design.top, work)
    missing = sorted(set(WITHOUT_MODEL) & set(netlist.area.cells))
    if missing:
        raise SimulationError(f"{design.top}: its netlist has {', '.join(missing)}, which cannot be simulated")
    cells = f"`timescale 1ps/1ps\n{CELLS.read_text()}"
    flat = Design(design.top, {"cells": Module("cells", None, cells, ()), design.top: Module(design.top, None, text, ())})
    asked = job(network, plan, len(codes), noise=noise, toggles=Toggles(work / "toggles.saif", plan.settling, 1000))
    progress("building", 0, 0)
    options = [*recording(asked), "--trace-depth", "2", "--no-timing", "-Wno-fatal"]
    measured = execute(asked, compiled(flat, HARNESS, header(asked), options, optimise=False), codes, progress)
    return _rates(measured, netlist, work / "toggles.saif")


def _rates(measured: Measured, netlist: Netlist, saif: Path) -> Gates:
    """Toggles of what drives each net."""
    driver: dict[int, str] = {}
    for cell in netlist.cells.values():
        kind = "lut" if cell["type"].startswith("LUT") else "register" if cell["type"].startswith("FD") else ""
        if kind:
            outputs = [bit for pin, bits in cell["connections"].items() if pin in OUTPUTS for bit in bits]
            driver |= {bit: kind for bit in outputs if isinstance(bit, int)}
    named = {(name, place): bit for name, net in netlist.module["netnames"].items() for place, bit in enumerate(net["bits"])}
    seen: dict[int, int] = {}
    cycles = 1
    with saif.open() as raw:
        for net in nets(raw):
            place = int(net.place[2:-2]) if net.place else 0
            bit = named[net.name, place]
            if bit in driver:
                seen[bit] = net.toggles
            cycles = (net.low + net.high) // 1000
    sums: dict[str, list[int]] = defaultdict(list)
    for bit, toggles in seen.items():
        sums[driver[bit]].append(toggles)
    rates = {kind: sum(counts) / len(counts) / cycles for kind, counts in sums.items()}
    return Gates(measured, len(sums["lut"]), len(sums["register"]), rates["lut"], rates["register"])
