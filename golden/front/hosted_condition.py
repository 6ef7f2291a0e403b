"""Functions of a condition alone: an embedding of a label, layers of its own. The host computes them, and what they give is the
condition that the hardware gets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from ..types.errors import InputError
from .condition_input import MOVING, Alone
from .noise_input import FLOATS

Array = NDArray[Any]

FUNCTIONS = (
    *("Abs", "BatchNormalization", "Cast", "Celu", "Clip", "Concat", "Constant", "Cos", "Elu", "Equal", "Erf", "Exp", "Gelu"),
    *("Gemm", "HardSigmoid", "HardSwish", "LayerNormalization", "LeakyRelu", "Log", "MatMul", "Max", "Min", "Mish", "PRelu"),
    *("OneHot", "Pow", "ReduceMean", "ReduceSum", "Reciprocal", "Relu", "Selu", "Sigmoid", "Sin", "Softmax", "Softplus"),
    *("Softsign", "Sqrt", "Tanh", "Where", *(operator for operator in MOVING if operator not in ("Expand", "Tile"))),
)
"""Operators that the host evaluates: none with a loop, a file or randomness in it, nor one that makes much of little."""

LARGEST = 1 << 16
"""Numbers that a condition becomes at the most, and classes of a label."""


@dataclass(frozen=True, eq=False)
class Hosted:
    """Functions of the condition `name`, (N, *shape) of a type. labels: how many there are, where it is labels."""

    name: str
    shape: tuple[int, ...]
    kind: np.dtype[Any]
    model: onnx.ModelProto
    labels: int | None

    @cached_property
    def evaluator(self) -> ReferenceEvaluator:
        """What evaluates them."""
        return ReferenceEvaluator(self.model)

    def __call__(self, numbers: Array) -> NDArray[np.float32]:
        """(N, size) of the condition's numbers (N, n). Raises InputError for labels that there are none of, and for numbers of
        which the functions make none that are finite.
        """
        if self.kind.kind in "iub":
            self.check(numbers)
        rows, inverse = np.unique(numbers, axis=0, return_inverse=True)
        made = [np.concatenate([array.reshape(-1) for array in self.run(row)]) for row in rows]
        results = np.stack(made).astype(np.float32)[inverse.reshape(-1)]
        if not np.isfinite(results).all():
            frame = int(np.flatnonzero(~np.isfinite(results).all(axis=1))[0])
            raise InputError(f"the condition {self.name} leads to numbers that are not finite, in frame {frame}")
        return results

    def run(self, row: Array) -> list[Array]:
        """What each function makes of one frame's numbers (n,)."""
        with np.errstate(all="ignore"):
            return [np.asarray(a) for a in self.evaluator.run(None, {self.name: row.reshape(1, *self.shape).astype(self.kind)})]

    def check(self, numbers: Array) -> None:
        """InputError for numbers (N, n) that are no whole ones, or no labels."""
        wrong = numbers != np.rint(numbers)
        if self.labels is not None:
            wrong |= (numbers < 0) | (numbers >= self.labels)
        if wrong.any():
            frame, place = (int(i) for i in np.argwhere(wrong)[0])
            expected = "whole numbers" if self.labels is None else f"labels from 0 to {self.labels - 1}"
            raise InputError(f"the condition {self.name} is {numbers[frame, place]:g} in frame {frame}, expected {expected}")


def host(model: onnx.ModelProto, condition: onnx.ValueInfoProto, constants: Mapping[str, Array]) -> Hosted | None:
    """Take functions of a condition out of a model's graph, whose input is then a row (N, size) of what they give; None where
    there are none, or others than the host evaluates.
    """
    graph, name, kind = model.graph, condition.name, condition.type.tensor_type.elem_type
    alone, nodes = Alone(graph, name), list[onnx.NodeProto]()
    needed = set[str]()
    for node in reversed(alone.nodes):
        if needed.intersection(node.output) or _bends(node, alone, floats=kind in FLOATS):
            needed.update(node.input)
            nodes.insert(0, node)
    taken = {node.output[0] for node in nodes}
    kept = [node for node in graph.node if node.output[0] not in taken]
    given = {name, *(tensor for node in nodes for tensor in node.output)}
    cuts = list(dict.fromkeys(tensor for node in kept for tensor in node.input if tensor in given))
    for node in reversed(graph.node):
        if needed.intersection(node.output) and node.output[0] in alone.fixed:
            needed.update(node.input)
            nodes.insert(0, node)
    labels = _labels(nodes, alone, constants)
    known = all(node.op_type in FUNCTIONS and not node.domain for node in nodes) and (name not in cuts or kind in FLOATS)
    if not taken or not cuts or not known or (labels is not None and not 1 < labels <= LARGEST):
        return None
    shape = tuple(dimension.dim_value for dimension in condition.type.tensor_type.shape.dim[1:])
    results = [f"{name}_given" if cut == name else cut for cut in cuts]
    if name in cuts:
        nodes.append(onnx.helper.make_node("Identity", [name], [f"{name}_given"]))
    functions = onnx.helper.make_graph(
        nodes,
        "condition",
        [onnx.helper.make_tensor_value_info(name, kind, [1, *shape])],
        [onnx.helper.make_value_info(result, onnx.TypeProto()) for result in results],
        [numpy_helper.from_array(constants[tensor], tensor) for tensor in sorted(needed & {*constants})],
    )
    whole = onnx.helper.make_model(functions, opset_imports=model.opset_import)
    if not _small(whole):
        return None
    try:
        hosted = Hosted(name, shape, onnx.helper.tensor_dtype_to_np_dtype(kind), whole, labels)
        tried = hosted.run(np.zeros(math.prod(shape)))
    except Exception:  # the reference implementation raises whatever its operators do
        return None
    size = sum(array.size for array in tried)
    if any(array.shape[:1] != (1,) or array.dtype.kind != "f" for array in tried) or not 0 < size <= LARGEST:
        return None
    _cut(graph, condition, kept, dict(zip(cuts, results, strict=True)), [array.shape[1:] for array in tried])
    return hosted


def _small(model: onnx.ModelProto) -> bool:
    """Has everything that a model computes a size that is known, and within bounds?"""
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except onnx.shape_inference.InferenceError:
        return False
    shapes = {value.name: value.type.tensor_type.shape.dim for value in (*inferred.value_info, *inferred.output)}
    made = [shapes.get(name) for node in model.graph.node for name in node.output if name]
    return all(
        dimensions is not None
        and all(dimension.HasField("dim_value") for dimension in dimensions)
        and math.prod(dimension.dim_value for dimension in dimensions) <= LARGEST
        for dimensions in made
    )


def _bends(node: onnx.NodeProto, alone: Alone, floats: bool) -> bool:
    """Does a node do more to a condition than to move its numbers, or to scale them?"""
    if node.op_type == "Concat":
        return False
    fixed = bool(node.input) and node.input[0] in alone.fixed
    of_table, into, whole = (node.op_type == kind for kind in ("Gather", "Div", "Cast"))
    several = len(alone.of(node.input)) > 1
    return node.op_type not in MOVING or several or (fixed and (of_table or into)) or (whole and not floats)


def _labels(nodes: Sequence[onnx.NodeProto], alone: Alone, constants: Mapping[str, Array]) -> int | None:
    """How many labels there are that something is looked up by; None where nothing is, 0 where nobody knows."""
    known = {node.output[0]: _constant(node) for node in nodes if node.op_type == "Constant"} | {**constants}
    found = []
    for node in nodes:
        first, second = (*node.input, "", "")[:2]
        if node.op_type == "Gather" and first in alone.fixed:
            axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
            table = known.get(first, np.zeros(()))
            found.append(table.shape[axis] if -table.ndim <= axis < table.ndim else 0)
        elif node.op_type == "OneHot":
            depth = known.get(second, np.zeros(()))
            counts = depth.size and depth.dtype.kind in "iuf" and np.isfinite(depth).all()
            found.append(int(depth.reshape(-1)[0]) if counts else 0)
    return min(found, default=None)


def _constant(node: onnx.NodeProto) -> Array:
    """A Constant's numbers; a zero of one that is damaged, which the evaluation finds out."""
    with suppress(Exception):  # the helper raises whatever NumPy does
        return np.asarray(next(numpy_helper.to_array(attribute.t) for attribute in node.attribute if attribute.name == "value"))
    return np.zeros(())


def _cut(
    graph: onnx.GraphProto,
    condition: onnx.ValueInfoProto,
    kept: Sequence[onnx.NodeProto],
    renamed: Mapping[str, str],
    shapes: Sequence[tuple[int, ...]],
) -> None:
    """Leave the nodes that are kept, which find what they took in the condition's row."""
    places, picked = 0, []
    for result, shape in zip(renamed.values(), shapes, strict=True):
        size = math.prod(shape)
        index = numpy_helper.from_array(np.arange(places, places + size).reshape(shape), f"{result}_places")
        graph.initializer.append(index)
        picked.append(onnx.helper.make_node("Gather", [condition.name, index.name], [result], name=f"{result}_picked", axis=1))
        places += size
    rest = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept]
    for node in rest:
        node.input[:] = [renamed.get(tensor, tensor) for tensor in node.input]
    del graph.node[:]
    graph.node.extend([*picked, *rest])
    tensor = condition.type.tensor_type
    tensor.elem_type = onnx.TensorProto.FLOAT
    del tensor.shape.dim[1:]
    if not tensor.shape.dim:
        tensor.shape.dim.add()
    tensor.shape.dim.add().dim_value = places
