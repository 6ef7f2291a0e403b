"""Several positions side by side: which bits each takes of what all share, and their results put together again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from myhdl import always_comb, always_seq, block

from sigmabit.golden.layers.abreast import Abreast

from ..family import Cost, Family
from ..verilog.fabric import Blocks, field, joined, pass_on
from ..verilog.module import leaf
from ..verilog.stream import bit, index_bits, wire


class Bundle:
    """`count` vectors of `bits` bits side by side, as ports of their own."""

    def __init__(self, bits: int, count: int) -> None:
        for number in range(count):
            setattr(self, f"place_{number}", wire(bits))

    @property
    def vectors(self) -> list[Any]:
        """The vectors in order."""
        return list(vars(self).values())


@dataclass(frozen=True)
class TapsConfig:
    """abreast: the geometry. bits: of a position in a chunk."""

    abreast: Abreast
    bits: int

    @property
    def module(self) -> str:
        return f"taps_{self.abreast.window.label}_{self.abreast.positions}p_{self.bits}b"

    @property
    def operand_bits(self) -> int:
        """Bits of one place's operand; channels fastest, then columns, then rows."""
        return self.abreast.window.taps * self.bits

    @property
    def chunk_bits(self) -> int:
        """Bits of the operand of all places; channels fastest, then positions, beats, rows."""
        return self.abreast.beats.taps * self.abreast.positions * self.bits

    def bill(self, family: Family) -> Cost:
        """Wires."""
        return Cost()


@block
def clear(some, operand):
    """operand = 0, whatever some is: MyHDL has no wires that nothing drives."""

    @always_comb
    def show():
        if some:
            operand.next = 0
        else:
            operand.next = 0

    return show


@leaf
def abreast(chunk, operands, config):
    """operands: for each place, those bits of the chunk of all places that its window has."""
    blocks = []
    for place, operand in enumerate(operands.vectors):
        taps = config.abreast.taps(place)
        parts = ["0" * config.bits if tap is None else field(chunk, tap, config.bits) for tap in taps]
        if set(taps) == {None}:
            blocks.append(clear(field(chunk, 0, 1), operand))
        else:
            blocks.append(pass_on(joined(parts), operand))
    return blocks


@dataclass(frozen=True)
class JoinConfig:
    """count: vectors. bits: of each."""

    count: int
    bits: int

    @property
    def module(self) -> str:
        return f"join_{self.count}x{self.bits}"


@leaf
def beside(parts, whole, config):
    """whole = the parts side by side, the first lowest."""
    return pass_on(joined(parts.vectors), whole)


@block
def trim(clk, rst, valid, data, trimmed, line, kept):
    """trimmed = data; of the last of each `line` beats only the low `kept` bits, and zeros above."""
    blocks: Blocks = []
    last, width = bit(), len(data)
    low = wire(width)
    blocks.append(pass_on(joined([data(kept, 0) if kept > 1 else data(0), "0" * (width - kept)]), low))
    if line == 1:
        blocks.append(pass_on(low, trimmed))
        return blocks
    place, end = wire(index_bits(line)), line - 1

    @always_comb
    def mark():
        last.next = place == end

    @always_comb
    def choose():
        if last:
            trimmed.next = low
        else:
            trimmed.next = data

    @always_seq(clk.posedge, reset=rst)
    def advance():
        if valid:
            if place != end:
                place.next = place + 1
            else:
                place.next = 0

    return blocks, mark, choose, advance
