"""Dense layers of a graph whose nodes are being rewritten: products of rows by constants that lie in the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Dense:
    """A node that multiplies rows by constant weights (inputs, outputs), and adds (outputs,) of its own, or nothing."""

    node: onnx.NodeProto
    weights: Array
    added: Array | None


class DenseLayers:
    """Those of a graph, and its constants."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.takers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for tensor in node.input:
                self.takers.setdefault(tensor, []).append(node)

    def dense(self, node: onnx.NodeProto) -> Dense | None:
        """A MatMul of rows by a constant, or a Gemm that does nothing else."""
        if node.domain or node.op_type not in ("MatMul", "Gemm") or node.input[0] in self.constants:
            return None
        said = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        weights = self.matrix(node.input[1])
        if weights is None or said.get("transA", 0) or said.get("alpha", 1.0) != 1 or said.get("beta", 1.0) != 1:
            return None
        weights = weights.T if said.get("transB", 0) else weights
        if len(node.input) < 3 or not node.input[2]:
            return Dense(node, weights, None)
        added = self.row(node.input[2], weights.shape[1])
        return None if added is None else Dense(node, weights, added)

    def matrix(self, tensor: str) -> Array | None:
        """A constant of two dimensions, of floats that lie in the file."""
        proto = self.constants.get(tensor)
        if proto is None or len(proto.dims) != 2 or proto.data_type != onnx.TensorProto.FLOAT or proto.external_data:
            return None
        return numpy_helper.to_array(proto).astype(np.float64)

    def row(self, tensor: str, size: int) -> Array | None:
        """A constant row of so many floats."""
        proto = self.constants.get(tensor)
        if proto is None or list(proto.dims) not in ([size], [1, size]) or proto.data_type != onnx.TensorProto.FLOAT:
            return None
        return None if proto.external_data else numpy_helper.to_array(proto).astype(np.float64).reshape(size)

    def constant(self, name: str, values: Array) -> str:
        """A new constant of the graph."""
        self.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name
