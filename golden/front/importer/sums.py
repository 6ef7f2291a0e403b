"""What a graph does to the sums of a layer, or to codes, and the layer that has such sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...arithmetic.steps import Steps
from ...layers.convolution import Convolution
from ...layers.dense import Dense
from ...layers.few_bits import FewBits
from ...layers.normalisation import real_values
from ...layers.window import Axis, Window
from ...types.scalar import Chain
from ...types.tensor import TensorType
from .decisions import NOT_QUANTISED, Accumulators, differently
from .scalar_nodes import Refusal
from .symbols import Codes, Frame, Sums, Symbol, per_channel


def codes_decision(symbol: Symbol, codes: Codes) -> tuple[Chain, Accumulators]:
    """What is done to codes, element by element or to all alike, and the codes that there are."""
    uniform = all(np.ndim(c) == 0 for step in symbol.chain.steps for c in step.constants)
    chain = symbol.chain.map_constants(lambda c: np.asarray(c) if np.ndim(c) == 0 else np.asarray(c)[:, None])
    rows = 1 if uniform else codes.frame.size
    low, high = (np.full(rows, end, np.int64) for end in (codes.range.low, codes.range.high))
    return chain, Accumulators(low, high, 1, codes.grid.reals, lambda a: codes.grid.values(a) * codes.grid.scale)


def sums_decision(symbol: Symbol, sums: Sums) -> tuple[Chain, Accumulators]:
    """What is done to the sums of a layer, poolings left out, and the sums that there are."""
    parts = (*(pooling.before for pooling in sums.poolings), chain_of_sums(symbol, sums.frame))
    layer = build_layer("", (), sums, None, None)
    scale = sums.scale[:, None]
    chain = Chain(tuple(step for part in parts for step in part.steps))
    return chain, Accumulators(
        *layer.accumulator_range, layer.accumulator_stride, lambda a: real_values(a, scale, Chain()), lambda a: a * scale
    )


def chain_of_sums(symbol: Symbol, frame: Frame) -> Chain:
    """What is done to sums, channel by channel."""
    end = symbol.chain.decided
    try:
        quantised = per_channel(Chain(symbol.chain.steps[:end]), frame)
    except Refusal as refusal:
        raise Refusal(str(refusal), symbol.chain.culprit) from None
    behind = Chain(symbol.chain.steps[end:])
    try:
        behind = per_channel(behind, frame)
    except Refusal:
        raise Refusal(differently(behind) if end else NOT_QUANTISED) from None
    return Chain((*quantised.steps, *behind.steps))


def build_layer(
    name: str,
    nodes: tuple[str, ...],
    sums: Sums,
    thresholds: NDArray[np.int64] | None,
    flips: NDArray[np.bool_] | None,
) -> Convolution | FewBits:
    """The layer of `sums`, with the weights of the channels in `flips` negated; binary where weights and results are bits.

    thresholds: (channels,), or (channels, levels - 1).
    """
    channels, height, width = sums.codes.frame.shape
    tensor = TensorType(height, width, channels, sums.codes.range)
    weights = sums.weights if flips is None else np.where(flips, -sums.weights, sums.weights)
    if np.all(np.abs(weights) == 1) and (thresholds is None or thresholds.ndim == 1):
        signs = weights.astype(np.int8)
        if sums.window is None:
            return Dense.of(name, nodes, tensor, sums.grid, signs, thresholds)
        return Convolution(name, nodes, tensor, sums.grid, sums.window, signs, thresholds)
    steps = None if thresholds is None else Steps(thresholds.reshape(weights.shape[-1], -1))
    window = sums.window or Window(Axis(height, height), Axis(width, width))
    kernel = weights.reshape(window.rows.kernel, window.columns.kernel, channels, -1)
    return FewBits(name, nodes, tensor, sums.grid, window, kernel, steps)
