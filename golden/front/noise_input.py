"""Noise that a graph is given as its second input, instead of drawing it."""

from __future__ import annotations

import onnx

KEEPING = ("Cast", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze")
"""Operators behind which noise is the same noise."""

QUANTISING = ("DequantizeLinear", "QuantizeLinear")
"""What a quantiser of files puts around noise as around any other tensor."""

FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)


def noise_input(graph: onnx.GraphProto) -> onnx.ValueInfoProto | None:
    """Of two or three inputs of a graph, the one that does nothing but multiply what depends on the others, as eps in
    mu + sigma * eps.
    """
    constants = {tensor.name for tensor in graph.initializer}
    inputs: list[onnx.ValueInfoProto] = [value for value in graph.input if value.name not in constants]
    if len(inputs) not in (2, 3):
        return None
    for noise in inputs[::-1]:
        others = {value.name for value in inputs if value is not noise}
        dimensions = noise.type.tensor_type.shape.dim
        known = len(dimensions) > 1 and all(dimension.dim_value > 0 for dimension in dimensions[1:])
        if noise.type.tensor_type.elem_type in FLOATS and known and _multiplies(graph, noise.name, others):
            return noise
    return None


def _multiplies(graph: onnx.GraphProto, noise: str, others: set[str]) -> bool:
    """Is all that is done with the noise a product with what depends on the other inputs?"""
    same, dependent, used = {noise}, {*others}, False
    for node in graph.node:
        if dependent.intersection(node.input):
            dependent.update(node.output)
        if not same.intersection(node.input):
            continue
        if node.op_type == "Mul":
            factors = {name for name in node.input if name not in same}
            if factors & dependent:
                used = True
            else:
                same.update(node.output)  # a temperature
        elif node.op_type in (*KEEPING, *QUANTISING) and node.input[0] in same:
            same.update(node.output)
        elif node.op_type != "Shape":
            return False
    return used
