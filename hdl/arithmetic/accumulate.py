"""Folded accumulation; started at a threshold below half its range, its top bit is the decision."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always, always_comb, block, intbv

from ..family import Billed, Cost, Family
from ..family.rules import MOST_LOADS, enabled
from ..verilog.fabric import Blocks, field, joined, like, pass_on, register, register_reset
from ..verilog.module import leaf
from ..verilog.stream import bit, wire


@dataclass(frozen=True)
class AccumulateConfig(Billed):
    """lanes: sums side by side; count_bits, sum_bits: widths of a count and of a sum; gain: what a count of one adds to a
    sum. folded: sums of more than one count. scores: give the sums themselves, not their decisions. turns: sums of a lane that
    counts are for in turn.
    """

    lanes: int
    count_bits: int
    sum_bits: int
    gain: int
    folded: bool
    scores: bool
    turns: int = 1

    @property
    def copies(self) -> int:
        """Groups of lanes, each with a `valid` and a `first` of its own: one net must not drive the registers of too many."""
        return -(-self.lanes // self.group) if self.folded else 1

    @property
    def group(self) -> int:
        """Lanes that share a `valid` and a `first`."""
        return max(1, MOST_LOADS // enabled(self.sum_bits, self.turns))

    def __post_init__(self) -> None:
        if self.gain < 1:
            raise ValueError(f"gain={self.gain} is below 1")
        if self.turns < 1 or (self.turns > 1 and not self.folded):
            raise ValueError(f"turns={self.turns}: at least 1, and no more where sums are of one count")

    @property
    def module(self) -> str:
        kind = ("folded" if self.folded else "single") + ("_scores" if self.scores else "")
        turns = f"_{self.turns}" if self.turns > 1 else ""
        return f"accumulate_{self.lanes}x{self.count_bits}x{self.gain}_{self.sum_bits}_{kind}{turns}"

    @property
    def result_bits(self) -> int:
        """Bits per lane of the result."""
        return self.sum_bits if self.scores else 1

    def bill(self, family: Family) -> Cost:
        """An adder per lane, and what keeps its sums."""
        kept = family.delay(self.sum_bits, self.turns) if self.folded else Cost()
        return (family.adder(self.sum_bits) + kept + family.registers(self.result_bits)) * self.lanes

    @property
    def latency(self) -> int:
        """Cycles from the last count to the result."""
        return 1


@block
def add_lane(count, base, total, gain):
    """total = base + gain * count, modulo the size of total."""
    bits = len(total)
    product_bits = (gain * ((1 << len(count)) - 1)).bit_length()
    wide = max(bits, product_bits) + 1

    @always_comb
    def add():
        product = intbv(0)[product_bits:]
        result = intbv(0)[wide:]
        product[:] = count * gain
        result[:] = base + product
        total.next = result[bits:]

    return add


@block
def keep_lane(clk, valid, first, bias, total, base):
    """base = bias for the first count of a sum, else the last valid total."""
    kept = like(total)

    @always(clk.posedge)
    def keep():
        if valid:
            kept.next = total

    @always_comb
    def choose():
        if first:
            base.next = bias
        else:
            base.next = kept

    return keep, choose


@block
def keep_in_turn(clk, valid, first, bias, total, base, turns):
    """base = bias for the first count of a sum, else the valid total of so many counts ago."""
    bits = len(total)
    size = turns * bits
    kept, oldest = wire(size), like(total)

    @always(clk.posedge)
    def keep():
        if valid:
            kept.next[size - bits :] = kept[size:bits]
            kept.next[size : size - bits] = total

    @always_comb
    def choose():
        if first:
            base.next = bias
        else:
            base.next = oldest

    return keep, choose, pass_on(kept, oldest)


@block
def ends(valid, last, end):
    """end = valid and last."""

    @always_comb
    def combine():
        end.next = valid and last

    return combine


@leaf
def accumulate(clk, rst, counts, bias, valid, first, last, result, config):
    """sum = (bias if first else sum) + gain * count, lane by lane, modulo 2**sum_bits; the result is valid after the last count.

    counts: `lanes` fields of `count_bits`, unsigned. bias: `lanes` fields of `sum_bits`. first and last are None where nothing is
    folded; valid and first come in `copies` copies. result: the sums, in two's complement; or each lane's decision, the top bit
    of its sum, which is set exactly if the counts reach k where the bias is 2**(sum_bits - 1) - k. Latency 1.
    """
    blocks: Blocks = []
    results = []
    for lane in range(config.lanes):
        base = field(bias, lane, config.sum_bits)
        total = wire(config.sum_bits)
        if config.folded:
            start, base, copy = base, wire(config.sum_bits), lane // config.group
            control = field(valid, copy, 1), field(first, copy, 1)
            if config.turns > 1:
                blocks.append(keep_in_turn(clk, *control, start, total, base, config.turns))
            else:
                blocks.append(keep_lane(clk, *control, start, total, base))
        blocks.append(add_lane(field(counts, lane, config.count_bits), base, total, config.gain))
        results.append(total if config.scores else field(total, config.sum_bits - 1, 1))
    blocks.append(register(clk, joined(results), result.data))
    closing = field(valid, 0, 1)
    if config.folded:
        closing = bit()
        blocks.append(ends(field(valid, 0, 1), last, closing))
    blocks.append(register_reset(clk, rst, closing, result.valid))
    return blocks
