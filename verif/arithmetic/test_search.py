"""search: the number of thresholds that each sum reaches, a bit of it in each cycle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.fpga.equivalence import prove_bodies_equal
from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden.arithmetic.search import search as searched
from sigmabit.golden.arithmetic.steps import Steps
from sigmabit.hdl.arithmetic import search as block
from sigmabit.hdl.arithmetic import stepping, steps
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.suite import GoldenTests, MyHdlTests, VerilogTests
from .test_steps import Case as StepsCase
from .test_steps import StepsSuite, Sums


@dataclass(frozen=True)
class Case(StepsCase):
    """As those of steps."""

    @cached_property
    def config(self) -> block.SearchConfig:  # type: ignore[override]
        """The block."""
        return block.configure("layer", self.thresholds, self.lanes, self.sum_bits, self.places)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """One group of channels and several, the last perhaps incomplete; codes of one bit to six, of all their values or fewer."""
    channels = draw(st.integers(1, 5))
    each = draw(st.sampled_from([1, 3, 7, 15, 31]) | st.integers(1, 40))
    lanes, places = draw(st.integers(1, channels)), draw(st.integers(1, 2))
    return Case(channels, lanes, places, draw(st.integers(2, 11)), each, draw(st.integers(0, 99)))


class SearchSuite(StepsSuite):
    """The same stimuli, and what is expected of them is counted one by one."""

    samples = (  # type: ignore[assignment]
        Case(3, 3, 1, 9, 15, 1),  # one group: the first threshold is a constant
        Case(5, 2, 1, 8, 15, 2),
        Case(4, 2, 2, 7, 9, 3),  # two places; not all codes are there
        Case(3, 1, 1, 10, 31, 4),
        Case(2, 1, 1, 2, 15, 5),  # more thresholds than sums
        Case(1, 1, 1, 10, 255, 7),
        Case(2, 1, 1, 12, 1, 6),
        Case(9, 1, 2, 9, 15, 8),  # the table of the lowest bit is read, at two places; nine groups
        Case(40, 2, 1, 9, 13, 9),  # those of the two lowest
        Case(70, 1, 1, 10, 15, 10),  # all of them, the longest from block RAM
    )

    def configs(self) -> st.SearchStrategy[Case]:  # type: ignore[override]
        return cases()

    def golden(self, config: StepsCase, stimulus: list[Sums]) -> list[list[int]]:
        results = []
        for item, channels in zip(stimulus, self._channels(config, stimulus), strict=True):
            kept = [lane for lane, channel in enumerate(channels) if channel is not None]
            each = Steps(config.thresholds.thresholds[[channel for channel in channels if channel is not None]])
            results.append(searched(each, np.array(item.sums)[kept]).tolist())
        return results

    def elaborate(self, config: StepsCase) -> Any:
        sums = config.lanes * config.places
        sink, source = Flow(sums * config.sum_bits), Flow(sums * config.config.result_bits)
        return config.config.block(bit(), reset(), sink, source, config.config)


class TestGolden(SearchSuite, GoldenTests):
    pass


class TestMyHdl(SearchSuite, MyHdlTests):
    pass


class TestVerilog(SearchSuite, VerilogTests):
    pass


def drawn(bits: int, groups: int, sum_bits: int, lanes: int = 4) -> Steps:
    """Thresholds of all codes of so many bits."""
    half = 1 << (sum_bits - 1)
    limits = np.random.default_rng(1).integers(1 - half, half, (lanes * groups, (1 << bits) - 1))
    return Steps(np.sort(limits, axis=1))


@pytest.mark.parametrize(
    ("bits", "groups", "sum_bits"),
    [*[(4, 1, 12), (4, 2, 16), (4, 8, 12), (5, 2, 12), (4, 32, 12)], pytest.param(4, 128, 12, marks=pytest.mark.long)],
)
def test_price(bits: int, groups: int, sum_bits: int, tmp_path: Path) -> None:
    """LUTs are planned within a tenth, registers within one, or an eighth where tables are read; LUTs are fewer than for all
    thresholds at once.
    """
    thresholds = drawn(bits, groups, sum_bits)
    config = block.configure("layer", thresholds, 4, sum_bits)
    with outline():
        made = convert(config.block(bit(), reset(), Flow(4 * sum_bits), Flow(4 * bits), config))
    area, planned = synthesise(made.write(tmp_path / "verilog"), made.top, tmp_path / "yosys").area, config.bill(SERIES7)
    assert abs(planned.lut - area.lut) <= 0.1 * area.lut
    assert abs(planned.ff - area.ff) <= (1 if config.first_read == bits else 0.13 * area.ff)
    assert planned.bram36 == area.bram36
    assert planned.lut < steps.configure("layer", thresholds, 4, sum_bits).bill(SERIES7).lut
    assert area.levels <= 4


def test_choice() -> None:
    """Up to three bits all thresholds are compared at once; more are searched."""

    def chosen(bits: int, groups: int) -> str:
        return stepping.configure("layer", drawn(bits, groups, 9), 4, 9).module

    assert [chosen(bits, 2) for bits in (1, 2, 3, 4, 5)] == ["layer_steps"] * 3 + ["layer_search"] * 2
    assert chosen(8, 1) == "layer_search"
    assert (chosen(5, 4), chosen(5, 8)) == ("layer_search", "layer_search")


def test_bodies(tmp_path: Path) -> None:
    """Comparators of primitives are those of plain Verilog."""
    config = block.configure("layer", drawn(4, 2, 9), 4, 9)
    with outline():
        design = convert(block.search(bit(), reset(), Flow(36), Flow(16), config))
    (source,) = design.write(tmp_path)
    assert prove_bodies_equal(source, design.top, tmp_path / "yosys") >= 4
