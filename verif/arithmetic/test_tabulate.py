"""tabulate: an entry for each lane in every cycle, from a table in logic or in block RAM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden.arithmetic import tabulate as golden
from sigmabit.hdl.arithmetic.tabulate import TabulateConfig, tabulate
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.family.rules import BLOCK_RAM_FROM
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import bit, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from ..sampling.test_score import packed


def table(lanes: int, width: int, address_bits: int, cycles: int = 2) -> TabulateConfig:
    """Entries of a seed, the largest among them."""
    words = np.random.default_rng(width).integers(0, 1 << width, 1 << address_bits).tolist()
    return TabulateConfig("layer", lanes, width, (*words[:-1], (1 << width) - 1), cycles)


class TabulateSuite(BlockSuite):
    """An address for each lane in every cycle: some, or each once."""

    samples = (
        table(1, 1, 1),
        table(3, 5, 4),
        table(2, 13, 7),
        table(3, 4, 8),
        table(2, 9, BLOCK_RAM_FROM.bit_length() - 1),
        table(2, 5, 5, cycles=1),
        table(2, 7, 8, cycles=1),
        table(3, 5, BLOCK_RAM_FROM.bit_length() - 1, cycles=1),
    )

    def configs(self) -> st.SearchStrategy[TabulateConfig]:
        return st.builds(table, st.integers(1, 4), st.integers(1, 16), st.integers(1, 10), st.integers(1, 2))

    def stimuli(self, config: TabulateConfig) -> st.SearchStrategy[list[tuple[int, ...]]]:
        last = len(config.words) - 1
        address = st.sampled_from([0, last]) | st.integers(0, last)
        every = [tuple((first + lane) % (last + 1) for lane in range(config.lanes)) for first in range(last + 1)]
        return st.lists(st.tuples(*[address] * config.lanes), min_size=1, max_size=8) | st.just(every)

    def expected(self, config: TabulateConfig, stimulus: list[tuple[int, ...]]) -> list[list[int]]:
        return [[config.words[address] for address in addresses] for addresses in stimulus]

    def golden(self, config: TabulateConfig, stimulus: list[tuple[int, ...]]) -> list[list[int]]:
        return golden.tabulate(np.array(stimulus), config.words).tolist()  # type: ignore[no-any-return]

    def elaborate(self, config: TabulateConfig) -> Any:
        return tabulate(bit(), wire(config.lanes * config.address_bits), wire(config.lanes * config.width), config)

    def play(self, dut: Dut, config: TabulateConfig, stimulus: list[tuple[int, ...]]) -> list[list[int]]:
        seen = [dut.step({"address": packed(addresses, config.address_bits)}) for addresses in stimulus]
        seen += [dut.step({"address": 0}) for _ in range(config.latency)]
        width = config.width
        words = [outputs["data"] for outputs in seen[config.latency :]]
        return [[word >> (lane * width) & ((1 << width) - 1) for lane in range(config.lanes)] for word in words]


class TestGolden(TabulateSuite, GoldenTests):
    pass


class TestMyHdl(TabulateSuite, MyHdlTests):
    pass


class TestVerilog(TabulateSuite, VerilogTests):
    pass


def test_area(tmp_path: Path) -> None:
    """A table of any contents in logic: a LUT6 for 64 entries of a bit, and no more than four levels."""
    config = table(4, 8, 8)
    with outline():
        block = TabulateSuite().elaborate(config)
    design = convert(block)
    area = synthesise(design.write(tmp_path / "verilog"), design.top, tmp_path / "yosys").area
    assert area.levels <= 4
    assert area.bram36 == 0
    assert area.lut <= 1.3 * config.bill(SERIES7).lut
