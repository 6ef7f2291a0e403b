"""What the rest of the house asks of a kind of layer. Each kind answers in the room of its block; docs/layers/adding.md."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.layers.layer import Layer
from sigmabit.golden.types.layout import Layout

from ..family import Cost, Family
from .folding import Folding, Unsuitable
from .layer import LayerConfig
from .timing import Times

F = TypeVar("F", Folding, None, Folding | None)
"""How a kind is folded; None for one that is not, or as a rule is not."""


@dataclass(frozen=True, eq=False)
class Soonest:
    """From when on the results of a way can come that begins where another one does.

    needs: (beats,) the last beat at the fork that each needs. delays: (beats,) cycles from there to the result, where all that
    came before has been done long since.
    """

    needs: NDArray[np.int64]
    delays: NDArray[np.int64]

    def times(self, fork: Times) -> Times:
        """(frames, beats) cycles before which no result comes, for beats (frames, beats) at the fork."""
        times: Times = fork[:, self.needs] + self.delays
        return times


@dataclass(frozen=True, eq=False)
class Arrivals:
    """When a layer's input comes, frames at full speed.

    beats: (frames, beats) cycles; behind the sampling layer each sample is a frame. statuses: (frames,) cycles at which it is
    known whether a frame is well formed; early: beats may come before. interval: cycles between frames. samples: of each.
    ways: for a layer that joins two, when their results come; soonest: from when on they can. beats are then those at the fork.
    """

    beats: Times
    statuses: NDArray[np.int64]
    interval: int
    samples: int = 1
    early: bool = False
    ways: tuple[Times, ...] = ()
    soonest: tuple[Soonest, ...] = ()


@dataclass(frozen=True)
class Use:
    """What a network makes of a layer, as far as it is known before a plan. samples: of a frame. apart: least cycles between two
    frames on the layer's input. family: of the device.
    """

    family: Family
    samples: int = 1
    apart: int = 1


@dataclass(frozen=True)
class Kind(ABC, Generic[F]):
    """Answers for one golden layer. Frames are those on its own input: behind the sampling layer, samples.

    positions: of a row that a beat on its input carries side by side.
    """

    layer: Layer
    positions: int = field(default=1, kw_only=True)

    @property
    def sink(self) -> Layout:
        """How a frame lies on its input."""
        return self.layer.input.layout.side_by_side(self.positions)

    @property
    def source(self) -> Layout:
        """How a result lies on its output."""
        return self.layer.output.layout.side_by_side(self.places)

    def check_positions(self) -> None:
        """Raises Unsuitable where the kind cannot take so many positions side by side."""

    @property
    def branches(self) -> tuple[tuple[Kind[Any], ...], ...]:
        """What answers for the layers of each way that it joins; most kinds join none."""
        return ()

    @property
    @abstractmethod
    def places(self) -> int:
        """Positions side by side in a beat of its output."""

    @property
    def widens(self) -> bool:
        """Is it a choice how many positions lie side by side in a beat of its output?"""
        return False

    def giving(self, places: int) -> Self:
        """The same with so many positions side by side in a beat of its output, where that is a choice. Raises Unsuitable."""
        if places != self.places:
            raise Unsuitable(f"{self.layer.name}: it gives {self.places} positions side by side, not {places}")
        return self

    @abstractmethod
    def foldings(self) -> Iterator[Folding]:
        """Every folding of use; none where nothing is folded."""

    def hastened(self, folding: Folding) -> Iterator[Folding]:
        """Foldings that are as fast as one, and give a frame's results sooner; none where nothing can."""
        return iter(())

    def laborious(self, folding: Folding) -> bool:
        """Does it take minutes to tell when results come? Where a latency is asked for, others are preferred."""
        return False

    @abstractmethod
    def folding(self, given: Folding | None) -> F:
        """A plan's folding, if it suits the layer; None where nothing is folded. Raises Unsuitable."""

    @abstractmethod
    def folds(self, folding: F) -> int:
        """Cycles that each result takes."""

    def delay(self, folding: F) -> int:
        """Cycles from a frame's last beat to its last result that none but a faster folding can better."""
        return 0

    @abstractmethod
    def cycles(self, folding: F) -> int:
        """Cycles for which a frame keeps the layer busy."""

    @property
    @abstractmethod
    def least_cycles(self) -> int:
        """Those that no folding can better."""

    @abstractmethod
    def needs(self, position: int) -> int:
        """The last input beat that the result in a beat needs, both in order."""

    @abstractmethod
    def starts(self, arrivals: Arrivals, folding: F) -> Times:
        """The first cycle of each result: (frames, results)."""

    @abstractmethod
    def sized(self, arrivals: Arrivals, folding: F, contents: bool = True) -> LayerConfig:
        """The layer's block, with buffers just large enough.

        contents: False leaves tables of weights empty, for estimates. Raises Unsuitable where frames come too fast.
        """

    def results(self, arrivals: Arrivals, folding: F, config: LayerConfig) -> Times:
        """When the results of such a block come: config.latency cycles after the last of their folds."""
        times: Times = self.starts(arrivals, folding) + self.folds(folding) - 1 + config.latency
        return times

    @abstractmethod
    def expected_cost(self, folding: F, use: Use) -> Cost:
        """Expected size, before buffers are known, of the layer and of what it alone needs besides."""


@dataclass(frozen=True)
class Unfolded(Kind[None]):
    """A kind that is not folded. As it stands, each beat that comes gives one of results."""

    @property
    def places(self) -> int:
        return self.positions

    def foldings(self) -> Iterator[Folding]:
        return iter(())

    def folding(self, given: Folding | None) -> None:
        return None

    def folds(self, folding: None) -> int:
        return 1

    def cycles(self, folding: None) -> int:
        return self.least_cycles

    @property
    def least_cycles(self) -> int:
        return self.sink.beats

    def needs(self, position: int) -> int:
        return position

    def starts(self, arrivals: Arrivals, folding: None) -> Times:
        return arrivals.beats
