"""The shape of what a node gives that is refused, so that the nodes behind it can be looked at."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .constants import ELEMENTWISE, REARRANGING
from .model_file import Node
from .operands import Array
from .scalar_nodes import PIECES, QUANTISERS, SHAPED, UNARY, Refusal
from .symbols import MAX_ACTIVATION, Symbol, Value

Shape = tuple[int, ...]

ALIKE = (
    *QUANTISERS,
    *UNARY,
    *SHAPED,
    *PIECES,
    *("BatchNormalization", "Clip", "Dropout", "HardSigmoid", "Hardmax", "Identity", "InstanceNormalization", "LRN"),
    *("LayerNormalization", "LeakyRelu", "LogSoftmax", "LpNormalization", "PRelu", "QuantizeLinear", "DequantizeLinear", "Relu"),
    *("Sinh", "Softmax", "Tan"),
)
"""Operators whose result has the shape of their first input."""

POOLS = ("AveragePool", "LpPool", "MaxPool")
GLOBAL_POOLS = ("GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool")


def shape_behind(node: Node, arguments: Sequence[Value], fold: Callable[[Node, list[Array]], list[Array]]) -> Shape | None:
    """The shape of a node's first result, or None where it is not known. fold: evaluates nodes on constants."""
    try:
        shape = _shape(node, arguments, fold)
    except (ArithmeticError, LookupError, TypeError, ValueError, Refusal):
        return None
    if shape is None or min(shape, default=1) < 1 or math.prod(shape) > MAX_ACTIVATION:
        return None
    return shape


def _shape(node: Node, arguments: Sequence[Value], fold: Callable[[Node, list[Array]], list[Array]]) -> Shape | None:
    first = arguments[0]
    shape = None if first is None else first.shape
    if node.operator in ALIKE:
        return shape
    if node.operator in ELEMENTWISE:
        return np.broadcast_shapes(*(_known(argument) for argument in arguments))
    if node.operator in REARRANGING:
        numbers = [np.zeros(a.shape, np.float32) if isinstance(a, Symbol) else a for a in arguments if a is not None]
        return fold(node, numbers)[0].shape
    if shape is None:
        return None
    if node.operator in GLOBAL_POOLS:
        return (*shape[:2], *[1] * (len(shape) - 2))
    if node.operator in POOLS:
        return (*shape[:2], *_windows(node, shape[2:], node.attributes["kernel_shape"]))
    weights = _known(arguments[1])
    match node.operator:
        case "Conv":
            return (shape[0], weights[0], *_windows(node, shape[2:], weights[2:]))
        case "ConvTranspose":
            return (shape[0], weights[1] * int(node.attributes.get("group", 1)), *_spread(node, shape[2:], weights[2:]))
        case "Gemm":
            return shape[0], weights[0 if node.attributes.get("transB", 0) else 1]
        case "MatMul":
            return (*shape[:-1], weights[-1])
    return None


def _known(value: Value) -> Shape:
    if value is None:
        raise Refusal("a shape that is not known")
    return value.shape


def _windows(node: Node, size: Shape, kernel: Sequence[int]) -> Shape:
    """Positions of windows over an image."""
    count = len(size)
    strides, dilations = (node.attributes.get(key, [1] * count) for key in ("strides", "dilations"))
    pads, mode = node.attributes.get("pads", [0] * 2 * count), node.attributes.get("auto_pad", "NOTSET")
    found = []
    for i in range(count):
        if mode in ("SAME_UPPER", "SAME_LOWER"):
            found.append(-(-size[i] // strides[i]))
            continue
        outside = 0 if mode == "VALID" else pads[i] + pads[i + count]
        room = size[i] + outside - dilations[i] * (kernel[i] - 1) - 1
        found.append((-(-room // strides[i]) if node.attributes.get("ceil_mode", 0) else room // strides[i]) + 1)
    return tuple(found)


def _spread(node: Node, size: Shape, kernel: Sequence[int]) -> Shape:
    """What a transposed convolution gives."""
    count = len(size)
    if "output_shape" in node.attributes or node.attributes.get("auto_pad", "NOTSET") != "NOTSET":
        raise Refusal("a shape that is not known")
    strides, dilations = (node.attributes.get(key, [1] * count) for key in ("strides", "dilations"))
    pads, more = node.attributes.get("pads", [0] * 2 * count), node.attributes.get("output_padding", [0] * count)
    return tuple(
        strides[i] * (size[i] - 1) + more[i] + dilations[i] * (kernel[i] - 1) + 1 - pads[i] - pads[i + count]
        for i in range(count)
    )
