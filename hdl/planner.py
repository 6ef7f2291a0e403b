"""The search for foldings: a target interval at least area, on a given part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sigmabit.golden import Network
from sigmabit.golden.fixed import Fixed
from sigmabit.golden.latent import Latent
from sigmabit.golden.linear import Linear
from sigmabit.golden.network import Layer
from sigmabit.golden.pool import Pool
from sigmabit.golden.shuffle import Shuffle
from sigmabit.golden.threshold import Threshold

from . import convolution, dense, latent, pool, shuffle, threshold, unrolled
from .cost import Cost
from .folding import Folding
from .parts import Part, part
from .plan import Plan, PlanError, check_samples, least_cycles, make_plan, repetitions
from .rom import BANK
from .sampler import SamplerConfig

FILL = 0.85
"""Share of a part's LUTs and registers that a plan may use; the rest is room for routing, by rule of thumb."""

STEP = 1.01
"""Least ratio between the intervals of a sweep."""


@dataclass(frozen=True)
class Prices:
    """What a RAMB36 and a DSP48 are worth, in LUTs."""

    bram36: float
    dsp: float


@dataclass(frozen=True)
class Choice:
    """A way to compute one layer."""

    folding: Folding
    cycles: int
    cost: Cost


class Choices:
    """Every useful way to compute one layer, and what it costs, which is reckoned when it first matters.

    repetitions: how often the layer works for one frame.
    """

    def __init__(self, layer: Linear, repetitions: int) -> None:
        self.layer = layer
        self.foldings = list(foldings_of(layer))
        self.cycles = repetitions * layer.window.outputs * np.array([folding.folds(layer) for folding in self.foldings])
        self._costs = np.full((len(self.foldings), 4), np.nan)

    def cheapest(self, interval: int, prices: Prices) -> Choice:
        """The smallest choice that keeps up with the interval; of equals, the one with the fewest registers."""
        fast_enough = np.flatnonzero(self.cycles <= interval)
        for number in fast_enough[np.isnan(self._costs[fast_enough, 0])]:
            cost = cost_of(self.layer, self.foldings[number])
            self._costs[number] = cost.lut, cost.ff, cost.bram36, cost.dsp
        lut, ff, bram36, dsp = self._costs[fast_enough].T
        worth = lut + prices.bram36 * bram36 + prices.dsp * dsp
        least = np.flatnonzero(worth == worth.min())
        best = int(fast_enough[least[ff[least].argmin()]])
        return Choice(self.foldings[best], int(self.cycles[best]), Cost(*self._costs[best].tolist()))


class Planner:
    """Plans for one network on one part."""

    def __init__(self, network: Network, part_name: str, clock_mhz: float, samples: int = 1) -> None:
        check_samples(network, samples)
        self.network, self.part_name, self.clock_mhz, self.samples = network, part_name, clock_mhz, samples
        self.repetitions = repetitions(network, samples)
        self.part: Part = part(part_name)
        weighted = [layer for layer in network.layers if isinstance(layer, Linear)]
        unweighted = [layer for layer in network.layers if not isinstance(layer, Linear)]
        self.choices = {layer.name: Choices(layer, self.repetitions[layer.name]) for layer in weighted}
        self.fixed = sum((_fixed_cost(layer, samples) for layer in unweighted), Cost(150, 300))

    def plan(self, interval: int) -> Plan:
        """The smallest plan with an interval of at most `interval` cycles.

        Raises PlanError where no folding is that fast, or where none that is fits the part.
        """
        return self._plan(self._chosen(interval))

    def fastest(self) -> Plan:
        """The plan with the shortest interval that the part has room for."""
        return self._plan(self._fastest())

    def sweep(self) -> Iterator[Plan]:
        """The front of interval against LUTs, from the fastest plan on: every further one is smaller than all that are faster.

        Each is what `plan` makes for its interval. Intervals lie at least STEP apart.
        """
        best = self._fastest()
        least = self._plan(best, contents=False).cost.lut
        plan = self._plan(best)
        yield plan
        cycles = [choices.cycles for choices in self.choices.values()]
        for interval in np.unique(np.concatenate(cycles)).tolist() if cycles else ():
            if interval < STEP * plan.interval:
                continue
            before, best = best, self._fit(interval) or best
            # with its weights a plan takes ten times as long, and costs nearly the same
            if best != before and (estimate := self._plan(best, contents=False).cost.lut) < least:
                slower = self._plan(best)
                if slower.cost.lut < plan.cost.lut:
                    plan, least = slower, estimate
                    yield plan

    def _plan(self, chosen: Mapping[str, Choice], contents: bool = True) -> Plan:
        foldings = {name: choice.folding for name, choice in chosen.items()}
        return make_plan(self.network, foldings, self.part_name, self.clock_mhz, samples=self.samples, contents=contents)

    def _chosen(self, interval: int) -> dict[str, Choice]:
        """The cheapest choices for an interval. Raises PlanError where there are none, or none that fit the part."""
        self._check_reachable(interval)
        chosen = self._fit(interval)
        if chosen is None:
            part, total = self.part, self._total(self._pick(interval, self.fair_prices))
            raise PlanError(
                f"an interval of {interval} cycles needs about {total.lut:.0f} LUT, {total.bram36:g} RAMB36 and {total.dsp:.0f} "
                f"DSP48; {part.name} offers {FILL * part.lut:.0f} ({FILL:.0%} of {part.lut}), {part.bram36} and {part.dsp}"
            )
        return chosen

    def _fastest(self) -> dict[str, Choice]:
        """The choices with the shortest interval that the part has room for."""
        low = max(self._least_interval(layer) for layer in self.network.layers)
        low = max(low, self.network.input.tensor.layout.beats)
        best = self._fit(low)
        if best is not None:
            return best
        high = max((int(choices.cycles.max()) for choices in self.choices.values()), default=low)
        best = self._chosen(high)
        while low + 1 < high:
            middle = (low + high) // 2
            chosen = self._fit(middle)
            if chosen is None:
                low = middle
            else:
                best, high = chosen, middle
        return best

    def _least_interval(self, layer: Layer) -> int:
        """Cycles for one frame, where a layer needs so many for each sample, that no folding can better."""
        return self.repetitions[layer.name] * least_interval(layer)

    def _check_reachable(self, interval: int) -> None:
        beats = self.network.input.tensor.layout.beats
        if interval < beats:
            raise PlanError(f"an interval of {interval} cycles: the input alone takes {beats}, one per position")
        for layer in self.network.layers:
            least = self._least_interval(layer)
            if interval < least:
                samples = self.repetitions[layer.name]
                each = f"{least // samples} for each of {samples} samples" if samples > 1 else "one per position"
                raise PlanError(f"an interval of {interval} cycles: {layer.name} takes at least {least}, {each}")

    @property
    def fair_prices(self) -> Prices:
        """Prices at which all of a part's block RAM, or all its DSP48, are worth all its LUTs."""
        return Prices(self.part.lut / max(1, self.part.bram36), self.part.lut / max(1, self.part.dsp))

    def _fit(self, interval: int) -> dict[str, Choice] | None:
        """The smallest choice for every layer that together fit the part.

        Block RAM and DSP48 are traded for LUTs at a price; the cheapest choice at each price is a point of the trade-off's convex
        front. At first the prices are fair; they move only if one of the three runs out.
        """
        prices = self.fair_prices
        for _ in range(24):
            chosen = self._pick(interval, prices)
            total = self._total(chosen)
            enough_lut = total.lut <= FILL * self.part.lut and total.ff <= FILL * self.part.ff
            enough_ram, enough_dsp = total.bram36 <= self.part.bram36, total.dsp <= self.part.dsp
            if enough_lut and enough_ram and enough_dsp:
                return chosen
            if not (enough_lut or enough_ram or enough_dsp):
                return None
            cheaper = 1.0 if enough_lut else 0.7
            prices = Prices(
                prices.bram36 * (cheaper if enough_ram else 1.4),
                prices.dsp * (cheaper if enough_dsp else 1.4),
            )
        return None

    def _pick(self, interval: int, prices: Prices) -> dict[str, Choice]:
        return {name: choices.cheapest(interval, prices) for name, choices in self.choices.items()}

    def _total(self, chosen: Mapping[str, Choice]) -> Cost:
        return sum((choice.cost for choice in chosen.values()), self.fixed)


MOST_LOADS = 1750
"""LUTs that an address of a table in logic may drive: a table of several banks has no copies of its address (hdl/rom.py)."""


def foldings_of(layer: Linear) -> Iterator[Folding]:
    """For each way to cut a window into chunks, every useful number of lanes; weights in logic or in block RAM.

    Only the fewest lanes for each number of repeats are of use. The fewest of all are mostly, but not always, the cheapest.
    """
    lanes_of_use = sorted({-(-layer.channels // repeats) for repeats in range(1, layer.channels + 1)})
    for group, slices in _cuts(layer):
        for lanes in lanes_of_use:
            for block in (False, True):
                folding = Folding(group, slices, lanes, block)
                if folding.folds(layer) == 1:
                    useful = not block
                else:
                    banks = -(-folding.folds(layer) // BANK)
                    useful = block or banks == 1 or banks * folding.inputs(layer) * lanes <= MOST_LOADS
                if useful:
                    yield folding


def cost_of(layer: Linear, folding: Folding) -> Cost:
    """Expected size of a layer so folded, with a buffer of usual depth."""
    if isinstance(layer, Fixed) and unrolled.applies(layer) and folding.folds(layer) == 1:
        return unrolled.expected_cost(layer)
    if layer.dense:
        return dense.configure(layer, folding, frames=1, contents=False).cost
    return convolution.configure(layer, folding, rows=layer.window.rows.kernel + 1, contents=False).cost


def least_interval(layer: Layer) -> int:
    """Cycles that no folding can better: one per position in or out."""
    if isinstance(layer, Linear):
        return layer.window.outputs
    return least_cycles(layer, None)


MOST_SLICES = 64
"""Parts of a position at the most: choosing one of 64 takes three levels of LUTs, and more would be too deep."""


def _cuts(layer: Linear) -> Iterator[tuple[int, int]]:
    """(group, slices) of every way to cut a window into chunks."""
    if layer.dense:
        yield from ((group, 1) for group in _divisors(layer.window.inputs))
        yield from ((1, slices) for slices in _divisors(layer.input.channels) if 1 < slices <= MOST_SLICES)
    else:
        for group in sorted({1, layer.window.columns.kernel}):
            yield from ((group, slices) for slices in _divisors(layer.input.channels) if slices <= MOST_SLICES)


def _divisors(number: int) -> list[int]:
    return [n for n in range(1, number + 1) if number % n == 0]


def _fixed_cost(layer: Layer, samples: int) -> Cost:
    """Expected size of a layer that is not folded, and of what it needs besides."""
    if isinstance(layer, Pool):
        return pool.configure(layer).cost
    if isinstance(layer, Shuffle):
        return shuffle.configure(layer, frames=2).cost
    if isinstance(layer, Latent):
        return latent.configure(layer, samples, pace=1, frames=1).cost + SamplerConfig(layer.latents).cost
    assert isinstance(layer, Threshold)
    return threshold.configure(layer).cost
