"""A beat given several times, at a pace that what follows can take."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always, always_comb, always_seq

from ..family import Billed, Cost, Family
from ..verilog.module import leaf
from ..verilog.stream import bit, index_bits, wire


@dataclass(frozen=True)
class ReplayConfig(Billed):
    """bits: of a beat. times: how often it is given, `pace` cycles apart."""

    bits: int
    times: int
    pace: int

    def __post_init__(self) -> None:
        if self.times < 2 or self.pace < 1:
            raise ValueError(f"times={self.times}, pace={self.pace}: at least 2 and 1 are needed")

    @property
    def module(self) -> str:
        return f"replay_{self.bits}_{self.times}x{self.pace}"

    def bill(self, family: Family) -> Cost:
        """A register for the beat, and counters."""
        return family.logic(12) + family.registers(self.bits + index_bits(self.times) + (self.pace - 1).bit_length() + 1)

    @property
    def latency(self) -> int:
        """Cycles from a beat to the first time it is given."""
        return 1


@leaf
def replay(clk, rst, sink, source, config):
    """source gives a beat of sink `times` times, from the cycle after it on, `pace` cycles apart.

    The next beat comes no sooner than times * pace cycles later.
    """
    last, last_pause = config.times - 1, config.pace - 1
    left = wire(index_bits(config.times))
    pause, again = wire(index_bits(config.pace)), bit()

    @always(clk.posedge)
    def hold():
        if sink.valid:
            source.data.next = sink.data

    @always(clk.posedge)
    def count_down():
        if sink.valid or pause == 0:
            pause.next = last_pause
        else:
            pause.next = pause - 1

    @always_comb
    def decide():
        again.next = left != 0 and pause == 0

    @always_comb
    def decide_at_once():
        again.next = left != 0

    @always_seq(clk.posedge, reset=rst)
    def give():
        source.valid.next = sink.valid or again
        if sink.valid:
            left.next = last
        elif again:
            left.next = left - 1

    if config.pace == 1:
        return hold, decide_at_once, give
    return hold, count_down, decide, give
