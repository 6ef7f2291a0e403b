"""dot: sums of codes times weights, for all lanes, modulo the width of a sum, in every cycle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden.arithmetic import dot as golden
from sigmabit.hdl.arithmetic.dot import DotConfig, dot
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import bit, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from ..sampling.test_score import packed


@dataclass(frozen=True)
class Operand:
    """Codes, and for each code the weights of all lanes."""

    codes: tuple[int, ...]
    weights: tuple[tuple[int, ...], ...]


@st.composite
def dots(draw: st.DrawFn) -> DotConfig:
    """Codes of one bit and more, sums narrower and wider than a product, trees of up to five levels."""
    signed = draw(st.booleans())
    inputs = draw(st.sampled_from([1, 2, 3, 4, 5, 7, 17]))
    bits, weight_bits = draw(st.integers(1 + signed, 10) | st.just(8)), draw(st.integers(2, 10) | st.just(8))
    single = DotConfig(inputs, bits, signed, weight_bits, draw(st.integers(1, 3)), draw(st.integers(1, 26)))
    return replace(single, products=draw(st.sampled_from(single.product.ways(single.lanes)[::-1])))


def numbers(low: int, high: int) -> st.SearchStrategy[int]:
    """Numbers from low to high, both often among them."""
    return st.sampled_from([low, low, high]) | st.integers(low, high)


class SumsSuite(BlockSuite):
    """What multiplies an operand's codes by the weights of all lanes, and adds: sums modulo their width, in every cycle."""

    def expected(self, config: Any, stimulus: list[Operand]) -> list[list[int]]:
        results = []
        for operand in stimulus:
            sums = [0] * config.lanes
            for code, weights in zip(operand.codes, operand.weights, strict=True):
                for lane, weight in enumerate(weights):
                    sums[lane] += code * weight
            results.append([total % 2**config.count_bits for total in sums])
        return results

    def play(self, dut: Dut, config: Any, stimulus: list[Operand]) -> list[list[int]]:
        seen = []
        for operand in stimulus:
            flat = tuple(weight for weights in operand.weights for weight in weights)
            seen.append(dut.step({"data": packed(operand.codes, config.bits), "weights": packed(flat, config.weight_bits)}))
        seen += [dut.step({"data": 0, "weights": 0}) for _ in range(config.latency)]
        bits = config.count_bits
        words = [outputs["counts"] for outputs in seen[config.latency :]]
        return [[word >> (lane * bits) & ((1 << bits) - 1) for lane in range(config.lanes)] for word in words]


class DotSuite(SumsSuite):
    """An operand and weights in every cycle."""

    samples = (
        DotConfig(1, 1, False, 2, 1, 3),
        DotConfig(5, 4, False, 5, 3, 12),
        DotConfig(3, 8, True, 8, 2, 18),
        DotConfig(2, 9, True, 3, 1, 7),
        DotConfig(17, 2, True, 2, 1, 1),
        DotConfig(5, 8, False, 8, 3, 20, "pairs"),
        DotConfig(1, 7, False, 8, 2, 11, "pairs"),
        DotConfig(3, 8, True, 12, 2, 18, "logic"),
    )

    def configs(self) -> st.SearchStrategy[DotConfig]:
        sizes = st.integers(1, 5), st.integers(7, 9), st.just(False), st.just(8), st.integers(2, 3), st.integers(8, 26)
        return st.builds(DotConfig, *sizes, st.just("pairs")) | dots()  # few of dots() have pairs

    def stimuli(self, config: DotConfig) -> st.SearchStrategy[list[Operand]]:
        half = 1 << (config.weight_bits - 1)
        low = -(1 << (config.bits - 1)) if config.signed else 0
        codes = st.tuples(*[numbers(low, low + (1 << config.bits) - 1)] * config.inputs)
        weights = st.tuples(*[st.tuples(*[numbers(-half, half - 1)] * config.lanes)] * config.inputs)
        smallest = Operand((low,) * config.inputs, ((-half,) * config.lanes,) * config.inputs)
        highest = Operand(
            (low + (1 << config.bits) - 1,) * config.inputs, ((-half, half - 1, -half)[: config.lanes],) * config.inputs
        )
        return st.lists(st.sampled_from([smallest, highest]) | st.builds(Operand, codes, weights), min_size=1, max_size=6)

    def golden(self, config: DotConfig, stimulus: list[Operand]) -> list[list[int]]:
        sums = [golden.dot(np.array(operand.codes), np.array(operand.weights)) for operand in stimulus]
        return [(total % (1 << config.count_bits)).tolist() for total in sums]

    def elaborate(self, config: DotConfig) -> Any:
        data, weights = wire(config.inputs * config.bits), wire(config.inputs * config.lanes * config.weight_bits)
        return dot(bit(), data, weights, wire(config.lanes * config.count_bits), config)


class TestGolden(DotSuite, GoldenTests):
    pass


class TestMyHdl(DotSuite, MyHdlTests):
    pass


class TestVerilog(DotSuite, VerilogTests):
    pass


@pytest.mark.parametrize("size", [16, 28, 30])
def test_large_numbers(size: int) -> None:
    """Sums beyond what float64 holds are exact, too: the least codes times the least weights, and one more."""
    codes, weights = np.full((2, 5), -(1 << size)), np.full((5, 1), -(1 << size))
    codes[1, 0] += 1
    assert golden.dot(codes, weights)[:, 0].tolist() == [5 << 2 * size, (5 << 2 * size) - (1 << size)]


@pytest.mark.parametrize(
    "config",
    [
        DotConfig(9, 8, True, 8, 2, 20),
        DotConfig(9, 8, False, 8, 1, 20),
        DotConfig(16, 8, False, 2, 2, 13),
        DotConfig(5, 10, True, 9, 2, 22),
        DotConfig(9, 8, False, 8, 3, 20, "pairs"),
        DotConfig(9, 8, False, 8, 2, 20, "logic"),
        DotConfig(9, 8, False, 12, 2, 24, "logic"),
    ],
    ids=lambda config: config.module,
)
def test_area(config: DotConfig, tmp_path: Path) -> None:
    """Logic levels, and the cost that plans count with."""
    with outline():
        block = DotSuite().elaborate(config)
    design = convert(block)
    area = synthesise(design.write(tmp_path / "verilog"), design.top, tmp_path / "yosys").area
    assert area.levels <= 4
    assert area.dsp == config.bill(SERIES7).dsp == config.multipliers
    assert config.bill(SERIES7).lut / 1.25 <= area.lut <= config.bill(SERIES7).lut * 1.25
