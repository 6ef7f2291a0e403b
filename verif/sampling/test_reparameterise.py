"""reparameterise: samples of a posterior and its scores, from codes and from samples of the normal that are taken as needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import floor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden.sampling import reparameterise as golden
from sigmabit.golden.sampling import score as golden_score
from sigmabit.golden.sampling.exponential import FINEST, Exponential
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.sampling.reparameterise import ReparameteriseConfig, reparameterise
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import Flow, bit, reset, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from .test_exponential import reference
from .test_score import Posterior, packed, scores_of, signed

EPS_BITS = golden.EPS_BITS


@dataclass(frozen=True)
class Beat:
    """Idle cycles, then codes of all latents, and the samples of the normal that they meet."""

    idle: int
    posterior: Posterior
    eps: tuple[int, ...]


def sample_of(mu: int, log: int, eps: int, config: ReparameteriseConfig) -> int:
    """z of one latent, from what docs/sampling/reparameterise.md says."""
    value, fraction = reference(log, config.deviation)
    exact = Fraction(mu, 2**config.fraction) + Fraction(value, 2**fraction) * Fraction(eps, 2**11)
    half = 1 << (config.z_bits - 1)
    return min(max(floor(exact * 2**config.z_fraction + Fraction(1, 2)), -half), half - 1)


LIKELY = 24
"""Latents of a configuration whose rounding tells."""


def telling(mu: int, sigma: int, shift: int, z_bits: int) -> int:
    """The sample of the normal whose product with sigma is nearest to where z is rounded the other way, for its size.

    There all bits of both count; elsewhere it is only the first few that z shows, or none, where it is saturated. mu: in units of
    a product's; shift: bits of it that are rounded away.
    """
    eps = np.arange(-(1 << EPS_BITS - 1), 1 << EPS_BITS - 1)
    total = sigma * eps + mu + (1 << shift - 1)
    rest = total & (1 << shift) - 1
    inside = np.abs(total >> shift) < 1 << z_bits - 1
    return int(eps[np.argmax(inside * np.abs(eps) / (1 + np.minimum(rest, (1 << shift) - 1 - rest)))])


@cache
def rounded(config: ReparameteriseConfig) -> list[tuple[int, int, int]]:
    """Latents, each of mean, logarithm and sample, whose z is all but rounded the other way."""
    random, half, found = np.random.default_rng(config.bits), 1 << config.bits - 1, []
    for _ in range(LIKELY):
        mu, log = (int(code) for code in random.integers(-half, half, 2))
        shift = config.product_fraction - config.z_fraction
        sigma = reference(log, config.deviation)[0]
        found.append((mu, log, telling(mu << config.product_fraction - config.fraction, sigma, shift, config.z_bits)))
    return found


def latents(config: ReparameteriseConfig) -> st.SearchStrategy[tuple[tuple[int, int, int], ...]]:
    """Mean, logarithm and sample of each latent, any or telling."""
    half, most = 1 << config.bits - 1, 1 << EPS_BITS - 1
    code, eps = (st.sampled_from([-top, top - 1, -1, 0]) | st.integers(-top, top - 1) for top in (half, most))
    return st.tuples(*[st.tuples(code, code, eps) | st.sampled_from(rounded(config))] * config.latents)


def timed(dut: Dut, config: ReparameteriseConfig, stimulus: list[Beat], eps_latency: int, latency: int) -> list[list[int]]:
    """Results of beats, each of which must read its eps, and give its result, so many cycles after it has come."""
    dut.reset({"sink_valid": 1, "sink_data": 0, "eps": 0})  # nothing that entered before or in a reset comes out
    queue = [packed(beat.eps, EPS_BITS) for beat in stimulus] + [0]
    takes: list[int] = []
    due: list[int] = []
    seen: list[Any] = []

    def step(inputs: dict[str, int]) -> None:
        outputs = dut.step({**inputs, "eps": queue[0]})  # the queue's head stands until it is taken
        if outputs["take"]:
            takes.append(len(seen))
            queue.pop(0)
        seen.append(outputs)

    for beat in stimulus:
        for _ in range(beat.idle):
            step({"sink_valid": 0, "sink_data": 0})
        due.append(len(seen))
        step({"sink_valid": 1, "sink_data": packed((*beat.posterior.mu, *beat.posterior.logvar), config.bits)})
    for _ in range(latency + 2):
        step({"sink_valid": 0})
    assert takes == [cycle + eps_latency for cycle in due]
    results = [cycle for cycle, outputs in enumerate(seen) if outputs["source_valid"]]
    assert results == [cycle + latency for cycle in due]
    bits, mask = config.result_bits, (1 << config.result_bits) - 1
    words = [seen[cycle]["source_data"] for cycle in results]
    return [[signed(word >> (i * bits) & mask, bits) for i in range(config.outputs)] for word in words]


class ReparameteriseSuite(BlockSuite):
    """Beats one after the other, with and without pauses."""

    samples: ClassVar[Sequence[ReparameteriseConfig]] = (
        ReparameteriseConfig(3, 12, 8, 12, 8, log_sigma=False, score=True),
        ReparameteriseConfig(2, 16, 10, 20, 8, log_sigma=True, score=False),
        ReparameteriseConfig(5, 8, 4, 10, 3, log_sigma=False, score=True),
        ReparameteriseConfig(1, 6, 3, 8, 5, log_sigma=False, score=True),
    )
    resets, interrupted, flags, before = 2, (4, 20), ("source_valid",), 7

    def configs(self) -> st.SearchStrategy[ReparameteriseConfig]:
        fraction = st.integers(0, FINEST)
        return st.builds(
            ReparameteriseConfig,
            st.integers(1, 4),
            st.integers(2, 16),
            fraction,
            st.integers(2, 24),
            fraction,
            st.booleans(),
            st.booleans(),
        )

    def stimuli(self, config: ReparameteriseConfig) -> st.SearchStrategy[list[Beat]]:
        def beat(idle: int, drawn: tuple[tuple[int, int, int], ...]) -> Beat:
            mu, log, eps = zip(*drawn, strict=True)
            return Beat(idle, Posterior(mu, log), eps)

        return st.lists(st.builds(beat, st.integers(0, 2), latents(config)), min_size=1, max_size=8)

    def expected(self, config: ReparameteriseConfig, stimulus: list[Beat]) -> list[list[int]]:
        results = []
        for beat in stimulus:
            latents = zip(beat.posterior.mu, beat.posterior.logvar, beat.eps, strict=True)
            scores = scores_of(beat.posterior, config.scores.variance) if config.score else ()
            results.append([*(sample_of(mu, log, eps, config) for mu, log, eps in latents), *scores])
        return results

    def golden(self, config: ReparameteriseConfig, stimulus: list[Beat]) -> list[list[int]]:
        mu, log = (np.array([getattr(beat.posterior, name) for beat in stimulus]) for name in ("mu", "logvar"))
        eps = np.array([beat.eps for beat in stimulus])
        fields = golden.reparameterise(mu, log, eps, config.deviation, config.z_bits, config.z_fraction)
        if config.score:
            fields = np.column_stack([fields, *golden_score.score(mu, log, config.scores.variance)])
        results: list[list[int]] = fields.tolist()
        return results

    def elaborate(self, config: ReparameteriseConfig) -> Any:
        sink, source = Flow(2 * config.latents * config.bits), Flow(config.outputs * config.result_bits)
        return reparameterise(bit(), reset(), sink, wire(config.latents * EPS_BITS), bit(), source, config)

    def play(self, dut: Dut, config: ReparameteriseConfig, stimulus: list[Beat]) -> list[list[int]]:
        return timed(dut, config, stimulus, config.eps_latency, config.latency)


class TestGolden(ReparameteriseSuite, GoldenTests):
    pass


class TestMyHdl(ReparameteriseSuite, MyHdlTests):
    pass


class TestVerilog(ReparameteriseSuite, VerilogTests):
    pass


class WorstSuite(ReparameteriseSuite):
    """The beats whose z is farthest off, and those beside them."""

    samples = (ReparameteriseConfig(2, 12, 8, 24, 8, log_sigma=False, score=False),)

    def stimuli(self, config: ReparameteriseConfig) -> st.SearchStrategy[list[Beat]]:
        _, log, eps = worst_case(config.deviation, config.z_fraction)
        one = Posterior((0, -1), (log, log))
        return st.just([Beat(0, one, (eps, eps)), Beat(0, one, (eps + 1, eps)), Beat(1, one, (eps, -eps - 1))])


class TestWorstVerilog(WorstSuite, VerilogTests):
    pass


def error(log: int, eps: np.ndarray[Any, np.dtype[np.int64]], form: Exponential, z_fraction: int) -> Any:
    """How far z is off for a logarithm's code and many eps, in units of its last place; mu is 0, z is not saturated."""
    exact = np.exp(log * 2.0 ** (form.power - form.fraction)) * eps * 2.0 ** (z_fraction - golden.EPS_FRACTION)
    zeros = np.zeros_like(eps)
    return np.abs(golden.reparameterise(zeros, zeros + log, eps, form, 40, z_fraction) - exact)


def worst_case(form: Exponential, z_fraction: int) -> tuple[float, int, int]:
    """The largest error that any code and any eps give, with that code and eps; codes that cannot give it are passed over."""
    codes = np.arange(form.clamp[0], form.clamp[1] + 1)
    exact = np.exp(codes * 2.0 ** (form.power - form.fraction))
    errors = np.abs(golden.sigma(codes, form) * 2.0**-form.value_fraction - exact)
    eps = np.arange(-(1 << (EPS_BITS - 1)), 1 << (EPS_BITS - 1))
    worst = (0.0, 0, 0)
    for place in np.argsort(-errors):
        if 0.5 + errors[place] * 16 * 2.0**z_fraction <= worst[0]:
            break
        found = error(int(codes[place]), eps, form, z_fraction)
        worst = max(worst, (float(found.max()), int(codes[place]), int(eps[found.argmax()])))
    return worst


@pytest.mark.parametrize("log_sigma", [False, True], ids=["logvar", "log_sigma"])
@pytest.mark.parametrize(("bits", "fraction", "z_fraction"), [(12, 8, 8), (8, 4, 4), (10, 7, 7), (16, 12, 11), (6, 3, 5)])
def test_error_bound(bits: int, fraction: int, z_fraction: int, log_sigma: bool) -> None:
    """Over every code and every eps, z comes within a hair of the stated bound, and never beyond it."""
    form = Exponential(bits, fraction, log_sigma, squared=False)
    bound = golden.error_bound(form, z_fraction)
    assert 0.99 * bound <= worst_case(form, z_fraction)[0] <= bound + 1e-9


def test_error_of_saturated_samples() -> None:
    """Saturated z is within the bound of the real number, saturated: codes and eps at random, the format's ends among them."""
    config = ReparameteriseConfig(1, 12, 8, 12, 8, log_sigma=False, score=False)
    rng = np.random.default_rng(3)
    mu, log = rng.integers(-2048, 2048, (2, 1_000_000))
    eps = rng.integers(-32768, 32768, len(mu))
    z = golden.reparameterise(mu, log, eps, config.deviation, config.z_bits, config.z_fraction)
    exact = np.clip(mu + np.exp(log / 512) * eps / 8, -2048, 2047)
    assert {-2048, 2047} <= set(z.tolist())
    assert np.abs(z - exact).max() <= golden.error_bound(config.deviation, config.z_fraction)


@pytest.mark.parametrize(
    ("bits", "fraction", "lut", "dsp"),
    [
        pytest.param(8, 4, 2400, 39, marks=pytest.mark.long),
        (10, 7, 2350, 52),
        pytest.param(12, 8, 2300, 52, marks=pytest.mark.long),
    ],
)
def test_cost(tmp_path: Path, bits: int, fraction: int, lut: int, dsp: int) -> None:
    """13 latents with their scores: the trigger's area, logic depth and latency (docs/sampling/reparameterise.md)."""
    config = ReparameteriseConfig(13, bits, fraction, bits, fraction, log_sigma=False, score=True)
    with outline():
        block = ReparameteriseSuite().elaborate(config)
    design = convert(block)
    area = synthesise(design.write(tmp_path / "verilog"), design.top, tmp_path / "yosys").area
    assert area.lut <= lut
    assert area.dsp == config.bill(SERIES7).dsp == dsp
    assert 1 <= area.levels <= 4
    assert area.bram36 == 0
    assert config.bill(SERIES7).lut / 1.5 <= area.lut <= config.bill(SERIES7).lut * 1.5
    assert (config.eps_latency, config.z_latency, config.latency) == (2, 6, 6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"latents": 0}, "latents=0 is below 1"),
        ({"bits": 17}, "bits=17 is not 2 to 16"),
        ({"fraction": -1}, "fraction=-1 is not 0 to 20"),
        ({"z_bits": 25}, "z_bits=25 is not 2 to 24"),
        ({"z_fraction": -1}, "z_fraction=-1 is not 0 to 20"),
    ],
)
def test_refused(change: dict[str, int], message: str) -> None:
    """Formats that the block does not have."""
    fields = {"latents": 3, "bits": 12, "fraction": 8, "z_bits": 12, "z_fraction": 8, "log_sigma": False, "score": False}
    with pytest.raises(ValueError, match=f"^{message}$"):
        ReparameteriseConfig(**{**fields, **change})  # type: ignore[arg-type]
