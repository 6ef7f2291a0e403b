"""Which frames meet an accumulator whose decision rounding may turn."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.few_bits import FewBits
from sigmabit.golden.layers.layer import Layer
from sigmabit.golden.layers.normalisation import Tie
from sigmabit.golden.layers.quantiser import Quantiser
from sigmabit.golden.layers.recode import Recode
from sigmabit.golden.layers.residual import Residual, weighed
from sigmabit.golden.layers.threshold import Threshold
from sigmabit.golden.layers.ways import Ways

Numbers = NDArray[np.int64]


def decided(layers: Sequence[Layer], codes: Numbers) -> Generator[tuple[Layer, Numbers], None, Numbers]:
    """Each layer that decides, those of ways too, with the numbers (N, height, width, channels) that it decides by. Returns the
    last layer's results.
    """
    for layer in layers:
        ends = []
        for way in layer.ways if isinstance(layer, Ways) else ():
            ends.append((yield from decided(way, codes)))
        if isinstance(layer, Convolution | FewBits):
            yield layer, layer.accumulators(codes)
        elif isinstance(layer, Residual):
            yield layer, weighed(layer.gains, *ends)
        elif isinstance(layer, Quantiser | Recode | Threshold):
            yield layer, codes
        codes = layer.merged(ends[0], ends[1]) if isinstance(layer, Ways) else layer.run(codes)
    return codes


def frames_met(
    ties: Iterable[Tie], layers: Sequence[Layer], codes: Numbers, order: NDArray[np.int64] | None = None
) -> np.ndarray:
    """In which frames of codes (N, height, width, channels) a number of a layer is one of its ties.

    order: the element of the graph's input for each code of `codes`, in stream order; ties of a threshold's are told by elements.
    """
    of_layer: dict[str, list[Tie]] = {}
    for tie in ties:
        of_layer.setdefault(tie.layer.split(" before ")[0], []).append(tie)
    hit = np.zeros(len(codes), bool)
    for layer, numbers in decided(layers, codes):
        for tie in of_layer.pop(layer.name, ()):
            hit |= _meets(layer, tie, numbers, order).reshape(len(codes), -1).any(axis=1)
    if of_layer:
        raise ValueError(f"{', '.join(of_layer)}: no such layers")
    return hit


def _meets(layer: Layer, tie: Tie, numbers: Numbers, order: NDArray[np.int64] | None) -> np.ndarray:
    if isinstance(layer, Threshold | Recode):
        met = numbers == tie.accumulator
        if isinstance(layer, Threshold) and order is not None and len(np.unique(layer.thresholds)) > 1:
            met &= order.reshape(layer.input.shape) == tie.channel
        return met
    # the sign of a channel that falls has moved into its weights, or gains
    found: np.ndarray = np.abs(numbers[..., tie.channel]) == abs(tie.accumulator)
    return found
