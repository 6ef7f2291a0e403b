"""A condition's own dense layer, which the layers behind it absorb: two layers without a function between are one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from .dense_layers import Array, Dense, DenseLayers


@dataclass(frozen=True, eq=False)
class Embedding:
    """What makes of a condition what is joined: a dense layer, and an addition behind it. result: the tensor that it gives."""

    nodes: tuple[onnx.NodeProto, ...]
    weights: Array
    added: Array
    result: str


class Absorbing(DenseLayers):
    """Rewrites a graph in place."""

    def absorb(self) -> None:
        """A dense layer that takes an input other than the first, and whose result is only joined to something in front of dense
        layers, goes into these.
        """
        outputs = {value.name for value in self.graph.output}
        given = [value.name for value in self.graph.input if value.name not in self.constants]
        for name, taking in [(tensor, node) for tensor in given[1:] for node in self.takers.get(tensor, [])]:
            embedding = self.embedding(taking)
            if embedding is None or embedding.result in outputs:
                continue
            found = [self.behind(join, embedding) for join in self.takers.get(embedding.result, [])]
            layers = [layer for layer in found if layer is not None]
            if layers and len(layers) == len(found):
                for join, layer in zip(self.takers[embedding.result], layers, strict=True):
                    self.put(layer, embedding, first=join.input[0] == embedding.result)
                    join.input[list(join.input).index(embedding.result)] = name
                for node in embedding.nodes:
                    self.graph.node.remove(node)

    def embedding(self, node: onnx.NodeProto) -> Embedding | None:
        """What a node is, if that is a dense layer."""
        layer = self.dense(node)
        if layer is None:
            return None
        added = np.zeros(layer.weights.shape[1]) if layer.added is None else layer.added
        nodes: tuple[onnx.NodeProto, ...] = (layer.node,)
        result = layer.node.output[0]
        behind = self.takers.get(result, [])
        if len(behind) == 1 and behind[0].op_type == "Add":
            more = next((found for tensor in behind[0].input if (found := self.row(tensor, len(added))) is not None), None)
            if more is not None:
                nodes, added, result = (*nodes, behind[0]), added + more, behind[0].output[0]
        return Embedding(nodes, layer.weights, added, result)

    def behind(self, join: onnx.NodeProto, embedding: Embedding) -> Dense | None:
        """The dense layer that alone takes what a node joins to an embedding, if it is one other tensor."""
        axes = [attribute.i for attribute in join.attribute if attribute.name == "axis"]
        if join.op_type != "Concat" or axes not in ([1], [-1]) or len(join.input) != 2 or len({*join.input}) != 2:
            return None
        taking = self.takers.get(join.output[0], [])
        layer = self.dense(taking[0]) if len(taking) == 1 else None
        return layer if layer is not None and len(layer.weights) > embedding.weights.shape[1] else None

    def put(self, layer: Dense, embedding: Embedding, first: bool) -> None:
        """Weights of the condition itself instead of those of its embedding, whose constant is added once more."""
        size, node = embedding.weights.shape[1], layer.node
        own, rest = (layer.weights[:size], layer.weights[size:]) if first else (layer.weights[-size:], layer.weights[:-size])
        parts = embedding.weights @ own, rest
        node.input[1] = self.constant(f"{node.output[0]}_absorbed", np.concatenate(parts if first else parts[::-1]))
        more = embedding.added @ own
        if node.op_type == "Gemm":
            for attribute in [attribute for attribute in node.attribute if attribute.name == "transB"]:
                node.attribute.remove(attribute)
            added = self.constant(f"{node.output[0]}_added", more if layer.added is None else layer.added + more)
            del node.input[2:]
            node.input.append(added)
        elif np.any(more):
            inner = f"{node.output[0]}_inner"
            place = list(self.graph.node).index(node)
            added = self.constant(f"{node.output[0]}_added", more)
            adding = onnx.helper.make_node("Add", [inner, added], [node.output[0]], name=f"{node.name}_added")
            node.output[0] = inner
            self.graph.node.insert(place + 1, adding)


def absorb_embeddings(graph: onnx.GraphProto) -> None:
    """As `Absorbing.absorb`."""
    Absorbing(graph).absorb()
