"""What all layers of a pipeline have: a name, blocks one behind the other, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..family.cost import Cost


class Stage(Protocol):
    """The configuration of a block that a layer consists of."""

    @property
    def cost(self) -> Cost:
        """Expected size."""
        ...

    @property
    def latency(self) -> int:
        """Cycles from what it takes to what it gives."""
        ...


@dataclass(frozen=True)
class LayerConfig:
    """A layer's name; its blocks are a subclass' business."""

    name: str

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

    @property
    def cost(self) -> Cost:
        """Expected size."""
        return sum((stage.cost for stage in self.stages), Cost())

    @property
    def latency(self) -> int:
        """Cycles through all blocks: from a position's codes, or the issue of its last chunk, to its result."""
        return sum(stage.latency for stage in self.stages)
