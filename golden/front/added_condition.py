"""A condition that is added in front of a dense layer, or behind one, as one that is joined: W (x + c) is [W W] (x, c), and
W x + c is [W 1] (x, c).
"""

from __future__ import annotations

import numpy as np
import onnx

from .condition_input import Alone, condition_input
from .dense_layers import Array, Dense, DenseLayers

MOST_BEHIND = 3
"""Nodes of one dense layer: a product, and two additions."""


class Joining(DenseLayers):
    """Rewrites a graph in place."""

    def join(self, node: onnx.NodeProto, own: str, other: str) -> None:
        """An Add of a condition's tensor and another, if a dense layer alone makes that, or dense layers alone take the sum."""
        made = self.makers(other)
        layer = self.dense(made[0]) if made else None
        if layer is not None:
            joined = f"{node.output[0]}_joined"
            taken, weights = layer.node.input[0], np.concatenate([layer.weights, np.eye(layer.weights.shape[1])])
            self.weigh(layer, joined, weights)
            behind = [onnx.NodeProto.FromString(part.SerializeToString()) for part in made]
            for part in made:
                self.graph.node.remove(part)
            node.op_type, node.input[:] = "Identity", [other]
            place = list(self.graph.node).index(node)
            for part in (*behind[::-1], onnx.helper.make_node("Concat", [taken, own], [joined], name=joined, axis=1)):
                self.graph.node.insert(place, part)
            return
        layers = [self.dense(taker) for taker in self.takers.get(node.output[0], [])]
        known = [layer for layer in layers if layer is not None]
        if known and len(known) == len(layers) and not self.given(node.output[0]):
            for layer in known:
                self.weigh(layer, node.output[0], np.concatenate([layer.weights, layer.weights]))
            node.op_type, node.input[:] = "Concat", [other, own]
            node.attribute.append(onnx.helper.make_attribute("axis", 1))

    def makers(self, tensor: str) -> list[onnx.NodeProto]:
        """The nodes of the dense layer that gives a tensor, in order, which nothing takes but one node; none elsewhere."""
        found: list[onnx.NodeProto] = []
        while len(found) < MOST_BEHIND:
            made = next((node for node in self.graph.node if tensor in node.output), None)
            if made is None or len(self.takers.get(tensor, [])) != 1 or self.given(tensor):
                break
            found.insert(0, made)
            if self.dense(made) is not None:
                return found
            rest = [taken for taken in made.input if taken not in self.constants]
            if made.op_type != "Add" or len(rest) != 1:
                break
            tensor = rest[0]
        return []

    def given(self, tensor: str) -> bool:
        """Is a tensor a result of the graph?"""
        return any(value.name == tensor for value in self.graph.output)

    def weigh(self, layer: Dense, taken: str, weights: Array) -> None:
        """Let a layer take another tensor, with other weights."""
        node = layer.node
        for attribute in [attribute for attribute in node.attribute if attribute.name == "transB"]:
            node.attribute.remove(attribute)
        node.input[0], node.input[1] = taken, self.constant(f"{node.output[0]}_widened", weights)


def join_added(graph: onnx.GraphProto) -> None:
    """Rewrites a graph in place where rows of its condition are added to others."""
    condition = condition_input(graph)
    if condition is None:
        return
    alone = Alone(graph, condition.name)
    for name in [node.output[0] for node in graph.node if node.op_type == "Add" and len(node.input) == 2 and alone.joins(node)]:
        node = next(node for node in graph.node if node.output[0] == name)
        own, other = sorted(node.input, key=lambda tensor: tensor not in alone.tensors)
        Joining(graph).join(node, own, other)
