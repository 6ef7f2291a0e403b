"""Nodes on constants alone: shape arithmetic and weights spelt out in the graph.

A file is not trusted: only operators without loops, files and randomness are evaluated, and only while their results stay small.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from .model_file import Node
from .scalar_nodes import Refusal

Array = NDArray[Any]

MAX_ELEMENTS = 1 << 27
"""Elements of all results together, of 8 bytes at most."""

KINDS = "fiubV"
"""Of NumPy's types those of numbers; V are float8 and its like. Texts are none, which take any number of bytes each."""

ELEMENTWISE = (
    *("Abs", "Add", "And", "Cast", "Ceil", "Clip", "DequantizeLinear", "Div", "Equal", "Exp", "Floor", "Greater"),
    *("GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Log", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pow"),
    *("Reciprocal", "Round", "Sign", "Sqrt", "Sub", "Where"),
)
REARRANGING = (
    *("Concat", "Constant", "ConstantOfShape", "Expand", "Flatten", "Gather", "ReduceMax", "ReduceMean", "ReduceMin"),
    *("ReduceProd", "ReduceSum", "Reshape", "Shape", "Size", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"),
)


class ConstantFolding:
    """The evaluation of one graph's constants."""

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.left = MAX_ELEMENTS

    def __call__(self, node: Node, arguments: list[Array]) -> list[Array]:
        """The node's results, by the ONNX reference implementation."""
        if node.operator not in (*ELEMENTWISE, *REARRANGING):
            raise Refusal("not supported on constants")
        if not _numbers(node, arguments):
            raise Refusal("not supported on constants that are no numbers")
        self.left -= _elements(node, arguments)
        if self.left < 0:
            raise Refusal(f"it makes the graph's constants unfold to more than {MAX_ELEMENTS} elements")
        feeds = dict(zip((name for name in node.inputs if name), arguments, strict=True))
        graph = onnx.helper.make_graph(
            [node.proto],
            "constant",
            [onnx.helper.make_value_info(name, onnx.TypeProto()) for name in feeds],
            [onnx.helper.make_value_info(name, onnx.TypeProto()) for name in node.outputs],
        )
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", self.opset)])
        try:
            results = ReferenceEvaluator(model).run(None, feeds)
        except Exception as error:  # the reference implementation raises whatever its operators do
            raise Refusal(f"cannot be evaluated on constants ({type(error).__name__})") from None
        return [np.asarray(result) for result in results]


def _numbers(node: Node, arguments: list[Array]) -> bool:
    """Are all arguments numbers, and what the node's attributes make of them?"""
    types = [array.dtype for array in arguments]
    types += [value.dtype for value in node.attributes.values() if isinstance(value, np.ndarray)]
    if "to" in node.attributes:
        try:
            types.append(onnx.helper.tensor_dtype_to_np_dtype(node.attributes["to"]))
        except KeyError:
            return False
    return all(kind.kind in KINDS for kind in types)


def _elements(node: Node, arguments: list[Array]) -> int:
    """No fewer elements than the node's results have."""
    match node.operator, arguments:
        case "ConstantOfShape", [shape]:
            return math.prod(abs(int(d)) for d in shape)
        case "Expand", [array, shape]:
            return math.prod(np.broadcast_shapes(array.shape, tuple(int(d) for d in shape)))
        case "Gather", [array, indices]:
            taken: int = array.shape[node.attributes.get("axis", 0)]
            return array.size // max(taken, 1) * indices.size
    if node.operator in ELEMENTWISE:
        return math.prod(np.broadcast_shapes(*(array.shape for array in arguments)))
    return sum(array.size for array in arguments)
