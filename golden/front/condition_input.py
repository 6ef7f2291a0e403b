"""A condition that a graph is given as a further input, and joins or adds to something that is made of its first one."""

from __future__ import annotations

from collections.abc import Iterable

import onnx

from .noise_input import FLOATS, KEEPING, noise_input

MOVING = (*KEEPING, "Add", "Div", "Expand", "Gather", "Mul", "Neg", "Slice", "Sub", "Tile", "Transpose")
"""Operators behind which a condition still is one: its numbers elsewhere, or in another scale."""

WHOLE = (onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.UINT8, onnx.TensorProto.BOOL)
"""Types of labels."""

JOINING = ("Add", "Concat")
"""What brings a condition and something else together. Where an Add may not, the importer says."""


def condition_input(graph: onnx.GraphProto) -> onnx.ValueInfoProto | None:
    """Of a graph's inputs the one beside the first, and beside the noise if there is one, that is joined or added to something
    else, behind whatever functions of its own.

    Of several there is none. Its dimensions are known but for the batch in front, and its numbers float, or those of labels.
    """
    constants = {tensor.name for tensor in graph.initializer}
    noise = noise_input(graph)
    inputs: list[onnx.ValueInfoProto] = [v for v in graph.input if v.name not in constants and v is not noise]
    if len(inputs) != 2:
        return None
    first, condition = inputs
    kind, dimensions = condition.type.tensor_type.elem_type, condition.type.tensor_type.shape.dim
    known = len(dimensions) > 0 and all(dimension.dim_value > 0 for dimension in dimensions[1:])
    if not known or first.type.tensor_type.elem_type not in FLOATS or kind not in (*FLOATS, *WHOLE):
        return None
    alone = Alone(graph, condition.name)
    return condition if any(alone.joins(node) for node in graph.node) else None


class Alone:
    """What of a graph depends on one input and on constants, and on nothing else.

    tensors: those that do. nodes: what makes them, in order. fixed: tensors of constants and shapes alone.
    """

    def __init__(self, graph: onnx.GraphProto, name: str) -> None:
        self.tensors, self.fixed = {name}, {tensor.name for tensor in graph.initializer}
        self.nodes: list[onnx.NodeProto] = []
        for node in graph.node:
            taken = [*filter(None, node.input)]
            if node.op_type == "Shape" or self.fixed.issuperset(taken):
                self.fixed.update(filter(None, node.output))
            elif self.of(taken) and all(t in self.tensors or t in self.fixed for t in taken):
                self.tensors.update(filter(None, node.output))
                self.nodes.append(node)

    def of(self, tensors: Iterable[str]) -> list[str]:
        """Those of some tensors that depend on the input alone."""
        return [tensor for tensor in tensors if tensor in self.tensors]

    def joins(self, node: onnx.NodeProto) -> bool:
        """Does a node bring such a tensor together with another that depends on more?"""
        others = [t for t in node.input if t and t not in self.tensors and t not in self.fixed]
        return node.op_type in JOINING and bool(self.of(node.input)) and bool(others)
