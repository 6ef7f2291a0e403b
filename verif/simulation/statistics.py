"""Tests of samples: are they independent, and normal?

Every test gives a probability to be as far off by chance; all of them together are judged by Holm's method, which keeps the
probability that a sampler without fault fails at the given significance (S. Holm, Scandinavian Journal of Statistics 6, 1979).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from sigmabit.golden.noise.distribution import CODES, LARGEST, normal_masses, pooled
from sigmabit.golden.noise.gaussian import FRACTION, gaussian
from sigmabit.golden.noise.sampler import apart
from sigmabit.golden.noise.seeder import lane_states
from sigmabit.golden.noise.uniform import Words, words

LANES = 4
"""Lanes that are drawn from and compared."""

LAGS = 64
"""Distances up to which samples of a lane are compared."""

WIDTHS = (1, 4, 32, 256)
"""Codes that a cell of a chi-squared test takes together."""

STREAMS, ROWS = 512, 256
"""Parts of a lane that are drawn side by side, and samples drawn of each at a time."""

LEAST = 2 * LANES * STREAMS * ROWS
"""Samples of a seed below which there is nothing to compare."""

Draw = Callable[[Words], NDArray[np.integer]]


@dataclass
class Tally:
    """What is kept of a seed's samples.

    counts: of each code; products, squares: for each lag the sum of products of samples, and of squares less one, so many apart,
    in standard deviations; pairs: how many of them; across: the same for pairs of lanes at one time; samples: of each lane.
    """

    seed: int
    counts: NDArray[np.int64]
    products: NDArray[np.float64]
    squares: NDArray[np.float64]
    pairs: NDArray[np.int64]
    across: dict[tuple[int, int], tuple[float, float]]
    samples: int


def tally(
    seed: int,
    count: int,
    draw: Draw = gaussian,
    begin: Callable[[int, int], Words] = lane_states,
    progress: Callable[[int], None] = lambda drawn: None,
) -> Tally:
    """Draw about `count` samples of a seed, LANES lanes together. draw, begin: another sampler, to see that it is found out."""
    rounds = max(1, round(count / (LANES * STREAMS * ROWS)))
    states = apart(begin(seed, LANES), STREAMS, rounds * ROWS)  # (2, streams, lanes)
    states = np.ascontiguousarray(states.transpose(0, 2, 1))
    found = Tally(
        seed,
        np.zeros(len(CODES), np.int64),
        np.zeros(LAGS),
        np.zeros(LAGS),
        np.zeros(LAGS, np.int64),
        dict.fromkeys(combinations(range(LANES), 2), (0.0, 0.0)),
        rounds * ROWS * STREAMS,
    )
    for number in range(rounds):
        drawn, states = words(states, ROWS)
        lanes = []
        for lane in range(LANES):
            codes = draw(np.ascontiguousarray(drawn[:, lane]))
            found.counts += np.bincount((codes + LARGEST).ravel(), minlength=len(CODES))
            values = codes / 2**FRACTION
            lanes.append((values, values * values - 1))
        for values, squares in lanes:
            for lag in range(1, LAGS + 1):
                found.products[lag - 1] += np.vdot(values[lag:], values[:-lag])
                found.squares[lag - 1] += np.vdot(squares[lag:], squares[:-lag])
                found.pairs[lag - 1] += values[lag:].size
        for (a, b), (product, square) in found.across.items():
            more = np.vdot(lanes[a][0], lanes[b][0]), np.vdot(lanes[a][1], lanes[b][1])
            found.across[a, b] = product + float(more[0]), square + float(more[1])
        progress(LANES * STREAMS * ROWS * (number + 1))
    return found


@dataclass(frozen=True)
class Check:
    """A test, its statistic, and the probability to be as far off by chance."""

    seed: int
    name: str
    statistic: float
    probability: float


def checks(found: Tally) -> Iterator[Check]:
    """All tests of a seed's samples."""
    yield from shape_checks(found.seed, found.counts)
    for lag in range(1, LAGS + 1):
        pairs = math.sqrt(found.pairs[lag - 1])
        yield normal_check(found.seed, f"samples {lag} apart", float(found.products[lag - 1]) / pairs)
        yield normal_check(found.seed, f"squares {lag} apart", float(found.squares[lag - 1]) / (2 * pairs))
    for (a, b), (product, square) in found.across.items():
        yield normal_check(found.seed, f"samples of lanes {a} and {b}", product / math.sqrt(found.samples))
        yield normal_check(found.seed, f"squares of lanes {a} and {b}", square / (2 * math.sqrt(found.samples)))


def shape_checks(seed: int, counts: NDArray[np.int64]) -> Iterator[Check]:
    """The tests of how often each code came, against the normal distribution rounded to codes."""
    for width in WIDTHS:
        yield chi_squared(seed, counts, width)
    yield kolmogorov_smirnov(seed, counts)
    yield anderson_darling(seed, counts)
    total = int(counts.sum())
    values, masses = CODES / 2**FRACTION, normal_masses()
    for order in range(1, 9):
        powers = values**order
        mean = float(masses @ powers)
        deviation = math.sqrt(float(masses @ powers**2) - mean**2)
        off = float((counts @ powers) / total - mean) / deviation * math.sqrt(total)
        yield normal_check(seed, f"moment {order}", off)


def normal_check(seed: int, name: str, statistic: float) -> Check:
    """A statistic that is standard normal if all is well."""
    return Check(seed, name, statistic, math.erfc(abs(statistic) / math.sqrt(2)))


def chi_squared(seed: int, counts: NDArray[np.int64], width: int) -> Check:
    """Pearson's test on cells of `width` codes; from the ends inwards, cells are put together until five samples are expected.

    Two-sided: a fit that is too good is a fault, too.
    """
    total = int(counts.sum())
    starts = np.concatenate([[0], np.arange(LARGEST % width + (width + 1) // 2, len(CODES), width)])
    expected = np.add.reduceat(normal_masses() * total, starts)
    observed = np.add.reduceat(counts, starts)
    low, high = pooled(expected), pooled(expected[::-1])

    def cells(single: NDArray[np.floating | np.int64]) -> NDArray[np.float64]:
        end = len(single) - high
        return np.array([single[:low].sum(), *single[low:end], single[end:].sum()], np.float64)

    wanted, seen = cells(expected), cells(observed)
    statistic = float(((seen - wanted) ** 2 / wanted).sum())
    freedom = len(wanted) - 1
    upper, lower = stats.chi2.sf(statistic, freedom), stats.chi2.cdf(statistic, freedom)
    name = "chi-squared, each code" if width == 1 else f"chi-squared, {width} codes together"
    return Check(seed, name, statistic, min(1.0, 2 * float(min(upper, lower))))


def kolmogorov_smirnov(seed: int, counts: NDArray[np.int64]) -> Check:
    """The largest difference of the distribution functions. Critical values are those of a continuous distribution, which are too
    large for a discrete one: the test is conservative (W. Conover, JASA 67, 1972).
    """
    total = int(counts.sum())
    statistic = math.sqrt(total) * float(np.abs(np.cumsum(counts) / total - np.cumsum(normal_masses())).max())
    return Check(seed, "Kolmogorov-Smirnov", statistic, float(stats.kstwobign.sf(statistic)))


def anderson_darling(seed: int, counts: NDArray[np.int64]) -> Check:
    """Differences of the distribution functions, weighed by their variances, in the form for discrete distributions
    (V. Choulakian, R. Lockhart and M. Stephens, Canadian Journal of Statistics 22, 1994). Critical values are those of a
    continuous distribution, the limit for tens of thousands of codes.
    """
    total = int(counts.sum())
    masses = normal_masses()
    below, seen = np.cumsum(masses), np.cumsum(counts) / total
    weight = below * np.cumsum(masses[::-1])[::-1]  # F (1 - F), the cell itself in both, so that it is never zero
    statistic = total * float(((seen - below) ** 2 * masses / weight).sum())
    return Check(seed, "Anderson-Darling", statistic, float(1 - anderson_darling_limit(statistic)))


def anderson_darling_limit(statistic: float) -> float:
    """The limit distribution of Anderson and Darling's statistic, by their series (Annals of Mathematical Statistics 23, 1952).

    The sum over j of binomial(-1/2, j) (4j + 1) exp(-t_j) times an integral over w of exp(statistic / (8 (1 + w**2)) - w**2 t_j),
    with t_j = (4j + 1)**2 pi**2 / (8 statistic); over the statistic and times the square root of 2 pi.
    """
    if statistic > 50:
        return 1.0
    total = 0.0
    for j in range(12):
        t = (4 * j + 1) ** 2 * math.pi**2 / (8 * statistic)
        w = np.linspace(0, 8, 2001) / math.sqrt(t)
        integrand = np.exp(statistic / (8 * (1 + w * w)) - w * w * t)
        total += special.binom(-0.5, j) * (4 * j + 1) * math.exp(-t) * float(np.trapezoid(integrand, w))
    return min(1.0, math.sqrt(2 * math.pi) / statistic * total)


def holm(found: Sequence[Check]) -> list[tuple[Check, float]]:
    """All tests, the most suspect first, with their probabilities adjusted for how many there are."""
    ordered = sorted(found, key=lambda check: check.probability)
    adjusted, worst = [], 0.0
    for rank, check in enumerate(ordered):
        worst = max(worst, min(1.0, check.probability * (len(ordered) - rank)))
        adjusted.append((check, worst))
    return adjusted
