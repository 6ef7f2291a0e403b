"""Maximum pooling of codes on a stream: columns first, then rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from myhdl import ConcatSignal, always, always_comb, block

from sigmabit.golden.layers.abreast import Abreast
from sigmabit.golden.layers.pool import Pool
from sigmabit.golden.layers.window import Axis, Window

from ..arithmetic.rom import RomConfig, RomStyle, pack_words, rom
from ..family import Cost, Family
from ..verilog.fabric import Blocks, bank, count, field, joined, like, lookup, pass_on, register, register_reset, scan
from ..verilog.module import composite, leaf
from ..verilog.stream import bit, index_bits, wire
from .abreast import trim
from .folding import Unsuitable
from .kind import Arrivals, Unfolded, Use
from .layer import LayerConfig, Stage
from .timing import Times

RUNNING_FROM = 3
"""Taps of an axis from which on windows that do not overlap keep what they have come to, instead of what they are made of."""


@dataclass(frozen=True)
class MaximumConfig:
    """window: the geometry, in which no two windows end at the same input. channels: codes per position. mixed: of some channels
    the smallest code is taken instead of the largest. positions: side by side in a beat. bits: of a code.
    """

    window: Window
    channels: int
    mixed: bool
    positions: int = 1
    bits: int = 1

    def __post_init__(self) -> None:
        for name, axis in (("rows", self.scanned.rows), ("columns", self.scanned.columns)):
            if len({axis.last(i) for i in range(axis.outputs)}) < axis.outputs:
                raise ValueError(f"two windows end at the same input of the {name}")

    @property
    def module(self) -> str:
        side_by_side = f"_{self.positions}p" if self.positions > 1 else ""
        codes = f"{self.channels}x{self.bits}" if self.bits > 1 else f"{self.channels}"
        return f"maximum_{self.window.label}_{codes}" + ("_mixed" if self.mixed else "") + side_by_side

    @property
    def width(self) -> int:
        """Bits of a position."""
        return self.channels * self.bits

    @cached_property
    def abreast(self) -> Abreast:
        """How windows lie on beats."""
        return Abreast(self.window, self.positions)

    @property
    def beats(self) -> Window:
        """The window over beats that is slid."""
        return self.abreast.beats

    @property
    def scanned(self) -> Window:
        """The same as it is gone through: beats of several rows are one another's neighbours in one long row."""
        beats = self.beats
        return Window(Axis(1, 1), beats.rows) if self.abreast.stacked else beats

    @cached_property
    def columns(self) -> Merging:
        """How the columns of a window are merged."""
        axis = self.scanned.columns
        return Merging(axis, self.positions == 1 and _apart(axis))

    @cached_property
    def rows(self) -> Merging:
        """How its rows are."""
        axis = self.scanned.rows
        return Merging(axis, _apart(axis))

    @property
    def result_bits(self) -> int:
        """Bits of a beat of results."""
        return self.abreast.places * self.width

    @property
    def filler(self) -> int:
        """Positions that the last beat of a row is filled up with; of a frame, where beats have several rows."""
        of_columns = -self.window.columns.size % self.abreast.columns.positions
        return of_columns or self.window.columns.size * (-self.window.rows.size % self.abreast.rows.positions)

    def bill(self, family: Family) -> Cost:
        """Expected size: the lines above, and the ORs, or what takes the larger of two codes."""
        across, bits = self.scanned.columns, self.result_bits
        above = self.rows.kept * bits
        memory, lut = family.buffer(above, across.outputs) if above and across.outputs > 1 else Cost(), 0
        steps = [
            1 if merging.running else axis.kernel - 1
            for merging, axis in ((self.columns, self.window.columns), (self.rows, self.window.rows))
        ]
        if self.bits == 1 and self.abreast.stacked:  # a LUT6 for five more of a window's bits, which come together
            lut += bits * -(-(prod(step + 1 for step in steps) - 1) // 5)
        elif self.bits == 1:
            lut += bits * sum(-(-step // 2) for step in steps)
        else:  # which code is larger is seen in the LUTs of the result's bits if there are two of them
            lut += bits // self.bits * (self.bits + (self.bits - 1) // 2) * sum(steps)
        lut += self.filler * self.width
        control = 18 if self.scanned.inputs > 1 else 0
        registers = self.columns.kept * self.positions * self.width + 2 * bits + above + 20
        return memory + Cost(lut + control) + family.delay(registers, 1)

    @property
    def latency(self) -> int:
        """Cycles from a window's last position to its result."""
        return 2


@dataclass(frozen=True)
class Merging:
    """How the inputs of an axis are merged. running: with what its window has come to; otherwise with those before it."""

    axis: Axis
    running: bool

    @property
    def kept(self) -> int:
        """Values that are kept of a window."""
        return 1 if self.running else self.axis.kernel - 1

    @property
    def ages(self) -> tuple[int, ...]:
        """For each input a mask: bit 0, a window ends with it; further bits, which of the values kept it is merged with."""
        return ages_running(self.axis) if self.running else ages_inside(self.axis)


def _apart(axis: Axis) -> bool:
    """Are there that many taps, none of them in two windows?"""
    return axis.kernel >= RUNNING_FROM and (axis.stride >= axis.kernel or axis.outputs == 1)


def ages_running(axis: Axis) -> tuple[int, ...]:
    """For each input of windows that do not overlap: does its window end there (bit 0), and has it begun before (bit 1)?"""
    masks = [0] * axis.size
    for output in range(axis.outputs):
        first, last = max(axis.start(output), 0), axis.last(output)
        for place in range(first, last + 1):
            masks[place] = (place == last) | (place > first) << 1
    return tuple(masks)


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
def merge_codes_if(merged, codes, chosen, result, bits):
    """result = merged, each code of so many bits replaced by that of codes if it is larger and chosen."""
    count = len(result) // bits
    parts = [wire(bits) for _ in range(count)]
    blocks = [larger_if(field(merged, i, bits), field(codes, i, bits), chosen, parts[i]) for i in range(count)]
    return blocks, pass_on(joined(parts), result)


@block
def larger_codes(codes, others, result, bits):
    """result = of each two codes of so many bits the larger."""
    count = len(result) // bits
    parts = [wire(bits) for _ in range(count)]
    blocks = [larger(field(codes, i, bits), field(others, i, bits), parts[i]) for i in range(count)]
    return blocks, pass_on(joined(parts), result)


@block
def any_of(newest, history, ages, found, bits):
    """found = newest, and those fields of history merged in whose bit in ages, from bit 1 on, is set; history may be None."""
    count, width = len(ages), len(newest)
    steps = [newest, *[like(newest) for _ in range(count - 2)], found]
    if count == 1:
        return pass_on(newest, found)
    if bits > 1:
        return [
            merge_codes_if(steps[age], field(history, age, width), ages(age + 1), steps[age + 1], bits)
            for age in range(count - 1)
        ]
    return [merge_if(steps[age], field(history, age, width), ages(age + 1), steps[age + 1]) for age in range(count - 1)]


@block
def any_tap(beat, found, taps, bits):
    """found: for each place, the largest of those positions of the beat that are its taps; taps: which ones, for each place."""
    channels, blocks, parts = len(found) // len(taps), [], []
    for positions in taps:
        parts.append(wire(channels))
        if positions and bits > 1:  # as a tree: a code takes levels of logic to be compared
            codes = [field(beat, position, channels) for position in positions]
            while len(codes) > 1:
                pairs = [codes[first : first + 2] for first in range(0, len(codes), 2)]
                codes = [wire(channels) if len(pair) > 1 else pair[0] for pair in pairs]
                blocks += [larger_codes(*pair, code, bits) for pair, code in zip(pairs, codes, strict=True) if len(pair) > 1]
            blocks.append(pass_on(codes[0], parts[-1]))
        elif positions:
            steps = [field(beat, positions[0], channels), *[wire(channels) for _ in positions[1:]]]
            for number, position in enumerate(positions[1:]):
                blocks.append(either(steps[number], field(beat, position, channels), steps[number + 1]))
            blocks.append(pass_on(steps[-1], parts[-1]))
        else:
            parts[-1] = "0" * channels
    blocks.append(pass_on(joined(parts), found))
    return blocks


@block
def either(bits, others, result):
    """result = bits OR others."""

    @always_comb
    def combine():
        result.next = bits | others

    return combine


@block
def larger(code, other, result):
    """result = the larger of two codes."""

    @always_comb
    def compare():
        if other > code:
            result.next = other
        else:
            result.next = code

    return compare


@block
def larger_if(merged, code, chosen, result):
    """result = merged, or the code if that is larger and chosen."""

    @always_comb
    def compare():
        if chosen and code > merged:
            result.next = code
        else:
            result.next = merged

    return compare


@block
def equals(value, same, number):
    """same: is the value this number?"""

    @always_comb
    def compare():
        same.next = value == number

    return compare


@block
def choose(condition, first, second, chosen):
    """chosen = first if condition, else second."""

    @always_comb
    def decide():
        if condition:
            chosen.next = first
        else:
            chosen.next = second

    return decide


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
    # bits are codes: the largest is their OR
    geometry, channels, bits = config.scanned, config.result_bits, config.bits
    kernel_rows, kernel_columns = config.rows.kept + 1, config.columns.kept + 1
    blocks: Blocks = []

    # cycle 0: the columns of the window that ends here
    column, row = wire(index_bits(geometry.columns.size)), wire(index_bits(geometry.rows.size))
    blocks.append(scan(clk, rst, sink.valid, column, row, geometry.columns.size, geometry.rows.size))
    column_ages, row_ages = wire(kernel_columns), wire(kernel_rows)
    blocks.append(lookup(column, column_ages, config.columns.ages))
    blocks.append(lookup(row, row_ages, config.rows.ages))
    newest, width = sink.data, config.positions * config.width
    if config.mixed:
        newest = wire(width)
        blocks.append(flip(sink.data, joined([every] * config.positions), newest))
    elif config.positions > 1 or bits > 1:
        newest = wire(width)
        blocks.append(pass_on(sink.data, newest))  # conversion gets slices of an interface's signal wrong, hence a copy
    if config.filler:
        beat, newest = newest, wire(width)
        kept = width - config.filler * config.width
        blocks.append(trim(clk, rst, sink.valid, beat, newest, geometry.columns.size, kept))
    earlier, across = None, wire(channels)
    if kernel_columns > 1:
        earlier = wire((kernel_columns - 1) * width)
        blocks.append(remember(clk, sink.valid, across if config.columns.running else newest, earlier))
    if config.positions > 1:
        found = [wire(channels) for _ in range(kernel_columns)]
        beyond, at_end = max(geometry.columns.after, 0), bit()
        if beyond:
            blocks.append(equals(column, at_end, geometry.columns.size - 1))
        for age, beat in enumerate([newest, *(field(earlier, age, width) for age in range(kernel_columns - 1))]):
            whole = found[age]
            if age + beyond < kernel_columns and beyond:  # a row's last window ends before its last beats would come
                whole, cut = wire(channels), wire(channels)
                blocks.append(any_tap(beat, cut, taps_of(config, age + beyond), bits))
                blocks.append(choose(at_end, cut, whole, found[age]))
            blocks.append(any_tap(beat, whole, taps_of(config, age), bits))
        newest, earlier = found[0], None
        if kernel_columns > 1:
            earlier = wire((kernel_columns - 1) * channels)
            blocks.append(pass_on(joined(found[1:]), earlier))
    blocks.append(any_of(newest, earlier, column_ages, across, bits))
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
            blocks.append(remember(clk, ends_q1, result if config.rows.running else across_q1, above))
        else:
            blocks.append(count(clk, rst, ends, number, None, geometry.columns.outputs))
            kept, number_q1 = like(above), like(number)
            blocks.append(pass_on(result if config.rows.running else ConcatSignal(above, across_q1), kept))
            blocks.append(register(clk, number, number_q1))
            blocks.append(bank(clk, ends_q1, number_q1, kept, number, above))
    blocks.append(any_of(across_q1, above, ages_q1, result, bits))
    if config.mixed:
        flipped = wire(channels)
        blocks.append(flip(result, joined([every] * config.abreast.places), flipped))
        result = flipped
    valid = bit()
    blocks.append(window_ends(ends_q1, ages_q1, valid))
    blocks.append(register(clk, result, source.data))
    blocks.append(register_reset(clk, rst, valid, source.valid))
    return blocks


def taps_of(config: MaximumConfig, age: int) -> tuple[tuple[int, ...], ...]:
    """For each place: which positions of the beat that came `age` beats before the window's last are its taps."""
    geometry, beat = config.abreast, config.scanned.columns.kernel - 1 - age
    if geometry.stacked:
        found = [geometry.taps(place) for place in range(geometry.places)]
    else:  # rows are pooled later, those of results
        columns, kernel = geometry.columns, range(config.window.columns.kernel)
        found = [tuple(columns.tap(place, column) for column in kernel) for place in range(columns.places)]
    taps = [[divmod(tap, config.positions) for tap in of_place if tap is not None] for of_place in found]
    return tuple(tuple(position for at, position in of_place if at == beat) for of_place in taps)


@dataclass(frozen=True)
class PoolConfig(LayerConfig):
    """A pooling layer: its name, the block that pools, and the constant that marks the bits of channels whose smallest code is
    taken, None where there is none.
    """

    maximum: MaximumConfig
    every: RomConfig | None

    @property
    def block(self) -> Any:
        return pool

    @property
    def stages(self) -> tuple[Stage, ...]:
        return (self.maximum,)

    def bill(self, family: Family) -> Cost:
        """Expected size: a channel whose smallest code is taken is inverted on the way in."""
        inverted = 0 if self.every is None else self.every.words[0].bit_count()
        return super().bill(family) + Cost(lut=inverted)


def configure(layer: Pool, positions: int = 1) -> PoolConfig:
    """The blocks of a layer, with so many positions side by side."""
    bits = layer.input.bits
    marks = np.repeat(layer.every, bits)
    mask = pack_words(marks[None].astype(np.int64), 1)
    every = RomConfig(layer.name, "every", len(marks), mask, RomStyle.CONSTANT) if mask[0] else None
    return PoolConfig(layer.name, MaximumConfig(layer.window, layer.input.channels, every is not None, positions, bits), every)


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

    @property
    def abreast(self) -> Abreast:
        """How windows lie on beats."""
        return Abreast(self.layer.window, self.positions)

    def check_positions(self) -> None:
        try:
            configure(self.layer, self.positions)
        except ValueError as error:
            raise Unsuitable(f"{self.layer.name}: {self.positions} positions side by side: {error}") from None

    @property
    def places(self) -> int:
        return self.abreast.places

    def needs(self, position: int) -> int:
        return self.abreast.beats.needs()[position]

    def starts(self, arrivals: Arrivals, folding: None) -> Times:
        return arrivals.beats[:, list(self.abreast.beats.needs())]

    def sized(self, arrivals: Arrivals, folding: None, contents: bool = True) -> PoolConfig:
        return configure(self.layer, self.positions)

    def expected_cost(self, folding: None, use: Use) -> Cost:
        return configure(self.layer, self.positions).bill(use.family)
