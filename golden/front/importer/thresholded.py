"""PyTorch's softplus, which is its argument itself beyond a threshold: where float32 knows no difference, it is a softplus."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import onnx

from .model_file import Graph, Node

ALIKE = 17.0
"""From here on log(1 + exp(x)) is x in float32."""


def without_thresholds(graph: Graph) -> Graph:
    """The graph with every Where(a > t, x, softplus(a) / b) as its softplus, a being b * x."""
    thresholds = _Thresholds(graph)
    found = {node: softplus for node in graph.nodes if (softplus := thresholds.softplus(node)) is not None}
    if not found:
        return graph
    kept = [_same(node, found[node]) if node in found else node for node in graph.nodes]
    taken = {name for node in kept for name in node.inputs} | {*graph.outputs}
    idle = {node.inputs[0] for node in found} - taken  # comparisons that nothing looks at any more
    return replace(graph, nodes=tuple(node for node in kept if not idle.intersection(node.outputs)))


def _same(node: Node, tensor: str) -> Node:
    """In a node's place, one that gives a tensor as it is."""
    proto = onnx.helper.make_node("Identity", [tensor], list(node.outputs), name=node.name)
    return replace(node, operator="Identity", inputs=(tensor,), attributes={}, proto=proto)


@dataclass(frozen=True, eq=False)
class _Thresholds:
    """What the tensors of a graph are."""

    graph: Graph

    @cached_property
    def makers(self) -> dict[str, Node]:
        """The node that gives a tensor."""
        return {output: node for node in self.graph.nodes for output in node.outputs}

    def softplus(self, node: Node) -> str | None:
        """The softplus that a Where chooses up to a threshold, if that is what it does."""
        if not _is(node, "Where", 3):
            return None
        condition, beyond, chosen = node.inputs
        compared = self.makers.get(condition)
        if compared is None or not _is(compared, "Greater", 2):
            return None
        argument, threshold = compared.inputs
        limit, curve = self.number(threshold), self.makers.get(chosen)
        if limit is None or limit < ALIKE or curve is None:
            return None
        if _is(curve, "Div", 2):
            scale, scaled = self.number(curve.inputs[1]), self.makers.get(argument)
            if scale is None or scaled is None or not _is(scaled, "Mul", 2):
                return None
            if beyond not in scaled.inputs or scale not in map(self.number, scaled.inputs):
                return None
            curve = self.makers.get(curve.inputs[0])
        elif argument != beyond:
            return None
        return chosen if curve is not None and _is(curve, "Softplus", 1) and curve.inputs == (argument,) else None

    def number(self, name: str) -> float | None:
        """The one number that a tensor holds, if it is a constant of one."""
        array = self.graph.constants.get(name)
        maker = self.makers.get(name)
        if array is None and maker is not None and maker.operator == "Constant":
            attributes = maker.attributes
            array = next((np.asarray(attributes[key]) for key in ("value", "value_float") if key in attributes), None)
        return float(array.reshape(-1)[0]) if array is not None and array.size == 1 and array.dtype.kind in "fiu" else None


def _is(node: Node, operator: str, inputs: int) -> bool:
    return node.operator == operator and node.domain in ("", "ai.onnx") and len(node.inputs) == inputs
