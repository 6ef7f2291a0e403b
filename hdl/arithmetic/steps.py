"""From sums to codes of a few bits: comparators, and a count of the thresholds that are reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from myhdl import always_comb, block

from sigmabit.golden.arithmetic.steps import Steps

from ..family import Billed, Cost, Family, with_bodies
from ..family.rules import BLOCK_RAM_FROM
from ..verilog.fabric import Blocks, age, age_reset, count, field, joined, like, pass_on, register
from ..verilog.module import composite, leaf
from ..verilog.stream import ADDRESS_LEAD, bit, wire
from .compressors import driven_by_text, read_by_text
from .rom import RomConfig, RomStyle, pack_words, rom, style_of, unpack_word

MERGED_GROUPS = 1
"""Groups of channels whose thresholds are constants of the comparators."""


@dataclass(frozen=True)
class ReachConfig:
    """lanes: channels at a time, places: positions at a time, each with all lanes; sum_bits: of a sum, and of a threshold.
    thresholds: of a channel. groups: of channels, which come in turn.
    """

    lanes: int
    places: int
    sum_bits: int
    thresholds: int
    groups: int

    def __post_init__(self) -> None:
        for name in ("lanes", "places", "thresholds", "groups"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        if self.sum_bits < 2:
            raise ValueError(f"sum_bits={self.sum_bits} is below 2")

    @property
    def module(self) -> str:
        return f"reach_{self.places}x{self.lanes}x{self.sum_bits}_{self.thresholds}t{self.groups}"

    @property
    def code_bits(self) -> int:
        """Width of a code."""
        return self.thresholds.bit_length()

    @property
    def lead(self) -> int:
        """Cycles that sums wait for their thresholds."""
        return ADDRESS_LEAD if self.groups > 1 else 0

    @property
    def sums(self) -> int:
        """Sums at a time."""
        return self.lanes * self.places

    def counting(self, family: Family) -> Cost:
        """What is there besides comparators: a parity of thresholds for each bit of a code, and registers."""
        codes = sum(-(-(self.thresholds >> bit) // 6) for bit in range(self.code_bits - 1))
        each = family.logic(codes) + family.registers(self.thresholds + self.code_bits + self.lead * self.sum_bits)
        return each * self.sums + Cost(2, 4)

    @property
    def latency(self) -> int:
        """Cycles from sums to codes: those that they wait, one to compare, one to count."""
        return self.lead + 2


@block
def reaches(total, threshold, reached):
    """reached = total >= threshold, both in two's complement."""

    @always_comb
    def compare():
        reached.next = total.signed() >= threshold.signed()

    return compare


@block
def reaches_any(total, threshold, reached):
    """The same for a threshold that changes; two bits of each share a LUT."""
    top = len(total) - 1
    pairs = (top + 2) // 2
    below, chains = top - 1, (pairs + 3) // 4  # noqa: F841  read by the text

    @always_comb
    def compare():
        reached.next = total.signed() >= threshold.signed()

    read_by_text(total, threshold)
    driven_by_text(reached)
    return compare


reaches_any.verilog_code = "\n" + with_bodies(
    lambda primitives: primitives.reaches,
    "assign $reached = $$signed($total) >= $$signed($threshold);",
)


@block
def parity(bits, odd):
    """odd: is an odd number of the bits set?"""
    if len(bits) == 1:
        return pass_on(bits[0], odd)
    half = len(bits) // 2
    first, rest = bit(), bit()
    blocks = parity(bits[:half], first), parity(bits[half:], rest)

    @always_comb
    def combine():
        odd.next = first != rest

    return combine, blocks


@leaf
def reach(clk, rst, sink, group, limits, source, config):
    """source = for each sum of sink the number of its thresholds that it reaches. Latency: config.latency.

    group: the address that thresholds are read at, which come in answer to it; None where there is one group of channels.
    limits: for each lane its thresholds, rising, the lowest first; in two's complement, as sums are.
    """
    blocks: Blocks = []
    sums = like(sink.data)
    if group is None:
        blocks.append(pass_on(sink.data, sums))
    else:
        blocks.append(count(clk, rst, sink.valid, group, None, config.groups))
        blocks.append(age(clk, sink.data, sums, config.lead))
    marks = [[bit() for _ in range(config.thresholds)] for _ in range(config.sums)]
    held = wire(config.sums * config.thresholds)
    for number in range(config.sums):
        total = field(sums, number, config.sum_bits)
        for step in range(config.thresholds):
            place = number % config.lanes * config.thresholds + step
            compare = reaches if group is None else reaches_any
            blocks.append(compare(total, field(limits, place, config.sum_bits), marks[number][step]))
    blocks.append(register(clk, joined([mark for of_sum in marks for mark in of_sum]), held))
    # the thresholds reached are the lowest: bit b is set where an odd number of the thresholds 2**b, 2 * 2**b, ... is
    codes = []
    for number in range(config.sums):
        for place in range(config.code_bits):
            unit, odd = 1 << place, bit()
            reached = [field(held, number * config.thresholds + step - 1, 1) for step in range(unit, config.thresholds + 1, unit)]
            blocks.append(parity(reached, odd))
            codes.append(odd)
    blocks.append(register(clk, joined(codes), source.data))
    blocks.append(age_reset(clk, rst, sink.valid, source.valid, config.latency))
    return blocks


@dataclass(frozen=True)
class StepsConfig(Billed):
    """name: the layer's. reach: the comparators. limits: the table of their thresholds, a word for each group of channels."""

    name: str
    reach: ReachConfig
    limits: RomConfig

    @property
    def module(self) -> str:
        return f"{self.name}_steps"

    @property
    def block(self) -> Any:
        """The block: clk, rst, sink, source, config."""
        return steps

    @property
    def result_bits(self) -> int:
        """Width of a code."""
        return self.reach.code_bits

    def bill(self, family: Family) -> Cost:
        """A comparator for each threshold, and that of its parts. Of equal constants of a channel there is one. Sums that wait do
        so in one delay with the accumulator's register.
        """
        waiting = family.delay(self.reach.sum_bits, self.reach.lead + 1).lut * self.reach.sums if self.reach.lead else 0
        return self.comparators(family) + self.reach.counting(family) + self.limits.bill(family) + Cost(lut=waiting)

    def comparators(self, family: Family) -> Cost:
        """Those that all sums of a beat take."""
        reach = self.reach
        if self.limits.style is not RomStyle.CONSTANT:
            return family.comparator(reach.sum_bits) * (reach.sums * reach.thresholds)
        limits = unpack_word(self.limits.words[0], reach.lanes * reach.thresholds, reach.sum_bits).reshape(reach.lanes, -1)
        return sum((family.comparators_with(lane, reach.sum_bits) for lane in limits.tolist()), Cost()) * reach.places

    @property
    def latency(self) -> int:
        """Cycles from sums to codes."""
        return self.reach.latency


def configure(name: str, thresholds: Steps, lanes: int, sum_bits: int, places: int = 1) -> StepsConfig:
    """The blocks of a layer's steps. lanes: channels at a time, at so many places. Thresholds must be sums of `sum_bits` bits."""
    channels, each = thresholds.thresholds.shape
    groups = -(-channels // lanes)
    half = 1 << (sum_bits - 1)
    lowest, highest = int(thresholds.thresholds.min()), int(thresholds.thresholds.max())
    if lowest < -half or highest >= half:
        raise ValueError(f"{name}: thresholds from {lowest} to {highest} for sums of {sum_bits} bits")
    filled = np.zeros((groups * lanes, each), np.int64)
    filled[:channels] = thresholds.thresholds % (1 << sum_bits)
    words = pack_words(filled.reshape(groups, lanes * each), sum_bits)
    style = style_of(groups, MERGED_GROUPS, BLOCK_RAM_FROM)
    limits = RomConfig(name, "limits", lanes * each * sum_bits, words, style)
    return StepsConfig(name, ReachConfig(lanes, places, sum_bits, each, groups), limits)


@composite
def steps(clk, rst, sink, source, config):
    """source = the codes of sink's sums: how many of its channel's thresholds each reaches. Latency: config.latency."""
    limits = wire(config.limits.width)
    group = None if config.limits.style is RomStyle.CONSTANT else wire(config.limits.address_bits)
    return (
        rom(None if group is None else clk, group, limits, config.limits),
        reach(clk, rst, sink, group, limits, source, config.reach),
    )
