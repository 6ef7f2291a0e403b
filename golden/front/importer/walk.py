"""The walk over a graph, node by node: what binary and real-valued networks have in common.

Reshape, Transpose, Flatten and Pad only rearrange a Symbol's array of element indices, so no layout is special; scalar nodes
lengthen its chain; layers of weights get an activation, a window and constants that suit each other.

Two readers say what sums are, and what ends a chain. A binary reading has integers all along: what takes an activation closes the
layer before it, as bits, and layers read codes. A real reading has numbers of no grid: it absorbs in weights what is affine, and
tells functions, samples and scores apart by going back from the output. Neither can be told node by node, since how a chain ends
is seen only behind it; so one reading is tried after the other (interpretation.py), and the real one begins with the binary one
of the layers in front.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Generic, TypeVar

import numpy as np

from ...layers.window import Window
from ...types.coding import Coding
from ...types.errors import Unsupported, UnsupportedModelError
from ...types.scalar import (
    Add,
    Chain,
    Choice,
    Float,
    Multiply,
    Rowwise,
    Sign,
    Step,
    power,
)
from . import elementwise, input_grid, rearranging, scalar_nodes
from .budget import Budget
from .choices import COMPARISONS
from .constants import ConstantFolding
from .decisions import MOST_LEVELS
from .formats import MAX_LEVELS
from .graph_input import GraphInput
from .model_file import Graph, Node
from .operands import (
    Array,
    activation,
    check_channels,
    check_sizes,
    constant,
    constant_kernels,
    groups_of,
    over_an_image,
    sliding_window,
    spread_kernels,
    with_bias,
    with_constant,
)
from .scalar_nodes import QUANTISER_DOMAINS, QUANTISERS, ROWWISE, SHAPED, UNARY, Refusal
from .shapes import shape_behind
from .symbols import (
    MAX_ACTIVATION,
    PAD,
    Chosen,
    Frame,
    Index,
    Input,
    Symbol,
    Unknown,
    Value,
    joined,
    strip_padding,
    unknown,
)
from .whole_types import counts, limits

Result = TypeVar("Result")
Weights = TypeVar("Weights")

Results = list[Array] | list[Symbol] | Value
"""What a node gives: all its outputs, or the first one, the only one that may be used; None after a finding upstream."""

ARITHMETIC: dict[str, Callable[[Float, Float], Float]] = {
    "Add": operator.add,
    "Div": operator.truediv,
    "Mul": operator.mul,
    "Pow": power,
    "Sub": operator.sub,
}
SINGLE = (*scalar_nodes.UNARY, *scalar_nodes.SHAPED, *QUANTISERS, "Cast", "Clip", "Dropout", "Identity", "Sign")
"""Operators that give a number for each number, whatever its place."""

CONDITION = (
    "a condition is joined (Concat) to the input or to a sample, or added in front of a dense layer or behind it, as numbers of "
    "stated size (N, numbers); noise as an input multiplies one deviation, all of it, and nothing else"
)
"""What helps where another input is none."""

FLAGS = (
    *("allowzero", "ceil_mode", "count_include_pad", "exclude_outside", "keepdims", "largest", "narrow", "noop_with_empty_axes"),
    *("select_last_index", "signed", "training_mode", "transA", "transB"),
)
"""Attributes that say yes or no. Executors differ in what any other number is."""

INSTEAD = {"ArgMin": "the place of the smallest; only that of the largest (ArgMax, TopK) is supported: turn the scores' signs"}
"""What helps where an operator is not supported, if something does."""

MAX_SPREAD = 1 << 28
"""Thresholds of all elements of an activation: a gigabyte."""

FLOAT_TYPES = (1, 11)
"""ONNX numbers of float and double."""

HALVES = (10, 16)
"""Those of float16 and bfloat16."""

INTEGER_TYPES = (6, 7)
"""Those of int32 and int64."""


class Walk(ABC, Generic[Result, Weights]):
    """One import. `run` may be called once."""

    unfolded: tuple[str, ...] = QUANTISERS
    """Operators that are not evaluated on constants as they are."""

    several: tuple[str, ...] = ("TopK",)
    """Operators of activations that may have more than one output."""

    counted: bool = False
    """Must the input's codes count from 0?"""

    conditional: bool = False
    """May a condition be part of the input?"""

    def __init__(self, graph: Graph, path: str, coding: Coding | None) -> None:
        self.graph = graph
        self.path = path
        self.coding = coding
        self.findings: list[Unsupported] = []
        self.graph_input = GraphInput(graph, path, coding, self.counted, self.conditional)
        self.fold = ConstantFolding(graph.opset)
        self.budget = Budget()
        # for each tensor, how many nodes are still to take it
        self.waiting = Counter(name for node in graph.leading for name in {*node.inputs})
        self.values: dict[str, Value] = {
            **graph.constants,
            **dict.fromkeys(graph.other_inputs),
            **self.graph_input.symbols,
        }
        # tensors that do not depend on the input's numbers, whether or not a finding made them unknown
        self.static = {*graph.constants}
        # those among them that come from shapes, in which the batch is 1 here
        self.sized: set[str] = set()
        self.single = graph.input_shape[0] == 1
        # the axis of the batch in activations where it is not the first
        self.batch: dict[str, int] = {}
        # activations of a type of whole numbers: its name
        self.whole = {graph.input: input_grid.type_name(graph)} if input_grid.whole_numbers(graph) else dict[str, str]()
        self.handlers: dict[str, Callable[[Node, list[Value]], Results]] = {
            **dict.fromkeys(ARITHMETIC, self.binary),
            **dict.fromkeys(COMPARISONS, self.compare),
            **dict.fromkeys(("IntQuant", "Quant"), self.quant),
            **dict.fromkeys(UNARY, elementwise.unary),
            **dict.fromkeys(SHAPED, elementwise.shaped),
            **dict.fromkeys(ROWWISE, self.rowwise),
            **dict.fromkeys(("Identity", "Dropout", "Cast"), self.identity),
            **dict.fromkeys(("Relu", "LeakyRelu", "PRelu"), elementwise.relu),
            **dict.fromkeys(("Squeeze", "Unsqueeze"), rearranging.squeeze),
            "ArgMax": self.arg_max,
            "BatchNormalization": elementwise.batch_normalization,
            "BipolarQuant": self.bipolar_quant,
            "Clip": self.clip,
            "Conv": self.conv,
            "DequantizeLinear": self.dequantize,
            "Einsum": self.einsum,
            "QuantizeLinear": self.quantize,
            "Flatten": partial(rearranging.flatten, single=self.single),
            "Gemm": self.gemm,
            "HardSigmoid": elementwise.hard_sigmoid,
            "MatMul": self.matmul,
            "MultiThreshold": self.multi_threshold,
            "Pad": rearranging.pad,
            "Reshape": self.reshape,
            "Shape": rearranging.shape,
            "Sign": self.sign,
            "TopK": self.top_k,
            "Trunc": self.trunc,
            "Transpose": rearranging.transpose,
            "Where": elementwise.where,
        }

    def run(self) -> Result:
        """The network, or UnsupportedModelError with every finding."""
        for node in self.nodes():
            if self.budget.exhausted:
                break
            self.visit(node)
        taken = {self.graph.output, *(name for node in self.graph.leading for name in node.inputs)}
        for name in self.graph.other_inputs:
            if name in taken:
                self.findings.append(Unsupported(name, "graph input", f"a second input; {CONDITION}"))
        if self.graph.condition is not None and not self.conditional:
            name = self.graph.condition.name
            self.findings.append(Unsupported(name, "graph input", "a condition, which only networks of real weights may have"))
        if not self.findings:
            try:
                return self.network(self.result())
            except Refusal as refusal:
                culprit = next((node for node in self.graph.nodes if node.name == refusal.node), None)
                name, operator = (self.graph.output, "graph output") if culprit is None else (culprit.name, culprit.operator)
                self.findings.append(Unsupported(name, operator, str(refusal)))
        else:
            self.examine_end()
        raise UnsupportedModelError(self.path, self.listed())

    def listed(self) -> tuple[Unsupported, ...]:
        """All findings, in the order of the graph's nodes; others at the end."""
        places = {node.name: place for place, node in enumerate(self.graph.nodes)}
        return tuple(sorted(self.findings, key=lambda finding: places.get(finding.node, len(places))))

    def examine_all(self, node: Node) -> None:
        """Still say what is wrong with all that a node takes that is refused."""
        for name in dict.fromkeys(node.inputs):
            value = self.values.get(name)
            if isinstance(value, Symbol):
                with suppress(ArithmeticError, LookupError, TypeError, ValueError):  # the node is refused anyhow
                    self.examine(value, node)

    def examine(self, symbol: Symbol, node: Node) -> None:
        """Still say what is wrong with an activation that a refused node takes."""

    def examine_end(self) -> None:
        """Still say what is wrong with the output, of a graph that is refused already."""

    def nodes(self) -> tuple[Node, ...]:
        """The nodes to be visited: those that the output depends on."""
        return self.graph.leading

    def result(self) -> Symbol:
        """The graph's output."""
        if self.graph.output not in self.values:
            raise Refusal("no node gives it")
        symbol = self.values[self.graph.output]
        if not isinstance(symbol, Symbol):
            raise Refusal("it does not depend on the input")
        if symbol.shape[:1] != (1,) or self.batch.get(self.graph.output) or np.any(symbol.index == PAD):
            raise Refusal(f"an output of shape {symbol.shape}, expected a batch in front and no padding")
        if not symbol.index.size:
            raise Refusal(f"an output of shape {symbol.shape}, which holds no numbers")
        return symbol

    @abstractmethod
    def network(self, symbol: Symbol) -> Result:
        """What the walk has found on the way to the output."""

    def visit(self, node: Node) -> None:
        """Find out what the node's outputs are, or why it cannot become hardware."""
        try:
            results = self.results(node)
            self.budget.keep(results if isinstance(results, list) else [results])
        except Refusal as refusal:
            self.examine_all(node)
            self.refuse(refusal, node)
            results = self.substitute(node)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # a graph that ONNX's own rules forbid
            reason = f"inputs or attributes that do not suit the operator ({type(error).__name__}: {error})"
            self.findings.append(Unsupported(node.name, node.operator, reason))
            results = self.substitute(node)
        found = results if isinstance(results, list) else [results]
        self.values.update({**dict.fromkeys(node.outputs), **dict(zip(node.outputs, found, strict=False))})
        if node.operator == "Shape" or self.static.issuperset(filter(None, node.inputs)):
            self.static.update(node.outputs)
            if node.operator == "Shape" or self.sized.intersection(node.inputs):
                self.sized.update(node.outputs)
        self.forget(node)

    def forget(self, node: Node) -> None:
        """Let go of constants that no node takes after this one: weights that a graph computes are large at each step."""
        for name in {*node.inputs}:
            self.waiting[name] -= 1
            if not self.waiting[name] and isinstance(self.values.get(name), np.ndarray) and name != self.graph.output:
                self.values[name] = None

    def results(self, node: Node) -> Results:
        """What the node gives."""
        if node.domain not in (QUANTISER_DOMAINS if node.operator in QUANTISERS else ("", "ai.onnx")):
            if node.domain not in QUANTISER_DOMAINS:
                raise Refusal(f"operator {node.operator} of the domain {node.domain}")
            supported = ", ".join(QUANTISERS)
            raise Refusal(f"operator {node.operator} of the domain {node.domain}, of which only {supported} are supported")
        for name in FLAGS:
            if node.attributes.get(name, 0) not in (0, 1):
                raise Refusal(f"{name}={node.attributes[name]!r}, which is neither 0 nor 1")
        for name in filter(None, node.inputs):
            if name not in self.values:
                raise Refusal(f"it takes {name}, which nothing before it gives")
        for name in filter(None, node.outputs):
            if name in self.values:
                raise Refusal(f"it gives {name}, which something before it gives already")
        arguments = [self.values[name] if name else None for name in node.inputs]
        known = all(not name or value is not None for name, value in zip(node.inputs, arguments, strict=True))
        constants = [a for a in arguments if isinstance(a, np.ndarray)]
        self.budget.look(arguments)
        if known and node.operator not in self.unfolded and not any(isinstance(a, Symbol) for a in arguments):
            return self.fold(node, constants)
        if node.operator not in self.handlers:
            if self.static.issuperset(filter(None, node.inputs)):
                return None
            raise Refusal(INSTEAD.get(node.operator, "not supported on activations"))
        if not known:
            self.check_weights(node, arguments)
            return None
        for key, number in node.attributes.items():
            if isinstance(number, float) and not math.isfinite(number) and node.operator != "Clip":
                raise Refusal(f"its attribute {key} is {number:g}")
        for array in constants:
            if array.dtype.kind not in "fiub" and not counts(array.dtype):
                raise Refusal(f"a constant of type {array.dtype}")
            if array.dtype.kind == "f" and not np.isfinite(array).all() and node.operator != "Clip":
                raise Refusal("a constant that is not finite")
        for name in () if node.operator in self.several else node.outputs[1:]:
            if name in self.graph.consumers or name == self.graph.output:
                raise Refusal(f"its output {name} is used; only its first output is supported")
        self.keep_whole(node)
        self.keep_in_front(node, arguments)
        try:
            return self.handlers[node.operator](node, arguments)
        except Refusal as refusal:
            if refusal.node is None:
                raise
            self.refuse(refusal, node)
            self.examine_all(node)
            self.check_weights(node, arguments)
            return self.placeholder(node)

    def refuse(self, refusal: Refusal, node: Node) -> None:
        """Note a finding once, at the node that is at fault: `node`, unless the refusal names another."""
        culprit = next((n for n in self.graph.nodes if n.name == refusal.node), node)
        finding = Unsupported(culprit.name, culprit.operator, str(refusal))
        if finding not in self.findings:
            self.findings.append(finding)

    def keep_whole(self, node: Node) -> None:
        """Refuse arithmetic with numbers of a type of whole numbers: it wraps around, or cuts off."""
        kinds = [self.whole[name] for name in node.inputs if name in self.whole]
        if not kinds:
            return
        if node.operator in (*rearranging.MOVING, "Clip", "GlobalMaxPool", "MaxPool"):
            self.whole.update(dict.fromkeys(node.outputs, kinds[0]))
        elif node.operator not in ("Cast", "DequantizeLinear", "Shape", "Where", *COMPARISONS):
            raise Refusal(f"it computes with numbers of the type {kinds[0].lower()}; cast them to float first")

    def keep_in_front(self, node: Node, arguments: list[Value]) -> None:
        """Note which axis a node makes that of the batch, and refuse what takes it for another one. Only single numbers, and what
        turns it back, take no notice of it.
        """
        symbols = {n: a for n, a in zip(node.inputs, arguments, strict=True) if isinstance(a, Symbol)}
        if self.single or any(isinstance(symbol.source, Unknown) for symbol in symbols.values()):
            return
        axes = {self.batch.get(name, 0) for name in symbols}
        if node.operator == "Transpose" and len(symbols) == 1:
            (symbol,), (axis,) = symbols.values(), axes
            order = rearranging.turned(node, len(symbol.shape))
            if axis in order:
                self.batch[node.outputs[0]] = order.index(axis)
        elif any(axes):
            alone = all(a.size == 1 for a in arguments if isinstance(a, np.ndarray))
            if len(axes) > 1 or not alone or node.operator not in (*ARITHMETIC, *SINGLE):
                raise rearranging.mixing("perm=[0, ...] where it is transposed")
            self.batch[node.outputs[0]] = axes.pop()

    def substitute(self, node: Node) -> Symbol | None:
        """A placeholder, if there is room for one."""
        try:
            found = None if self.budget.exhausted else self.placeholder(node)
            self.budget.keep([found])
        except Refusal:  # the refused node is what is told
            return None
        return found

    def placeholder(self, node: Node) -> Symbol | None:
        """What a refused node would give, if its shape is known."""
        arguments = [self.values.get(name) for name in node.inputs]
        symbols = [a for a in arguments if isinstance(a, Symbol)]
        shape = shape_behind(node, arguments, self.fold) if symbols else None
        if shape is None:
            return None
        layers = "Conv", "ConvTranspose", "Gemm", "MatMul"
        scalar = node.operator not in (*QUANTISERS, "QuantizeLinear", *COMPARISONS, *layers, "Sign")
        return unknown(shape, scalar and all(isinstance(s.source, Input) or _raw(s) for s in symbols))

    def check_weights(self, node: Node, arguments: list[Value]) -> None:
        """After a finding upstream, still say what is wrong with a layer's own weights and attributes."""

    # scalar nodes

    def binary(self, node: Node, arguments: list[Value]) -> Value:
        """Add, Sub, Mul, Div or Pow."""
        first, second = arguments
        if isinstance(first, Symbol) and isinstance(second, Symbol):
            result = joined(node.name, ARITHMETIC[node.operator], first, second)
            if result is not None:
                return result
        symbol, constant, constant_first = with_constant(arguments)
        return elementwise.scalar(symbol, scalar_nodes.binary_step(node, constant, constant_first))

    def rowwise(self, node: Node, arguments: list[Value]) -> Symbol:
        symbol = activation(arguments)
        axis = node.attributes.get("axis", -1 if self.graph.opset >= 13 else 1)
        if len(symbol.shape) != 2 or symbol.shape[0] != 1 or axis not in (1, -1):
            raise Refusal(f"over axis {axis} of an activation of shape {symbol.shape}, expected the scores of a (1, K) output")
        return symbol.then([Rowwise(node.name, ROWWISE[node.operator])])

    def arg_max(self, node: Node, arguments: list[Value]) -> list[Symbol]:
        last = node.attributes.get("select_last_index", 0)
        choice = Choice(node.name, scalar_nodes.last_place if last else scalar_nodes.first_place)
        axis, keep = node.attributes.get("axis", 0), node.attributes.get("keepdims", 1)
        return self.chosen(node, activation(arguments), [choice], axis, bool(keep))

    def top_k(self, node: Node, arguments: list[Value]) -> list[Symbol]:
        """The largest of some scores, and its place."""
        counts = constant(arguments, 1).reshape(-1).tolist() if len(arguments) > 1 else [node.attributes["k"]]
        if counts != [1]:
            raise Refusal(f"the {counts[0]} largest; only the largest is supported")
        if not node.attributes.get("largest", 1):
            raise Refusal("the smallest; only the largest is supported")
        steps = [Rowwise(node.name, scalar_nodes.largest), Choice(node.name, scalar_nodes.first_place)]
        return self.chosen(node, activation(arguments), steps, node.attributes.get("axis", -1), True)

    def chosen(self, node: Node, symbol: Symbol, steps: Sequence[Rowwise], axis: int, keep: bool) -> list[Symbol]:
        """One number for each step, of scores along an axis; keep: that stays, with one place. Of a Choice it is a whole one."""
        shape = list(symbol.shape)
        others = [d for place, d in enumerate(shape) if place != axis % len(shape)]
        if math.prod(others) != 1 or axis % len(shape) == 0:
            raise Refusal(f"over axis {axis} of an activation of shape {symbol.shape}, expected the scores of one frame")
        if isinstance(symbol.source, Chosen):
            raise Refusal("it takes the result of another choice")
        index = np.zeros(len(shape) * (1,) if keep else (1,) * len(others), np.int64)
        results = []
        for tensor, step in zip(node.outputs, steps, strict=False):
            if isinstance(step, Choice):
                self.whole[tensor] = "INT64"
            source = symbol.source if isinstance(symbol.source, Unknown) else Chosen(Frame.of((1, 1, 1)), symbol.then([step]))
            results.append(Symbol(source, index))
        return results

    def identity(self, node: Node, arguments: list[Value]) -> Symbol:
        if node.operator == "Dropout" and len(arguments) > 2 and constant(arguments, 2).any():
            raise Refusal("in training mode; export the model for inference")
        symbol, kind = activation(arguments), node.attributes.get("to")
        if node.part:
            return symbol
        if node.operator == "Cast" and kind not in FLOAT_TYPES:
            if not isinstance(symbol.source, Chosen) or node.inputs[0] not in self.whole or kind not in INTEGER_TYPES:
                helps = f"; {input_grid.HELP_OF_HALVES}" if kind in HALVES else ""
                raise Refusal(f"a cast of an activation to another type than float or double{helps}")
            self.whole[node.outputs[0]] = "INT64"
        return symbol

    def clip(self, node: Node, arguments: list[Value]) -> Value:
        bounds = [constant(arguments, i) if len(arguments) > i and arguments[i] is not None else None for i in (1, 2)]
        if node.inputs[0] in self.whole:
            least, largest = limits(self.whole[node.inputs[0]])
            return self.quantise(node, arguments, scalar_nodes.narrow(node, bounds[0], bounds[1], least, largest))
        return elementwise.scalar(arguments[0], [scalar_nodes.clip(node, *bounds)])

    def dequantize(self, node: Node, arguments: list[Value]) -> Symbol:
        """Whole numbers, of the graph's input or behind a QuantizeLinear, as real numbers."""
        symbol = activation(arguments)
        if node.inputs[0] not in self.whole:
            raise Refusal("only whole numbers can be dequantised")
        steps: list[Step] = []
        for position, step, sign in ((2, Add, -1), (1, Multiply, 1)):
            if len(arguments) <= position or arguments[position] is None:
                continue
            numbers = sign * constant(arguments, position).astype(np.float32)
            steps.append(step(node.name, scalar_nodes.along_axis(node, numbers, len(symbol.shape))))
        return symbol.then(steps)

    def quantize(self, node: Node, arguments: list[Value]) -> Value:
        """Real numbers as whole ones."""
        symbol, scale = activation(arguments), constant(arguments, 1)
        zero_point = constant(arguments, 2) if len(arguments) > 2 and arguments[2] is not None else None
        kind, steps = scalar_nodes.quantize_linear(node, scale, zero_point, len(symbol.shape))
        self.whole[node.outputs[0]] = kind
        result = self.quantise(node, arguments, steps[:-1])
        return result.then(steps[-1:]) if isinstance(result, Symbol) else result

    def reshape(self, node: Node, arguments: list[Value]) -> Symbol:
        return rearranging.reshape(node, arguments, self.single or node.inputs[1] in self.sized)

    # quantisers

    def bipolar_quant(self, node: Node, arguments: list[Value]) -> Value:
        return self.quantise(node, arguments, [scalar_nodes.bipolar(node, constant(arguments, 1))])

    def quant(self, node: Node, arguments: list[Value]) -> Value:
        return self.quantise(node, arguments, scalar_nodes.quantise(node, *(constant(arguments, i) for i in (1, 2, 3))))

    def trunc(self, node: Node, arguments: list[Value]) -> Value:
        numbers = [constant(arguments, i) for i in range(1, len(arguments))]
        return self.quantise(node, arguments, scalar_nodes.truncate(node, *numbers))

    def quantise(self, node: Node, arguments: list[Value], steps: list[Step]) -> Value:
        """A quantiser of weights, of the input, or of an activation, which must become bits."""
        if isinstance(arguments[0], np.ndarray):
            shape = arguments[0].shape
            if np.broadcast_shapes(shape, *(c.shape for step in steps for c in step.constants)) != shape:
                raise Refusal(f"a scale that does not fit weights of shape {shape}")
            return Chain(tuple(steps))(arguments[0].astype(np.float32))
        symbol, last = activation(arguments), steps[-1]
        levels = last.levels
        if isinstance(symbol.source, Input) and (levels > 2 or not symbol.chain.steps):
            return self.graph_input.quantise(symbol, steps)
        if levels > 2 and symbol.source is self.graph_input.codes and self.graph_input.quantised:
            return self.graph_input.quantise_again(node, symbol, steps)
        if levels > 2 and _raw(symbol):
            return unknown(symbol.shape)
        if levels > 2 and not self.takes_levels(symbol) and not self.is_binary(symbol.then(steps)):
            most = f"at most {MOST_LEVELS} behind a layer, two elsewhere; only the input may have more"
            raise Refusal(f"activations of {levels} levels; {most}")
        return self.binarise(node, arguments, steps)

    def takes_levels(self, symbol: Symbol) -> bool:
        """May a quantiser make more than two levels of an activation?"""
        return False

    def is_binary(self, symbol: Symbol) -> bool:
        """Does an activation take no more than two values?"""
        return False

    def sign(self, node: Node, arguments: list[Value]) -> Symbol:
        return self.binarise(node, arguments, [Sign(node.name)])

    def multi_threshold(self, node: Node, arguments: list[Value]) -> Value:
        symbol, thresholds = activation(arguments), constant(arguments, 1)
        steps = thresholds.shape[-1] if thresholds.ndim else 0
        if steps > MAX_LEVELS or steps * symbol.source.frame.size > MAX_SPREAD:
            raise Refusal(f"{steps} steps for an activation of {symbol.source.frame.size} elements")
        step = scalar_nodes.multi_threshold(node, thresholds, len(symbol.shape))
        if step.levels > 2:
            return self.quantise(node, arguments, [step])
        return self.binarise(node, arguments, [step])

    def compare(self, node: Node, arguments: list[Value]) -> Symbol:
        symbol, against, constant_first = with_constant(arguments)
        return self.binarise(node, [symbol], scalar_nodes.compare(node, against, constant_first))

    @abstractmethod
    def binarise(self, node: Node, arguments: list[Value], steps: list[Step]) -> Symbol:
        """An activation that becomes bits."""

    # layers

    @abstractmethod
    def taken(self, node: Node, arguments: list[Value]) -> Symbol:
        """The activation that a layer takes, as something on a stream."""

    @abstractmethod
    def weights_of(self, node: Node, numbers: Array, axis: int, alpha: float = 1.0) -> Weights:
        """A layer's weights, the numbers times alpha; `axis` is the outputs'. Raises Refusal for what they cannot be."""

    def fitting(self, node: Node, symbol: Symbol, kernels: Array) -> tuple[Symbol, int]:
        """The image that a convolution takes, and in how many groups. Raises Refusal where its weights do not fit."""
        groups = groups_of(node, kernels)
        check_channels(kernels, 1, symbol, groups)
        return symbol, groups

    @abstractmethod
    def convolution(self, node: Node, symbol: Symbol, image: Index, window: Window, weights: Weights) -> Symbol:
        """The sums (1, M, rows, columns) of a window that slides over the elements (C, H, W) of an activation."""

    @abstractmethod
    def product(self, node: Node, symbol: Symbol, weights: Weights) -> Symbol:
        """The sums (1, M) of an activation (1, K) and weights (K, M)."""

    @abstractmethod
    def spread(self, weights: Weights, groups: int, dilations: Sequence[int]) -> Weights:
        """Weights (M, C / groups, height, width) as those of one group without dilation, with zeros between."""

    def conv(self, node: Node, arguments: list[Value]) -> Symbol:
        if _over_row(arguments):
            return self.over_row(self.conv, node, arguments)
        kernels = constant_kernels(arguments)
        check_sizes(node)
        if [*node.attributes.get("kernel_shape", kernels.shape[2:])] != [*kernels.shape[2:]]:
            raise Refusal(f"kernel_shape is {[*node.attributes['kernel_shape']]}, its weights have the shape {kernels.shape}")
        symbol = self.taken(node, arguments)
        weights = self.weights_of(node, kernels, 0)
        symbol, groups = self.fitting(node, symbol, kernels)
        dilations = node.attributes.get("dilations", [1, 1])
        weights, kernels = self.spread(weights, groups, dilations), spread_kernels(kernels, groups, dilations)
        image, margins = strip_padding(symbol.index[0])
        window = sliding_window(node, image.shape[1:], kernels.shape[2:], margins)
        for axis in (window.rows, window.columns):
            if axis.before + axis.after > MAX_ACTIVATION:
                raise Refusal(f"padding by {axis.before} and {axis.after}")
        if isinstance(symbol.source, Unknown):
            return unknown((1, len(kernels), window.rows.outputs, window.columns.outputs))
        return with_bias(node, arguments, self.convolution(node, symbol, image, window, weights))

    def over_row(self, handler: Callable[[Node, list[Value]], Symbol], node: Node, arguments: list[Value]) -> Symbol:
        """What a node over one dimension gives (1, M, L): that over an image of one row, for (1, C, L) and (M, C, k) weights."""
        result = handler(over_an_image(node), [_with_row(value) for value in arguments])
        return result.rearranged(result.index[:, :, 0])

    def dense(self, node: Node, arguments: list[Value], matrix: Array, alpha: float) -> Symbol:
        """The product of an activation (1, K) with a constant matrix (K, M), times alpha."""
        if matrix.ndim != 2:
            raise Refusal(f"weights of {matrix.ndim} dimensions, expected a matrix")
        symbol = self.taken(node, arguments)
        weights = self.weights_of(node, matrix, 1, alpha)
        if symbol.shape != (1, len(matrix)):
            raise Refusal(f"weights of shape {matrix.shape} for an activation of shape {symbol.shape}")
        if isinstance(symbol.source, Unknown):
            return unknown((1, matrix.shape[1]))
        return self.product(node, symbol, weights)

    def matmul(self, node: Node, arguments: list[Value]) -> Symbol:
        matrix, symbol = constant(arguments, 1), activation(arguments)
        rows = math.prod(symbol.shape[:-1])
        if rows > 1 and matrix.ndim == 2 and len(matrix) == symbol.shape[-1]:
            return self.pointwise(node, symbol, matrix)
        return self.dense(node, [symbol], matrix, 1.0)

    def einsum(self, node: Node, arguments: list[Value]) -> Symbol:
        """A sum over one axis of an activation and of a matrix, whose other axis comes instead."""
        equation = str(node.attributes["equation"]).replace(" ", "")
        operands, _, result = equation.partition("->")
        terms = operands.split(",")
        if len(terms) != 2 or len(arguments) != 2:
            raise Refusal(f"the equation {equation}, expected one of an activation and a matrix")
        if not isinstance(arguments[0], Symbol):
            terms, arguments = terms[::-1], arguments[::-1]
        symbol, matrix, (first, second) = activation(arguments), constant(arguments, 1), terms
        summed, new = ([axis for axis in second if (axis in first) == taken != (axis in result)] for taken in (True, False))
        kept = [axis for axis in first if axis not in summed]
        known = len(second) == 2 and len(summed) == len(new) == 1 and len({*first}) == len(first) == len(symbol.shape)
        if not known or sorted(result) != sorted([*kept, *new]):
            raise Refusal(f"the equation {equation}, expected one of an activation and a matrix")
        order = [first.index(axis) for axis in (*kept, *summed)]
        inputs = symbol.rearranged(symbol.index.transpose(order))
        weights = matrix if second[0] == summed[0] else matrix.T
        product = self.matmul(replace(node, operator="MatMul", attributes={}), [inputs, weights])
        return product.rearranged(product.index.transpose([[*kept, *new].index(axis) for axis in result]))

    def pointwise(self, node: Node, symbol: Symbol, matrix: Array) -> Symbol:
        """The product of each row (..., K) of an activation with a matrix (K, M): a convolution of one tap over all rows."""
        inputs, outputs = matrix.shape
        batch, *positions = symbol.shape[:-1]
        if batch > 1 or len(positions) > 2:
            positions = [-1]
        image = symbol.rearranged(np.moveaxis(symbol.index.reshape(1, *positions, inputs), -1, 1))
        taps = matrix.T.reshape(outputs, inputs, *[1] * len(positions))
        result = self.conv(replace(node, operator="Conv", attributes={}), [image, taps])
        return result.rearranged(np.moveaxis(result.index, 1, -1).reshape(*symbol.shape[:-1], outputs))

    def gemm(self, node: Node, arguments: list[Value]) -> Symbol:
        if node.attributes.get("transA", 0):
            raise Refusal("a transposed activation")
        matrix, alpha = constant(arguments, 1), float(node.attributes.get("alpha", 1.0))
        matrix = matrix.T if node.attributes.get("transB", 0) else matrix
        symbol = activation(arguments)
        if symbol.shape[0] > 1 and symbol.shape[1:] == matrix.shape[:1]:
            result = self.pointwise(node, symbol, alpha * matrix)
        else:
            result = self.dense(node, [symbol], matrix, alpha)
        if len(arguments) > 2 and arguments[2] is not None:
            beta = np.float32(node.attributes.get("beta", 1.0))
            return result.then([Add(node.name, beta * constant(arguments, 2))])
        return result

    def on_stream(self, symbol: Symbol) -> Symbol:
        """The activation as something on a stream: the raw input becomes pixels."""
        for step in symbol.chain.steps:
            if isinstance(step, Rowwise):
                raise Refusal(f"it takes the result of {step.node}, which only the host can compute")
        if isinstance(symbol.source, Chosen):
            node = symbol.source.scores.chain.steps[-1].node
            raise Refusal(f"it takes the result of {node}, which only the host can compute")
        return self.graph_input.raw(symbol) if isinstance(symbol.source, Input) else symbol

    def settle_input(self) -> None:
        """Let the input travel in its natural order if no layer has asked for another."""
        self.graph_input.settle()


def _over_row(arguments: list[Value]) -> bool:
    """Does a layer take an activation (1, C, L)?"""
    return isinstance(arguments[0], Symbol) and len(arguments[0].shape) == 3


def _with_row(value: Value) -> Value:
    """(1, C, L) or (M, C, k) as an image of one row."""
    if isinstance(value, Symbol):
        return value.rearranged(value.index[:, :, None])
    return value[:, :, None] if value is not None and value.ndim == 3 else value


def _raw(symbol: Symbol) -> bool:
    """May an activation be the input itself, but for scalar nodes, of which one has been refused?"""
    return isinstance(symbol.source, Unknown) and symbol.source.raw
