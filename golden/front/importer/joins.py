"""Sums of two activations that come from one tensor on two ways: the integers that add up, and the codes that become of them.

What the two ways give are real numbers in steps, the graph adds them in float32, and a chain of scalar functions makes codes of
them. Hardware adds integers: those of each way times a gain, in units that both steps are whole multiples of. That the codes are
the graph's is not taken from the steps: it is tried for every pair of numbers that can occur, unless float32 adds them exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...layers.normalisation import blocks
from ...layers.residual import range_of_sums
from ...types.grid import Grid
from ...types.range import Range
from ...types.scalar import Chain, Float
from .decisions import MOST_LEVELS, Accumulators, Integers, evenly
from .model_file import Graph, Node
from .scalar_nodes import Refusal
from .symbols import Frame

MAX_RATIO = 1 << 12
"""Of two steps: numerator times denominator."""

RATIO_ROUNDING = 2.0**-22
"""By how much of it a ratio of two float32 numbers may differ from a fraction."""

MAX_PAIRS = 1 << 26
"""Pairs of numbers, over all channels that differ, that are tried for one sum: some seconds."""

MOST_SUM_BITS = 24
"""Of sums on a stream between two layers."""

LAYERS = ("AveragePool", "Conv", "ConvTranspose", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "MatMul", "MaxPool")
"""Operators that take more than single elements."""


@dataclass(frozen=True, eq=False)
class Way:
    """What one way gives: integers of the stream behind `stage` layers, and the numbers that the graph makes of them.

    codes: of the stream. of: nodes that make numbers of them. rounded: (channels, n) integers, and the numbers of each, where
    there may be several of one, as float32 rounds them.
    """

    stage: int
    codes: Range
    numbers: Accumulators
    of: tuple[str, ...] = ()
    rounded: tuple[Integers, Float] | None = None

    @cached_property
    def integers(self) -> Integers:
        """(channels, n) all that there are; the largest again where a channel has fewer."""
        return np.concatenate([integers for integers, _ in self.parts()], axis=1)

    @cached_property
    def reals(self) -> Float:
        """(channels, n) what the graph adds, in float32."""
        return np.concatenate([reals for _, reals in self.parts()], axis=1)

    def parts(self) -> Iterator[tuple[Integers, Float]]:
        """Integers and what the graph adds for them, (channels, n) each, some at a time."""
        if self.rounded is not None:
            yield self.rounded
            return
        for integers in blocks(self.numbers.low, self.numbers.high, 1):
            yield integers, np.asarray(self.numbers.reals(integers), np.float32)

    @property
    def count(self) -> int:
        """How many numbers a channel has at the most."""
        return int((self.numbers.high - self.numbers.low).max()) + 1 if self.rounded is None else self.rounded[0].shape[1]

    @cached_property
    def steps(self) -> Float:
        """(channels,) by how much a number grows with its integer. Raises Refusal where that differs from one to the next."""
        low, high = self.numbers.low[:, None], np.maximum(self.numbers.high, self.numbers.low + 1)[:, None]
        ends = self.numbers.exact(np.concatenate([low, high], axis=1))
        steps = (ends[:, 1] - ends[:, 0]) / (high - low)[:, 0]
        largest = np.abs(ends).max(axis=1, keepdims=True)
        lines = ((ends[:, :1] + (integers - low) * steps[:, None], reals) for integers, reals in self.parts())
        if (
            not np.isfinite(ends).all()
            or not steps.all()
            or any(np.any(np.abs(reals - line) > 1e-6 * largest) for line, reals in lines)
        ):
            behind = ", after " + ", ".join(self.of) if self.of else ""
            raise Refusal(f"one of its inputs is not a linear function of integers{behind}; a quantiser makes it one")
        return np.asarray(steps)

    @cached_property
    def origin(self) -> Float:
        """(channels,) the number of integer 0, if it were one."""
        low = self.numbers.low
        return np.asarray(self.numbers.exact(low[:, None])[:, 0] - low * self.steps)

    @property
    def dyadic(self) -> bool:
        """Are all its numbers, as float32 has them, those of the line through its ends?"""
        origin, steps = self.origin[:, None], self.steps[:, None]
        return all(bool(np.all(reals == origin + integers * steps)) for integers, reals in self.parts())

    @cached_property
    def extent(self) -> tuple[float, float]:
        """The largest number, signs left out, and one that all are whole multiples of, as large as can be; 1 if all are 0."""
        largest, unit = 0.0, np.inf
        for _, reals in self.parts():
            numbers = np.abs(reals[reals != 0])
            if numbers.size:
                last = np.spacing(numbers).astype(np.float64)
                mantissas = (numbers / last).astype(np.int64)
                unit = min(unit, float((last * (mantissas & -mantissas)).min()))  # of the lowest bit that is set
                largest = max(largest, float(numbers.max()))
        return largest, unit if largest else 1.0


@dataclass(eq=False)
class Added:
    """The sum of two ways, or their difference, whose codes are open. variation: of the weights on its ways."""

    node: Node
    ways: tuple[Way, Way]
    frame: Frame
    variation: float = 0.0

    @property
    def sign(self) -> int:
        """Of the second way."""
        return -1 if self.node.operator == "Sub" else 1

    @cached_property
    def gains(self) -> Integers:
        """(2, channels) what an integer of each way is worth in units of the sum. Raises Refusal where there is no unit."""
        first, second = (way.steps for way in self.ways)
        gains = np.empty((2, len(first)), np.int64)
        for channel, (one, other) in enumerate(zip(first, second, strict=True)):
            found = fraction(abs(one), abs(other))
            if found is None:
                where = "" if np.ptp(first) == np.ptp(second) == 0 else f" in channel {channel}"
                raise Refusal(
                    f"it adds numbers in steps of {abs(one):.9g} and of {abs(other):.9g}{where}, whose ratio is no fraction of "
                    f"small numbers (numerator times denominator up to {MAX_RATIO})"
                )
            gains[:, channel] = found
        return gains * np.sign([first, self.sign * second]).astype(np.int64)

    @property
    def codes(self) -> Range:
        """Of the stream, if the sums are on one as they are."""
        return range_of_sums(self.gains, *(way.codes for way in self.ways))

    @property
    def units(self) -> Float:
        """(channels,) what a unit of the sum is worth."""
        return np.asarray(self.ways[0].steps / self.gains[0])

    @property
    def origin(self) -> Float:
        """(channels,) the number of sum 0."""
        first, second = self.ways
        return np.asarray(first.origin + self.sign * second.origin)

    def exact(self, sums: Integers) -> Float:
        """The numbers of sums (channels, n), in float64."""
        return np.asarray(self.origin[:, None] + sums * self.units[:, None])

    @cached_property
    def bounds(self) -> tuple[Integers, Integers]:
        """(channels,) the smallest and the largest sum."""
        ends = [np.sort([g * w.numbers.low, g * w.numbers.high], axis=0) for g, w in zip(self.gains, self.ways, strict=True)]
        low, high = ends[0] + ends[1]
        return low, high

    @cached_property
    def pairs(self) -> Pairs | None:
        """What float32 makes of every pair of numbers; None where it is what the sum of their integers says. Raises Refusal."""
        if all(way.dyadic for way in self.ways) and _adds_exactly(*self.ways):
            return None
        return Pairs.of(self)

    def numbers(self) -> Accumulators:
        """All sums, and what the graph computes with for them."""
        pairs = self.pairs
        reals = (lambda a: self.exact(a).astype(np.float32)) if pairs is None else pairs.reals
        return Accumulators(*self.bounds, 1, reals, self.exact)

    def check(self, chain: Chain) -> None:
        """Refusal where a chain makes two things of one sum, as float32 rounds it for one pair of numbers and another."""
        pairs = self.pairs
        if pairs is None:
            return
        wrong = chain(pairs.values) != chain(pairs.reals(pairs.sums))
        if wrong.any():
            channel, place = (int(i) for i in np.argwhere(wrong)[0])
            one, other = pairs.reals(pairs.sums)[channel, place], pairs.values[channel, place]
            first, second = (abs(way.steps[channel]) for way in self.ways)
            raise Refusal(
                f"it adds numbers in steps of {first:.9g} and of {second:.9g}, and float32 rounds sums of them that are equal to "
                f"{one!s} and to {other!s} in channel {channel}, between which a quantiser behind it decides",
                self.node.name,
            )


@dataclass(eq=False)
class Unquantised:
    """Sums on the stream behind `stage` layers as they are: those of a layer, or of two ways.

    codes: of the stream. numbers: without what is done to the sums behind. added: the sum of two ways that they are. variation:
    of the weights.
    """

    node: Node
    stage: int
    frame: Frame
    codes: Range
    numbers: Accumulators
    added: Added | None
    variation: float
    consumer: str | None = None

    def way(self, chain: Chain) -> Way:
        """What a sum adds that takes them after a chain, channel by channel."""
        numbers, pairs = self.numbers, self.pairs
        reals, exact = lambda a: chain(numbers.reals(a)), lambda a: chain(numbers.exact(a))
        rounded = None if pairs is None else (pairs.sums, np.asarray(chain(pairs.values), np.float32))
        return Way(self.stage, self.codes, replace(numbers, reals=reals, exact=exact), chain.nodes, rounded)

    @property
    def pairs(self) -> Pairs | None:
        """What float32 makes of each, where that may be several numbers."""
        return None if self.added is None else self.added.pairs

    def check(self, chain: Chain) -> None:
        """Refusal where a chain makes two things of one sum, as float32 rounds it."""
        if self.added is not None:
            self.added.check(chain)

    @property
    def line(self) -> tuple[Float, Float]:
        """(channels,) what a unit of a sum is worth, and the number of sum 0."""
        way = self.way(Chain())
        return way.steps, way.origin


def check_width(node: Node, sums: Range) -> None:
    """Refuse sums of a node that are too wide to go on as they are."""
    if sums.bits > MOST_SUM_BITS:
        raise Refusal(
            f"its sums, from {sums.low} to {sums.high}, go on unquantised and take {sums.bits} bits on a stream; at most "
            f"{MOST_SUM_BITS} are supported, as many as float32 holds exactly",
            node.name,
        )


@dataclass(frozen=True, eq=False)
class Common:
    """One grid for the numbers of several activations. numbers: what its codes stand for, from 0 on."""

    grid: Grid
    numbers: NDArray[np.float32]

    @staticmethod
    def of(parts: Sequence[Float]) -> Common:
        """That of the numbers that each activation takes. Raises Refusal where there is none of few enough levels."""
        every = np.unique(np.concatenate([part.reshape(-1) for part in parts]).astype(np.float32))
        same = RATIO_ROUNDING * float(np.abs(every).max())
        values = every[np.append(True, np.diff(every) > same)]
        numbers = evenly(values) if len(values) > 1 else None
        grid = None if numbers is None else Grid.fit(numbers)
        if numbers is None or grid is None or np.any((grid.values(np.arange(len(numbers))) == 0) != (numbers == 0)):
            steps = ", ".join(f"{_step(part, same):.9g}" for part in parts)
            raise Refusal(
                f"it joins numbers in steps of {steps}, from {every[0]:.9g} to {every[-1]:.9g}; no grid of at most {MOST_LEVELS} "
                f"levels has all of them"
            )
        return Common(grid, numbers)

    def entries(self, numbers: Float) -> Integers:
        """The codes of some numbers, each one of those that it was made for."""
        middles = (self.numbers[1:] + self.numbers[:-1]) / 2
        found: Integers = np.searchsorted(middles, numbers).astype(np.int64)
        return found


def _step(numbers: Float, same: float) -> float:
    """The least distance of two numbers that are not the same."""
    gaps = np.diff(np.unique(numbers.astype(np.float64)))
    return float(min(gaps[gaps > same], default=0.0))


def fraction(first: float, second: float) -> tuple[int, int] | None:
    """Whole numbers of the ratio of two float32 numbers, as small as can be; None where they are large."""
    for divisor in range(1, int(MAX_RATIO**0.5) + 1):
        for swapped in (False, True):
            ratio = (second / first if swapped else first / second) * divisor
            whole = round(ratio)
            if whole >= 1 and whole * divisor <= MAX_RATIO and abs(ratio - whole) <= RATIO_ROUNDING * ratio:
                return (divisor, whole) if swapped else (whole, divisor)
    return None


def _adds_exactly(first: Way, second: Way) -> bool:
    """Are all sums of their numbers float32 numbers?"""
    (largest, unit), (other, finer) = first.extent, second.extent
    return largest + other <= 2.0**24 * min(unit, finer)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Every number that float32 makes of a pair, and the sum of the pair's integers: (channels, n) each, rising in sums; the last
    again where a channel has fewer. low: (channels,) the smallest sum. first: (channels, m) a number for each sum from there on.
    """

    sums: Integers
    values: NDArray[np.float32]
    low: Integers
    first: NDArray[np.float32]

    @staticmethod
    def of(added: Added) -> Pairs:
        """Those of two ways. Raises Refusal where there are too many."""
        (one, other), gains, (low, high) = added.ways, added.gains, added.bounds
        _check_pairs(one.count * other.count)
        arrays = (one.integers, one.reals, other.integers, other.reals, gains.T)
        alike = all(np.array_equal(array, np.broadcast_to(array[:1], array.shape)) for array in arrays)
        rows = 1 if alike else len(low)
        count = rows * one.integers.shape[1] * other.integers.shape[1]
        _check_pairs(count)
        every, found = np.arange(int((high - low).max()) + 1), []
        for row in range(rows):
            sums = (gains[0, row] * one.integers[row][:, None] + gains[1, row] * other.integers[row]).reshape(-1)
            values = (one.reals[row][:, None] + np.float32(added.sign) * other.reals[row]).reshape(-1)
            order = np.lexsort((values, sums))
            sums, values = sums[order], values[order]
            new = np.append(True, (np.diff(sums) != 0) | (np.diff(values) != 0))
            # a sum that no pair has is taken for the one below, so that nothing changes there
            known, places = np.unique(sums, return_index=True)
            first = values[places[np.searchsorted(known, low[row] + every, "right") - 1]]
            found.append((sums[new], values[new], first))
        longest = max(len(sums) for sums, *_ in found)
        filled = [(np.pad(s, (0, longest - len(s)), "edge"), np.pad(v, (0, longest - len(v)), "edge"), f) for s, v, f in found]
        sums, values, first = (np.broadcast_to(np.stack(part), (len(low), len(part[0]))) for part in zip(*filled, strict=True))
        return Pairs(sums, values, low, first)

    def reals(self, sums: Integers) -> Float:
        """A number for each of some sums (channels, n)."""
        return np.asarray(np.take_along_axis(self.first, sums - self.low[:, None], axis=1))


def _check_pairs(count: int) -> None:
    if count > MAX_PAIRS:
        raise Refusal(f"{count} pairs of numbers to be tried, at most {MAX_PAIRS} are, unless their steps are powers of two")


def forks(graph: Graph) -> frozenset[str]:
    """Tensors from which more than one way leads to layers, or one to a layer and another one to what comes behind it."""
    takers: dict[str, list[Node]] = {}
    for node in graph.leading:
        for tensor in {*node.inputs}:
            takers.setdefault(tensor, []).append(node)

    def reached(tensors: tuple[str, ...], end: Callable[[Node], bool]) -> dict[str, Node]:
        """Nodes behind some tensors, up to those that end a way, by what they give."""
        found: dict[str, Node] = {}
        left = list(tensors)
        while left:
            for node in takers.get(left.pop(), ()):
                if node.outputs[0] not in found:  # names may be there twice
                    found[node.outputs[0]] = node
                    left.extend(() if end(node) else node.outputs)
        return found

    found = set()
    for tensor, nodes in takers.items():
        if len(nodes) > 1:
            near = reached((tensor,), lambda node: node.operator in LAYERS)
            layers = [node for node in near.values() if node.operator in LAYERS]
            behind = reached(tuple(name for node in layers for name in node.outputs), lambda node: False)
            if len(layers) > 1 or near.keys() & behind.keys():
                found.add(tensor)
    return frozenset(found)


def unquantised(graph: Graph, quantisers: Sequence[str]) -> frozenset[str]:
    """Tensors that sums of two ways add, or what they add is made of, with no quantiser between. quantisers: their operators."""
    # for each tensor the results of layers, quantisers and sums that only scalar nodes separate it from
    made_of: dict[str, frozenset[str]] = {graph.input: frozenset({graph.input})}
    added: set[str] = set()
    for node in graph.leading:
        taken = [made_of[name] for name in node.inputs if name in made_of]
        if not taken:
            continue
        whole = frozenset[str]().union(*taken)
        sums = node.operator in ("Add", "Sub") and len(taken) > 1 and len(whole) > 1
        if sums:
            added |= whole
        ends = sums or node.operator in LAYERS or node.operator in quantisers
        made_of.update((name, frozenset({name}) if ends else whole) for name in node.outputs)
    return frozenset(name for name, of in made_of.items() if of & added)
