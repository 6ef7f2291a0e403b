"""recode: each code's entry, a cycle later."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden import import_model
from sigmabit.golden.layers.recode import Recode
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.layers.recode import RecodeConfig, configure, recode
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.bench import Dut
from ..harness.onnx_graphs import Builder
from ..harness.stream import play_flow
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from ..simulation import reference


@dataclass(frozen=True)
class Case:
    """Codes, results, channels, positions side by side; the seed draws the entries."""

    codes: Range
    results: Range
    channels: int
    positions: int
    seed: int

    @cached_property
    def layer(self) -> Recode:
        """The golden layer."""
        random, tensor = np.random.default_rng(self.seed), TensorType(1, self.positions, self.channels, self.codes)
        entries = random.integers(self.results.low, self.results.high + 1, (self.channels, self.codes.levels))
        return Recode("recode1", (), tensor, entries, self.results)

    @cached_property
    def config(self) -> RecodeConfig:
        """The block."""
        return configure(self.layer, self.positions)


RANGES = Range(0, 1), Range(0, 3), Range(-2, 1), Range(0, 10), Range(-8, 7), Range(-1, 1)


@dataclass(frozen=True)
class Beat:
    """Idle cycles, then codes."""

    idle: int
    codes: tuple[int, ...]


class RecodeSuite(BlockSuite):
    """Beats with and without pauses."""

    samples = (
        Case(Range(0, 15), Range(0, 15), 3, 1, 1),
        Case(Range(-4, 3), Range(-2, 1), 2, 2, 2),
        Case(Range(0, 1), Range(0, 1), 1, 1, 3),
    )
    flags = ("source_valid",)

    def configs(self) -> st.SearchStrategy[Case]:
        some = st.sampled_from(RANGES)
        return st.builds(Case, some, some, st.integers(1, 4), st.integers(1, 2), st.integers(0, 99))

    def stimuli(self, config: Case) -> st.SearchStrategy[list[Beat]]:
        codes = st.tuples(*[st.integers(config.codes.low, config.codes.high)] * (config.channels * config.positions))
        numbers = range(config.channels * config.positions)
        every = [
            Beat(0, tuple((config.codes.low + (n + first) % config.codes.levels) for n in numbers))
            for first in range(config.codes.levels)
        ]
        return st.lists(st.builds(Beat, st.integers(0, 2), codes), min_size=1, max_size=9) | st.just(every)

    def expected(self, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        entries, low, channels = config.layer.entries.tolist(), config.codes.low, config.channels
        return [[entries[number % channels][code - low] for number, code in enumerate(beat.codes)] for beat in stimulus]

    def golden(self, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        codes = np.array([beat.codes for beat in stimulus]).reshape(-1, *config.layer.input.shape)
        return config.layer.run(codes).reshape(len(stimulus), -1).tolist()  # type: ignore[no-any-return]

    def elaborate(self, config: Case) -> Any:
        numbers = config.channels * config.positions
        return recode(bit(), reset(), *(Flow(numbers * r.bits) for r in (config.codes, config.results)), config.config)

    def play(self, dut: Dut, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        dut.reset({"sink_valid": 0})
        cycles = np.cumsum([1 + beat.idle for beat in stimulus]).tolist()
        width, results = config.codes.bits, config.results
        words = [sum((code & (1 << width) - 1) << (i * width) for i, code in enumerate(beat.codes)) for beat in stimulus]
        seen = play_flow(dut, "sink", list(zip(cycles, words, strict=True)), cycles[-1] + 3, {}, "source_valid")
        assert [cycle for cycle, _ in seen] == [cycle + 1 for cycle in cycles]
        found = []
        for _, outputs in seen:
            numbers = range(config.channels * config.positions)
            fields = [outputs["source_data"] >> (n * results.bits) & (1 << results.bits) - 1 for n in numbers]
            found.append([f - (1 << results.bits) if results.signed and f >> (results.bits - 1) else f for f in fields])
        return found


class TestGolden(RecodeSuite, GoldenTests):
    pass


class TestMyHdl(RecodeSuite, MyHdlTests):
    pass


class TestVerilog(RecodeSuite, VerilogTests):
    pass


@pytest.mark.parametrize("signed", [0, 1])
def test_imported(signed: int, tmp_path: Path) -> None:
    """A second quantiser of another step on one of two ways; one of the same step needs no layer."""
    g, random = Builder((2, 4, 4)), np.random.default_rng(signed)
    weights, points = (
        random.integers(-2, 3, (4, 2, 3, 3)).astype(np.float32),
        random.integers(-2, 3, (4, 4, 1, 1)).astype(np.float32),
    )
    y = g.quant(g("Conv", g.quant("x", 4, 0.25, signed=0), weights), 4, 0.5, signed=signed)
    same, other = g.quant(y, 4, 0.5, signed=signed), g.quant(y, 3, 0.75, signed=signed, name="other")
    y = g.quant(g("Add", g("Conv", other, points), same), 3, 1.7)
    path = g.save(tmp_path / "m.onnx", g("MatMul", g("Flatten", y), random.integers(-2, 3, (16, 3)).astype(np.float32)))
    network = import_model(path)
    assert [layer.name for layer in network.every] == ["conv1", "recode1", "conv2", "add1", "dense1"]
    assert network.every[1].nodes == ("other",)
    x = random.uniform(-0.5, 4.5, (40, 2, 4, 4)).astype(np.float32)
    assert np.allclose(network.run(x), reference.execute(path, x, whole=True).outputs, rtol=1e-5, atol=1e-5)
    assert not network.constant_layers


def test_refused() -> None:
    """Entries that do not suit the codes."""
    tensor = TensorType(1, 1, 2, Range(0, 3))
    with pytest.raises(ValueError, match=r"recode1: entries of shape \(2, 3\), expected \(2, 4\)"):
        Recode("recode1", (), tensor, np.zeros((2, 3), int), Range(0, 3))
    with pytest.raises(ValueError, match="recode1: entries from 0 to 4 for codes from 0 to 3"):
        Recode("recode1", (), tensor, np.array([[0, 1, 2, 4]] * 2), Range(0, 3))
