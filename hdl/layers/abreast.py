"""Several positions side by side: which bits each takes of what all share, and their results put together again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from myhdl import always_comb, always_seq, block

from sigmabit.golden.layers.abreast import Abreast

from ..family import Cost, Family
from ..verilog.fabric import Blocks, field, joined, pass_on
from ..verilog.module import leaf
from ..verilog.stream import bit, index_bits, wire


class Bundle:
    """Vectors of so many bits side by side, as ports of their own."""

    def __init__(self, widths: Iterable[int]) -> None:
        for number, bits in enumerate(widths):
            setattr(self, f"place_{number}", wire(bits))

    @property
    def vectors(self) -> list[Any]:
        """The vectors in order."""
        return list(vars(self).values())


@dataclass(frozen=True)
class TapsConfig:
    """abreast: the geometry. bits: of a position in a chunk. trimmed: taps that are always in the padding are left out."""

    abreast: Abreast
    bits: int
    trimmed: bool = False

    @property
    def module(self) -> str:
        trimmed = "_trimmed" if self.trimmed else ""
        return f"taps_{self.abreast.window.label}_{self.abreast.positions}p_{self.bits}b{trimmed}"

    def kept(self, place: int) -> tuple[int, ...]:
        """The taps of a place's operand, by number; one at the least."""
        taps = self.abreast.taps(place)
        if not self.trimmed:
            return tuple(range(len(taps)))
        return tuple(number for number, tap in enumerate(taps) if tap is not None) or (0,)

    def whole(self, place: int) -> bool:
        """Does a place keep all taps?"""
        return len(self.kept(place)) == self.abreast.window.taps

    @property
    def widths(self) -> tuple[int, ...]:
        """Bits of each place's operand; channels fastest, then columns, then rows."""
        return tuple(len(self.kept(place)) * self.bits for place in range(self.abreast.places))

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
        of_place = config.abreast.taps(place)
        taps = [of_place[number] for number in config.kept(place)]
        parts = ["0" * config.bits if tap is None else field(chunk, tap, config.bits) for tap in taps]
        if set(taps) == {None}:
            blocks.append(clear(field(chunk, 0, 1), operand))
        else:
            blocks.append(pass_on(joined(parts), operand))
    return blocks


@dataclass(frozen=True)
class KeptConfig:
    """taps: by number, of `count`. bits: of a tap's weights in a table. tables: that follow one another."""

    taps: tuple[int, ...]
    count: int
    bits: int
    tables: int = 1

    @property
    def module(self) -> str:
        return f"kept_{'_'.join(map(str, self.taps))}_of_{self.count}_{self.tables}x{self.bits}b"

    @property
    def whole_bits(self) -> int:
        """Width of the weights of all taps."""
        return self.tables * self.count * self.bits

    @property
    def part_bits(self) -> int:
        """Width of those that are kept."""
        return self.tables * len(self.taps) * self.bits


@leaf
def kept(whole, part, config):
    """part = the weights of the taps that are kept, in their order."""
    numbers = [table * config.count + tap for table in range(config.tables) for tap in config.taps]
    return pass_on(joined([field(whole, number, config.bits) for number in numbers]), part)


@dataclass(frozen=True)
class JoinConfig:
    """lanes: numbers of a place. bits: of each in the whole. widths: of each at every place, with zeros above."""

    lanes: int
    bits: int
    widths: tuple[int, ...]

    @property
    def module(self) -> str:
        runs = [f"{len(list(run))}x{self.lanes * width}" for width, run in groupby(self.widths)]
        wider = f"_of_{self.lanes}_to_{self.bits}b" if self.narrow else ""
        return f"join_{'_'.join(runs)}{wider}"

    @property
    def narrow(self) -> bool:
        """Are there narrower numbers than those of the whole?"""
        return min(self.widths) < self.bits


@leaf
def beside(parts, whole, config):
    """whole = the numbers of all parts side by side, the first lowest."""
    if not config.narrow:
        return pass_on(joined(parts.vectors), whole)
    blocks: Blocks = []
    numbers: list[Any] = []
    for part, width in zip(parts.vectors, config.widths, strict=True):
        if width == config.bits:
            numbers.append(part)
            continue
        own, above = wire(config.lanes * width), "0" * (config.bits - width)
        blocks.append(pass_on(part, own))  # conversion gets slices of an interface's signal wrong
        numbers += [each for lane in range(config.lanes) for each in (field(own, lane, width), above)]
    blocks.append(pass_on(joined(numbers), whole))
    return blocks


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
