"""What the XNOR-popcount array costs, beside what others have reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sigmabit.fpga.netlist import Area
from sigmabit.fpga.series7.target import SERIES7
from sigmabit.fpga.synthesis import synthesise
from sigmabit.fpga.target import Target
from sigmabit.hdl.arithmetic.popcount import PopcountConfig, popcount
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import bit, wire

SWEPT = (64, 128, 192, 256, 384, 512, 768, 1024, 1536)
"""Inputs of the arrays that are measured."""


@dataclass(frozen=True)
class Published:
    """LUTs per bit that others report for counting bits, from least to most, and where."""

    what: str
    least: float
    most: float
    source: str
    xnor: bool
    """Is the XNOR with weights included?"""


PUBLISHED = (
    Published("carry-chain counters, without XNOR", 0.78, 0.82, "Preußer, FPL 2017", xnor=False),
    Published("6:3 compressors and ternary adders", 1.02, 1.14, "Liang et al., FP-BNN, 2018", xnor=True),
    Published("adder trees", 1.53, 1.56, "compared there", xnor=True),
)


def popcount_area(config: PopcountConfig, folder: Path, target: Target = SERIES7) -> Area:
    """The array by itself, pipeline registers included, by Yosys; constant weights are drawn at random."""
    with outline():
        ports = wire(config.inputs * config.bits), wire(config.inputs * config.lanes), wire(config.lanes * config.count_bits)
        block = popcount(bit(), *ports, config)
    design = convert(block)
    sources = design.write(folder / "verilog")
    if not config.constant:
        return synthesise(sources, design.top, folder / "yosys", target=target).area
    size = config.inputs * config.lanes
    bits = np.random.default_rng(1).integers(0, 2, size)
    rows = [f"{len(part)}'b{''.join(map(str, part))}" for part in np.array_split(bits, -(-size // 64))]
    top = folder / "verilog" / "constant_weights.v"
    top.write_text(
        f"module constant_weights (input clk, input [{config.inputs * config.bits - 1}:0] operand,\n"
        f"    output [{config.lanes * config.count_bits - 1}:0] counts);\n"
        f"wire [{size - 1}:0] weights = {{\n    " + ",\n    ".join(rows) + "};\n"
        f"{design.top} array (.clk(clk), .operand(operand), .weights(weights), .counts(counts));\nendmodule\n"
    )
    return synthesise([*sources, top], "constant_weights", folder / "yosys", target=target).area


def plot(path: Path, inputs: Sequence[int], changing: Sequence[float], constant: Sequence[float], lanes: int) -> None:
    """Draw LUT6 per input and lane against the number of inputs, with what is published as bands."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for number, known in enumerate(PUBLISHED):
        axes.axhspan(known.least, known.most, color=f"C{number + 2}", alpha=0.25, lw=0, label=f"{known.what} ({known.source})")
    axes.plot(inputs, changing, "o-", color="C0", label="here, weights that change, XNOR included")
    axes.plot(inputs, constant, "s-", color="C1", label="here, constant weights")
    axes.set(
        xscale="log", xlabel="inputs", ylabel="LUT per input and lane", ylim=(0, 1.7),
        title=f"XNOR-popcount arrays of {lanes} lanes, pipelined, by Yosys for xc7",
    )  # fmt: skip
    axes.set_xticks(inputs, [str(n) for n in inputs], minor=False)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower left")
    figure.savefig(path, format="png", dpi=110)
