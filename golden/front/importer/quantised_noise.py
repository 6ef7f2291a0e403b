"""Grids that a quantiser states for noise, for its product with a deviation, and for a sample: the sampling layer has its own.

A quantiser of files puts QuantizeLinear and DequantizeLinear around these tensors as around any other. What they leave of a
standard normal, 256 numbers up to the largest that was drawn, is no part of the network.
"""

from __future__ import annotations

from dataclasses import replace

import onnx

from .latent import RANDOM
from .model_file import Graph, Node

PASSING = ("Cast", "Flatten", "Identity", "Mul", "Reshape", "Squeeze", "Unsqueeze")
"""Operators that make noise of noise, alone or with a deviation."""


def without_grids_of_noise(graph: Graph) -> Graph:
    """The graph without such pairs of nodes."""
    noisy = {node.outputs[0] for node in graph.nodes if node.operator in RANDOM}
    if not noisy:
        return graph
    samples, codes, kept = set[str](), dict[str, str](), list[Node]()
    for node in graph.nodes:
        first = next(iter(node.inputs), "")
        if node.operator == "QuantizeLinear" and first in noisy | samples:
            codes[node.outputs[0]] = first
        elif node.operator == "DequantizeLinear" and first in codes:
            tensor = codes[first]
            (noisy if tensor in noisy else samples).update(node.outputs)
            proto = onnx.helper.make_node("Identity", [tensor], list(node.outputs), name=node.name)
            kept.append(replace(node, operator="Identity", inputs=(tensor,), attributes={}, proto=proto))
            continue
        elif node.operator in PASSING and noisy.intersection(node.inputs):
            noisy.update(node.outputs)
        elif node.operator == "Add" and noisy.intersection(node.inputs):
            samples.update(node.outputs)
        kept.append(node)
    taken = {name for node in kept for name in node.inputs} | {*graph.outputs}
    return replace(graph, nodes=tuple(node for node in kept if node.outputs[0] not in codes or node.outputs[0] in taken))
