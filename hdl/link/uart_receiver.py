"""Bytes from a serial line."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import Signal, always, always_seq

from ..family import Billed, Cost, Family
from ..verilog.module import leaf
from ..verilog.stream import bit, index_bits, wire

LEAST_DIVISOR = 8
"""Cycles per bit below which the middle of a bit is too coarse a notion."""


@dataclass(frozen=True)
class UartReceiverConfig(Billed):
    """divisor: cycles per bit."""

    divisor: int

    def __post_init__(self) -> None:
        if self.divisor < LEAST_DIVISOR:
            raise ValueError(f"divisor={self.divisor} is below {LEAST_DIVISOR}")

    @property
    def module(self) -> str:
        return f"uart_receiver_{self.divisor}"

    def bill(self, family: Family) -> Cost:
        """Two counters and a shift register."""
        return family.logic(18 + index_bits(self.divisor)) + family.registers(20 + index_bits(self.divisor))

    @property
    def latency(self) -> int:
        """Cycles from the first low level of a start bit to the byte."""
        return self.divisor // 2 + 9 * self.divisor + 3


@leaf
def uart_receiver(clk, rst, rx, source, broken, config):
    """source has a beat for each byte on rx, with eight bits between a start bit and a stop bit, config.divisor cycles each.

    broken: in place of the beat, where the stop bit is low; the line must be high again before anything else begins. rx passes
    two registers before it is looked at, and is looked at in the middle of bits; a start bit that is high there is none.
    """
    full, half = config.divisor - 1, config.divisor // 2 - 1
    metastable, line = Signal(bool(1)), Signal(bool(1))
    left = wire(index_bits(config.divisor))
    number = wire(4)
    active, recovering = bit(), bit()
    shift = wire(8)

    @always(clk.posedge)
    def synchronise():
        metastable.next = rx
        line.next = metastable

    @always(clk.posedge)
    def collect():
        if active and left == 0:
            for position in range(7):
                shift.next[position] = shift[position + 1]
            shift.next[7] = line
        source.data.next = shift

    @always_seq(clk.posedge, reset=rst)
    def follow():
        source.valid.next = False
        broken.next = False
        if not active:
            recovering.next = recovering and not line
            active.next = not line and not recovering
        elif left == 0:
            if number == 0:
                active.next = not line
            elif number == 9:
                active.next = False
                source.valid.next = line
                broken.next = not line
                recovering.next = not line

    @always(clk.posedge)
    def count():
        if not active:
            number.next = 0
            left.next = half
        elif left != 0:
            left.next = left - 1
        else:
            left.next = full
            number.next = number + 1

    return synchronise, collect, follow, count
