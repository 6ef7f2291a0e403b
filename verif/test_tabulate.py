"""tabulate: an entry for each lane in every cycle, from a table in logic or in block RAM."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from sigmabit.golden import tabulate as golden
from sigmabit.hdl.stream import bit, wire
from sigmabit.hdl.tabulate import BLOCK_FROM, TabulateConfig, tabulate

from .bench import Dut
from .suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from .test_score import packed


def table(lanes: int, width: int, address_bits: int) -> TabulateConfig:
    """Entries of a seed, the largest among them."""
    words = np.random.default_rng(width).integers(0, 1 << width, 1 << address_bits).tolist()
    return TabulateConfig("layer", lanes, width, (*words[:-1], (1 << width) - 1))


class TabulateSuite(BlockSuite):
    """An address for each lane in every cycle."""

    samples = (table(1, 1, 1), table(3, 5, 4), table(2, 13, 7), table(2, 9, BLOCK_FROM.bit_length() - 1))

    def configs(self) -> st.SearchStrategy[TabulateConfig]:
        return st.builds(table, st.integers(1, 4), st.integers(1, 16), st.integers(1, 10))

    def stimuli(self, config: TabulateConfig) -> st.SearchStrategy[list[tuple[int, ...]]]:
        last = len(config.words) - 1
        address = st.sampled_from([0, last]) | st.integers(0, last)
        return st.lists(st.tuples(*[address] * config.lanes), min_size=1, max_size=8)

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
