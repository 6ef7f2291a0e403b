"""The sampler's exact distribution: enumerated rightly, and as close to the normal as is promised."""

from __future__ import annotations

import hashlib
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from sigmabit.golden.noise import gaussian as golden
from sigmabit.golden.noise.distribution import (
    CODES,
    Distribution,
    count_words,
    critical_value,
    distribution,
    noncentral_above,
    normal_masses,
    outcomes,
    table_shares,
)
from sigmabit.golden.noise.gaussian import BODY, END, SEGMENTS, TAIL, Table, alias, gaussian, normal_segments, normal_table

STARTS = dict(zip(golden.FIELDS, np.cumsum([0, *golden.FIELDS.values()]).tolist(), strict=False))
"""The lowest bit of each field."""


def word(**fields: int | NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Words of fields."""
    parts = [np.asarray(value, np.uint64) << np.uint64(STARTS[name]) for name, value in fields.items()]
    total = parts[0]
    for part in parts[1:]:
        total = total | part
    return np.asarray(total).ravel()


def single(segment: int) -> Table:
    """A table in which all columns lead to one segment."""
    return Table(np.zeros(SEGMENTS, np.int32), np.full(SEGMENTS, segment, np.int32))


def found_places(words: NDArray[np.uint64], segment: int) -> list[int]:
    """How many words give each sample of a segment. The samples between the outer ones are two places each."""
    return np.bincount(gaussian(words, single(segment)) - 32 * segment, minlength=33).tolist()


def samples_of(places: list[int]) -> list[int]:
    """The same of how many words lead to each of 64 places."""
    return [places[0], *(low + high for low, high in zip(places[1:-1:2], places[2::2], strict=True)), places[-1]]


class TestEnumeration:
    @pytest.mark.parametrize("column", [0, 77, 255, 256, 300, 384, 511])
    def test_tosses(self, column: int) -> None:
        """All tosses of a column, one by one: so many of them for its own segment and for the other as its table says."""
        first = BODY if column < TAIL else TAIL if column < END else END
        ones = {BODY: (), TAIL: ("lean",), END: ("lean", "extra", "second")}[first]
        toss = np.arange(1 << 21, dtype=np.uint64)
        seen: Counter[int] = Counter()
        for number in {column} if first == BODY else {column % 128, column % 128 + 128}:
            words = word(column=number, toss=toss, first=10, **{name: golden.ONES[name] for name in ones})
            values, counts = np.unique(gaussian(words) // 32, return_counts=True)
            seen.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        expected: Counter[int] = Counter()
        table = normal_table()
        tosses = 2**21 if first == BODY else 2**22
        own = int(table.thresholds[column]) * tosses >> 22
        expected[column] += own
        expected[int(table.others[column])] += tosses - own
        assert seen == expected

    @pytest.mark.parametrize("segment", [0, 200, 256, 311, 383])
    def test_places_of_the_tail(self, segment: int) -> None:
        """All values of the fields that choose a place in the tail, one by one."""
        extra, first, second = np.meshgrid(*(np.arange(1 << bits, dtype=np.uint64) for bits in (8, 6, 6)))
        words = word(lean=golden.ONES["lean"], extra=extra, first=first, second=second)
        end = (words >> np.uint64(STARTS["second"]) & np.uint64(0x3FFF)) == 0x3FFF
        assert found_places(words[~end], segment) == samples_of([outcomes(TAIL, segment, place) for place in range(64)])
        assert found_places(words[end], segment) == samples_of([outcomes(END, segment, place) for place in range(64)])

    @pytest.mark.parametrize("segment", [0, 100, 255, 256])
    def test_places_of_the_body(self, segment: int) -> None:
        """The same in the body, for all values of `lean` that can matter: from 1,024 on the first place counts alone."""
        lean, first, second = np.meshgrid(*(np.arange(size, dtype=np.uint64) for size in (1024, 64, 64)))
        low = found_places(word(lean=lean, first=first, second=second), segment)
        above = np.arange(1024, golden.ONES["lean"], dtype=np.uint64)
        assert found_places(word(lean=above, first=63), segment) == [0] * 32 + [len(above)]
        rest = samples_of([len(above) * 64] * 64)
        enumerated = samples_of([outcomes(BODY, segment, place) for place in range(64)])
        assert [(count + more) << 8 for count, more in zip(low, rest, strict=True)] == enumerated

    def test_all_words_are_counted(self) -> None:
        words = distribution().words
        assert sum(words) == 2**64
        assert words == words[::-1]
        assert min(words) > 0

    def test_shares_are_whole(self) -> None:
        """In each table all tosses are given away."""
        assert [table_shares(normal_table(), first).total() for first in (BODY, TAIL, END)] == [2**29] * 3

    def test_frequencies(self) -> None:
        """Random words come as often as the enumeration says, the rare ones where lean is all ones among themselves."""
        drawn = np.random.default_rng(2).integers(0, 2**64, 2**21, np.uint64)
        counts = np.bincount(gaussian(drawn) + 16384, minlength=len(CODES))
        expected = distribution().masses * len(drawn)
        far = np.abs(counts - expected) / np.sqrt(expected + 1)
        assert far.max() < 7


class TestTable:
    @given(st.integers(0, 2**32), st.integers(1, 40), st.integers(0, 1), st.integers(1, 5000))
    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    def test_alias_is_exact(self, seed: int, columns: int, guests: int, capacity: int) -> None:
        """Whatever the shares, every segment gets its own, and every column gives all it has."""
        chance = np.random.default_rng(seed)
        cuts = np.sort(chance.integers(0, capacity * columns + 1, columns + guests - 1))
        shares = dict(enumerate(np.diff([0, *cuts.tolist(), capacity * columns]).tolist()))
        given_away: Counter[int] = Counter()
        found = alias(shares, range(columns), capacity)
        assert sorted(found) == list(range(columns))
        for column, (threshold, other) in found.items():
            assert 0 <= threshold <= capacity
            given_away[column] += threshold
            given_away[other] += capacity - threshold
        assert {segment: share for segment, share in shares.items() if share} == dict(+given_away)

    def test_which_of_all_exact_tables(self) -> None:
        """There are many, and each gives other samples for the same words: bit files and recorded results hold this one."""
        table = normal_table()
        held = hashlib.sha256(table.thresholds.astype("<i4").tobytes() + table.others.astype("<i4").tobytes()).hexdigest()
        assert held.startswith("7efd5d31819933a4")

    def test_shares_that_do_not_fit(self) -> None:
        with pytest.raises(ValueError, match="shares of 9 for 2 columns of 5"):
            alias({0: 9}, range(2), 5)
        with pytest.raises(ValueError, match="segments 3 and 4 have no columns of their own"):
            alias({0: 5, 3: 2, 4: 3}, range(2), 5)

    def test_masses_are_the_normal_ones(self) -> None:
        """The segments' masses by the C library's erfc, which has nothing in common with the series in integers."""
        for segment, mass in enumerate(normal_segments()):
            low, high = (math.erfc((segment + end) / 64 / math.sqrt(2)) for end in (0, 1))
            assert mass / 2**63 == pytest.approx(low - high, rel=1e-10 if segment < 384 else 1e-5)

    def test_reference_masses(self) -> None:
        """Those of the codes, by SciPy; and they sum up to one."""
        edges = (np.array([0, 1, 100, 5000, 12000, 16384]) - 0.5) / 2048
        expected = stats.norm.sf(edges) - stats.norm.sf(edges + 1 / 2048)
        assert normal_masses()[[16384, 16385, 16484, 21384, 28384, 32768]] == pytest.approx(expected, rel=1e-9)
        assert normal_masses().sum() == pytest.approx(1, abs=1e-13)


class TestFigures:
    def test_horizon(self) -> None:
        """What is promised: a test of every code does not find the difference before 10**12 samples."""
        assert distribution().horizon() >= 1e12

    @pytest.mark.parametrize("samples", [1e5, 1e9, 1e14])
    def test_divergence(self, samples: float) -> None:
        """What SciPy finds in cells that expect five at least, of which one at each end holds as few samples as that takes."""
        expected, found = normal_masses() * samples, distribution().masses * samples
        middle = len(CODES) // 2
        tail = next(number for number in range(1, middle) if min(expected[number:middle].min(), expected[:number].sum()) >= 5)
        cells = [[each[:tail].sum(), *each[tail:-tail], each[-tail:].sum()] for each in (found, expected)]
        noncentrality, freedom = distribution().divergence(samples)
        assert freedom == len(cells[0]) - 1
        assert noncentrality == pytest.approx(stats.chisquare(*cells).statistic, rel=1e-6)

    def test_errors(self) -> None:
        found = distribution()
        assert found.total_variation < 4e-6
        assert [found.relative_error(sigmas) < limit for sigmas, limit in ((4, 4e-4), (6, 2.6e-3), (8, 0.08))] == [True] * 3

    def test_moments(self) -> None:
        """The odd ones are zero; the even ones are the normal's, with what rounding to codes adds (W. Sheppard, 1898)."""
        moments = {order: top / bottom for order, (top, bottom) in ((k, distribution().moment(k)) for k in range(1, 9))}
        assert [moments[order] for order in (1, 3, 5, 7)] == [0.0] * 4
        step = 2.0**-22
        sheppard = {2: 1 + step / 12, 4: 3 + step / 2, 6: 15 + 15 * step / 4, 8: 105 + 35 * step}
        assert [moments[order] for order in sheppard] == pytest.approx(list(sheppard.values()), rel=1e-6)
        assert moments[2] == pytest.approx(sheppard[2], abs=2e-9)

    def test_a_fault_is_seen(self) -> None:
        """One threshold with one wrong bit brings the horizon down."""
        table = normal_table()
        thresholds = table.thresholds.copy()
        thresholds[100] ^= 1 << 14
        assert Distribution(tuple(count_words(Table(thresholds, table.others)))).horizon() < 1e11

    @pytest.mark.parametrize("freedom", [100, 1000, 25_000])
    def test_approximations(self, freedom: int) -> None:
        """The approximations behind the horizon, by SciPy."""
        value = critical_value(0.01, freedom)
        assert value == pytest.approx(stats.chi2.isf(0.01, freedom), rel=1e-4)
        for noncentrality in np.array([0.3, 1, 2, 4]) * np.sqrt(2 * freedom):
            assert noncentral_above(value, freedom, noncentrality) == pytest.approx(
                stats.ncx2.sf(value, freedom, noncentrality), abs=2e-3
            )
