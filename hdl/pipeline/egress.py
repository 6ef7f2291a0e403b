"""The exit of a pipeline: results wait here for their reader, and for the news that their frame was well formed."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import Signal, always, always_comb, always_seq, intbv

from sigmabit.golden.types.layout import Layout

from ..family import Billed, Cost, Family
from ..layers.abreast import trim
from ..verilog.fabric import MARKED, count, field, joined, marks_bill, pass_on, status_queue, tally, waiting
from ..verilog.module import leaf
from ..verilog.stream import COUNTER_BITS, bit, index_bits, wire

COUNTING = 12
"""Functions of what counts frames, and of what decides."""

PER_BIT = 1.25
"""Functions for each bit of a counter, or mark of a frame that lies in a register."""


@dataclass(frozen=True)
class EgressConfig(Billed):
    """beats: per result. channels, bits: numbers per beat and their width. signed: they are two's complement. frames: whose
    results there is room for. samples: results of a frame. row: where the last beat of a row is filled up, the beats of a row,
    and the numbers of the last that are kept; zeros are given for the others.
    """

    beats: int
    channels: int
    bits: int
    signed: bool
    frames: int
    samples: int = 1
    row: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.row is not None:
            line, kept = self.row
            if self.beats % line:
                raise ValueError(f"rows of {line} beats in a result of {self.beats}")
            if not 0 < kept < self.channels:
                raise ValueError(f"the last beat of a row keeps {kept} of {self.channels} numbers, expected fewer")

    @property
    def module(self) -> str:
        shape = f"{self.beats}x{self.channels}x{self.bits}{'s' if self.signed else 'u'}_{self.frames}f"
        trimmed = "" if self.row is None else "_{}r{}".format(*self.row)
        return f"egress_{shape}" + (f"{self.samples}k" if self.samples > 1 else "") + trimmed

    @property
    def field(self) -> int:
        """Bits per number on the AXI4-Stream: whole bytes."""
        return -(-self.bits // 8) * 8

    @property
    def depth(self) -> int:
        """Beats that there is room for."""
        return self.beats * self.samples * self.frames

    def bill(self, family: Family) -> Cost:
        """The queue, and counters."""
        beat = self.channels * self.bits
        trimmed = 0 if self.row is None else (self.channels - self.row[1]) * self.bits + 2 * index_bits(self.row[0])
        counted = sum(2 * index_bits(places) + index_bits(places + 1) for places in (self.depth, self.frames))
        counted += (index_bits(self.beats) if self.beats > 1 else 0) + (self.frames if self.frames <= MARKED else 0)
        queue = family.buffer(beat, self.depth) + marks_bill(family, self.frames)
        control = family.logic(COUNTING + PER_BIT * counted + trimmed) + family.registers(80 - min(self.frames, MARKED))
        return queue + control + family.registers(beat) + family.tally(COUNTER_BITS) * 2

    @property
    def latency(self) -> int:
        """Cycles from a beat to its transfer, to a reader that waits for it, if the frame's status is known by then."""
        return 2


def configure(result: Layout, frames: int, samples: int) -> EgressConfig:
    """The exit for results that lie like that."""
    row = (result.line, (result.positions - result.filler) * result.channels) if result.filler else None
    return EgressConfig(result.beats, result.positions * result.channels, result.bits, result.signed, frames, samples, row)


def widened(data: Signal, config: EgressConfig) -> Signal:
    """Each number of data in a field of its own, sign-extended where signed."""
    parts: list[Signal | str] = []
    for channel in range(config.channels):
        number = field(data, channel, config.bits)
        parts.append(number)
        sign = data((channel + 1) * config.bits - 1) if len(data) > 1 else data
        parts.extend((sign if config.signed else "0") for _ in range(config.field - config.bits))
    return joined(parts)


@leaf
def egress(clk, rst, sink, status, m_axis, leaving, frames_out, dropped, config):
    """Gives each well-formed frame's results as config.beats transfers with tlast on the last; drops those of malformed frames.

    Beats of a result wait until the status of their frame has come. There is room for the results of `frames` frames, so that
    sink need never be stopped as long as no more are inside; leaving marks one whose room is free again. tvalid and tdata come
    from registers and hold until the transfer (S2), whatever tready does (S3).
    """
    beats, depth, frames = config.beats, config.depth, config.frames
    last_beat = beats - 1
    words = [wire(len(sink.data)) for _ in range(1 << index_bits(depth))]
    write, read, position = wire(index_bits(depth)), wire(index_bits(depth)), wire(index_bits(beats))
    stored = Signal(intbv(0, min=0, max=depth + 1))
    known, good, take, closing, ends = (bit() for _ in range(5))
    valid, last, finishing, leave = bit(), bit(), bit(), bit()
    data, suppressed, delivered = wire(len(sink.data)), bit(), bit()
    beat, trimmed = sink.data, ()
    if config.row is not None:
        whole, beat = wire(len(sink.data)), wire(len(sink.data))
        line, kept = config.row
        # conversion gets slices of an interface's signal wrong, hence a copy
        trimmed = pass_on(sink.data, whole), trim(clk, rst, sink.valid, whole, beat, line, kept * config.bits)

    @always_comb
    def decide():
        take.next = stored != 0 and known and (not valid or m_axis.tready)

    @always_comb
    def finish():
        closing.next = take and position == last_beat

    @always_comb
    def show():
        m_axis.tvalid.next = valid
        m_axis.tlast.next = last
        leaving.next = leave

    @always(clk.posedge)
    def store():
        if sink.valid:
            words[write].next = beat

    @always(clk.posedge)
    def fetch():
        if take:
            data.next = words[read]

    @always_seq(clk.posedge, reset=rst)
    def follow():
        if sink.valid:
            if write != depth - 1:
                write.next = write + 1
            else:
                write.next = 0
        if take:
            if read != depth - 1:
                read.next = read + 1
            else:
                read.next = 0
            if position != last_beat:
                position.next = position + 1
            else:
                position.next = 0
        if sink.valid and not take:
            stored.next = stored + 1
        elif take and not sink.valid:
            stored.next = stored - 1

    @always_seq(clk.posedge, reset=rst)
    def present():
        leave.next = ends
        if take:
            valid.next = good
            last.next = closing
            finishing.next = ends
        elif m_axis.tready:
            valid.next = False

    @always_comb
    def judge():
        suppressed.next = ends and not good
        delivered.next = valid and m_axis.tready and finishing

    counters = tally(clk, rst, suppressed, dropped), tally(clk, rst, delivered, frames_out)
    numbers = pass_on(widened(data, config), m_axis.tdata)
    statuses = status_queue(clk, rst, status, good, ends, frames), waiting(clk, rst, status.done, ends, known, frames)
    if config.samples == 1:
        closes = pass_on(closing, ends)
    else:
        closes = count(clk, rst, closing, wire(index_bits(config.samples)), ends, config.samples)
    return counters, closes, judge, numbers, statuses, trimmed, decide, finish, show, store, fetch, follow, present
