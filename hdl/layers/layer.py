"""What all layers of a pipeline have: a name, blocks one behind the other, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from myhdl import Signal

from ..family import Cost, Family
from ..verilog.stream import FrameStatus


class Stage(Protocol):
    """The configuration of a block that a layer consists of."""

    def bill(self, family: Family) -> Cost:
        """Expected size."""
        ...

    @property
    def latency(self) -> int:
        """Cycles from what it takes to what it gives."""
        ...


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What a pipeline has for its layers besides the stream: the frames' statuses, and, in a network that draws samples, the
    next vector of the standard normal with the wire that takes it away.
    """

    status: FrameStatus
    eps: Signal | None
    consume: Signal | None


@dataclass(frozen=True)
class LayerConfig:
    """A layer's name; its blocks are a subclass' business."""

    name: str

    @property
    def block(self) -> Any:
        """The layer as a module block: clk, rst, sink, what `joins` gives, source, config."""
        raise NotImplementedError

    def joins(self, surroundings: Surroundings) -> tuple[Any, ...]:
        """What the block takes besides the stream."""
        return ()

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The blocks that data pass, in order."""
        raise NotImplementedError

    @property
    def module(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The instance's name in the pipeline."""
        return self.name

    def bill(self, family: Family) -> Cost:
        """Expected size."""
        return sum((stage.bill(family) for stage in self.stages), Cost())

    @property
    def latency(self) -> int:
        """Cycles through all blocks: from a position's codes, or the issue of its last chunk, to its result."""
        return sum(stage.latency for stage in self.stages)
