"""Control signals that accompany data through a pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import Signal, always, always_seq, block

from ..family import Primitives, with_bodies
from ..verilog.fabric import Blocks, age, age_reset, like, pass_on, register_reset
from ..verilog.module import leaf
from ..verilog.stream import bit, wire


@dataclass(frozen=True)
class DelayConfig:
    """A word of `bits` bits, `cycles` cycles late; reset: its bits are cleared by reset, as valid bits must be.

    copies: of a single bit, each in a register of its own, for more loads than one should drive.
    """

    bits: int
    cycles: int
    reset: bool
    copies: int = 1

    def __post_init__(self) -> None:
        if self.bits < 1 or self.cycles < 1:
            raise ValueError(f"a delay of {self.bits} bits by {self.cycles} cycles")
        if self.copies < 1 or (self.copies > 1 and self.bits > 1):
            raise ValueError(f"{self.copies} copies of {self.bits} bits")

    @property
    def module(self) -> str:
        several = f"_{self.copies}copies" if self.copies > 1 else ""
        return f"delay_{self.bits}x{self.cycles}" + ("_reset" if self.reset else "") + several

    @property
    def width(self) -> int:
        """Bits that come out."""
        return self.bits * self.copies


class Copies:
    """A bit `count` times, each a port of its own."""

    def __init__(self, count: int) -> None:
        for number in range(count):
            setattr(self, f"copy_{number}", bit())

    @property
    def bits(self) -> list[Signal]:
        """The copies, in order."""
        return list(vars(self).values())


@block
def copy(clk, source, copies):
    """copies: what source was the cycle before, once in each of its bits."""
    count, ones = len(copies), (1 << len(copies)) - 1
    top = count - 1  # noqa: F841  read by the text

    @always(clk.posedge)
    def hold():
        copies.next = ones if source else 0

    clk.read = source.read = True
    copies.driven = "reg"
    return hold


@block
def copy_reset(clk, rst, source, copies):
    """copies: what source was the cycle before, once in each of its bits; cleared by reset."""
    count, ones = len(copies), (1 << len(copies)) - 1
    top = count - 1  # noqa: F841  read by the text

    @always_seq(clk.posedge, reset=rst)
    def hold():
        copies.next = ones if source else 0

    clk.read = rst.read = source.read = True
    copies.driven = "reg"
    return hold


def _copies(reset: str) -> str:
    def kept(primitives: Primitives) -> str:
        registers = primitives.kept_registers("${copies}_register", "$top", "$source", "${copies}_q", "$clk", reset)
        return f"wire [$top:0] ${{copies}}_q;\n{registers}always @* $copies = ${{copies}}_q;\n"

    cleared = "if ($rst) $copies <= {$count{1'b0}}; else " if reset == "$rst" else ""
    return "\n" + with_bodies(kept, f"always @(posedge $clk) {cleared}$copies <= {{$count{{$source}}}};")


@block
def copy_each(clk, rst, source, copies):
    """Each of `copies`: what source was the cycle before; cleared by reset."""
    if len(copies.bits) == 1:
        return register_reset(clk, rst, source, copies.bits[0])
    held = wire(len(copies.bits))
    return copy_reset(clk, rst, source, held), [pass_on(held(number), each) for number, each in enumerate(copies.bits)]


copy.verilog_code = _copies("1'b0")
copy_reset.verilog_code = _copies("$rst")


@leaf
def delay(clk, rst, source, delayed, config):
    """delayed is what source was `cycles` cycles before, `copies` times. rst is None where nothing is reset."""
    cycles = config.cycles
    instances: Blocks = []
    if config.copies > 1:
        cycles -= 1
        last = source if cycles == 0 else like(source)
        if config.reset:
            instances.append(copy_reset(clk, rst, last, delayed))
        else:
            instances.append(copy(clk, last, delayed))
        if cycles == 0:
            return instances
        delayed = last
    if config.reset:
        instances.append(age_reset(clk, rst, source, delayed, cycles))
    else:
        instances.append(age(clk, source, delayed, cycles))
    return instances
