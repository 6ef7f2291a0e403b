"""draw: well-formed frames consume a vector with each read, malformed ones none; never more statuses than there is room for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from sigmabit.golden.sampling import draw as golden
from sigmabit.hdl.sampling.draw import DrawConfig, draw
from sigmabit.hdl.verilog.stream import FrameStatus, bit, reset

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Frame:
    """good: was it well formed? early: cycles by which its status comes before its first read, at least 1, if there is room.

    pauses: cycles before each of its reads.
    """

    good: bool
    early: int
    pauses: tuple[int, ...]


class DrawSuite(BlockSuite):
    """Which vector each read of each frame finds."""

    samples = (DrawConfig(1, 4), DrawConfig(3, 2), DrawConfig(4, 3), DrawConfig(2, 9))
    resets, interrupted = 2, (4, 60)

    def configs(self) -> st.SearchStrategy[DrawConfig]:
        return st.builds(DrawConfig, st.integers(1, 4), st.integers(1, 10))

    def stimuli(self, config: DrawConfig) -> st.SearchStrategy[list[Frame]]:
        pauses = st.tuples(*[st.sampled_from([0, 0, 1, 4])] * config.samples)
        return st.lists(st.builds(Frame, st.booleans(), st.integers(1, 15 + 3 * config.frames), pauses), min_size=1, max_size=10)

    def expected(self, config: DrawConfig, stimulus: list[Frame]) -> list[list[int]]:
        results, position = [], 0
        for frame in stimulus:
            vectors = []
            for _ in range(config.samples):
                vectors.append(position)
                position += frame.good
            results.append(vectors)
        return results

    def golden(self, config: DrawConfig, stimulus: list[Frame]) -> list[list[int]]:
        results, following = [], 0
        for first in golden.draw([frame.good for frame in stimulus], config.samples):
            if first is not None:
                results.append(list(range(first, first + config.samples)))
                following = first + config.samples
            else:
                results.append([following] * config.samples)
        return results

    def elaborate(self, config: DrawConfig) -> Any:
        return draw(bit(), reset(), FrameStatus(), bit(), bit(), config)

    def play(self, dut: Dut, config: DrawConfig, stimulus: list[Frame]) -> list[list[int]]:
        dut.reset({"status_done": 1, "status_good": 1, "take": 1})
        statuses: dict[int, bool] = {}
        reads: list[int] = []
        came, now = -1, 0
        for number, frame in enumerate(stimulus):
            # its place is that of the frame `frames` before, from the cycle of that one's last read on
            free = reads[(number + 1 - config.frames) * config.samples - 1] if number >= config.frames else 0
            came = max(came + 1, free, now - frame.early)
            statuses[came] = frame.good
            now = max(now, came + 1)
            for pause in frame.pauses:
                reads.append(now + pause)
                now = reads[-1] + 1
        vectors, position = [], 0
        for cycle in range(now + 3):
            status = {"status_done": int(cycle in statuses), "status_good": int(statuses.get(cycle, 1))}
            outputs = dut.step({**status, "take": int(cycle in reads)})
            assert cycle in reads or not outputs["consume"]
            if cycle in reads:
                vectors.append(position)
                position += outputs["consume"]
        return [vectors[first : first + config.samples] for first in range(0, len(vectors), config.samples)]


class TestGolden(DrawSuite, GoldenTests):
    pass


class TestMyHdl(DrawSuite, MyHdlTests):
    pass


class TestVerilog(DrawSuite, VerilogTests):
    pass
