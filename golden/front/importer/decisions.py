"""Bits by evaluation: which two numbers a chain makes of everything that can occur, and where it turns from one to the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...layers.normalisation import (
    BLOCK,
    Levels,
    NotANumberError,
    NotMonotoneError,
    Stairs,
    Steps,
    Tie,
    find_levels,
    find_others,
    find_stairs,
)
from ...types.grid import Grid
from ...types.range import BITS, Range
from ...types.scalar import Chain, Float, Sign
from .scalar_nodes import Refusal

MAX_EVALUATIONS = 1 << 33
"""Accumulators, over all channels, that are tried for one binarisation: some minutes."""

MOST_LEVELS = 256
"""Of a code: eight bits."""

EVEN = 1e-3
"""By how much of a step levels may be apart unevenly: float32's rounding."""

NOT_QUANTISED = "the activation before it is not quantised; put a quantiser, such as a Quant or a Sign, between the two"
HELP_OF_MORE = "a Quant or a MultiThreshold may give more"
HELP_OF_LEVELS = "a Quant or a MultiThreshold behind it gives even ones"

MOST_SHOWN = 4
"""Numbers of a level each that a refusal names."""

PROBES = np.logspace(-12, 24, 577, base=2, dtype=np.float32)
"""Numbers by which levels of an activation are looked for of which nothing is known."""

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Accumulators:
    """Those that can occur: low, low + stride, ... high, (channels,) each.

    reals: what the graph computes with in float32 for accumulators (channels, n); exact: the same in float64.
    """

    low: Integers
    high: Integers
    stride: int
    reals: Callable[[Integers], Float]
    exact: Callable[[Integers], Float]

    @property
    def evaluations(self) -> int:
        """How many there are, over all channels."""
        return len(self.low) * (int((self.high - self.low).max()) // self.stride + 1)

    def levels(self, chain: Chain) -> Levels:
        """What a chain makes of them. Raises NotMonotoneError or NotANumberError."""
        return find_levels(lambda a: chain(self.reals(a)), self.low, self.high, self.stride)


@dataclass(frozen=True, eq=False)
class Decision:
    """What a bit stands for, and the steps of its upper number; or those of codes of more levels.

    zeros: (channel, accumulator, node) where a Sign gives 0 in the
    graph, and +1 here.
    """

    grid: Grid
    steps: Steps
    zeros: tuple[tuple[int, int, str], ...] = ()

    @property
    def codes(self) -> Range:
        """There are as many as steps, and one."""
        return BITS if self.steps.thresholds.ndim == 1 else Range(0, self.steps.thresholds.shape[1])

    def zeros_of(self, layer: str) -> tuple[Tie, ...]:
        """The zeros as ties of a layer."""
        return tuple(Tie(f"{layer} before {node}", channel, accumulator, 0.0) for channel, accumulator, node in self.zeros)


class _UndecidedError(Exception):
    """A chain that is no bit; the text says why."""


def decide(chain: Chain, accumulators: Accumulators) -> Decision | None:
    """The bit that a chain is, or None."""
    try:
        return _decide(chain, accumulators)
    except (_UndecidedError, NotMonotoneError, NotANumberError):
        return None


def decide_or_refuse(chain: Chain, accumulators: Accumulators) -> Decision:
    """The bit that a chain is. Raises Refusal, at the chain's last quantiser or rounding if that gives more than two numbers."""
    quantised, behind = Chain(chain.steps[: chain.decided]), Chain(chain.steps[chain.decided :])
    try:
        return _decide(chain, accumulators)
    except (_UndecidedError, NotMonotoneError, NotANumberError) as error:
        several = _several(chain, accumulators) if quantises(chain) else None
        if several is not None:
            return several
        if not quantised.steps:
            raise Refusal(NOT_QUANTISED) from None
        check_levels(quantised)
        if behind.steps and decide(quantised, accumulators) is not None:
            raise Refusal(differently(behind)) from None
        if behind.steps and quantises(chain) and _several(quantised, accumulators) is not None:
            raise Refusal(curved(behind)) from None
        reason = _reason(quantised.without_zeros, accumulators) or str(error)
        raise Refusal(reason, quantised.culprit) from None


def check_levels(chain: Chain) -> None:
    """Refuse what a chain's last quantiser gives if that is more than hardware has between two layers."""
    last = chain.steps[chain.binarised - 1] if chain.binarised else None
    if last is not None and last.levels > MOST_LEVELS:
        raise Refusal(f"activations of {last.levels} levels; at most {MOST_LEVELS} are supported", last.node)


def quantises(chain: Chain) -> bool:
    """Is a chain's last quantiser one of more than two levels, so that codes of several bits are meant?"""
    last = chain.steps[chain.binarised - 1] if chain.binarised else None
    return last is not None and last.levels > 2


def _several(chain: Chain, accumulators: Accumulators) -> Decision | None:
    """The code of several levels that a chain is, or None."""
    if accumulators.evaluations > MAX_EVALUATIONS:
        return None
    low, high, stride = accumulators.low, accumulators.high, accumulators.stride
    try:
        stairs = find_stairs(lambda a: chain(accumulators.reals(a)), low, high, stride, MOST_LEVELS - 1)
    except NotANumberError:
        return None
    if stairs is None:
        return None
    reals = evenly(stairs.values)
    grid = None if reals is None else Grid.fit(reals)
    if reals is None or grid is None or np.any((grid.values(np.arange(len(reals))) == 0) != (reals == 0)):
        return None
    steps = _steps_of(stairs, reals, low, high + stride)
    return None if steps is None else Decision(grid, steps)


def evenly(values: NDArray[np.floating]) -> NDArray[np.float32] | None:
    """The numbers with what is missing between them, at even distances; None where there would be too many."""
    gaps = np.diff(values.astype(np.float64))
    if not gaps.size or not np.all(np.isfinite(gaps)):
        return None
    for parts in range(1, MOST_LEVELS):
        counts = gaps * parts / gaps.min()
        levels = 1 + int(np.rint(counts).sum())
        if levels > MOST_LEVELS:
            return None
        if np.all(np.abs(counts - np.rint(counts)) < EVEN):
            reals = np.linspace(float(values[0]), float(values[-1]), levels).astype(np.float32)
            reals[np.abs(reals) < EVEN * np.diff(reals).max()] = 0  # one that is missing
            places = np.concatenate([[0], np.cumsum(np.rint(counts))]).astype(np.int64)
            reals[places] = values
            return reals
    return None


def _steps_of(stairs: Stairs, reals: NDArray[np.float32], low: Integers, beyond: Integers) -> Steps | None:
    """Where each level begins, or where a falling channel's ends; None where a channel turns. beyond: above all accumulators."""
    levels = len(reals)
    thresholds, falling = np.empty((len(low), levels - 1), np.int64), np.zeros(len(low), bool)
    for channel, changes in enumerate(stairs.changes):
        codes = np.searchsorted(reals, np.array([stairs.first[channel], *(value for _, value in changes)], np.float32))
        places = np.array([low[channel], *(place for place, _ in changes), beyond[channel]])
        moves = np.sign(np.diff(codes))
        if len(set(moves.tolist())) > 1:
            return None
        falls = bool(len(moves) and moves[0] < 0)
        falling[channel] = falls
        for level in range(1, levels):
            reached = codes < level if falls else codes >= level
            thresholds[channel, level - 1] = places[int(np.argmax(reached)) if reached.any() else -1]
    return Steps(thresholds, falling)


def differently(chain: Chain) -> str:
    """Why a layer cannot take what a chain makes of bits."""
    names = ", ".join(dict.fromkeys(chain.nodes))
    return f"{names} scales its input elements differently, so that sums over them are not integers"


def curved(chain: Chain) -> str:
    """Why a layer cannot take what a chain makes of codes."""
    return "its input is not a linear function of integers, after " + ", ".join(dict.fromkeys(chain.nodes))


def check_even(chain: Chain) -> None:
    """Refuse a chain that ends in a quantiser, whatever it takes, if the levels that it gives are not evenly spaced."""
    constants = chain.constants
    if any(map(np.ndim, constants)):
        return
    with np.errstate(all="ignore"):
        near = np.array([(c, np.nextafter(c, np.float32(-np.inf))) for c in constants if np.isfinite(c)], np.float32)
        values = np.unique(chain(np.concatenate([near.reshape(-1), -PROBES, np.zeros(1, np.float32), PROBES])))
    if 2 < len(values) <= MOST_LEVELS and np.isfinite(values).all() and evenly(values) is None:
        raise Refusal(f"its levels {_numbers(values)} are not evenly spaced; {HELP_OF_LEVELS}", chain.culprit)


def _decide(chain: Chain, accumulators: Accumulators) -> Decision:
    if accumulators.evaluations > MAX_EVALUATIONS:
        raise _UndecidedError(
            f"{accumulators.evaluations} accumulators of its channels to be tried, at most {MAX_EVALUATIONS} are"
        )
    zeros = any(isinstance(step, Sign) for step in chain.steps)
    try:
        levels = accumulators.levels(chain)
        if len(levels.values) <= 2 or not zeros:
            return Decision(*_grid_and_steps(levels))
    except NotMonotoneError:
        if not zeros:
            raise
    return _without_zeros(chain, accumulators)


def _without_zeros(chain: Chain, accumulators: Accumulators) -> Decision:
    """The bit that a chain is if 0, where a Sign gives it for a single accumulator of a channel, is taken as +1."""
    levels = accumulators.levels(chain.without_zeros)
    grid, steps = _grid_and_steps(levels)
    low, high, stride = accumulators.low, accumulators.high, accumulators.stride
    counts, first, last = find_others(lambda a: chain(accumulators.reals(a)), levels, low, high, stride)
    if counts.max() > 1:
        channel = int(counts.argmax())
        raise _UndecidedError(
            f"channel {channel} has {counts[channel]} accumulators, from {first[channel]} to {last[channel]}, for which it gives "
            f"0, beside {_numbers(levels.values)} for others; a bit has two values. Give the Sign no zeros: add a small constant "
            "in front of it"
        )
    stuck = (counts > 0) & (levels.below == levels.above)
    if stuck.any():
        channel = int(stuck.argmax())
        raise _UndecidedError(
            f"channel {channel} changes only where it gives 0, at accumulator {first[channel]}, and others give "
            f"{_numbers(levels.values)}; a bit has two values. Give the Sign no zeros: add a small constant in front of it"
        )
    node = next(step.node for step in reversed(chain.steps) if isinstance(step, Sign))
    zeros = tuple((int(channel), int(first[channel]), node) for channel in np.flatnonzero(counts))
    return Decision(grid, steps, zeros)


def _grid_and_steps(levels: Levels) -> tuple[Grid, Steps]:
    """What the two numbers are on; beside a number that is always the same, there is its negative."""
    values = levels.values
    if len(values) > 2:
        raise _UndecidedError(_differing(levels))
    if len(values) == 1:
        values = np.array([0, 1], values.dtype) if values[0] == 0 else np.sort(np.append(values, np.negative(values)))
    grid = Grid.fit(values.astype(np.float32))
    if grid is None or np.any((grid.values(np.arange(2)) == 0) != (values == 0)):
        raise _UndecidedError(f"binary activations of the levels {_numbers(values)}")
    return grid, levels.steps(values[1])


def _differing(levels: Levels) -> str:
    """Why more than two numbers are no bit, though no channel takes more than two."""
    pairs = np.sort(np.stack([levels.below, levels.above], axis=1), axis=1)
    channel = int(np.argmax(np.any(pairs != pairs[0], axis=1)))
    one, other = (_numbers(np.unique(pairs[i])) for i in (0, channel))
    return f"binary activations whose size differs between channels: channel 0 takes {one}, channel {channel} takes {other}"


def _numbers(values: NDArray[Any]) -> str:
    """Some numbers as float32 has them, and of many the first."""
    values = values.astype(np.float32) + 0  # not minus 0
    if len(values) <= MOST_SHOWN:
        *first, last = map(str, values)
        return f"{', '.join(first)} and {last}" if first else last
    return f"{', '.join(map(str, values[:MOST_SHOWN]))}, ... {values[-1]}"


def _uneven(stairs: Stairs) -> str | None:
    """Why there is no grid for the levels of all channels, if there is none; a channel's own, or those of two."""
    if len(stairs.values) < 2 or evenly(stairs.values) is not None:
        return None
    changes = zip(stairs.first, stairs.changes, strict=True)
    channels = [np.unique([first, *(value for _, value in changed)]) for first, changed in changes]
    for number, levels in enumerate(channels):
        if len(levels) > 2 and evenly(levels) is None:
            return f"its levels in channel {number}, {_numbers(levels)}, are not evenly spaced; {HELP_OF_LEVELS}"
    number = next(n for n in range(1, len(channels)) if not np.array_equal(channels[n], channels[0]))
    return (
        f"its levels differ between channels, {_numbers(channels[0])} in channel 0 and {_numbers(channels[number])} in channel "
        f"{number}, and no grid of at most {MOST_LEVELS} levels has all of them"
    )


def _reason(chain: Chain, accumulators: Accumulators) -> str | None:
    """From which node on a chain both rises and falls over one channel's accumulators, or where it gives a third number."""
    if accumulators.evaluations > MAX_EVALUATIONS:
        return None
    low, high, stride = accumulators.low, accumulators.high, accumulators.stride
    try:
        accumulators.levels(chain)
    except NotMonotoneError as error:
        turning = _first_not_monotone(chain, accumulators)
        if turning is not None:
            return f"what comes before it is not monotone from {turning} on: {error}"
        stairs = find_stairs(lambda a: chain(accumulators.reals(a)), low, high, stride, MOST_LEVELS - 1)
        uneven = None if stairs is None else _uneven(stairs)
        if uneven is not None:
            return uneven
        if stairs is not None:
            return f"it gives more than two numbers, {_numbers(stairs.values)}; {HELP_OF_MORE}"
        first, last = error.accumulators
        return (
            f"it gives more than two numbers: that of channel {error.channel} changes at accumulators {first} and {last}; "
            f"{HELP_OF_MORE}"
        )
    except NotANumberError:
        pass
    return None


def _first_not_monotone(chain: Chain, accumulators: Accumulators) -> str | None:
    """The first node up to which `chain` both rises and falls over one channel's accumulators, if there is one."""
    low, high, stride = accumulators.low, accumulators.high[:, None], accumulators.stride
    rose, fell = np.zeros((2, len(chain.steps), len(low)), bool)
    count = int((accumulators.high - low).max()) // stride + 1
    width = max(2, BLOCK // len(low))
    for start in range(0, count, width - 1):  # neighbouring blocks share one value
        x = accumulators.reals(np.minimum(low[:, None] + stride * np.arange(start, min(start + width, count)), high))
        for number, step in enumerate(chain.steps):
            x = Chain((step,))(x)
            nowhere = np.isnan(x).any(axis=1)
            change = np.diff(x, axis=1)
            rose[number] |= nowhere | (change > 0).any(axis=1)
            fell[number] |= nowhere | (change < 0).any(axis=1)
    turning = (rose & fell).any(axis=1)
    return chain.steps[int(np.argmax(turning))].node if turning.any() else None
