"""What Yosys has to know of UltraScale+."""

from __future__ import annotations

from pathlib import Path

from sigmabit.hdl import family

from ..series7.target import SERIES7
from ..target import Target
from .netlist import UltraScaleNetlist

ULTRASCALE = Target(
    family=family.ULTRASCALE,
    reading=SERIES7.reading,
    libraries=SERIES7.libraries,
    script=Path(__file__).with_name("xcup.ys"),
    patterns={
        "xilinx_dsp -family xcup": "DSP48E2",
        "xilinx_srl -variable": "$shiftx",
        "techmap -map +/xilinx/lutrams": "$__XILINX_LUTRAM_",
        "techmap -map +/xilinx/brams": "$__XILINX_BLOCKRAM_",
    },
    netlist=UltraScaleNetlist,
    models=SERIES7.models,
    unmodelled=frozenset({"RAMB18E2", "RAMB36E2", "DSP48E2"}),
)
