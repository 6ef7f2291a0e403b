"""Bytes to a serial line."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always, always_comb, always_seq, concat

from ..family import Billed, Cost, Family
from ..verilog.module import leaf
from ..verilog.stream import bit, index_bits, wire
from .uart_receiver import LEAST_DIVISOR


@dataclass(frozen=True)
class UartTransmitterConfig(Billed):
    """divisor: cycles per bit."""

    divisor: int

    def __post_init__(self) -> None:
        if self.divisor < LEAST_DIVISOR:
            raise ValueError(f"divisor={self.divisor} is below {LEAST_DIVISOR}")

    @property
    def module(self) -> str:
        return f"uart_transmitter_{self.divisor}"

    def bill(self, family: Family) -> Cost:
        """Two counters and a shift register."""
        return family.logic(20 + index_bits(self.divisor)) + family.registers(15 + index_bits(self.divisor))

    @property
    def latency(self) -> int:
        """Cycles from a byte's transfer to the first cycle of its start bit."""
        return 1

    @property
    def interval(self) -> int:
        """Cycles between the transfers of two bytes."""
        return 10 * self.divisor


@leaf
def uart_transmitter(clk, rst, sink, tx, config):
    """tx carries each byte of sink, the least significant bit first, between a low start bit and a high stop bit.

    Each bit takes config.divisor cycles. tx is high in reset and between bytes, and must be made so, as Signal(bool(1)).
    """
    full, short = config.divisor - 1, config.divisor - 2
    left = wire(index_bits(config.divisor))
    number = wire(4)
    active = bit()
    shift = wire(8)

    @always_comb
    def offer():
        sink.tready.next = not active

    @always_seq(clk.posedge, reset=rst)
    def send():
        if not active:
            active.next = sink.tvalid
            tx.next = not sink.tvalid
        elif left == 0:
            if number == 0:
                active.next = False
            else:
                tx.next = shift[0]

    @always(clk.posedge)
    def count():
        if not active:
            shift.next = sink.tdata
            left.next = full
            number.next = 9
        elif left != 0:
            left.next = left - 1
        elif number != 0:
            # the cycle in which the next byte is taken belongs to the stop bit
            left.next = short if number == 1 else full
            number.next = number - 1
            shift.next = concat(True, shift[8:1])

    return offer, send, count
