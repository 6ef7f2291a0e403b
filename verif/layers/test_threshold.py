"""compare: each code against its own threshold, `latency` cycles later, with thresholds that may differ between positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sigmabit.golden.layers.threshold import Threshold
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.arithmetic.rom import RomConfig, pack_words, style_of
from sigmabit.hdl.layers.threshold import CompareConfig, ThresholdConfig, threshold
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.bench import Dut
from ..harness.stream import play_flow
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Limits:
    """A layer's thresholds: for each position and channel (threshold, falling); frames have `positions` positions."""

    bits: int
    entries: tuple[tuple[tuple[int, bool], ...], ...]

    @property
    def channels(self) -> int:
        return len(self.entries[0])

    @property
    def config(self) -> ThresholdConfig:
        """The blocks of the layer."""
        compare = CompareConfig(self.channels, self.bits, len(self.entries))
        fields = np.array([[limit + (falling << self.bits + 1) for limit, falling in row] for row in self.entries])
        words = pack_words(fields, compare.limit_bits)
        table = RomConfig("threshold1", "limits", self.channels * compare.limit_bits, words, style_of(len(words), 0, 5))
        return ThresholdConfig("threshold1", compare, table)


@dataclass(frozen=True)
class Frames:
    """Frames of positions, each of one code per channel, and the pauses before positions."""

    frames: tuple[tuple[tuple[int, ...], ...], ...]
    pauses: tuple[int, ...]


def limits(bits: int, positions: int, channels: int) -> st.SearchStrategy[Limits]:
    """Thresholds from "always" to "never", rising and falling."""
    entry = st.tuples(st.integers(0, 1 << bits), st.booleans())
    return st.builds(Limits, st.just(bits), st.tuples(*[st.tuples(*[entry] * channels)] * positions))


class ThresholdSuite(BlockSuite):
    """A layer with its table, so that address and answer are tested too."""

    samples = (
        Limits(8, (((128, False),),)),
        Limits(3, (((0, False), (8, False), (0, True), (8, True), (5, False)),)),
        Limits(2, (((1, False), (2, True)), ((4, False), (3, False)), ((0, True), (1, True)))),
        Limits(4, tuple(((p % 17, bool(p % 2)),) for p in range(9))),
    )
    resets, interrupted = 2, (4, 30)
    flags = ("source_valid",)
    brief = True

    def configs(self) -> st.SearchStrategy[Limits]:
        return st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 4)).flatmap(lambda t: limits(*t))

    def stimuli(self, config: Limits) -> st.SearchStrategy[Frames]:
        top = (1 << config.bits) - 1

        def code(limit: int) -> st.SearchStrategy[int]:
            near = sorted({min(max(number, 0), top) for number in (limit - 1, limit)})
            return st.sampled_from(near) | st.integers(0, top)

        frame = st.tuples(*[st.tuples(*[code(limit) for limit, _ in row]) for row in config.entries])
        pauses = st.one_of(st.just((0,)), st.lists(st.sampled_from([0, 0, 1, 4]), min_size=1, max_size=5).map(tuple))
        return st.builds(Frames, st.lists(frame, min_size=1, max_size=4).map(tuple), pauses)

    def expected(self, config: Limits, stimulus: Frames) -> list[int]:
        results = []
        for frame in stimulus.frames:
            for codes, entries in zip(frame, config.entries, strict=True):
                bits = [(code >= limit) != falling for code, (limit, falling) in zip(codes, entries, strict=True)]
                results.append(sum(1 << i for i, value in enumerate(bits) if value))
        return results

    def golden(self, config: Limits, stimulus: Frames) -> list[int]:
        entries = np.array(config.entries)
        shape = (len(config.entries), 1, config.channels)
        layer = Threshold(
            "threshold1",
            (),
            TensorType(*shape, Range.of_levels(1 << config.bits)),
            entries[..., 0].astype(np.int64).reshape(shape),
            entries[..., 1].astype(bool).reshape(shape),
        )
        bits = layer.run(np.array(stimulus.frames).reshape(-1, *shape))
        return (bits << np.arange(config.channels)).sum(axis=-1).reshape(-1).tolist()  # type: ignore[no-any-return]

    def elaborate(self, config: Limits) -> Any:
        return threshold(bit(), reset(), Flow(config.channels * config.bits), Flow(config.channels), config.config)

    def play(self, dut: Dut, config: Limits, stimulus: Frames) -> list[int]:
        dut.reset({"sink_valid": 1, "sink_data": 0})
        positions = [position for frame in stimulus.frames for position in frame]
        cycles = np.cumsum([1 + stimulus.pauses[i % len(stimulus.pauses)] for i in range(len(positions))])
        beats = [sum(code << (i * config.bits) for i, code in enumerate(codes)) for codes in positions]
        due = (cycles + config.config.latency).tolist()
        seen = play_flow(dut, "sink", list(zip(cycles.tolist(), beats, strict=True)), due[-1] + 3, {}, "source_valid")
        assert [cycle for cycle, _ in seen] == due
        return [outputs["source_data"] for _, outputs in seen]


class TestGolden(ThresholdSuite, GoldenTests):
    pass


class TestMyHdl(ThresholdSuite, MyHdlTests):
    pass


class TestVerilog(ThresholdSuite, VerilogTests):
    pass
