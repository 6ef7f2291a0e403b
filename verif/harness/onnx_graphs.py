"""ONNX and QONNX graphs written down node by node, for the importer's tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

QONNX = "qonnx.custom_op.general"
BREVITAS = "onnx.brevitas"
QUANTISERS = ("BipolarQuant", "IntQuant", "Quant", "MultiThreshold", "Trunc")

FOUR_BITS = 21
"""The first opset with numbers of 4 bits."""

Operand = str | np.ndarray | float | None
"""A tensor by name, a constant, or an input left out."""


class Builder:
    """A graph with one input (N, *shape). A call adds a node and gives the name of its first output.

        g = Builder((3, 8, 8))
        y = g("Conv", "x", weights, pads=[1, 1, 1, 1])
        g.save(path, g("Sign", y))

    Arrays and numbers among the operands become constants, float ones float32: initialisers, or Constant nodes if
    `constant_nodes`. `domain` is the quantisers', `version` its own. Nodes are named by operator and number unless `name` says
    otherwise.
    """

    def __init__(
        self,
        shape: Sequence[int | str],
        domain: str = QONNX,
        constant_nodes: bool = False,
        opset: int = 13,
        batch: Any = "N",
        version: int = 1,
    ) -> None:
        self.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])]
        self.domain, self.constant_nodes, self.opset, self.version = domain, constant_nodes, opset, version
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def __call__(self, operator: str, *operands: Operand, name: str = "", domain: str | None = None, **attributes: Any) -> str:
        inputs = ["" if o is None else o if isinstance(o, str) else self.constant(o) for o in operands]
        name = name or f"{operator}_{len(self.nodes)}"
        if domain is None:
            domain = self.domain if operator in QUANTISERS else ""
        self.nodes.append(helper.make_node(operator, inputs, [f"{name}_y"], name=name, domain=domain, **attributes))
        return f"{name}_y"

    def constant(self, value: np.ndarray | float) -> str:
        """The name of a new constant."""
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype.kind == "f" else array
        name = f"constant_{len(self.initializers) + len(self.nodes)}"
        tensor = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        if self.constant_nodes:
            self.nodes.append(helper.make_node("Constant", [], [name], name=f"{name}_node", value=tensor))
        else:
            self.initializers.append(tensor)
        return name

    def quant(
        self, x: Operand, bits: float, scale: Operand = 1.0, zero_point: float = 0.0, name: str = "", **attributes: Any
    ) -> str:
        """A Quant node; signed and not narrow unless the attributes say otherwise."""
        given = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND", **attributes}
        return self("Quant", x, scale, zero_point, float(bits), name=name, **given)

    def model(self, *outputs: str, kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
        """The model with the given tensors as its outputs, of the given type."""
        results = [helper.make_tensor_value_info(name, kind, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "graph", self.inputs, results, self.initializers)
        domains = [("", self.opset), *((d, self.version) for d in sorted({node.domain for node in self.nodes} - {""}))]
        ir_version = 8 if self.opset < FOUR_BITS else 10
        return helper.make_model(graph, opset_imports=[helper.make_opsetid(*d) for d in domains], ir_version=ir_version)

    def save(self, path: Path, *outputs: str, kind: int = TensorProto.FLOAT) -> Path:
        """The file of the model."""
        path.write_bytes(self.model(*outputs, kind=kind).SerializeToString())
        return path


def signs(random: np.random.Generator, *shape: int) -> np.ndarray:
    """Random weights of +1 and -1."""
    return random.choice(np.array([-1, 1], np.float32), shape)


def normalisation(random: np.random.Generator, channels: int, spread: float) -> tuple[np.ndarray, ...]:
    """Random scale, bias, mean and variance of a BatchNormalization for sums of the given spread; scales of either sign."""
    scale = random.normal(size=channels)
    bias = random.normal(size=channels) * np.abs(scale) / 4
    mean = random.normal(size=channels) * spread / 4
    variance = random.uniform(0.5, 2, channels) * spread**2
    return tuple(a.astype(np.float32) for a in (scale, bias, mean, variance))
