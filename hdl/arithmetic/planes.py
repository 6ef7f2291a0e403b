"""Dot products with weights of several bits, by bit planes: for each bit of the weights the codes are counted where it is set."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always, block, intbv

from sigmabit.golden.types.range import Range

from ..family import Billed, Cost, Family
from ..verilog.fabric import Blocks, extend, field, joined, pass_on, register
from ..verilog.module import composite, leaf
from ..verilog.stream import wire
from .popcount import PopcountConfig, popcount


@dataclass(frozen=True)
class WeighConfig(Billed):
    """lanes: sums; planes: counts that each is made of, from 0 to `highest`, the last of which is negative. sum_bits: width of a
    sum, which is taken modulo 2**sum_bits.
    """

    lanes: int
    planes: int
    highest: int
    sum_bits: int

    def __post_init__(self) -> None:
        for name in ("lanes", "highest", "sum_bits"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        if self.planes < 2:
            raise ValueError(f"planes={self.planes}: signed weights take at least 2 bits")

    @property
    def module(self) -> str:
        return f"weigh_{self.lanes}x{self.planes}x{self.highest}_{self.sum_bits}"

    @property
    def count_bits(self) -> int:
        """Width of a count."""
        return self.highest.bit_length()

    @property
    def latency(self) -> int:
        """Cycles from counts to sums: one for each level of a tree of adders."""
        return (self.planes - 1).bit_length()

    def range(self, first: int, behind: int) -> Range:
        """What planes from the first on to that in front of another come to, in units of the first's."""
        signed = behind == self.planes
        high = self.highest * ((1 << behind - first - signed) - 1)
        return Range(-self.highest << behind - first - 1, max(high, 0)) if signed else Range(0, high)

    def bits(self, first: int, behind: int) -> int:
        """Width of a number of those; of a single plane that of its count."""
        return self.count_bits if behind == first + 1 else self.range(first, behind).bits

    @property
    def levels(self) -> list[list[tuple[int, int]]]:
        """Of the tree: which planes each number is of, the counts first."""
        found = [[(plane, plane + 1) for plane in range(self.planes)]]
        while len(found[-1]) > 1:
            below = found[-1]
            found.append([(pair[0][0], pair[-1][1]) for pair in (below[first : first + 2] for first in range(0, len(below), 2))])
        return found

    def bill(self, family: Family) -> Cost:
        """An adder for each two numbers, without the bits that only the first has."""
        lane = Cost()
        for below, level in zip(self.levels, self.levels[1:], strict=False):
            parts = iter(below)
            for first, behind in level:
                width = self.bits(first, behind)
                lane += family.registers(width)
                if next(parts) != (first, behind):
                    lane += family.adder(width - (next(parts)[0] - first))
        return lane * self.lanes


@dataclass(frozen=True)
class PlanesConfig(Billed):
    """inputs: codes of an operand, of `bits` bits, without a sign; weight_bits: of a weight, in two's complement; lanes: sums of
    the same operand; count_bits: width of a sum, which is taken modulo 2**count_bits.
    """

    inputs: int
    bits: int
    weight_bits: int
    lanes: int
    count_bits: int

    def __post_init__(self) -> None:
        for name in ("inputs", "bits", "lanes", "count_bits"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        if self.weight_bits < 2:
            raise ValueError(f"weight_bits={self.weight_bits}: signed weights take at least 2 bits")

    @property
    def module(self) -> str:
        return f"planes_{self.inputs}x{self.bits}b_{self.weight_bits}w_{self.lanes}x{self.count_bits}"

    @property
    def counting(self) -> PopcountConfig:
        """What counts: a lane for each bit of each lane's weights."""
        return PopcountConfig(self.inputs, self.bits, self.lanes * self.weight_bits, masked=True)

    @property
    def weighing(self) -> WeighConfig:
        """What adds the counts up."""
        return WeighConfig(self.lanes, self.weight_bits, self.counting.highest, self.count_bits)

    @property
    def latency(self) -> int:
        """Cycles from operand and weights to the sums."""
        return self.counting.latency + self.weighing.latency

    def bill(self, family: Family) -> Cost:
        """Of both parts."""
        return self.counting.bill(family) + self.weighing.bill(family)


@block
def combine(clk, low, high, total, shift, negative, signed):
    """total = low + high * 2**shift a cycle later, or - if negative; high in two's complement if signed. Exact."""
    size = len(total)
    limit = 1 << (max(size, len(high) + shift, len(low)) + 1)
    weight = 1 << shift

    if negative:

        @always(clk.posedge)
        def take_off():
            taken = intbv(0, min=-limit, max=limit)
            result = intbv(0, min=-limit, max=limit)
            taken[:] = high * weight
            result[:] = low - taken
            total.next = result[size:]

        return take_off

    if signed:

        @always(clk.posedge)
        def add_signed():
            part = intbv(0, min=-limit, max=limit)
            more = intbv(0, min=-limit, max=limit)
            result = intbv(0, min=-limit, max=limit)
            part[:] = high.signed()
            more[:] = part * weight
            result[:] = more + low
            total.next = result[size:]

        return add_signed

    @always(clk.posedge)
    def add_up():
        more = intbv(0)[size + 1 :]
        result = intbv(0)[size + 1 :]
        more[:] = high * weight
        result[:] = low + more
        total.next = result[size:]

    return add_up


@leaf
def weigh(clk, counts, sums, config):
    """sums = for each lane counts of its planes, times 1, 2, 4, ..., the last taken off, modulo 2**sum_bits.

    counts: `lanes` times `planes` fields of `count_bits`, planes fastest, the lowest first. Latency: config.latency.
    """
    blocks: Blocks = []
    results = []
    for lane in range(config.lanes):
        numbers = [field(counts, lane * config.planes + plane, config.count_bits) for plane in range(config.planes)]
        for below, level in zip(config.levels, config.levels[1:], strict=False):
            combined = []
            for place, (first, behind) in enumerate(level):
                total = wire(config.bits(first, behind))
                if below[2 * place] == (first, behind):
                    blocks.append(register(clk, numbers[2 * place], total))
                else:
                    start, end = below[2 * place + 1]
                    top = end == config.planes
                    kinds = top and end == start + 1, top
                    blocks.append(combine(clk, numbers[2 * place], numbers[2 * place + 1], total, start - first, *kinds))
                combined.append(total)
            numbers = combined
        result = wire(config.sum_bits)
        blocks.append(extend(numbers[0], result, True))
        results.append(result)
    blocks.append(pass_on(joined(results), sums))
    return blocks


@composite
def planes(clk, data, weights, counts, config):
    """counts = for each lane the sum of codes times weights, modulo 2**count_bits. Latency: config.latency.

    data: `inputs` codes. weights: for each code `lanes` weights, lanes fastest.
    """
    counted = wire(config.counting.lanes * config.counting.count_bits)
    return (
        popcount(clk, data, weights, counted, config.counting),
        weigh(clk, counted, counts, config.weighing),
    )
