"""Maximum pooling of bits on a stream: columns first, then rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from myhdl import ConcatSignal, always, always_comb, block

from sigmabit.golden.layers.pool import Pool
from sigmabit.golden.layers.window import Axis, Window

from ..arithmetic.rom import RomConfig, RomStyle, pack_words, rom
from ..family import FAMILY, Cost
from ..verilog.fabric import Blocks, bank, count, field, like, lookup, pass_on, register, register_reset, scan
from ..verilog.module import composite, leaf
from ..verilog.stream import bit, index_bits, wire
from .kind import Arrivals, Unfolded, Use
from .layer import LayerConfig, Stage
from .timing import Times


@dataclass(frozen=True)
class MaximumConfig:
    """window: the geometry, in which no two windows end at the same input. channels: bits per position. mixed: some channels are
    pooled by AND instead of OR.
    """

    window: Window
    channels: int
    mixed: bool

    def __post_init__(self) -> None:
        for name, axis in (("rows", self.window.rows), ("columns", self.window.columns)):
            if len({axis.last(i) for i in range(axis.outputs)}) < axis.outputs:
                raise ValueError(f"two windows end at the same input of the {name}")

    @property
    def module(self) -> str:
        return f"maximum_{self.window.label}_{self.channels}" + ("_mixed" if self.mixed else "")

    @property
    def cost(self) -> Cost:
        """Expected size: the lines above, and the ORs."""
        across, down = self.window.columns, self.window.rows
        above = (down.kernel - 1) * self.channels
        lut = FAMILY.distributed_ram(above, across.outputs).lut if above and across.outputs > 1 else 0
        lut += self.channels * (-(-(across.kernel - 1) // 2) + -(-(down.kernel - 1) // 2))
        return Cost(lut + 18, ((across.kernel - 1) + 2) * self.channels + above + 20)

    @property
    def latency(self) -> int:
        """Cycles from a window's last position to its result."""
        return 2


def ages_inside(axis: Axis) -> tuple[int, ...]:
    """For each input: which of the last `kernel` inputs belong to the window that ends there, as a mask by age; 0 where none
    ends.
    """
    masks = [0] * axis.size
    for output in range(axis.outputs):
        last = axis.last(output)
        masks[last] = (2 << (last - max(axis.start(output), 0))) - 1
    return tuple(masks)


@block
def window_ends(valid, ages, ends):
    """ends = valid, and a window ends here: its newest input belongs to it."""

    @always_comb
    def combine():
        if ages[0]:
            ends.next = valid
        else:
            ends.next = False

    return combine


@block
def flip(bits, mask, flipped):
    """flipped = bits XOR mask."""

    @always_comb
    def turn():
        flipped.next = bits ^ mask

    return turn


@block
def merge_if(merged, bits, chosen, result):
    """result = merged, with bits ORed in if chosen."""

    @always_comb
    def merge():
        if chosen:
            result.next = merged | bits
        else:
            result.next = merged

    return merge


@block
def any_of(newest, history, ages, found):
    """found = newest, and those fields of history ORed in whose bit in ages, from bit 1 on, is set; history may be None."""
    count, width = len(ages), len(newest)
    steps = [newest, *[like(newest) for _ in range(count - 2)], found]
    if count == 1:
        return pass_on(newest, found)
    return [merge_if(steps[age], field(history, age, width), ages(age + 1), steps[age + 1]) for age in range(count - 1)]


@block
def remember(clk, step, newest, history):
    """history: the last values of newest at a step, the latest lowest."""
    width, total = len(newest), len(history)
    if total == width:

        @always(clk.posedge)
        def keep():
            if step:
                history.next = newest

        return keep

    @always(clk.posedge)
    def shift():
        if step:
            history.next[width:] = newest
            history.next[total:width] = history[total - width :]

    return shift


@leaf
def maximum(clk, rst, sink, every, source, config):
    """For each window, the OR of its bits; the AND where `every` is set (None if nowhere). Padding takes no part.

    Positions come on sink in raster order, frame after frame; a result follows the last position of its window by
    config.latency cycles. AND is OR between two complements.
    """
    geometry, channels = config.window, config.channels
    kernel_rows, kernel_columns = geometry.rows.kernel, geometry.columns.kernel
    blocks: Blocks = []

    # cycle 0: the columns of the window that ends here
    column, row = wire(index_bits(geometry.columns.size)), wire(index_bits(geometry.rows.size))
    blocks.append(scan(clk, rst, sink.valid, column, row, geometry.columns.size, geometry.rows.size))
    column_ages, row_ages = wire(kernel_columns), wire(kernel_rows)
    blocks.append(lookup(column, column_ages, ages_inside(geometry.columns)))
    blocks.append(lookup(row, row_ages, ages_inside(geometry.rows)))
    newest = sink.data
    if config.mixed:
        newest = wire(channels)
        blocks.append(flip(sink.data, every, newest))
    earlier, across = None, wire(channels)
    if kernel_columns > 1:
        earlier = wire((kernel_columns - 1) * channels)
        blocks.append(remember(clk, sink.valid, newest, earlier))
    blocks.append(any_of(newest, earlier, column_ages, across))
    ends, number = bit(), wire(index_bits(geometry.columns.outputs))
    blocks.append(window_ends(sink.valid, column_ages, ends))

    # cycle 1: the rows
    ends_q1, across_q1, ages_q1 = like(ends), like(across), like(row_ages)
    blocks.append(register_reset(clk, rst, ends, ends_q1))
    blocks.append(register(clk, across, across_q1))
    blocks.append(register(clk, row_ages, ages_q1))
    above, result = None, wire(channels)
    if kernel_rows > 1:
        above = wire((kernel_rows - 1) * channels)
        if geometry.columns.outputs == 1:
            blocks.append(remember(clk, ends_q1, across_q1, above))
        else:
            blocks.append(count(clk, rst, ends, number, None, geometry.columns.outputs))
            kept, number_q1 = like(above), like(number)
            blocks.append(pass_on(ConcatSignal(above, across_q1), kept))
            blocks.append(register(clk, number, number_q1))
            blocks.append(bank(clk, ends_q1, number_q1, kept, number, above))
    blocks.append(any_of(across_q1, above, ages_q1, result))
    if config.mixed:
        flipped = wire(channels)
        blocks.append(flip(result, every, flipped))
        result = flipped
    valid = bit()
    blocks.append(window_ends(ends_q1, ages_q1, valid))
    blocks.append(register(clk, result, source.data))
    blocks.append(register_reset(clk, rst, valid, source.valid))
    return blocks


@dataclass(frozen=True)
class PoolConfig(LayerConfig):
    """A pooling layer: its name, the block that pools, and the constant that marks AND channels, None where there is none."""

    maximum: MaximumConfig
    every: RomConfig | None

    @property
    def block(self) -> Any:
        return pool

    @property
    def stages(self) -> tuple[Stage, ...]:
        return (self.maximum,)

    @property
    def cost(self) -> Cost:
        """Expected size: a channel that is pooled by AND is inverted on the way in."""
        inverted = 0 if self.every is None else self.every.words[0].bit_count()
        return super().cost + Cost(lut=inverted)


def configure(layer: Pool) -> PoolConfig:
    """The blocks of a layer."""
    mask = pack_words(layer.every[None].astype(np.int64), 1)
    every = RomConfig(layer.name, "every", len(layer.every), mask, RomStyle.CONSTANT) if mask[0] else None
    return PoolConfig(layer.name, MaximumConfig(layer.window, layer.input.channels, every is not None), every)


@composite
def pool(clk, rst, sink, source, config):
    """source = the maximum of each window of sink's frames."""
    if config.every is None:
        return (maximum(clk, rst, sink, None, source, config.maximum),)
    every = wire(config.every.width)
    return rom(None, None, every, config.every), maximum(clk, rst, sink, every, source, config.maximum)


@dataclass(frozen=True)
class PoolKind(Unfolded):
    """A result for each window, with its last position."""

    layer: Pool

    def needs(self, position: int) -> int:
        return self.layer.window.needs()[position]

    def starts(self, arrivals: Arrivals, folding: None) -> Times:
        return arrivals.beats[:, list(self.layer.window.needs())]

    def sized(self, arrivals: Arrivals, folding: None, contents: bool = True) -> PoolConfig:
        return configure(self.layer)

    def expected_cost(self, folding: None, use: Use) -> Cost:
        return configure(self.layer).cost
