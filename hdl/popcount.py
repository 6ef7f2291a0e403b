"""The XNOR-popcount array: bit-sliced counters over all lanes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from myhdl import Signal, always, always_comb, block, intbv

from .cost import Cost
from .fabric import field, joined, like, pass_on, register
from .module import leaf
from .stream import wire


@dataclass(frozen=True)
class Level:
    """One level of compressors: for each binary weight, how many planes there are and what takes them.

    Of planes[k] planes of weight 2**k, 6 * sixes[k] go into 6:3 compressors, 3 * threes[k] into full adders, 2 * twos[k] into
    half adders, and the rest pass.
    """

    planes: tuple[int, ...]
    sixes: tuple[int, ...]
    threes: tuple[int, ...]
    twos: tuple[int, ...]

    @property
    def results(self) -> tuple[int, ...]:
        """Planes of each weight after the level."""
        width = len(self.planes) + 2
        counts = [0] * width
        for k, planes in enumerate(self.planes):
            sixes, threes, twos = self.sixes[k], self.threes[k], self.twos[k]
            counts[k] += planes - 5 * sixes - 2 * threes - twos
            counts[k + 1] += sixes + threes + twos
            counts[k + 2] += sixes
        while not counts[-1]:
            counts.pop()
        return tuple(counts)


@dataclass(frozen=True)
class PopcountConfig:
    """inputs: operand elements per cycle, of `bits` bits each; lanes: sums taken of them; constant: the weights are constants.

    Constants cost no LUT input, so that six planes fit a compressor at once; weights that change take every second input, and
    the first compressors take three planes.
    """

    inputs: int
    bits: int
    lanes: int
    constant: bool = False

    def __post_init__(self) -> None:
        for name in ("inputs", "bits", "lanes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")

    @property
    def module(self) -> str:
        kind = "const" if self.constant else "var"
        return f"popcount_{self.inputs}x{self.bits}b_{self.lanes}_{kind}"

    @property
    def highest(self) -> int:
        """Largest count: every bit of every element differs."""
        return self.inputs * ((1 << self.bits) - 1)

    @property
    def count_bits(self) -> int:
        """Width of a count."""
        return self.highest.bit_length()

    @property
    def levels(self) -> tuple[Level, ...]:
        """Compressor levels until no weight has more than two planes left."""
        planes: tuple[int, ...] = (self.inputs,) * self.bits
        found: list[Level] = []
        while max(planes) > 2:
            found.append(_level(planes, first=not found and not self.constant))
            planes = self.kept(found[-1])
        return tuple(found)

    def kept(self, level: Level) -> tuple[int, ...]:
        """Planes of each weight that go on from a level; those of a weight that no count reaches are always zero."""
        return level.results[: self.count_bits]

    @property
    def cost(self) -> Cost:
        """Expected size, the XNOR with weights that come from elsewhere included."""
        lut, planes = 0, 0
        for number, level in enumerate(self.levels):
            lut += sum(
                3 * six + 2 * three + 2 * two for six, three, two in zip(level.sixes, level.threes, level.twos, strict=True)
            )
            if number == 0 and not self.constant:  # planes that pass meet their weight in a LUT of their own
                lut += sum(
                    n - 6 * six - 3 * three - 2 * two
                    for n, six, three, two in zip(level.planes, level.sixes, level.threes, level.twos, strict=True)
                )
            planes += sum(self.kept(level))
        return Cost((lut + self.count_bits) * self.lanes, (planes + self.count_bits) * self.lanes)

    @property
    def latency(self) -> int:
        """Cycles from operand to counts: a register after the XNOR or each level, and one after the final addition."""
        return max(len(self.levels), 1) + 1


def _level(planes: tuple[int, ...], first: bool) -> Level:
    sixes: list[int] = []
    threes: list[int] = []
    twos: list[int] = []
    carried_in = 0
    for k, count in enumerate(planes):
        six = 0 if first else count // 6
        rest = count - 6 * six
        three = rest // 3
        rest -= 3 * three
        # a half adder only helps where it leaves a single plane that the next level need not touch again
        carried_in = (sixes[k - 1] + threes[k - 1] if k else 0) + (sixes[k - 2] if k > 1 else 0)
        two = 1 if rest == 2 and not six and not three and carried_in else 0
        sixes.append(six)
        threes.append(three)
        twos.append(two)
    return Level(planes, tuple(sixes), tuple(threes), tuple(twos))


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
def differ(planes, weights, differing):
    """differing = planes XOR weights."""

    @always_comb
    def match():
        differing.next = planes ^ weights

    return match


@block
def half_adder(a, b, ones, twos):
    """a + b = ones + 2 twos, plane by plane."""

    @always_comb
    def add():
        ones.next = a ^ b
        twos.next = a & b

    return add


@block
def full_adder(a, b, c, ones, twos):
    """a + b + c = ones + 2 twos, plane by plane."""

    @always_comb
    def add():
        ones.next = a ^ b ^ c
        twos.next = (a & b) | (c & (a ^ b))

    return add


@block
def compressor(a, b, c, d, e, f, ones, twos, fours):
    """a + b + c + d + e + f = ones + 2 twos + 4 fours: three six-input functions per lane."""
    size = len(a)
    ones_low, ones_high, twos_low, twos_high, twos_both = (wire(size) for _ in range(5))
    low = full_adder(a, b, c, ones_low, twos_low)
    high = full_adder(d, e, f, ones_high, twos_high)
    both = half_adder(ones_low, ones_high, ones, twos_both)
    top = full_adder(twos_low, twos_high, twos_both, twos, fours)
    return low, high, both, top


@block
def add_lane(clk, a, b, total):
    """total = a + b, in the next cycle, on a carry chain."""
    bits = len(total)

    @always(clk.posedge)
    def add():
        result = intbv(0)[bits + 1 :]
        result[:] = a + b
        total.next = result[bits:]

    return add


@leaf
def popcount(clk, operand, weights, counts, config):
    """For every lane, the weighted number of bits in which the operand differs from the lane's weights.

    counts[lane] = sum over elements i and bits b of 2**b * (operand[i][b] XOR weights[i][lane])

    Planes, one bit of every lane side by side, go through levels of 6:3 compressors and full adders until each binary weight has
    at most two; two rows remain, which carry chains add. One vector operation serves all lanes.

    operand: `inputs` elements of `bits` bits, element 0 lowest. weights: for each element one bit per lane, element 0 lowest;
    1 stands for -1. counts: one field of `count_bits` per lane. Latency: config.latency. A new operand is taken every cycle.
    """
    size = config.inputs * config.lanes
    planes = wire(config.bits * size)
    instances = [spread(operand, planes, config.inputs, config.bits, config.lanes)]

    # columns[k]: the planes of weight 2**k, side by side
    columns: list[Signal | None] = []
    for plane in _Slices(planes, size).take(1, config.bits):
        columns.append(wire(size))
        instances.append(differ(plane, weights, columns[-1]))
    if not config.levels:
        counted = columns
        columns = [like(column) for column in counted]
        instances.extend([register(clk, *pair) for pair in zip(counted, columns, strict=True)])
    for level in config.levels:
        parts: list[list[Signal]] = [[] for _ in range(len(level.planes) + 2)]
        for k, column in enumerate(columns):
            if column is None:
                continue
            slices = _Slices(column, config.lanes)
            for size_in, count, block_of in ((6, level.sixes[k], compressor), (3, level.threes[k], full_adder)):
                if count:
                    outputs = [wire(count * config.lanes) for _ in range(size_in // 3 + 1)]
                    instances.append(block_of(*slices.take(count, size_in), *outputs))
                    for weight, output in enumerate(outputs):
                        parts[k + weight].append(output)
            if level.twos[k]:
                outputs = [wire(config.lanes) for _ in range(2)]
                instances.append(half_adder(*slices.take(1, 2), *outputs))
                parts[k].append(outputs[0])
                parts[k + 1].append(outputs[1])
            parts[k].extend(slices.rest())
        columns, kept = [], len(config.kept(level))
        for always_zero in chain(*parts[kept:]):
            always_zero.read = True
        for part in parts[:kept]:
            columns.append(like(joined(part)) if part else None)
            if part:
                instances.append(register(clk, joined(part), columns[-1]))

    # transpose: each lane's bits of the two rows, added
    totals = []
    for lane in range(config.lanes):
        rows = [_row(columns, row, lane, config) for row in range(2)]
        totals.append(wire(config.count_bits))
        if rows[1] is None:
            instances.append(register(clk, rows[0], totals[lane]))
        else:
            instances.append(add_lane(clk, *rows, totals[lane]))
    instances.append(pass_on(joined(totals), counts))
    return instances


def _row(columns: list[Signal | None], row: int, lane: int, config: PopcountConfig) -> Signal | None:
    """A lane's number in a row of planes, or None if the row is empty."""
    bits: list[Signal | str] = []
    for column in (*columns, *[None] * config.count_bits)[: config.count_bits]:
        present = column is not None and len(column) > row * config.lanes
        bits.append(field(column, row * config.lanes + lane, 1) if present else "0")
    return None if all(b == "0" for b in bits) else joined(bits)


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
