"""The search for foldings: a target interval at least area, on a given part."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Network

from ..family import FAMILY, Cost, Part
from ..family.parts import part
from ..layers.folding import Folding
from ..layers.kind import Kind, Use
from ..pipeline.egress import EgressConfig
from ..pipeline.ingress import IngressConfig
from .kinds import kind_of
from .knapsack import Table, front, grained, smallest
from .plan import Plan, PlanError, check_samples, make_plan, repetitions

FILL = 0.85
"""Share of a part's LUTs and registers that a plan may use; the rest is room for routing, by rule of thumb."""

STEP = 1.01
"""Least ratio between the intervals of a sweep."""


RESOURCES = FAMILY.resources
"""Of a part, in the order in which a plan is to have few of them, and what they are called."""


@dataclass(frozen=True)
class Choice:
    """A way to compute one layer."""

    folding: Folding
    cycles: int
    cost: Cost


class Choices:
    """Every useful way to compute one layer, and what it costs, which is reckoned when it first matters.

    repetitions: how often the layer works for one frame. costs: (choices, resources), NaN where not reckoned yet.
    """

    def __init__(self, kind: Kind[Any], repetitions: int, use: Use) -> None:
        self.kind, self.use = kind, use
        self.foldings = list(kind.foldings())
        self.cycles = repetitions * np.array([kind.cycles(folding) for folding in self.foldings], np.int64)
        self.costs = np.full((len(self.foldings), len(RESOURCES)), np.nan)
        self._fastest_first = np.argsort(self.cycles, kind="stable")
        self._fronts = {0: np.zeros(0, np.intp)}

    def front(self, interval: int) -> NDArray[np.intp]:
        """The choices that keep up with the interval, without those that another one equals or betters in every resource."""
        count = int(np.searchsorted(self.cycles[self._fastest_first], interval, side="right"))
        if count not in self._fronts:
            fewer = max(known for known in self._fronts if known < count)
            more, before = self._fastest_first[fewer:count], self._fronts[fewer]
            for number in more[np.isnan(self.costs[more, 0])]:
                self.costs[number] = grained(_row(self.kind.expected_cost(self.foldings[number], self.use)))
            rivals = np.sort(np.concatenate([before, more]))
            found = np.sort(rivals[front(self.costs[rivals])])
            self._fronts[count] = before if np.array_equal(found, before) else found
        return self._fronts[count]

    def choice(self, number: int) -> Choice:
        """The choice of a number."""
        return Choice(self.foldings[number], int(self.cycles[number]), Cost(*self.costs[number].tolist()))


Chosen = Mapping[str, Choice]
"""A choice for each layer that has any, by the layer's name."""


class Planner:
    """Plans for one network on one part; of LUTs and registers alone if logic_only."""

    def __init__(self, network: Network, part_name: str, clock_mhz: float, samples: int = 1, logic_only: bool = False) -> None:
        check_samples(network, samples)
        self.network, self.part_name, self.clock_mhz, self.samples = network, part_name, clock_mhz, samples
        self.repetitions = repetitions(network, samples)
        self.part: Part = replace(part(part_name), bram36=0, dsp=0) if logic_only else part(part_name)
        self.kinds = {layer.name: kind_of(layer) for layer in network.layers}
        uses = {name: Use(samples, self._shortest // self.repetitions[name]) for name in self.kinds}
        choices = {name: Choices(kind, self.repetitions[name], uses[name]) for name, kind in self.kinds.items()}
        self.choices = {name: found for name, found in choices.items() if found.foldings}
        costs = (kind.expected_cost(None, uses[name]) for name, kind in self.kinds.items() if name not in self.choices)
        self.fixed = sum(costs, _ends_cost(network, samples))

    def plan(self, interval: int) -> Plan:
        """The smallest plan with an interval of at most `interval` cycles.

        Raises PlanError where no folding is that fast, or where none that is fits the part.
        """
        self._check_reachable(interval)
        chosen = self._fit(interval)
        if chosen is None:
            raise PlanError(f"an interval of {interval} cycles {self._shortage(interval)}")
        return self._plan(chosen)

    def fastest(self) -> Plan:
        """The plan with the shortest interval that the part has room for. Raises PlanError where it has none for any."""
        return self._plan(self._fastest()[1])

    def sweep(self) -> Iterator[Plan]:
        """The front of interval against LUTs, from the fastest plan on: every further one is smaller than all that are faster.

        Each is what `plan` makes for its interval. Intervals lie at least STEP apart.
        """
        fastest, best = self._fastest()
        least = self._plan(best, contents=False).cost.lut
        plan = self._plan(best)
        yield plan
        fronts = self._fronts(fastest)
        for interval in self.intervals:
            if interval < max(fastest + 1, STEP * plan.interval):
                continue
            before, fronts = fronts, self._fronts(interval)
            if all(after is front for after, front in zip(fronts, before, strict=True)):
                continue
            earlier, best = best, self._fit(interval) or best
            # with its weights a plan takes ten times as long, and costs nearly the same
            if best != earlier and (estimate := self._plan(best, contents=False).cost.lut) < least:
                slower = self._plan(best)
                if slower.cost.lut < plan.cost.lut:
                    plan, least = slower, estimate
                    yield plan

    def _plan(self, chosen: Chosen, contents: bool = True) -> Plan:
        foldings = {name: choice.folding for name, choice in chosen.items()}
        return make_plan(self.network, foldings, self.part_name, self.clock_mhz, samples=self.samples, contents=contents)

    @property
    def intervals(self) -> list[int]:
        """Those that matter, in order: the shortest that no folding can better, and each that takes some layer just as long."""
        shortest = self._shortest
        of_layers = np.concatenate([[shortest], *(choices.cycles for choices in self.choices.values())])
        return np.unique(of_layers[of_layers >= shortest]).tolist()

    def _fastest(self) -> tuple[int, Chosen]:
        """The shortest interval that the part has room for, and the choices for it.

        Longer intervals leave more choices, so that all that are longer than one that fits do fit.
        """
        intervals = self.intervals
        low, high, step, found = -1, 0, 1, None
        while (found := self._fit(intervals[high])) is None:
            if high == len(intervals) - 1:
                raise PlanError(f"even an interval of {intervals[high]} cycles {self._shortage(intervals[high])}")
            low, high, step = high, min(high + step, len(intervals) - 1), 2 * step
        while low + 1 < high:
            middle = (low + high) // 2
            chosen = self._fit(intervals[middle])
            if chosen is None:
                low = middle
            else:
                found, high = chosen, middle
        return intervals[high], found

    @property
    def _shortest(self) -> int:
        """The shortest interval that no folding can better."""
        return max(self.network.input.tensor.layout.beats, *map(self._least_interval, self.kinds))

    def _least_interval(self, name: str) -> int:
        """Cycles for one frame, where a layer needs so many for each sample, that no folding can better."""
        return self.repetitions[name] * self.kinds[name].least_cycles

    def _check_reachable(self, interval: int) -> None:
        beats = self.network.input.tensor.layout.beats
        if interval < beats:
            raise PlanError(f"an interval of {interval} cycles: the input alone takes {beats}, one per position")
        for name in self.kinds:
            least = self._least_interval(name)
            if interval < least:
                samples = self.repetitions[name]
                each = f"{least // samples} for each of {samples} samples" if samples > 1 else "one per position"
                raise PlanError(f"an interval of {interval} cycles: {name} takes at least {least}, {each}")

    @property
    def room(self) -> NDArray[np.float64]:
        """(resources,) what a plan may use of the part."""
        return np.array([FILL * self.part.lut, FILL * self.part.ff, self.part.bram36, self.part.dsp])

    def _fronts(self, interval: int) -> list[NDArray[np.intp]]:
        return [choices.front(interval) for choices in self.choices.values()]

    def _fit(self, interval: int) -> Chosen | None:
        """The smallest choices that keep up with a reachable interval and together fit the part; None where none do."""
        fronts = self._fronts(interval)
        tables = [choices.costs[front] for choices, front in zip(self.choices.values(), fronts, strict=True)]
        rows = smallest(tables, self.room - grained(_row(self.fixed)))
        if rows is None:
            return None
        numbers = [int(front[row]) for front, row in zip(fronts, rows, strict=True)]
        return {name: choices.choice(number) for (name, choices), number in zip(self.choices.items(), numbers, strict=True)}

    def _shortage(self, interval: int) -> str:
        """What an interval for which nothing fits needs more of than there is: as few resources as can be blamed."""
        tables = [choices.costs[choices.front(interval)] for choices in self.choices.values()]
        fixed = grained(_row(self.fixed))
        names = list(RESOURCES.values())
        for size in range(1, len(names) + 1):
            for short in combinations(range(len(names)), size):
                room = self.room - fixed
                room[list(short)] = np.inf
                least = [_least(tables, room, number) for number in short]
                if None not in least:
                    needs = " and ".join(f"{fixed[n] + few:,.10g} {names[n]}" for n, few in zip(short, least, strict=True))
                    offers = " and ".join(self._offer(n) for n in short)
                    return f"needs at least {needs}, whatever else is used; {self.part.name} offers {offers}"
        raise AssertionError("with all of everything nothing fits")

    def _offer(self, number: int) -> str:
        """What there is of a resource, and how it is reckoned."""
        whole = getattr(self.part, list(RESOURCES)[number])
        room = self.room[number]
        return f"{whole:,}" if room == whole else f"{math.floor(room):,} ({FILL:.0%} of {whole:,})"


def _row(cost: Cost) -> NDArray[np.float64]:
    """(resources,) of a cost."""
    return np.array([getattr(cost, resource) for resource in RESOURCES])


def _least(tables: Sequence[Table], room: NDArray[np.float64], number: int) -> float | None:
    """The least of one resource that any choices within the room need; None where none are."""
    order = np.roll(np.arange(len(room)), -number)
    rows = smallest([table[:, order] for table in tables], room[order])
    return None if rows is None else float(sum(table[row, number] for table, row in zip(tables, rows, strict=True)))


INSIDE = 5
"""Frames that are inside at once, as exits are reckoned before a plan is made: four to six are, where an exit is large."""


def _ends_cost(network: Network, samples: int) -> Cost:
    """Expected size of entrance and exit; the latter holds the results of all frames that are inside."""
    taken, result = network.input.tensor, network.result
    beats = taken.layout.beats
    entrance = IngressConfig(beats, taken.channels, taken.bits, pace=1, interval=beats, frames=INSIDE)
    leaving = EgressConfig(result.beats, result.channels, result.bits, result.signed, INSIDE, samples)
    ends = entrance.cost + leaving.cost
    return Cost(max(ends.lut, 150), max(ends.ff, 300))  # counters of a longer interval are wider
