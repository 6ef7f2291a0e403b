"""What each layer's results can be at all: intervals, from the input's codes on.

A result whose interval is one number never changes. Intervals are safe, not tight: results that the weights of several layers
together hold still may go unnoticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.activate import Activation
from ..layers.convolution import WINDOW_ELEMENTS, Convolution
from ..layers.fixed import Fixed
from ..layers.linear import Linear
from ..layers.pool import Pool
from ..layers.shuffle import Shuffle
from ..layers.threshold import Threshold
from ..sampling.latent import Latent
from ..types.tensor import TensorType

Layer = Threshold | Convolution | Pool | Fixed | Shuffle | Latent


@dataclass(frozen=True, eq=False)
class Reach:
    """Smallest and largest result, element by element: (height, width, channels) int64 each."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @staticmethod
    def of(tensor: TensorType) -> Reach:
        """All codes of a tensor."""
        return Reach(np.full(tensor.shape, tensor.low), np.full(tensor.shape, tensor.high))

    @property
    def constant_channels(self) -> NDArray[np.bool_]:
        """(channels,) whether a channel's results are each always the same."""
        constant: NDArray[np.bool_] = (self.low == self.high).all(axis=(0, 1))
        return constant


def reaches(tensor: TensorType, layers: Sequence[Layer]) -> dict[str, Reach]:
    """What the results of each layer can be, by its name, for all codes of the first one's input."""
    reach, found = Reach.of(tensor), {}
    for layer in layers:
        reach = _after(layer, reach)
        found[layer.name] = reach
    return found


def _after(layer: Layer, reach: Reach) -> Reach:
    if isinstance(layer, Linear):
        sums = _sums(layer, reach)
        if isinstance(layer, Fixed):
            return _activated(layer.activation, Reach(sums.low + layer.bias, sums.high + layer.bias))
        assert isinstance(layer, Convolution)
        thresholds = layer.thresholds
        if thresholds is None:
            return sums
        return Reach((sums.low >= thresholds).astype(np.int64), (sums.high >= thresholds).astype(np.int64))
    if isinstance(layer, Latent):
        return Reach.of(layer.output)
    ends = np.sort(layer.run(np.stack([reach.low, reach.high])), axis=0)  # all other layers rise or fall
    return Reach(ends[0], ends[1])


def _sums(layer: Linear, reach: Reach) -> Reach:
    """Sums of weights times values, without a bias."""
    values = np.stack([layer.grid.values(reach.low), layer.grid.values(reach.high)])
    matrix = layer.weights.reshape(-1, layer.channels).astype(np.float64)
    rising, falling = np.maximum(matrix, 0), np.minimum(matrix, 0)
    windows = layer.window.extract(values)
    rows, columns = windows.shape[1:3]
    low, high = (np.empty((rows, columns, layer.channels), np.int64) for _ in range(2))
    step = max(1, WINDOW_ELEMENTS // (columns * len(matrix)))
    for start in range(0, rows, step):
        part = windows[:, start : start + step]
        bottom, top = part.reshape(*part.shape[:3], -1).astype(np.float64)  # exact: sums stay far below 2^53
        low[start : start + step] = bottom @ rising + top @ falling
        high[start : start + step] = top @ rising + bottom @ falling
    return Reach(low, high)


def _activated(activation: Activation, sums: Reach) -> Reach:
    low, high = (np.clip(end >> activation.shift, *activation.limits) for end in (sums.low, sums.high))
    table = activation.table
    if table is None:
        return Reach(low, high)
    first, last = low - activation.limits[0], high - activation.limits[0]
    changes = np.concatenate([[0], np.cumsum(table[1:] != table[:-1])])
    constant = changes[first] == changes[last]
    return Reach(np.where(constant, table[first], table.min()), np.where(constant, table[first], table.max()))
