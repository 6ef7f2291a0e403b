"""Decisions that are part of a function of one number: Where(x > 0, x, 0.1 * x), x * (x > 0), sign(x) * log(1 + abs(x)).

A comparison or a Sign makes bits of its argument, unless all that is done with it is to put together functions of the same
argument. Then it is a part of one, however many pieces that has, and nothing is binary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ...types.scalar import Binarise, Choose, Float, Function, Piece, Sign, Step
from .model_file import Graph, Node
from .scalar_nodes import PIECES, SHAPED, UNARY, Refusal
from .symbols import Symbol, Value, joined

COMPARISONS = ("Greater", "GreaterOrEqual", "Less", "LessOrEqual")
LOGIC = ("And", "Not", "Or", "Xor")
DECIDING = (*COMPARISONS, "Sign")
MEETING = ("Add", "Div", "Max", "Min", "Mul", "Pow", "Sub", "Where")
"""Where functions of one argument are put together."""

MOST_VISITS = 1 << 18
"""Of nodes, in one look: decisions beyond are what they are alone."""

SINGLE = (
    *(*UNARY, *SHAPED, *PIECES, *DECIDING, *LOGIC, *MEETING, "BatchNormalization", "Cast", "Clip", "HardSigmoid", "Identity"),
    *("LeakyRelu", "PRelu", "Relu"),
)
"""What gives a number for each of its argument's."""


def with_choices(graph: Graph) -> Graph:
    """The graph, whose decisions are marked that are parts of functions, and what leads from them to the functions."""
    parts = _Choices(graph).parts
    return replace(graph, nodes=tuple(replace(node, part=True) if node in parts else node for node in graph.nodes))


def chosen(name: str, mask: Symbol, yes: Value, no: Value) -> Symbol:
    """What a Where gives whose choice, 0 or 1, is part of a function: one of two activations, or constants."""
    first, second = _half(name, mask, yes, _where, 0), _half(name, mask, no, _where_not, 1)
    both = None if first is None or second is None else joined(name, np.add, first, second)
    if both is None:
        raise Refusal("a choice between activations that are not made of the same elements as what decides it")
    return both


def _half(name: str, mask: Symbol, value: Value, where: Callable[[Float, Float], Float], place: int) -> Symbol | None:
    """A value where it is chosen, as the first or the second one, and 0 elsewhere; None for one of other elements."""
    if isinstance(value, Symbol):
        return joined(name, where, mask, value)
    if value is None:
        return None
    numbers: list[Float] = [np.zeros((), np.float32)] * 2
    numbers[place] = value.astype(np.float32)
    return mask.then([Choose(name, *numbers)])


def combined(node: Node, first: Symbol, second: Symbol | None) -> Symbol:
    """And, Or, Xor or Not of what is 0 or 1."""
    if second is None:
        return first.then([Function(node.name, lambda x: 1 - x)])
    both = joined(node.name, COMBINED[node.operator], first, second)
    if both is None:
        raise Refusal("decisions on activations that are not made of the same elements")
    return both


def _differ(first: Float, second: Float) -> Float:
    return np.abs(first - second)


COMBINED: dict[str, Callable[[Float, Float], Float]] = {"And": np.minimum, "Or": np.maximum, "Xor": _differ}


def within(step: Step) -> Step:
    """A decision as a part of a function."""
    if isinstance(step, Binarise):
        return Piece(step.node, step.threshold, step.low, step.high)
    return Function(step.node, np.sign) if isinstance(step, Sign) else step


def _where(mask: Float, value: Float) -> Float:
    return np.where(mask != 0, value, 0)


def _where_not(mask: Float, value: Float) -> Float:
    return np.where(mask != 0, 0, value)


@dataclass(frozen=True)
class _Made:
    """Of which tensor alone each number of another is a function, and whether that is more than decisions say of it."""

    root: str
    more: bool


class _Choices:
    """A look at a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.left = MOST_VISITS
        self.made = {graph.input: _Made(graph.input, True)}
        for node in graph.nodes:
            self.made.update({name: made for name in filter(None, node.outputs) if (made := self.of(node, name)) is not None})

    @cached_property
    def takers(self) -> dict[str, list[Node]]:
        """For each tensor, the nodes that take it."""
        found: dict[str, list[Node]] = {}
        for node in self.graph.nodes:
            for name in filter(None, dict.fromkeys(node.inputs)):
                found.setdefault(name, []).append(node)
        return found

    def of(self, node: Node, output: str) -> _Made | None:
        """What a node's output is; None of a constant, or a shape."""
        taken = [self.made[name] for name in node.inputs if name in self.made]
        if not taken or node.operator == "Shape":
            return None
        alone = node.operator in SINGLE and all(made.root == taken[0].root for made in taken)
        if not alone:
            return _Made(output, True)
        return _Made(taken[0].root, node.operator not in DECIDING and any(made.more for made in taken))

    @property
    def parts(self) -> set[Node]:
        """The decisions that are part of a function, and what leads from them to it."""
        found = set[Node]()
        for node in self.graph.nodes:
            (name,) = node.outputs[:1] or [""]
            if node.operator in DECIDING and name in self.made and self.made[name].root != name:
                between = self.between(node)
                found.update(between or ())
        return found

    def between(self, decision: Node) -> set[Node] | None:
        """The decision and what passes on what it says, until it is put together with more of the same argument; None where it
        goes elsewhere, too.
        """
        root = self.made[decision.outputs[0]].root
        found, waiting = {decision}, [decision]
        while waiting:
            (tensor, *_) = waiting.pop().outputs
            takers = self.takers.get(tensor, [])
            self.left -= len(takers)
            if not takers or tensor in self.graph.outputs or self.left < 0:
                return None
            for taker in takers:
                made = self.made.get(taker.outputs[0]) if taker.outputs else None
                if taker.operator not in SINGLE or made is None or made.root != root:
                    return None
                if not made.more and taker not in found:
                    found.add(taker)
                    waiting.append(taker)
        return found
