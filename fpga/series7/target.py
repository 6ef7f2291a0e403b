"""What Yosys has to know of the 7 series."""

from __future__ import annotations

from pathlib import Path

import pyosys

from sigmabit.hdl import family
from sigmabit.hdl.family.series7_primitives import Series7Primitives

from ..target import Target
from .netlist import Series7Netlist

MACRO = Series7Primitives.macro
"""Chooses the bodies of primitives."""

SERIES7 = Target(
    family=family.SERIES7,
    reading=f"-D{MACRO}",
    libraries=("read_verilog -lib -specify +/xilinx/cells_sim.v", "read_verilog -lib +/xilinx/cells_xtra.v"),
    script=Path(__file__).with_name("xc7.ys"),
    patterns={
        "xilinx_dsp": "DSP48E1",
        "xilinx_srl -variable": "$shiftx",
        "techmap -map +/xilinx/lutrams": "$__XILINX_LUTRAM_",
        "techmap -map +/xilinx/brams": "$__XILINX_BLOCKRAM_",
    },
    netlist=Series7Netlist,
    models=Path(pyosys.__file__).parent / "share" / "xilinx" / "cells_sim.v",
    unmodelled=frozenset({"RAMB18E1", "RAMB36E1", "DSP48E1"}),
)
