"""The search for foldings: a target interval at least area, on a given part."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Network
from sigmabit.golden.types.layout import Layout

from ..family import WHOLE, Cost, Family, Part, Room
from ..family.parts import family_of, part
from ..layers.folding import Folding, Unsuitable
from ..layers.kind import Kind, Use
from ..pipeline.egress import EgressConfig
from ..pipeline.ingress import IngressConfig
from .kinds import kinds_of
from .knapsack import Table, front, grained, lightest, smallest
from .plan import Plan, PlanError, check_positions, check_samples, make_plan, repetitions

STEP = 1.01
"""Least ratio between the intervals of a sweep."""


SWEPT = 1.5
"""Least ratio between the bounds on cycles of a sweep over latencies, and the least between its latencies is its fourth root."""

ROOMS = 3
"""Bounds on the delays that are tried for each of those, the least among them."""

COARSE = 1.2
"""Least ratio between the bounds on cycles that are tried for a latency."""

SCARCE = 0.9
"""Share of a part's multipliers from which on a plan may be short of them."""

USUAL = ("single", "planes")
"""How products are made where multipliers are not scarce."""

UNLIMITED = float(1 << 31)
"""Cycles that no delays come to, and multipliers that no plan needs."""

RESOURCES = "lut", "ff", "bram36", "dsp"
"""Of a part, in the order in which a plan is to have few of them."""


@dataclass(frozen=True)
class Choice:
    """A way to compute one layer."""

    folding: Folding
    cycles: int
    cost: Cost


class Starved(PlanError):
    """There is no plan, but with more multipliers there might be one."""


class TooShort(PlanError):
    """An interval that no folding reaches. why: what takes longer."""

    def __init__(self, interval: int, why: str, helps: str = "") -> None:
        super().__init__(f"an interval of {interval} cycles: {why}{helps}")
        self.interval, self.why = interval, why

    def beside(self, positions: int, least: int) -> TooShort:
        """The same, where a frame may take `least` cycles with more positions side by side."""
        helps = f"; with --positions {positions} a frame may take {least}, and --positions auto finds the best number"
        return type(self)(self.interval, self.why, helps)


class Late(PlanError):
    """No plan has so small a latency."""

    def __init__(self, latency: int, interval: int | None, part_name: str, nearest: Plan | None) -> None:
        bound = "" if interval is None else f" with an interval of {interval} cycles"
        where = f"{bound} on {part_name}"
        found = f"none was found{where}"
        if nearest is not None:
            name, cycles = nearest.slowest
            found = f"{nearest.latency:,} is the least that was found{where}; {name} takes {cycles:,} of them"
        super().__init__(f"a latency of {latency} cycles: {found}")
        self.target, self.nearest = (latency, interval, part_name), nearest

    def beside(self, hasty: Plan) -> Late:
        """The same, where another plan may be nearer."""
        return type(self)(*self.target, min(self.nearest or hasty, hasty, key=lambda plan: plan.latency))


class StarvedLate(Late, Starved):
    """Both."""


class Choices:
    """Every useful way to compute one layer, and what it costs, which is reckoned when it first matters.

    repetitions: how often the layer works for one frame. costs: (choices, resources), NaN where not reckoned yet. Behind those
    that an interval may take stand those that hasten results.
    """

    def __init__(self, kind: Kind[Any], repetitions: int, use: Use, every_way: bool = False) -> None:
        self.kind, self.use = kind, use
        offered = (folding for folding in kind.foldings() if every_way or folding.products in USUAL)
        usual = [folding for folding in offered if not folding.block or kind.folds(folding) >= use.family.ram_words]
        self.foldings = [*usual, *(sooner for folding in usual for sooner in kind.hastened(folding))]
        self.cycles = repetitions * np.array([kind.cycles(folding) for folding in self.foldings], np.int64)
        self.costs = np.full((len(self.foldings), len(RESOURCES)), np.nan)
        self._fastest_first = np.argsort(self.cycles[: len(usual)], kind="stable")
        self._fronts = {0: np.zeros(0, np.intp)}
        self._delayed_fronts: dict[int, NDArray[np.intp]] = {}

    @cached_property
    def delays(self) -> NDArray[np.float64]:
        """(choices,) cycles by which each delays a frame."""
        return np.array([self.kind.delay(folding) for folding in self.foldings], np.float64)

    @cached_property
    def laborious(self) -> NDArray[np.bool_]:
        """(choices,) whose latency takes long to find."""
        return np.array([self.kind.laborious(folding) for folding in self.foldings], np.bool_)

    def front(self, interval: int) -> NDArray[np.intp]:
        """The choices that keep up with the interval, without those that another one equals or betters in every resource."""
        count = int(np.searchsorted(self.cycles[self._fastest_first], interval, side="right"))
        if count not in self._fronts:
            fewer = max(known for known in self._fronts if known < count)
            more, before = self._fastest_first[fewer:count], self._fronts[fewer]
            self._reckon(more)
            rivals = np.sort(np.concatenate([before, more]))
            found = np.sort(rivals[front(self.costs[rivals])])
            self._fronts[count] = before if np.array_equal(found, before) else found
        return self._fronts[count]

    def _reckon(self, numbers: NDArray[np.intp]) -> None:
        """The costs of choices, where they are not known."""
        for number in numbers[np.isnan(self.costs[numbers, 0])]:
            self.costs[number] = grained(_row(self.kind.expected_cost(self.foldings[number], self.use)))

    def delayed_front(self, interval: int) -> NDArray[np.intp]:
        """Likewise, of all choices, where one that delays a frame less has its worth, too."""
        if interval not in self._delayed_fronts:
            rivals = np.flatnonzero(self.cycles <= interval)
            soon = rivals[~self.laborious[rivals]]
            rivals = soon if len(soon) else rivals
            self._reckon(rivals)
            table = np.column_stack([self.costs[rivals], self.delays[rivals]])
            self._delayed_fronts[interval] = np.sort(rivals[front(table)])
        return self._delayed_fronts[interval]

    def choice(self, number: int) -> Choice:
        """The choice of a number."""
        return Choice(self.foldings[number], int(self.cycles[number]), Cost(*self.costs[number].tolist()))


Chosen = Mapping[str, Choice]
"""A choice for each layer that has any, by the layer's name."""


class Planner:
    """Plans for one network on one part, with so many positions side by side at the entrance, and behind the layers that `wide`
    names; within what `room` leaves of the part.

    Products have one multiplier each until multipliers are what a plan is short of; only then are the other ways to make them
    (every_way) weighed, too, since there are several times as many choices then, and the best of them is hard to tell.
    """

    def __init__(
        self,
        network: Network,
        part_name: str,
        clock_mhz: float,
        samples: int = 1,
        room: Room = WHOLE,
        positions: int = 1,
        wide: Mapping[str, int] | None = None,
        every_way: bool = False,
    ) -> None:
        check_samples(network, samples)
        check_positions(network, positions)
        self.source = network.input.tensor.layout.side_by_side(positions)
        self.network, self.part_name, self.clock_mhz, self.samples = network, part_name, clock_mhz, samples
        self.wide, self.limits, self.every_way = wide, room, every_way
        self.repetitions = repetitions(network, samples)
        self.part: Part = room.of(part(part_name))
        self.family = family_of(part(part_name))
        try:
            self.kinds = kinds_of(network, positions, wide)
        except Unsuitable as error:
            raise PlanError(str(error)) from None
        uses = {name: Use(self.family, samples, self._shortest // self.repetitions[name]) for name in self.kinds}
        choices = {name: Choices(kind, self.repetitions[name], uses[name], every_way) for name, kind in self.kinds.items()}
        self.choices = {name: found for name, found in choices.items() if found.foldings}
        costs = (kind.expected_cost(None, uses[name]) for name, kind in self.kinds.items() if name not in self.choices)
        result = self.kinds[network.layers[-1].name].source
        self.fixed = sum(costs, _ends_cost(self.family, self.source, result, samples))

    def plan(self, interval: int) -> Plan:
        """The smallest plan with an interval of at most `interval` cycles.

        Raises PlanError where no folding is that fast, or where none that is fits the part.
        """
        self._check_reachable(interval)
        return self._best(lambda planner: planner._smallest(interval), lambda plan: plan.cost.lut)

    def _smallest(self, interval: int) -> Plan:
        chosen = self._fit(interval)
        if chosen is None:
            raise self._unfit("an interval", interval)
        return self._plan(chosen)

    def fastest(self) -> Plan:
        """The plan with the shortest interval that the part has room for. Raises PlanError where it has none for any."""
        return self._best(lambda planner: planner._plan(planner._fastest()[1]), lambda plan: (plan.interval, plan.cost.lut))

    def _best(self, search: Callable[[Planner], Plan], rank: Callable[[Plan], Any]) -> Plan:
        """What a search finds; where multipliers are short, the better of that and of what it finds with every way to multiply.

        Raises what the last search raised, if none finds any.
        """
        short: PlanError | None = None
        found: list[Plan] = []
        try:
            found.append(search(self))
        except Starved as error:
            short = error
        if self._other_ways and (short or self._scarce(found[0].cost.dsp)):
            try:
                found.append(search(self._with_every_way))
            except PlanError as error:
                short = error
        if not found:
            assert short is not None
            raise short
        return min(found, key=rank)

    def _scarce(self, multipliers: float) -> bool:
        """Are these as many multipliers as may stand in the way of a better plan?"""
        return multipliers >= SCARCE * self.part.dsp

    @cached_property
    def _with_every_way(self) -> Planner:
        network, positions = self.network, self.source.positions
        found = Planner(network, self.part_name, self.clock_mhz, self.samples, self.limits, positions, self.wide, True)
        found.part = self.part
        return found

    @property
    def _other_ways(self) -> bool:
        """Is there any product that could be made in another way than it is?"""
        return not self.every_way and any(
            folding.products not in USUAL for choices in self.choices.values() for folding in choices.kind.foldings()
        )

    def within(self, interval: int | None, latency: int) -> Plan:
        """The smallest plan that is found with an interval, if one is given, and a latency of so many cycles at the most.

        What hastens results is taken where it is needed, and where `plan` finds nothing that is in time. A latency is known when
        a plan is made. Delays, which add up, are bounded such that the plans for them come below it, for every bound in steps of
        COARSE on the cycles that a layer may take for a frame. Raises PlanError where none is found.
        """
        longest = interval or self.intervals[-1]
        self._check_reachable(longest)
        return self._best(lambda planner: planner._within(interval, latency), lambda plan: plan.cost.lut)

    def _within(self, interval: int | None, latency: int) -> Plan:
        longest = interval or self.intervals[-1]
        best: tuple[float, Chosen] | None = None
        nearest: Plan | None = None
        busy, multipliers, starved = math.inf, 0.0, False
        # what keeps a layer busy for longer than the latency gives no result in time
        soon = min(longest, max(latency, self._shortest))
        usual = self._fit(soon)
        if usual is not None and self._plan(usual, contents=False).latency <= latency:
            return self._plan(usual)
        for most in self._steps(soon):
            if most >= busy:
                continue  # the same as for more cycles
            relaxed = self._fit_delayed(most, UNLIMITED)
            hasty = self._fit_delayed(most, None)
            if relaxed is None or hasty is None:
                starved = best is None and self._starved(most)
                break
            if best is not None and _lut(relaxed) >= best[0]:
                break  # fewer cycles leave fewer choices
            least, room, busy = self._delay(hasty), float(latency), _busy(hasty)
            multipliers = max(multipliers, _multipliers(hasty))
            while (chosen := self._fit_delayed(most, max(room, least))) is not None:
                busy = max(busy, _busy(chosen))
                plan = self._plan(chosen, contents=False)
                over = plan.latency - latency
                nearest = min(nearest or plan, plan, key=lambda found: found.latency)
                if over <= 0:
                    best = min(best or (math.inf, chosen), (_lut(chosen), chosen), key=lambda found: found[0])
                if over <= 0 or room <= least:
                    break
                room = self._delay(chosen) - max(1, over // 2)  # fewer folds may make a block slower
        if best is None:
            raise (StarvedLate if starved or self._scarce(multipliers) else Late)(latency, interval, self.part.name, nearest)
        return self._plan(best[1])

    def quickest(self, interval: int | None = None) -> Plan:
        """The plan with the least latency that is found, and of those the smallest; of at most such an interval."""
        return self.as_soon(self.hasty(interval), interval)

    def as_soon(self, hasty: Plan, interval: int | None = None) -> Plan:
        """The smallest plan that is found with the latency of one that `hasty` gave, which is taken itself if none is."""
        try:
            return self.within(interval, hasty.latency)
        except PlanError:
            foldings = {layer.name: layer.folding for layer in hasty.layers if layer.folding is not None}
            return self._made(foldings)

    def hasty(self, interval: int | None = None) -> Plan:
        """A plan with the least latency that is found, of at most such an interval, without its weights and whatever its area."""
        self._check_reachable(interval or self.intervals[-1])
        return self._best(lambda planner: planner._hasty(interval), lambda plan: (plan.latency, plan.cost.lut))

    def _hasty(self, interval: int | None) -> Plan:
        longest = interval or self.intervals[-1]
        found: list[Plan] = []
        busy = math.inf
        for most in self._steps(longest):
            if most >= busy:
                continue  # the same as for more cycles
            chosen = self._fit_delayed(most, None)
            if chosen is None:
                break
            busy = _busy(chosen)
            found.append(self._plan(chosen, contents=False))
        if not found:
            raise self._unfit("an interval", longest)
        return min(found, key=lambda plan: (plan.latency, plan.interval))

    def _steps(self, interval: int, ratio: float = COARSE) -> Iterator[int]:
        """Intervals up to one, from it down: those in steps of a ratio at least from the shortest on, whatever the longest is."""
        found = [0]
        for each in self.intervals:
            if ratio * found[-1] <= each <= interval:
                found.append(each)
        longest = max(each for each in self.intervals if each <= interval)
        yield from sorted({longest, *found[1:]}, reverse=True)

    def _delay(self, chosen: Chosen) -> float:
        """Cycles by which the choices delay a frame."""
        return float(sum(self.choices[name].kind.delay(choice.folding) for name, choice in chosen.items()))

    def _fit_delayed(self, interval: int, most: float | None) -> Chosen | None:
        """The smallest choices as `_fit` has them whose delays come to `most` cycles at the most; without it, those of the least
        delay.
        """
        fronts = [choices.delayed_front(interval) for choices in self.choices.values()]
        room = np.append(self.room - grained(_row(self.fixed)), UNLIMITED if most is None else most)
        tables = [
            np.column_stack([choices.costs[rows], choices.delays[rows]])
            for choices, rows in zip(self.choices.values(), fronts, strict=True)
        ]
        if most is None:
            tables, room = [np.roll(table, 1, axis=1) for table in tables], np.roll(room, 1)
        rows = lightest(tables, room)
        if rows is None:
            return None
        numbers = [int(front[row]) for front, row in zip(fronts, rows, strict=True)]
        return {name: choices.choice(number) for (name, choices), number in zip(self.choices.items(), numbers, strict=True)}

    def sweep(self) -> Iterator[Plan]:
        """The front of interval against LUTs, from the fastest plan on: every further one is smaller than all that are faster.

        Each is what `plan` makes for its interval. Intervals lie at least STEP apart.
        """
        if self._other_ways and self._hungry:
            yield from self._with_every_way.sweep()
            return
        fastest, best = self._fastest()
        plan = self._plan(best)
        least = self._plan(best, contents=False).cost.lut
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

    def sweep_latency(self) -> Iterator[Plan]:
        """The front of latency against LUTs, from the plan of the least latency found on: every further one is smaller than all
        that are sooner.

        Bounds on the cycles per frame in steps of SWEPT are each joined to ROOMS on the delays. So `within` may find a smaller
        plan for a latency.
        """
        if self._other_ways and self._hungry:
            yield from self._with_every_way.sweep_latency()
            return
        found = [(self._plan(chosen, contents=False), chosen) for chosen in self._sooner()]
        soon, least, smallest = 0.0, math.inf, math.inf
        for estimate, chosen in sorted(found, key=lambda each: (each[0].latency, each[0].cost.lut)):
            if estimate.latency < soon or estimate.cost.lut >= least:
                continue
            plan, least = self._plan(chosen), estimate.cost.lut
            if plan.cost.lut < smallest:
                soon, smallest = plan.latency * SWEPT**0.25, plan.cost.lut
                yield plan

    def _sooner(self) -> Iterator[Chosen]:
        """Choices between the smallest and those of the least delay, for bounds on the cycles per frame from the longest down."""
        busy = math.inf
        for most in self._steps(self.intervals[-1], SWEPT):
            if most >= busy:
                continue  # the same as for more cycles
            relaxed, hasty = self._fit(most), self._fit_delayed(most, None)
            if relaxed is None or hasty is None:
                return
            yield from (relaxed, hasty)
            busy = max(_busy(relaxed), _busy(hasty))
            least, room = max(1.0, self._delay(hasty)), self._delay(relaxed)
            for number in range(1, ROOMS):
                chosen = self._fit_delayed(most, least * (room / least) ** (number / ROOMS)) if room > least else None
                if chosen is not None:
                    yield chosen

    @property
    def _hungry(self) -> bool:
        """Is the fastest plan short of multipliers?"""
        try:
            return self._scarce(_multipliers(self._fastest()[1]))
        except Starved:
            return True

    def _plan(self, chosen: Chosen, contents: bool = True) -> Plan:
        return self._made({name: choice.folding for name, choice in chosen.items()}, contents)

    def _made(self, foldings: Mapping[str, Folding], contents: bool = True) -> Plan:
        name, clock_mhz, positions = self.part_name, self.clock_mhz, self.source.positions
        return make_plan(self.network, foldings, name, clock_mhz, None, self.samples, contents, positions, self.wide)

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
                raise self._unfit("even an interval", intervals[high])
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
        return max(self.source.beats, *map(self._least_interval, self.kinds))

    def _least_interval(self, name: str) -> int:
        """Cycles for one frame, where a layer needs so many for each sample, that no folding can better."""
        return self.repetitions[name] * self.kinds[name].least_cycles

    def _check_reachable(self, interval: int) -> None:
        beats, side_by_side = self.source.beats, self.source.positions
        if interval < beats:
            each = "one per position" if side_by_side == 1 else f"{side_by_side} positions each"
            raise TooShort(interval, f"the input alone takes {beats}, {each}")
        for name in self.kinds:
            least = self._least_interval(name)
            if interval < least:
                samples = self.repetitions[name]
                each = f"{least // samples} for each of {samples} samples" if samples > 1 else "one per position"
                raise TooShort(interval, f"{name} takes at least {least}, {each}")

    def fits(self, plan: Plan) -> bool:
        """Is there room for a plan, now that its weights are known?"""
        return bool(np.all(_row(plan.cost) <= self.room))

    @property
    def room(self) -> NDArray[np.float64]:
        """(resources,) what a plan may use of the part."""
        return self._shares * [getattr(self.part, resource) for resource in RESOURCES]

    @property
    def _shares(self) -> NDArray[np.float64]:
        """(resources,) the share of each that may be used."""
        return np.array([self.family.fill, self.family.fill, self.family.ram_fill, 1])

    def _fronts(self, interval: int) -> list[NDArray[np.intp]]:
        return [choices.front(interval) for choices in self.choices.values()]

    def _fit(self, interval: int) -> Chosen | None:
        """The smallest choices that keep up with a reachable interval and together fit the part; None where none do."""
        fronts = self._fronts(interval)
        tables = [choices.costs[front] for choices, front in zip(self.choices.values(), fronts, strict=True)]
        rows = smallest(tables, self.room - grained(_row(self.fixed)), exact=not self.every_way)
        if rows is None:
            return None
        numbers = [int(front[row]) for front, row in zip(fronts, rows, strict=True)]
        return {name: choices.choice(number) for (name, choices), number in zip(self.choices.items(), numbers, strict=True)}

    def _unfit(self, what: str, interval: int) -> PlanError:
        """The error of an interval for which nothing fits."""
        error = Starved if self._starved(interval) else PlanError
        return error(f"{what} of {interval} cycles {self._shortage(interval)}")

    def _starved(self, interval: int) -> bool:
        """Would anything fit for an interval, if only there were multipliers enough?"""
        room = self.room - grained(_row(self.fixed))
        room[list(RESOURCES).index("dsp")] = UNLIMITED
        tables = [choices.costs[front] for choices, front in zip(self.choices.values(), self._fronts(interval), strict=True)]
        return smallest(tables, room, exact=False) is not None

    def _shortage(self, interval: int) -> str:
        """What an interval for which nothing fits needs more of than there is: the worst of what no use of others helps; or else
        as few resources as can be blamed, and of these those that fall short by the least.
        """
        tables = [choices.costs[choices.front(interval)] for choices in self.choices.values()]
        fixed = grained(_row(self.fixed))
        numbers = range(len(RESOURCES))
        free = np.full(len(RESOURCES), np.inf)
        alone = {n: each for n in numbers if (each := _least(tables, free, n)) is not None}
        lacks = {
            n: (fixed[n] + sum(least)) / self.room[n] if self.room[n] else np.inf for n, least in alone.items() if sum(least)
        }
        worst = max(lacks, key=lambda n: lacks[n], default=None)
        if worst is not None and lacks[worst] > 1:
            return self._short({worst: alone[worst]}, "whatever else is used")
        for size in range(1, len(RESOURCES) + 1):
            found: list[dict[int, list[float]]] = []
            for short in combinations(numbers, size):
                room = self.room - fixed
                room[list(short)] = np.inf
                least = {n: each for n in short if (each := _least(tables, room, n)) is not None}
                if len(least) == size:
                    found.append(least)
            if found:
                by = [max((fixed[n] + sum(each)) / max(self.room[n], 1) for n, each in least.items()) for least in found]
                least = found[int(np.argmin(by))]
                others = [n for n in numbers if n not in least]
                names = " and ".join(self.family.resources[RESOURCES[n]] for n in others)
                return self._short(least, f"with no more {names} than there are" if others else "all at once")
        raise AssertionError("with all of everything nothing fits")

    def _short(self, least: Mapping[int, Sequence[float]], how: str) -> str:
        """What falls short, by the least that each choice takes of it, and which takes most."""
        names = [self.family.resources[resource] for resource in RESOURCES]
        fixed = grained(_row(self.fixed))
        needs = " and ".join(f"{_halves(n, fixed[n] + sum(each)):,.10g} {names[n]}" for n, each in least.items())
        offers = " and ".join(self._offer(n) for n in least)
        first, each = next(iter(least.items()))
        most = f"{list(self.choices)[int(np.argmax(each))]} alone takes {_halves(first, max(each)):,.10g} {names[first]}"
        return f"needs at least {needs}, {how}; {self.part.name} offers {offers}; {most}"

    def _offer(self, number: int) -> str:
        """What there is of a resource, and how it is reckoned."""
        whole = getattr(self.part, RESOURCES[number])
        room = self.room[number]
        if whole == getattr(self.limits, RESOURCES[number], None):
            return f"{whole:,.10g}, all that may be used"
        return f"{whole:,}" if room == whole else f"{math.floor(room):,} ({self._shares[number]:.0%} of {whole:,})"


def _lut(chosen: Chosen) -> float:
    """LUTs of all choices."""
    return sum(choice.cost.lut for choice in chosen.values())


def _busy(chosen: Chosen) -> int:
    """Cycles for which a frame keeps the layer busy that it keeps busy longest."""
    return max((choice.cycles for choice in chosen.values()), default=0)


def _multipliers(chosen: Chosen) -> float:
    """DSP48 of all choices."""
    return sum(choice.cost.dsp for choice in chosen.values())


def _row(cost: Cost) -> NDArray[np.float64]:
    """(resources,) of a cost."""
    return np.array([getattr(cost, resource) for resource in RESOURCES])


def _halves(resource: int, amount: float) -> float:
    """So much of a resource, rounded up for people: block RAM comes in halves, all else whole."""
    parts = 2 if RESOURCES[resource] == "bram36" else 1
    return math.ceil(parts * amount) / parts


def _least(tables: Sequence[Table], room: NDArray[np.float64], number: int) -> list[float] | None:
    """What each of the choices within the room that need the least of one resource takes of it; None where none are."""
    order = np.roll(np.arange(len(room)), -number)
    rows = smallest([table[:, order] for table in tables], room[order])
    return None if rows is None else [float(table[row, number]) for table, row in zip(tables, rows, strict=True)]


INSIDE = 5
"""Frames that are inside at once, as exits are reckoned before a plan is made: four to six are, where an exit is large."""


def _ends_cost(family: Family, source: Layout, result: Layout, samples: int) -> Cost:
    """Expected size of entrance and exit; the latter holds the results of all frames that are inside."""
    beats = source.beats
    entrance = IngressConfig(beats, source.positions * source.channels, source.bits, pace=1, interval=beats, frames=INSIDE)
    leaving = EgressConfig(result.beats, result.positions * result.channels, result.bits, result.signed, INSIDE, samples)
    ends = entrance.bill(family) + leaving.bill(family)
    return Cost(max(ends.lut, 150), max(ends.ff, 300), ends.bram36)  # counters of a longer interval are wider
