"""The sampler's exact distribution: enumerated rightly, and as close to the normal as is promised."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from sigmabit.golden import gaussian as golden
from sigmabit.golden.distribution import (
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
from sigmabit.golden.gaussian import BODY, END, SEGMENTS, TAIL, Table, alias, gaussian, normal_segments, normal_table

STARTS = dict(zip(golden.FIELDS, np.cumsum([0, *golden.FIELDS.values()]).tolist(), strict=False))
"""The lowest bit of each field."""


def word(**fields: int | NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Words of fields."""
    parts = [np.asarray(value, np.uint64) << np.uint64(STARTS[name]) for name, value in fields.items()]
    total = parts[0]
    for part in parts[1:]:
        total = total | part
    return np.asarray(total).ravel()


def segment_table() -> Table:
    """A table in which each column keeps its own segment."""
    return Table(np.zeros(SEGMENTS, np.int32), np.arange(SEGMENTS, dtype=np.int32))


class TestEnumeration:
    @pytest.mark.parametrize("column", [0, 77, 255, 256, 300, 384, 511])
    def test_tosses(self, column: int) -> None:
        """All tosses of a column, one by one: as many for its own segment, and for the other, as the enumeration says."""
        toss = np.arange(1 << 21, dtype=np.uint64)
        rare = {} if column < TAIL else {"lean": golden.ONES["lean"]}
        if column >= END:
            rare |= {"extra": golden.ONES["extra"], "second": golden.ONES["second"]}
        columns = [column] if column < TAIL else [column % 128, column % 128 + 128]
        seen: Counter[int] = Counter()
        for number in columns:
            found = gaussian(word(column=number, toss=toss, first=10, **rare))
            values, counts = np.unique(found, return_counts=True)
            seen.update(dict(zip((values // 32).tolist(), counts.tolist(), strict=True)))
        first = BODY if column < TAIL else TAIL if column < END else END
        alone = normal_table()
        only = replace(alone, others=np.where(np.arange(SEGMENTS) == column, alone.others, SEGMENTS - 1 - column))
        expected = {int(alone.others[column]): (2**21 if first == BODY else 2**22)}
        own = int(alone.thresholds[column]) // (2 if first == BODY else 1)
        expected[int(alone.others[column])] -= own
        expected[column] = expected.get(column, 0) + own
        assert seen == Counter({segment: count for segment, count in expected.items() if count})
        assert only is not alone

    @pytest.mark.parametrize("segment", [0, 200, 256, 311, 383])
    def test_places_of_the_tail(self, segment: int) -> None:
        """All values of the fields that choose a place in the tail, one by one."""
        extra, first, second = np.meshgrid(*(np.arange(1 << bits, dtype=np.uint64) for bits in (8, 6, 6)))
        own = segment_table()
        own.others[TAIL:] = segment
        words = word(lean=golden.ONES["lean"], extra=extra, first=first, second=second)
        end = ((words >> np.uint64(STARTS["second"])) & np.uint64(0x3FFF)) == 0x3FFF
        assert end.sum() == 64
        assert half_steps(words[~end], own, segment) == [outcomes(TAIL, segment, place) for place in range(64)]
        assert half_steps(words[end], own, segment) == [outcomes(END, segment, place) for place in range(64)]

    @pytest.mark.parametrize("segment", [0, 100, 255, 256])
    def test_places_of_the_body(self, segment: int) -> None:
        """The same in the body, for those values of `lean` that are not alike: all others are above every segment."""
        lean, first, second = np.meshgrid(*(np.arange(size, dtype=np.uint64) for size in (1024, 64, 64)))
        own = segment_table()
        own.others[:TAIL] = segment
        low = half_steps(word(lean=lean, first=first, second=second), own, segment)
        above = np.arange(1024, golden.ONES["lean"], 15, dtype=np.uint64)
        assert half_steps(word(lean=above, first=63, second=0), own, segment) == [0] * 63 + [len(above)]
        rest = (golden.ONES["lean"] - 1024) * 64
        assert [(count + rest) << 8 for count in low] == [outcomes(BODY, segment, place) for place in range(64)]

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


def half_steps(words: NDArray[np.uint64], table: Table, segment: int) -> list[int]:
    """How many words lead to each place of a segment. A sample is told from its neighbour half a step away by going both ways."""
    samples = gaussian(words, table)  # (2 * steps + 1) // 2 of the half steps: two places fall together
    odd = gaussian(words ^ np.uint64(1 << STARTS["first"]), table)
    del odd, samples
    counts = np.zeros(64, np.int64)
    values, totals = np.unique(exact(words, table), return_counts=True)
    for value, total in zip(values.tolist(), totals.tolist(), strict=True):
        assert value // 64 == segment
        counts[value % 64] = total
    return counts.tolist()


def exact(words: NDArray[np.uint64], table: Table) -> NDArray[np.int64]:
    raise NotImplementedError
