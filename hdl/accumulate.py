"""Folded accumulation; started at minus a threshold, its sign is the decision."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always, always_comb, always_seq, intbv

from .module import leaf
from .stream import wire


@dataclass(frozen=True)
class AccumulateConfig:
    """lanes: sums side by side; count_bits, sum_bits: widths of a count and of a sum; gain: what a count of one adds to a
    sum. folded: sums of more than one count. scores: give the sums themselves, not their decisions."""

    lanes: int
    count_bits: int
    sum_bits: int
    gain: int
    folded: bool
    scores: bool

    def __post_init__(self) -> None:
        if self.gain < 1:
            raise ValueError(f"gain={self.gain} is below 1")

    @property
    def module(self) -> str:
        kind = ("folded" if self.folded else "single") + ("_scores" if self.scores else "")
        return f"accumulate_{self.lanes}x{self.count_bits}x{self.gain}_{self.sum_bits}_{kind}"

    @property
    def result_bits(self) -> int:
        """Bits per lane of the result."""
        return self.sum_bits if self.scores else 1

    @property
    def latency(self) -> int:
        """Cycles from the last count to the result."""
        return 1


@leaf
def accumulate(clk, rst, counts, bias, valid, first, last, result, config):
    """sum = (bias if first else sum) + gain * count, lane by lane, modulo 2**sum_bits; the result is valid after the last count.

    counts: `lanes` fields of `count_bits`, unsigned. bias: `lanes` fields of `sum_bits`, two's complement. first and last are
    None where nothing is folded. result: the sums, or for each lane whether its sum is not negative. Latency 1.
    """
    lanes, count_bits, sum_bits = config.lanes, config.count_bits, config.sum_bits
    gain, scores = config.gain, config.scores
    product_bits = (gain * ((1 << count_bits) - 1)).bit_length()
    bases, sums, data = wire(lanes * sum_bits), wire(lanes * sum_bits), result.data

    @always_comb
    def add():
        count = intbv(0)[count_bits:]
        product = intbv(0)[product_bits:]
        total = intbv(0)[max(sum_bits, product_bits) + 1 :]
        for lane in range(lanes):
            low = lane * sum_bits
            count_low = lane * count_bits
            count[:] = counts[count_low + count_bits : count_low]
            product[:] = count * gain
            total[:] = bases[low + sum_bits : low] + product
            sums.next[low + sum_bits : low] = total[sum_bits:]

    if scores:

        @always(clk.posedge)
        def decide():
            data.next = sums
    else:

        @always(clk.posedge)
        def decide():
            for lane in range(lanes):
                data.next[lane] = not sums[lane * sum_bits + sum_bits - 1]

    if config.folded:
        kept = wire(lanes * sum_bits)

        @always_comb
        def choose():
            if first:
                bases.next = bias
            else:
                bases.next = kept

        @always(clk.posedge)
        def keep():
            if valid:
                kept.next = sums

        @always_seq(clk.posedge, reset=rst)
        def present():
            result.valid.next = valid and last

        return add, decide, choose, keep, present

    @always_comb
    def begin():
        bases.next = bias

    @always_seq(clk.posedge, reset=rst)
    def pass_on():
        result.valid.next = valid

    return add, decide, begin, pass_on
