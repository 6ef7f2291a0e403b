"""From sums to codes of several bits: a binary search, a comparator for each bit."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from myhdl import always_comb, block

from sigmabit.golden.arithmetic.steps import Steps

from ..family import Billed, Cost, Family
from ..family.rules import BLOCK_RAM_FROM
from ..verilog.fabric import Blocks, age, age_reset, count, joined, like, lookup, pass_on, register
from ..verilog.fabric import field as field_of
from ..verilog.module import composite, leaf
from ..verilog.stream import ADDRESS_LEAD, bit, bits, index_bits, wire
from .rom import BANK, RomConfig, rom, style_of
from .steps import reaches_any


@dataclass(frozen=True)
class SearchConfig(Billed):
    """name: the layer's. lanes, places: channels at a time, and positions, each with all lanes. sum_bits: of a sum. bits: of a
    code. groups: of channels, which come in turn.

    tables: for each lane and bit of a code, the highest first, the thresholds that its comparator may need, in two's complement
    of compared_bits: for each group those of all bits found before.
    """

    name: str
    lanes: int
    places: int
    sum_bits: int
    bits: int
    groups: int
    compared_bits: int
    tables: tuple[tuple[tuple[int, ...], ...], ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.sum_bits <= self.compared_bits <= self.sum_bits + 1:
            raise ValueError(f"{self.name}: sums of {self.sum_bits} bits compared in {self.compared_bits}")
        wanted = [[self.groups << stage for stage in range(self.bits)]] * self.lanes
        if [[len(words) for words in lane] for lane in self.tables] != wanted:
            raise ValueError(f"{self.name}: tables that do not suit {self.lanes} lanes, {self.groups} groups, {self.bits} bits")

    @property
    def module(self) -> str:
        return f"{self.name}_search"

    @property
    def block(self) -> Any:
        """The block: clk, rst, sink, source, config."""
        return search if self.first_read == self.bits else search_tables

    @property
    def result_bits(self) -> int:
        """Width of a code."""
        return self.bits

    @property
    def latency(self) -> int:
        """Cycles from sums to codes: one for each bit, and those that reading takes."""
        return self.bits + ADDRESS_LEAD * (self.bits - self.first_read)

    @property
    def first_read(self) -> int:
        """The first bit whose table is one that is read, in cycles of its own: of more than `BANK` words of several groups."""
        return min(self.bits, max(0, (BANK // self.groups).bit_length())) if self.groups > 1 else self.bits

    @cached_property
    def read(self) -> tuple[tuple[RomConfig, ...], ...]:
        """For each lane the tables that are read."""
        wide = self.compared_bits
        return tuple(
            tuple(
                RomConfig(f"{self.name}_{number}", f"limits_{stage}", wide, words, style_of(len(words), 1, BLOCK_RAM_FROM))
                for stage, words in enumerate(lane)
                if stage >= self.first_read
            )
            for number, lane in enumerate(self.tables)
        )

    @property
    def sums(self) -> int:
        """Sums at a time."""
        return self.lanes * self.places

    def bill(self, family: Family) -> Cost:
        """For each bit a comparator and the table of its thresholds; what waits with the bits that are found."""
        wide, total = self.compared_bits, Cost()
        for lane, tables in zip(self.tables, self.read, strict=True):
            for words in lane[: self.first_read]:
                total += self._comparing(family, words) * self.places
            for table in tables:
                total += (family.comparator(wide) + table.bill(family)) * self.places
        number = index_bits(self.groups) if self.groups > 1 else 0
        for stage in range(self.bits):
            reading = ADDRESS_LEAD * (stage >= self.first_read)
            if stage:
                total += family.delay(number, 1 + ADDRESS_LEAD * (stage > self.first_read))
            total += family.delay(wide + stage, (stage > 0) + reading) * self.sums
        return total + family.registers(self.bits * self.sums + number + self.latency)

    def _comparing(self, family: Family, words: tuple[int, ...]) -> Cost:
        """A comparator, and the functions of the address that are bits of its threshold."""
        wide = self.compared_bits
        if len(words) == 1:
            return family.comparators_with([signed(words[0], wide)], wide)
        columns = {tuple(word >> place & 1 for word in words) for place in range(wide)}
        # those of a single bit of the address are that bit, or its complement
        changing = len([column for column in columns if len({*column}) > 1]) if len(words) > 2 else 1
        return family.comparator(wide) + family.table(index_bits(len(words))) * changing


def signed(word: int, bits: int) -> int:
    """The number that so many bits are in two's complement."""
    return word - (word >> bits - 1 << bits)


@block
def reaches_constant(total, threshold, reached):
    """reached = total >= threshold, total in two's complement."""

    @always_comb
    def compare():
        reached.next = total.signed() >= threshold

    return compare


def configure(name: str, thresholds: Steps, lanes: int, sum_bits: int, places: int = 1) -> SearchConfig:
    """The block of a layer's steps. lanes: channels at a time, at so many places. Thresholds must be sums of `sum_bits` bits."""
    channels, each = thresholds.thresholds.shape
    groups, bits = -(-channels // lanes), each.bit_length()
    missing = (1 << bits) - 1 - each
    wide, half = sum_bits + bool(missing), 1 << (sum_bits - 1)
    filled = np.zeros((groups * lanes, each + missing), np.int64)
    filled[:channels, :each] = thresholds.thresholds
    filled[:, each:] = half  # which no sum reaches
    limits = filled.reshape(groups, lanes, -1) % (1 << wide)
    tables = tuple(
        tuple(
            tuple(limits[:, lane, (1 << bits - 1 - stage) - 1 :: 1 << bits - stage].reshape(-1).tolist()) for stage in range(bits)
        )
        for lane in range(lanes)
    )
    return SearchConfig(name, lanes, places, sum_bits, bits, groups, wide, tables)


class Vectors:
    """Of several widths, as ports of their own."""

    def __init__(self, widths: list[int]) -> None:
        for number, width in enumerate(widths):
            setattr(self, f"table_{number}", wire(width))

    @property
    def vectors(self) -> list[Any]:
        """The vectors in order."""
        return list(vars(self).values())


@block
def stages(clk, rst, sink, addresses, limits, source, config):
    """What `search` and `seek` are made of; addresses, limits: None where no table is read."""
    wide, groups = config.compared_bits, config.groups
    blocks: Blocks = []
    sums = like(sink.data)
    blocks.append(pass_on(sink.data, sums))
    group = None
    if groups > 1:
        group = wire(index_bits(groups))
        blocks.append(count(clk, rst, sink.valid, group, None, groups))
    turns = [group]
    for stage in range(config.bits - 1):
        turns.append(None if group is None else like(group))
        if group is not None:
            cycles = 1 if stage < config.first_read else 1 + ADDRESS_LEAD
            blocks.append(age(clk, turns[-2], turns[-1], cycles))
    codes, read = [], 0
    for number in range(config.sums):
        total, given = wire(wide), field_of(sums, number, config.sum_bits)
        sign = [given(config.sum_bits - 1)] * (wide - config.sum_bits)
        blocks.append(pass_on(joined([given, *sign]), total))
        found = None
        for stage, words in enumerate(config.tables[number % config.lanes]):
            reached = bit()
            parts = [part for part in (found, turns[stage]) if part is not None]
            if stage >= config.first_read:
                blocks.append(pass_on(joined(parts), addresses.vectors[read]))
                limit = limits.vectors[read]
                read += 1
                late = like(total)
                blocks.append(age(clk, total, late, ADDRESS_LEAD))
                total = late
                if found is not None:
                    kept = like(found)
                    blocks.append(age(clk, found, kept, ADDRESS_LEAD))
                    found = kept
                blocks.append(reaches_any(total, limit, reached))
            elif parts:
                address, limit = wire(sum(len(part) for part in parts)), wire(wide)
                blocks.append(pass_on(joined(parts), address))
                blocks.append(lookup(address, limit, words))
                blocks.append(reaches_any(total, limit, reached))
            else:
                blocks.append(reaches_constant(total, signed(words[0], wide), reached))
            code = bits(stage + 1)
            blocks.append(register(clk, joined([reached] if found is None else [reached, found]), code))
            if stage < config.bits - 1:
                later = like(total)
                blocks.append(register(clk, total, later))
                total = later
            found = code
        codes.append(found)
    blocks.append(pass_on(joined(codes), source.data))
    blocks.append(age_reset(clk, rst, sink.valid, source.valid, config.latency))
    return blocks


@leaf
def search(clk, rst, sink, source, config):
    """source = for each sum of sink the number of its thresholds that it reaches. Latency: config.latency.

    A bit of the code is found in each cycle, the highest first: a threshold is the middle one of those that are left.
    """
    return stages(clk, rst, sink, None, None, source, config)


@dataclass(frozen=True)
class SeekConfig:
    """What is a search's but its tables."""

    search: SearchConfig

    @property
    def module(self) -> str:
        return f"{self.search.name}_seek"


@leaf
def seek(clk, rst, sink, addresses, limits, source, config):
    """The same where thresholds come from tables, in answer to addresses: of each sum in turn those of the lower bits."""
    return stages(clk, rst, sink, addresses, limits, source, config.search)


@composite
def search_tables(clk, rst, sink, source, config):
    """source = for each sum of sink the number of its thresholds that it reaches. Latency: config.latency.

    The lower bits' thresholds are read from tables, in logic or in block RAM, which takes ADDRESS_LEAD cycles more for each.
    """
    tables = [table for number in range(config.sums) for table in config.read[number % config.lanes]]
    addresses, limits = Vectors([table.address_bits for table in tables]), Vectors([table.width for table in tables])
    instances = [seek(clk, rst, sink, addresses, limits, source, SeekConfig(config))]
    for table, address, limit in zip(tables, addresses.vectors, limits.vectors, strict=True):
        instances.append(rom(clk, address, limit, table))
    return instances
