"""The entrance of a pipeline: admits frames at the pace that the interior was built for."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import Signal, always_comb, always_seq, block, intbv

from ..family import Billed, Cost, Family
from ..verilog.fabric import field, joined, like, low, pass_on, register, tally
from ..verilog.module import leaf
from ..verilog.stream import COUNTER_BITS, bit, index_bits


@dataclass(frozen=True)
class IngressConfig(Billed):
    """beats: per frame. channels, bits: codes per beat. pace: least cycles between two beats of a frame; interval:
    least cycles between the first beats of two frames. frames: frames that may be inside at once. gated: frames enter only
    while a gate is open.
    """

    beats: int
    channels: int
    bits: int
    pace: int
    interval: int
    frames: int
    gated: bool = False

    def __post_init__(self) -> None:
        if self.pace < 1 or self.frames < 1:
            raise ValueError(f"pace={self.pace}, frames={self.frames}: both are at least 1")
        if self.interval < self.beats * self.pace:
            raise ValueError(f"interval={self.interval} is below beats * pace = {self.beats * self.pace}")

    @property
    def module(self) -> str:
        shape = f"{self.beats}x{self.channels}x{self.bits}_{self.pace}p{self.interval}i{self.frames}f"
        return f"ingress_{shape}" + ("_gated" if self.gated else "")

    @property
    def field(self) -> int:
        """Bits per code on the AXI4-Stream: whole bytes."""
        return -(-self.bits // 8) * 8

    @property
    def tail(self) -> int:
        """Least cycles from the last beat of a frame to the first of the next."""
        return self.interval - (self.beats - 1) * self.pace

    def bill(self, family: Family) -> Cost:
        """Counters, and a register for the beat."""
        counted = index_bits(self.beats) + 2 * max(self.pace, self.tail).bit_length()
        logic = family.logic(28 + counted + 10 * self.gated) + family.tally(COUNTER_BITS) * 2
        return logic + family.registers(self.channels * self.bits + 90)

    @property
    def latency(self) -> int:
        """Cycles from a transfer to the beat inside."""
        return 1


@block
def admit_gated(vacant, gate, room, entering, entered):
    """room: one more frame may be inside, and the gate is open. entered = entering."""

    @always_comb
    def decide():
        room.next = vacant and gate

    @always_comb
    def show():
        entered.next = entering

    return decide, show


@leaf
def ingress(clk, rst, s_axis, leaving, source, status, frames_in, malformed, gate, entered, config):
    """Takes frames of config.beats transfers and passes them on, never faster than `pace` and `interval` allow.

    At most config.frames frames are inside; leaving marks one that has left. A frame whose tlast comes early is filled up with
    beats of any value; one without tlast at its end is followed by nothing until tlast has come. Either way the interior sees
    whole frames only, and status says, as the last beat enters, whether the frame was well formed. tready is a function of
    registers (S4), low in reset and for one cycle after. A frame begins only while gate is high; entered marks its first beat.
    Both are None unless config.gated. Latency: config.latency.
    """
    beats, pace, tail, frames = config.beats, config.pace, config.tail, config.frames
    last_beat = beats - 1
    beat = like(s_axis.tdata)  # conversion gets slices of an interface's signal wrong, hence a copy
    position = Signal(intbv(0)[index_bits(beats) :])
    pause = Signal(intbv(0, min=0, max=max(pace, tail) + 1))
    free = Signal(intbv(frames, min=0, max=frames + 1))
    # comparisons of counters with 0 a cycle ahead of their use, which keeps them out of the way to tready
    rested, vacant = Signal(bool(1)), Signal(bool(1))
    filling, draining, awake = bit(), bit(), bit()
    ready, enter, entering, done, bad, room = (bit() for _ in range(6))

    @always_comb
    def offer():
        ready.next = awake and (draining or (rested and not filling and (position != 0 or room)))

    @always_comb
    def show():
        s_axis.tready.next = ready

    @always_comb
    def admit():
        enter.next = (ready and s_axis.tvalid and not draining) or (filling and rested)

    @always_comb
    def start():
        entering.next = enter and position == 0

    @always_seq(clk.posedge, reset=rst)
    def follow():
        awake.next = True
        source.valid.next = enter
        status.done.next = False
        status.good.next = False
        if not rested:
            pause.next = pause - 1
            rested.next = pause == 1
        if draining and s_axis.tvalid and s_axis.tlast:
            draining.next = False
        if enter:
            if position != last_beat:
                position.next = position + 1
                pause.next = pace - 1
                rested.next = pace == 1
                if not filling and s_axis.tlast:
                    filling.next = True
            else:
                position.next = 0
                pause.next = tail - 1
                rested.next = tail == 1
                filling.next = False
                status.done.next = True
                status.good.next = not filling and s_axis.tlast
                if not filling and not s_axis.tlast:
                    draining.next = True

    @always_seq(clk.posedge, reset=rst)
    def account():
        if entering and not leaving:
            free.next = free - 1
            vacant.next = free != 1
        elif leaving and not entering:
            free.next = free + 1
            vacant.next = True

    @always_comb
    def judge():
        done.next = enter and position == last_beat
        bad.next = enter and position == last_beat and (filling or not s_axis.tlast)

    counters = tally(clk, rst, done, frames_in), tally(clk, rst, bad, malformed)
    gates = admit_gated(vacant, gate, room, entering, entered) if config.gated else pass_on(vacant, room)
    fields = [low(field(beat, channel, config.field), config.bits) for channel in range(config.channels)]
    load = pass_on(s_axis.tdata, beat), register(clk, joined(fields), source.data)
    return counters, gates, judge, offer, show, admit, start, load, follow, account
