"""What the handlers of layers ask of a node's inputs: activations, constants, binary weights, grids and windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...layers.window import Axis, Window
from ...types.grid import Grid
from ...types.scalar import Add, Float
from .model_file import Node
from .scalar_nodes import Refusal
from .symbols import MAX_ACTIVATION, Codes, Symbol, Value

Array = NDArray[Any]

WEIGHT_TOLERANCE = 1e-4
"""By how much of it the magnitudes of one output's weights may differ: float32's rounding, where a graph computes them."""


MOST_CODE = 128
"""The largest magnitude of a weight of 8 bits."""

FLOAT_ROUNDING = 2.0**-22
"""By how much of it a multiple of a step may differ: two roundings of float32."""


def activation(arguments: list[Value]) -> Symbol:
    """The first argument, which must depend on the input."""
    if not isinstance(arguments[0], Symbol):
        raise Refusal("its first input is a constant")
    return arguments[0]


def constant(arguments: list[Value], position: int) -> Array:
    """The argument at `position`, which must be a constant."""
    if len(arguments) <= position:
        raise Refusal(f"input {position} is missing")
    value = arguments[position]
    if not isinstance(value, np.ndarray):
        raise Refusal(f"input {position} depends on the graph's input, expected a constant")
    return value


def with_constant(arguments: list[Value]) -> tuple[Symbol, Array, bool]:
    """The activation and the constant of a node of two inputs, and whether the constant comes first."""
    first, second = arguments
    if isinstance(first, Symbol) and isinstance(second, np.ndarray):
        return first, second, False
    if isinstance(first, np.ndarray) and isinstance(second, Symbol):
        return second, first, True
    raise Refusal("it combines two activations; residual and other branches are not supported")


@dataclass(frozen=True, eq=False)
class BinaryWeights:
    """Weights that are +1 and -1, or whole numbers of a few bits, times a magnitude for each output.

    variation: by how much of it, at most, their own magnitudes differ from that of their output, where a graph computes them.
    """

    signs: NDArray[np.integer]
    magnitudes: Float
    variation: float


def binary_weights(weights: Array, axis: int) -> BinaryWeights:
    """The weights as signs and magnitudes; `axis` is the outputs'. Raises Refusal where their magnitudes differ."""
    if weights.dtype.kind not in "fi":
        raise Refusal(f"weights of type {weights.dtype}")
    if not weights.size:
        raise Refusal(f"weights of shape {weights.shape}")
    if not np.isfinite(weights).all():
        raise Refusal("weights that are not finite")
    rows = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1)
    sizes = np.abs(rows.astype(np.float64))
    magnitudes, largest = np.median(sizes, axis=1), sizes.max(axis=1)
    if not largest.all():
        raise Refusal(f"weights that are not binary: output {int(np.argmin(largest))} holds nothing but zeros")
    off = np.abs(sizes - magnitudes[:, None]).max(axis=1) / largest
    wrong = off > WEIGHT_TOLERANCE
    if wrong.any():
        output = int(np.argmax(wrong))
        one, other = rows[output, sizes[output].argmin()], rows[output, sizes[output].argmax()]
        # as their type prints them, with as many digits as tell them apart
        raise Refusal(f"weights that are not binary: output {output} holds {one!s} beside {other!s}")
    return BinaryWeights(np.where(weights > 0, 1, -1).astype(np.int8), magnitudes, float(off.max()))


def few_bit_weights(weights: Array, axis: int) -> BinaryWeights | None:
    """Weights that are whole numbers of up to 8 bits times a step for each output, or None.

    The whole numbers stand in the place of signs, the steps in that of magnitudes.
    """
    if weights.dtype.kind not in "fi" or not weights.size or not np.isfinite(weights).all():
        return None
    rows = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1).astype(np.float64)
    codes, steps = np.zeros(rows.shape, np.int16), np.empty(len(rows))
    for output, row in enumerate(rows):
        sizes = np.unique(np.abs(row))
        sizes = sizes[sizes > 0]
        if not len(sizes) or len(sizes) > MOST_CODE:
            return None
        step = _step(sizes)
        if step is None:
            return None
        codes[output], steps[output] = np.rint(row / step), step
    shape = (weights.shape[axis], *(size for place, size in enumerate(weights.shape) if place != axis))
    return BinaryWeights(np.moveaxis(codes.reshape(shape), 0, axis), steps, 0.0)


def _step(sizes: Float) -> float | None:
    """The largest number of which all of some, rising, are multiples up to MOST_CODE, within float32's rounding."""
    for parts in range(1, MOST_CODE + 1):
        counts = sizes * (parts / sizes[0])
        if counts[-1] > MOST_CODE + 0.5:
            return None
        whole = np.rint(counts)
        if np.all(np.abs(counts - whole) <= whole * FLOAT_ROUNDING):
            near = np.float32(sizes[-1] / whole[-1])
            for step in (near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(np.inf))):
                if np.array_equal((whole.astype(np.float32) * step).astype(np.float64), sizes):
                    return float(step)
            return float(sizes[-1] / whole[-1])
    return None


def value_grid(symbol: Symbol, codes: Codes) -> tuple[Grid, bool]:
    """The grid of what the symbol's chain makes of its codes, and whether it rises with them; on a falling grid the
    consumer negates its weights, or its maximum becomes a minimum.
    """
    for step in symbol.chain.steps:
        if any(np.ndim(c) for c in step.constants):
            raise Refusal(f"{step.node} scales its input elements differently, so that sums over them are not integers")
    if not symbol.chain.steps:
        return codes.grid, True
    reals = np.asarray(symbol.chain(codes.grid.reals(np.arange(codes.range.low, codes.range.high + 1))), np.float32)
    rising = bool(reals[-1] > reals[0])
    grid = Grid.fit(reals if rising else -reals)
    if grid is None:
        raise Refusal("its input is not a linear function of integers, after " + ", ".join(symbol.chain.nodes))
    return grid, rising


def check_groups(node: Node) -> None:
    """Refuse a Conv of several groups."""
    if node.attributes.get("group", 1) != 1:
        raise Refusal(f"{node.attributes['group']} groups; grouped convolutions are not supported")


def constant_kernels(node: Node, arguments: list[Value]) -> Array:
    """The weights of a Conv or ConvTranspose, four-dimensional and of one group."""
    weights = constant(arguments, 1)
    if weights.ndim != 4:
        raise Refusal(f"a convolution over {weights.ndim - 2} dimensions, expected 2")
    check_groups(node)
    return weights


def check_channels(kernels: Array, axis: int, symbol: Symbol) -> None:
    """Refuse kernels whose inputs, along `axis`, are not the channels of an image (1, C, H, W)."""
    if len(symbol.shape) != 4 or symbol.shape[1] != kernels.shape[axis]:
        raise Refusal(f"weights of shape {kernels.shape} for an activation of shape {symbol.shape}")


def with_bias(node: Node, arguments: list[Value], sums: Symbol) -> Symbol:
    """The sums of a convolution, plus its bias if it has one."""
    if len(arguments) > 2 and arguments[2] is not None:
        return sums.then([Add(node.name, constant(arguments, 2).reshape(1, -1, 1, 1))])
    return sums


def check_dilations(node: Node) -> None:
    """Refuse a Conv or MaxPool that leaves out elements of its window."""
    if any(d != 1 for d in node.attributes.get("dilations", [1, 1])):
        raise Refusal(f"dilations {list(node.attributes['dilations'])}; only 1 is supported")


def sliding_window(node: Node, size: Sequence[int], kernel: Sequence[int], margins: tuple[int, int, int, int]) -> Window:
    """The window of a Conv or MaxPool over an image of `size` that has `margins` of zeros already."""
    check_dilations(node)
    strides = [int(s) for s in node.attributes.get("strides", [1, 1])]
    pads = [int(p) for p in node.attributes.get("pads", [0, 0, 0, 0])]
    mode = node.attributes.get("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        for i in range(2):
            inside = size[i] + margins[i] + margins[i + 2]
            total = max((-(-inside // strides[i]) - 1) * strides[i] + kernel[i] - inside, 0)
            small, large = total // 2, total - total // 2
            pads[i], pads[i + 2] = (small, large) if mode == "SAME_UPPER" else (large, small)
    elif mode == "VALID":
        pads = [0, 0, 0, 0]
    axes = []
    for i in range(2):
        before, after = pads[i] + margins[i], pads[i + 2] + margins[i + 2]
        if node.attributes.get("ceil_mode", 0):
            more = after + -(size[i] + before + after - kernel[i]) % strides[i]
            if size[i] + before + more - kernel[i] < size[i] + before:  # a window that began in the padding behind is dropped
                after = more
        try:
            axes.append(Axis(int(size[i]), int(kernel[i]), strides[i], before, after))
        except ValueError as error:
            raise Refusal(str(error)) from None
    window = Window(axes[0], axes[1])
    if window.outputs * window.taps > MAX_ACTIVATION:
        raise Refusal(f"{window.outputs} windows of {window.taps} elements, at most {MAX_ACTIVATION} elements are supported")
    return window


def output_axis(node: Node) -> int:
    """Which axis of a layer's weights counts its outputs."""
    return 0 if node.operator == "Conv" or node.attributes.get("transB", 0) else 1
