"""What the handlers of layers ask of a node's inputs: activations, constants, binary weights, grids and windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...layers.window import Axis, Window
from ...types.grid import Grid
from ...types.scalar import Add, Float
from .decisions import curved
from .model_file import Node
from .scalar_nodes import Refusal
from .symbols import MAX_ACTIVATION, PAD, Codes, Index, Symbol, Unknown, Value, strip_padding

Array = NDArray[Any]

WEIGHT_TOLERANCE = 1e-4
"""By how much of it the magnitudes of one output's weights may differ: float32's rounding, where a graph computes them."""


MOST_CODE = 128
"""The largest magnitude of a weight of 8 bits."""

MOST_TOLD = 1 << 11
"""The largest magnitude of weights of too many bits whose number of bits is told."""

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
    raise Refusal("it combines two activations; of two, only sums (Add, Sub) and concatenations (Concat) are supported")


@dataclass(frozen=True, eq=False)
class BinaryWeights:
    """Weights that are +1 and -1, or whole numbers of a few bits, times a magnitude for each output.

    variation: by how much of it, at most, their own magnitudes differ from that of their output, where a graph computes them.
    """

    signs: NDArray[np.integer]
    magnitudes: Float
    variation: float

    @property
    def bits(self) -> int:
        """Of a weight."""
        return 1 + max(0, int(np.abs(self.signs.astype(np.int64)).max()) - 1).bit_length()


def check_numbers(weights: Array) -> None:
    """Refuse weights that are none, of no use, or no numbers."""
    if weights.dtype.kind not in "fi":
        raise Refusal(f"weights of type {weights.dtype}")
    if not weights.size:
        raise Refusal(f"weights of shape {weights.shape}")
    if not np.isfinite(weights).all():
        raise Refusal("weights that are not finite")
    if not weights.any():
        raise Refusal("all its weights are 0")


def binary_weights(weights: Array, axis: int) -> BinaryWeights | None:
    """The weights as signs and magnitudes; `axis` is the outputs'. None where the magnitudes of an output differ, or are 0."""
    rows = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1)
    sizes = np.abs(rows.astype(np.float64))
    magnitudes, largest = np.median(sizes, axis=1), sizes.max(axis=1)
    if not largest.all():
        return None
    off = np.abs(sizes - magnitudes[:, None]).max(axis=1) / largest
    if np.any(off > WEIGHT_TOLERANCE):
        return None
    return BinaryWeights(np.where(weights > 0, 1, -1).astype(np.int8), magnitudes, float(off.max()))


def few_bit_weights(weights: Array, axis: int, most: int = MOST_CODE) -> BinaryWeights | None:
    """Weights that are whole numbers, up to 128 if no other bound is given, times a step for each output, or None.

    The whole numbers stand in the place of signs, the steps in that of magnitudes; an output of zeros alone has another's.
    """
    rows = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1).astype(np.float64)
    codes, steps = np.zeros(rows.shape, np.int16), np.empty(len(rows))
    for output, row in enumerate(rows):
        sizes = np.unique(np.abs(row))
        sizes = sizes[sizes > 0]
        if not len(sizes):
            steps[output] = np.nan
            continue
        step = _step(sizes, most) if len(sizes) <= most else None
        if step is None:
            return None
        codes[output], steps[output] = np.rint(row / step), step
    empty = np.isnan(steps)
    steps[empty] = steps[~empty].max()
    shape = (weights.shape[axis], *(size for place, size in enumerate(weights.shape) if place != axis))
    return BinaryWeights(np.moveaxis(codes.reshape(shape), 0, axis), steps, 0.0)


def no_few_bits(weights: Array, axis: int) -> str:
    """Which weights of an output are not whole numbers of 8 bits times a step: two of which that is so, if there are two."""
    rows = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1)
    output = next(n for n, row in enumerate(rows) if row.any() and few_bit_weights(row[None], 0) is None)
    row = rows[output][rows[output] != 0]
    one, *others = row[np.argsort(np.abs(row), kind="stable")]
    other = next((x for x in others[::-1] if _step(np.abs(np.array([one, x], np.float64)), MOST_CODE) is None), others[-1])
    # as their type prints them, with as many digits as tell them apart
    return f"weights that are not whole numbers of up to 8 bits times a step: output {output} holds {one!s} beside {other!s}"


def _step(sizes: Float, most: int) -> float | None:
    """The largest number of which all of some, rising, are multiples up to `most`, within float32's rounding."""
    for parts in range(1, most + 1):
        counts = sizes * (parts / sizes[0])
        if counts[-1] > most + 0.5:
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
        raise Refusal(curved(symbol.chain))
    return grid, rising


def constant_kernels(arguments: list[Value], dimensions: int = 2) -> Array:
    """The weights of a Conv or ConvTranspose over so many dimensions."""
    weights = constant(arguments, 1)
    if weights.ndim != dimensions + 2:
        raise Refusal(f"a convolution over {weights.ndim - 2} dimensions, expected {dimensions}")
    return weights


def _parted(symbol: Symbol) -> bool:
    """Is an activation several, made of the elements of one frame? What stands for a refused one may be anything."""
    return symbol.shape[0] != 1 and not isinstance(symbol.source, Unknown)


def check_channels(kernels: Array, axis: int, symbol: Symbol, groups: int = 1) -> None:
    """Refuse kernels whose inputs, along `axis`, are not the channels of an image (1, C, H, W), or of one of its groups."""
    if len(symbol.shape) != 4 or symbol.shape[1] != kernels.shape[axis] * groups or _parted(symbol):
        of_groups = f" in {groups} groups" if groups > 1 else ""
        raise Refusal(f"weights of shape {kernels.shape}{of_groups} for an activation of shape {symbol.shape}")


def groups_of(node: Node, kernels: Array) -> int:
    """In how many groups a Conv or ConvTranspose sums. Raises Refusal where they do not divide its outputs, or its inputs."""
    groups = int(node.attributes.get("group", 1))
    if groups < 1 or len(kernels) % groups:
        raise Refusal(f"{groups} groups do not divide its {len(kernels)} {'outputs' if node.operator == 'Conv' else 'inputs'}")
    return groups


def spread_kernels(kernels: Array, groups: int, dilations: Sequence[int]) -> Array:
    """(out, in / groups, height, width) weights as those of one group without dilation, with zeros between."""
    outputs, each, *size = kernels.shape
    wide = [(n - 1) * d + 1 for n, d in zip(size, dilations, strict=True)]
    elements = outputs * each * groups * math.prod(wide)
    if elements > MAX_ACTIVATION:
        raise Refusal(f"{elements} weights of {groups} groups and dilations {list(dilations)}, at most {MAX_ACTIVATION}")
    if groups == 1 and wide == size:
        return kernels
    found = np.zeros((outputs, groups, each, *wide), kernels.dtype)
    of_group = np.arange(outputs) // (outputs // groups)
    found[np.arange(outputs), of_group, :, :: dilations[0], :: dilations[1]] = kernels
    return found.reshape(outputs, groups * each, *wide)


def over_an_image(node: Node) -> Node:
    """A Conv, MaxPool or AveragePool over one dimension as one over the columns of an image of one row."""
    changed = {}
    for key, filler in (("kernel_shape", 1), ("strides", 1), ("dilations", 1), ("output_padding", 0), ("output_shape", 1)):
        if key in node.attributes:
            changed[key] = [filler, *node.attributes[key]]
    if "pads" in node.attributes:
        before, after = node.attributes["pads"]
        changed["pads"] = [0, before, 0, after]
    return replace(node, attributes={**node.attributes, **changed})


def with_bias(node: Node, arguments: list[Value], sums: Symbol) -> Symbol:
    """The sums of a convolution, plus its bias if it has one."""
    if len(arguments) > 2 and arguments[2] is not None:
        return sums.then([Add(node.name, constant(arguments, 2).reshape(1, -1, 1, 1))])
    return sums


def check_dilations(node: Node) -> None:
    """Refuse a pooling that leaves out elements of its window."""
    if any(d != 1 for d in node.attributes.get("dilations", [1, 1])):
        raise Refusal(f"dilations {list(node.attributes['dilations'])}; only 1 is supported")


SIZES = {"dilations": 2, "kernel_shape": 2, "output_padding": 2, "output_shape": 2, "pads": 4, "strides": 2}
"""How many numbers attributes of a window over an image have."""


def check_sizes(node: Node) -> None:
    """Raises Refusal where a window's attribute has more numbers, or fewer, than an image has dimensions or sides."""
    for name, expected in SIZES.items():
        given = node.attributes.get(name)
        if given is not None and len(given) != expected:
            raise Refusal(f"{name} of {len(given)} numbers, expected {expected}")


def sliding_window(node: Node, size: Sequence[int], kernel: Sequence[int], margins: tuple[int, int, int, int]) -> Window:
    """The window of a Conv or pooling over an image of `size` that has `margins` of zeros already."""
    check_sizes(node)
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


def averaged_window(node: Node, symbol: Symbol) -> tuple[Index, Window, int]:
    """The image (C, H, W) that AveragePool or GlobalAveragePool takes, its window, and by what its sums are divided; each channel
    is averaged by itself. Raises Refusal where some sums are divided by another number than others.
    """
    check_dilations(node)
    if _parted(symbol):
        raise Refusal(f"pooling of an activation of shape {symbol.shape}")
    image, margins = strip_padding(symbol.index[0])
    inside = [image.shape[axis + 1] + margins[axis] + margins[axis + 2] for axis in range(2)]
    kernel = inside if node.operator == "GlobalAveragePool" else node.attributes["kernel_shape"]
    window = sliding_window(node, image.shape[1:], kernel, margins)
    counted = bool(node.attributes.get("count_include_pad", 0))
    # zeros of a Pad node are elements; those of the node's own padding count if it says so, what a last window needs beyond never
    whole = sliding_window(replace(node, attributes={**node.attributes, "ceil_mode": 0}), image.shape[1:], kernel, margins)
    elements = []
    for place, (axis, padded) in enumerate(((window.rows, whole.rows), (window.columns, whole.columns))):
        before, after = (padded.before, padded.after) if counted else (margins[place], margins[place + 2])
        starts = np.arange(axis.outputs) * axis.stride - axis.before
        counts = np.minimum(starts + axis.kernel, axis.size + after) - np.maximum(starts, -before)
        elements.append((int(counts.min()), int(counts.max())))
    least, most = (math.prod(ends) for ends in zip(*elements, strict=True))
    if least != most or least < 1:
        helps = "" if counted else "; one number is needed, as with count_include_pad=1"
        raise Refusal(
            f"padding that is not counted, so that sums are divided by {least} at the borders and by {most} inside{helps}"
        )
    return image, window, most


def maxima_window(node: Node, symbol: Symbol) -> tuple[Index, Window]:
    """The image (C, H, W) that MaxPool or GlobalMaxPool takes, and its window, in which padding takes no part."""
    check_dilations(node)
    if len(symbol.shape) != 4 or _parted(symbol):
        raise Refusal(f"pooling of an activation of shape {symbol.shape}")
    if np.any(symbol.index == PAD):
        raise Refusal("pooling after zero padding, where the zeros take part")
    image = symbol.index[0]
    kernel = image.shape[1:] if node.operator == "GlobalMaxPool" else node.attributes["kernel_shape"]
    window = sliding_window(node, image.shape[1:], kernel, (0, 0, 0, 0))
    for axis in (window.rows, window.columns):
        if max(axis.before, axis.after) >= axis.kernel:
            raise Refusal(f"padding={max(axis.before, axis.after)} is not below kernel={axis.kernel}")
        if len({axis.last(output) for output in range(axis.outputs)}) < axis.outputs:
            raise Refusal("padding so wide that two windows end at the same input")
    return image, window


def output_axis(node: Node) -> int:
    """Which axis of a layer's weights counts its outputs."""
    return 0 if node.operator == "Conv" or node.attributes.get("transB", 0) else 1
