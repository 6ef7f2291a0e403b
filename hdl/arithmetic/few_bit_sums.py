"""What products of few bits, and the sums of them, come to: what synthesis leaves of a `dot`, weight by weight."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..family import Cost, Family
from .dot import DotConfig

MOST = 1 << 14
"""Products that are looked at; of more inputs than have so many, the first ones stand for all."""


@dataclass(frozen=True)
class Term:
    """A register of a tree. name: what it holds, the same wherever the same is made. low: bits that are always 0. high: bits up
    to where nets differ; above it they repeat the top one if signed, and are 0 otherwise.
    """

    name: Hashable
    low: int
    high: int
    signed: bool


Weight = int | tuple[int, ...] | None
"""A constant; one that changes, by its values in turn; one that is like no other."""


@dataclass
class _Tree:
    """All terms of all lanes, each once. family: whose prices. functions: of logic. sizes: bits of each register. held: registers
    that hold what another one does, and which. users: what takes a register.
    """

    family: Family
    config: DotConfig
    functions: float = 0
    sizes: dict[Hashable, int] = field(default_factory=dict)
    held: dict[Hashable, Hashable] = field(default_factory=dict)
    users: dict[Hashable, set[Hashable]] = field(default_factory=dict)

    @property
    def sum_bits(self) -> int:
        """Width of a sum."""
        return self.config.count_bits

    @property
    def cost(self) -> Cost:
        """All of it; registers in a row that nothing else takes are a delay."""
        return sum((self.family.delay(bits, cycles) for bits, cycles in self.rows()), self.family.logic(self.functions))

    def made(self, term: Term, functions: float) -> Term:
        """A register, and the functions in front of it, if they are not there already."""
        high = min(term.high, self.sum_bits)
        if term.name not in self.sizes:
            self.sizes[term.name] = max(0, high - term.low)
            self.functions += max(0, functions)
        return Term(term.name, term.low, high, term.signed)

    def lane(self, weights: Sequence[Weight]) -> None:
        """The tree of a lane."""
        terms = [self.product(i, weight) for i, weight in enumerate(weights)]
        while len(terms) > 1:
            terms = [self.sum(*terms[first : first + 2]) for first in range(0, len(terms), 2)]

    def product(self, i: int, weight: Weight) -> Term | None:
        """Of a code and a weight, in two registers."""
        if not isinstance(weight, int):
            return self.sum(self.changing(i, weight))
        if not self.config.product.halves:
            return self.sum(self.multiple(i, weight))
        half = self.config.weight_bits // 2
        return self.sum(self.multiple(i, weight % (1 << half)), self.multiple(i, weight >> half << half))

    def changing(self, i: int, weight: tuple[int, ...] | None) -> Term:
        """Of a code and a weight that changes, of no more bits than its values have."""
        bits, signed, width, low = self.config.bits, self.config.signed, self.config.weight_bits, 0
        if weight is not None:
            every = 0
            for value in weight:
                every |= value
            low = (every & -every).bit_length() - 1
            least, most = min(weight) >> low, max(weight) >> low
            width = max(most, ~least).bit_length() + (least < 0)
            signed = signed or least < 0
            if width == 1:
                return self.made(Term((i, weight), low, low + bits + (least < 0), signed), bits)
            width += least >= 0
        price = self.family.few_bit_product(bits, width, self.config.signed).lut
        return self.made(Term((i, weight), low, low + bits + width, weight is None or signed), price)

    def multiple(self, i: int, weight: int) -> Term | None:
        """A row for each bit that is set, and inverters where the weight is negative. Powers of two are wires."""
        if weight == 0:
            return None
        bits, signed = self.config.bits, self.config.signed
        low = (weight & -weight).bit_length() - 1
        odd = weight >> low
        if odd == 1:
            return self.made(Term(("code", i), low, low + bits, signed), 0)
        if odd == -1:
            return self.made(Term((i, weight), low, self.sum_bits, True), bits)
        size = max(odd, ~odd).bit_length() + (odd < 0)
        rows = (odd % (1 << size)).bit_count()
        high = low + (bits + size if signed or odd < 0 else (((1 << bits) - 1) * odd).bit_length())
        return self.made(Term((i, weight), low, high, signed or odd < 0), (bits - 1) * (rows - 1) + (bits if odd < 0 else 0))

    def sum(self, first: Term | None, second: Term | None = None) -> Term | None:
        """Of two terms, of which one may be nothing, which leaves a register of the other. A bit that only one has is a wire."""
        if first is None or second is None:
            term = first or second
            if term is None:
                return None
            name: Hashable = ("held", term.name)
            self.held[name] = term.name
            self.users.setdefault(term.name, set()).add(name)
            return self.made(Term(name, term.low, term.high, term.signed), 0)
        name = ((first.name, first.low), (second.name, second.low))
        for term in (first, second):
            self.users.setdefault(term.name, set()).add(name)
        signed = first.signed or second.signed
        both = [term.high for term in (first, second) if not term.signed]
        common = min(both) if both else max(first.high, second.high)
        high = self.sum_bits if signed else max(first.high, second.high) + 1
        found = Term(name, min(first.low, second.low), high, signed)
        return self.made(found, common - max(first.low, second.low))

    def rows(self) -> Iterator[tuple[int, int]]:
        """(bits, cycles) of registers in a row that nothing else takes."""
        for name, bits in self.sizes.items():
            source = self.held.get(name)
            if source is None or len(self.users[source]) > 1:
                cycles = 1
                while len(users := self.users.get(name, ())) == 1 and (user := next(iter(users))) in self.held:
                    name, cycles = user, cycles + 1
                yield bits, cycles


def sums_of_products(family: Family, config: DotConfig, weights: NDArray[np.integer]) -> Cost:
    """What is left of a dot of such weights, (words, inputs, lanes), none of whose products takes a multiplier.

    Of constants a zero takes nothing, a power of two wires; what several lanes have in common is there once.
    """
    _, inputs, lanes = weights.shape
    part, tree = _looked_at(inputs, lanes), _Tree(family, config)
    constant = np.all(weights == weights[0], axis=0)
    for lane in range(lanes):
        values = weights[:, :part, lane].T.tolist()
        tree.lane([value[0] if same else tuple(value) for value, same in zip(values, constant[:, lane], strict=False)])
    return tree.cost * (inputs / part)


def sums_of_unlike(family: Family, config: DotConfig) -> Cost:
    """The same of weights that all change, each in its own way."""
    part, tree = _looked_at(config.inputs, MOST >> 8), _Tree(family, replace(config, lanes=1))
    tree.lane([None] * part)
    return tree.cost * (config.inputs / part * config.lanes)


def _looked_at(inputs: int, lanes: int) -> int:
    """Inputs that stand for all; a power of two if not all do."""
    return min(inputs, max(2, 1 << max(1, MOST // lanes).bit_length() - 1))


def constant_adder(family: Family, constant: int, bits: int) -> Cost:
    """A sum with a constant, modulo 2**bits: an inverter for each bit of it that is set."""
    return family.logic((constant % (1 << bits)).bit_count())
