"""A constant integer matrix times a vector, as sums that share their parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import chain

import numpy as np
from numpy.typing import NDArray

EXACT = 1 << 24
"""Weights below this are exact in float32, which da4ml takes them in."""


Bound = int | NDArray[np.int64]
"""The least, or the greatest, of all inputs, or of each."""


@dataclass(frozen=True, order=True)
class Term:
    """A value of the graph, by its number, times 2**shift, or minus that."""

    value: int
    shift: int = 0
    negative: bool = False


@dataclass(frozen=True)
class AdderGraph:
    """A straight-line program of sums of two or three terms, which computes x @ matrix + bias.

    Values are numbered: the inputs, the constants, then the sums, whose terms are values of lower numbers. At least one term
    of a sum is positive. An output is a positive term.
    """

    inputs: int
    constants: tuple[int, ...]
    sums: tuple[tuple[Term, ...], ...] = field(repr=False)
    outputs: tuple[Term, ...] = field(repr=False)

    def __post_init__(self) -> None:
        for number, terms in enumerate(self.sums, self.leaves):
            if len(terms) not in (2, 3):
                raise ValueError(f"value {number} is a sum of {len(terms)} terms, not of 2 or 3")
            if all(term.negative for term in terms):
                raise ValueError(f"value {number} is a sum of negative terms only")
            if not all(0 <= term.value < number and term.shift >= 0 for term in terms):
                raise ValueError(f"value {number} = {terms}: terms are lower values, shifted left")
        for number, term in enumerate(self.outputs):
            if not 0 <= term.value < self.size or term.shift < 0 or term.negative:
                raise ValueError(f"output {number} is {term}: outputs are positive values below {self.size}, shifted left")

    @property
    def leaves(self) -> int:
        """How many values are not sums: the number of the first sum."""
        return self.inputs + len(self.constants)

    @property
    def size(self) -> int:
        """How many values there are."""
        return self.leaves + len(self.sums)

    def values(self, x: NDArray[np.int64]) -> NDArray[np.int64]:
        """All values (values, N) for inputs (N, inputs)."""
        found = np.zeros((self.size, len(x)), np.int64)
        found[: self.inputs] = x.T
        found[self.inputs : self.leaves] = np.array(self.constants, np.int64).reshape(-1, 1)
        for number, terms in enumerate(self.sums, self.leaves):
            for term in terms:
                found[number] += _times(found, term)
        return found

    def run(self, x: NDArray[np.int64]) -> NDArray[np.int64]:
        """Outputs (N, outputs) for inputs (N, inputs)."""
        found = self.values(x)
        return np.array([_times(found, term) for term in self.outputs], np.int64).reshape(-1, len(x)).T

    @cached_property
    def _linear(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Every value as a function of the inputs: coefficients (values, inputs) and offsets (values,)."""
        found = self.values(np.vstack([np.zeros((1, self.inputs), np.int64), np.eye(self.inputs, dtype=np.int64)]))
        return found[:, 1:] - found[:, :1], found[:, 0]

    @property
    def matrix(self) -> NDArray[np.int64]:
        """(inputs, outputs), read off the program by unit vectors."""
        return self.run(np.eye(self.inputs, dtype=np.int64)) - self.bias

    @property
    def bias(self) -> NDArray[np.int64]:
        """(outputs,): what comes out for zeros."""
        result: NDArray[np.int64] = self.run(np.zeros((1, self.inputs), np.int64))[0]
        return result

    def ranges(self, low: Bound, high: Bound) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The least and the greatest of each value, exact, where every input is from low to high, or each from its own."""
        coefficients, offsets = self._linear
        ends = coefficients * low, coefficients * high
        return offsets + np.minimum(*ends).sum(axis=1), offsets + np.maximum(*ends).sum(axis=1)

    def output_range(self, low: Bound, high: Bound) -> tuple[int, int]:
        """The least and the greatest that any output can be."""
        lows, highs = self.ranges(low, high)
        least = min((int(lows[term.value]) << term.shift for term in self.outputs), default=0)
        return least, max((int(highs[term.value]) << term.shift for term in self.outputs), default=0)


def _times(values: NDArray[np.int64], term: Term) -> NDArray[np.int64]:
    scaled: NDArray[np.int64] = values[term.value] << term.shift
    return -scaled if term.negative else scaled


def optimise(
    matrix: NDArray[np.int64],
    bias: NDArray[np.int64],
    low: int,
    high: int,
    slack: int | None = 0,
    operands: int = 3,
) -> AdderGraph:
    """A graph with few adders for x @ matrix + bias, every x from low to high.

    slack: by how many adders a path may be longer than the shortest possible; None: by any number. operands: 3 where sums of
    three terms cost no more than sums of two.

    The method is that of da4ml (Sun et al., "da4ml: Distributed Arithmetic for Real-time Neural Networks on FPGAs", ACM TRETS
    2025): columns are written as differences of one another where that is shorter, weights in canonical signed digits, and the
    pair of terms that occurs most often becomes a value of its own, again and again. A bias enters as an input that is constant,
    so that its adder stands where there is room for it. The result is checked: its matrix and its bias are those given.
    """
    _check(matrix, bias, low, high)
    graph = _flat(matrix, bias, low, high, slack)
    if operands == 3:
        graph = in_threes(graph, low, high)
    if not (np.array_equal(graph.matrix, matrix) and np.array_equal(graph.bias, bias)):
        raise RuntimeError(f"the graph of a matrix of {matrix.shape[0]} x {matrix.shape[1]} computes another matrix")
    return graph


def add_up(groups: Sequence[Sequence[int]], limits: Sequence[tuple[int, int]]) -> AdderGraph:
    """A graph of a sum of inputs for each group: those whose numbers are in it, one at the least.

    limits: the least and the greatest of each input. Narrow terms are added first.
    """
    draft = _Draft(len(limits), (), 0, 0)
    draft.reach = [max(-low, high) for low, high in limits]
    return draft.graph([draft.reduce([Term(number) for number in group]) for group in groups])


def _check(matrix: NDArray[np.int64], bias: NDArray[np.int64], low: int, high: int) -> None:
    inputs, outputs = matrix.shape
    if inputs < 1 or outputs < 1:
        raise ValueError(f"a matrix of {inputs} x {outputs}")
    if bias.shape != (outputs,):
        raise ValueError(f"biases of shape {bias.shape} for {outputs} outputs")
    if low > high:
        raise ValueError(f"inputs from {low} to {high}")
    largest = int(np.abs(matrix).max())
    if largest >= EXACT:
        raise ValueError(f"a weight of {largest}, the limit is {EXACT - 1}")
    bound = max(abs(low), abs(high)) * inputs * largest + int(np.abs(bias).max())
    if bound >= 1 << 60:
        raise ValueError(f"sums may reach {bound}, the limit is {(1 << 60) - 1}")


class _Draft:
    """A graph that grows from its leaves, which reach as far from zero as is given."""

    def __init__(self, inputs: int, constants: tuple[int, ...], low: int, high: int) -> None:
        self.inputs, self.constants = inputs, constants
        self.leaves = inputs + len(constants)
        self.sums: list[tuple[Term, ...]] = []
        self.depth = [0] * self.leaves
        self.reach = [max(abs(low), abs(high))] * inputs + [abs(constant) for constant in constants]

    def add(self, terms: Sequence[Term]) -> Term:
        """The sum of two or three terms as a term: a new value, after what the terms have in common is taken out of it."""
        shift = min(term.shift for term in terms)
        negative = all(term.negative for term in terms)
        terms = tuple(_scaled(term, -shift, negative) for term in terms)
        self.sums.append(terms)
        self.depth.append(1 + max(self.depth[term.value] for term in terms))
        self.reach.append(sum(self.reach[term.value] << term.shift for term in terms))
        return Term(self.leaves + len(self.sums) - 1, shift, negative)

    def reduce(self, terms: Sequence[Term]) -> Term:
        """The sum of many terms, three at a time: first those that are there first, and among them the narrow ones."""
        heap = [self._place(term) for term in terms]
        heapify(heap)
        while len(heap) > 1:
            count = 2 if len(heap) % 2 == 0 else 3
            heappush(heap, self._place(self.add([heappop(heap)[-1] for _ in range(count)])))
        return heap[0][-1]

    def _place(self, term: Term) -> tuple[int, int, int, Term]:
        return self.depth[term.value], self.reach[term.value] << term.shift, term.value, term

    def graph(self, outputs: Sequence[Term]) -> AdderGraph:
        """All of it, and no more than the outputs need."""
        return _pruned(AdderGraph(self.inputs, self.constants, tuple(self.sums), tuple(outputs)))


def _flat(matrix: NDArray[np.int64], bias: NDArray[np.int64], low: int, high: int, slack: int | None) -> AdderGraph:
    """da4ml's program. It comes in two stages, differences of columns and what puts them together, and here becomes one."""
    from da4ml.cmvm import solve

    inputs, outputs = matrix.shape
    constants = tuple(sorted({0, *bias.tolist()}))
    zero = Term(inputs + constants.index(0))
    biased = np.flatnonzero(bias)
    kernel = np.vstack([matrix, np.eye(outputs, dtype=np.int64)[biased]]).astype(np.float32)
    intervals = [(float(low), float(high), 1.0)] * inputs + [(float(value), float(value), 1.0) for value in bias[biased]]
    draft = _Draft(inputs, constants, low, high)
    if not kernel.any():
        return draft.graph([zero] * outputs)
    terms = [Term(row) for row in (*range(inputs), *(inputs + constants.index(value) for value in bias[biased].tolist()))]
    for stage in solve(kernel, hard_dc=-1 if slack is None else slack, qintervals=intervals).solutions:
        found: list[Term] = []
        for op in stage.ops:
            if op.opcode < 0:
                found.append(_scaled(terms[op.id0], stage.inp_shifts[op.id0]))
            else:
                found.append(draft.add((found[op.id0], _scaled(found[op.id1], op.data, negative=op.opcode == 1))))
        ends = zip(stage.out_idxs, stage.out_shifts, stage.out_negs, strict=True)
        terms = [_scaled(found[index], shift, bool(negative)) if index >= 0 else zero for index, shift, negative in ends]
    return draft.graph([draft.add((zero, term)) if term.negative else term for term in terms])


def _scaled(term: Term, shift: int, negative: bool = False) -> Term:
    return Term(term.value, term.shift + shift, term.negative != negative)


def _uses(graph: AdderGraph) -> list[int]:
    """How often each value is a term of a sum or of an output."""
    uses = [0] * graph.size
    for term in chain(graph.outputs, *graph.sums):
        uses[term.value] += 1
    return uses


def _pruned(graph: AdderGraph) -> AdderGraph:
    """Without the constants and the sums that nothing uses."""
    used = {term.value for term in graph.outputs} | set(range(graph.inputs))
    for number in reversed(range(graph.leaves, graph.size)):
        if number in used:
            used |= {term.value for term in graph.sums[number - graph.leaves]}
    place = {number: position for position, number in enumerate(sorted(used))}

    def moved(terms: tuple[Term, ...]) -> tuple[Term, ...]:
        return tuple(Term(place[term.value], term.shift, term.negative) for term in terms)

    constants = tuple(value for number, value in enumerate(graph.constants, graph.inputs) if number in used)
    sums = tuple(moved(terms) for number, terms in enumerate(graph.sums, graph.leaves) if number in used)
    return AdderGraph(graph.inputs, constants, sums, moved(graph.outputs))


def in_threes(graph: AdderGraph, low: int, high: int, uses: int = 2) -> AdderGraph:
    """The same graph, of sums of two, with sums of up to three terms; every input is from low to high.

    Sums that are used fewer than `uses` times dissolve in what uses them; what remains are few sums of many terms, which are put
    together anew. Where sums of three cost no more than sums of two, one that two others use saves nothing, and is one more in a
    row.
    """
    times = _uses(graph)
    draft = _Draft(graph.inputs, graph.constants, low, high)
    kept = {term.value for term in graph.outputs}
    parts = [[Term(number)] for number in range(graph.leaves)]
    for number, terms in enumerate(graph.sums, graph.leaves):
        flat = [_scaled(part, term.shift, term.negative) for term in terms for part in parts[term.value]]
        parts.append([draft.reduce(flat)] if times[number] >= uses or number in kept else flat)
    return draft.graph([_scaled(parts[term.value][0], term.shift) for term in graph.outputs])
