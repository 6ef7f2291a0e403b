"""The XNOR-popcount array: bit-sliced counters over all lanes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from zlib import crc32

from myhdl import Signal, always_comb, block

from ..family import Billed, Cost, Family
from ..verilog.fabric import Blocks, field, joined, like, pass_on, register
from ..verilog.module import leaf, listed
from ..verilog.stream import wire
from .compressors import choose, counter, full_adder, mask, mask_adder, match, match_adder, sum_one, sum_three, sum_two

ROWS = 3
"""Numbers that a carry chain adds."""

MATCHED = (7, 5, 3, 1)
"""Products that a chain of adders takes: one is matched first, then each adder of the chain matches two more and adds them."""


@dataclass(frozen=True)
class Level:
    """One level of compressors: for each binary weight, how many planes there are and what takes them.

    Of planes[k] planes of weight 2**k, 6 * sixes[k] go into 6:3 counters, 3 * threes[k] into full adders, and the rest pass.
    """

    planes: tuple[int, ...]
    sixes: tuple[int, ...]
    threes: tuple[int, ...]

    @property
    def results(self) -> tuple[int, ...]:
        """Planes of each weight after the level."""
        counts = [0] * (len(self.planes) + 2)
        for k, planes in enumerate(self.planes):
            counts[k] += planes - 5 * self.sixes[k] - 2 * self.threes[k]
            counts[k + 1] += self.sixes[k] + self.threes[k]
            counts[k + 2] += self.sixes[k]
        return _trimmed(counts)


def _trimmed(counts: list[int]) -> tuple[int, ...]:
    while not counts[-1]:
        counts.pop()
    return tuple(counts)


@dataclass(frozen=True)
class PopcountConfig(Billed):
    """inputs: operand elements per cycle, of `bits` bits each; lanes: sums taken of them; constant: the weights are constants;
    ternary: weights that change may be 0, too: a second bit says whether they are not. most: elements that a lane takes at most,
    where lanes take some alone, whose weights are constants: how many count once, how many twice, four times, and so on; picks:
    for each lane which ones, in this order, None where it takes fewer. masked: weights that change are 1 and 0, and bits count
    where they are 1: AND stands for XOR.

    Constants cost no LUT input: planes go straight into the first counters. Weights that change are matched with their planes in
    chains of adders, a level of its own; where they may be 0, each by itself, as LUTs have no more inputs.
    """

    inputs: int
    bits: int
    lanes: int
    constant: bool = False
    ternary: bool = False
    most: tuple[int, ...] = ()
    picks: tuple[tuple[int | None, ...], ...] = ()
    masked: bool = False

    def __post_init__(self) -> None:
        for name in ("inputs", "bits", "lanes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        if self.elements < 1:
            raise ValueError(f"most={self.most}: lanes of no elements")
        if self.constant and self.ternary:
            raise ValueError("constants that may be 0: lanes pick the others")
        if self.masked and (self.constant or self.ternary):
            raise ValueError("weights of 1 and 0 change, and have no sign")

    @property
    def module(self) -> str:
        kind = "const" if self.constant else "ternary" if self.ternary else "masked" if self.masked else "var"
        some = f"_{'_'.join(map(str, self.most))}_{crc32(repr(self.picks).encode()):08x}" if self.most else ""
        return f"popcount_{self.inputs}x{self.bits}b_{self.lanes}_{kind}{some}"

    @property
    def elements(self) -> int:
        """Summands of a lane."""
        return sum(self.groups)

    @property
    def groups(self) -> tuple[int, ...]:
        """How many of them count once, how many twice, four times, and so on."""
        return self.most or (self.inputs,)

    @property
    def weights(self) -> int:
        """Bits of all weights."""
        return self.elements * self.lanes * (2 if self.ternary else 1)

    @property
    def highest(self) -> int:
        """Largest count: every bit of every element differs."""
        return sum(size << place for place, size in enumerate(self.groups)) * ((1 << self.bits) - 1)

    @property
    def count_bits(self) -> int:
        """Width of a count."""
        return self.highest.bit_length()

    @property
    def chains(self) -> tuple[tuple[int, int], ...]:
        """How the products of one bit are matched with weights that change: (length of the chain, number of such chains)."""
        found, left = [], self.elements
        for length in MATCHED[-1:] if self.ternary else MATCHED:
            if left // length:
                found.append((length, left // length))
                left %= length
        return tuple(found)

    @property
    def matched(self) -> tuple[int, ...]:
        """Planes of each weight once products are made: for weights that change, what the chains give."""
        counts = [0] * (self.bits + len(self.groups))
        for k in range(self.bits):
            if self.constant:
                for place, size in enumerate(self.groups):
                    counts[k + place] += size
            else:
                counts[k] += sum(number for _, number in self.chains)
                counts[k + 1] += sum(length // 2 * number for length, number in self.chains)
        return _trimmed(counts)[: self.count_bits]

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """Compressor levels until no weight has more than three planes left."""
        planes = self.matched
        found: list[Level] = []
        while max(planes) > ROWS:
            sixes = tuple(count // 6 for count in planes)
            found.append(Level(planes, sixes, tuple(count % 6 // 3 for count in planes)))
            planes = self.kept(found[-1].results)
        return tuple(found)

    def kept(self, planes: tuple[int, ...]) -> tuple[int, ...]:
        """Planes that are needed; those of a weight that no count reaches are always zero."""
        return planes[: self.count_bits]

    @property
    def rows(self) -> int:
        """Numbers that the compressors leave for the final addition."""
        return max(self.kept(self.levels[-1].results) if self.levels else self.matched)

    def bill(self, family: Family) -> Cost:
        """Lanes, and constant weights' inverters, which they share."""
        return self.bill_of_lanes(family) + family.logic(self.inverted)

    @property
    def inverted(self) -> int:
        """Bits of the operand that are there inverted, too, at the most."""
        return self.inputs * self.bits if self.constant else 0

    def bill_of_lanes(self, family: Family) -> Cost:
        """Without inverters, which arrays of the same operand share."""
        chosen = family.choose(self.lanes) * (self.elements * self.bits) if self.ternary else Cost()
        lanes = self.bill_of_lane(family) * self.lanes + chosen
        if not self.picks:
            return lanes
        # compressors of nothing but zeros are few, but what they would be kept in is not there
        return replace(lanes, ff=sum(replace(self, most=taken, picks=()).bill_of_lane(family).ff for taken in self.taken))

    @property
    def taken(self) -> Iterator[tuple[int, ...]]:
        """For each lane how many elements it takes that count once, twice, and so on; one at the least."""
        for lane in self.picks:
            elements = iter(lane)
            counts = tuple(sum(place is not None for place in islice(elements, size)) for size in self.most)
            yield counts if any(counts) else (1,)

    def bill_of_lane(self, family: Family) -> Cost:
        """Compressors and the final addition, the XNOR with weights that come from elsewhere included, if they are signs."""
        lane, planes = Cost(), 0
        single = self.bits == 1 and not (self.constant or self.ternary or self.masked or self.picks)
        array = family.array(self.elements) if single else None
        if not (self.constant or self.ternary):
            for length, number in self.chains:
                lane += (family.match() + family.match_adder() * (length // 2)) * (number * self.bits)
        if not (self.constant and self.levels):
            planes += sum(self.matched)
        for number, level in enumerate(self.levels):
            fixed = self.constant and number == 0
            lane += family.counter(fixed) * sum(level.sixes) + family.full_adder(fixed) * sum(level.threes)
            planes += sum(self.kept(level.results))
        if self.rows > 1:
            lane += family.adder_of_three(self.count_bits)
        return (lane if array is None else array) + family.registers(planes + self.count_bits)

    @property
    def latency(self) -> int:
        """Cycles from operand to counts: a register after the products and after each level, and one after the final addition.

        Constants have no level of products, unless it would be the only one.
        """
        return max(len(self.levels) + (not self.constant), 1) + 1


@block
def spread(operand, planes, inputs, bits, lanes):
    """planes = for each bit b and element i, in this order, bit b of operand[i] repeated for every lane."""
    ones = (1 << lanes) - 1

    @always_comb
    def repeat():
        word = 0
        for plane in range(bits * inputs):
            element = plane % inputs
            if operand[element * bits + plane // inputs]:
                word |= ones << (plane * lanes)
        planes.next = word

    planes.driven = "wire"
    operand.read = True
    return repeat


spread.verilog_code = """
genvar spread_bit, spread_element;
generate
  for (spread_bit = 0; spread_bit < $bits; spread_bit = spread_bit + 1) begin : each_bit
    for (spread_element = 0; spread_element < $inputs; spread_element = spread_element + 1) begin : each_element
      assign $planes[(spread_bit * $inputs + spread_element) * $lanes +: $lanes] =
          {$lanes{$operand[spread_element * $bits + spread_bit]}};
    end
  end
endgenerate
"""


@block
def pick(operand, planes, config):
    """planes = for each bit b and element that lanes take, bit b of each lane's own, or 0."""
    places = [
        0 if lane[element] is None else 1 + lane[element] * config.bits + place
        for place in range(config.bits)
        for element in range(config.elements)
        for lane in config.picks
    ]
    top = len(operand)  # noqa: F841  read by the text
    taken = listed([f"pick_from[{place}]" for place in reversed(places)])  # noqa: F841  likewise

    @always_comb
    def choose():
        word = 0
        for plane, place in enumerate(places):
            if place and operand[place - 1]:
                word |= 1 << plane
        planes.next = word

    planes.driven = "wire"
    operand.read = True
    return choose


pick.verilog_code = """
wire [$top:0] pick_from = {$operand, 1'b0};
assign $planes = {
    $taken
};
"""


@block
def differ(planes, weights, differing):
    """differing = planes XOR weights."""

    @always_comb
    def match_all():
        differing.next = planes ^ weights

    return match_all


@leaf
def popcount(clk, operand, weights, counts, config):
    """For every lane, the weighted number of bits in which the operand differs from the lane's weights.

    counts[lane] = sum over elements i and bits b of 2**b * (operand[i][b] XOR weights[i][lane])

    of the elements alone whose weight is not 0, if weights may be 0.

    Planes, one bit of every lane side by side, go through levels of 6:3 counters and full adders until each binary weight has at
    most three; three rows remain, which a carry chain per lane adds. One vector operation serves all lanes.

    operand: `inputs` elements of `bits` bits, element 0 lowest. weights: for each element one bit per lane, element 0 lowest;
    1 stands for -1; if they may be 0, as many bits follow, 1 where a weight is not. counts: one field of `count_bits` per lane.
    Latency: config.latency. A new operand is taken every cycle.
    """
    size = config.elements * config.lanes
    planes = wire(config.bits * size)
    if config.picks:
        instances: Blocks = [pick(operand, planes, config)]
    else:
        instances = [spread(operand, planes, config.inputs, config.bits, config.lanes)]

    # columns[k]: the planes of weight 2**k, side by side
    columns: list[Signal | None] = []
    parts: list[list[Signal]] = [[] for _ in range(config.bits + len(config.groups))]
    for k, plane in enumerate(_Slices(planes, size).take(1, config.bits)):
        if config.constant:
            elements, flips = _Slices(plane, config.lanes), _Slices(weights, config.lanes)
            for place, number in enumerate(config.groups):
                if number:
                    parts[k + place].append(wire(number * config.lanes))
                    taken = *elements.take(number, 1), *flips.take(number, 1)
                    instances.append(differ(*taken, parts[k + place][-1]))
            continue
        if config.ternary:
            parts[k].append(wire(size))
            instances.append(choose(plane, *_Slices(weights, size).take(1, 2), parts[k][0], config.lanes))
            continue
        first_of, each_of = (mask, mask_adder) if config.masked else (match, match_adder)
        elements, flips = _Slices(plane, config.lanes), _Slices(weights, config.lanes)
        for length, number in config.chains:
            terms = list(zip(elements.take(number, length), flips.take(number, length), strict=True))
            carried = wire(number * config.lanes)
            instances.append(first_of(*terms[0], carried))
            for first, second in zip(terms[1::2], terms[2::2], strict=True):
                ones, twos = wire(number * config.lanes), wire(number * config.lanes)
                instances.append(each_of(*first, *second, carried, ones, twos))
                parts[k + 1].append(twos)
                carried = ones
            parts[k].append(carried)
    if config.constant and config.levels:
        for part in parts[: config.count_bits]:
            columns.append(part[0] if len(part) == 1 else like(joined(part)) if part else None)
            if len(part) > 1:
                instances.append(pass_on(joined(part), columns[-1]))
    else:
        columns = _collected(parts, config)
        for part, column in zip(parts, columns, strict=False):
            if column is not None:
                instances.append(register(clk, joined(part), column))
    for level in config.levels:
        parts = [[] for _ in range(len(level.planes) + 2)]
        for k, column in enumerate(columns):
            if column is None:
                continue
            slices = _Slices(column, config.lanes)
            if level.sixes[k]:
                outputs = [wire(level.sixes[k] * config.lanes) for _ in range(3)]
                instances.append(counter(*slices.take(level.sixes[k], 6), *outputs))
                for weight, output in enumerate(outputs):
                    parts[k + weight].append(output)
            if level.threes[k]:
                outputs = [wire(level.threes[k] * config.lanes) for _ in range(2)]
                instances.append(full_adder(*slices.take(level.threes[k], 3), *outputs))
                for weight, output in enumerate(outputs):
                    parts[k + weight].append(output)
            parts[k].extend(slices.rest())
        columns = _collected(parts, config)
        for part, column in zip(parts, columns, strict=False):
            if column is not None:
                instances.append(register(clk, joined(part), column))

    # the rows that are left, added, and transposed from planes to numbers
    rows = [_row(columns, row, config) for row in range(config.rows)]
    if len(rows) == 1:
        instances.append(sum_one(clk, *rows, counts, config.lanes))
    elif len(rows) == 2:
        instances.append(sum_two(clk, *rows, counts, config.lanes))
    else:
        instances.append(sum_three(clk, *rows, counts, config.lanes))
    return instances


def _collected(parts: list[list[Signal]], config: PopcountConfig) -> list[Signal | None]:
    """A register for the planes of each weight, None where there are none; parts beyond what a count reaches are always zero."""
    for always_zero in chain(*parts[config.count_bits :]):
        always_zero.read = True
    return [like(joined(part)) if part else None for part in parts[: config.count_bits]]


def _row(columns: list[Signal | None], row: int, config: PopcountConfig) -> Signal:
    """One number of every lane: its planes from the lowest weight on, zeros where the row has none."""
    lanes = config.lanes
    planes: list[Signal | str] = []
    for column in (*columns, *[None] * config.count_bits)[: config.count_bits]:
        present = column is not None and len(column) > row * lanes
        planes.append(field(column, row, lanes) if present else "0" * lanes)
    return joined(planes)


class _Slices:
    """Hands out groups of neighbouring planes of a column."""

    def __init__(self, column: Signal, lanes: int, start: int = 0) -> None:
        self.column, self.lanes, self.next = column, lanes, start

    def take(self, planes: int, groups: int) -> Iterator[Signal]:
        """`groups` vectors of `planes` planes each."""
        for _ in range(groups):
            low = self.next * self.lanes
            self.next += planes
            high = self.next * self.lanes
            if high - low == len(self.column):
                yield self.column
            elif high - low == 1:
                yield self.column(low)  # MyHDL writes a slice of one bit so that Verilog cannot read it
            else:
                yield self.column(high, low)

    def rest(self) -> list[Signal]:
        """What has not been taken, as one vector, or nothing."""
        left = len(self.column) // self.lanes - self.next
        return list(self.take(left, 1)) if left else []
