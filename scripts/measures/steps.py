"""What stands behind the accumulator of a layer of few bits: comparators with thresholds, planned and found by Yosys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sigmabit.fpga.netlist import Area
from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden.arithmetic.steps import Steps
from sigmabit.hdl.arithmetic.search import SearchConfig
from sigmabit.hdl.arithmetic.search import configure as configure_search
from sigmabit.hdl.arithmetic.steps import StepsConfig, configure, reach
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import Flow, bit, index_bits, reset, wire

LANES = 4
"""Sums at a time of the blocks that are measured."""

MOST_LUT = 0.6
"""LUT6 for each bit of the accumulator that a comparator may take: two bits a LUT, a carry chain, and what is rounded up."""

MOST_OFF = 0.1
"""Share of a search's LUT6 by which its price may be off."""

BITS = (2, 3, 4, 5)
"""Of the codes that are measured."""

GROUPS = (2, 1)
"""Of outputs, which come in turn."""

SUM_BITS = (8, 12, 16)
"""Of the sums that are measured."""


@dataclass(frozen=True)
class Comparing:
    """Comparators for sums of so many bits, whose codes have so many, of so many groups of outputs."""

    sum_bits: int
    bits: int
    groups: int

    @property
    def constant(self) -> bool:
        """Do thresholds never change?"""
        return self.groups == 1

    @property
    def thresholds(self) -> int:
        """Of each sum: one less than there are codes."""
        return (1 << self.bits) - 1

    @property
    def drawn(self) -> Steps:
        """Thresholds, the same each time."""
        half, channels = 1 << (self.sum_bits - 1), LANES * self.groups
        limits = np.random.default_rng(1).integers(1 - half, half, (channels, self.thresholds))
        return Steps(np.sort(limits, axis=1))

    @property
    def config(self) -> StepsConfig:
        """The block that compares them all at once."""
        return configure("bench", self.drawn, LANES, self.sum_bits)

    @property
    def searched(self) -> SearchConfig:
        """The block that finds them one bit after the other."""
        return configure_search("bench", self.drawn, LANES, self.sum_bits)

    @property
    def planned(self) -> float:
        """LUT6 of the comparators alone, by the family's formula: half the bits of a sum for each threshold that changes."""
        return self.config.comparators(SERIES7).lut

    def comparators(self, area: Area) -> float:
        """LUT6 of those, of a whole block's: without what counts the thresholds that are reached."""
        return area.lut - self.config.reach.counting(SERIES7).lut


def search_area(case: Comparing, folder: Path) -> Area:
    """A search for the same codes, its tables included, by Yosys for xc7."""
    config = case.searched
    with outline():
        flows = Flow(config.sums * config.sum_bits), Flow(config.sums * config.bits)
        design = convert(config.block(bit(), reset(), flows[0], flows[1], config))
    return synthesise(design.write(folder / "verilog"), design.top, folder / "yosys").area


def reach_area(case: Comparing, folder: Path) -> Area:
    """The comparators and the count behind them, thresholds that change coming from outside, by Yosys for xc7."""
    config = case.config.reach
    limits = wire(config.lanes * config.thresholds * config.sum_bits)
    group = None if case.constant else wire(index_bits(case.groups))
    with outline():
        flows = Flow(config.sums * config.sum_bits), Flow(config.sums * config.code_bits)
        block = reach(bit(), reset(), flows[0], group, limits, flows[1], config)
    design = convert(block)
    sources = design.write(folder / "verilog")
    if not case.constant:
        return synthesise(sources, design.top, folder / "yosys").area
    word = case.config.limits.words[0]
    top = folder / "verilog" / "constant_limits.v"
    bits = config.sums * config.sum_bits, config.sums * config.code_bits
    top.write_text(
        f"module constant_limits (input clk, input rst, input [{bits[0] - 1}:0] sink_data, input sink_valid,\n"
        f"    output [{bits[1] - 1}:0] source_data, output source_valid);\n"
        f"{design.top} steps (.clk(clk), .rst(rst), .sink_data(sink_data), .sink_valid(sink_valid),\n"
        f"    .limits({len(limits)}'h{word:x}), .source_data(source_data), .source_valid(source_valid));\nendmodule\n"
    )
    return synthesise([*sources, top], "constant_limits", folder / "yosys").area
