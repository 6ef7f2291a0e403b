"""A dense layer whose frames are single beats, computed whole in every cycle: adders, or tables, instead of multipliers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.arithmetic.adder_graph import AdderGraph, in_threes, optimise
from sigmabit.golden.arithmetic.digits import count_digits
from sigmabit.golden.arithmetic.partial_sums import PartialSums
from sigmabit.golden.layers.fixed import Fixed

from ..arithmetic import activate as activation
from ..arithmetic.activate import ActivateConfig, activate
from ..arithmetic.adder_graph import AdderGraphConfig
from ..arithmetic.partial_sums import PartialSumsConfig
from ..arithmetic.products import Products
from ..family import SERIES7, Cost, Family
from ..family.rules import BLOCK_RAM_FROM
from ..verilog.module import composite
from ..verilog.stream import Flow, index_bits
from .dense import DenseKind
from .folding import Folding, Unsuitable
from .kind import Arrivals, Use
from .layer import LayerConfig, Stage
from .timing import Times

SHARED = 0.6
"""Share of the adders of separate sums that is left after sums have shared their parts, by experience."""

HASTE = 1.25
"""How many times as much adders take that are done a cycle sooner, by experience."""

PATIENCE = 2
"""Cycles that adders may take more than the fastest, where that makes them smaller."""

USES = 2, 3
"""How often parts are used that sums share: where sums are as small as can be, those of two uses save nothing, and take time."""

SLICE_BITS = 10
"""Of a frame that a table looks at: it is then as deep as a block RAM of 18 bits, which every family has."""

MOST_DIGITS = 10_000
"""Non-zero digits of a matrix whose adders are found in some ten seconds; twice as many take minutes."""


@dataclass(frozen=True)
class UnrolledConfig(LayerConfig):
    """name: the layer's. sums: its products, added up. activate: what makes codes of them."""

    sums: AdderGraphConfig | PartialSumsConfig
    activate: ActivateConfig

    @property
    def block(self) -> Any:
        return unrolled

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.sums, self.activate


def applies(layer: Fixed) -> bool:
    """Can the layer be computed so?"""
    return layer.dense and layer.window.inputs == 1


def configure(layer: Fixed, eager: int = 0, products: Products = "single") -> UnrolledConfig:
    """The blocks of a layer. eager: how many cycles sooner than usual its adders are done, if they can be. products: what they
    add, multiples of codes or entries of "tables", which come no later.
    """
    sums = _tables(layer, eager) if products == "tables" else _sums(layer, eager)
    return UnrolledConfig(layer.name, sums, _activate(layer, sums.output_bits))


def _activate(layer: Fixed, sum_bits: int) -> ActivateConfig:
    return activation.configure(layer.name, layer.activation, layer.channels, sum_bits)


@lru_cache(maxsize=64)
def _sums(layer: Fixed, eager: int) -> AdderGraphConfig:
    """The smallest adders of so many cycles, whose last one is also that of the limits behind them.

    Which are the smallest, the 7 series' prices say, whatever the device: Verilog does not depend on it.
    """
    ways = [_adders(layer, uses) for uses in USES]
    cycles = _usual(layer) - sooner(layer, eager)
    in_time = (adders for adders in ways if adders.least_latency <= cycles)
    return min((replace(adders, cycles=cycles) for adders in in_time), key=lambda adders: adders.bill(SERIES7).lut)


def sooner(layer: Fixed, eager: int, products: Products = "single") -> int:
    """How many cycles sooner than usual sums are there, where that many are wanted; a negative number where they cannot be."""
    return min(eager, _usual(layer) - (_entries(layer).least_latency if products == "tables" else _least(layer)))


def _usual(layer: Fixed) -> int:
    """Cycles of the adders where nothing is said."""
    return min(*(_adders(layer, uses).latency for uses in USES), _least(layer) + PATIENCE)


def _least(layer: Fixed) -> int:
    """Cycles of the fastest adders."""
    return min(_adders(layer, uses).least_latency for uses in USES)


@lru_cache(maxsize=64)
def _tables(layer: Fixed, eager: int) -> PartialSumsConfig:
    """The tables and adders that take as many cycles as the adders alone would, or as few as they can."""
    return replace(_entries(layer), cycles=_usual(layer) - sooner(layer, eager, "tables"))


@lru_cache(maxsize=64)
def _entries(layer: Fixed) -> PartialSumsConfig:
    """The smallest."""
    sums = PartialSums(*_products(layer), layer.input.bits, layer.input.signed, SLICE_BITS)
    found = PartialSumsConfig(layer.name, sums)
    return replace(found, behind=_activate(layer, found.output_bits).limit.levels)


@lru_cache(maxsize=128)
def _adders(layer: Fixed, uses: int) -> AdderGraphConfig:
    """The smallest that come of one way to share parts."""
    graph = in_threes(_graph(layer), layer.input.low, layer.input.high, uses)
    adders = AdderGraphConfig(graph, layer.input.bits, layer.input.signed)
    return replace(adders, behind=_activate(layer, adders.output_bits).limit.levels)


@lru_cache(maxsize=64)
def _graph(layer: Fixed) -> AdderGraph:
    """Sums of two; finding them takes a while, and planning asks more than once."""
    return optimise(*_products(layer), layer.input.low, layer.input.high, operands=2)


def _products(layer: Fixed) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The matrix and the bias of its sums."""
    bias: NDArray[np.int64] = layer.bias + layer.tap_offsets.sum(axis=(0, 1))
    return layer.grid.gain * layer.matrix.astype(np.int64), bias


@lru_cache(maxsize=256)
def expected_cost(layer: Fixed, family: Family) -> Cost:
    """Expected size, without looking for the adders."""
    terms = count_digits(layer.matrix) + np.count_nonzero(layer.bias)
    adders = SHARED * max(0, int(terms) - layer.channels)
    bits = layer.input.bits + layer.weight_bits
    shaped = activation.configure(layer.name, layer.activation, layer.channels, layer.sum_bits).bill(family)
    return (family.adder(bits) + family.registers(bits / 2)) * adders + shaped


@composite
def unrolled(clk, rst, sink, source, config):
    """source = the codes of sink's frames, one beat each, one in every cycle."""
    sums = Flow(config.sums.outputs * config.sums.output_bits)
    return config.sums.block(clk, rst, sink, sums, config.sums), activate(clk, rst, sums, source, config.activate)


@dataclass(frozen=True)
class UnrolledKind(DenseKind):
    """A dense layer whose frames are single beats: in one fold it is unrolled, in several it is as any other."""

    layer: Fixed

    def foldings(self) -> Iterator[Folding]:
        """Tables take much block RAM, which only haste is worth."""
        yield from (folding for folding in super().foldings() if folding.products != "tables")

    def ways(self, folding: Folding) -> tuple[Products, ...]:
        if self.folds(folding) > 1:
            return super().ways(folding)
        return ("single", "tables") if self._tabled and not self.laborious(folding) else ("single",)

    @property
    def _tabled(self) -> bool:
        """Are slices of its frame long enough for block RAM?"""
        bits = self.inputs * self.layer.input.bits
        return bits // -(-bits // SLICE_BITS) >= index_bits(BLOCK_RAM_FROM)

    def check(self, folding: Folding) -> None:
        if folding.products == "tables" and self.folds(folding) > 1:
            outputs = self.layer.channels
            raise Unsuitable(f"{self.layer.name}: products=tables are of a whole frame and all its {outputs} outputs at once")
        super().check(folding)

    def hastened(self, folding: Folding) -> Iterator[Folding]:
        if self.folds(folding) > 1:
            return
        for cycles in range(PATIENCE + 1):
            for products in self.ways(folding):
                if cycles or products != "single":
                    yield replace(folding, products=products, eager=cycles or False)

    def delay(self, folding: Folding) -> int:
        if self.folds(folding) > 1:
            return super().delay(folding)
        hasty = folding.eager if self.laborious(folding) else sooner(self.layer, folding.eager, folding.products)
        return super().delay(folding) - hasty

    def laborious(self, folding: Folding) -> bool:
        return self.folds(folding) == 1 and count_digits(self.layer.matrix) > MOST_DIGITS

    def starts(self, arrivals: Arrivals, folding: Folding) -> Times:
        return arrivals.beats if self.folds(folding) == 1 else super().starts(arrivals, folding)

    def sized(self, arrivals: Arrivals, folding: Folding, contents: bool = True) -> LayerConfig:
        if self.folds(folding) > 1:
            return super().sized(arrivals, folding, contents)
        return configure(self.layer, folding.eager, folding.products)

    def expected_cost(self, folding: Folding, use: Use) -> Cost:
        if self.folds(folding) > 1:
            return super().expected_cost(folding, use)
        if folding.products == "tables":
            return configure(self.layer, folding.eager, folding.products).bill(use.family)
        return expected_cost(self.layer, use.family) * HASTE**folding.eager
