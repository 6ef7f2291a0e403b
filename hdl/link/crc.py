"""CRC-32 of a stream of bytes, a byte per cycle."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always, concat, intbv

from sigmabit.golden.link.crc import POLYNOMIAL

from ..family import Billed, Cost, Family
from ..verilog.fabric import pass_on
from ..verilog.module import leaf
from ..verilog.stream import wire


@dataclass(frozen=True)
class CrcConfig(Billed):
    """The CRC of IEEE 802.3, which has nothing to choose."""

    @property
    def module(self) -> str:
        return "crc"

    def bill(self, family: Family) -> Cost:
        """Of each bit, an XOR of at most 8 bits of the register and 8 of the byte."""
        return family.logic(100) + family.registers(32)

    @property
    def latency(self) -> int:
        """Cycles from a byte to the value that counts it in."""
        return 1


@leaf
def crc(clk, clear, sink, value, config):
    """value is the CRC-32 of the bytes since clear, which wins over a byte in the same cycle. clear is the only reset."""
    # the register is kept as its complement, which begins with zeros and is the CRC
    state = wire(32)
    taps = POLYNOMIAL ^ 1 << 31

    @always(clk.posedge)
    def advance():
        after = intbv(0)[32:]
        if clear:
            state.next = 0
        elif sink.valid:
            after[:] = state ^ sink.data
            for _ in range(8):
                if after[0]:
                    after[:] = concat(True, after[32:1])
                else:
                    after[:] = after[32:1] ^ taps
            state.next = after

    return advance, pass_on(state, value)
