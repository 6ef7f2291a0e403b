"""A beat given several times, at a pace that what follows can take."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always, always_seq

from ..family import Billed, Cost, Family
from ..verilog.module import leaf
from ..verilog.stream import index_bits, wire


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
        return family.logic(12) + family.registers(self.bits + index_bits(self.times) + index_bits(self.pace) + 1)

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
    pause = wire(index_bits(config.pace))

    @always(clk.posedge)
    def hold():
        if sink.valid:
            source.data.next = sink.data

    @always_seq(clk.posedge, reset=rst)
    def pace_out():
        source.valid.next = False
        if sink.valid:
            source.valid.next = True
            left.next = last
            pause.next = last_pause
        elif left != 0:
            if pause != 0:
                pause.next = pause - 1
            else:
                source.valid.next = True
                left.next = left - 1
                pause.next = last_pause

    return hold, pace_out
