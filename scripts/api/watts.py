"""What a busy pipeline's nets do, and what that costs."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.board import Board, top_name
from sigmabit.golden import InputError
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.verilog.keywords import system_name
from sigmabit.verif.simulation import Noise
from sigmabit.verif.simulation.activity import switching
from sigmabit.verif.simulation.job import Progress

from ..interface.files import write_whole
from ..interface.loading import check_board, check_series7
from ..measures.area import read_areas
from ..measures.power import estimate
from .execution import check_codes, silent


def power(
    plan: Plan,
    codes: NDArray[np.int64],
    *,
    noise: Noise | None = None,
    synth_file: Path | None = None,
    saif: Path | None = None,
    board: Board | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Dynamic power of a busy pipeline, estimated: toggles of its nets are counted in Verilator, at the plan's clock.

    Args:
        plan: for a part of the 7 series, whose energies are known.
        codes: (N, height, width, channels); the first frames fill the pipeline and are not counted.
        noise: where samples of the standard normal come from.
        synth_file: areas that `sigmabit synth --report` wrote for this plan; without it, the planned ones.
        saif: a file for the activity of all nets, as Vivado's read_saif takes it.
        board: where the pipeline is part of what `system` makes, whose clock counts.
        progress: is told what is going on, and how far it is.

    Returns:
        watts, clock_w, logic_w, memory_w, and least_watts to most_watts between which the sum lies; `cycles` counted, and for
        each of `layers` its cells, its registers, their toggles per cycle (rate) and the same watts.

    Raises:
        InputError: another family's plan, or a file that was made for another plan.
        SimulationError: the hardware broke a rule of streams, or got stuck.
    """
    check_codes(plan.network, codes)
    check_series7(plan, "power")
    if board is not None:
        check_board(plan, board)
    if saif is not None and Path(saif).is_dir():
        raise InputError(f"{saif}: is a folder, expected a file name")
    areas = read_areas(synth_file, plan) if synth_file else None
    under: tuple[str, ...] = ()
    if board is not None:  # the pipeline as it lies in a system, and the clock that is made there
        under = (top_name(system_name(plan.pipeline.name)), "system_instance", "pipeline_instance")
        plan = replace(plan, clock_mhz=float(board.made_clock(plan.clock_mhz).mhz))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "core.saif"
        activity, _ = switching(plan, codes, file, noise or Noise(), under, progress)
        if saif is not None:
            write_whole(Path(saif), lambda fresh: shutil.move(file, fresh))
    return estimate(activity, plan, areas)
