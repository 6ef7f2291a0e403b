"""Thresholds by evaluation.

Whatever a float graph computes between an integer accumulator and the next binarisation is a scalar function per channel. It is
evaluated over every accumulator that can occur; if each channel's result changes at most once, and all channels' results are
two numbers, then these are the two meanings of a bit, and the integer at the change is its threshold. Hardware takes the graph's
decision for every accumulator, rounding included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types.scalar import Chain, Float

FAR = 256
"""Accumulators of a long range that are tried first, and twice as many as a function may have steps."""

BLOCK = 1 << 17
"""Evaluations at a time: few enough to stay in the caches."""

TIE_TOLERANCE = 2.0**-20
"""A decision is listed as a tie when the binarisation's argument is this close to its threshold, relative to its spread."""


class NotMonotoneError(ValueError):
    """A channel's bit changes more than once over the accumulators that can occur."""

    def __init__(self, channel: int, accumulators: tuple[int, int]) -> None:
        self.channel = channel
        self.accumulators = accumulators
        super().__init__(f"channel {channel} turns between accumulators {accumulators[0]} and {accumulators[1]}")


class NotANumberError(ValueError):
    """A function gives NaN for an accumulator that can occur."""

    def __init__(self, channel: int, accumulator: int) -> None:
        super().__init__(f"channel {channel} gives no number at accumulator {accumulator}")


@dataclass(frozen=True, eq=False)
class Steps:
    """Per channel, the step function bit = (accumulator >= threshold) XOR falling; all arrays (channels,).

    Of codes of more levels, thresholds (channels, levels - 1): code >= m, from 1 on, is such a function each.
    A threshold of highest + stride means "never". Constant channels are never falling.
    """

    thresholds: NDArray[np.int64]
    falling: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Levels:
    """Per channel, a function of one step at most: `above` from the accumulator `turns` on, `below` before; all (channels,).

    low is the smallest accumulator. turns is highest + stride for a constant channel, whose `above` is its `below`.
    """

    low: NDArray[np.int64]
    turns: NDArray[np.int64]
    below: NDArray[np.generic]
    above: NDArray[np.generic]

    @property
    def values(self) -> NDArray[np.generic]:
        """All values that all channels take, rising."""
        return np.unique(np.concatenate([self.below, self.above]))

    def of(self, accumulators: NDArray[np.int64]) -> NDArray[np.generic]:
        """The values at accumulators (channels, n)."""
        return np.where(accumulators >= self.turns[:, None], self.above[:, None], self.below[:, None])

    def steps(self, upper: object) -> Steps:
        """The step function of where the value is `upper`."""
        below, above = self.below == upper, self.above == upper
        return Steps(np.where(below & above, self.low, self.turns), below & ~above)


def blocks(low: NDArray[np.int64], high: NDArray[np.int64], stride: int, shared: int = 0) -> Iterator[NDArray[np.int64]]:
    """All accumulators (channels, n) from low to high, some at a time; neighbouring blocks share so many columns.

    Beyond a channel's own range its highest accumulator is repeated, so that nothing changes there.
    """
    count = int((high - low).max()) // stride + 1
    width = max(1 + shared, BLOCK // len(low))
    for start in range(0, count, width - shared):
        yield np.minimum(low[:, None] + stride * np.arange(start, min(start + width, count)), high[:, None])


def _changing(
    function: Callable[[NDArray[np.int64]], NDArray[np.generic]], low: NDArray[np.int64], high: NDArray[np.int64], stride: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[Any], NDArray[np.bool_]]]:
    """Accumulators (channels, n), some at a time, their values, and which differ from the one before; the first of all do not.

    Raises NotANumberError.
    """
    previous: NDArray[np.generic] | None = None
    for accumulators in blocks(low, high, stride):
        values = function(accumulators)
        _check_numbers(values, accumulators)
        before = values[:, :1] if previous is None else previous[:, None]
        yield accumulators, values, values != np.concatenate([before, values[:, :-1]], axis=1)
        previous = values[:, -1]


def _changes_from_far(
    function: Callable[[NDArray[np.int64]], NDArray[np.generic]],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    stride: int,
    most: int,
) -> tuple[int, tuple[int, int]] | None:
    """A channel that changes more than `most` times, and between which accumulators, if that is seen of few of very many of them.

    Of two values that differ, one has changed in between. Long ranges would take minutes to be walked through until then.
    """
    count, places = int((high - low).max()) // stride, 2 * most + FAR
    if count < BLOCK:
        return None
    whole, rest = np.divmod((high - low)[:, None] // stride, places)
    step = np.arange(places + 1)
    accumulators = low[:, None] + stride * (whole * step + rest * step // places)
    values = function(accumulators)
    changes = values[:, 1:] != values[:, :-1]
    if (values != values).any() or changes.sum(axis=1).max() <= most:
        return None
    channel = int(changes.sum(axis=1).argmax())
    first, *_, last = np.flatnonzero(changes[channel]).tolist()
    return channel, (int(accumulators[channel, first + 1]), int(accumulators[channel, last + 1]))


def find_levels(
    function: Callable[[NDArray[np.int64]], NDArray[np.generic]],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    stride: int = 1,
) -> Levels:
    """The values of `function` over low, low + stride, ... high; those of each channel may change once.

    function maps accumulators (channels, n) to values of the same shape. Raises NotMonotoneError or NotANumberError.
    """
    far = _changes_from_far(function, low, high, stride, 1)
    if far is not None:
        raise NotMonotoneError(*far)
    channels = len(low)
    changes = np.zeros(channels, np.int64)
    turns = high + stride
    first: NDArray[np.generic] | None = None
    last: NDArray[np.generic] = np.zeros(0)
    for accumulators, values, change in _changing(function, low, high, stride):
        first, last = values[:, 0] if first is None else first, values[:, -1]
        found = change.any(axis=1)
        at = accumulators[np.arange(channels), change.argmax(axis=1)]
        again = found & ((changes > 0) | (change.sum(axis=1) > 1))
        if again.any():
            channel = int(np.argmax(again))
            places = accumulators[channel, np.flatnonzero(change[channel])]
            earlier = turns[channel] if changes[channel] else places[0]
            raise NotMonotoneError(channel, (int(earlier), int(places[-1])))
        turns = np.where(found, at, turns)
        changes += found
    assert first is not None
    return Levels(low, turns, first, last)


@dataclass(frozen=True, eq=False)
class Stairs:
    """Per channel, a function of several steps. first: its value at the smallest accumulator. changes: for each channel, from
    which accumulators on it has which other values, in order.
    """

    first: NDArray[np.floating]
    changes: tuple[tuple[tuple[int, float], ...], ...]

    @property
    def values(self) -> NDArray[np.floating]:
        """All values that all channels take, rising."""
        return np.unique([*self.first.tolist(), *(value for channel in self.changes for _, value in channel)])


def find_stairs(
    function: Callable[[NDArray[np.int64]], Float], low: NDArray[np.int64], high: NDArray[np.int64], stride: int, most: int
) -> Stairs | None:
    """The values of `function` over low, low + stride, ... high; None where those of a channel change more than `most` times.

    Raises NotANumberError.
    """
    if _changes_from_far(function, low, high, stride, most) is not None:
        return None
    found: list[list[tuple[int, float]]] = [[] for _ in low]
    first: Float | None = None
    for accumulators, values, change in _changing(function, low, high, stride):
        first = values[:, 0] if first is None else first
        if change.sum(axis=1).max() > most:
            return None
        for channel, place in np.argwhere(change).tolist():
            found[channel].append((int(accumulators[channel, place]), float(values[channel, place])))
            if len(found[channel]) > most:
                return None
    assert first is not None
    return Stairs(first, tuple(map(tuple, found)))


def _check_numbers(block: NDArray[np.generic], accumulators: NDArray[np.int64]) -> None:
    wrong = block != block
    if wrong.any():
        channel, place = np.argwhere(wrong)[0]
        raise NotANumberError(int(channel), int(accumulators[channel, place]))


def find_others(
    function: Callable[[NDArray[np.int64]], Float],
    levels: Levels,
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    stride: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Per channel, for how many accumulators `function` is not what `levels` says, and the first and the last of them.

    Where there are none, the first and the last mean nothing.
    """
    counts, first, last = np.zeros(len(low), np.int64), high.copy(), low.copy()
    end = low - 1  # what a block repeats beyond a channel's range is not counted again
    for accumulators in blocks(low, high, stride):
        other = (function(accumulators) != levels.of(accumulators)) & (accumulators > end[:, None])
        other[:, 1:] &= accumulators[:, 1:] > accumulators[:, :-1]
        counts += other.sum(axis=1)
        first = np.minimum(first, np.where(other, accumulators, high[:, None]).min(axis=1))
        last = np.maximum(last, np.where(other, accumulators, low[:, None]).max(axis=1))
        end = accumulators[:, -1]
    return counts, first, last


def falls(
    function: Callable[[NDArray[np.int64]], Float], low: NDArray[np.int64], high: NDArray[np.int64], stride: int = 1
) -> NDArray[np.bool_]:
    """For each channel, whether `function` falls over low, low + stride, ... high; a constant one does not.

    Raises NotMonotoneError for a channel that does both, or NotANumberError.
    """
    channels = len(low)
    rose, fell = np.zeros(channels, bool), np.zeros(channels, bool)
    for accumulators in blocks(low, high, stride, shared=1):
        values = function(accumulators)
        _check_numbers(values, accumulators)
        with np.errstate(invalid="ignore"):  # from one infinity to the same one nothing changes
            change = np.diff(values, axis=1)
        rose |= (change > 0).any(axis=1)
        fell |= (change < 0).any(axis=1)
        both = rose & fell
        if both.any():
            channel = int(np.argmax(both))
            raise NotMonotoneError(channel, (int(low[channel]), int(high[channel])))
    return fell


@dataclass(frozen=True)
class Tie:
    """A decision that another executor of the float graph may take differently, within rounding."""

    layer: str
    channel: int
    accumulator: int
    argument: float

    def __str__(self) -> str:
        return f"{self.layer} channel {self.channel} at accumulator {self.accumulator}: a step at {self.argument:.3g}"


def find_ties(
    layer: str,
    argument: Callable[[NDArray[np.int64]], Float],
    steps: Steps,
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    stride: int,
    rounded: Callable[[NDArray[np.int64]], Float] | None = None,
    decide: Callable[[Float], NDArray[np.generic]] = lambda x: x >= 0,
    variation: float = 0.0,
) -> tuple[Tie, ...]:
    """The accumulators on either side of each threshold whose decision turns with rounding.

    argument maps accumulators (channels, n) to what is compared with zero, in float64; rounded, which is the same where it is
    not given, to what rounding changes on the way there; decide maps the latter to decisions. variation: of the weights, which
    changes sums as rounding does.
    """
    rounded = rounded or argument
    around = steps.thresholds.reshape(len(low), -1, 1) + stride * np.arange(-1, 2)
    candidates = np.clip(around.reshape(len(low), -1), low[:, None], high[:, None])
    values, exact = argument(candidates), rounded(candidates)
    rounding = (TIE_TOLERANCE + variation) * np.max(np.abs(rounded(np.stack([low, high], axis=1))), axis=1, keepdims=True)
    close = np.isfinite(values) & (decide(exact - rounding) != decide(exact + rounding))
    places = sorted({(int(c), int(candidates[c, i]), float(values[c, i])) for c, i in zip(*np.nonzero(close), strict=True)})
    return tuple(Tie(layer, *place) for place in places)


def real_values(accumulators: NDArray[np.int64], scale: Float, chain: Chain, dtype: type[np.floating] = np.float32) -> Float:
    """What the graph computes from accumulators (channels, n): each scaled once in `dtype`, then the chain's steps."""
    return chain(accumulators.astype(dtype) * scale.astype(dtype))
