"""What Yosys has to know of ECP5."""

from __future__ import annotations

from pathlib import Path

from sigmabit.hdl import family

from ..target import Target
from .netlist import Ecp5Netlist
from .output_registers import output_registers
from .popcount import body
from .route import Ecp5Router
from .wide_products import wide_products

ECP5 = Target(
    family=family.ECP5,
    reading="-nosynthesis",  # bodies under SYNTHESIS are the 7 series'
    libraries=("read_verilog -lib -specify +/lattice/cells_sim_ecp5.v", "read_verilog -lib +/lattice/cells_bb_ecp5.v"),
    script=Path(__file__).with_name("ecp5.ys"),
    patterns={"techmap -map +/lattice/lutrams": "$__TRELLIS_DPR16X4_"},
    netlist=Ecp5Netlist,
    models=Path(__file__).with_name("rtl") / "cells.v",
    unmodelled=frozenset(),
    router=Ecp5Router(),
    passes={"output_registers": output_registers, "wide_products": wide_products},
    body=body,
)
