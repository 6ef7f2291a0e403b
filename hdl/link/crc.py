"""CRC-32 of a stream of bytes, a byte per cycle, or a word of four."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always, always_comb, block, concat, intbv

from sigmabit.golden.link.crc import POLYNOMIAL, step

from ..family import Billed, Cost, Family
from ..verilog.fabric import Blocks, joined, pass_on
from ..verilog.module import leaf
from ..verilog.stream import bit, wire


@dataclass(frozen=True)
class CrcConfig(Billed):
    """The CRC of IEEE 802.3. bytes: that come in a cycle, 1 or 4, the first lowest."""

    bytes: int = 1

    def __post_init__(self) -> None:
        if self.bytes not in (1, 4):
            raise ValueError(f"bytes={self.bytes} is neither 1 nor 4")

    @property
    def module(self) -> str:
        return "crc" if self.bytes == 1 else f"crc_{8 * self.bytes}"

    def bill(self, family: Family) -> Cost:
        """Of each bit, an XOR of at most 8 bits of the register and 8 of the byte; of a word, of about half of 32 sums of two."""
        return family.logic(100 if self.bytes == 1 else 230) + family.registers(32)

    @property
    def latency(self) -> int:
        """Cycles from a byte to the value that counts it in."""
        return 1


def _reached(position: int) -> int:
    """The register behind four zero bytes, if it held but this bit: the CRC is linear over XOR."""
    state = 1 << position
    for _ in range(4):
        state = step(state, 0)
    return state


FEEDS = tuple(sum(1 << source for source in range(32) if _reached(source) >> target & 1) for target in range(32))
"""For each bit of the register, which bits of register XOR word it is the sum of, a word later."""


@block
def parity_of(source, chosen, odd, parity):
    """parity = the XOR of the chosen ones of 32 bits, and of `odd`."""

    @always_comb
    def fold():
        left = intbv(0)[33:]  # MyHDL writes the bits with one more before them
        left[:] = source & chosen
        left[:] = left ^ left[32:16]
        left[:] = left ^ left[16:8]
        left[:] = left ^ left[8:4]
        left[:] = left ^ left[4:2]
        parity.next = left[0] ^ left[1] ^ odd

    return fold


@block
def word_step(clk, clear, sink, state):
    """The register of a CRC, kept as its complement, of words."""
    blocks: Blocks = []
    mixed, following, sums = wire(32), wire(32), []

    @always_comb
    def mix():
        mixed.next = state ^ sink.data

    for chosen in FEEDS:
        total = bit()
        # with both registers complemented, a sum of evenly many bits is, too
        blocks.append(parity_of(mixed, chosen, chosen.bit_count() % 2 == 0, total))
        sums.append(total)
    blocks.append(pass_on(joined(sums), following))

    @always(clk.posedge)
    def advance():
        if clear:
            state.next = 0
        elif sink.valid:
            state.next = following

    return blocks, mix, advance


@leaf
def crc(clk, clear, sink, value, config):
    """value is the CRC-32 of the bytes since clear, which wins over a byte in the same cycle. clear is the only reset."""
    # the register is kept as its complement, which begins with zeros and is the CRC
    state = wire(32)
    if config.bytes > 1:
        return word_step(clk, clear, sink, state), pass_on(state, value)
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
