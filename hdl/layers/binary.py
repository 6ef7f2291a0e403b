"""The arithmetic of binary weights: bits are counted, and the top bit of a sum is the decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.arithmetic.adder_graph import optimise
from sigmabit.golden.layers.convolution import Convolution

from ..arithmetic.adder_graph import AddersConfig
from ..arithmetic.popcount import PopcountConfig, popcount
from ..arithmetic.products import Products
from ..family import SERIES7
from ..verilog.stream import ADDRESS_LEAD
from .mvu import Arithmetic, MvuConfig, Numbers

MOST_WEIGHTS = 10_000
"""Weights of a window, for all channels, whose adders are found in some ten seconds."""


@dataclass(frozen=True)
class BinaryMvuConfig(MvuConfig):
    """A unit that counts."""

    multiply: PopcountConfig

    @property
    def multiplier(self) -> Any:
        return popcount

    @property
    def multiplied(self) -> float:
        # compressors are cells that tools leave as they are, and so are arrays of weights that change, between their registers
        return self.places


class CountsConfig(AddersConfig):
    """Adders that give counts as a popcount does: no count is negative."""

    @property
    def module(self) -> str:
        return super().module.replace("adders", "counts", 1)

    @property
    def output_bits(self) -> int:
        """Width of a count."""
        return self.graph.output_range(self.low, self.high)[1].bit_length()

    @property
    def lanes(self) -> int:
        """Counts of the same operand."""
        return len(self.graph.outputs)

    @property
    def count_bits(self) -> int:
        """Width of a count."""
        return self.output_bits


@dataclass(frozen=True)
class SharedMvuConfig(MvuConfig):
    """A unit whose weights are in its adders."""

    @property
    def shared(self) -> bool:
        return True


@lru_cache(maxsize=64)
def _counts(layer: Convolution) -> CountsConfig | None:
    """Adders for the products of a whole window; None where counters are smaller, or adders take long to find.

    They have as many cycles as counters, or fewer where that makes them no larger.
    """
    inputs, bits = layer.window.taps * layer.input.channels, layer.input.bits
    if bits == 1 or inputs * layer.channels > MOST_WEIGHTS:
        return None
    weights = layer.weights.reshape(inputs, layer.channels).astype(np.int64)
    signs, highest = np.where(weights < 0, -1, 1), (1 << bits) - 1
    counters = PopcountConfig(inputs, bits, layer.channels, constant=True)
    found = CountsConfig(optimise(signs, highest * (signs < 0).sum(axis=0), 0, highest), bits, signed=False)
    cycles = max(ADDRESS_LEAD, found.least_latency, min(found.latency, counters.latency))
    found = replace(found, cycles=cycles)
    return found if found.bill(SERIES7).lut < counters.bill(SERIES7).lut else None


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
            return Numbers(borders - grid.gain * negative, grid.gain, layer.output.bits)
        # accumulator >= threshold, with accumulator = gain * (count - negative) + border, solved for the count
        highest = (levels - 1) * inputs
        reached = -((borders - layer.thresholds) // grid.gain) + negative
        bias = -np.clip(reached, 0, highest + 1)
        sum_bits = max(int(-bias.min() - 1).bit_length(), int((bias + highest).max()).bit_length()) + 1
        return Numbers(bias + (1 << (sum_bits - 1)), 1, sum_bits)  # set where the count reaches its mark

    def multiplier(self, inputs: int, lanes: int, sum_bits: int, constant: bool, products: Products) -> PopcountConfig:
        return PopcountConfig(inputs, self.layer.input.bits, lanes, constant)

    def shared(self) -> CountsConfig | None:
        return _counts(self.layer)

    @property
    def shared_unit(self) -> type[MvuConfig]:
        return SharedMvuConfig

    @property
    def unit(self) -> type[MvuConfig]:
        return BinaryMvuConfig
