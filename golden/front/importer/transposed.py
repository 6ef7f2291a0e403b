"""Transposed convolutions as convolutions that compute a block of positions at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...layers.window import Axis
from .affine import Real
from .model_file import Node
from .operands import check_sizes
from .real_layers import MAX_WEIGHTS
from .scalar_nodes import Refusal
from .symbols import MAX_ACTIVATION

MAX_STEP = 1 << 10
"""Outputs of one block along an axis."""


@dataclass(frozen=True)
class TransposedAxis:
    """One axis of a transposed convolution: input i adds tap k to output i * stride + k - before; `outputs` of them are kept.

    Output o = block * step + r, phase r of `step`. With o + before = i * stride + k, the taps of a phase are every stride-th, and
    they meet inputs at the same distances from `block` in every block: a window of stride 1 that slides over the blocks. Without
    a second input the blocks need not follow the stride: one block holds all outputs.
    """

    size: int
    kernel: int
    stride: int
    before: int
    outputs: int

    @property
    def step(self) -> int:
        """Outputs in a block."""
        return self.outputs if self.size == 1 else min(self.stride, self.outputs)

    @property
    def blocks(self) -> int:
        """Number of blocks; the last may have outputs too many."""
        return -(-self.outputs // self.step)

    @cached_property
    def taps(self) -> NDArray[np.int64]:
        """(3, n): of all products in a block the phase, the distance of the input from the block's number, and the tap."""
        stride = max(self.stride, self.before + self.outputs, self.kernel) if self.size == 1 else self.stride
        phases, turns = np.divmod(np.arange(self.step * -(-self.kernel // stride)), -(-self.kernel // stride))
        places = phases + self.before
        taps = places % stride + turns * stride
        found: NDArray[np.int64] = np.stack([phases, places // stride - turns, taps])[:, taps < self.kernel]
        return found

    @property
    def window(self) -> Axis:
        """The window over the inputs, wide enough for all phases."""
        distances = self.taps[1]
        first, last = int(distances.min(initial=0)), int(distances.max(initial=0))
        after = self.blocks + last - self.size  # so that there are as many windows as blocks
        return Axis(self.size, last - first + 1 + max(-after, 0), 1, -first, max(after, 0))


def transposed_axis(node: Node, axis: int, size: int, kernel: int) -> TransposedAxis:
    """Axis 0 or 1 of a ConvTranspose over an image."""
    check_sizes(node)
    attributes = node.attributes
    stride = int(attributes.get("strides", [1, 1])[axis])
    more = int(attributes.get("output_padding", [0, 0])[axis])
    if stride < 1:
        raise Refusal(f"stride={stride} is below 1")
    if not 0 <= more < stride:
        raise Refusal(f"output_padding={more} for stride={stride}")
    full = stride * (size - 1) + kernel + more
    mode = attributes.get("auto_pad", "NOTSET")
    if "output_shape" in attributes or mode in ("SAME_UPPER", "SAME_LOWER"):
        outputs = int(attributes["output_shape"][axis]) if "output_shape" in attributes else size * stride
        total = full - outputs
        before = total // 2 if mode == "SAME_UPPER" else total - total // 2
        if total < 0:
            raise Refusal(f"an output of {outputs} positions, of which at most {full} are reached")
    else:
        pads = attributes.get("pads", [0, 0, 0, 0]) if mode == "NOTSET" else [0, 0, 0, 0]
        before, after = int(pads[axis]), int(pads[axis + 2])
        if min(before, after) < 0:
            raise Refusal("negative padding")
        outputs = full - before - after
    if not 1 <= outputs <= MAX_ACTIVATION:
        raise Refusal(f"an output of {outputs} positions, expected 1 to {MAX_ACTIVATION}")
    found = TransposedAxis(size, kernel, stride, before, outputs)
    if found.step > MAX_STEP:
        raise Refusal(f"blocks of {found.step} positions, at most {MAX_STEP} are supported")
    return found


def blocked(weights: Real, rows: TransposedAxis, columns: TransposedAxis) -> Real:
    """(in, out, kernel_height, kernel_width) weights as (window_height, window_width, in, rows, columns, out)."""
    inputs, outputs = weights.shape[:2]
    axes = rows.window, columns.window
    size = math.prod((axes[0].kernel, axes[1].kernel, inputs, rows.step, columns.step, outputs))
    if size > MAX_WEIGHTS:
        raise Refusal(
            f"{size} weights for blocks of {rows.step} by {columns.step} positions, at most {MAX_WEIGHTS} are supported"
        )
    result = np.zeros((axes[0].kernel, axes[1].kernel, inputs, rows.step, columns.step, outputs))
    row, down, tap_row = rows.taps[:, :, None]
    column, across, tap_column = columns.taps[:, None, :]
    products = weights[:, :, tap_row, tap_column].transpose(2, 3, 0, 1)
    result[down + axes[0].before, across + axes[1].before, :, row, column] = products
    return result
