"""Seeds the lanes of a sampler: splitmix64, and jumps of 2**64 steps."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import Signal, always, always_comb, always_seq, block, concat, intbv

from sigmabit.golden.noise.seeder import GAMMA, LANE, MIXERS
from sigmabit.golden.noise.uniform import WORD, ahead

from ..arithmetic.delay import copy_each
from ..family import Billed, Cost, Family
from ..family.rules import MOST_LOADS
from ..verilog.fabric import lookup
from ..verilog.module import leaf
from ..verilog.stream import bit, index_bits, wire

PASS = WORD + 2
"""Cycles of a product: a bit of one factor per cycle, one in which that factor is loaded, and one behind."""

PASSES = 4
"""Products of a word of splitmix64: by 1, with the addition behind it; by its two factors; and by 1 again."""

JUMP = 2 * WORD
"""Cycles of a jump: as many as the state has bits."""

LANES = (MOST_LOADS - 2 * WORD) // (2 * WORD + 8)
"""Lanes that a net may load: each has two words, as has the sum of a jump, and Yosys finds a few loads more."""

HISTORY = max(shift for shift, _ in MIXERS)
"""Bits of the serial factor that are kept, for its shifts."""


@dataclass(frozen=True)
class SeederConfig(Billed):
    """lanes: generators in a chain, loaded one after the other through the first."""

    lanes: int

    def __post_init__(self) -> None:
        if self.lanes < 1:
            raise ValueError(f"lanes={self.lanes} is below 1")

    @property
    def module(self) -> str:
        return f"seeder_{self.lanes}"

    @property
    def copies(self) -> int:
        """Of what loads the lanes, and of what makes them step."""
        return -(-self.lanes // LANES)

    @property
    def latency(self) -> int:
        """Cycles from the end of reset until `seeded`."""
        mixing = 2 * PASSES * PASS
        return mixing + 1 if self.lanes == 1 else mixing + (self.lanes + 1) * (JUMP + 2)

    def bill(self, family: Family) -> Cost:
        """Two registers of 64 bits with logic for the products, two for the sum of a jump."""
        jumps = 0 if self.lanes == 1 else 2 * WORD + 20
        return family.logic(2 * WORD + 25 + jumps) + family.registers(3 * WORD + HISTORY + 20 + jumps)


def digits(polynomial: int) -> tuple[int, ...]:
    """The coefficients of the powers from 0 on."""
    return tuple(polynomial >> power & 1 for power in range(JUMP))


@block
def choose_addend(kind, addend):
    """What a product grows by: a digit times a factor; last in the first product of a word, a digit and splitmix64's step."""
    factor_1, factor_2 = (factor for _, factor in MIXERS[:2])
    once, twice = GAMMA, 2 * GAMMA % 2**WORD
    once_more, twice_more = once + 1, twice + 1

    @always_comb
    def choose():  # MyHDL writes large entries of a tuple a bit too wide
        addend.next = 0
        if kind == 1:
            addend.next = 1
        elif kind == 2:
            addend.next = intbv(factor_1)[WORD:]
        elif kind == 3:
            addend.next = intbv(factor_2)[WORD:]
        elif kind == 4:
            addend.next = intbv(once)[WORD:]
        elif kind == 5:
            addend.next = intbv(once_more)[WORD:]
        elif kind == 6:
            addend.next = intbv(twice)[WORD:]
        elif kind == 7:
            addend.next = intbv(twice_more)[WORD:]

    return choose


@block
def keep_seed(clk, rst, seed, kept):
    """kept is what seed was in the last cycle of reset."""

    @always(clk.posedge)
    def keep():
        if rst:
            kept.next = seed

    return keep


@block
def multiply(clk, seed, word, number, start, last, product):
    """product = (z ^ z >> shift) * factor + offset modulo 2**64, bit by bit from the top; z is the product before, or the seed.

    The top bit of z leaves in every cycle, so that a bit `shift` places higher has left so many cycles before.
    """
    rest = wire(WORD + HISTORY)
    digit, started = bit(), bit()
    kind, addend = wire(3), wire(WORD)
    high, taps = WORD - 1, tuple(WORD - 1 + shift for shift, _ in MIXERS)
    tap_1, tap_2, tap_3 = taps
    size = WORD + HISTORY

    @always_comb
    def choose():
        if number == 0:
            digit.next = rest[high]
        elif number == 1:
            digit.next = rest[high] ^ rest[tap_1]
        elif number == 2:
            digit.next = rest[high] ^ rest[tap_2]
        else:
            digit.next = rest[high] ^ rest[tap_3]

    @always(clk.posedge)
    def tell():
        started.next = start
        kind.next = 0
        if last and number == 0:
            kind.next = concat(True, word, digit)
        elif digit:
            if number == 1 or number == 2:
                kind.next = number + 1
            else:
                kind.next = 1

    @always(clk.posedge)
    def shift():
        if start:
            if number == 0:
                rest.next = concat(intbv(0)[HISTORY:], seed)
            else:
                rest.next = concat(intbv(0)[HISTORY:], product)
        else:
            rest.next = concat(rest[size - 1 :], intbv(0)[1:])

    @always(clk.posedge)
    def accumulate():
        more = intbv(0)[WORD + 2 :]
        doubled = intbv(0)[WORD + 1 :]
        doubled[:] = concat(product, intbv(0)[1:])
        if started:
            product.next = 0
        else:
            more[:] = doubled + addend
            product.next = more[WORD:]

    return choose, tell, choose_addend(kind, addend), shift, accumulate


@block
def pace_one(clk, rst, count, word, number, loading, seeded):
    """The order of events for a single lane: eight products, of which the fourth and the last are loaded."""
    mixing = Signal(bool(1))
    ends = PASS - 1

    @always_comb
    def decide():
        loading.next = mixing and count == ends and number == 3

    @always_seq(clk.posedge, reset=rst)
    def move():
        if mixing:
            if count != ends:
                count.next = count + 1
            else:
                count.next = 0
                if number != 3:
                    number.next = number + 1
                else:
                    number.next = 0
                    word.next = True
                    mixing.next = not word
        else:
            seeded.next = True

    return decide, move


@block
def pace_many(clk, rst, count, word, number, mixing, first_jump, loading, jumping, seeded, lanes):
    """The order of events: eight products, of which the fourth and the last are loaded; then jumps. All but the first of them
    begin with loading the result of the one before; nothing is loaded after the last.
    """
    rounds = Signal(intbv(0)[index_bits(lanes + 1) :])
    ends, jump, between, after = PASS - 1, JUMP - 1, JUMP, JUMP + 1

    @always_comb
    def decide():
        if mixing:
            loading.next = count == ends and number == 3
        else:
            loading.next = (count == jump and rounds != lanes) or (count == between and not first_jump)

    @always_seq(clk.posedge, reset=rst)
    def move():
        if mixing:
            if count != ends:
                count.next = count + 1
            else:
                count.next = 0
                if number != 3:
                    number.next = number + 1
                else:
                    number.next = 0
                    word.next = True
                    if word:
                        mixing.next = False
                        count.next = jump + 1
        elif count == jump:
            jumping.next = False
            if rounds == lanes:
                seeded.next = True
            else:
                count.next = count + 1
                first_jump.next = False
                rounds.next = rounds + 1
        elif count == after:
            count.next = 0
            jumping.next = True
        else:
            count.next = count + 1

    return decide, move


@block
def leap(clk, first, second, count, first_jump, jumping, load, low, lanes):
    """The sum of a jump: the states at the powers of its polynomial. When loaded from, its words move on and zeros follow."""
    high = wire(WORD)
    index, digit = wire(8), bit()
    table = digits(ahead(-LANE)) + digits(ahead((lanes - 1) * LANE - JUMP))

    @always_comb
    def gather():
        index.next = concat(first_jump, count[7:])

    @always(clk.posedge)
    def add():
        if load:
            low.next = high
            high.next = 0
        elif jumping and digit:
            low.next = low ^ first
            high.next = high ^ second

    return gather, lookup(index, digit, table), add


@block
def choose_source(first_jump, product, low, source):
    """What is loaded: splitmix64's words before the first jump, a jump's result after it."""

    @always_comb
    def choose():
        if first_jump:
            source.next = product
        else:
            source.next = low

    return choose


@block
def either(a, b, both):
    """both = a or b."""

    @always_comb
    def combine():
        both.next = a or b

    return combine


@leaf
def seeder(clk, rst, seed, first, second, step, loads, source, step_first, seeded, config):
    """Loads the lanes with golden's states of a seed, that of the last cycle of reset, and is `seeded` from then on.

    loads: config.copies of a bit, each for LANES lanes. The lanes are a chain: with load, a lane takes the first word of the lane
    before it as its second word; source is what lane 0 takes. first, second: lane 0's state; it makes the steps of a jump itself.
    step_first is its step: that of all lanes, or one of a jump. With a single lane these four are None. Each state that is loaded
    has a jump of 128 steps still to go through.
    """
    count, number = wire(8), wire(2)
    word = bit()
    start, last, loading = bit(), bit(), bit()
    kept = wire(WORD)
    final, load = WORD, loads.bits[0]

    @always_comb
    def mark():
        start.next = count == 0
        last.next = count == final

    if config.lanes == 1:
        return (
            mark,
            keep_seed(clk, rst, seed, kept),
            multiply(clk, kept, word, number, start, last, source),
            pace_one(clk, rst, count, word, number, loading, seeded),
            copy_each(clk, rst, loading, loads),
        )
    mixing, first_jump = Signal(bool(1)), Signal(bool(1))
    jumping = bit()
    product, low = wire(WORD), wire(WORD)
    return (
        mark,
        keep_seed(clk, rst, seed, kept),
        multiply(clk, kept, word, number, start, last, product),
        pace_many(clk, rst, count, word, number, mixing, first_jump, loading, jumping, seeded, config.lanes),
        copy_each(clk, rst, loading, loads),
        leap(clk, first, second, count, first_jump, jumping, load, low, config.lanes),
        choose_source(first_jump, product, low, source),
        either(step, jumping, step_first),
    )
