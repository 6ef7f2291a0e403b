"""sampler: the samples of a seed, one vector per cycle for ever; what it costs."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden.noise.sampler import samples
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.noise.sampler import SamplerConfig, sampler
from sigmabit.hdl.noise.seeder import LANES
from sigmabit.hdl.verilog.stream import bit, reset, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from ..simulation.sampler_run import draw, sampler_design
from .test_gaussian import naive as naive_sample
from .test_seeder import SEEDS, naive_jump, naive_seed
from .test_uniform import naive as naive_words

Draws = tuple[int, list[int]]
"""A seed, and for each vector the cycles before it is taken."""


class SamplerSuite(BlockSuite):
    """A seed, then vectors taken with and without pauses, more of them than the queue holds."""

    samples = (SamplerConfig(1), SamplerConfig(3), SamplerConfig(LANES + 1))
    examples = 3

    def configs(self) -> st.SearchStrategy[SamplerConfig]:
        return st.builds(SamplerConfig, st.integers(1, 3))

    def stimuli(self, config: SamplerConfig) -> st.SearchStrategy[Draws]:
        pauses = st.lists(st.sampled_from([0, 0, 0, 1, 7, 40]), min_size=30, max_size=60)
        return st.tuples(SEEDS, pauses | st.just([0] * 100))

    def expected(self, config: SamplerConfig, stimulus: Draws) -> list[list[int]]:
        seed, pauses = stimulus
        states = [naive_seed(seed)]
        while len(states) < config.lanes:
            states.append(naive_jump(states[-1]))
        lanes = [[naive_sample(word) for word, _ in islice(naive_words(state), len(pauses))] for state in states]
        return [list(vector) for vector in zip(*lanes, strict=True)]

    def golden(self, config: SamplerConfig, stimulus: Draws) -> list[list[int]]:
        seed, pauses = stimulus
        return samples(seed, config.lanes, len(pauses)).tolist()

    def elaborate(self, config: SamplerConfig) -> Any:
        return sampler(bit(), reset(), wire(64), bit(), wire(config.vector_bits), bit(), config)

    def play(self, dut: Dut, config: SamplerConfig, stimulus: Draws) -> list[list[int]]:
        seed, pauses = stimulus
        dut.reset({"seed": seed, "take": 0})
        for _ in range(config.seeding_cycles):
            assert not dut.step({"seed": 0})["ready"]
        found = []
        for pause in pauses:
            standing = [dut.step({"take": 0}) for _ in range(pause)]
            taken = dut.step({"take": 1})
            assert taken["ready"] and all(seen["ready"] and seen["eps"] == taken["eps"] for seen in standing)
            found.append(taken["eps"])
        dut.step({"take": 0})
        lanes = [[vector >> 16 * lane & 0xFFFF for lane in range(config.lanes)] for vector in found]
        return [[sample - (sample >> 15 << 16) for sample in vector] for vector in lanes]


class TestGolden(SamplerSuite, GoldenTests):
    @pytest.mark.parametrize("start", [1, 63, 1000, 2**40, 2**64])
    def test_start(self, start: int) -> None:
        """What is skipped is skipped exactly; 2**64 samples on, a lane is where the next one begins."""
        skipped = samples(5, 3, 100, start)
        if start < 2**20:
            assert np.array_equal(skipped, samples(5, 3, start + 100)[start:])
        elif start == 2**64:
            assert np.array_equal(skipped[:, :2], samples(5, 3, 100)[:, 1:])
        else:
            assert np.array_equal(skipped[50:], samples(5, 3, 50, start + 50))

    def test_long_runs(self) -> None:
        """A long run, made in parts side by side, is one sequence."""
        whole = samples(9, 2, 300_001)
        assert np.array_equal(whole[123_456:123_556], samples(9, 2, 100, 123_456))
        assert np.array_equal(whole[-1:], samples(9, 2, 1, 300_000))
        assert whole.shape == (300_001, 2)


class TestMyHdl(SamplerSuite, MyHdlTests):
    pass


class TestVerilog(SamplerSuite, VerilogTests):
    @pytest.mark.parametrize(("lanes", "seed", "wait"), [(4, 0, 0), (4, 2**64 - 1, 0), (4, 0xDECAF, 100), (1, 1, 10)])
    def test_a_million_samples(self, lanes: int, seed: int, wait: int) -> None:
        """Sample for sample, more than a million of them for each seed: those of the tail come by themselves."""
        config = SamplerConfig(lanes)
        count = 2**20 // lanes + 1
        found, cycles = draw(config, seed, count, wait)
        assert cycles == config.seeding_cycles
        assert np.array_equal(found, samples(seed, lanes, count))


@pytest.mark.parametrize(("lanes", "lut"), [(1, 525), pytest.param(4, 443 * 4, marks=pytest.mark.long)])
def test_area(tmp_path: Path, lanes: int, lut: int) -> None:
    """Far below 650 LUT6 and a DSP48 for each lane, seeding included; half a RAMB36 each, four logic levels."""
    config = SamplerConfig(lanes)
    design = sampler_design(config)
    area = synthesise(design.write(tmp_path / "verilog"), design.top, tmp_path / "yosys").area
    assert area.lut <= lut
    assert (area.bram36, area.dsp) == (lanes / 2, 0)
    assert 1 <= area.levels <= 4
    assert config.bill(SERIES7).bram36 == area.bram36
    assert area.lut / 1.15 <= config.bill(SERIES7).lut <= area.lut * 1.15
    assert area.ff / 1.15 <= config.bill(SERIES7).ff <= area.ff * 1.15
