"""score: the sum of squares of the means, and the divergence from the standard normal."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden.sampling import score as golden
from sigmabit.golden.sampling.exponential import FINEST, Exponential
from sigmabit.hdl.sampling.score import ScoreConfig, score
from sigmabit.hdl.verilog.stream import bit, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from .test_exponential import reference


@dataclass(frozen=True)
class Posterior:
    """Codes of all latents."""

    mu: tuple[int, ...]
    logvar: tuple[int, ...]


@cache
def scores_of(posterior: Posterior, form: Exponential) -> tuple[int, int]:
    """The scores, number by number, from what docs/sampling/score.md says."""
    mu_squared = sum(Fraction(mu, 2**form.fraction) ** 2 for mu in posterior.mu)
    total = mu_squared
    for code in posterior.logvar:
        value, fraction = reference(code, form)
        low, high = form.clamp
        logvar = Fraction(min(max(code, low), high) * (2 if form.log_sigma else 1), 2**form.fraction)
        total += Fraction(value, 2**fraction) - 1 - logvar
    return int(mu_squared * 4**form.fraction), (total / 2 * 2**12 + Fraction(1, 2)).__floor__()


def codes(bits: int, count: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Codes of `bits` bits, the extremes often among them."""
    half = 1 << (bits - 1)
    return st.tuples(*[st.sampled_from([-half, half - 1, -1, 0]) | st.integers(-half, half - 1)] * count)


def packed(values: tuple[int, ...], bits: int) -> int:
    """Values side by side in two's complement, the first lowest."""
    return sum((value & ((1 << bits) - 1)) << (i * bits) for i, value in enumerate(values))


def signed(word: int, bits: int) -> int:
    """The number that a word stands for in two's complement."""
    return word - ((word >> (bits - 1)) << bits)


class ScoreSuite(BlockSuite):
    """A posterior in every cycle."""

    samples = (
        ScoreConfig(5, 12, 8, log_sigma=False),
        ScoreConfig(3, 6, 3, log_sigma=True),
        ScoreConfig(1, 16, 10, log_sigma=False),
        ScoreConfig(17, 4, 2, log_sigma=False),
    )

    def configs(self) -> st.SearchStrategy[ScoreConfig]:
        return st.builds(ScoreConfig, st.integers(1, 6), st.integers(2, 16), st.integers(0, FINEST), st.booleans())

    def stimuli(self, config: ScoreConfig) -> st.SearchStrategy[list[Posterior]]:
        one = codes(config.bits, config.latents)
        return st.lists(st.builds(Posterior, one, one), min_size=1, max_size=6) | st.just(self.walk(config))

    @staticmethod
    def walk(config: ScoreConfig) -> list[Posterior]:
        """All entries of tables, in each latent at another time; of long codes all parts, if not all together."""
        half, step = 1 << config.bits - 1, 1 if config.bits <= 8 else 37

        def several(start: int, apart: int) -> tuple[int, ...]:
            return tuple((start + apart * latent) % (2 * half) - half for latent in range(config.latents))

        return [Posterior(several(-start, 3), several(start, 5)) for start in range(0, 2 * half, step)]

    def expected(self, config: ScoreConfig, stimulus: list[Posterior]) -> list[tuple[int, int]]:
        return [scores_of(posterior, config.variance) for posterior in stimulus]

    def golden(self, config: ScoreConfig, stimulus: list[Posterior]) -> list[tuple[int, int]]:
        mu, logvar = (np.array([getattr(posterior, name) for posterior in stimulus]) for name in ("mu", "logvar"))
        mu_squared, kl = golden.score(mu, logvar, config.variance)
        return list(zip(mu_squared.tolist(), kl.tolist(), strict=True))

    def elaborate(self, config: ScoreConfig) -> Any:
        data = wire(2 * config.latents * config.bits)
        return score(bit(), data, wire(config.mu_squared_bits), wire(config.kl_bits), config)

    def play(self, dut: Dut, config: ScoreConfig, stimulus: list[Posterior]) -> list[tuple[int, int]]:
        words = [packed((*posterior.mu, *posterior.logvar), config.bits) for posterior in stimulus]
        seen = [dut.step({"data": word}) for word in [*words, *[0] * config.latency]]
        return [
            (signed(outputs["mu_squared"], config.mu_squared_bits), signed(outputs["kl"], config.kl_bits))
            for outputs in seen[config.latency :]
        ]


class TestGolden(ScoreSuite, GoldenTests):
    pass


class TestMyHdl(ScoreSuite, MyHdlTests):
    pass


class TestVerilog(ScoreSuite, VerilogTests):
    pass


@pytest.mark.parametrize("log_sigma", [False, True], ids=["logvar", "log_sigma"])
@pytest.mark.parametrize(("bits", "fraction"), [(6, 3), (8, 4), (12, 8), (16, 12), (16, 8)])
def test_error_bound(bits: int, fraction: int, log_sigma: bool) -> None:
    """The divergence is that of real numbers within the stated bound, which random posteriors and the worst one come close to."""
    form = Exponential(bits, fraction, log_sigma, squared=True)
    latents, half = 13, 1 << (bits - 1)
    rng = np.random.default_rng(bits + fraction)
    mu, logvar = rng.integers(-half, half, (2, 20_000, latents))
    every = np.arange(form.clamp[0], form.clamp[1] + 1)
    mu[: len(every)] = rng.integers(-half, half, (min(len(every), len(mu)), 1))
    logvar[: len(every)] = every[: len(mu), None]  # the same in all latents, so that errors add up
    _, kl = golden.score(mu, logvar, form)
    v = np.clip(logvar, *form.clamp) * 2.0 ** (log_sigma - fraction)
    exact = ((mu * 2.0**-fraction) ** 2 + np.exp(v) - 1 - v).sum(axis=1) / 2
    worst = np.abs(kl * 2.0**-golden.KL_FRACTION - exact).max()
    bound = golden.kl_bound(latents, form)
    assert 0.15 * bound < worst <= bound * (1 + 1e-9)


def test_no_divergence() -> None:
    """A posterior that is the standard normal has a divergence of 0 in every format."""
    for bits in range(2, 17):
        for fraction in range(FINEST + 1):
            form = Exponential(bits, fraction, log_sigma=False, squared=True)
            zeros = np.zeros((1, 13), np.int64)
            assert [part.tolist() for part in golden.score(zeros, zeros, form)] == [[0], [0]]


def test_refused() -> None:
    """No latents."""
    with pytest.raises(ValueError, match=r"^latents=0 is below 1$"):
        ScoreConfig(0, 8, 4, log_sigma=False)


@pytest.mark.parametrize("latents", [1, 2, 5])
@pytest.mark.parametrize(("bits", "fraction"), [(2, 0), (2, 7), (4, 2), (8, 4), (8, 7), (12, 3)])
@pytest.mark.parametrize("log_sigma", [False, True])
def test_widths(latents: int, bits: int, fraction: int, log_sigma: bool) -> None:
    """The largest scores of all have just the bits that are said; or one less, if one more than the largest has not."""
    form = Exponential(bits, fraction, log_sigma, squared=True)
    lowest = -(1 << (bits - 1))
    every = [scores_of(Posterior((lowest,) * latents, (code,) * latents), form) for code in range(lowest, -lowest)]
    for place, said in enumerate((golden.mu_squared_bits(latents, form), golden.kl_bits(latents, form))):
        largest = max(scores[place] for scores in every)
        assert largest.bit_length() + 1 <= said <= (largest + 1).bit_length() + 1
