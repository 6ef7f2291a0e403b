"""Bits by evaluation: which two numbers a chain makes of everything that can occur, and where it turns from one to the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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

NOT_BINARY = "the activation before it is not binary"

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
            raise Refusal(NOT_BINARY) from None
        check_levels(quantised)
        if behind.steps and decide(quantised, accumulators) is not None:
            raise Refusal(differently(behind)) from None
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


def _numbers(values: NDArray[np.generic]) -> str:
    return " and ".join(str(value) for value in values)


def _reason(chain: Chain, accumulators: Accumulators) -> str | None:
    """From which node on a chain both rises and falls over one channel's accumulators, or where it gives a third number."""
    if accumulators.evaluations > MAX_EVALUATIONS:
        return None
    try:
        accumulators.levels(chain)
    except NotMonotoneError as error:
        turning = _first_not_monotone(chain, accumulators)
        if turning is not None:
            return f"what comes before it is not monotone from {turning} on: {error}"
        first, last = error.accumulators
        return f"it gives more than two numbers: that of channel {error.channel} changes at accumulators {first} and {last}"
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
