"""Control signals that accompany data through a pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always, always_comb, always_seq

from .module import leaf
from .stream import wire


@dataclass(frozen=True)
class DelayConfig:
    """A word of `bits` bits, `cycles` cycles late; reset: its bits are cleared by reset, as valid bits must be."""

    bits: int
    cycles: int
    reset: bool

    def __post_init__(self) -> None:
        if self.bits < 1 or self.cycles < 1:
            raise ValueError(f"a delay of {self.bits} bits by {self.cycles} cycles")

    @property
    def module(self) -> str:
        return f"delay_{self.bits}x{self.cycles}" + ("_reset" if self.reset else "")


@leaf
def delay(clk, rst, source, delayed, config):
    """delayed is what source was `cycles` cycles before. rst is None where nothing is reset."""
    bits, cycles = config.bits, config.cycles
    history = wire(bits * cycles)
    total = bits * cycles

    @always_comb
    def present():
        delayed.next = history[total : total - bits]

    if cycles == 1:
        next_history = source
        instances = [present]
    else:
        next_history = wire(total)

        @always_comb
        def shift():
            next_history.next[total:bits] = history[total - bits :]
            next_history.next[bits:] = source

        instances = [present, shift]

    if config.reset:

        @always_seq(clk.posedge, reset=rst)
        def hold_reset():
            history.next = next_history

        return *instances, hold_reset

    @always(clk.posedge)
    def hold():
        history.next = next_history

    return *instances, hold
