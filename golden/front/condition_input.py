"""A condition that a graph is given as a further input, and joins to its first one or to a sample of it."""

from __future__ import annotations

import onnx

from .noise_input import FLOATS, KEEPING, noise_input

MOVING = (*KEEPING, "Add", "Div", "Expand", "Gather", "Mul", "Neg", "Slice", "Sub", "Tile", "Transpose")
"""Operators behind which a condition still is one: its numbers elsewhere, or in another scale."""

EMBEDDING = ("Gemm", "MatMul")
"""A dense layer of its own, which the layers behind it may absorb."""


def condition_input(graph: onnx.GraphProto) -> onnx.ValueInfoProto | None:
    """Of a graph's inputs the one beside the first, and beside the noise if there is one, that is joined to something else.

    Of several there is none. Its numbers are float, and its dimensions are known but for the batch in front.
    """
    constants = {tensor.name for tensor in graph.initializer}
    noise = noise_input(graph)
    inputs: list[onnx.ValueInfoProto] = [v for v in graph.input if v.name not in constants and v is not noise]
    if len(inputs) != 2:
        return None
    first, condition = inputs
    dimensions = condition.type.tensor_type.shape.dim
    known = len(dimensions) > 1 and all(dimension.dim_value > 0 for dimension in dimensions[1:])
    kinds = {value.type.tensor_type.elem_type for value in (first, condition)}
    joined = known and kinds.issubset(FLOATS) and _joined(graph, condition.name)
    return condition if joined else None


def _joined(graph: onnx.GraphProto, condition: str) -> bool:
    """Does a node join the condition to something else?"""
    same = {condition}
    for node in graph.node:
        if node.op_type == "Concat" and same.intersection(node.input) and not same.issuperset(node.input):
            return True
        if node.op_type in (*MOVING, *EMBEDDING) and same.intersection(node.input):
            same.update(node.output)
    return False
