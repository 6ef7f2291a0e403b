"""quantiser: the thresholds that each sum reaches, or its negative."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden.arithmetic.steps import Steps
from sigmabit.golden.layers.quantiser import Quantiser
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.layers.quantiser import QuantiserConfig, configure, quantiser
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.bench import Dut
from ..harness.stream import play_flow
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Case:
    """Sums, thresholds of a channel, whether each channel falls, positions side by side; the seed draws the thresholds."""

    sums: Range
    steps: int
    falling: tuple[bool, ...]
    positions: int
    seed: int

    @cached_property
    def layer(self) -> Quantiser:
        """The golden layer. A threshold may be one above all sums, as one that none reaches is."""
        random, tensor = np.random.default_rng(self.seed), TensorType(1, self.positions, len(self.falling), self.sums)
        falling = np.array(self.falling)
        drawn = np.sort(random.integers(self.sums.low, self.sums.high + 2, (len(falling), self.steps)), axis=1)
        thresholds = np.where(falling[:, None], 1 - drawn[:, ::-1], drawn)
        return Quantiser("quantiser1", (), tensor, Steps(thresholds), falling)

    @cached_property
    def config(self) -> QuantiserConfig:
        """The block."""
        return configure(self.layer, self.positions)


RANGES = Range(-1, 0), Range(-2, 1), Range(0, 5), Range(-9, 30), Range(-64, 63), Range(-300, 8)


@dataclass(frozen=True)
class Beat:
    """Idle cycles, then sums."""

    idle: int
    sums: tuple[int, ...]


class QuantiserSuite(BlockSuite):
    """Beats with and without pauses."""

    samples = (
        Case(Range(-9, 30), 3, (False, True, False), 1, 1),
        Case(Range(0, 5), 4, (True, False), 2, 2),
    )
    flags, before = ("source_valid",), 2

    def configs(self) -> st.SearchStrategy[Case]:
        falling = st.lists(st.booleans(), min_size=1, max_size=3).map(tuple)
        return st.builds(Case, st.sampled_from(RANGES), st.integers(1, 5), falling, st.integers(1, 2), st.integers(0, 99))

    def stimuli(self, config: Case) -> st.SearchStrategy[list[Beat]]:
        numbers = len(config.falling) * config.positions
        sums = st.tuples(*[st.integers(config.sums.low, config.sums.high)] * numbers)
        return st.lists(st.builds(Beat, st.integers(0, 2), sums), min_size=1, max_size=9)

    def expected(self, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        thresholds, channels = config.layer.steps.thresholds.tolist(), len(config.falling)
        signs = [-1 if falls else 1 for falls in config.falling]
        return [
            [sum(signs[n % channels] * total >= t for t in thresholds[n % channels]) for n, total in enumerate(beat.sums)]
            for beat in stimulus
        ]

    def golden(self, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        sums = np.array([beat.sums for beat in stimulus]).reshape(-1, *config.layer.input.shape)
        return config.layer.run(sums).reshape(len(stimulus), -1).tolist()  # type: ignore[no-any-return]

    def elaborate(self, config: Case) -> Any:
        numbers = len(config.falling) * config.positions
        widths = config.sums.bits, config.config.steps.result_bits
        return quantiser(bit(), reset(), *(Flow(numbers * bits) for bits in widths), config.config)

    def play(self, dut: Dut, config: Case, stimulus: list[Beat]) -> list[list[int]]:
        dut.reset({"sink_valid": 1})  # nothing that comes in a reset comes out
        cycles = np.cumsum([1 + beat.idle for beat in stimulus]).tolist()
        width, results = config.sums.bits, config.config.steps.result_bits
        words = [sum((total & (1 << width) - 1) << (i * width) for i, total in enumerate(beat.sums)) for beat in stimulus]
        seen = play_flow(dut, "sink", list(zip(cycles, words, strict=True)), cycles[-1] + 4, {}, "source_valid")
        assert [cycle for cycle, _ in seen] == [cycle + config.config.latency for cycle in cycles]
        numbers = range(len(config.falling) * config.positions)
        return [[outputs["source_data"] >> (n * results) & (1 << results) - 1 for n in numbers] for _, outputs in seen]


class TestGolden(QuantiserSuite, GoldenTests):
    pass


class TestMyHdl(QuantiserSuite, MyHdlTests):
    pass


class TestVerilog(QuantiserSuite, VerilogTests):
    pass


def test_refused() -> None:
    """Thresholds, or signs, of other channels."""
    tensor, steps = TensorType(1, 1, 2, Range(-3, 3)), Steps(np.array([[0], [1]]))
    for thresholds, falling in ((steps, 1), (Steps(np.array([[0]])), 2)):
        with pytest.raises(ValueError, match=r"quantiser1: thresholds of \d channels, \(\d,\) of them falling or not, for 2"):
            Quantiser("quantiser1", (), tensor, thresholds, np.zeros(falling, bool))
