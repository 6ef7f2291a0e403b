"""The arithmetic of binary weights: bits are counted, and the top bit of a sum is the decision."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.arithmetic.adder_graph import optimise
from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.linear import Linear

from ..arithmetic.adder_graph import AddersConfig
from ..arithmetic.popcount import PopcountConfig, popcount
from ..arithmetic.products import Products
from ..family import SERIES7, Cost, Family
from ..verilog.stream import ADDRESS_LEAD
from .abreast import KeptConfig
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

    def multiplier_of(self, place: int) -> PopcountConfig:
        if self.taps is None or self.taps.whole(place):
            return self.multiply
        elements = self.multiply.inputs // self.taps.abreast.window.taps
        return replace(self.multiply, inputs=len(self.taps.kept(place)) * elements)

    def kept_weights(self, place: int) -> KeptConfig:
        assert self.taps is not None
        tables, count = 2 if self.multiply.ternary else 1, self.taps.abreast.window.taps
        return KeptConfig(self.taps.kept(place), count, self.weights.width // (tables * count), tables)

    def matrices_bill(self, family: Family) -> Cost:
        total, lanes, inverted = Cost(), self.multiply.lanes, 0
        for own, places in Counter(map(self.multiplier_of, range(self.places))).items():
            sooner = self.multiply.latency - own.latency
            total += (own.bill_of_lanes(family) + family.delay(lanes * own.count_bits, sooner)) * places
            inverted += own.inverted * places
        return total + family.logic(inverted if self.taps is None else min(inverted, self.taps.chunk_bits))


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


def signs_kept(layer: Linear, kept: NDArray[np.bool_], borders: int) -> NDArray[np.int64]:
    """Weights of an output that are negative among the taps that operands have: (borders, channels), place after place.

    kept: (places, kernel rows, kernel columns).
    """
    kernel = kept.shape[1:]
    negative = (layer.weights.reshape(*kernel, -1, layer.channels) < 0).sum(axis=2, dtype=np.int64)
    return np.tile(np.einsum("pyx,yxo->po", kept, negative), (borders // len(kept), 1))


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

    @property
    def trims(self) -> bool:
        return True

    def numbers(self, borders: NDArray[np.int64], kept: NDArray[np.bool_]) -> Numbers:
        layer = self.layer
        inputs, grid, levels = layer.window.taps * layer.input.channels, layer.grid, 1 << layer.input.bits
        negative = (levels - 1) * signs_kept(layer, kept, len(borders))
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
