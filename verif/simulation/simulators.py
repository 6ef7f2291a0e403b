"""The simulators that there are, and pipelines run on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigmabit.hdl.planning.plan import Plan

from .icarus import ICARUS
from .job import Measured, Noise, Progress, SimulationError, Stalls, Toggles, job
from .myhdl import MYHDL
from .verilator import VERILATOR

SIMULATORS = {simulator.name: simulator for simulator in (VERILATOR, ICARUS, MYHDL)}
"""Where a pipeline can be simulated: its Verilog, twice, and the MyHDL that the Verilog was made from. The first is what is taken
where nothing is said.
"""

DEFAULT = next(iter(SIMULATORS))


def simulate(
    plan: Plan,
    codes: NDArray[np.integer],
    on: str = DEFAULT,
    taps: bool = False,
    stalls: Stalls | None = None,
    waves: Path | None = None,
    progress: Progress = lambda what, done, total: None,
    optimise: int | None = None,
    noise: Noise | None = None,
    toggles: Toggles | None = None,
) -> Measured:
    """Run codes (N, height, width, channels) through a plan's pipeline on one of SIMULATORS.

    taps: record every layer's result. optimise: the compiler's level, where anything is compiled, instead of the one that so many
    frames are worth. noise: the seed of 0 without it. waves, toggles: files to write, one of them at most, where the simulator
    records them. Raises SimulationError.
    """
    simulator = SIMULATORS.get(on)
    if simulator is None:
        raise SimulationError(f"unknown simulator {on}, expected one of {', '.join(SIMULATORS)}")
    if not simulator.records and (waves or toggles):
        able = " or ".join(name for name, other in SIMULATORS.items() if other.records)
        raise SimulationError(f"waves and toggles are written by {able} only")
    return simulator.run(job(plan, len(codes), taps, stalls, waves, noise, toggles, optimise), codes, progress)
