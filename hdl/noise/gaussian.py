"""A Gaussian sample from a word of 64 uniform bits."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from myhdl import always_comb, block, concat, intbv

from sigmabit.golden.noise.gaussian import BITS, EARLY, FIELDS, ONES, TOSS, normal_table

from ..arithmetic.rom import RomConfig, RomStyle, rom
from ..family import Billed, Cost, Family
from ..verilog.fabric import age, like, register
from ..verilog.module import composite, leaf
from ..verilog.stream import ADDRESS_LEAD, bit, wire

COLUMN = 9
"""Bits of a column's number, and of a segment's."""

POSITIONS = tuple(accumulate(FIELDS.values()))
"""Where the fields of a word end."""


@dataclass(frozen=True)
class GaussianConfig(Billed):
    """The one there is."""

    @property
    def module(self) -> str:
        return "gaussian"

    @property
    def table(self) -> RomConfig:
        """Thresholds and other segments: 512 words, half a block RAM."""
        table = normal_table()
        words = tuple(
            other << TOSS | threshold for threshold, other in zip(table.thresholds.tolist(), table.others.tolist(), strict=True)
        )
        return RomConfig(self.module, "table", TOSS + COLUMN, words, RomStyle.BLOCK)

    @property
    def latency(self) -> int:
        """Cycles from the early bits of a word to the sample."""
        return ADDRESS_LEAD + 2

    def bill(self, family: Family) -> Cost:
        """Comparisons and choices of a few bits each."""
        return family.logic(80) + family.registers(125) + self.table.bill(family)


@dataclass(frozen=True)
class DrawConfig:
    """All but the table."""

    @property
    def module(self) -> str:
        return "gaussian_draw"


@block
def take_early(early, column, second, extra, lean):
    """The fields that come first."""
    at_second, at_extra, at_lean, bits = POSITIONS[:4]

    @always_comb
    def take():
        column.next = early[at_second:]
        second.next = early[at_extra:at_second]
        extra.next = early[at_lean:at_extra]
        lean.next = early[bits:at_lean]

    return take


@block
def take_late(late, top, sign, first, toss):
    """The other fields, a cycle later. The lowest bit of a toss is the top one of the column."""
    at_first, at_toss, bits = (position - EARLY for position in POSITIONS[4:])

    @always_comb
    def take():
        sign.next = late[0]
        first.next = late[at_toss:at_first]
        toss.next = concat(late[bits:at_toss], top)

    return take


@block
def choose_column(column, lean, extra, second, address, tail):
    """Where the table is read: fields of ones lead to the columns of rare segments."""
    extra_full, second_full, half = bit(), bit(), bit()
    lean_ones, extra_ones, second_ones = ONES["lean"], ONES["extra"], ONES["second"]

    @always_comb
    def see():
        tail.next = lean == lean_ones
        extra_full.next = extra == extra_ones
        second_full.next = second == second_ones

    @always_comb
    def split():
        if tail:
            half.next = extra_full and second_full
        else:
            half.next = column[7]

    @always_comb
    def choose():
        address.next = concat(tail, half, column[7:])

    return see, split, choose


@block
def prepare(tail, lean, extra, mark, low):
    """The mark that twice the segment must reach, for the second place to count if it is smaller. low: 10 bits are all it has."""

    @always_comb
    def choose():
        mark.next = concat(extra[4:], intbv(32)[6:]) if tail else lean[10:]

    @always_comb
    def compare():
        if tail:
            low.next = extra[8:4] == 0
        else:
            low.next = lean[14:10] == 0

    return choose, compare


@block
def compare_places(low, first, second, swap):
    """Does the second place count, if the mark is low enough for the segment?"""

    @always_comb
    def compare():
        swap.next = low and second < first

    return compare


@block
def decide(entry, column, toss, mark, own, segment, leans_own, leans_other):
    """The column's own segment or the other; and whether the mark is low enough for either."""
    threshold, other = wire(TOSS), wire(COLUMN)
    twice_own, twice_other = wire(COLUMN + 1), wire(COLUMN + 1)

    @always_comb
    def take_apart():
        threshold.next = entry[TOSS:]
        other.next = entry[TOSS + COLUMN : TOSS]

    @always_comb
    def double():
        twice_own.next = concat(column, False)
        twice_other.next = concat(other, False)

    @always_comb
    def compare():
        own.next = toss < threshold
        leans_own.next = mark <= twice_own
        leans_other.next = mark <= twice_other

    @always_comb
    def choose():
        segment.next = column if own else other

    return take_apart, double, compare, choose


@block
def shape(segment, own, leans_own, leans_other, swap, first, second, sign, rounded):
    """A magnitude in half steps with its sign, rounded away from zero to whole steps, in two's complement."""
    swapped = bit()
    bits = len(segment) + len(first)
    ones = (1 << bits) - 1
    half_steps, turned, extended = wire(bits), wire(bits), wire(bits + 2)

    @always_comb
    def choose():
        if own:
            swapped.next = swap and leans_own
        else:
            swapped.next = swap and leans_other

    @always_comb
    def put_in_place():
        half_steps.next = concat(segment, second) if swapped else concat(segment, first)

    @always_comb
    def turn():
        turned.next = half_steps ^ ones if sign else half_steps

    @always_comb
    def extend():
        extended.next = concat(sign, sign, turned)

    @always_comb
    def round_up():
        more = intbv(0)[bits + 3 :]
        more[:] = extended + 1
        rounded.next = more[bits + 2 : 1]

    return choose, put_in_place, turn, extend, round_up


@leaf
def gaussian_draw(clk, early, late, address, entry, sample, config):
    """Everything but the table: its address from a word's early bits, and the sample from its entry."""
    sign, first, second, extra, lean, toss, column = bit(), wire(6), wire(6), wire(8), wire(14), wire(TOSS), wire(8)
    tail, low, swap = bit(), bit(), bit()
    mark, segment, rounded = wire(COLUMN + 1), wire(COLUMN), wire(BITS)
    own, leans_own, leans_other = bit(), bit(), bit()
    # numbers count the cycles behind the early bits
    low_1, second_1, top_1, toss_2, mark_2, column_2 = bit(), like(second), bit(), like(toss), like(mark), like(segment)
    own_3, leans_own_3, leans_other_3, segment_3 = bit(), bit(), bit(), like(segment)
    swap_3, first_3, second_3, sign_3 = bit(), like(first), like(second), bit()
    return (
        take_early(early, column, second, extra, lean),
        choose_column(column, lean, extra, second, address, tail),
        prepare(tail, lean, extra, mark, low),
        register(clk, low, low_1),
        register(clk, second, second_1),
        register(clk, column(7), top_1),
        take_late(late, top_1, sign, first, toss),
        compare_places(low_1, first, second_1, swap),
        register(clk, toss, toss_2),
        age(clk, mark, mark_2, ADDRESS_LEAD),
        age(clk, address, column_2, ADDRESS_LEAD),
        decide(entry, column_2, toss_2, mark_2, own, segment, leans_own, leans_other),
        register(clk, own, own_3),
        register(clk, leans_own, leans_own_3),
        register(clk, leans_other, leans_other_3),
        register(clk, segment, segment_3),
        age(clk, swap, swap_3, ADDRESS_LEAD),
        age(clk, first, first_3, ADDRESS_LEAD),
        age(clk, second_1, second_3, ADDRESS_LEAD),
        age(clk, sign, sign_3, ADDRESS_LEAD),
        shape(segment_3, own_3, leans_own_3, leans_other_3, swap_3, first_3, second_3, sign_3, rounded),
        register(clk, rounded, sample),
    )


@composite
def gaussian(clk, early, late, sample, config):
    """The sample that a word stands for, as golden has it, 4 cycles after its early bits; 16 bits, 11 of them fraction.

    early: the low bits of a word; late: the others, a cycle later.
    """
    address, entry = wire(COLUMN), wire(config.table.width)
    return rom(clk, address, entry, config.table), gaussian_draw(clk, early, late, address, entry, sample, DrawConfig())
