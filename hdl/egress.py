"""The exit of a pipeline: results wait here for their reader, and for the news that their frame was well formed."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import Signal, always, always_comb, always_seq, block, intbv

from .cost import Cost, distributed_ram
from .fabric import field, joined, pass_on, tally
from .module import leaf
from .stream import bit, index_bits, wire


@dataclass(frozen=True)
class EgressConfig:
    """beats: per result. channels, bits: numbers per beat and their width. signed: they are two's complement. frames: results
    that there is room for.
    """

    beats: int
    channels: int
    bits: int
    signed: bool
    frames: int

    @property
    def module(self) -> str:
        return f"egress_{self.beats}x{self.channels}x{self.bits}{'s' if self.signed else 'u'}_{self.frames}f"

    @property
    def field(self) -> int:
        """Bits per number on the AXI4-Stream: whole bytes."""
        return -(-self.bits // 8) * 8

    @property
    def depth(self) -> int:
        """Beats that there is room for."""
        return self.beats * self.frames

    @property
    def cost(self) -> Cost:
        """Expected size: the queue, and counters."""
        return Cost(distributed_ram(self.channels * self.bits, self.depth) + 25, self.channels * self.bits + 80)

    @property
    def latency(self) -> int:
        """Cycles from a beat to its transfer, to a reader that waits for it, if the frame's status is known by then."""
        return 2


def widened(data: Signal, config: EgressConfig) -> Signal:
    """Each number of data in a field of its own, sign-extended where signed."""
    parts: list[Signal | str] = []
    for channel in range(config.channels):
        number = field(data, channel, config.bits)
        parts.append(number)
        sign = data((channel + 1) * config.bits - 1) if len(data) > 1 else data
        parts.extend((sign if config.signed else "0") for _ in range(config.field - config.bits))
    return joined(parts)


@block
def queue(clk, rst, status, known, good, take, frames):
    """The status of the frames that have entered and not left, oldest first. known: there is one; good: the oldest's."""
    marks = wire(frames)
    count = Signal(intbv(0, min=0, max=frames + 1))
    write, read = wire(index_bits(frames)), wire(index_bits(frames))

    @always_comb
    def show():
        known.next = count != 0
        good.next = marks[read]

    @always(clk.posedge)
    def store():
        if status.done:
            marks.next[write] = status.good

    @always_seq(clk.posedge, reset=rst)
    def advance():
        if status.done:
            if write != frames - 1:
                write.next = write + 1
            else:
                write.next = 0
        if take:
            if read != frames - 1:
                read.next = read + 1
            else:
                read.next = 0
        if status.done and not take:
            count.next = count + 1
        elif take and not status.done:
            count.next = count - 1

    return show, store, advance


@leaf
def egress(clk, rst, sink, status, m_axis, leaving, frames_out, dropped, config):
    """Gives each well-formed frame's result as config.beats transfers with tlast on the last; drops those of malformed frames.

    Beats of a result wait until the status of their frame has come. There is room for `frames` results, so that sink need
    never be stopped as long as no more frames are inside; leaving marks one whose room is free again. tvalid and tdata come
    from registers and hold until the transfer (S2), whatever tready does (S3).
    """
    beats, depth, frames = config.beats, config.depth, config.frames
    last_beat = beats - 1
    words = [wire(len(sink.data)) for _ in range(1 << index_bits(depth))]
    write, read, position = wire(index_bits(depth)), wire(index_bits(depth)), wire(index_bits(beats))
    stored = Signal(intbv(0, min=0, max=depth + 1))
    known, good, take, ends = (bit() for _ in range(4))
    valid, last, leave = bit(), bit(), bit()
    data, suppressed, delivered = wire(len(sink.data)), bit(), bit()

    @always_comb
    def decide():
        take.next = stored != 0 and known and (not valid or m_axis.tready)

    @always_comb
    def finish():
        ends.next = take and position == last_beat

    @always_comb
    def show():
        m_axis.tvalid.next = valid
        m_axis.tlast.next = last
        leaving.next = leave

    @always(clk.posedge)
    def store():
        if sink.valid:
            words[write].next = sink.data

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
            last.next = position == last_beat
        elif m_axis.tready:
            valid.next = False

    @always_comb
    def judge():
        suppressed.next = ends and not good
        delivered.next = valid and m_axis.tready and last

    counters = tally(clk, rst, suppressed, dropped), tally(clk, rst, delivered, frames_out)
    numbers = pass_on(widened(data, config), m_axis.tdata)
    statuses = queue(clk, rst, status, known, good, ends, frames)
    return counters, judge, numbers, statuses, decide, finish, show, store, fetch, follow, present
