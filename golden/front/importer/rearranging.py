"""Nodes that only rearrange: the activation's elements are in other places, and whole numbers stay whole numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .model_file import Node
from .operands import activation, constant
from .scalar_nodes import Refusal
from .symbols import MAX_ACTIVATION, PAD, Input, Symbol, Value

REPEATING: dict[str, Any] = {"edge": "edge", "reflect": "reflect", "wrap": "wrap"}
"""NumPy's names of ways to pad by numbers that there are."""

MOVING = (
    "Dropout",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "Pad",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Tile",
    "Transpose",
    "Unsqueeze",
)
"""Operators that give what they take, whole numbers as whole numbers."""


def shape(node: Node, arguments: list[Value]) -> Value:
    """The sizes of an activation, of which the batch is 1."""
    start, end = node.attributes.get("start", 0), node.attributes.get("end")
    return np.array(activation(arguments).shape, np.int64)[start:end]


def reshape(node: Node, arguments: list[Value], apart: bool) -> Symbol:
    """apart: do the frames of a batch stay apart however the sizes are written?"""
    symbol = activation(arguments)
    sizes = [int(d) for d in constant(arguments, 1)]
    target = sizes
    if not node.attributes.get("allowzero", 0):
        target = [symbol.shape[i] if d == 0 and i < len(symbol.shape) else d for i, d in enumerate(sizes)]
    try:
        index = symbol.index.reshape(target)
    except ValueError:
        raise Refusal(f"{symbol.shape} cannot become {tuple(target)}") from None
    if -1 in sizes and sizes[0] not in (0, -1) and not apart:
        raise mixing("-1 or 0 as its size")
    return symbol.rearranged(index)


def squeeze(node: Node, arguments: list[Value]) -> Symbol:
    """Squeeze or Unsqueeze."""
    symbol = activation(arguments)
    given = constant(arguments, 1) if len(arguments) > 1 else node.attributes.get("axes")
    axes = None if given is None else tuple(int(a) for a in np.asarray(given).reshape(-1))
    try:
        if node.operator == "Squeeze":
            return symbol.rearranged(np.squeeze(symbol.index, axis=axes))
        return symbol.rearranged(np.expand_dims(symbol.index, axis=axes or ()))
    except (ValueError, TypeError):
        raise Refusal(f"axes {axes} of an activation of shape {symbol.shape}") from None


def flatten(node: Node, arguments: list[Value], single: bool) -> Symbol:
    """single: does the graph take one frame at a time?"""
    symbol = activation(arguments)
    axis = node.attributes.get("axis", 1)
    if axis in (0, -len(symbol.shape)) and not single:
        raise mixing("axis=1")
    return symbol.rearranged(symbol.index.reshape(math.prod(symbol.shape[:axis]), -1))


def mixing(instead: str) -> Refusal:
    """Of what makes one of all frames."""
    return Refusal(f"it mixes the frames of a batch: keep the batch in front ({instead}), or give the graph's input a batch of 1")


def turned(node: Node, rank: int) -> list[int]:
    """Which axis each axis of a Transpose's output is."""
    return list(node.attributes.get("perm", range(rank)[::-1]))


def transpose(node: Node, arguments: list[Value]) -> Symbol:
    """Transpose."""
    symbol = activation(arguments)
    return symbol.rearranged(np.transpose(symbol.index, turned(node, len(symbol.shape))))


def pad(node: Node, arguments: list[Value], repeats: bool = False) -> Symbol:
    """Pad, by zeros, or the input by other numbers of it; repeats: may these be on a stream several times?"""
    symbol, mode = activation(arguments), node.attributes.get("mode", "constant")
    if mode != "constant" and not (repeats and mode in REPEATING and isinstance(symbol.source, Input)):
        raise Refusal(f"padding of mode {mode}; only zeros are supported, but for the input of a network of real weights")
    if len(arguments) > 1:
        pads = constant(arguments, 1)
        filler: Any = constant(arguments, 2) if len(arguments) > 2 and arguments[2] is not None else 0
    else:
        pads, filler = np.asarray(node.attributes["pads"]), node.attributes.get("value", 0)
    if mode == "constant" and np.any(np.asarray(filler) != 0):
        raise Refusal("padding with a value other than zero")
    pads = pads.astype(np.int64).reshape(2, -1)
    if len(arguments) > 3 and arguments[3] is not None:
        wide = np.zeros((2, len(symbol.shape)), np.int64)
        wide[:, constant(arguments, 3).astype(int)] = pads
        pads = wide
    if pads.min() < 0:
        raise Refusal("negative padding")
    if math.prod(d + int(n) for d, n in zip(symbol.shape, pads.sum(axis=0), strict=True)) > MAX_ACTIVATION:
        raise Refusal(f"an activation of more than {MAX_ACTIVATION} elements")
    if mode != "constant":
        return symbol.rearranged(np.pad(symbol.index, pads.T, mode=REPEATING[mode]))
    # values are zeros only after the chain so far, which Symbol.then guards
    return symbol.rearranged(np.pad(symbol.index, pads.T, constant_values=PAD))
