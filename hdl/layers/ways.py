"""Two ways that begin at one tensor: which of them waits for the other, in how deep a queue, and which delay it needs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from myhdl import block
from numpy.typing import NDArray

from sigmabit.golden.layers.ways import Ways

from ..family import Cost, Family
from ..verilog.fabric import Blocks, age, age_reset, bank, count, like, pass_on
from ..verilog.stream import index_bits, wire
from .folding import Unsuitable
from .kind import Arrivals, Kind, Soonest, Unfolded, Use
from .layer import LayerConfig
from .timing import Times

T = TypeVar("T")


@dataclass(frozen=True)
class WaysKind(Unfolded):
    """A beat of each way in, a beat out. main, skip: the kinds of the layers of each way."""

    layer: Ways
    main: tuple[Kind[Any], ...]
    skip: tuple[Kind[Any], ...]

    @abstractmethod
    def configured(self, wait: int, depth: int) -> LayerConfig:
        """The block: by how many cycles the late way is delayed, and how many beats wait for it at the most."""

    @property
    def places(self) -> int:
        return self.main[-1].places if self.main else self.positions

    @property
    def branches(self) -> tuple[tuple[Kind[Any], ...], ...]:
        return self.main, self.skip

    @cached_property
    def needed(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each beat of a way's results, the last beat at the fork that it needs."""
        main, skip = (needs(branch, self.source.beats) for branch in self.branches)
        return main, skip

    @property
    def swapped(self) -> bool:
        """Is skip the way that is waited for?"""
        main, skip = self.needed
        return bool(np.all(skip >= main) and np.any(skip > main))

    def ordered(self, ways: tuple[T, T]) -> tuple[T, T]:
        """What belongs to main and to skip as what belongs to the way that is waited for, and to the one that waits."""
        main, skip = ways
        return (skip, main) if self.swapped else (main, skip)

    def check_positions(self) -> None:
        skip = self.skip[-1].places if self.skip else self.positions
        if skip != self.places:
            raise Unsuitable(f"{self.layer.name}: {self.places} positions side by side beside {skip}")
        late, early = self.ordered(self.needed)
        if np.any(late < early):
            beat = int(np.argmax(late < early))
            raise Unsuitable(
                f"{self.layer.name}: neither of its ways is always the later: beat {beat} needs input {late[beat]} of one, and "
                f"{early[beat]} of the other"
            )

    def needs(self, position: int) -> int:
        return int(self.ordered(self.needed)[0][position])

    @property
    def least_cycles(self) -> int:
        return self.source.beats

    def starts(self, arrivals: Arrivals, folding: None) -> Times:
        main, skip = arrivals.ways
        return self.ordered((main, skip))[0]

    def sized(self, arrivals: Arrivals, folding: None, contents: bool = True) -> LayerConfig:
        main, skip = zip(arrivals.ways, arrivals.soonest, strict=True)
        late, early = self.ordered((main, skip))
        wait = lateness(arrivals, late, early)
        return self.configured(wait, depth_needed(arrivals, late, early, wait))

    def expected_cost(self, folding: None, use: Use) -> Cost:
        late, early = self.ordered(self.needed)
        depth = int((np.searchsorted(early, late, side="right") - np.arange(len(late))).max())
        return self.configured(0, max(1, depth)).bill(use.family)


def needs(branch: Sequence[Kind[Any]], beats: int) -> NDArray[np.int64]:
    """(beats,) For each beat of a way's results, the last beat at the fork that it, or one before it, needs."""
    found = np.arange(beats)
    for kind in reversed(branch):
        found = np.maximum.accumulate([kind.needs(beat) for beat in range(kind.source.beats)])[found]
    return found


Way = tuple[Times, Soonest]
"""When the results of a way come at full speed, and from when on they can."""


def lateness(arrivals: Arrivals, late: Way, early: Way) -> int:
    """By how many cycles the late way is to be delayed so that early's beats always come before."""
    soonest = late[1].times(arrivals.beats)
    return max(0, int((early[0] - soonest).max()) + 1)


def depth_needed(arrivals: Arrivals, late: Way, early: Way, wait: int) -> int:
    """Beats of the early way that wait at the most, whatever the pauses between beats at the fork.

    A beat may take the place of another one if it needs an input that the late beat which takes that one needs, or a later input,
    and at full speed comes no earlier than that late beat even if it has waited for nothing on its way.
    """
    (frames, beats), inputs, read = late[0].shape, arrivals.beats.shape[1], late[0] + wait
    spare = int(read.max() - arrivals.beats[-1, 0]) // arrivals.interval + 2
    after = arrivals.beats[-1] + arrivals.interval * np.arange(1, spare + 1)[:, None]
    written = early[1].times(np.concatenate([arrivals.beats, after])).reshape(-1)
    written = np.minimum.accumulate(written[::-1])[::-1]
    of_late, of_early = (
        (inputs * np.arange(count)[:, None] + way.needs).reshape(-1)
        for way, count in ((late[1], frames), (early[1], frames + spare))
    )
    free = np.maximum(np.searchsorted(written, read.reshape(-1)), np.searchsorted(of_early, of_late))
    return max(1, int((free - np.arange(frames * beats)).max()))


def queue_bill(family: Family, late_bits: int, early_bits: int, depth: int, wait: int) -> Cost:
    """The queue of the early way's beats, and the late way's delay; widths are those of a beat."""
    queue = family.buffer(early_bits, depth)
    delayed = family.logic(late_bits * (-(-wait // 32))) + family.registers(late_bits)
    wraps = 2 if depth & (depth - 1) else 0  # a counter that does not wrap by itself compares
    pointers = family.logic(2 * index_bits(depth) + wraps) + family.registers(2 * index_bits(depth) + wait)
    return queue + delayed + family.registers(early_bits) + pointers


@block
def bring_together(clk, rst, late_valid, late, early_valid, early, waiting, kept, ready, config):
    """waiting = late's beat, delayed by config.wait cycles, and kept = early's of the same number, a cycle after ready."""
    blocks: Blocks = []
    fresh = like(late)  # conversion gets slices of an interface's signal wrong, hence a copy
    blocks.append(pass_on(late, fresh))
    blocks.append(age(clk, fresh, waiting, config.wait + 1))
    if config.wait:
        blocks.append(age_reset(clk, rst, late_valid, ready, config.wait))
    else:
        blocks.append(pass_on(late_valid, ready))
    write, read = wire(index_bits(config.depth)), wire(index_bits(config.depth))
    blocks.append(count(clk, rst, early_valid, write, None, config.depth))
    blocks.append(count(clk, rst, ready, read, None, config.depth))
    blocks.append(bank(clk, early_valid, write, early, read, kept))
    return blocks
