"""The tests of samples: the sampler passes them, wrong samplers do not, and their probabilities are right."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sigmabit.golden.noise.distribution import normal_masses
from sigmabit.golden.noise.gaussian import Table, gaussian, normal_table
from sigmabit.golden.noise.seeder import lane_states
from sigmabit.golden.noise.uniform import Words

from ..simulation.statistics import LEAST, Check, Draw, anderson_darling_limit, checks, holm, shape_checks, tally

SIGNIFICANCE = 0.01


def failed(found: list[Check]) -> set[str]:
    """The tests that fail, judged together."""
    return {check.name for check, adjusted in holm(found) if adjusted <= SIGNIFICANCE}


def four_uniforms(words: Words) -> NDArray[np.int64]:
    """The sum of four uniform numbers of 16 bits, with the normal's mean and variance."""
    total = sum((words >> np.uint64(16 * part) & np.uint64(0xFFFF)).astype(np.int64) for part in range(4))
    return np.rint((total - 2 * 65535) * (2048 / np.sqrt(4 * (65536**2 - 1) / 12))).astype(np.int64)


def wrong_table(words: Words) -> NDArray[np.int32]:
    """The sampler with one wrong bit in one threshold."""
    table = normal_table()
    thresholds = table.thresholds.copy()
    thresholds[64] ^= 1 << 21
    return gaussian(words, Table(thresholds, table.others))


def rounded_down(words: Words) -> NDArray[np.int32]:
    """The sampler without its rounding: half a step too low."""
    return gaussian(words) - (words & np.uint64(1)).astype(np.int32)


def persistent(words: Words) -> NDArray[np.int32]:
    """The sampler with a bit that lasts: one sample of 256 is the one before."""
    samples = gaussian(words)
    again = np.nonzero((words[1:] & np.uint64(0xFF)) == 0)
    samples[1:][again] = samples[:-1][again]
    return samples


def test_samples() -> None:
    """The short form of `sigmabit sampler stats`: no test of four million samples is failed."""
    found = [check for seed in (0, 2**64 - 1) for check in checks(tally(seed, LEAST * 2))]
    assert failed(found) == set()
    assert len(found) > 300


@pytest.mark.parametrize(
    ("draw", "seen"),
    [
        (four_uniforms, {"chi-squared, each code", "Kolmogorov-Smirnov", "Anderson-Darling", "moment 4"}),
        (wrong_table, {"chi-squared, each code", "chi-squared, 32 codes together"}),
        (rounded_down, {"chi-squared, each code", "chi-squared, 4 codes together"}),
        (persistent, {"samples 1 apart", "squares 1 apart"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_wrong_samplers_fail(draw: Draw, seen: set[str]) -> None:
    """Faults of shape and of time are found by the tests that are meant to find them."""
    assert seen <= failed(list(checks(tally(1, 4 * LEAST, draw))))


def test_equal_lanes_fail() -> None:
    """A lane that gives what another one gives."""

    def begin(seed: int, lanes: int) -> Words:
        states = lane_states(seed, lanes)
        states[:, 2] = states[:, 0]
        return states

    assert {"samples of lanes 0 and 2", "squares of lanes 0 and 2"} <= failed(list(checks(tally(1, LEAST, begin=begin))))


def test_probabilities() -> None:
    """Samples of the true distribution: probabilities below 5 % come in 5 % of all cases, as far as a test is exact."""
    chance = np.random.default_rng(3)
    below: dict[str, int] = {}
    rounds = 100
    for _ in range(rounds):
        for check in shape_checks(0, chance.multinomial(100_000, normal_masses() / normal_masses().sum())):
            below[check.name] = below.get(check.name, 0) + (check.probability < 0.05)
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], rounds, 0.05)
    for name, count in below.items():
        assert count <= high, name
        assert count >= low or name == "Kolmogorov-Smirnov" or name.startswith("moment"), name


def test_anderson_darling_limit() -> None:
    """Percentage points of P. Lewis (Annals of Mathematical Statistics 32, 1961)."""
    for statistic, probability in ((1.248, 0.75), (1.933, 0.90), (2.492, 0.95), (3.857, 0.99)):
        assert anderson_darling_limit(statistic) == pytest.approx(probability, abs=4e-4)
    assert anderson_darling_limit(1e9) == 1


def test_holm() -> None:
    """The smallest probability counts as often as there are tests, the next one time less; the order stays."""
    found = [Check(0, name, 0.0, probability) for name, probability in (("a", 0.02), ("b", 0.01), ("c", 0.9))]
    assert [(check.name, pytest.approx(adjusted)) for check, adjusted in holm(found)] == [("b", 0.03), ("a", 0.04), ("c", 0.9)]
