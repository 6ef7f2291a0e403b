"""The sampler's distribution, exactly: how many of all words of 64 bits give each sample; and how far it is from the normal."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from .gaussian import BODY, CAPACITY, END, FRACTION, ONES, PLACES, SEGMENTS, TAIL, Table, normal_table

LARGEST = SEGMENTS * PLACES // 2
"""The largest sample: 8 standard deviations."""

CODES = np.arange(-LARGEST, LARGEST + 1)
"""All samples there are."""


def count_words(table: Table) -> list[int]:
    """Of all 2**64 words, those that give each sample from -LARGEST to LARGEST. The sum is 2**64."""
    shares = {first: table_shares(table, first) for first in (BODY, TAIL, END)}
    half_steps = [
        sum(shares[first][segment] * outcomes(first, segment, place) for first in shares)
        for segment in range(SEGMENTS)
        for place in range(PLACES)
    ]
    # a sample of k steps is one of 2k - 1 or 2k half steps; no steps have both signs
    upper = [low + high for low, high in zip(half_steps[1::2], [*half_steps[2::2], 0], strict=True)]
    return [*reversed(upper), 2 * half_steps[0], *upper]


def table_shares(table: Table, first: int) -> Counter[int]:
    """Of the 2**29 tosses over the columns from `first` on, those that give each segment."""
    size, unit = (256, 2) if first == BODY else (128, 1)
    shares: Counter[int] = Counter()
    for column in range(first, first + size):
        own = int(table.thresholds[column]) // unit
        shares[column] += own
        shares[int(table.others[column])] += CAPACITY // unit - own
    return shares


def outcomes(first: int, segment: int, place: int) -> int:
    """How many values of a word's remaining fields lead to a place: 6 bits for each of two places, `lean`, and `extra`.

    The smaller of two places is a given one for 2 * (63 - place) + 1 pairs of them; where the first counts alone, it is for 64.
    In the body lean is not all ones. In the tail it is, and extra and the second place are not; at the end all three are.
    """
    both, alone = 2 * (PLACES - 1 - place) + 1, PLACES
    if first == BODY:
        leaning = 2 * segment + 1
        return ((ONES["lean"] - leaning) * alone + leaning * both) << 8
    if first == TAIL:
        leaning = max(0, -(-(2 * segment + 1 - 32) // 64))
        return (256 - leaning) * alone - 1 + leaning * both
    return 1


@cache
def normal_masses() -> NDArray[np.float64]:
    """The normal distribution's share of each sample from -LARGEST to LARGEST, as float64: the cell of half a step around it."""
    edges = [(code - 0.5) * 2.0**-FRACTION / math.sqrt(2) for code in range(LARGEST + 2)]
    tails = [math.erfc(edge) / 2 for edge in edges]
    upper = np.array([tails[code] - tails[code + 1] for code in range(1, LARGEST + 1)])
    near = edges[1:257]  # where erfc is close to 1, differences of erf are more precise
    upper[:255] = [(math.erf(high) - math.erf(low)) / 2 for low, high in pairwise(near)]
    return np.concatenate([upper[::-1], [math.erf(edges[1])], upper])


@dataclass(frozen=True)
class Distribution:
    """A distribution over all samples, as words of 2**64."""

    words: tuple[int, ...]

    @property
    def masses(self) -> NDArray[np.float64]:
        """The probabilities, as float64."""
        return np.array([count / 2**64 for count in self.words])

    @property
    def total_variation(self) -> float:
        """Half the sum of absolute differences from the normal's probabilities, with what lies beyond the largest sample."""
        inside = normal_masses()
        beyond = math.erfc((LARGEST + 0.5) * 2.0**-FRACTION / math.sqrt(2))
        return float((np.abs(self.masses - inside).sum() + beyond) / 2)

    def relative_error(self, sigmas: float) -> float:
        """The largest relative difference of a probability from the normal's, below so many standard deviations."""
        chosen = np.abs(CODES) < sigmas * 2**FRACTION
        normal = normal_masses()[chosen]
        return float(np.max(np.abs(self.masses[chosen] / normal - 1)))

    def moment(self, order: int) -> tuple[int, int]:
        """The exact moment, in standard deviations: numerator and denominator."""
        total = sum(count * int(code) ** order for code, count in zip(CODES.tolist(), self.words, strict=True))
        divisor = 1 << (64 + FRACTION * order)
        common = math.gcd(total, divisor)
        return total // common, divisor // common

    def divergence(self, samples: float) -> tuple[float, int]:
        """What a chi-squared test with so many samples sees of the difference: the noncentrality, and the degrees of freedom.

        A cell is a sample; from the ends inwards, samples are put together until a cell is expected to hold five.
        """
        normal, own = normal_masses(), self.masses
        expected = normal * samples
        tail = pooled(expected)
        single = slice(tail, len(normal) - tail)
        cells = np.array([normal[:tail].sum(), *normal[single], normal[-tail:].sum()])
        found = np.array([own[:tail].sum(), *own[single], own[-tail:].sum()])
        return float(samples * ((found - cells) ** 2 / cells).sum()), len(cells) - 1

    def horizon(self, significance: float = 0.01) -> float:
        """Samples with which a chi-squared test on every single one of them finds the difference in half of all cases."""
        low, high = 1e6, 1e24
        while high / low > 1.0001:
            middle = math.sqrt(low * high)
            noncentrality, freedom = self.divergence(middle)
            found = noncentral_above(critical_value(significance, freedom), freedom, noncentrality)
            low, high = (low, middle) if found > 0.5 else (middle, high)
        return low


def pooled(expected: NDArray[np.float64]) -> int:
    """How many cells at the low end make one cell of a chi-squared test: those that expect less than five samples."""
    return max(int(np.argmax(expected >= 5)), int(np.searchsorted(np.cumsum(expected), 5.0)) + 1)


def critical_value(significance: float, freedom: int) -> float:
    """What chi-squared exceeds with that probability (E. Wilson and M. Hilferty, PNAS 17, 1931)."""
    spread = 2 / (9 * freedom)
    return freedom * (1 - spread + NormalDist().inv_cdf(1 - significance) * math.sqrt(spread)) ** 3


def noncentral_above(value: float, freedom: int, noncentrality: float) -> float:
    """The probability that noncentral chi-squared exceeds a value (M. Sankaran, Biometrika 50, 1963)."""
    n, c = freedom, noncentrality
    power = 1 - 2 * (n + c) * (n + 3 * c) / (3 * (n + 2 * c) ** 2)
    p = (n + 2 * c) / (n + c) ** 2
    m = (power - 1) * (1 - 3 * power)
    mean = 1 + power * p * (power - 1 - (2 - power) * m * p / 2)
    deviation = power * math.sqrt(2 * p) * (1 + m * p / 2)
    return 1 - NormalDist().cdf(((value / (n + c)) ** power - mean) / deviation)


@cache
def distribution() -> Distribution:
    """The sampler's."""
    return Distribution(tuple(count_words(normal_table())))
