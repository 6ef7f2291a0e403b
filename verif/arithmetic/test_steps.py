"""steps: the number of thresholds that each sum reaches, two cycles later, or four where thresholds are read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.fpga.equivalence import prove_bodies_equal
from sigmabit.golden.arithmetic.steps import Steps
from sigmabit.golden.types.range import Range
from sigmabit.hdl.arithmetic import steps as block
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import Flow, bit, reset, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from ..sampling.test_score import packed


@dataclass(frozen=True)
class Case:
    """Sums of sum_bits bits of so many channels, `lanes` at a time, of `places` positions. steps: thresholds of a channel."""

    channels: int
    lanes: int
    places: int
    sum_bits: int
    steps: int
    seed: int

    @cached_property
    def thresholds(self) -> Steps:
        """Some at the ends of what a sum can be, and some equal."""
        rng, half = np.random.default_rng(self.seed), 1 << (self.sum_bits - 1)
        drawn = rng.integers(-half, half, (self.channels, self.steps))
        spots = np.array([-half, -1, 0, half - 1])
        return Steps(np.sort(np.where(rng.random(drawn.shape) < 0.3, rng.choice(spots, drawn.shape), drawn), axis=1))

    @cached_property
    def config(self) -> block.StepsConfig:
        """The blocks."""
        return block.configure("layer", self.thresholds, self.lanes, self.sum_bits, self.places)

    @property
    def groups(self) -> int:
        """Of channels, one after the other."""
        return -(-self.channels // self.lanes)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """One group of channels and several, the last perhaps incomplete; one threshold up to those of four bits."""
    channels = draw(st.integers(1, 5))
    steps = draw(st.sampled_from([1, 2, 3, 7]) | st.integers(1, 15))
    return Case(
        channels,
        draw(st.integers(1, channels)),
        draw(st.integers(1, 2)),
        draw(st.integers(2, 11)),
        steps,
        draw(st.integers(0, 99)),
    )


@dataclass(frozen=True)
class Sums:
    """Idle cycles, then sums of all lanes of all places."""

    idle: int
    sums: tuple[int, ...]


class StepsSuite(BlockSuite):
    """Groups of channels in turn, with and without pauses."""

    samples = (
        Case(3, 3, 1, 9, 3, 1),  # one group: thresholds are constants
        Case(5, 2, 1, 8, 3, 2),
        Case(4, 2, 2, 7, 2, 3),  # two places share them; codes of three levels
        Case(3, 1, 1, 10, 7, 4),
        Case(2, 1, 1, 2, 15, 5),  # more thresholds than sums
        Case(1, 1, 1, 10, 255, 7),  # codes of 8 bits
        Case(2, 1, 1, 12, 1, 6),
    )
    resets, interrupted = 2, (4, 30)
    flags = ("source_valid",)

    def configs(self) -> st.SearchStrategy[Case]:
        return cases()

    def stimuli(self, config: Case) -> st.SearchStrategy[list[Sums]]:
        half = 1 << (config.sum_bits - 1)
        near = {int(t) + d for t in config.thresholds.thresholds.flat for d in (-1, 0)}
        total = st.sampled_from(sorted(n for n in near | {half - 1} if -half <= n < half)) | st.integers(-half, half - 1)
        beats = st.builds(Sums, st.integers(0, 2), st.tuples(*[total] * (config.lanes * config.places)))
        return st.lists(beats, min_size=1, max_size=9) | st.integers(0, 1 << 32).map(lambda seed: self.around(config, seed))

    @staticmethod
    def around(config: Case, seed: int) -> list[Sums]:
        """Sums that just reach a threshold of their own channel, or just do not: all in some order, or a few hundred."""
        random, thresholds = np.random.default_rng(seed), config.thresholds.thresholds
        around = np.maximum(np.concatenate([thresholds, thresholds - 1], axis=1), -(1 << config.sum_bits - 1))
        filled = np.zeros((config.groups * config.lanes, around.shape[1]), np.int64)
        filled[: config.channels] = around
        of_sums = np.tile(filled.reshape(config.groups, config.lanes, -1), (1, config.places, 1))
        turns = random.permuted(of_sums, axis=2).transpose(2, 0, 1).reshape(-1, config.lanes * config.places)
        return [Sums(0, tuple(sums)) for sums in turns[: max(200, around.shape[1])].tolist()]

    def _channels(self, config: Case, stimulus: list[Sums]) -> list[list[int | None]]:
        """For each beat and lane its channel; None for a lane of the last group that has none."""
        numbers = [[beat % config.groups * config.lanes + lane for lane in range(config.lanes)] for beat in range(len(stimulus))]
        return [[n if n < config.channels else None for n in beat] * config.places for beat in numbers]

    def expected(self, config: Case, stimulus: list[Sums]) -> list[list[int]]:
        thresholds = config.thresholds.thresholds.tolist()
        return [
            [
                sum(total >= t for t in thresholds[channel])
                for total, channel in zip(item.sums, channels, strict=True)
                if channel is not None
            ]
            for item, channels in zip(stimulus, self._channels(config, stimulus), strict=True)
        ]

    def golden(self, config: Case, stimulus: list[Sums]) -> list[list[int]]:
        results = []
        for item, channels in zip(stimulus, self._channels(config, stimulus), strict=True):
            kept = [lane for lane, channel in enumerate(channels) if channel is not None]
            each = Steps(config.thresholds.thresholds[[channel for channel in channels if channel is not None]])
            results.append(each(np.array(item.sums)[kept]).tolist())
        return results

    def elaborate(self, config: Case) -> Any:
        sums = config.lanes * config.places
        sink, source = Flow(sums * config.sum_bits), Flow(sums * config.config.result_bits)
        return block.steps(bit(), reset(), sink, source, config.config)

    def play(self, dut: Dut, config: Case, stimulus: list[Sums]) -> list[list[int]]:
        dut.reset({"sink_valid": 1, "sink_data": 0})
        due, seen = [], []
        for item in stimulus:
            seen += [dut.step({"sink_valid": 0, "sink_data": 0}) for _ in range(item.idle)]
            due.append(dut.cycle + config.config.latency)
            seen.append(dut.step({"sink_valid": 1, "sink_data": packed(item.sums, config.sum_bits)}))
        seen += [dut.step({"sink_valid": 0}) for _ in range(config.config.latency + 2)]
        assert [cycle for cycle, outputs in enumerate(seen) if outputs["source_valid"]] == due
        bits, mask = config.config.result_bits, (1 << config.config.result_bits) - 1
        return [
            [seen[cycle]["source_data"] >> (lane * bits) & mask for lane, channel in enumerate(channels) if channel is not None]
            for cycle, channels in zip(due, self._channels(config, stimulus), strict=True)
        ]


class TestGolden(StepsSuite, GoldenTests):
    pass


class TestMyHdl(StepsSuite, MyHdlTests):
    pass


class TestVerilog(StepsSuite, VerilogTests):
    pass


def test_codes() -> None:
    """As many as thresholds and one."""
    assert Steps(np.array([[3], [5]])).codes == Range(0, 1)
    assert Steps(np.array([[3, 3, 8]])).codes == Range(0, 3)


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        (np.zeros(3, int), r"thresholds of shape \(3,\), expected \(channels, levels - 1\)"),
        (np.zeros((3, 0), int), r"thresholds of shape \(3, 0\), expected \(channels, levels - 1\)"),
        (np.array([[1, 2], [4, 3]]), "channel 1: threshold 3 behind 4"),
    ],
)
def test_refused(thresholds: Any, message: str) -> None:
    """With the numbers that do not fit."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        Steps(thresholds)


def test_too_narrow() -> None:
    """Thresholds that no sum of such a width can be."""
    with pytest.raises(ValueError, match=r"^layer: thresholds from -3 to 8 for sums of 4 bits$"):
        block.configure("layer", Steps(np.array([[-3, 8]])), 1, 4)


@pytest.mark.parametrize("sum_bits", [2, 9, 12])
def test_bodies(tmp_path: Path, sum_bits: int) -> None:
    """Comparators of primitives are those of plain Verilog."""
    config = block.ReachConfig(1, 1, sum_bits, 3, 2)
    with outline():
        leaf = block.reach(bit(), reset(), Flow(sum_bits), wire(1), wire(3 * sum_bits), Flow(2), config)
    design = convert(leaf)
    (source,) = design.write(tmp_path)
    assert prove_bodies_equal(source, design.top, tmp_path / "yosys") >= 3
