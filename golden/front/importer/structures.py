"""Structures that no pipeline computes, told by the name of what they are, however a graph spells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ...types.errors import Unsupported, UnsupportedModelError
from .model_file import Graph, Node

MOST_SHOWN = 3
"""Names of nodes that are the same thing as one that is told."""

MOST_VISITS = 1 << 20
"""Of nodes, in one look: what is beyond is told node by node."""

RECURRENT = {"LSTM": "an LSTM", "GRU": "a GRU", "RNN": "a recurrent layer", "Loop": "a loop", "Scan": "a loop"}
NORMALISING = {
    "InstanceNormalization": "instance normalisation",
    "LayerNormalization": "layer normalisation",
    "SimplifiedLayerNormalization": "layer normalisation",
    "SkipLayerNormalization": "layer normalisation",
    "RMSNormalization": "RMS normalisation",
    "GroupNormalization": "group normalisation",
    "GroupNorm": "group normalisation",
    "MeanVarianceNormalization": "a normalisation",
    "LpNormalization": "a normalisation",
}
DYNAMIC = (
    *("ConvInteger", "DynamicQuantizeLinear", "DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "MatMulInteger"),
    "MatMulIntegerToFloat",
)
"""What quantises by each frame's own range."""

ON_CODES = ("QAttention", "QGemm", "QLinear")
"""How names of operators begin that take codes and give some."""

SEQUENCES = ("SequenceConstruct", "SequenceEmpty", "SplitToSequence")
OF_SEQUENCES = ("ConcatFromSequence", "Equal", "If", "SequenceAt", "SequenceInsert", "SequenceLength", "SequenceMap", "Size")
ATTENTION = ("Attention", "MultiHeadAttention", "GroupQueryAttention")
PRODUCTS = ("MatMul", "Einsum", "Gemm")
CHOOSING = ("ArgMin", "ArgMax", "TopK")
LOOKING_UP = ("Gather", "GatherND", "GatherElements", "OneHot", "ScatterElements", "ScatterND", "Equal")

SELECTING = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze")
"""What may stand between a choice and what is looked up with it."""

SCALING = ("Add", "Cast", "Clip", "Identity", "Max", "Mul")
"""What may stand between a mean of squares and its root."""

DISTANCES = (
    *("Add", "Cast", "Clip", "Concat", "ConstantOfShape", "Expand", "Gather", "Identity", "MatMul", "Max", "Mul", "Neg", "Pow"),
    *(
        "ReduceL2",
        "ReduceMean",
        "ReduceSum",
        "ReduceSumSquare",
        "Relu",
        "Reshape",
        "Slice",
        "Sqrt",
        "Squeeze",
        "Sub",
        "Transpose",
    ),
    "Unsqueeze",
)
"""What distances to codewords are made with."""

SQUARES = ("Pow", "ReduceL2", "ReduceSumSquare")

PROJECTIONS = (
    *("Add", "Cast", "Concat", "Div", "Gather", "Identity", "MatMul", "Mul", "Reshape", "Slice", "Split", "Squeeze", "Transpose"),
    "Unsqueeze",
)
"""What queries, keys and values are made with."""

MOVING = ("Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
"""What puts them side by side."""

BENDING = ("Relu", "Sigmoid", "Sub", "Tanh")
"""What a step of a recurrent layer is made with besides."""

SEVERAL_STEPS = 3
"""Layers of the same weights, one behind the other, that are taken for a recurrent one."""

LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
REDUCING = ("ReduceL1", "ReduceL2", "ReduceMean", "ReduceSum", "ReduceSumSquare")
ERRORS = (
    *(*REDUCING, "Abs", "Add", "Cast", "Clip", "Div", "Exp", "Flatten", "Identity", "Log", "Max", "Mul", "Neg", "Pow", "Reshape"),
    *("Sqrt", "Squeeze", "Sub", "Unsqueeze"),
)
"""What an error of a reconstruction is made with, of it and of the input, alone or beside a divergence."""

HELP_OF_RECURRENT = "which keeps a state from step to step; a Conv1d over a window of steps is a layer that a pipeline has"
HELP_OF_NORMALISATION = (
    "whose mean or deviation is that of the frame itself, known only when all of it has come; train with BatchNorm, whose "
    "numbers are constants by then"
)
HELP_OF_LENGTH = (
    "a division of a row by its own length, known only when all of it has come; train with BatchNorm, whose numbers are "
    "constants by then"
)
HELP_OF_ATTENTION = (
    "which multiplies activations with one another; only products with constant weights are layers, as in a dense layer or a "
    "convolution"
)
HELP_OF_CODEBOOK = (
    "the nearest codeword of a codebook is looked up here, as in a VQ-VAE; the encoder in front of it and the decoder behind it "
    "can each be exported alone"
)
HELP_OF_DYNAMIC = (
    "a dynamic quantiser, whose step is that of the frame itself, known only when all of it has come; quantise statically, in "
    "the QDQ format (quantize_static with QuantFormat.QDQ), or give the model as it was before"
)
HELP_OF_CODES = (
    "an operator on codes, as in the QOperator format; quantise in the QDQ format (quantize_static with QuantFormat.QDQ), or "
    "give the model as it was before"
)
HELP_OF_SEQUENCE = (
    "a sequence of tensors, as torch.hstack, vstack, and split by computed sizes export one; torch.cat with a dim, and slices, "
    "say the same in single nodes"
)
HELP_OF_LOSS = (
    "an error of what layers give against the input itself, as a loss is, which only the host can compute: verify and anomaly do"
)


@dataclass(frozen=True)
class Structure:
    """What a node is part of. nodes: the names of all that are."""

    node: Node
    what: str
    nodes: frozenset[str]


def told(error: UnsupportedModelError, graph: Graph, path: str) -> UnsupportedModelError:
    """The same refusal, where nodes that belong to such a structure are told as one, by what it is."""
    found = structures(graph)
    if not found:
        return error
    inside = frozenset[str]().union(*(structure.nodes for structure in found))
    alike: dict[str, list[Node]] = {}
    for structure in found:
        alike.setdefault(structure.what, []).append(structure.node)
    named = [Unsupported(nodes[0].name, nodes[0].operator, what + _others(nodes[1:])) for what, nodes in alike.items()]
    return UnsupportedModelError(path, (*named, *(finding for finding in error.findings if finding.node not in inside)))


def structures(graph: Graph) -> tuple[Structure, ...]:
    """Those that the output depends on, in the order of their nodes."""
    return tuple(_Look(graph).all())


class _Look:
    """A look at a graph's nodes."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.left = MOST_VISITS
        self.nodes = graph.leading
        self.makers = {name: node for node in self.nodes for name in node.outputs if name}
        self.fed = {graph.input}
        for node in self.nodes:
            if node.operator != "Shape" and self.fed.intersection(node.inputs):
                self.fed.update(filter(None, node.outputs))

    @cached_property
    def layered(self) -> set[str]:
        """Tensors that a layer leads to."""
        found = set[str]()
        for node in self.nodes:
            layer = node.operator in LAYERS and self.fed.intersection(node.inputs)
            if node.operator != "Shape" and (layer or found.intersection(node.inputs)):
                found.update(filter(None, node.outputs))
        return found

    @cached_property
    def takers(self) -> dict[str, list[Node]]:
        """For each tensor, the nodes that take it."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in filter(None, dict.fromkeys(node.inputs)):
                found.setdefault(name, []).append(node)
        return found

    def taking(self, node: Node) -> list[Node]:
        """The nodes that take what a node gives first."""
        return self.takers.get(node.outputs[0], []) if node.outputs else []

    def all(self) -> Iterator[Structure]:
        """Each once."""
        for node in self.nodes:
            what = HELP_OF_DYNAMIC if node.operator in DYNAMIC else HELP_OF_CODES if node.operator.startswith(ON_CODES) else None
            if what is not None:  # of which the whole file is made
                yield Structure(node, what, frozenset(_names(self.nodes)))
                return
        seen = set[str]()
        for node in self.nodes:
            known = self.left < 0 or node.name in seen or not self.fed.intersection(node.inputs)
            structure = None if known else self.of(node)
            if structure is not None:
                seen |= structure.nodes
                yield structure

    def of(self, node: Node) -> Structure | None:
        """The structure that a node is the characteristic part of."""
        if node.operator in RECURRENT:
            return _single(node, f"{RECURRENT[node.operator]}, {HELP_OF_RECURRENT}")
        if node.operator in NORMALISING:
            groups = node.operator == "InstanceNormalization" and self.in_groups(node.inputs[0], node)
            what = "group normalisation" if groups else NORMALISING[node.operator]
            return _single(node, f"{what}, {HELP_OF_NORMALISATION}")
        if node.operator in SEQUENCES:
            behind = [other for other in self.forward(node) if other.operator in OF_SEQUENCES]
            return Structure(node, HELP_OF_SEQUENCE, frozenset({node.name, *_names(behind)}))
        if node.operator in ATTENTION:
            return _single(node, f"attention, {HELP_OF_ATTENTION}")
        if node.operator == "Sqrt":
            return self.normalisation(node)
        if node.operator in ("ReduceL1", "ReduceL2"):
            return self.scaled(node)
        if node.operator in PRODUCTS and len(node.inputs) > 1 and self.fed.issuperset(node.inputs[:2]):
            return self.attention(node)
        if node.operator in ("MatMul", "Gemm") and len(node.inputs) > 1 and node.inputs[1] not in self.fed:
            return self.unrolled(node)
        if node.operator in ("Mul", "Sub"):
            return self.loss(node)
        return self.codebook(node) if node.operator in CHOOSING else None

    def normalisation(self, root: Node) -> Structure | None:
        """A root of a mean of squares of what differs from its own mean."""
        deviation = self.back(root, SCALING)
        for mean in (node for node in deviation if node.operator == "ReduceMean"):
            square = self.makers.get(mean.inputs[0])
            if square is None or square.operator not in ("Mul", "Pow"):
                continue
            difference = self.makers.get(square.inputs[0])
            if difference is None or difference.operator != "Sub":
                scaled = self.divided(square.inputs[0], root)
                if scaled is not None:
                    taking = [n for n in self.forward(scaled[-1]) if n.operator in LAYERS][:1]  # that refuses the product
                    inside = frozenset(n.name for n in (square, *deviation, root, *scaled, *taking))
                    return Structure(scaled[-1], f"RMS normalisation, {HELP_OF_NORMALISATION}", inside)
                continue
            x, centre = difference.inputs[0], self.makers.get(difference.inputs[1])
            if centre is None or centre.operator != "ReduceMean" or centre.inputs[0] != x:
                continue
            (last,) = [n for n in self.takers.get(root.outputs[0], []) if n.operator == "Div"][:1] or [root]
            what = "group normalisation" if self.in_groups(x, last) else self.by_axes(centre)
            nodes = {n.name for n in (centre, difference, square, *deviation, root, last)}
            return Structure(last, f"{what}, {HELP_OF_NORMALISATION}", frozenset(nodes))
        return None

    def divided(self, x: str, root: Node) -> tuple[Node, ...] | None:
        """The nodes that divide something by a root, perhaps by its reciprocal."""
        for node in self.takers.get(root.outputs[0], []):
            if node.operator == "Div" and node.inputs[0] == x:
                return (node,)
            if node.operator in ("Div", "Reciprocal"):
                products = [n for n in self.takers.get(node.outputs[0], []) if n.operator == "Mul" and x in n.inputs]
                return (node, products[0]) if products else None
        return None

    def scaled(self, size: Node) -> Structure | None:
        """A row's size that the row is divided by."""
        inside, waiting = {size.name}, [size]
        while waiting:
            for taker in self.taking(waiting.pop()):
                self.left -= 1
                if taker.operator == "Div" and taker.inputs[0] == size.inputs[0]:
                    return Structure(taker, HELP_OF_LENGTH, frozenset({*inside, taker.name}))
                if taker.operator in (*SCALING, "Expand") and taker.name not in inside:
                    inside.add(taker.name)
                    waiting.append(taker)
        return None

    def unrolled(self, first: Node) -> Structure | None:
        """Products by the same weights again and again, each of what the one before has led to."""
        same = [node for node in self.takers.get(first.inputs[1], []) if node.operator in PRODUCTS]
        if len(same) < SEVERAL_STEPS or first is not same[0]:
            return None
        behind = self.forward(first)
        if any(node not in behind for node in same[1:]):
            return None
        last = self.forward(same[-1])
        inside = {node.name for node in behind if node not in last}
        made = self.back(first, (*PROJECTIONS, *BENDING))
        what = f"a recurrent layer, unrolled over {len(same)} steps and more, {HELP_OF_RECURRENT}"
        return Structure(first, what, frozenset({first.name, *inside, *_names(made)}))

    def loss(self, node: Node) -> Structure | None:
        """A distance between what layers give and the input, or a cross-entropy, up to the output."""
        raw = self.fed - self.layered
        results = [name for name in node.inputs if name in self.layered]
        if len(results) != 1 or not raw.intersection(node.inputs):
            return None
        before = self.back(node, ("Clip", "Log", "Max", "Neg", "Sub"))
        if node.operator == "Mul" and not any(made.operator == "Log" for made in before):
            return None
        behind = self.forward(node)
        if not {made.operator for made in behind}.issubset(ERRORS) or not any(made.operator in REDUCING for made in behind):
            return None
        others = [name for name in self.graph.outputs if name != self.graph.output]
        way = f"--output-name {' or '.join(others)} takes another output" if others else "export the model without it"
        last = [*behind][-1]
        inside = {node.name, *_names(behind), *_names(self.back(last, ERRORS))}
        return Structure(node, f"{HELP_OF_LOSS}; {way}", frozenset(inside))

    def by_axes(self, mean: Node) -> str:
        """Which normalisation takes such a mean."""
        given = mean.attributes.get("axes")
        if given is None and len(mean.inputs) > 1:
            maker = self.makers.get(mean.inputs[1])
            given = maker.attributes.get("value") if maker is not None else self.graph.constants.get(mean.inputs[1])
        axes = sorted(int(axis) for axis in given) if given is not None else []
        return "instance normalisation" if axes in ([2], [2, 3], [-2, -1]) else "layer normalisation"

    def in_groups(self, x: str, last: Node) -> bool:
        """Is something reshaped in front of a normalisation, and back behind it?"""
        before, behind = self.makers.get(x), self.takers.get(last.outputs[0], [])
        return before is not None and before.operator == "Reshape" and any(node.operator == "Reshape" for node in behind)

    def attention(self, first: Node) -> Structure:
        """Products of activations with one another, with a softmax between, or without."""
        behind = self.forward(first)
        products = [node for node in behind if node.operator in PRODUCTS and self.fed.issuperset(node.inputs[:2])]
        soft = any(node.operator == "Softmax" for node in behind)
        last = products[0] if products and soft else first
        inside = {node.name for node in behind} & {node.name for node in self.back(last, None)}
        made = self.back(first, PROJECTIONS) | self.back(last, PROJECTIONS) | self.projected(last)
        what = "attention" if soft and products else "a product of two activations, as in attention"
        return Structure(first, f"{what}, {HELP_OF_ATTENTION}", frozenset({first.name, last.name, *inside, *_names(made)}))

    def projected(self, last: Node) -> dict[Node, None]:
        """What puts the heads of an attention side by side, the projection of them, and what rearranges that."""
        found: dict[Node, None] = {}
        waiting = [(last, False)]
        while waiting:
            node, behind = waiting.pop()
            for taker in self.taking(node):
                self.left -= 1
                projects = taker.operator in ("Gemm", "MatMul") and not behind and not self.fed.issuperset(taker.inputs[:2])
                if taker not in found and (projects or taker.operator in MOVING):
                    found[taker] = None
                    waiting.append((taker, behind or projects))
        return found

    def codebook(self, choice: Node) -> Structure | None:
        """A choice by which something is looked up."""
        chosen = {*choice.outputs}
        self.left -= len(self.nodes)
        for node in self.nodes:
            if chosen.intersection(node.inputs):
                if node.operator in LOOKING_UP:
                    made = self.back(choice, DISTANCES)
                    return Structure(choice, HELP_OF_CODEBOOK, frozenset({choice.name, node.name, *_names(made)}))
                if node.operator in SELECTING:
                    chosen.update(node.outputs)
        made = self.back(choice, DISTANCES) if choice.operator == "ArgMin" else {}
        squares = [node for node in made if self.squares(node)]
        return Structure(choice, HELP_OF_CODEBOOK, frozenset({choice.name, *_names(made)})) if squares else None

    def squares(self, node: Node) -> bool:
        """Is a node part of a distance: a square or a size of what layers give?"""
        product = node.operator == "Mul" and len({*node.inputs}) == 1
        return bool(self.fed.intersection(node.inputs)) and (product or node.operator in SQUARES)

    def back(self, node: Node, through: Iterable[str] | None) -> dict[Node, None]:
        """The nodes in front of one, as far as they are such operators, and the first beyond that is one of a mean."""
        allowed = None if through is None else {*through}
        found: dict[Node, None] = {}
        waiting = [*node.inputs]
        while waiting:
            maker = self.makers.get(waiting.pop())
            if maker is None or maker in found:
                continue
            if allowed is None or maker.operator in allowed:
                found[maker] = None
                waiting += maker.inputs
                self.left -= len(maker.inputs)
            elif maker.operator == "ReduceMean":
                found[maker] = None
        return found

    def forward(self, node: Node) -> dict[Node, None]:
        """The nodes behind one, in order."""
        behind = {*node.outputs}
        found: dict[Node, None] = {}
        self.left -= len(self.nodes)
        for other in self.nodes:
            if behind.intersection(other.inputs):
                behind.update(filter(None, other.outputs))
                found[other] = None
        return found


def _others(nodes: list[Node]) -> str:
    """Which nodes are the same thing, so that it is told once."""
    if not nodes:
        return ""
    shown = ", ".join(node.name for node in nodes[:MOST_SHOWN]) + (", ..." if len(nodes) > MOST_SHOWN else "")
    return f" (and so {'is' if len(nodes) == 1 else 'are'} {shown})"


def _single(node: Node, what: str) -> Structure:
    return Structure(node, what, frozenset({node.name}))


def _names(nodes: Iterable[Node]) -> set[str]:
    return {node.name for node in nodes}
