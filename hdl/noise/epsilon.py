"""Samples of the standard normal from outside: a queue of vectors, and the promise that an admitted frame finds its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from myhdl import Signal, always, always_comb, always_seq, intbv

from ..family import Billed, Cost, Family
from ..verilog.module import leaf
from ..verilog.stream import VectorStream, bit, index_bits, wire
from .source import Wires


@dataclass(frozen=True)
class EpsilonConfig(Billed):
    """vector_bits: width of a vector. samples: vectors that a frame consumes. frames: that may be inside at once."""

    vector_bits: int
    samples: int
    frames: int

    @property
    def block(self) -> Any:
        """The queue."""
        return epsilon

    def joins(self, wires: Wires) -> tuple[Any, ...]:
        """What its block takes of a pipeline."""
        return wires.s_axis_eps, wires.status, wires.entered, wires.consume, wires.eps, wires.ready

    @property
    def seeding_cycles(self) -> int:
        """Nothing has to be seeded."""
        return 0

    @property
    def seeded(self) -> bool:
        """It draws nothing."""
        return False

    @property
    def offered_bits(self) -> int:
        """Bits of a vector on its port."""
        return self.vector_bits

    def seed(self) -> None:
        """There is none."""

    def vectors(self) -> VectorStream:
        """The port for samples."""
        return VectorStream(self.vector_bits)

    @property
    def module(self) -> str:
        return f"epsilon_{self.vector_bits}_{self.samples}x{self.frames}"

    @property
    def depth(self) -> int:
        """Vectors that there is room for: those of all frames inside, and of one more."""
        return 1 << index_bits(self.samples * (self.frames + 1))

    def bill(self, family: Family) -> Cost:
        """The queue, and counters."""
        queue = family.distributed_ram(self.vector_bits, self.depth)
        return queue + family.logic(40) + family.registers(4 * self.depth.bit_length())


@leaf
def epsilon(clk, rst, s_axis_eps, status, entered, consume, eps, ready, config):
    """eps: the oldest vector, which `consume` takes away. ready: a frame that enters now will find its `samples` vectors.

    entered: a frame's first beat enters. A malformed frame consumes nothing: what was kept for it is free again when its status
    comes. tready is a function of registers (S4), low in reset and for one cycle after.
    """
    depth, samples, counter_bits = config.depth, config.samples, config.depth.bit_length()
    words = [wire(config.vector_bits) for _ in range(depth)]
    write, read = wire(index_bits(depth)), wire(index_bits(depth))
    stored, free = (Signal(intbv(0, min=0, max=depth + 1)) for _ in range(2))
    awake, open_, taken = bit(), bit(), bit()

    @always_comb
    def offer():
        open_.next = awake and stored != depth

    @always_comb
    def show():
        s_axis_eps.tready.next = open_

    @always_comb
    def transfer():
        taken.next = open_ and s_axis_eps.tvalid

    @always_comb
    def promise():
        ready.next = free >= samples

    @always_comb
    def present():
        eps.next = words[read]

    @always(clk.posedge)
    def store():
        if taken:
            words[write].next = s_axis_eps.tdata

    @always_seq(clk.posedge, reset=rst)
    def follow():
        awake.next = True
        if taken:
            if write != depth - 1:
                write.next = write + 1
            else:
                write.next = 0
        if consume:
            if read != depth - 1:
                read.next = read + 1
            else:
                read.next = 0
        if taken and not consume:
            stored.next = stored + 1
        elif consume and not taken:
            stored.next = stored - 1

    @always_seq(clk.posedge, reset=rst)
    def account():
        total = intbv(0, min=-samples, max=depth + samples + 2)
        total[:] = free
        if taken:
            total[:] = total + 1
        if entered:
            total[:] = total - samples
        if status.done and not status.good:
            total[:] = total + samples
        free.next = total[counter_bits:]

    return offer, show, transfer, promise, present, store, follow, account
