"""Chunks of output channels put together to positions."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import Signal, always, always_comb, always_seq

from ..family import Billed, Cost, Family
from ..family.rules import MOST_LOADS
from ..verilog.fabric import fill, fill_turns, joined, pass_on
from ..verilog.module import leaf
from ..verilog.stream import index_bits, wire


@dataclass(frozen=True)
class CollectConfig(Billed):
    """A position of `bits` bits comes in `chunks` chunks of `chunk_bits`, the lowest first; bits beyond `bits` are dropped.

    places: positions side by side, of each of which a chunk has its part.
    """

    bits: int
    chunk_bits: int
    chunks: int
    places: int = 1

    def __post_init__(self) -> None:
        if not (self.chunks - 1) * self.chunk_bits < self.bits <= self.chunks * self.chunk_bits:
            raise ValueError(f"{self.chunks} chunks of {self.chunk_bits} bits for a position of {self.bits} bits")

    @property
    def module(self) -> str:
        return f"collect_{self.chunks}x{self.chunk_bits}_to_{self.bits}" + (f"_{self.places}p" if self.places > 1 else "")

    def bill(self, family: Family) -> Cost:
        """A shift register; or several, each with LUTs that say when it moves."""
        turns = fill_turns(self.word_bits)
        return family.logic(self.chunks.bit_length() + 2 + turns) + family.registers(self.word_bits)

    @property
    def word_bits(self) -> int:
        """Of what is gathered."""
        return self.chunks * self.chunk_bits * self.places

    @property
    def latency(self) -> int:
        """Cycles from the last chunk to the position."""
        return 1


@leaf
def collect(clk, rst, sink, source, config):
    """source gives a position one cycle after the last of its chunks came in on sink."""
    chunks, chunk_bits, bits = config.chunks, config.chunk_bits * config.places, config.bits
    total = config.word_bits
    word = wire(total)
    count = wire(index_bits(chunks))
    position = source.data

    @always(clk.posedge)
    def gather():
        if sink.valid:
            word.next[total - chunk_bits :] = word[total:chunk_bits]
            word.next[total : total - chunk_bits] = sink.data

    @always_seq(clk.posedge, reset=rst)
    def present():
        source.valid.next = False
        if sink.valid:
            if count == chunks - 1:
                count.next = 0
                source.valid.next = True
            else:
                count.next = count + 1

    if total > MOST_LOADS:
        gather = fill(clk, sink.valid, count, sink.data, word)
    if config.places > 1:
        return gather, present, pass_on(joined(_by_place(word, config)), position)

    @always_comb
    def show():
        position.next = word[bits:]

    return gather, present, show


def _by_place(word: Signal, config: CollectConfig) -> list[Signal]:
    """The parts of what was gathered with the places slowest, less what is beyond a position."""
    parts = []
    for place in range(config.places):
        for chunk in range(config.chunks):
            low = (chunk * config.places + place) * config.chunk_bits
            bits = min(config.chunk_bits, config.bits - chunk * config.chunk_bits)
            parts.append(word(low) if bits == 1 else word(low + bits, low))
    return parts
