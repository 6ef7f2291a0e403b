"""Pipelines that draw samples: whole networks on AXI4-Streams, whatever comes, and the frames that get which samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from sigmabit.golden.pipeline.ingress import admit
from sigmabit.verif.simulation import Noise

from ..harness.bench import Dut, Values
from ..harness.random_vaes import VaeCase, naive_vae
from ..harness.stream import Stalls, StreamBench
from ..harness.suite import GoldenTests, MyHdlTests, VerilogTests
from ..pipeline.test_top import Answers, TopSuite, Traffic

VECTORS = 64
"""Vectors of samples that are offered: more than any traffic consumes."""


class SamplingBench(StreamBench):
    """The bench of a pipeline, with vectors of samples offered in two of three cycles, one after the other."""

    def __init__(self, dut: Dut, vectors: list[int]) -> None:
        super().__init__(dut, fixed={"s_axis_eps_tvalid": 0, "s_axis_eps_tdata": 0})
        self.vectors = list(vectors)
        self.offering = False

    def cycle(self, patterns: Stalls, extra: Values | None = None) -> Values:
        self.offering = bool(self.vectors) and (self.offering or self.dut.cycle % 3 != 0)
        drawn = {"s_axis_eps_tvalid": int(self.offering), "s_axis_eps_tdata": self.vectors[0] if self.offering else 0}
        outputs = super().cycle(patterns, {**(extra or {}), **drawn})
        if self.offering and outputs["s_axis_eps_tready"]:
            self.vectors.pop(0)
            self.offering = False
        return outputs


class SamplingSuite(TopSuite):
    """Networks with a sampling layer; samples come from outside, well-formed frames consume them."""

    examples = 4
    costly = 5
    samples = (*(VaeCase(seed) for seed in (0, 1, 10)), *(VaeCase(seed, 3) for seed in (9, 19, 49)))

    def configs(self) -> st.SearchStrategy[Any]:
        return st.builds(VaeCase, st.integers(0, 10**6), st.sampled_from([1, 2, 3]))

    @staticmethod
    def epsilon(config: VaeCase) -> NDArray[np.int64]:
        """(vectors, latents) samples."""
        latent = config.network.latent
        assert latent is not None
        normal = np.random.default_rng(config.seed).standard_normal((VECTORS, latent.latents))
        return np.rint(normal * 2**11).astype(np.int64)

    def bench(self, dut: Dut, config: Any) -> StreamBench:
        drawn = self.epsilon(config)
        packed = Noise.layout(drawn.shape[1]).pack(drawn[:, None, None])
        return SamplingBench(dut, [int.from_bytes(vector.tobytes(), "little") for vector in packed])

    def answers(self, config: Any, stimulus: Traffic, results: Any) -> Answers:
        whole = config.plan.source.beats
        good = [frame.beats in (None, whole) for frame in stimulus.frames]
        kept = [sample for result, wanted in zip(results, good, strict=True) if wanted for sample in result]
        return Answers(kept, len(good), good.count(True), good.count(False), good.count(False))

    def expected(self, config: Any, stimulus: Traffic) -> Answers:
        whole, position = config.plan.source.beats, 0
        drawn, results = self.epsilon(config).tolist(), []
        for frame in stimulus.frames:
            vectors = drawn[position : position + config.plan.samples]
            results.append(naive_vae(config.network, self.codes(config, frame), vectors))
            position += config.plan.samples * (frame.beats in (None, whole))
        return self.answers(config, stimulus, results)

    def golden(self, config: Any, stimulus: Traffic) -> Answers:
        network, samples = config.network, config.plan.samples
        transfers = [(beat.data, beat.last) for frame in stimulus.frames for beat in self.beats(config, frame)]
        admitted = admit(transfers, config.plan.source.beats)
        whole = [self.codes(config, sent) for sent, frame in zip(stimulus.frames, admitted, strict=True) if frame.good]
        results = []
        if whole:
            drawn = self.epsilon(config)[: len(whole) * samples].reshape(len(whole), samples, -1)
            found = network.results(np.stack(whole), drawn)
            results = found.reshape(len(whole) * samples, -1, network.result.channels).tolist()
        lost = len(admitted) - len(whole)
        return Answers(results, len(admitted), len(whole), lost, lost)


class TestGolden(SamplingSuite, GoldenTests):
    pass


class TestMyHdl(SamplingSuite, MyHdlTests):
    pass


class TestVerilog(SamplingSuite, VerilogTests):
    pass


class MoreSamples(SamplingSuite):
    """Further networks."""

    samples = (*(VaeCase(seed) for seed in (2, 5)), VaeCase(24, 3))


@pytest.mark.long
class TestMoreVerilog(MoreSamples, VerilogTests):
    pass
