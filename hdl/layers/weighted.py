"""Layers with weights: how they fold."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sigmabit.golden.layers.linear import Linear

from ..arithmetic.products import Products
from ..arithmetic.rom import BANK
from ..family.rules import MOST_LOADS
from .folding import Folding, Unsuitable
from .kind import Kind
from .mvu import Arithmetic

MOST_SLICES = 64
"""Parts of a position at the most: choosing one of 64 takes three levels of LUTs, and more would be too deep."""


@dataclass(frozen=True)
class Weighted(Kind[Folding]):
    """A chunk of a window, for some of the output channels, in every cycle; arithmetic is what its unit does with them."""

    layer: Linear
    arithmetic: Arithmetic

    @property
    @abstractmethod
    def whole(self) -> int:
        """What a window is cut into groups of: kernel columns, or beats of a frame."""

    @property
    def divided(self) -> int:
        """Codes of what is cut into slices."""
        return self.layer.input.channels

    @property
    def inputs(self) -> int:
        """Codes of a window."""
        return self.layer.window.taps * self.layer.input.channels

    @property
    @abstractmethod
    def turns(self) -> int:
        """Beats of results."""

    @property
    @abstractmethod
    def last_turns(self) -> int:
        """Beats of results that cannot begin before the last beat of a frame has come."""

    def delay(self, folding: Folding) -> int:
        return self.last_turns * self.folds(folding)

    @abstractmethod
    def cuts(self) -> Iterator[tuple[int, int]]:
        """(group, slices) of every way to cut a window into chunks."""

    def foldings(self) -> Iterator[Folding]:
        """For each way to cut a window into chunks, every useful number of lanes; weights in logic or in block RAM.

        Only the fewest lanes for each number of repeats are of use. The fewest of all are mostly, but not always, the cheapest.
        """
        layer = self.layer
        lanes_of_use = sorted({-(-layer.channels // repeats) for repeats in range(1, layer.channels + 1)})
        for group, slices in self.cuts():
            for lanes in lanes_of_use:
                for block in (False, True):
                    folding = Folding(group, slices, lanes, block)
                    if self.folds(folding) == 1:
                        useful = not block
                    else:
                        # a table of several banks has no copies of its address
                        banks = -(-self.folds(folding) // BANK)
                        useful = block or banks == 1 or banks * self.at_a_time(folding) * lanes <= MOST_LOADS
                    if useful:
                        yield from (replace(folding, products=each) for each in self.ways(folding))

    def ways(self, folding: Folding) -> tuple[Products, ...]:
        """What the products of a folding can be made by."""
        return self.arithmetic.ways(folding.lanes, self.folds(folding) == 1)

    def folding(self, given: Folding | None) -> Folding:
        if given is None:
            raise Unsuitable(f"the plan has no folding for layer {self.layer.name}")
        self.check(given)
        return given

    def check(self, folding: Folding) -> None:
        """Raises Unsuitable where a folding does not fit the layer."""
        name, channels = self.layer.name, self.layer.channels
        if self.divided % folding.slices:
            raise Unsuitable(f"{name}: slices={folding.slices} does not divide {self.divided} channels")
        if not 1 <= folding.lanes <= channels:
            raise Unsuitable(f"{name}: lanes={folding.lanes} is not from 1 to {channels} channels")
        if folding.products not in self.ways(folding):
            raise Unsuitable(f"{name}: products={folding.products} does not suit its numbers and {folding.lanes} lanes")
        if folding.eager and folding not in self.hastened(replace(folding, eager=False)):
            raise Unsuitable(f"{name}: eager={str(folding.eager).lower()}, but its results would come no sooner")

    def chunks(self, folding: Folding) -> int:
        """Chunks of a window."""
        return self.whole // folding.group * folding.slices

    def folds(self, folding: Folding) -> int:
        return self.chunks(folding) * folding.repeats(self.layer.channels)

    def at_a_time(self, folding: Folding) -> int:
        """Codes of one result that are multiplied per cycle."""
        return self.inputs // self.chunks(folding)

    def cycles(self, folding: Folding) -> int:
        return self.folds(folding) * self.turns

    @property
    def least_cycles(self) -> int:
        return self.turns


def divisors(number: int, most: int) -> list[int]:
    """Those of a number, in order, up to the most that are wanted."""
    return [n for n in range(1, min(number, most) + 1) if number % n == 0]
