"""Nodes that do the same to each element, or to all of a channel: steps of a chain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...types.scalar import Choose, Float, Function, LeakyRelu, Normalise, Step
from . import scalar_nodes
from .model_file import Node
from .operands import activation, constant
from .scalar_nodes import PIECES, SHAPED, UNARY, Refusal
from .symbols import Symbol, Value


def scalar(value: Value, steps: Sequence[Step]) -> Symbol:
    """The activation after scalar steps."""
    if not isinstance(value, Symbol):
        raise Refusal("its first input is a constant")
    return value.then(steps)


def unary(node: Node, arguments: list[Value]) -> Symbol:
    """A function of one number."""
    return scalar(arguments[0], [Function(node.name, UNARY[node.operator])])


def shaped(node: Node, arguments: list[Value]) -> Symbol:
    """One that attributes shape."""
    functions = SHAPED | PIECES
    return scalar(arguments[0], [Function(node.name, functions[node.operator](node))])


def relu(node: Node, arguments: list[Value]) -> Symbol:
    """Relu, LeakyRelu or PRelu."""
    slope: Float = np.zeros((), np.float32)
    if node.operator == "LeakyRelu":
        slope = np.asarray(np.float32(node.attributes.get("alpha", 0.01)))
    elif node.operator == "PRelu":
        slope = constant(arguments, 1)
    return scalar(arguments[0], [LeakyRelu(node.name, slope)])


def hard_sigmoid(node: Node, arguments: list[Value]) -> Symbol:
    """HardSigmoid."""
    return scalar(arguments[0], scalar_nodes.hard_sigmoid(node))


def batch_normalization(node: Node, arguments: list[Value]) -> Symbol:
    """BatchNormalization, as in inference."""
    symbol = activation(arguments)
    if node.attributes.get("training_mode", 0):
        raise Refusal("in training mode; export the model for inference")
    shape = [1] * len(symbol.shape)
    shape[1] = -1
    scale, bias, mean, variance = (constant(arguments, i).reshape(shape) for i in range(1, 5))
    epsilon = float(node.attributes.get("epsilon", 1e-5))
    if not np.all(variance + epsilon > 0):
        raise Refusal(f"the variance of channel {int(np.argmin(variance))} is not positive")
    return symbol.then([Normalise(node.name, scale, bias, mean, variance, epsilon)])


def where(node: Node, arguments: list[Value]) -> Symbol:
    """One of two constants, by a condition that is an activation."""
    if not isinstance(arguments[0], Symbol):
        raise Refusal("a choice between activations")
    yes, no = (constant(arguments, i).astype(np.float32) for i in (1, 2))
    return arguments[0].then([Choose(node.name, yes, no)])
