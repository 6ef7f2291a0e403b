"""What Yosys has to know of Gowin's GW2A."""

from __future__ import annotations

from pathlib import Path

import pyosys

from sigmabit.hdl import family

from ..target import Target
from .netlist import MEMORIES, MULTIPLIERS, GowinNetlist
from .route import GowinRouter

GOWIN = Target(
    family=family.GOWIN,
    reading="-nosynthesis",  # bodies under SYNTHESIS are the 7 series'
    libraries=("read_verilog -lib -specify +/gowin/cells_sim.v", "read_verilog -lib +/gowin/cells_xtra_gw2a.v"),
    script=Path(__file__).with_name("gowin.ys"),
    patterns={"techmap -map +/gowin/lutrams": "$__GOWIN_LUTRAM_", "techmap -map +/gowin/brams": "$__GOWIN_"},
    netlist=GowinNetlist,
    models=Path(pyosys.__file__).parent / "share" / "gowin" / "cells_sim.v",
    unmodelled=frozenset((*MEMORIES, *MULTIPLIERS)),
    router=GowinRouter(),
)
