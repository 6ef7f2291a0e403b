"""Plans by what they are for: an interval, a latency, or the best of one, with as many positions side by side as serve it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from sigmabit.golden import Network

from ..family import WHOLE, Room
from ..layers.folding import Unsuitable
from .kinds import kinds_of
from .plan import Plan, PlanError, check_positions, repetitions
from .planner import Late, Planner, TooShort

LATER, LATEST = 1.03, 1.2
"""In which steps a later plan is looked for, and up to where, if the soonest has no room once its weights are known."""


class Aim:
    """A planner for each number of positions side by side that is tried: those given, or all in `numbers`."""

    def __init__(
        self,
        network: Network,
        part_name: str,
        clock_mhz: float,
        samples: int = 1,
        room: Room = WHOLE,
        positions: int | None = 1,
    ) -> None:
        tried = list(numbers(network)) if positions is None else [positions]
        self.network, self.samples = network, samples
        self.planners = [Planner(network, part_name, clock_mhz, samples, room, each, widened(network, each)) for each in tried]

    def plan(self, interval: int | None = None, latency: int | None = None) -> Plan:
        """The smallest plan of an interval and a latency of so many cycles at most.

        Without an interval and a latency, the fastest. Raises PlanError, that of the planner with most positions, where there is
        none.
        """
        if interval is None and latency is None:
            return self.fastest()

        def made(planner: Planner) -> Plan:
            if latency is not None:
                return planner.within(interval, latency)
            return planner.fastest() if interval is None else planner.plan(interval)

        try:
            return self._best(made, lambda plan: plan.cost.lut)
        except Late as error:
            planner, hasty = min(self._hasty(interval), key=lambda found: found[1].latency)
            if latency is not None and hasty.latency <= latency and planner.fits(soon := planner.as_soon(hasty, interval)):
                return soon
            raise error.beside(hasty) from None

    def fastest(self) -> Plan:
        """The plan of the shortest interval that the part has room for; of several, the smallest."""
        return self._best(Planner.fastest, lambda plan: (plan.interval, plan.cost.lut))

    def quickest(self, interval: int | None = None) -> Plan:
        """The plan of the least latency that is found, and of at most such an interval; of several, the smallest."""
        hasty = self._hasty(interval)
        least = min(plan.latency for _, plan in hasty)
        found = [planner.as_soon(plan, interval) for planner, plan in hasty if plan.latency == least]
        # what is done with a frame soonest delays it little, too
        with suppress(PlanError):
            found.append(self.plan(interval))
        fits, later = self.planners[0].fits, least
        fitting = list(filter(fits, found))
        while later < LATEST * least and all(plan.latency > later for plan in fitting):
            later = math.ceil(LATER * later)
            with suppress(PlanError):
                fitting += filter(fits, [self.plan(interval, later)])
        return min(fitting or found, key=lambda plan: (plan.latency, plan.cost.lut))

    def _hasty(self, interval: int | None) -> list[tuple[Planner, Plan]]:
        """Each planner's plan of the least latency, but for those that could not better it."""
        least: float = math.inf

        def made(planner: Planner) -> Plan:
            nonlocal least
            if planner.source.beats > least:
                raise PlanError(f"a latency of {least} cycles: a frame's {planner.source.beats} transfers take longer")
            plan = planner.hasty(interval)
            least = min(least, plan.latency)
            return plan

        return self._made(made)

    def _best(self, make: Callable[[Planner], Plan], worth: Callable[[Plan], Any]) -> Plan:
        """The best of what the planners make."""
        return min((plan for _, plan in self._made(make)), key=worth)

    def _made(self, make: Callable[[Planner], Plan]) -> list[tuple[Planner, Plan]]:
        """What the planners make, those with most positions first; the first one's error where none makes any."""
        found, failed = [], []
        for planner in reversed(self.planners):
            try:
                found.append((planner, make(planner)))
            except PlanError as error:
                failed.append(error)
        if not found:
            raise self._helped(failed[0])
        return found[::-1]

    def _helped(self, error: PlanError) -> PlanError:
        """The same; where an interval is too short, with the fewest positions side by side that reach it, if any do."""
        if not isinstance(error, TooShort):
            return error
        for positions in sorted({*numbers(self.network)}):
            least = least_interval(self.network, positions, self.samples)
            if least <= error.interval:
                return error.beside(positions, least)
        return error


def widened(network: Network, positions: int) -> dict[str, int]:
    """How many positions lie side by side behind each layer that leaves it open: the same share of a row as at the entrance.

    A row at the most. Raises PlanError where a layer cannot take so many.
    """
    check_positions(network, positions)
    try:
        kinds = kinds_of(network, positions)
    except Unsuitable as error:
        raise PlanError(str(error)) from None
    width = network.input.tensor.width
    share = min(positions, width)
    found = {name: -(-share * kind.layer.output.width // width) for name, kind in kinds.items() if kind.widens}
    return {name: places for name, places in found.items() if positions > 1 and places > 1}


def least_interval(network: Network, positions: int, samples: int) -> int:
    """Cycles for a frame with so many positions side by side, that no folding can better. Raises PlanError as `widened` does."""
    kinds, times = kinds_of(network, positions, widened(network, positions)), repetitions(network, samples)
    beats = network.input.tensor.layout.side_by_side(positions).beats
    return max(beats, *(times[name] * kind.least_cycles for name, kind in kinds.items()))


def numbers(network: Network) -> Iterator[int]:
    """Numbers of positions side by side that a network's layers can take: powers of two, divisors of a row, and as many rows."""
    height, width, _ = network.input.tensor.shape
    for number in (*_of(width), *(width * rows for rows in _of(height) if rows > 1)):
        try:
            kinds_of(network, number)
        except Unsuitable:
            continue
        yield number


def _of(size: int) -> Iterator[int]:
    """Powers of two up to a size, and its divisors."""
    return (number for number in range(1, size + 1) if number & (number - 1) == 0 or size % number == 0)
