"""The search for foldings: a target interval at least area, on a given part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from sigmabit.golden import Network
from sigmabit.golden.convolution import Convolution
from sigmabit.golden.dense import Dense
from sigmabit.golden.network import Layer
from sigmabit.golden.pool import Pool
from sigmabit.golden.threshold import Threshold

from . import convolution, dense, pool, threshold
from .cost import Cost
from .folding import Folding
from .parts import Part, part
from .plan import Plan, PlanError, make_plan

FILL = 0.85
"""Share of a part's LUTs and registers that a plan may use; the rest is room for routing, by rule of thumb."""


@dataclass(frozen=True)
class Choice:
    """A way to compute one layer."""

    folding: Folding
    cost: Cost


class Planner:
    """Plans for one network on one part."""

    def __init__(self, network: Network, part_name: str, clock_mhz: float) -> None:
        self.network, self.part_name, self.clock_mhz = network, part_name, clock_mhz
        self.part: Part = part(part_name)
        self.weighted = [layer for layer in network.layers if isinstance(layer, Convolution)]
        self.fixed = sum((_fixed_cost(layer) for layer in network.layers if not isinstance(layer, Convolution)), Cost(150, 300))

    def plan(self, interval: int) -> Plan:
        """The smallest plan with an interval of at most `interval` cycles.

        Raises PlanError where no folding is that fast, or where none that is fits the part.
        """
        self._check_reachable(interval)
        choices = {layer.name: choices_for(layer, interval) for layer in self.weighted}
        chosen = self._fit(choices)
        if chosen is None:
            least = self._pick(choices, price=self.part.lut / self.part.bram36)
            total = self._total(least)
            raise PlanError(
                f"an interval of {interval} cycles needs about {total.lut:.0f} LUT and {total.bram36:g} RAMB36; "
                f"{self.part.name} offers {FILL * self.part.lut:.0f} ({FILL:.0%} of {self.part.lut}) and {self.part.bram36}"
            )
        foldings = {name: choice.folding for name, choice in chosen.items()}
        return make_plan(self.network, foldings, self.part_name, self.clock_mhz)

    def fastest(self) -> Plan:
        """The plan with the shortest interval that the part has room for."""
        low = max(least_interval(layer) for layer in self.network.layers)
        low = max(low, self.network.input.tensor.layout.beats)
        try:
            return self.plan(low)
        except PlanError:
            pass
        high = max((_serial_cycles(layer) for layer in self.weighted), default=low)
        best = self.plan(high)
        while low + 1 < high:
            middle = (low + high) // 2
            try:
                best, high = self.plan(middle), middle
            except PlanError:
                low = middle
        return best

    def _check_reachable(self, interval: int) -> None:
        beats = self.network.input.tensor.layout.beats
        if interval < beats:
            raise PlanError(f"an interval of {interval} cycles: the input alone takes {beats}, one per position")
        for layer in self.network.layers:
            if interval < least_interval(layer):
                raise PlanError(
                    f"an interval of {interval} cycles: {layer.name} takes at least {least_interval(layer)}, one per position"
                )

    def _fit(self, choices: dict[str, list[Choice]]) -> dict[str, Choice] | None:
        """The smallest choice for every layer that together fit the part.

        Block RAM is traded for LUTs at a price; the cheapest choice at each price is a point of the trade-off's convex front.
        At first the price is what a part's share of either is worth; it moves only if one of them runs out.
        """
        price = self.part.lut / self.part.bram36
        for _ in range(24):
            chosen = self._pick(choices, price)
            total = self._total(chosen)
            enough_lut = total.lut <= FILL * self.part.lut and total.ff <= FILL * self.part.ff
            enough_ram = total.bram36 <= self.part.bram36
            if enough_lut and enough_ram:
                return chosen
            if not enough_lut and not enough_ram:
                return None
            price *= 0.7 if enough_ram else 1.4
        return None

    def _pick(self, choices: dict[str, list[Choice]], price: float) -> dict[str, Choice]:
        return {
            name: min(found, key=lambda choice: (choice.cost.lut + price * choice.cost.bram36, choice.cost.ff))
            for name, found in choices.items()
        }

    def _total(self, chosen: dict[str, Choice]) -> Cost:
        return sum((choice.cost for choice in chosen.values()), self.fixed)


def choices_for(layer: Convolution, interval: int) -> list[Choice]:
    """For each way to cut a window into chunks, the numbers of lanes that keep up with the interval; weights in logic or in BRAM.

    Only the fewest lanes for each number of repeats are of use. The fewest of all are mostly, but not always, the cheapest.
    """
    found = []
    for group, slices in _cuts(layer):
        chunks = Folding(group, slices, 1).chunks(layer)
        repeats = interval // (layer.window.outputs * chunks)
        if repeats < 1:
            continue
        for lanes in sorted({-(-layer.channels // n) for n in range(1, min(repeats, layer.channels) + 1)}):
            for block in (False, True):
                folding = Folding(group, slices, lanes, block)
                if block and folding.folds(layer) == 1:
                    continue
                found.append(Choice(folding, cost_of(layer, folding)))
    return found


@lru_cache(maxsize=4096)
def cost_of(layer: Convolution, folding: Folding) -> Cost:
    """Expected size of a layer so folded, with a buffer of usual depth."""
    if isinstance(layer, Dense):
        return dense.configure(layer, folding, frames=1, contents=False).cost
    return convolution.configure(layer, folding, rows=layer.window.rows.kernel + 1, contents=False).cost


def least_interval(layer: Layer) -> int:
    """Cycles that no folding can better: one per position in or out."""
    if isinstance(layer, Convolution):
        return layer.window.outputs
    return layer.input.height * layer.input.width


def _serial_cycles(layer: Convolution) -> int:
    return layer.window.outputs * max(Folding(group, slices, 1).chunks(layer) * layer.channels for group, slices in _cuts(layer))


def _cuts(layer: Convolution) -> Iterator[tuple[int, int]]:
    """(group, slices) of every way to cut a window into chunks."""
    if isinstance(layer, Dense):
        yield from ((group, 1) for group in _divisors(layer.window.inputs))
        yield from ((1, slices) for slices in _divisors(layer.input.channels) if slices > 1)
    else:
        for group in sorted({1, layer.window.columns.kernel}):
            yield from ((group, slices) for slices in _divisors(layer.input.channels))


def _divisors(number: int) -> list[int]:
    return [n for n in range(1, number + 1) if number % n == 0]


def _fixed_cost(layer: Layer) -> Cost:
    if isinstance(layer, Pool):
        return pool.configure(layer).cost
    assert isinstance(layer, Threshold)
    return threshold.configure(layer).cost
