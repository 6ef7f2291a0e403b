"""From a word of 64 uniform bits to a Gaussian sample.

The magnitude is a number of half steps, 15 bits: one of 512 segments by Walker's alias method (A. J. Walker, "An efficient method
for generating discrete random variables with general distributions", ACM TOMS 3(3), 1977), and one of 64 places in it. Within a
segment the density is close to a straight line, and so is that of the smaller of two uniform places. It counts just so often that
the slope is the normal's, -x at x. Rare segments have columns of their own, which words lead to that have many ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from .uniform import Words

BITS = 16
"""Bits of a sample, two's complement."""

FRACTION = 11
"""Its fraction bits."""

SEGMENTS = 512
"""Segments of the magnitude, each 2**-6 wide."""

PLACES = 64
"""Half steps of 2**-12 in a segment."""

ONES = {"lean": (1 << 14) - 1, "extra": (1 << 8) - 1, "second": (1 << 6) - 1}
"""The fields that lead to rare segments where they are all ones."""

FIELDS = {"column": 8, "second": 6, "extra": 8, "lean": 14, "sign": 1, "first": 6, "toss": 21}
"""The fields of a word, the first lowest, and their bits.

column: which column of the table; toss: whether its own segment or the other; first, second: places; lean: whether the smaller of
the two counts; extra: in the tail in place of lean, which is all ones there. What chooses the column comes first.
"""

EARLY = 36
"""Bits of a word that choose the column of the table."""

BODY, TAIL, END = 0, 256, 384
"""The first columns of three tables: the segments below 4, below 6 and below 8. A column's own segment has its number."""


@dataclass(frozen=True, eq=False)
class Table:
    """For each of 512 columns: the toss, of 22 bits, from which on the other segment is taken, and that segment."""

    thresholds: NDArray[np.int32]
    others: NDArray[np.int32]


TOSS = 22
"""Bits of a threshold: those of a toss, and one that only the rare columns have to themselves, the top bit of `column`."""

CAPACITY = 1 << TOSS
"""What a column shares out between its own segment and the other."""

OUTCOMES = {
    BODY: PLACES * (1 << 14) * (ONES["lean"]),
    TAIL: PLACES * ONES["lean"],
    END: PLACES,
}
"""Of the 2**63 words of one sign, how many a table has for one of its 2**29 tosses: places times the rest of the word."""


def fields(words: Words) -> dict[str, NDArray[np.int32]]:
    """The fields of words."""
    found, low = {}, 0
    for name, bits in FIELDS.items():
        found[name] = (words >> np.uint64(low)).astype(np.uint32).view(np.int32) & ((1 << bits) - 1)
        low += bits
    return found


def gaussian(words: Words, table: Table | None = None) -> NDArray[np.int32]:
    """The sample that each word stands for: 16 bits, 11 of them fraction."""
    table = table or normal_table()
    field = fields(words)
    column, toss, lean = field["column"], field["toss"] << 1 | field["column"] >> 7, field["lean"]
    tail = np.nonzero(lean == ONES["lean"])
    rare = {name: values[tail] for name, values in field.items()}  # one word of 2**14
    end = (rare["extra"] == ONES["extra"]) & (rare["second"] == ONES["second"])
    column[tail] = np.where(end, END, TAIL) + rare["column"] % 128
    lean[tail] = rare["extra"] << 6 | 32
    segment = np.where(toss < table.thresholds[column], column, table.others[column])
    inner = np.minimum(field["first"], field["second"])
    half_steps = segment * PLACES + np.where(lean <= 2 * segment, inner, field["first"])
    return ((half_steps ^ -field["sign"]) + 1) >> 1


@cache
def normal_table() -> Table:
    """The table of the normal distribution."""
    return build(segment_shares(normal_segments()))


def build(shares: Mapping[int, Mapping[int, int]]) -> Table:
    """The table whose columns, from each of three first ones on, give their segments these shares of all tosses."""
    thresholds, others = [0] * SEGMENTS, list(range(SEGMENTS))
    sizes = {BODY: TAIL, TAIL: END - TAIL, END: SEGMENTS - END}
    for first, part in shares.items():
        # columns of the body are twice as many, and their tosses have a bit less
        unit = 2 if first == BODY else 1
        for column, (threshold, other) in alias(part, range(first, first + sizes[first]), CAPACITY // unit).items():
            thresholds[column], others[column] = threshold * unit, other
    return Table(np.array(thresholds, np.int32), np.array(others, np.int32))


def alias(shares: Mapping[int, int], columns: range, capacity: int) -> dict[int, tuple[int, int]]:
    """A threshold and another segment for each column, such that every segment gets its share. All is exact.

    Walker's method: small segments leave room in their columns, which is given to large ones. One segment may be without a column
    of its own; it is served first.
    """
    if sum(shares.values()) != capacity * len(columns):
        raise ValueError(f"shares of {sum(shares.values())} for {len(columns)} columns of {capacity}")
    room = {column: capacity - shares.get(column, 0) for column in columns if shares.get(column, 0) < capacity}
    large = {column: shares[column] for column in columns if shares.get(column, 0) >= capacity}
    waiting = [(segment, share) for segment, share in sorted(shares.items()) if segment not in columns and share]
    if len(waiting) > 1:
        raise ValueError(f"segments {waiting[0][0]} and {waiting[1][0]} have no columns of their own")
    found: dict[int, tuple[int, int]] = {}
    while waiting or large:
        if waiting:
            segment, need = waiting.pop()
        else:
            segment, share = large.popitem()
            found[segment] = (0, segment)
            need = share - capacity
        for column, free in sorted(room.items(), key=lambda item: -item[1]):
            if free <= need:
                found[column] = (capacity - free, segment)
                need -= room.pop(column)
        if need:  # less than any small column has room for: a large one gives it, and waits in turn
            column, share = large.popitem()
            found[column] = (capacity - need, segment)
            waiting.append((column, share - (capacity - need)))
    return found


def segment_shares(masses: list[int]) -> dict[int, dict[int, int]]:
    """How many tosses of each table go to each segment, of which so many of all 2**63 words of one sign are wanted."""
    tosses = 1 << 29
    parts: dict[int, dict[int, int]] = {}
    left = list(masses)

    def place(first: int, segments: range, rest: int) -> None:
        """Segments in a table of the rare, what is left of it to `rest`."""
        part = {segment: round_ratio(left[segment], OUTCOMES[first]) for segment in segments}
        part[rest] = part.get(rest, 0) + tosses - sum(part.values())
        for segment, share in part.items():
            left[segment] -= share * OUTCOMES[first]
        parts[first] = part

    place(END, range(END, SEGMENTS), rest=0)
    place(TAIL, range(TAIL + 1, END), rest=TAIL)
    place(BODY, range(1, TAIL + 1), rest=0)
    return parts


def round_ratio(a: int, b: int) -> int:
    """The integer nearest to a / b."""
    return (2 * a + b) // (2 * b)


def normal_segments() -> list[int]:
    """The normal distribution's segments, in units of 2**-64 of both signs together: integers, the same everywhere."""
    bounds = [_normal_integral(segment) for segment in range(SEGMENTS + 1)]
    return [round_ratio(above - below, 1 << (GUARD - 64)) for below, above in pairwise(bounds)]


GUARD = 256
"""Fraction bits with which the normal integral is computed."""


def _normal_integral(segment: int) -> int:
    """The integral of the normal density from 0 to the lower bound of a segment, with GUARD fraction bits.

    The series sum of (-1)**k x**(2k + 1) / (k! 2**k (2k + 1)), over the square root of 2 pi.
    """
    x = segment << (GUARD - 6)
    total, term, k = 0, x, 0
    while term:
        total += (-1) ** k * (term // (2 * k + 1))
        k += 1
        term = (term * segment * segment >> 12) // (2 * k)
    return (total << GUARD) // isqrt(2 * _pi() << GUARD)


@cache
def _pi() -> int:
    """Pi with GUARD fraction bits, by Machin's formula."""

    def arctangent(n: int) -> int:
        total, term, k = 0, (1 << 2 * GUARD) // n, 0
        while term:
            total += (-1) ** k * (term // (2 * k + 1))
            term, k = term // (n * n), k + 1
        return total

    return 4 * (4 * arctangent(5) - arctangent(239)) >> GUARD
