"""collect: a position one cycle after the last of its chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sigmabit.golden.arithmetic.collect import collect as golden_collect
from sigmabit.hdl.arithmetic.collect import CollectConfig, collect
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.bench import Dut
from ..harness.stream import play_flow
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Chunks:
    """Positions, each of as many chunks as the configuration says, and the pauses before chunks."""

    positions: tuple[tuple[int, ...], ...]
    pauses: tuple[int, ...]


def config_of(chunks: int, chunk_bits: int, missing: int) -> CollectConfig:
    """A position some bits short of all its chunks."""
    return CollectConfig(chunks * chunk_bits - min(missing, chunk_bits - 1), chunk_bits, chunks)


class CollectSuite(BlockSuite):
    """Whole and incomplete last chunks; more bits than a net may load."""

    samples = (config_of(2, 1, 0), config_of(3, 4, 2), config_of(5, 7, 6), config_of(72, 50, 7))
    resets, interrupted = 2, (4, 40)
    flags = ("source_valid",)

    def configs(self) -> st.SearchStrategy[CollectConfig]:
        drawn = st.builds(config_of, st.integers(2, 6), st.integers(1, 6), st.integers(0, 5))
        return drawn | st.sampled_from(self.samples[3:])

    def stimuli(self, config: CollectConfig) -> st.SearchStrategy[Chunks]:
        position = st.tuples(*[st.integers(0, (1 << config.chunk_bits) - 1)] * config.chunks)
        pauses = st.one_of(st.just((0,)), st.lists(st.sampled_from([0, 0, 1, 4]), min_size=1, max_size=5).map(tuple))
        return st.builds(Chunks, st.lists(position, min_size=1, max_size=5).map(tuple), pauses)

    def expected(self, config: CollectConfig, stimulus: Chunks) -> list[int]:
        return [
            sum(chunk << (i * config.chunk_bits) for i, chunk in enumerate(position)) % 2**config.bits
            for position in stimulus.positions
        ]

    def golden(self, config: CollectConfig, stimulus: Chunks) -> list[int]:
        bits = np.array(stimulus.positions)[..., None] >> np.arange(config.chunk_bits) & 1
        return [
            sum(bit << place for place, bit in enumerate(position)) for position in golden_collect(bits, config.bits).tolist()
        ]

    def elaborate(self, config: CollectConfig) -> Any:
        return collect(bit(), reset(), Flow(config.chunk_bits), Flow(config.bits), config)

    def play(self, dut: Dut, config: CollectConfig, stimulus: Chunks) -> list[int]:
        dut.reset({"sink_valid": 0})
        chunks = [chunk for position in stimulus.positions for chunk in position]
        cycles = np.cumsum([1 + stimulus.pauses[i % len(stimulus.pauses)] for i in range(len(chunks))])
        due = (cycles[config.chunks - 1 :: config.chunks] + config.latency).tolist()
        seen = play_flow(dut, "sink", list(zip(cycles.tolist(), chunks, strict=True)), due[-1] + 3, {}, "source_valid")
        assert [cycle for cycle, _ in seen] == due
        return [outputs["source_data"] for _, outputs in seen]


class TestGolden(CollectSuite, GoldenTests):
    pass


class TestMyHdl(CollectSuite, MyHdlTests):
    pass


class TestVerilog(CollectSuite, VerilogTests):
    pass
