"""Reading an ONNX file as an untrusted graph: sizes bounded, no external data, no code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from ..errors import ModelFileError
from ..onnx_file import load

MAX_NODES = 20_000
MAX_TENSOR_ELEMENTS = 1 << 28


@dataclass(frozen=True, eq=False)
class Node:
    """One node: its name (or one made from its first output), operator, domain, connections and attributes."""

    name: str
    operator: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    proto: onnx.NodeProto


@dataclass(frozen=True, eq=False)
class Graph:
    """A model's main graph: nodes in order, constants, first input with its shape (None where a dimension is free)."""

    name: str
    nodes: tuple[Node, ...]
    constants: dict[str, NDArray[Any]]
    input: str
    input_shape: tuple[int | None, ...]
    other_inputs: tuple[str, ...]
    output: str
    opset: int
    metadata: dict[str, str]

    @cached_property
    def consumers(self) -> dict[str, list[str]]:
        """For each tensor, the names of the nodes that take it."""
        found: dict[str, list[str]] = {}
        for node in self.nodes:
            for tensor in node.inputs:
                found.setdefault(tensor, []).append(node.name)
        return found


def read(path: Path) -> Graph:
    """The main graph of an ONNX file. Raises ModelFileError where it is not one, or too large."""
    model = load(path)
    graph = model.graph
    if not graph.output or not graph.input:
        raise ModelFileError(f"{path}: not an ONNX model: its graph has no inputs or no outputs")
    if len(graph.node) > MAX_NODES:
        raise ModelFileError(f"{path}: {len(graph.node)} nodes, at most {MAX_NODES} are read")
    constants = {tensor.name: _array(path, tensor.name, tensor) for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if not inputs:
        raise ModelFileError(f"{path}: every graph input is a constant")
    nodes = tuple(_node(path, position, proto) for position, proto in enumerate(graph.node))
    return Graph(
        name=path.stem,
        nodes=nodes,
        constants=constants,
        input=inputs[0].name,
        input_shape=tuple(d.dim_value if d.HasField("dim_value") else None for d in inputs[0].type.tensor_type.shape.dim),
        other_inputs=tuple(value.name for value in inputs[1:]),
        output=graph.output[0].name,
        opset=max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=13),
        metadata={entry.key: entry.value for entry in model.metadata_props},
    )


def _node(path: Path, position: int, proto: onnx.NodeProto) -> Node:
    name = proto.name or f"{proto.op_type}_{position}"
    attributes = {}
    for attribute in proto.attribute:
        try:
            value = onnx.helper.get_attribute_value(attribute)
            if isinstance(value, bytes):
                value = value.decode()
        except ValueError:
            raise ModelFileError(f"{path}: attribute {attribute.name} of node {name} is damaged") from None
        attributes[attribute.name] = _array(path, name, value) if isinstance(value, onnx.TensorProto) else value
    return Node(name, proto.op_type, proto.domain, tuple(proto.input), tuple(proto.output), attributes, proto)


def _array(path: Path, name: str, tensor: onnx.TensorProto) -> NDArray[Any]:
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise ModelFileError(f"{path}: tensor {name} lies in another file; save the model in one piece")
    elements = 1
    for dimension in tensor.dims:
        elements *= int(dimension)
    if not 0 <= elements <= MAX_TENSOR_ELEMENTS:
        raise ModelFileError(f"{path}: tensor {name} has {elements} elements, at most {MAX_TENSOR_ELEMENTS} are read")
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except Exception:  # the helper raises whatever NumPy does on inconsistent sizes
        raise ModelFileError(f"{path}: tensor {name} is damaged") from None
