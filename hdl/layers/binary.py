"""The arithmetic of binary weights: bits are counted, and the top bit of a sum is the decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.layers.convolution import Convolution

from ..arithmetic.popcount import PopcountConfig, popcount
from ..arithmetic.products import Products
from .mvu import Arithmetic, MvuConfig, Numbers


@dataclass(frozen=True)
class BinaryMvuConfig(MvuConfig):
    """A unit that counts."""

    @property
    def multiplier(self) -> Any:
        return popcount


@dataclass(frozen=True)
class Binary(Arithmetic):
    """Weights of one bit; sums start such that their top bit is the decision, or at the score of no counts."""

    layer: Convolution

    @property
    def field_bits(self) -> int:
        return 1

    @property
    def whole_sums(self) -> bool:
        return self.layer.thresholds is None

    def stored(self, weights: NDArray[np.integer]) -> NDArray[Any]:
        """The bits that are flipped."""
        return weights < 0

    def numbers(self, borders: NDArray[np.int64]) -> Numbers:
        layer = self.layer
        inputs, grid, levels = layer.window.taps * layer.input.channels, layer.grid, 1 << layer.input.bits
        negative = (levels - 1) * (inputs - layer.tap_sums.sum(axis=(0, 1))) // 2
        if layer.thresholds is None:
            return Numbers(grid.offset * borders - grid.gain * negative, grid.gain, layer.output.bits)
        # accumulator >= threshold, with accumulator = gain * (count - negative) + offset * border, solved for the count
        highest = (levels - 1) * inputs
        reached = -((grid.offset * borders - layer.thresholds) // grid.gain) + negative
        bias = -np.clip(reached, 0, highest + 1)
        sum_bits = max(int(-bias.min() - 1).bit_length(), int((bias + highest).max()).bit_length()) + 1
        return Numbers(bias + (1 << (sum_bits - 1)), 1, sum_bits)  # set where the count reaches its mark

    def multiplier(self, inputs: int, lanes: int, sum_bits: int, constant: bool, products: Products) -> PopcountConfig:
        return PopcountConfig(inputs, self.layer.input.bits, lanes, constant)

    @property
    def unit(self) -> type[MvuConfig]:
        return BinaryMvuConfig
