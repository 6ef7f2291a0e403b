"""rom: the word at an address, two cycles later, in every style."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden.arithmetic.rom import read
from sigmabit.hdl.arithmetic.rom import RomConfig, RomStyle, merging, pack_words, rom, style_of
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.family.rules import MOST_LOADS
from sigmabit.hdl.verilog.stream import ADDRESS_LEAD, bit, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


def table(style: RomStyle, width: int, words: tuple[int, ...]) -> RomConfig:
    """A table of words cut to the width."""
    return RomConfig("test", "table", width, tuple(word % 2**width for word in words), style)


def scattered(count: int) -> tuple[int, ...]:
    """Words of 72 bits, every bit of which is 0 in some and 1 in others."""
    words = np.random.default_rng(count).integers(0, 256, (count, 9), np.uint8)
    return tuple(int.from_bytes(word.tobytes(), "little") for word in words)


class RomSuite(BlockSuite):
    """An address in every cycle: some, or all there are. Beyond the end of a table in logic is its last word."""

    samples = (
        table(RomStyle.CONSTANT, 5, (19,)),
        table(RomStyle.CONSTANT, 9001, (5**3800,)),
        table(RomStyle.MERGED, 3, (1, 7, 0, 4, 2)),
        table(RomStyle.MERGED, 4100, (5**1700, 7**1400)),
        table(RomStyle.LOGIC, 70, scattered(40)),
        table(RomStyle.LOGIC, 9, scattered(65)),
        table(RomStyle.LOGIC, 70, scattered(216)),
        table(RomStyle.BLOCK, 70, scattered(40)),
        table(RomStyle.BLOCK, 1, (0, 1, 1)),
    )

    def configs(self) -> st.SearchStrategy[RomConfig]:
        several = st.lists(st.integers(0, 2**40), min_size=2, max_size=20).map(tuple)
        styles = st.sampled_from([RomStyle.MERGED, RomStyle.LOGIC, RomStyle.BLOCK])
        constant = st.builds(table, st.just(RomStyle.CONSTANT), st.integers(1, 40), st.tuples(st.integers(0, 2**40)))
        return constant | st.builds(table, styles, st.integers(1, 40), several)

    def stimuli(self, config: RomConfig) -> st.SearchStrategy[list[int]]:
        within = config.style in (RomStyle.CONSTANT, RomStyle.BLOCK)
        addresses = range(len(config.words) if within else 1 << config.address_bits)
        return st.lists(st.sampled_from(addresses), min_size=1, max_size=12) | st.just([*addresses, *reversed(addresses)])

    def expected(self, config: RomConfig, stimulus: list[int]) -> list[int]:
        return [config.words[address] if address < len(config.words) else config.words[-1] for address in stimulus]

    def golden(self, config: RomConfig, stimulus: list[int]) -> list[int]:
        last = len(config.words) - 1
        return read(config.words, [min(address, last) for address in stimulus])

    def elaborate(self, config: RomConfig) -> Any:
        data = wire(config.width)
        if config.style is RomStyle.CONSTANT:
            return rom(None, None, data, config)
        return rom(bit(), wire(config.address_bits), data, config)

    def play(self, dut: Dut, config: RomConfig, stimulus: list[int]) -> list[int]:
        addressed = config.style is not RomStyle.CONSTANT
        inputs = [{"address": address} if addressed else {} for address in stimulus]
        seen = [dut.step(values)["data"] for values in (*inputs, *[{}] * ADDRESS_LEAD)]
        return seen[ADDRESS_LEAD:]


class TestGolden(RomSuite, GoldenTests):
    pass


class TestMyHdl(RomSuite, MyHdlTests):
    pass


class TestVerilog(RomSuite, VerilogTests):
    pass


@pytest.mark.parametrize(
    ("fields", "bits", "words"),
    [
        ([[-2], [-1], [0], [3]], 1, (0, 1, 0, 1)),
        ([[-1, 2], [1, -4]], 3, (0b010_111, 0b100_001)),
        ([[True, False, True]], 1, (0b101,)),
    ],
)
def test_packed(fields: list[list[int]], bits: int, words: tuple[int, ...]) -> None:
    """Fields are cut to their width, those of a single bit as well."""
    assert pack_words(np.array(fields), bits) == words


@pytest.mark.parametrize(("differing", "style"), [(MOST_LOADS, RomStyle.MERGED), (MOST_LOADS + 1, RomStyle.LOGIC)])
def test_wide_tables_have_registers(differing: int, style: RomStyle) -> None:
    """An address that is merged into its table drives every bit that is not the same in all words, and no more than it should."""
    same = 0b1011 << differing
    words = same, same | (1 << differing) - 1
    assert style_of(len(words), merging(words, 8), 512) is style


def test_bits_that_never_change() -> None:
    """They are in no block RAM, as synthesis takes them out."""
    words = tuple(number % (1 << 18) << 18 | 0b1011 for number in range(1 << 10, 1 << 11))
    config = table(RomStyle.BLOCK, 54, words)
    changing = sum(len({word >> bit & 1 for word in config.words}) == 2 for bit in range(config.width))
    assert changing < config.width
    assert (
        config.bill(SERIES7).bram36 == SERIES7.block_ram(changing, len(words)).bram36 < SERIES7.block_ram(54, len(words)).bram36
    )
