"""A constant integer matrix times a vector, from tables of what some bits of the vector add to every output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .adder_graph import AdderGraph, add_up


@dataclass(frozen=True, eq=False)
class PartialSums:
    """x @ matrix + bias as sums of entries of tables, one for each slice of the vector's bits.

    matrix: (inputs, outputs). bias: (outputs,). bits, signed: of an input. slice_bits: neighbouring bits that a table looks at,
    at the most, those of several inputs, or a part of one's; all look at as many, or one less. This is distributed arithmetic
    (Croisier et al., US patent 3,777,130, 1973; Peled and Liu, "A new hardware realization of digital filters", 1974) without
    its turns: every bit has a table in the same cycle.

    An entry is a number of no sign, since what a slice adds at the least is in the first one's entries, with the bias; where it
    adds the same in any case, it has no term at all. Raises ValueError for a slice of no bits.
    """

    matrix: NDArray[np.int64]
    bias: NDArray[np.int64]
    bits: int
    signed: bool
    slice_bits: int

    def __post_init__(self) -> None:
        if self.slice_bits < 1:
            raise ValueError(f"slices of {self.slice_bits} bits")

    @property
    def inputs(self) -> int:
        """Length of the vector."""
        return len(self.matrix)

    @property
    def outputs(self) -> int:
        """Sums."""
        return len(self.bias)

    @property
    def slices(self) -> tuple[tuple[int, int], ...]:
        """First bit of each slice of the vector, input 0 lowest, and the first beyond it."""
        size = self.inputs * self.bits
        count = -(-size // self.slice_bits)
        return tuple((size * number // count, size * (number + 1) // count) for number in range(count))

    @cached_property
    def weights(self) -> NDArray[np.int64]:
        """(inputs * bits, outputs) what each bit of the vector adds; the highest of a number in two's complement takes away."""
        of_bits = 1 << np.arange(self.bits)
        of_bits[-1] *= -1 if self.signed else 1
        spread: NDArray[np.int64] = np.kron(self.matrix, of_bits[:, None])
        return spread

    @cached_property
    def ranges(self) -> NDArray[np.int64]:
        """(slices, outputs, 2) least and greatest entry."""
        parts = [self.weights[low:high] for low, high in self.slices]
        least = np.array([np.minimum(part, 0).sum(axis=0) for part in parts])
        most = np.array([np.maximum(part, 0).sum(axis=0) for part in parts]) - least
        found: NDArray[np.int64] = np.stack([np.zeros_like(most), most], axis=-1)
        found[0] += (self.bias + least.sum(axis=0))[:, None]
        return found

    @cached_property
    def terms(self) -> tuple[tuple[int, int], ...]:
        """(slice, output) of all entries that are not always zero, and of every output's first one; slice by slice."""
        needed = self.ranges[:, :, 1] > 0
        needed[0] = True
        return tuple((int(number), int(output)) for number, output in zip(*np.nonzero(needed), strict=True))

    @cached_property
    def limits(self) -> tuple[tuple[int, int], ...]:
        """The least and the greatest of each term."""
        return tuple((int(low), int(high)) for low, high in (self.ranges[term] for term in self.terms))

    @cached_property
    def graph(self) -> AdderGraph:
        """The sums of the terms, which are its inputs."""
        groups: list[list[int]] = [[] for _ in range(self.outputs)]
        for number, (_, output) in enumerate(self.terms):
            groups[output].append(number)
        return add_up(groups, self.limits)

    def entries(self, number: int) -> NDArray[np.int64]:
        """(2**bits of the slice, outputs) what a slice adds, for each number that its bits can be."""
        low, high = self.slices[number]
        part = self.weights[low:high]
        numbers = np.arange(1 << (high - low))
        found: NDArray[np.int64] = (numbers[:, None] >> np.arange(high - low) & 1) @ part
        least: NDArray[np.int64] = np.minimum(part, 0).sum(axis=0)
        return found - least + self.ranges[number, :, 0]

    def indices(self, x: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """(N,) of each slice: the number that its bits are, for vectors (N, inputs)."""
        bits = (x[:, :, None] >> np.arange(self.bits) & 1).reshape(len(x), -1)
        for low, high in self.slices:
            yield bits[:, low:high] @ (1 << np.arange(high - low))

    def run(self, x: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N, outputs) for vectors (N, inputs), by way of the tables."""
        found = [self.entries(number)[index] for number, index in enumerate(self.indices(x))]
        return self.graph.run(np.stack([found[number][:, output] for number, output in self.terms], axis=1))
