"""Nodes on constants alone: shape arithmetic and weights spelt out in the graph.

A file is not trusted: only operators without loops, files and randomness are evaluated, and only while their results stay small.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from ...types.scalar import power
from .model_file import Node
from .scalar_nodes import Refusal
from .whole_types import counts, limits

Array = NDArray[Any]

MAX_ELEMENTS = 1 << 27
"""Elements of one result, of 8 bytes at most. A VGG's largest layer has three quarters."""

MAX_ALL_ELEMENTS = 1 << 30
"""Elements of all results together: a VGG's weights in some seven steps. How many are kept is for the budget (budget.py)."""

KINDS = "fiubV"
"""Of NumPy's types those of numbers; V are float8, int4 and their like. Texts are none, which take any number of bytes each."""

ELEMENTWISE = (
    *("Abs", "Add", "And", "Cast", "Ceil", "Clip", "Cos", "Div", "Elu", "Equal", "Erf", "Exp", "Floor", "Greater"),
    *("GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Log", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pow"),
    *("Reciprocal", "Relu", "Round", "Sigmoid", "Sign", "Sin", "Softplus", "Sqrt", "Sub", "Tanh", "Where"),
)
LINEAR = ("DequantizeLinear", "QuantizeLinear")
"""Evaluated here: the reference implementation does not have what they were before opset 19."""

REARRANGING = (
    *("Concat", "Constant", "ConstantOfShape", "Expand", "Flatten", "Gather", "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean"),
    *("ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Reshape", "Shape", "Size", "Slice", "Split", "Squeeze"),
    *("Tile", "Transpose", "Unsqueeze"),
)
MULTIPLYING = ("Gemm", "MatMul")


class ConstantFolding:
    """The evaluation of one graph's constants."""

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.left = MAX_ALL_ELEMENTS

    def __call__(self, node: Node, arguments: list[Array]) -> list[Array]:
        """The node's results, by the ONNX reference implementation."""
        if node.operator not in (*ELEMENTWISE, *REARRANGING, *MULTIPLYING, *LINEAR):
            raise Refusal("not supported on constants")
        if not _numbers(node, arguments):
            raise Refusal("not supported on constants that are no numbers")
        elements = _elements(node, arguments)
        if elements > MAX_ELEMENTS:
            raise Refusal(f"it makes constants unfold to more than {MAX_ELEMENTS} elements")
        self.left -= elements
        if self.left < 0:
            raise Refusal(f"it makes the graph's constants unfold to more than {MAX_ALL_ELEMENTS} elements")
        if node.operator in LINEAR:
            return [np.asarray(_linear(node, arguments))]  # of a single number NumPy makes no array
        if node.operator == "Pow" and all(array.dtype.kind == "f" for array in arguments):
            base, exponent = arguments
            return [power(base, exponent).astype(base.dtype)]
        feeds = dict(zip((name for name in node.inputs if name), arguments, strict=True))
        graph = onnx.helper.make_graph(
            [node.proto],
            "constant",
            [onnx.helper.make_value_info(name, onnx.TypeProto()) for name in feeds],
            [onnx.helper.make_value_info(name, onnx.TypeProto()) for name in node.outputs],
        )
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", self.opset)])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of NumPy, about what is not finite: it is looked at where it decides
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
        case "Tile", [array, counts]:
            return array.size * math.prod(abs(int(d)) for d in counts.reshape(-1))
        case (("Gemm" | "MatMul"), [array, other, *_]):  # as many products
            return array.size * other.size
    if node.operator in ELEMENTWISE:
        return math.prod(np.broadcast_shapes(*(array.shape for array in arguments)))
    return sum(array.size for array in arguments)


def _linear(node: Node, arguments: list[Array]) -> Array:
    """DequantizeLinear or QuantizeLinear of 2 to 32 bits, with a scale for all elements or for each along an axis."""
    x, scale, *rest = arguments
    if node.attributes.get("output_dtype", 0) and not rest:
        raise Refusal("a type of its result without a zero point of that type")
    if node.attributes.get("block_size", 0) or (scale.size > 1 and scale.ndim != 1):
        raise Refusal("a scale for each block, expected one for all elements or for each along an axis")
    zero_point = rest[0] if rest else np.zeros((), np.uint8)
    quantising = node.operator == "QuantizeLinear"
    whole = zero_point.dtype if quantising else x.dtype
    if not counts(whole) or scale.dtype.kind != "f":
        raise Refusal(f"numbers of type {whole} in steps of type {scale.dtype}, expected whole numbers in steps of a float")
    along = [1] * x.ndim
    if scale.size > 1:
        axis = node.attributes.get("axis", 1)
        along[axis] = -1
        if scale.size != x.shape[axis] or zero_point.size not in (1, scale.size):
            raise Refusal(f"{scale.size} scales along axis {axis} of a constant of shape {x.shape}")
    elif zero_point.size != 1:
        raise Refusal(f"{zero_point.size} zero points beside one scale")
    scale, zero_point = (a.reshape(along if a.size > 1 else ()) for a in (scale, zero_point))
    result: Array
    if not quantising:
        result = (x.astype(np.int64) - zero_point.astype(np.int64)).astype(scale.dtype) * scale
        return result
    with np.errstate(all="ignore"):
        numbers = np.rint(x / scale) + zero_point
    if not np.isfinite(numbers).all():
        raise Refusal("a number that is not finite")
    result = np.clip(numbers.astype(np.float64), *limits(whole.name.upper())).astype(whole)
    return result
