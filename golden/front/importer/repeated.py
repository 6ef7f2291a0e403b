"""Images that are larger than what a layer gave: nearest neighbours, and channels that become positions.

Both only rearrange elements, until a layer takes them. A convolution of repeated positions is one of the small image that
computes a block of positions at once: taps that meet the same position add up. Channels that become positions are blocks of the
layer that gives them; so are repeated positions where what takes them has strides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...layers.window import Axis
from ...types.scalar import Chain
from .affine import Real, affine, line
from .model_file import Node
from .operands import Array
from .real_layers import MAX_WEIGHTS, Linear
from .scalar_nodes import Refusal
from .symbols import MAX_ACTIVATION, Frame, Index, Symbol

COORDINATES: dict[str, Callable[[Real, int, int, float], Real]] = {
    "align_corners": lambda at, size, outputs, scale: at * (size - 1) / max(outputs - 1, 1),
    "asymmetric": lambda at, size, outputs, scale: at / scale,
    "half_pixel": lambda at, size, outputs, scale: (at + 0.5) / scale - 0.5,
    "pytorch_half_pixel": lambda at, size, outputs, scale: (at + 0.5) / scale - 0.5 if outputs > 1 else 0 * at,
}
"""Where in the small image an output lies: ONNX's ways."""

NEAREST: dict[str, Callable[[Real], Real]] = {
    "ceil": np.ceil,
    "floor": np.floor,
    "round_prefer_ceil": lambda at: np.floor(at + 0.5),
    "round_prefer_floor": lambda at: np.ceil(at - 0.5),
}


def before_opset_11(node: Node) -> bool:
    """Is it Upsample, or Resize as it was when it had two inputs?"""
    return node.operator == "Upsample" or len(node.inputs) == 2


def resized(node: Node, index: Index, scales: Array | None, sizes: Array | None) -> Index:
    """What Resize or Upsample picks of the elements of an activation."""
    attributes = node.attributes
    mode, old = attributes.get("mode", "nearest"), before_opset_11(node)
    if mode != "nearest":
        raise Refusal(f"mode {mode}; only nearest neighbours are supported")
    way = attributes.get("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    rounding = attributes.get("nearest_mode", "floor" if old else "round_prefer_floor")
    if way not in COORDINATES or rounding not in NEAREST or "axes" in attributes:
        raise Refusal(f"coordinates {way}, rounding {rounding}, axes {attributes.get('axes')}, which are not supported")
    given = scales if sizes is None else sizes / np.array(index.shape)
    if given is None or given.shape != (index.ndim,):
        raise Refusal(f"scales or sizes that do not suit an activation of shape {index.shape}")
    for axis, factor in enumerate(float(factor) for factor in given):
        size = index.shape[axis]
        if not (factor >= 1 and factor.is_integer() and size * factor * index.size / size <= MAX_ACTIVATION):
            raise Refusal(f"factors {given.tolist()}; positions can be repeated a whole number of times, as far as they fit")
        at = COORDINATES[way](np.arange(size * int(factor), dtype=np.float64), size, size * int(factor), factor)
        index = np.take(index, np.clip(NEAREST[rounding](at), 0, size - 1).astype(np.int64), axis=axis)
    return index


def to_space(node: Node, index: Index) -> Index:
    """The elements (1, C * b * b, H, W) of an activation as DepthToSpace arranges them: (1, C, b * H, b * W)."""
    block = int(node.attributes["blocksize"])
    _, channels, height, width = index.shape
    if node.attributes.get("mode", "DCR") == "DCR":
        tiles = index.reshape(1, block, block, channels // block**2, height, width).transpose(0, 3, 4, 1, 5, 2)
    else:
        tiles = index.reshape(1, channels // block**2, block, block, height, width).transpose(0, 1, 4, 2, 5, 3)
    return tiles.reshape(1, channels // block**2, height * block, width * block)


def repeats(image: Index) -> tuple[int, int]:
    """How often each position of (C, H, W) elements is there, down and across, if all are equally often; (1, 1) of others."""
    rows, columns = (int(np.sum(np.logical_and.accumulate(line == line[0]))) for line in (image[0, :, 0], image[0, 0]))
    if image.shape[1] % rows or image.shape[2] % columns:
        return 1, 1
    small = image[:, ::rows, ::columns]
    return (rows, columns) if np.array_equal(small.repeat(rows, 1).repeat(columns, 2), image) else (1, 1)


@dataclass(frozen=True)
class RepeatedAxis:
    """One axis of a convolution whose inputs are each there `step` times: with tap k, output o meets input
    (o + k - before) // step.

    Output o = block * step + phase. With the distances from `block` that the taps of a phase meet, a window of stride 1 slides
    over the inputs.
    """

    axis: Axis
    step: int

    @cached_property
    def distances(self) -> NDArray[np.int64]:
        """(step, kernel): of the inputs that the taps of each phase meet from the block's number."""
        found: NDArray[np.int64] = (np.arange(self.step)[:, None] + np.arange(self.axis.kernel) - self.axis.before) // self.step
        return found

    @property
    def window(self) -> Axis:
        """The window over the inputs, wide enough for all phases: as many as there are blocks."""
        size, first, last = self.axis.size // self.step, int(self.distances.min()), int(self.distances.max())
        blocks = -(-self.axis.outputs // self.step)
        return Axis(size, last - first + 1, 1, -first, blocks + last - size)


def merged(weights: Real, rows: RepeatedAxis, columns: RepeatedAxis) -> Real:
    """(out, in, kernel_height, kernel_width) weights as (window_height, window_width, in, rows, columns, out)."""
    axes = rows.window, columns.window
    outputs, inputs = weights.shape[:2]
    result = np.zeros((axes[0].kernel, axes[1].kernel, inputs, rows.step, columns.step, outputs))
    if result.size > MAX_WEIGHTS:
        raise Refusal(f"{result.size} weights for blocks of {rows.step} by {columns.step} positions, at most {MAX_WEIGHTS}")
    for row, down in enumerate(rows.distances):
        for column, across in enumerate(columns.distances):
            for tap, y in enumerate(down):
                for other, x in enumerate(across):
                    result[y + axes[0].before, x + axes[1].before, :, row, column] += weights[:, :, tap, other].T
    return result


def reblocked(symbol: Symbol, image: Index) -> tuple[Symbol, Index]:
    """An activation whose image (C, r * H, c * W) has as positions what are channels of its layer, as that of a layer that
    computes blocks of r by c; others as they are.
    """
    source = symbol.source
    if not isinstance(source, Linear) or source.open or source.pool is not None or source.weights.shape[3:5] != (1, 1):
        return symbol, image
    _, height, width = source.frame.shape
    rows, columns = image.shape[1] // height, image.shape[2] // width
    if rows * columns <= 1 or image.shape[1:] != (rows * height, columns * width) or image.min() < 0:
        return symbol, image
    tiles = image.reshape(-1, height, rows, width, columns).transpose(2, 4, 0, 1, 3)
    channels = tiles[..., 0, 0] // (height * width)
    if not np.array_equal(tiles, source.frame.settled[channels]):
        return symbol, image
    steps = symbol.chain.steps
    curved = next((place for place, step in enumerate(steps) if line(step) is None), len(steps))
    whole = affine(Chain(steps[:curved]))
    assert whole is not None
    gain, offset = whole.of(tiles)
    if np.any(gain != gain[..., :1, :1]) or np.any(offset != offset[..., :1, :1]):
        return symbol, image
    frame = Frame.of((image.shape[0], *image.shape[1:]))
    single = source.chosen(channels, gain[..., 0, 0], offset[..., 0, 0])
    layer = replace(
        single,
        nodes=(*source.nodes, *(step.node for step in steps[:curved])),
        weights=single.weights[:, :, :, 0, 0],
        bias=single.bias[0, 0],
        inside=None if single.inside is None else single.inside[:, :, 0, 0],
        frame=frame,
    )
    elements = image.reshape(-1)
    rest = Chain(steps[curved:]).map_constants(lambda c: np.asarray(c) if np.ndim(c) == 0 else c[elements])
    return Symbol(layer, frame.settled[None], rest), frame.settled
