"""Where a real-valued graph begins with binary layers, and which of its nodes these are."""

from __future__ import annotations

from collections.abc import Sequence

from .latent import OTHER_RANDOM, RANDOM
from .model_file import Graph, Node
from .rearranging import MOVING
from .scalar_nodes import QUANTISERS, SHAPED, UNARY
from .walk import ARITHMETIC

BINARISING = (*QUANTISERS, "QuantizeLinear", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Sign")
ROUNDING = ("Ceil", "Floor", "Round")
"""What makes bits of some numbers, as of those from 0 to 1."""

POOLING = ("MaxPool", "GlobalMaxPool")

KEEPING = (
    *(*MOVING, *ARITHMETIC, *UNARY, *SHAPED, "BatchNormalization", "Cast", "Clip", "DequantizeLinear", "HardSigmoid"),
    *("LeakyRelu", "PRelu", "Relu", "Where"),
)
"""What makes bits of bits: it moves elements, or is a function of one."""


def last_binary(graph: Graph, nodes: Sequence[Node], operators: Sequence[str] = BINARISING) -> str | None:
    """The last activation that such operators make of the graph's input without any noise, perhaps pooled.

    A QuantizeLinear behind a layer gives all codes of its type, unless a Clip says less: that makes no bits.
    """
    fed, noisy, bits = {graph.input}, set[str](), set[str]()
    narrowed = {node.inputs[0] for node in nodes if node.operator == "Clip" and node.inputs}
    last = None
    for node in nodes:
        if node.operator in (*RANDOM, *OTHER_RANDOM) or noisy.intersection(node.inputs):
            noisy.update(node.outputs)
        elif node.operator != "Shape" and node.inputs and fed.intersection(node.inputs):
            fed.update(node.outputs)
            of_bits = bits.issuperset(fed.intersection(node.inputs))
            fine = (
                node.operator == "QuantizeLinear" and graph.input not in node.inputs and not narrowed.intersection(node.outputs)
            )
            if (node.operator in operators and not (fine or node.part)) or (of_bits and node.operator in POOLING):
                bits.update(node.outputs)
                last = node.outputs[0]
            elif of_bits and node.operator in KEEPING:
                bits.update(node.outputs)
    return last
