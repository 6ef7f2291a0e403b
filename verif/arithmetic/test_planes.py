"""planes: sums of codes times weights of several bits are those of their products, `latency` cycles later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden.arithmetic import planes as golden
from sigmabit.hdl.arithmetic.planes import PlanesConfig, WeighConfig, planes
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import bit, wire

from ..harness.suite import GoldenTests, MyHdlTests, VerilogTests
from .test_dot import Operand, SumsSuite, numbers


class PlanesSuite(SumsSuite):
    """An operand and weights in every cycle; sums narrower and wider than they need be."""

    samples = (
        PlanesConfig(1, 1, 2, 1, 3),
        PlanesConfig(9, 2, 2, 3, 8),
        PlanesConfig(5, 4, 3, 2, 12),
        PlanesConfig(17, 3, 4, 1, 6),
        PlanesConfig(4, 2, 5, 2, 9),
        PlanesConfig(12, 1, 2, 2, 1),
    )

    def configs(self) -> st.SearchStrategy[PlanesConfig]:
        sizes = st.integers(1, 20), st.integers(1, 4), st.integers(2, 5), st.integers(1, 3), st.integers(1, 16)
        return st.builds(PlanesConfig, *sizes)

    def stimuli(self, config: PlanesConfig) -> st.SearchStrategy[list[Operand]]:
        half, most = 1 << config.weight_bits - 1, (1 << config.bits) - 1
        codes = st.tuples(*[numbers(0, most)] * config.inputs)
        weights = st.tuples(*[st.tuples(*[numbers(-half, half - 1)] * config.lanes)] * config.inputs)
        ends = [Operand((most,) * config.inputs, ((weight,) * config.lanes,) * config.inputs) for weight in (-half, half - 1)]
        return st.lists(st.sampled_from(ends) | st.builds(Operand, codes, weights), min_size=1, max_size=6)

    def golden(self, config: PlanesConfig, stimulus: list[Operand]) -> list[list[int]]:
        sums = [golden.planes(np.array(o.codes), np.array(o.weights), config.weight_bits) for o in stimulus]
        return [(total % (1 << config.count_bits)).tolist() for total in sums]

    def elaborate(self, config: PlanesConfig) -> Any:
        data, weights = wire(config.inputs * config.bits), wire(config.inputs * config.lanes * config.weight_bits)
        return planes(bit(), data, weights, wire(config.lanes * config.count_bits), config)


class TestGolden(PlanesSuite, GoldenTests):
    pass


class TestMyHdl(PlanesSuite, MyHdlTests):
    pass


class TestVerilog(PlanesSuite, VerilogTests):
    pass


def test_price(tmp_path: Path) -> None:
    """Within a tenth of what Yosys finds."""
    config = PlanesConfig(18, 2, 2, 4, 10)
    with outline():
        data, weights = wire(config.inputs * config.bits), wire(config.inputs * config.lanes * config.weight_bits)
        block = planes(bit(), data, weights, wire(config.lanes * config.count_bits), config)
    design = convert(block)
    found = synthesise(design.write(tmp_path / "verilog"), design.top, tmp_path / "yosys").area.lut
    assert 0.9 * found <= config.bill(SERIES7).lut <= 1.1 * found


def test_ranges() -> None:
    """No number of the tree is wider than what it can be."""
    config = WeighConfig(lanes=1, planes=3, highest=5, sum_bits=8)
    assert config.levels == [[(0, 1), (1, 2), (2, 3)], [(0, 2), (2, 3)], [(0, 3)]]
    assert (config.range(0, 2).high, config.range(0, 3).low, config.range(0, 3).high) == (15, -20, 15)


def test_refused() -> None:
    """Weights of one bit have no sign."""
    with pytest.raises(ValueError, match="planes=1: signed weights take at least 2 bits"):
        WeighConfig(1, 1, 3, 4)
