"""xoroshiro128++, a word of 64 uniform bits per cycle."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always, always_comb, block, concat, intbv

from sigmabit.golden.noise.uniform import WORD

from ..family import Billed, Cost, Family
from ..verilog.fabric import register
from ..verilog.module import leaf
from ..verilog.stream import bit, wire


@dataclass(frozen=True)
class UniformConfig(Billed):
    """early: low bits of a word that come a cycle before the others. shown: how many words of the state have a port: the first is
    what the next lane is loaded with, both are for the seeder.
    """

    early: int
    shown: int

    def __post_init__(self) -> None:
        if not 0 < self.early < WORD:
            raise ValueError(f"early={self.early}: a word has {WORD} bits")
        if not 0 <= self.shown <= 2:
            raise ValueError(f"shown={self.shown}: a state has 2 words")

    @property
    def module(self) -> str:
        return f"uniform_{self.early}_{self.shown}"

    @property
    def latency(self) -> int:
        """Cycles from a step to the early bits of the word of the state that is left."""
        return 2

    def bill(self, family: Family) -> Cost:
        """A LUT per bit of the state, and two adders."""
        return family.adder(WORD) * 2 + family.logic(2 * WORD) + family.registers(5 * WORD + 2 * (WORD - self.early))


@block
def advance(clk, load, step, source, first, second):
    """The state: loaded word by word, the first word first; or stepped."""
    mixed, turned, shifted, following, last = (wire(WORD) for _ in range(5))

    @always_comb
    def mix():
        mixed.next = first ^ second

    @always_comb
    def rearrange():
        turned.next = concat(first[15:], first[64:15])
        shifted.next = concat(mixed[43:], intbv(0)[21:])
        last.next = concat(mixed[36:], mixed[64:36])

    @always_comb
    def combine():
        following.next = turned ^ mixed ^ shifted

    @always(clk.posedge)
    def move():
        if load:
            first.next = second
            second.next = source
        elif step:
            first.next = following
            second.next = last

    return mix, rearrange, combine, move


@block
def add(clk, a, b, total):
    """total = a + b modulo 2**64, a cycle later."""

    @always(clk.posedge)
    def sum_up():
        more = intbv(0)[WORD + 1 :]
        more[:] = a + b
        total.next = more[WORD:]

    return sum_up


@block
def add_in_parts(clk, a, b, low, high):
    """a + b modulo 2**64: the low bits a cycle later, the high bits one more."""
    early, late = len(low), len(high)
    carry = bit()
    rest_a, rest_b = wire(late), wire(late)
    carrying_a, carrying_b = wire(late + 1), wire(late + 1)

    @always(clk.posedge)
    def sum_low():
        more = intbv(0)[early + 1 :]
        more[:] = a[early:] + b[early:]
        low.next = more[early:]
        carry.next = more[early]
        rest_a.next = a[WORD:early]
        rest_b.next = b[WORD:early]

    @always_comb
    def let_carry():
        carrying_a.next = concat(rest_a, carry)
        carrying_b.next = concat(rest_b, True)

    @always(clk.posedge)
    def sum_high():
        more = intbv(0)[late + 2 :]
        more[:] = carrying_a + carrying_b
        high.next = more[late + 1 : 1]

    return sum_low, let_carry, sum_high


@block
def turn_left(source, turned):
    """turned = source rotated left by 17."""

    @always_comb
    def turn():
        turned.next = concat(source[47:], source[64:47])

    return turn


@leaf
def uniform(clk, load, step, source, first, second, early, late, config):
    """The generator of D. Blackman and S. Vigna.

    load: the state takes source as its second word, and its second word as its first. step: the state moves on; the word of the
    state that it leaves comes 2 cycles later, its high bits, late, 3 cycles later. first, second: the state's words, or None
    where they have no port.
    """
    first = wire(WORD) if first is None else first
    second = wire(WORD) if second is None else second
    total, turned, kept = wire(WORD), wire(WORD), wire(WORD)
    return (
        advance(clk, load, step, source, first, second),
        add(clk, first, second, total),
        register(clk, first, kept),
        turn_left(total, turned),
        add_in_parts(clk, turned, kept, early, late),
    )
