"""Reading an ONNX file as an untrusted graph: sizes bounded, no file but those beside it, no code."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from ...network.network import Omitted
from ...types.errors import ModelFileError
from ..added_condition import join_added
from ..condition_input import condition_input
from ..embedded_condition import absorb_embeddings
from ..external import Beside
from ..hosted_condition import Hosted, host
from ..noise_input import noise_input
from ..onnx_file import load
from .functions import inlined

MAX_NODES = 20_000
MAX_TENSOR_ELEMENTS = 1 << 28


@dataclass(frozen=True, eq=False)
class Node:
    """One node: its name (or one made from its first output), operator, domain, connections and attributes. part: does it decide
    something within a function of one number (choices.py)?
    """

    name: str
    operator: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    proto: onnx.NodeProto
    part: bool = False


@dataclass(frozen=True)
class Given:
    """A condition: the input's name, and its shape without the batch, as the graph takes it. hosted: what makes that of the
    numbers that are given, if they are others.
    """

    name: str
    shape: tuple[int, ...]
    hosted: Hosted | None = None


@dataclass(frozen=True, eq=False)
class Graph:
    """A model's main graph: nodes in order, constants, first input with its shape (None where a dimension is free).

    output: the one of `outputs` that is taken. input_type: ONNX's number of the input's element type. given: a further input
    that is joined to the first one, or to a sample, for one of the outputs.
    """

    name: str
    nodes: tuple[Node, ...]
    constants: dict[str, NDArray[Any]]
    input: str
    input_shape: tuple[int | None, ...]
    input_type: int
    other_inputs: tuple[str, ...]
    output: str
    outputs: tuple[str, ...]
    opset: int
    metadata: dict[str, str]
    given: Given | None = None
    digest: str = ""

    @cached_property
    def consumers(self) -> dict[str, list[str]]:
        """For each tensor, the names of the nodes that take it."""
        found: dict[str, list[str]] = {}
        for node in self.nodes:
            for tensor in node.inputs:
                found.setdefault(tensor, []).append(node.name)
        return found

    @cached_property
    def leading(self) -> tuple[Node, ...]:
        """Those nodes that the output depends on, in order."""
        return leading_to((self.output,), self.nodes)

    @cached_property
    def condition(self) -> Given | None:
        """The further input, if the output depends on it."""
        taken = {tensor for node in self.leading for tensor in node.inputs}
        return self.given if self.given is not None and self.given.name in taken else None

    @property
    def omitted(self) -> Omitted:
        """What the output does not depend on."""
        taken = {*self.leading}
        useful = {*leading_to(self.outputs, self.nodes)}
        dead = tuple(node.name for node in self.nodes if node not in useful and node.operator != "Constant")
        beside = sum(node.operator != "Constant" for node in useful - taken)
        return Omitted(tuple(name for name in self.outputs if name != self.output), beside, dead)

    def taking(self, output: str, path: Path) -> Graph:
        """The same graph with another of its outputs taken. Raises ModelFileError where it has none of that name."""
        if output not in self.outputs:
            raise ModelFileError(f"{path}: no output {output}; its outputs are {', '.join(self.outputs)}")
        return replace(self, output=output)


def leading_to(tensors: Sequence[str], nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Those nodes, in their order, that any of the tensors depends on."""
    wanted, found = {*tensors}, []
    for node in reversed(nodes):
        if wanted.intersection(filter(None, node.outputs)):
            wanted.update(node.inputs)
            found.append(node)
    return tuple(reversed(found))


def read(path: Path, output: str | None = None) -> Graph:
    """The main graph of an ONNX file, for the named output or its first. Raises ModelFileError if it is none, or too large.

    An input that is the noise of a sample becomes a node that draws it. A condition that is added becomes one that is joined; its
    own dense layer, part of those behind it; other functions of it, the host's.
    """
    model = inlined(load(path), path, MAX_NODES)
    graph = model.graph
    if not graph.output or not graph.input:
        raise ModelFileError(f"{path}: not an ONNX model: its graph has no inputs or no outputs")
    if len(graph.node) > MAX_NODES:
        raise ModelFileError(f"{path}: {len(graph.node)} nodes, at most {MAX_NODES} are read")
    names = Counter(tensor.name for tensor in graph.initializer)
    if len(names) < len(graph.initializer):
        raise ModelFileError(f"{path}: tensor {names.most_common(1)[0][0]} is there twice among the constants")
    digest = hashlib.sha256(graph.SerializeToString(deterministic=True)).hexdigest()
    for position, node in reversed([*enumerate(graph.node)]):
        if not node.output:  # nothing takes what it gives
            del graph.node[position]
    join_added(graph)
    absorb_embeddings(graph)
    beside = Beside(path)
    constants = {tensor.name: _array(beside, tensor.name, tensor) for tensor in graph.initializer}
    noise, condition = noise_input(graph), condition_input(graph)
    hosted = None if condition is None else host(model, condition, constants)
    constants |= {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer if tensor.name not in constants}
    inputs = [value for value in graph.input if value.name not in constants and value not in (noise, condition)]
    if not inputs:
        raise ModelFileError(f"{path}: every graph input is a constant")
    nodes = tuple(_node(beside, position, proto) for position, proto in enumerate(graph.node))
    if noise is not None:
        nodes = (_node(beside, 0, _drawn(noise)), *nodes)
    outputs = tuple(dict.fromkeys(value.name for value in graph.output))
    found = Graph(
        name=path.stem,
        nodes=nodes,
        constants=constants,
        input=inputs[0].name,
        input_shape=tuple(d.dim_value if d.HasField("dim_value") else None for d in inputs[0].type.tensor_type.shape.dim),
        input_type=inputs[0].type.tensor_type.elem_type,
        other_inputs=tuple(value.name for value in inputs[1:]),
        output=outputs[0],
        outputs=outputs,
        opset=max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=13),
        metadata={entry.key: entry.value for entry in model.metadata_props},
        given=None if condition is None else Given(condition.name, sizes_of(condition), hosted),
        digest=digest,
    )
    return found if output is None else found.taking(output, path)


def sizes_of(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    """An input's dimensions without the batch, all of which are known."""
    return tuple(dimension.dim_value for dimension in value.type.tensor_type.shape.dim[1:])


def _drawn(noise: onnx.ValueInfoProto) -> onnx.NodeProto:
    """A node that draws a standard normal of an input's shape, for one frame."""
    shape = [1, *sizes_of(noise)]
    return onnx.helper.make_node("RandomNormal", [], [noise.name], name=noise.name, shape=shape)


def _node(beside: Beside, position: int, proto: onnx.NodeProto) -> Node:
    name = proto.name or f"{proto.op_type}_{position}"
    attributes: dict[str, Any] = {}
    for attribute in proto.attribute:
        if attribute.name in attributes:
            raise ModelFileError(f"{beside.path}: attribute {attribute.name} of node {name} is there twice")
        _gather(beside, name, attribute)
        try:
            value = onnx.helper.get_attribute_value(attribute)
            if isinstance(value, bytes):
                value = value.decode()
        except ValueError:
            raise ModelFileError(f"{beside.path}: attribute {attribute.name} of node {name} is damaged") from None
        attributes[attribute.name] = _array(beside, name, value) if isinstance(value, onnx.TensorProto) else value
    return Node(name, proto.op_type, proto.domain, tuple(proto.input), tuple(proto.output), attributes, proto)


def _gather(beside: Beside, name: str, attribute: onnx.AttributeProto) -> None:
    """Read what lies in other files into a node's attribute: the node is evaluated as it is, without looking for files."""
    if attribute.t.data_location == onnx.TensorProto.EXTERNAL and math.prod(attribute.t.dims) <= MAX_TENSOR_ELEMENTS:
        beside.fill(attribute.t)
    sparse = (part for whole in (attribute.sparse_tensor, *attribute.sparse_tensors) for part in (whole.values, whole.indices))
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in (*attribute.tensors, *sparse)):
        raise ModelFileError(f"{beside.path}: a tensor of node {name} lies in another file; save the model in one piece")


def _array(beside: Beside, name: str, tensor: onnx.TensorProto) -> NDArray[Any]:
    path, elements = beside.path, 1
    for dimension in tensor.dims:
        elements *= int(dimension)
    if not 0 <= elements <= MAX_TENSOR_ELEMENTS:
        raise ModelFileError(f"{path}: tensor {name} has {elements} elements, at most {MAX_TENSOR_ELEMENTS} are read")
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        return beside.array(tensor, elements)
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except Exception:  # the helper raises whatever NumPy does on inconsistent sizes
        raise ModelFileError(f"{path}: tensor {name} is damaged") from None
