"""The arithmetic of weights of a few bits: products are added up, and steps make codes of the sums."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.arithmetic.digits import signed_digits
from sigmabit.golden.layers.few_bits import FewBits
from sigmabit.golden.types.range import Range

from ..arithmetic import stepping
from ..arithmetic.dot import DotConfig
from ..arithmetic.few_bit_sums import constant_adder, sums_of_products, sums_of_unlike
from ..arithmetic.planes import PlanesConfig, planes
from ..arithmetic.popcount import PopcountConfig
from ..arithmetic.products import Products
from ..arithmetic.rom import RomStyle, unpack_word
from ..arithmetic.stepping import Stepping
from ..family import Cost, Family
from .binary import BinaryMvuConfig, signs_kept
from .convolution import ConvolutionKind
from .dense import DenseKind
from .fixed import FixedMvuConfig, Multiplying
from .mvu import Arithmetic, Multiplier, MvuConfig, Numbers
from .weighted import Weighted


@dataclass(frozen=True)
class MultiplyingMvuConfig(FixedMvuConfig):
    """A unit that multiplies, and knows what its constants leave of it."""

    multiply: DotConfig

    @cached_property
    def _matrix_bills(self) -> dict[Family, Cost]:
        """What has been looked at, by family."""
        return {}

    def matrix_bill(self, family: Family) -> Cost:
        if family not in self._matrix_bills:
            self._matrix_bills[family] = self._matrix_bill(family)
        return self._matrix_bills[family]

    def _matrix_bill(self, family: Family) -> Cost:
        """Of constants, once they are known, what they leave; of weights that change, what is not there twice."""
        multiply, weights = self.multiply, self.weights
        constant = weights.style is RomStyle.CONSTANT and multiply.products == "single" and any(weights.words)
        if multiply.product.rows or (multiply.product.uses_dsp and not constant):
            return multiply.bill(family)
        least = self.accumulate.gain & -self.accumulate.gain  # what the gain shifts out at the top is not made
        made = replace(multiply, count_bits=max(1, multiply.count_bits - least.bit_length() + 1))
        if weights.style is RomStyle.BLOCK or weights.banks > 1 or not any(weights.words):
            return _unlike(family, replace(made, lanes=1)) * made.lanes
        shape = multiply.inputs, multiply.lanes
        words = [unpack_word(word, shape[0] * shape[1], multiply.weight_bits).reshape(shape) for word in weights.words]
        return sums_of_products(family, made, np.stack(words))

    def sums_bill(self, family: Family) -> Cost:
        return adding_constants(family, self)


def adding_constants(family: Family, unit: MvuConfig) -> Cost:
    """Expected size of what accumulates: constants that a single count is added to are not what sums are."""
    adding = unit.accumulate
    if adding.folded or len({*unit.biases.words}) > 1:
        return adding.bill(family)
    biases = unpack_word(unit.biases.words[0], adding.lanes, adding.sum_bits).tolist()
    scaled = family.adder(adding.sum_bits) * ((adding.gain.bit_count() - 1) * adding.lanes)
    added = sum((constant_adder(family, bias, adding.sum_bits) for bias in biases), scaled)
    return added + family.registers(adding.lanes * adding.result_bits)


@dataclass(frozen=True)
class ChosenMvuConfig(BinaryMvuConfig):
    """A unit that counts some of its operand."""

    def sums_bill(self, family: Family) -> Cost:
        return adding_constants(family, self)


@dataclass(frozen=True)
class PlanesMvuConfig(MvuConfig):
    """A unit that counts for each bit of the weights."""

    @property
    def multiplier(self) -> Any:
        return planes


MOST_PLANES = 4
"""Bits of a weight up to which products may be counted; of more, multiplying takes less."""


@lru_cache(maxsize=1024)
def _unlike(family: Family, config: DotConfig) -> Cost:
    """Foldings of as many inputs differ in their lanes alone, which have nothing in common."""
    return sums_of_unlike(family, config)


@dataclass(frozen=True)
class _Stepped(Arithmetic):
    """Whole sums, which steps follow unless they are scores."""

    layer: FewBits

    @property
    def whole_sums(self) -> bool:
        return True

    @property
    def sum_bits(self) -> int:
        """Width of a sum, and of each threshold that it is compared with; of a score, that of the result."""
        if self.layer.steps is None:
            return self.layer.output.bits
        (low, high), thresholds = self.layer.accumulator_range, self.layer.steps.thresholds
        ends = [int(low.min()), int(high.max()), int(thresholds.min()), int(thresholds.max()), -1, 0]
        return max(2, Range(min(ends), max(ends)).bits)

    def activation(self, lanes: int, sum_bits: int, places: int = 1) -> Stepping | None:
        layer = self.layer
        return None if layer.steps is None else stepping.configure(layer.name, layer.steps, lanes // places, sum_bits, places)


@dataclass(frozen=True)
class Multiplied(Multiplying, _Stepped):
    """Sums start at what the grid's offset adds."""

    layer: FewBits

    def numbers(self, borders: NDArray[np.int64], kept: NDArray[np.bool_]) -> Numbers:
        return Numbers(borders, self.layer.grid.gain, self.sum_bits)

    def ways(self, lanes: int, constant: bool) -> tuple[Products, ...]:
        ways = super().ways(lanes, constant)
        counted = constant or self.ternary or self.field_bits <= MOST_PLANES
        return (*ways, "planes") if counted and not self.layer.input.signed else ways

    @property
    def ternary(self) -> bool:
        """Are weights -1, 0 and 1?"""
        return int(np.abs(self.layer.weights).max()) == 1

    def made_by(self, products: Products, constant: bool) -> Arithmetic:
        if products != "planes":
            return self
        if constant:
            return Chosen(self.layer)
        return (Ternary if self.ternary else InPlanes)(self.layer)

    def reckons(self, folds: int) -> bool:
        """Constants make a third or less of what weights that change do."""
        return folds == 1

    @property
    def unit(self) -> type[MvuConfig]:
        return MultiplyingMvuConfig


@dataclass(frozen=True)
class InPlanes(Multiplied):
    """The same numbers, counted for each bit of the weights."""

    def multiplier(self, inputs: int, lanes: int, sum_bits: int, constant: bool, products: Products) -> PlanesConfig:
        return PlanesConfig(inputs, self.layer.input.bits, self.field_bits, lanes, sum_bits)

    @property
    def unit(self) -> type[MvuConfig]:
        return PlanesMvuConfig


@dataclass(frozen=True)
class Counted(_Stepped):
    """Weights of +1 and -1: bits that differ are counted; sums start at that of no counts."""

    @property
    def field_bits(self) -> int:
        return 1

    def stored(self, weights: NDArray[np.integer]) -> NDArray[Any]:
        """The bits that are flipped."""
        return weights < 0

    @property
    def trims(self) -> bool:
        return True

    def numbers(self, borders: NDArray[np.int64], kept: NDArray[np.bool_]) -> Numbers:
        negative = ((1 << self.layer.input.bits) - 1) * signs_kept(self.layer, kept, len(borders))
        return Numbers(borders - self.layer.grid.gain * negative, self.layer.grid.gain, self.sum_bits)

    def multiplier(self, inputs: int, lanes: int, sum_bits: int, constant: bool, products: Products) -> PopcountConfig:
        return PopcountConfig(inputs, self.layer.input.bits, lanes, constant)

    @property
    def unit(self) -> type[MvuConfig]:
        return BinaryMvuConfig


@dataclass(frozen=True)
class Ternary(Counted):
    """Weights of -1, 0 and 1: of the codes whose weight is not 0, bits that differ are counted."""

    def fields(self, inputs: int) -> int:
        return 2 * inputs

    def stored(self, weights: NDArray[np.integer]) -> NDArray[Any]:
        """The bits that are flipped, then those that count."""
        return np.concatenate([weights < 0, weights != 0], axis=1)

    def multiplier(self, inputs: int, lanes: int, sum_bits: int, constant: bool, products: Products) -> PopcountConfig:
        return PopcountConfig(inputs, self.layer.input.bits, lanes, ternary=True)


@dataclass(frozen=True)
class Chosen(Counted):
    """Constants: of their digits, 1 and -1 times 1, 2, 4 and so on, those that are not 0 are counted."""

    @cached_property
    def most(self) -> tuple[int, ...]:
        """Digits of an output that are not 0, at the most, of each place."""
        digits = signed_digits(self.layer.weights.reshape(-1, self.layer.channels))
        most = tuple(int(np.count_nonzero(place, axis=0).max()) for place in digits)
        return most if any(most) else (1,)

    def fields(self, inputs: int) -> int:
        return sum(self.most)

    def taken(self, digits: NDArray[np.integer]) -> NDArray[np.int64]:
        """(fields, channels) inputs that an output takes, place by place, -1 where it takes fewer.

        digits: (places, inputs, channels).
        """
        found = []
        for place, most in zip(digits, self.most, strict=True):
            first, counts = np.argsort(place == 0, axis=0, kind="stable")[:most], np.count_nonzero(place, axis=0)
            found.append(np.where(np.arange(most)[:, None] < counts, first, -1))
        return np.concatenate(found)

    def stored(self, weights: NDArray[np.integer]) -> NDArray[Any]:
        """The bits that are flipped."""
        digits = signed_digits(weights[0])
        taken, place = self.taken(digits), np.repeat(np.arange(len(self.most)), self.most)
        found = digits[place[:, None], np.maximum(taken, 0), np.arange(taken.shape[1])]
        return ((taken >= 0) & (found < 0))[None]

    @property
    def trims(self) -> bool:
        """Each output takes inputs of its own."""
        return False

    def numbers(self, borders: NDArray[np.int64], kept: NDArray[np.bool_]) -> Numbers:
        layer = self.layer
        digits = signed_digits(layer.weights.reshape(-1, layer.channels))
        times = np.left_shift(1, np.arange(len(digits)))
        negative = ((1 << layer.input.bits) - 1) * (times @ np.count_nonzero(digits < 0, axis=1))
        return Numbers(borders - layer.grid.gain * negative, layer.grid.gain, self.sum_bits)

    def multiplier(self, inputs: int, lanes: int, sum_bits: int, constant: bool, products: Products) -> PopcountConfig:
        return PopcountConfig(inputs, self.layer.input.bits, lanes, constant, most=self.most)

    def knowing(self, multiplier: Multiplier, weights: NDArray[np.integer]) -> PopcountConfig:
        assert isinstance(multiplier, PopcountConfig)
        taken = self.taken(signed_digits(weights))
        return replace(multiplier, picks=tuple(tuple(None if i < 0 else i for i in lane) for lane in taken.T.tolist()))

    @property
    def unit(self) -> type[MvuConfig]:
        return ChosenMvuConfig


def few_bits_kind(layer: FewBits, positions: int) -> Weighted:
    """The kind of a layer: golden has one type for all."""
    signs = bool(np.all(np.abs(layer.weights) == 1)) and not layer.input.signed
    arithmetic = Counted(layer) if signs else Multiplied(layer)
    return (DenseKind if layer.dense else ConvolutionKind)(layer, arithmetic, positions=positions)
