"""The arithmetic of fixed-point weights: products are added up, and an activation makes codes of the sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.layers.fixed import Fixed

from ..arithmetic import activate
from ..arithmetic.activate import ActivateConfig
from ..arithmetic.dot import DotConfig, dot
from ..arithmetic.products import Product, Products
from .convolution import ConvolutionKind
from .dense import DenseKind
from .mvu import Arithmetic, Multiplier, MvuConfig, Numbers
from .unrolled import UnrolledKind, applies
from .weighted import Weighted


@dataclass(frozen=True)
class FixedMvuConfig(MvuConfig):
    """A unit that multiplies."""

    @property
    def multiplier(self) -> Any:
        return dot


@dataclass(frozen=True)
class Multiplying(Arithmetic):
    """Weights in two's complement, and whole sums of their products with codes."""

    @property
    def field_bits(self) -> int:
        return self.layer.weight_bits

    @property
    def whole_sums(self) -> bool:
        return True

    def stored(self, weights: NDArray[np.integer]) -> NDArray[Any]:
        return weights

    def multiplier(self, inputs: int, lanes: int, sum_bits: int, constant: bool, products: Products) -> Multiplier:
        code = self.layer.input
        return DotConfig(inputs, code.bits, code.signed, self.field_bits, lanes, sum_bits, products)

    def ways(self, lanes: int, constant: bool) -> tuple[Products, ...]:
        code = self.layer.input
        return Product(code.bits, code.signed, self.field_bits).ways(lanes)

    @property
    def unit(self) -> type[MvuConfig]:
        return FixedMvuConfig


@dataclass(frozen=True)
class FixedPoint(Multiplying):
    """Sums start at the bias and at what kernel positions add."""

    layer: Fixed

    def numbers(self, borders: NDArray[np.int64], kept: NDArray[np.bool_]) -> Numbers:
        layer = self.layer
        return Numbers(layer.bias + borders, layer.grid.gain, layer.sum_bits)

    def activation(self, lanes: int, sum_bits: int, places: int = 1) -> ActivateConfig:
        return activate.configure(self.layer.name, self.layer.activation, lanes, sum_bits)


def fixed_kind(layer: Fixed, positions: int) -> Weighted:
    """The kind of a layer: golden has one type for all."""
    if applies(layer):
        return UnrolledKind(layer, FixedPoint(layer), positions=positions)
    return (DenseKind if layer.dense else ConvolutionKind)(layer, FixedPoint(layer), positions=positions)
