"""Thresholds by evaluation.

Whatever a float graph computes between an integer accumulator and the next binarisation is a scalar function per channel. It is
evaluated over every accumulator that can occur; if each channel's result changes at most once, the integer at the change is
the threshold, and hardware takes the graph's decision for every value, rounding included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .scalar import Chain, Float

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


@dataclass(frozen=True, eq=False)
class Steps:
    """Per channel, the step function bit = (accumulator >= threshold) XOR falling; all arrays (channels,).

    A threshold of highest + stride means "never". Constant channels are never falling.
    """

    thresholds: NDArray[np.int64]
    falling: NDArray[np.bool_]


def find_steps(
    bits: Callable[[NDArray[np.int64]], NDArray[np.bool_]], low: NDArray[np.int64], high: NDArray[np.int64], stride: int = 1
) -> Steps:
    """The steps of `bits` over low, low + stride, ... high, channel by channel.

    bits maps accumulators (channels, n) to booleans of the same shape. Raises NotMonotoneError.
    """
    channels = len(low)
    count = int((high - low).max()) // stride + 1
    changes = np.zeros(channels, np.int64)
    thresholds = high + stride
    first = previous = np.zeros(channels, bool)
    width = max(1, BLOCK // channels)
    for start in range(0, count, width):
        values = low[:, None] + stride * np.arange(start, min(start + width, count))
        # beyond a channel's own range its highest value is repeated, so that nothing changes there
        block = bits(np.minimum(values, high[:, None]))
        if start == 0:
            first = previous = block[:, 0]
        change = block != np.concatenate([previous[:, None], block[:, :-1]], axis=1)
        found = change.any(axis=1)
        at = values[np.arange(channels), change.argmax(axis=1)]
        again = found & ((changes > 0) | (change.sum(axis=1) > 1))
        if again.any():
            channel = int(np.argmax(again))
            places = values[channel, np.flatnonzero(change[channel])]
            earlier = thresholds[channel] if changes[channel] else places[0]
            raise NotMonotoneError(channel, (int(earlier), int(places[-1])))
        thresholds = np.where(found, at, thresholds)
        changes += found
        previous = block[:, -1]
    constant = changes == 0
    thresholds = np.where(constant & first, low, thresholds)
    return Steps(thresholds, first & ~constant)


def falls(
    function: Callable[[NDArray[np.int64]], Float], low: NDArray[np.int64], high: NDArray[np.int64], stride: int = 1
) -> NDArray[np.bool_]:
    """For each channel, whether `function` falls over low, low + stride, ... high; a constant one does not.

    Raises NotMonotoneError for a channel that does both.
    """
    channels = len(low)
    count = int((high - low).max()) // stride + 1
    rose, fell = np.zeros(channels, bool), np.zeros(channels, bool)
    width = max(2, BLOCK // channels)
    for start in range(0, count, width - 1):  # neighbouring blocks share one value
        values = np.minimum(low[:, None] + stride * np.arange(start, min(start + width, count)), high[:, None])
        change = np.diff(function(values), axis=1)
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
        return f"{self.layer} channel {self.channel} at accumulator {self.accumulator}: binarises {self.argument:.3g}"


def find_ties(
    layer: str,
    argument: Callable[[NDArray[np.int64]], Float],
    steps: Steps,
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    stride: int,
) -> tuple[Tie, ...]:
    """The accumulators on either side of each threshold whose float64 argument is zero within rounding.

    argument maps accumulators (channels, n) to what the binarisation compares with zero, in float64.
    """
    candidates = np.clip(steps.thresholds[:, None] + stride * np.arange(-1, 2), low[:, None], high[:, None])
    values = argument(candidates)
    spread = np.max(np.abs(argument(np.stack([low, high], axis=1))), axis=1, keepdims=True)
    close = np.abs(values) <= TIE_TOLERANCE * spread
    places = sorted({(int(c), int(candidates[c, i]), float(values[c, i])) for c, i in zip(*np.nonzero(close), strict=True)})
    return tuple(Tie(layer, *place) for place in places)


def real_values(accumulators: NDArray[np.int64], scale: Float, chain: Chain, dtype: type[np.floating] = np.float32) -> Float:
    """What the graph computes from accumulators (channels, n): each scaled once in `dtype`, then the chain's steps."""
    return chain(accumulators.astype(dtype) * scale.astype(dtype))
