"""Depth to space: rows of blocks, given again row by row of positions, so many at a time as are asked for."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from myhdl import always_comb, block

from sigmabit.golden.layers.shuffle import Shuffle

from ..family import Cost, Family
from ..verilog.fabric import Blocks, age_reset, count, field, joined, like, pass_on, pick, register
from ..verilog.module import composite, leaf
from ..verilog.stream import bit, index_bits, wire
from .folding import Unsuitable
from .gather import assemble, buffer_words, count_frames, follow_frames, follow_words, frames_needed, gather_starts, writes_of
from .kind import Arrivals, Unfolded, Use
from .layer import LayerConfig, Stage
from .loops import Counters, Loops, count_folds, decide_folds
from .timing import Times
from .weighted import divisors


@dataclass(frozen=True)
class SpreadConfig:
    """height, width: blocks per frame. rows, columns: positions of a block, `bits` bits each, columns fastest.

    bottom, right: positions of the last row and of the last column of blocks that are left out. frames: rows of blocks that the
    buffer holds. positions: blocks of a row side by side in a beat that comes; places: positions in one that is given.
    """

    height: int
    width: int
    rows: int
    columns: int
    bits: int
    bottom: int
    right: int
    frames: int
    positions: int = 1
    places: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.bottom < self.rows or not 0 <= self.right < self.columns:
            raise ValueError(f"bottom={self.bottom}, right={self.right} of blocks of {self.rows} x {self.columns}")
        for name, most in (("positions", self.width), ("places", self.kept)):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name}={getattr(self, name)} is not from 1 to {most}")

    @property
    def module(self) -> str:
        shape = f"{self.height}x{self.width}_{self.rows}x{self.columns}x{self.bits}"
        side_by_side = "" if self.positions == self.places == 1 else f"_{self.positions}to{self.places}"
        return f"spread_{shape}_{self.bottom}b{self.right}r_{self.frames}{side_by_side}"

    @property
    def kept(self) -> int:
        """Positions of a row that are given."""
        return self.width * self.columns - self.right

    @property
    def line(self) -> int:
        """Beats of a row of blocks."""
        return -(-self.width // self.positions)

    @cached_property
    def _even(self) -> int | None:
        """Fewest beats that make a word which places divide, and which divides a row; None where there are none."""
        if self.width % self.positions:
            return None
        found = (n for n in divisors(self.line, self.line) if n * self.positions * self.columns % self.places == 0)
        return next(found, None)

    @property
    def merge(self) -> int:
        """Beats of a word of the buffer: all of a row where fewer cannot be cut without a rest."""
        return self._even or self.line

    @property
    def fold(self) -> Loops:
        """How a row of blocks is read: the parts of a word, the words, and all that for each row of positions.

        Where words cannot be cut without a rest, what is left out takes no time, and the last part is filled up.
        """
        across = self.kept if self._even is None else self.merge * self.positions * self.columns
        return Loops(self.line // self.merge, -(-across // self.places), self.rows)

    @property
    def order(self) -> tuple[int | None, ...]:
        """For each row of a word, for each of its positions as they are given: where in the word it lies; None is a filler."""
        blocks, across = self.merge * self.positions, self.fold.slices * self.places

        def place(row: int, x: int) -> int | None:
            return None if x >= blocks * self.columns else (x // self.columns * self.rows + row) * self.columns + x % self.columns

        return tuple(place(row, x) for row in range(self.rows) for x in range(across))

    @property
    def left_out(self) -> int:
        """Beats of a row of positions that are read, and not given."""
        return self.fold.chunks - -(-self.kept // self.places)

    @property
    def depth(self) -> int:
        """Words that the buffer holds."""
        return self.frames * self.fold.groups

    @property
    def word_bits(self) -> int:
        """Width of a word."""
        return self.merge * self.positions * self.rows * self.columns * self.bits

    @property
    def beat_bits(self) -> int:
        """Width of a beat that is given."""
        return self.places * self.bits

    def bill(self, family: Family) -> Cost:
        """Expected size: the memory, and the choice of a part."""
        one = family.registers(self.word_bits)
        memory = family.buffer(self.word_bits, self.depth) if self.depth > 1 else one
        choice = self.beat_bits * family.multiplexer(self.rows * self.fold.slices).lut
        return memory + Cost(choice + 30) + family.delay(2 * self.word_bits + self.beat_bits + 30, 1)

    @property
    def latency(self) -> int:
        """Cycles from the issue of a part to its beat."""
        return 2


@block
def keep_columns(group, slice_, keep, last_group, columns):
    """keep: is this not one of the last columns? group and slice_ are None where there is but one."""
    if group is None:

        @always_comb
        def keep_slice():
            keep.next = slice_ < columns

        return keep_slice

    @always_comb
    def keep_both():
        keep.next = group != last_group or slice_ < columns

    return keep_both


@block
def keep_rows(clk, rst, left, repeat, keep, height, rows):
    """keep: is this not one of the last rows? left: a row of beats has been read."""
    if height == 1:

        @always_comb
        def keep_repeat():
            keep.next = repeat < rows

        return keep_repeat

    line, last = wire(index_bits(height)), height - 1

    @always_comb
    def keep_both():
        keep.next = line != last or repeat < rows

    return count(clk, rst, left, line, None, height), keep_both


@block
def arrange(word, arranged, order):
    """arranged = the positions of word in that order, zeros for None."""
    bits = len(arranged) // len(order)
    return pass_on(joined(["0" * bits if place is None else field(word, place, bits) for place in order]), arranged)


@block
def narrow(issue, keep, kept):
    """kept = issue and keep."""

    @always_comb
    def combine():
        kept.next = issue and keep

    return combine


@leaf
def spread(clk, rst, sink, source, config):
    """source = the positions in the beats of sink, in raster order.

    A row of beats is given in config.fold.folds cycles, those of positions left out included. It starts at the later of: two
    cycles after the row's last beat; the cycle after the end of the row before. Latency: config.latency.
    """
    blocks: Blocks = []
    fold = Counters(config.fold, numbered=False)
    ready, issue, left, complete, arrived = (bit() for _ in range(5))
    word, fetched, writes = wire(config.word_bits), wire(config.word_bits), writes_of(config)
    write_address, read_address = wire(index_bits(config.depth)), wire(index_bits(config.depth))
    blocks.append(assemble(clk, rst, sink.valid, sink.data, word, complete, writes, config.merge))
    blocks.append(decide_folds(clk, rst, ready, issue, left, config.fold.folds))
    blocks.append(count_folds(clk, rst, issue, fold, config.fold))
    blocks.append(follow_words(clk, rst, complete, arrived, write_address, config))
    blocks.append(count_frames(clk, rst, arrived, left, ready, config.frames))
    blocks.append(follow_frames(clk, rst, left, fold.group, read_address, config))
    blocks.append(buffer_words(clk, word, complete, writes, write_address, read_address, fetched, config.depth))
    chosen = fetched
    if config.order != tuple(range(config.word_bits // config.bits)):
        chosen = wire(len(config.order) * config.bits)
        blocks.append(arrange(fetched, chosen, config.order))
    for index, ways in ((fold.repeat, config.rows), (fold.slice, config.fold.slices)):
        if index is not None:
            index_q1, part = like(index), wire(len(chosen) // ways)
            blocks.append(register(clk, index, index_q1))
            blocks.append(pick(chosen, index_q1, part))
            chosen = part
    blocks.append(register(clk, chosen, source.data))
    if config.left_out:
        kept, keep = bit(), bit()
        last_group, slices = config.fold.groups - 1, config.fold.slices - config.left_out
        blocks.append(keep_columns(fold.group, fold.slice, keep, last_group, slices))
        blocks.append(narrow(issue, keep, kept))
        issue = kept
    if config.bottom:
        kept, keep = bit(), bit()
        blocks.append(keep_rows(clk, rst, left, fold.repeat, keep, config.height, config.rows - config.bottom))
        blocks.append(narrow(issue, keep, kept))
        issue = kept
    blocks.append(age_reset(clk, rst, issue, source.valid, config.latency))
    return blocks


@dataclass(frozen=True)
class ShuffleConfig(LayerConfig):
    """A layer of its own name."""

    spread: SpreadConfig

    @property
    def block(self) -> Any:
        return shuffle

    @property
    def stages(self) -> tuple[Stage, ...]:
        return (self.spread,)


def configure(layer: Shuffle, frames: int, positions: int = 1, places: int = 1) -> ShuffleConfig:
    """The block of a layer whose buffer holds so many rows of blocks.

    positions: blocks side by side in a beat that comes. places: positions side by side in one that is given.
    """
    tensor, result = layer.input, layer.output
    spreading = SpreadConfig(
        tensor.height,
        tensor.width,
        layer.rows,
        layer.columns,
        result.channels * result.bits,
        tensor.height * layer.rows - layer.height,
        tensor.width * layer.columns - layer.width,
        frames,
        positions,
        places,
    )
    return ShuffleConfig(layer.name, spreading)


@composite
def shuffle(clk, rst, sink, source, config):
    """source = sink's blocks, position by position."""
    return spread(clk, rst, sink, source, config.spread)


@dataclass(frozen=True)
class ShuffleKind(Unfolded):
    """Rows of blocks, each given when it has come whole, `places` positions at a time, however many blocks come at a time."""

    layer: Shuffle
    _: KW_ONLY
    places: int = 1

    def check_positions(self) -> None:
        width = self.layer.input.width
        if self.positions > width:
            raise Unsuitable(f"{self.layer.name}: {self.positions} blocks side by side, expected 1 to {width}, a row of blocks")

    @property
    def widens(self) -> bool:
        return True

    def giving(self, places: int) -> Self:
        most = self.layer.width
        if not 1 <= places <= most:
            raise Unsuitable(f"{self.layer.name}: {places} positions side by side, expected 1 to {most}, a row of its result")
        return replace(self, places=places)

    @property
    def least_cycles(self) -> int:
        return self._fold.folds * self.layer.input.height

    def needs(self, position: int) -> int:
        return (position // (self.source.line * self.layer.rows) + 1) * self.sink.line - 1

    def starts(self, arrivals: Arrivals, folding: None) -> Times:
        layer = self.layer
        y, beat = np.arange(layer.height)[:, None], np.arange(self.source.line)[None, :]
        offsets = y % layer.rows * self._fold.chunks + beat
        lines = self._line_starts(arrivals).reshape(len(arrivals.beats), -1)
        times = lines[:, np.arange(layer.height) // layer.rows, None] + offsets
        return times.reshape(len(arrivals.beats), -1)

    def sized(self, arrivals: Arrivals, folding: None, contents: bool = True) -> ShuffleConfig:
        lines = arrivals.beats.reshape(-1, self.sink.line)
        return self._configured(frames_needed(lines, self._line_starts(arrivals), self._fold))

    def expected_cost(self, folding: None, use: Use) -> Cost:
        # what comes in one piece has long been read when the next comes, unless this layer alone sets the pace
        alone = self.sink.beats == 1 and 2 * self.least_cycles <= use.apart
        return self._configured(frames=1 if alone else 2).bill(use.family)

    def _configured(self, frames: int) -> ShuffleConfig:
        return configure(self.layer, frames, self.positions, self.places)

    @property
    def _fold(self) -> Loops:
        """How a row of blocks is read."""
        return self._configured(frames=1).spread.fold

    def _line_starts(self, arrivals: Arrivals) -> Times:
        """(rows of blocks, 1) first part of each."""
        return gather_starts(arrivals.beats.reshape(-1, self.sink.line), self._fold.folds)
