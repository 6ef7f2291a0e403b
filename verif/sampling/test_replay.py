"""replay: each beat so many times, at its pace, from the cycle after it on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from sigmabit.golden.sampling import replay as golden
from sigmabit.hdl.sampling.replay import ReplayConfig, replay
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.bench import Dut
from ..harness.stream import play_flow
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Beat:
    """A beat, so many cycles later than it could come."""

    data: int
    late: int


class ReplaySuite(BlockSuite):
    """Beats as soon as they may come, and later."""

    samples = (ReplayConfig(1, 2, 1), ReplayConfig(9, 3, 4), ReplayConfig(5, 4, 1), ReplayConfig(2, 5, 2))
    resets, interrupted = 2, (4, 40)
    flags = ("source_valid",)

    def configs(self) -> st.SearchStrategy[ReplayConfig]:
        return st.builds(ReplayConfig, st.integers(1, 9), st.integers(2, 6), st.integers(1, 5))

    def stimuli(self, config: ReplayConfig) -> st.SearchStrategy[list[Beat]]:
        beat = st.builds(Beat, st.integers(0, (1 << config.bits) - 1), st.sampled_from([0, 0, 0, 1, 7]))
        return st.lists(beat, min_size=1, max_size=6)

    def expected(self, config: ReplayConfig, stimulus: list[Beat]) -> list[int]:
        results = []
        for beat in stimulus:
            results += [beat.data] * config.times
        return results

    def golden(self, config: ReplayConfig, stimulus: list[Beat]) -> list[int]:
        return golden.replay([beat.data for beat in stimulus], config.times)

    def elaborate(self, config: ReplayConfig) -> Any:
        return replay(bit(), reset(), Flow(config.bits), Flow(config.bits), config)

    def play(self, dut: Dut, config: ReplayConfig, stimulus: list[Beat]) -> list[int]:
        dut.reset({"sink_valid": 1})  # what came in reset is not given, however long it lasts from then on
        dut.reset({"sink_valid": 0}, cycles=len(stimulus))
        played, due, now = [], [], 0
        for beat in stimulus:
            now += beat.late
            played.append((now, beat.data))
            due += [now + config.latency + number * config.pace for number in range(config.times)]
            now += config.times * config.pace
        seen = play_flow(dut, "sink", played, due[-1] + 2 * config.pace + 2, {}, "source_valid")
        assert [cycle for cycle, _ in seen] == due
        return [outputs["source_data"] for _, outputs in seen]


class TestGolden(ReplaySuite, GoldenTests):
    pass


class TestMyHdl(ReplaySuite, MyHdlTests):
    pass


class TestVerilog(ReplaySuite, VerilogTests):
    pass
