"""Which frames consume samples: well-formed ones."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always_comb

from ..family import Billed, Cost, Family
from ..verilog.fabric import count, marks_bill, status_queue
from ..verilog.module import leaf
from ..verilog.stream import bit, index_bits, wire


@dataclass(frozen=True)
class DrawConfig(Billed):
    """samples: vectors of samples that a frame reads. frames: that may be inside at once."""

    samples: int
    frames: int

    @property
    def module(self) -> str:
        return f"draw_{self.samples}x{self.frames}"

    def bill(self, family: Family) -> Cost:
        """The statuses of the frames, and counters."""
        counted = 2 * index_bits(self.frames) + index_bits(self.samples)
        return family.logic(20) + family.registers(counted) + marks_bill(family, self.frames)


@leaf
def draw(clk, rst, status, take, consume, config):
    """consume = take, for frames that were well formed; take marks each vector that a frame reads, frame after frame.

    A frame's status has come before it reads. A malformed frame reads what the next one is going to consume.
    """
    good, ends = bit(), bit()

    @always_comb
    def decide():
        consume.next = take and good

    statuses = status_queue(clk, rst, status, good, ends, config.frames)
    if config.samples == 1:

        @always_comb
        def follow():
            ends.next = take

        return decide, statuses, follow
    position = wire(index_bits(config.samples))
    return decide, statuses, count(clk, rst, take, position, ends, config.samples)
