"""Depth to space: rows of blocks, given again position by position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from myhdl import always_comb, block

from sigmabit.golden.layers.shuffle import Shuffle

from ..family import FAMILY, Cost
from ..verilog.fabric import Blocks, age_reset, count, like, pick, register
from ..verilog.module import composite, leaf
from ..verilog.stream import bit, index_bits, wire
from .fold import Fold, FoldConfig, count_folds, decide_folds
from .gather import assemble, buffer_words, count_frames, follow_frames, follow_words, frames_needed, gather_starts
from .kind import Arrivals, Unfolded, Use
from .layer import LayerConfig, Stage
from .timing import Times


@dataclass(frozen=True)
class SpreadConfig:
    """height, width: beats per frame. rows, columns: positions that a beat holds, `bits` bits each, columns fastest.

    bottom, right: positions of the last row and of the last column of beats that are left out. frames: rows of beats that the
    buffer holds.
    """

    height: int
    width: int
    rows: int
    columns: int
    bits: int
    bottom: int
    right: int
    frames: int

    def __post_init__(self) -> None:
        if not 0 <= self.bottom < self.rows or not 0 <= self.right < self.columns:
            raise ValueError(f"bottom={self.bottom}, right={self.right} of blocks of {self.rows} x {self.columns}")

    @property
    def module(self) -> str:
        shape = f"{self.height}x{self.width}_{self.rows}x{self.columns}x{self.bits}"
        return f"spread_{shape}_{self.bottom}b{self.right}r_{self.frames}"

    @property
    def fold(self) -> FoldConfig:
        """How a row of beats is read: the columns of a beat, the beats, and all that for each row of positions."""
        return FoldConfig(self.width, self.columns, self.rows)

    @property
    def depth(self) -> int:
        """Beats that the buffer holds."""
        return self.frames * self.width

    @property
    def beat_bits(self) -> int:
        """Width of a beat."""
        return self.rows * self.columns * self.bits

    @property
    def cost(self) -> Cost:
        """Expected size: the memory, and the choice of a position."""
        memory = FAMILY.distributed_ram(self.beat_bits, self.depth).lut if self.depth > 1 else 0
        return Cost(
            memory + self.bits * FAMILY.multiplexer(self.rows * self.columns).lut + 30, 2 * self.beat_bits + self.bits + 30
        )

    @property
    def latency(self) -> int:
        """Cycles from the issue of a position to its beat."""
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
    fold = Fold(config.fold, numbered=False)
    ready, issue, left, complete, arrived = (bit() for _ in range(5))
    word, fetched = wire(config.beat_bits), wire(config.beat_bits)
    write_address, read_address = wire(index_bits(config.depth)), wire(index_bits(config.depth))
    blocks.append(assemble(clk, rst, sink, word, complete, 1))
    blocks.append(decide_folds(clk, rst, ready, issue, left, config.fold.folds))
    blocks.append(count_folds(clk, rst, issue, fold, config.fold))
    blocks.append(follow_words(clk, rst, complete, arrived, write_address, config))
    blocks.append(count_frames(clk, rst, arrived, left, ready, config.frames))
    blocks.append(follow_frames(clk, rst, left, fold.group, read_address, config))
    blocks.append(buffer_words(clk, word, complete, write_address, read_address, fetched, config.depth))
    chosen = fetched
    for index, ways in ((fold.repeat, config.rows), (fold.slice, config.columns)):
        if index is not None:
            index_q1, part = like(index), wire(len(chosen) // ways)
            blocks.append(register(clk, index, index_q1))
            blocks.append(pick(chosen, index_q1, part))
            chosen = part
    blocks.append(register(clk, chosen, source.data))
    if config.right:
        kept, keep = bit(), bit()
        blocks.append(keep_columns(fold.group, fold.slice, keep, config.width - 1, config.columns - config.right))
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


def configure(layer: Shuffle, frames: int) -> ShuffleConfig:
    """The block of a layer whose buffer holds so many rows of blocks."""
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
    )
    return ShuffleConfig(layer.name, spreading)


@composite
def shuffle(clk, rst, sink, source, config):
    """source = sink's blocks, position by position."""
    return spread(clk, rst, sink, source, config.spread)


@dataclass(frozen=True)
class ShuffleKind(Unfolded):
    """Rows of blocks, each given when it has come whole; positions that are left out take their cycles, too."""

    layer: Shuffle

    @property
    def least_cycles(self) -> int:
        return self._line_cycles * self.layer.input.height

    def needs(self, position: int) -> int:
        layer = self.layer
        return (position // (layer.width * layer.rows) + 1) * layer.input.width - 1

    def starts(self, arrivals: Arrivals, folding: None) -> Times:
        layer = self.layer
        y, x = np.arange(layer.height)[:, None], np.arange(layer.width)[None, :]
        offsets = y % layer.rows * (layer.input.width * layer.columns) + x
        lines = self._line_starts(arrivals).reshape(len(arrivals.beats), -1)
        times = lines[:, np.arange(layer.height) // layer.rows, None] + offsets
        return times.reshape(len(arrivals.beats), -1)

    def sized(self, arrivals: Arrivals, folding: None, contents: bool = True) -> ShuffleConfig:
        layer = self.layer
        line = FoldConfig(layer.input.width, layer.columns, layer.rows)
        lines = arrivals.beats.reshape(-1, layer.input.width)
        return configure(layer, frames_needed(lines, self._line_starts(arrivals), line))

    def expected_cost(self, folding: None, use: Use) -> Cost:
        # what comes in one piece has long been read when the next comes, unless this layer alone sets the pace
        alone = self.layer.input.layout.beats == 1 and 2 * self.least_cycles <= use.apart
        return configure(self.layer, frames=1 if alone else 2).cost

    @property
    def _line_cycles(self) -> int:
        """Cycles for which a row of blocks keeps the layer busy."""
        return self.layer.rows * self.layer.columns * self.layer.input.width

    def _line_starts(self, arrivals: Arrivals) -> Times:
        """(rows of blocks, 1) first position of each."""
        return gather_starts(arrivals.beats.reshape(-1, self.layer.input.width), self._line_cycles)
