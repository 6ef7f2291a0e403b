"""The graph's input, as a walk finds out how it becomes codes: by a quantiser of its own, or on a grid that is stated."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ...network.network import Condition, InputFormat, Statement
from ...types.coding import SAME, Coding
from ...types.errors import ModelFileError
from ...types.grid import Grid
from ...types.range import Range
from ...types.scalar import Add, Chain, Multiply, Step, Truncate
from . import input_grid
from .formats import codes_of, cut_codes, input_format
from .model_file import Graph, Node
from .scalar_nodes import Refusal
from .symbols import MAX_ACTIVATION, Codes, Frame, Index, Input, Symbol, Value


class GraphInput:
    """An input (C, H, W), (C, L) or (features,), with the condition behind it where there may be one.

    coding: the grid that the host is told to use, if it is. counted: must the codes count from 0? conditional: may a condition be
    part of the input? codes: None until something takes them. quantised: by a quantiser of the graph. rounded: the grid by which
    the host rounds what comes.
    Raises ModelFileError for an input of another shape or type.
    """

    def __init__(self, graph: Graph, path: str, coding: Coding | None, counted: bool, conditional: bool) -> None:
        self.graph = graph
        self.coding = coding
        self.counted = counted
        self.shape = _shape(graph, path)
        self.condition = graph.condition if conditional else None
        self.first = math.prod(self.shape)
        self.frame = Frame(self.first + (_bounded(self.condition.shape, self.condition.name, path) if self.condition else 0))
        self.codes: Codes | None = None
        self.quantiser: Chain | None = None
        self.quantised = False
        self.rounded: Coding | None = None
        self.statement: Statement | None = None

    @property
    def real(self) -> bool:
        """Does the host apply a quantiser, so that the input may be any numbers?"""
        return self.quantiser is not None

    @property
    def symbols(self) -> dict[str, Value]:
        """What the graph's inputs stand for, by name; None for a condition where there may be none."""
        source, places = Input(self.frame), np.arange(self.frame.size)
        found: dict[str, Value] = {self.graph.input: Symbol(source, places[: self.first].reshape(1, *self.shape))}
        if self.graph.condition is not None:
            shape = (1, *self.graph.condition.shape)
            found[self.graph.condition.name] = Symbol(source, places[self.first :].reshape(shape)) if self.condition else None
        return found

    def quantise(self, symbol: Symbol, steps: list[Step]) -> Symbol:
        """The input's own quantiser: the host applies it, so that the input may be any numbers."""
        if self.codes is not None:
            raise Refusal("the input is taken a second time; what goes several ways is what one quantiser gives")
        self.quantiser = symbol.then(steps).chain
        self.codes = Codes(self.frame, 0, *codes_of(self.quantiser.steps[-1]))
        self.quantised = True
        return Symbol(self.codes, symbol.index)

    def quantise_again(self, node: Node, symbol: Symbol, steps: list[Step]) -> Symbol:
        """One more quantiser of the input: the host applies it, too."""
        assert self.codes is not None and self.quantiser is not None
        if self.codes.consumer is not None:
            raise Refusal(f"it is a second quantiser of the input, and {self.codes.consumer} takes what the first one gives")
        chain = symbol.then(steps).chain
        cut = isinstance(chain.steps[-1], Truncate)
        following = Codes(self.frame, 0, *(cut_codes(chain, self.codes) if cut else codes_of(chain.steps[-1])))
        self.codes.consumer = self.codes.requantised = node.name
        self.codes, self.quantiser = following, Chain((*self.quantiser.steps, *chain.steps))
        return Symbol(self.codes, symbol.index)

    def raw(self, symbol: Symbol) -> Symbol:
        """An activation of the input itself, which a layer takes, as one of codes."""
        if self.quantised:
            raise Refusal("it takes the input beside its Quant node; what goes several ways is what the Quant gives")
        if self.codes is None:
            self.statement = input_grid.stated(self.graph, self._of_first(symbol.chain))
            coding = self.coding or Coding.pixels(self.statement.scale if self.statement else 1 / 255)
            codes, grid, self.quantiser = input_grid.grid_of(self.graph, coding.counted if self.counted else coding)
            self.rounded = coding if coding.rounds and not input_grid.fixed(self.graph) else None
            self.codes = Codes(self.frame, 0, codes, grid)
        return Symbol(self.codes, symbol.index, Chain((*self._beside(), *symbol.chain.steps)))

    def settle(self) -> None:
        """Let the input travel in its natural order if no layer has asked for another."""
        if self.frame.view is None:
            channels, *rest = (self.frame.size,) if self.condition else self.shape
            self.frame.view = np.arange(self.frame.size).reshape(channels, *[1] * (2 - len(rest)), *rest)

    def format(self, view: Index, codes: Range, grid: Grid, quantiser: Chain | None) -> InputFormat:
        """How the graph's input becomes codes; view: (C, H, W) elements as they are on the stream."""
        assumed = quantiser is None and self.coding is None and self.statement is None
        shape, condition = self.shape, None
        if self.condition is not None:
            line = self.coding.beside if self.coding else SAME
            hosted = self.condition.hosted
            given = self.condition.shape if hosted is None else hosted.shape
            condition = Condition(self.condition.name, given, shape, line, hosted)
            shape = (self.first + math.prod(given),)
        form = input_format(self.graph.input, shape, view, codes, grid, quantiser, assumed)
        whole = input_grid.whole_numbers(self.graph)
        return replace(form, statement=self.statement, whole=whole, coding=self.rounded, condition=condition)

    def format_of_codes(self) -> InputFormat:
        """The same for the codes as they were taken."""
        assert self.codes is not None
        return self.format(self.frame.settled, self.codes.range, self.codes.grid, self.quantiser)

    def _beside(self) -> tuple[Step, ...]:
        """What makes a condition's numbers of those that its codes stand for in the input."""
        line = self.coding.beside if self.coding and self.condition else SAME
        if line == SAME or self.condition is None:
            return ()
        gain, offset = np.ones(self.frame.size), np.zeros(self.frame.size)
        gain[self.first :], offset[self.first :] = line.gain, line.offset
        return Multiply(self.condition.name, gain), Add(self.condition.name, offset)

    def _of_first(self, chain: Chain) -> Chain:
        """A chain on the input without its constants for a condition."""
        return chain.map_constants(lambda constant: constant[: self.first] if np.ndim(constant) else constant)


def _shape(graph: Graph, path: str) -> tuple[int, ...]:
    batch, *rest = graph.input_shape or (None,)
    if len(rest) not in (1, 2, 3):
        raise ModelFileError(
            f"{path}: input {graph.input} has {len(rest) + 1} dimensions, expected (N, C, H, W), (N, C, L) or (N, features)"
        )
    if batch not in (None, 0, 1):
        raise ModelFileError(f"{path}: input {graph.input} has a fixed batch of {batch}, expected 1 or a free one")
    if not input_grid.whole_numbers(graph) and input_grid.type_name(graph) not in input_grid.FLOATS:
        kind = input_grid.type_name(graph).lower()
        helps = f"; {input_grid.HELP_OF_HALVES}" if "float16" in kind else ""
        raise ModelFileError(
            f"{path}: input {graph.input} holds numbers of type {kind}, expected float32 or whole numbers{helps}"
        )
    fixed = tuple(d for d in rest if d is not None and d > 0)
    if len(fixed) != len(rest):
        raise ModelFileError(f"{path}: input {graph.input} has a free dimension besides the batch")
    _bounded(fixed, graph.input, path)
    return fixed


def _bounded(shape: tuple[int, ...], name: str, path: str) -> int:
    """How many numbers an input has. Raises ModelFileError if these are too many."""
    size = math.prod(shape)
    if size > MAX_ACTIVATION:
        raise ModelFileError(f"{path}: input {name} of {size} elements, at most {MAX_ACTIVATION} are supported")
    return size
