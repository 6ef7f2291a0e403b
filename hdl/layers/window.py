"""Windows of a stream: a buffer of image rows, and the schedule that reads a convolution's operands from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd

import numpy as np
from myhdl import Signal, always_comb, always_seq, block, intbv
from numpy.typing import NDArray

from sigmabit.golden.layers.abreast import Abreast
from sigmabit.golden.layers.window import Window

from ..family import Cost, Family
from ..verilog.fabric import (
    Blocks,
    age,
    bank,
    count,
    field,
    first_of,
    follow,
    joined,
    like,
    lookup,
    pass_on,
    pick,
    register,
    rotate,
    scan,
)
from ..verilog.module import leaf
from ..verilog.stream import bit, index_bits, wire
from .loops import Counters, Loops, accompany, count_folds, decide_folds
from .timing import Times, serve


@dataclass(frozen=True)
class WindowConfig:
    """How windows are read, a chunk per cycle.

    window: the geometry. width: bits per input position. columns: kernel columns per chunk, 1 or all. slices: parts that a
    position's channels are read in. repeats: how often each window is read, once for each group of output channels. rows: image
    rows that the buffer holds, at least the kernel's; how many are enough follows from the schedule (hdl/planning/schedule.py).
    positions: that a beat carries side by side; where there are several, columns and rows are those of `beats`, columns all.
    """

    window: Window
    width: int
    columns: int
    slices: int
    repeats: int
    rows: int
    positions: int = 1

    def __post_init__(self) -> None:
        kernel = self.beats.columns.kernel
        if self.columns not in (1, kernel):
            raise ValueError(f"columns={self.columns} is neither 1 nor the kernel's {kernel}")
        if self.positions > 1 and self.columns != kernel:
            raise ValueError(f"columns={self.columns} of {kernel}, with positions={self.positions} side by side")
        if self.width % self.slices:
            raise ValueError(f"slices={self.slices} does not divide width={self.width}")
        if self.rows < self.beats.rows.kernel:
            raise ValueError(f"rows={self.rows} is below the kernel's {self.beats.rows.kernel}")
        if self.repeats < 1:
            raise ValueError(f"repeats={self.repeats} is below 1")

    @property
    def module(self) -> str:
        folding = f"{self.columns}x{self.slices}x{self.repeats}"
        side_by_side = f"_{self.positions}p" if self.positions > 1 else ""
        return f"window_{self.window.label}_{self.width}b_{folding}_{self.rows}rows{side_by_side}"

    @cached_property
    def abreast(self) -> Abreast:
        """How windows lie on beats."""
        return Abreast(self.window, self.positions)

    @property
    def beats(self) -> Window:
        """The window over beats that is slid."""
        return self.abreast.beats

    @property
    def beat_bits(self) -> int:
        """Bits of an input beat."""
        return self.width * self.positions

    @property
    def fold(self) -> Loops:
        """Groups of columns, slices of channels, repeats."""
        return Loops(self.beats.columns.kernel // self.columns, self.slices, self.repeats)

    @property
    def taps(self) -> int:
        """Beats per chunk: all rows of `columns` columns."""
        return self.beats.rows.kernel * self.columns

    @property
    def slice_bits(self) -> int:
        """Bits of one beat in one chunk."""
        return self.beat_bits // self.slices

    @property
    def chunk_bits(self) -> int:
        """Bits of an operand; channels fastest, then the positions of a beat, then columns, then rows."""
        return self.taps * self.slice_bits

    @property
    def fixed(self) -> bool:
        """Do all windows begin in the same row of the buffer?"""
        axis = self.beats.rows
        return gcd(axis.stride, axis.size - (axis.outputs - 1) * axis.stride, self.rows) == self.rows

    def bill(self, family: Family) -> Cost:
        """Expected size: the buffer, the rotations behind it, and the counters."""
        rows_read, choices = (self.beats.rows.kernel, 1) if self.fixed else (self.rows, self.rows)
        banks = rows_read * self.columns
        read = banks * self.slice_bits
        across = family.multiplexer(self.columns).lut if self.columns > 1 else 0
        down = family.multiplexer(choices).lut + (1 if self.abreast.masked and choices > 3 else 0)
        memory = family.buffer(self.beat_bits, -(-self.beats.columns.size // self.columns)) * banks
        lut = read * across + self.chunk_bits * down
        lut += read * family.multiplexer(self.slices).lut if self.slices > 1 else 0
        if lut or self.abreast.masked:
            registers = family.delay(banks * self.beat_bits + read + self.chunk_bits + 80, 1)
        else:  # nothing stands between the memory's register and those behind it
            registers = family.delay(self.chunk_bits, self.latency) + family.registers(80)
        control = 100 if banks > 1 else 50
        return memory + registers + Cost(lut + control)

    @property
    def latency(self) -> int:
        """Cycles from the issue of a chunk to its operand."""
        return 3

    @cached_property
    def row_classes(self) -> tuple[tuple[tuple[bool, ...], ...], ...]:
        """The different ways in which the kernel rows of all places lie inside the image, by first occurrence."""
        return tuple(dict.fromkeys(self.abreast.rows.borders(y) for y in range(self.beats.rows.outputs)))

    @cached_property
    def column_classes(self) -> tuple[tuple[tuple[bool, ...], ...], ...]:
        """The different ways in which the kernel columns of all places lie inside the image, by first occurrence."""
        return tuple(dict.fromkeys(self.abreast.columns.borders(x) for x in range(self.beats.columns.outputs)))

    @property
    def bias_fields(self) -> tuple[int, int, int]:
        """Bits of row class, column class and repeat in `Operand.bias`, from the top; 0 where there is but one."""

        def bits(count: int) -> int:
            return 0 if count == 1 else index_bits(count)

        return bits(len(self.row_classes)), bits(len(self.column_classes)), self.fold.repeat_bits

    @property
    def bias_bits(self) -> int:
        """Width of `Operand.bias`; 0 where every accumulation starts alike."""
        return sum(self.bias_fields)

    @property
    def row_steps(self) -> tuple[int, ...]:
        """For each output row: by how many inputs, in raster order, the first window of the next row (or frame) needs more than
        the last window of this one. Negative where the next row ends in the padding: it asks for no new row of the image.
        """
        needs, across, frame = self.beats.needs(), self.beats.columns.outputs, self.beats.inputs
        firsts = [*needs[::across], needs[0] + frame]
        return tuple(following - last for following, last in zip(firsts[1:], needs[across - 1 :: across], strict=True))

    @property
    def column_steps(self) -> tuple[int, ...]:
        """For each output column but the last: by how many inputs the next window needs more."""
        axis = self.beats.columns
        return *(axis.last(x + 1) - axis.last(x) for x in range(axis.outputs - 1)), 0

    @property
    def steps(self) -> tuple[int, ...]:
        """What a step to the next window can be, that of the first window first."""
        first = self.column_steps[0] if self.beats.columns.outputs > 1 else self.row_steps[0]
        return first, *self.column_steps, *self.row_steps

    @property
    def lead_limit(self) -> int:
        """Bound on the positions that may have arrived beyond a window's need, or be missing for it."""
        return (self.rows + 1) * self.beats.columns.size + self.beats.inputs


def _second(window: Window) -> tuple[int, int]:
    """Column and row of the second window of a frame, or of the next frame's first."""
    columns, rows = window.columns.outputs, window.rows.outputs
    return 1 % columns, (1 // columns) % rows


def _packed(bits: tuple[bool, ...]) -> int:
    return sum(1 << i for i, value in enumerate(bits) if value)


@block
def lead(clk, rst, arrive, move_on, step, step_less, ready, config):
    """ready: the positions that the present window needs have arrived.

    ahead counts the positions that have arrived beyond the last one needed. It rises by one with each arrival, and falls by
    `step` as the window moves on, by step_less = step - 1 where both happen at once.
    """
    limit = config.lead_limit
    ahead = Signal(intbv(-config.beats.needs()[0] - 1, min=-limit, max=limit))
    change = Signal(intbv(0, min=min(step.min, -1), max=step.max))

    @always_comb
    def decide():
        ready.next = ahead >= 0

    @always_comb
    def choose():
        if move_on:
            if arrive:
                change.next = step_less
            else:
                change.next = step
        elif arrive:
            change.next = -1
        else:
            change.next = 0

    @always_seq(clk.posedge, reset=rst)
    def reckon():
        ahead.next = ahead - change

    return decide, choose, reckon


@block
def follow_steps(clk, rst, move_on, x_next, y_next, step, step_less, config):
    """step: by how many positions the window after the present one needs more; step_less: one fewer. Both are registers."""
    columns, rows = config.column_steps, config.row_steps
    column_step, row_step, following = (Signal(intbv(0, min=step.min, max=step.max)) for _ in range(3))
    last = len(columns) - 1

    @always_comb
    def choose():
        if x_next == last:
            following.next = row_step
        else:
            following.next = column_step

    @always_seq(clk.posedge, reset=rst)
    def move():
        if move_on:
            step.next = following
            step_less.next = following - 1

    return lookup(x_next, column_step, columns), lookup(y_next, row_step, rows), choose, move


@block
def follow_rows(clk, rst, move_on, x_next, y_next, slot, config):
    """slot: the bank of the image row under the window's top kernel row, which may lie in the padding."""
    axis, banks = config.beats.rows, config.rows
    across = axis.size - (axis.outputs - 1) * axis.stride
    within_frame, into_next = like(slot), like(slot)
    tables = (
        lookup(slot, within_frame, tuple((bank + axis.stride) % banks for bank in range(banks))),
        lookup(slot, into_next, tuple((bank + across) % banks for bank in range(banks))),
    )

    @always_seq(clk.posedge, reset=rst)
    def advance():
        if move_on and x_next == 0:
            if y_next == 0:
                slot.next = into_next
            else:
                slot.next = within_frame

    return tables, advance


@block
def place(clk, rst, arrive, select, address, config):
    """Where an arriving position goes: a one-hot choice of its bank, and its address there."""
    rows, across, width = config.rows, config.columns, config.beats.columns.size
    row, line = wire(index_bits(rows)), bit()
    column = address if across == 1 else wire(index_bits(width))
    counters = count(clk, rst, arrive, column, line, width), count(clk, rst, line, row, None, rows)
    if across == 1:

        @always_comb
        def choose_row():
            for r in range(rows):
                select.next[r] = arrive and row == r

        return counters, choose_row

    bank_across = wire(index_bits(across))
    last_column, last_bank = width - 1, across - 1

    @always_comb
    def choose():
        for r in range(rows):
            for c in range(across):
                select.next[r * across + c] = arrive and row == r and bank_across == c

    @always_seq(clk.posedge, reset=rst)
    def advance():
        if arrive:
            if column == last_column:
                bank_across.next = 0
                address.next = 0
            elif bank_across != last_bank:
                bank_across.next = bank_across + 1
            else:
                bank_across.next = 0
                address.next = address + 1

    return counters, choose, advance


@block
def address_bank(quotient, group, offset, address, column):
    """The address, modulo the bank's size, of the word that the present chunk takes from the banks of `column`.

    quotient, offset: the window's first column divided by the number of banks, and the remainder, None for one bank; group: which
    kernel column, None where there is one.
    """
    bits = len(address)
    if offset is None and group is None:
        return pass_on(quotient, address)
    if offset is None:

        @always_comb
        def add_group():
            total = intbv(0)[max(bits, len(group)) + 1 :]
            total[:] = quotient + group
            address.next = total[bits:]

        return add_group

    @always_comb
    def add_wrap():
        total = intbv(0)[bits + 1 :]
        total[:] = quotient
        if offset > column:
            total[:] = total + 1
        address.next = total[bits:]

    return add_wrap


@block
def combine_inside(rows, columns, group, inside, config):
    """For each position of a chunk: is it inside the image? rows and columns: the same for the kernel's rows and columns; group:
    which kernel column a chunk has, None where it has all.
    """
    down, across = config.abreast.rows.span, config.columns * config.abreast.columns.positions
    if group is None:

        @always_comb
        def combine():
            for row in range(down):
                for column in range(across):
                    inside.next[row * across + column] = rows[row] and columns[column]

        return combine

    @always_comb
    def combine_group():
        for row in range(down):
            inside.next[row] = rows[row] and columns[group]

    return combine_group


@block
def mask_tap(tap, inside, masked):
    """masked = tap where it is inside the image, else zero."""

    @always_comb
    def choose():
        if inside:
            masked.next = tap
        else:
            masked.next = 0

    return choose


@leaf
def window(clk, rst, sink, operand, config):
    """Operands of a convolution, chunk by chunk, as soon as the positions that each window needs have arrived.

    Positions come on sink in raster order, frame after frame. A window is read config.fold.folds times, one cycle each: for
    each repeat, for each group of kernel columns, for each slice of the channels. Taps in the padding are zero. A window starts
    at the later of: the cycle after the last position it needs; the cycle after the last chunk of the window before.

    Image row r lies in the banks r mod `rows`, and where a chunk takes all kernel columns, column c in the banks c mod `columns`;
    two rotations put the words that were read into the kernel's order. Latency: config.latency from issue to operand.
    """
    geometry = config.beats
    down, across = config.rows, config.columns
    shape = geometry.columns.outputs, geometry.rows.outputs
    depth_bits = index_bits(-(-geometry.columns.size // across))
    blocks: Blocks = []

    # cycle 0: which chunk is read, and where it lies; all of the present window's parameters are registers
    fold = Counters(config.fold)
    arrived, issue, move_on = bit(), bit(), bit()
    low, high = min(config.steps) - 1, max(config.steps) + 1
    step, step_less = (Signal(intbv(config.steps[0] - less, min=min(low, 0), max=max(high, 1))) for less in (0, 1))
    x_next, y_next = (Signal(intbv(i)[index_bits(n) :]) for i, n in zip(_second(geometry), shape, strict=True))
    blocks.append(lead(clk, rst, sink.valid, move_on, step, step_less, arrived, config))
    blocks.append(decide_folds(clk, rst, arrived, issue, move_on, config.fold.folds))
    blocks.append(count_folds(clk, rst, issue, fold, config.fold))
    blocks.append(scan(clk, rst, move_on, x_next, y_next, *shape))
    blocks.append(follow_steps(clk, rst, move_on, x_next, y_next, step, step_less, config))
    slot = Signal(intbv(-geometry.rows.before % down)[index_bits(down) :])
    if down > 1:
        blocks.append(follow_rows(clk, rst, move_on, x_next, y_next, slot, config))
    starts = [geometry.columns.start(i) for i in range(geometry.columns.outputs)]
    quotients = tuple(start // across % (1 << depth_bits) for start in starts)
    quotient, offset = first_of(quotients, depth_bits), None
    blocks.append(follow(clk, rst, move_on, x_next, quotient, quotients))
    if across > 1:
        offsets = tuple(start % across for start in starts)
        offset = first_of(offsets, index_bits(across))
        blocks.append(follow(clk, rst, move_on, x_next, offset, offsets))

    # cycle 1: one word of each bank
    select, write_address = wire(down * across), wire(depth_bits)
    blocks.append(place(clk, rst, sink.valid, select, write_address, config))
    words: list[list[Signal]] = [[wire(config.beat_bits) for _ in range(across)] for _ in range(down)]
    beat = sink.data
    if config.positions > 1 and config.slices > 1:
        beat, whole = wire(config.beat_bits), wire(config.beat_bits)
        blocks.append(pass_on(sink.data, whole))  # conversion gets slices of an interface's signal wrong, hence a copy
        blocks.append(pass_on(joined(_by_slice(whole, config)), beat))
    for c in range(across):
        read_address = wire(depth_bits)
        blocks.append(address_bank(quotient, fold.group, offset, read_address, c))
        for r in range(down):
            blocks.append(bank(clk, select(r * across + c), write_address, beat, read_address, words[r][c]))

    # cycle 2: columns in order, the slice picked
    lines = [words[r] for r in range(down)]
    slice_q1 = wire(index_bits(config.slices))
    if config.slices > 1:
        blocks.append(register(clk, fold.slice, slice_q1))
    offset_q1 = wire(index_bits(across))
    if across > 1:
        blocks.append(register(clk, offset, offset_q1))
    lines = []
    for r in range(down):
        parts = words[r]
        if config.slices > 1:
            parts = [wire(config.slice_bits) for _ in range(across)]
            for word, part in zip(words[r], parts, strict=True):
                blocks.append(pick(word, slice_q1, part))
        line = parts[0]
        if across > 1:
            line = wire(across * config.slice_bits)
            blocks.append(rotate(joined(parts), offset_q1, line, across))
        lines.append(like(line))
        blocks.append(register(clk, line, lines[r]))

    # cycle 3: rows in order, padding masked
    taps = lines[0]
    if down > 1:
        slot_q2, turned, taps = like(slot), wire(down * len(lines[0])), wire(config.chunk_bits)
        blocks.append(age(clk, slot, slot_q2, 2))
        blocks.append(rotate(joined(lines), slot_q2, turned, down))
        blocks.append(pass_on(turned, taps))
    if config.abreast.masked:
        unpadded = wire(config.taps * config.positions)
        row_table = tuple(_packed(config.abreast.rows.inside(i)) for i in range(geometry.rows.outputs))
        column_table = tuple(_packed(config.abreast.columns.inside(i)) for i in range(geometry.columns.outputs))
        row_inside = first_of(row_table, config.abreast.rows.span)
        column_inside = first_of(column_table, config.abreast.columns.span)
        blocks.append(follow(clk, rst, move_on, y_next, row_inside, row_table))
        blocks.append(follow(clk, rst, move_on, x_next, column_inside, column_table))
        blocks.append(combine_inside(row_inside, column_inside, fold.group, unpadded, config))
        unpadded_q2 = like(unpadded)
        blocks.append(age(clk, unpadded, unpadded_q2, 2))
        tap_bits = config.slice_bits // config.positions
        masked = [wire(tap_bits) for _ in range(config.taps * config.positions)]
        for tap, kept in enumerate(masked):
            blocks.append(mask_tap(field(taps, tap, tap_bits), field(unpadded_q2, tap, 1), kept))
        taps = joined(masked)
    blocks.append(register(clk, taps, operand.data))

    # what goes with the operand
    fields = []
    for position_next, classes, inside, axis, bits in (
        (y_next, config.row_classes, config.abreast.rows.borders, geometry.rows, config.bias_fields[0]),
        (x_next, config.column_classes, config.abreast.columns.borders, geometry.columns, config.bias_fields[1]),
    ):
        if bits:
            numbers = tuple(classes.index(inside(i)) for i in range(axis.outputs))
            fields.append(first_of(numbers, bits))
            blocks.append(follow(clk, rst, move_on, position_next, fields[-1], numbers))
    blocks.append(accompany(clk, rst, issue, fold, fields, operand, config.fold, config.latency))
    return blocks


def _by_slice(beat: Signal, config: WindowConfig) -> list[Signal]:
    """The parts of a beat with the slices slowest, then the positions."""
    bits = config.width // config.slices
    return [field(beat, p * config.slices + s, bits) for s in range(config.slices) for p in range(config.positions)]


def window_starts(arrivals: Times, window: Window, folds: int) -> Times:
    """First chunk of each window: from the cycle after the last position that it needs."""
    return serve(arrivals[:, list(window.needs())] + 1, folds)


def rows_needed(arrivals: Times, starts: Times, window: Window, folds: int) -> int:
    """Fewest image rows, at least the kernel's, of which none is overwritten before its last window has been read.

    Row r of the endless stream of frames goes where row r - rows was; its positions may arrive only after the windows that see
    the old ones have issued their last chunk.
    """
    height, width = window.rows.size, window.columns.size
    last_window = _last_window(window)
    read = np.where(last_window >= 0, starts[:, last_window] + folds - 1, -1).reshape(-1, width)
    written = arrivals.reshape(-1, width)
    for rows in range(window.rows.kernel, len(written)):
        if np.all(written[rows:] > read[:-rows]):
            return rows
    raise ValueError(f"no buffer below {len(written)} rows suffices for an image of {height} rows")


def _last_window(window: Window) -> NDArray[np.int64]:
    """For each input position in raster order, the last window, in raster order, that sees it; -1 if none does."""

    def last(axis_size: int, axis_outputs: int, starts: Sequence[int], kernel: int) -> NDArray[np.int64]:
        seen = np.full(axis_size, -1)
        for output in range(axis_outputs):
            seen[max(starts[output], 0) : starts[output] + kernel] = output
        return seen

    axes = [
        last(axis.size, axis.outputs, [axis.start(i) for i in range(axis.outputs)], axis.kernel)
        for axis in (window.rows, window.columns)
    ]
    rows, columns = axes[0][:, None], axes[1][None, :]
    return np.where((rows >= 0) & (columns >= 0), rows * window.columns.outputs + columns, -1).reshape(-1)
