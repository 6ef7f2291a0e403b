"""Where a pipeline's samples of the standard normal come from, and what joins the two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from myhdl import Signal

from ..family import Cost, Family
from ..verilog.stream import FrameStatus, VectorStream


@dataclass(frozen=True, eq=False)
class Wires:
    """seed, s_axis_eps: ports of the pipeline, None where its source has no use for them. status, entered: of the frames that
    enter. consume: takes the vector on eps away. ready: frames may enter.
    """

    seed: Signal | None
    s_axis_eps: VectorStream | None
    status: FrameStatus
    entered: Signal
    consume: Signal
    eps: Signal
    ready: Signal


class Source(Protocol):
    """The configuration of a source: its block, and the ports that it asks for."""

    @property
    def module(self) -> str:
        """The module's name."""
        ...

    @property
    def vector_bits(self) -> int:
        """Width of a vector."""
        ...

    @property
    def seeding_cycles(self) -> int:
        """Cycles from the end of reset until frames may enter."""
        ...

    def bill(self, family: Family) -> Cost:
        """Expected size."""
        ...

    @property
    def block(self) -> Any:
        """The source as a module block: clk, rst, what `joins` gives, config."""
        ...

    def joins(self, wires: Wires) -> tuple[Any, ...]:
        """What of the pipeline the block takes."""
        ...

    @property
    def seeded(self) -> bool:
        """Does it begin with a seed that is given at run time?"""
        ...

    @property
    def offered_bits(self) -> int:
        """Bits of a vector that it takes from outside; 0 where it makes its own."""
        ...

    def seed(self) -> Signal | None:
        """A port for its seed, if it has one."""
        ...

    def vectors(self) -> VectorStream | None:
        """A port for vectors from outside, if it takes any."""
        ...
