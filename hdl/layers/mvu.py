"""The matrix-vector unit: operands times a folded matrix of weights, position by position."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from myhdl import Signal
from numpy.typing import NDArray

from sigmabit.golden.layers.linear import Linear

from ..arithmetic.accumulate import AccumulateConfig, accumulate
from ..arithmetic.adder_graph import adders
from ..arithmetic.collect import CollectConfig, collect
from ..arithmetic.delay import DelayConfig, delay
from ..arithmetic.products import Products
from ..arithmetic.rom import RomConfig, RomStyle, merging, pack_words, rom, style_of
from ..family import Cost, Family
from ..family.rules import BLOCK_RAM_FROM
from ..verilog.fabric import like
from ..verilog.module import composite
from ..verilog.stream import ADDRESS_LEAD, Flow, bit, bits, index_bits, wire
from .abreast import Bundle, JoinConfig, KeptConfig, TapsConfig, abreast, beside, kept


class Multiplier(Protocol):
    """The configuration of what multiplies an operand by weights, and adds up."""

    @property
    def lanes(self) -> int:
        """Sums of the same operand."""
        ...

    @property
    def count_bits(self) -> int:
        """Width of a sum."""
        ...

    @property
    def latency(self) -> int:
        """Cycles from an operand and its weights to the sums."""
        ...

    def bill(self, family: Family) -> Cost:
        """Expected size."""
        ...


class Ending(Protocol):
    """The configuration of what makes codes of sums."""

    @property
    def block(self) -> Any:
        """The block: clk, rst, sink, source, config."""
        ...

    @property
    def result_bits(self) -> int:
        """Width of a code."""
        ...

    @property
    def latency(self) -> int:
        """Cycles from sums to codes."""
        ...

    def bill(self, family: Family) -> Cost:
        """Expected size."""
        ...


@dataclass(frozen=True)
class MvuConfig:
    """The blocks of one unit. What multiplies is a subclass' business: a popcount, or a dot.

    activate is None for binary weights; collect where all output channels are computed at once; taps where there is one position
    at a time. With several each has a multiplier, all of the same weights; what follows takes them for so many more lanes.
    """

    name: str
    multiply: Multiplier
    accumulate: AccumulateConfig
    weights: RomConfig
    biases: RomConfig
    collect: CollectConfig | None
    activate: Ending | None = None
    taps: TapsConfig | None = None

    def __post_init__(self) -> None:
        if self.multiply.latency < ADDRESS_LEAD:
            raise ValueError(f"{self.name}: sums after {self.multiply.latency} cycles, initial values after {ADDRESS_LEAD}")

    @property
    def multiplier(self) -> Any:
        """The block that multiplies: clk, data, weights, counts, config."""
        raise NotImplementedError

    @property
    def shared(self) -> bool:
        """Are products adders of constant weights, which share their parts, and take no weights?"""
        return False

    @property
    def module(self) -> str:
        return f"{self.name}_mvu"

    @property
    def _optional(self) -> list[Ending | CollectConfig]:
        return [block for block in (self.activate, self.collect) if block is not None]

    @property
    def places(self) -> int:
        """Positions side by side."""
        return 1 if self.taps is None else self.taps.abreast.places

    def multiplier_of(self, place: int) -> Multiplier:
        """What multiplies the operand of a place."""
        return self.multiply

    def kept_weights(self, place: int) -> KeptConfig:
        """What a place takes of the weights, if its operand has not all taps."""
        raise NotImplementedError

    @property
    def join(self) -> JoinConfig:
        """The counts of all positions side by side."""
        lanes, bits = self.multiply.lanes, self.multiply.count_bits
        widths = tuple(self.multiplier_of(place).count_bits for place in range(self.places))
        if min(widths) == bits:  # whole vectors: whatever lanes they are of, it is the same block
            return JoinConfig(1, lanes * bits, (lanes * bits,) * self.places)
        return JoinConfig(lanes, bits, widths)

    def matrix_bill(self, family: Family) -> Cost:
        """Expected size of what multiplies, of one place."""
        return self.multiply.bill(family)

    def matrices_bill(self, family: Family) -> Cost:
        """The same of all places. Padding that is always there is no product."""
        return self.matrix_bill(family) * (1 if self.taps is None else self.places * self.taps.abreast.filled)

    def sums_bill(self, family: Family) -> Cost:
        """Expected size of what accumulates."""
        return self.accumulate.bill(family)

    def bill(self, family: Family) -> Cost:
        """Expected size."""
        control = family.logic(8) + family.registers(8)
        total = self.matrices_bill(family) + self.sums_bill(family) + control
        return sum((block.bill(family) for block in (self.weights, self.biases, *self._optional)), total)

    @property
    def latency(self) -> int:
        """Cycles from the last operand of a position to its result."""
        return self.multiply.latency + self.accumulate.latency + sum(block.latency for block in self._optional)


@composite
def mvu(clk, rst, operand, source, config):
    """source = for each position and output channel, whether the weighted sum reaches its threshold, its code, or the sum itself.

    The weights of a chunk come from their table by operand.address, the initial value of an accumulation by operand.bias.
    """
    counting, adding = config.multiply, config.accumulate
    weights, bias = wire(config.weights.width), wire(config.biases.width)
    counts = wire(config.places * counting.lanes * counting.count_bits)
    instances = []
    if not config.shared:
        instances.append(rom(_clock(clk, config.weights), operand.address, weights, config.weights))
    if config.taps is None and config.shared:
        instances.append(adders(clk, operand.data, counts, counting))
    elif config.taps is None:
        instances.append(config.multiplier(clk, operand.data, weights, counts, counting))
    else:
        operands = Bundle(config.taps.widths)
        parts = Bundle(config.join.lanes * width for width in config.join.widths)
        instances.append(abreast(operand.data, operands, config.taps))
        some: dict[KeptConfig, Signal] = {}
        for place, (data, part) in enumerate(zip(operands.vectors, parts.vectors, strict=True)):
            if config.shared:
                instances.append(adders(clk, data, part, counting))
                continue
            own, of_own = config.multiplier_of(place), weights
            if not config.taps.whole(place):
                taken = config.kept_weights(place)
                if taken not in some:
                    some[taken] = wire(taken.part_bits)
                    instances.append(kept(weights, some[taken], taken))
                of_own = some[taken]
            sooner = counting.latency - own.latency
            product = part if not sooner else like(part)
            instances.append(config.multiplier(clk, data, of_own, product, own))
            if sooner:
                instances.append(delay(clk, None, product, part, DelayConfig(len(part), sooner, reset=False)))
        instances.append(beside(parts, counts, config.join))
    if operand.bias is None:
        address = None
    elif counting.latency > ADDRESS_LEAD:
        address = wire(len(operand.bias))
        later = DelayConfig(len(operand.bias), counting.latency - ADDRESS_LEAD, reset=False)
        instances.append(delay(clk, None, operand.bias, address, later))
    else:
        address = operand.bias
    instances.append(rom(_clock(clk, config.biases), address, bias, config.biases))

    copies = adding.copies
    valid, first, last = bits(copies), None, None
    instances.append(delay(clk, rst, operand.valid, valid, DelayConfig(1, counting.latency, True, copies)))
    if adding.folded:
        first, last = bits(copies), bit()
        instances.append(delay(clk, None, operand.first, first, DelayConfig(1, counting.latency, False, copies)))
        instances.append(delay(clk, None, operand.last, last, DelayConfig(1, counting.latency, reset=False)))
    codes = source if config.collect is None else Flow(config.collect.places * config.collect.chunk_bits)
    sums = codes if config.activate is None else Flow(adding.lanes * adding.result_bits)
    instances.append(accumulate(clk, rst, counts, bias, valid, first, last, sums, adding))
    if config.activate is not None:
        instances.append(config.activate.block(clk, rst, sums, codes, config.activate))
    if config.collect is not None:
        instances.append(collect(clk, rst, codes, source, config.collect))
    return instances


def _clock(clk: Signal, config: RomConfig) -> Signal | None:
    """A constant needs no clock."""
    return None if config.style is RomStyle.CONSTANT else clk


MERGED_BIASES = 8
"""Biases that merge into the LUTs before the carry chain."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """What a layer's arithmetic comes to.

    bias: (borders, channels) initial values of an accumulation. gain: what a count of one adds to a sum of sum_bits bits.
    """

    bias: NDArray[np.int64]
    gain: int
    sum_bits: int


@dataclass(frozen=True)
class Arithmetic(ABC):
    """How a layer's weights are stored and multiplied, and what becomes of their sums."""

    layer: Linear

    @property
    @abstractmethod
    def field_bits(self) -> int:
        """Width of a weight as it is stored."""

    @property
    @abstractmethod
    def whole_sums(self) -> bool:
        """Do sums go on as they are, instead of their top bits alone?"""

    @abstractmethod
    def stored(self, weights: NDArray[np.integer]) -> NDArray[Any]:
        """What stands in the table for weights (chunks, inputs, channels): (chunks, fields, channels)."""

    def fields(self, inputs: int) -> int:
        """Of so many weights of an output, as they are stored."""
        return inputs

    def made_by(self, products: Products, constant: bool) -> Arithmetic:
        """The arithmetic of products made in one of its ways; constant: there is but one word of weights."""
        return self

    @property
    def trims(self) -> bool:
        """Are taps that are always in a place's padding left out? If not, their codes are 0."""
        return False

    @abstractmethod
    def numbers(self, borders: NDArray[np.int64], kept: NDArray[np.bool_]) -> Numbers:
        """Initial values and sums; borders: as Borders gives them; kept: (places, kernel rows, columns) taps of operands."""

    @abstractmethod
    def multiplier(self, inputs: int, lanes: int, sum_bits: int, constant: bool, products: Products) -> Multiplier:
        """What multiplies; constant: there is but one word of weights."""

    def knowing(self, multiplier: Multiplier, weights: NDArray[np.integer]) -> Multiplier:
        """What multiplies by constants that are known: (inputs, channels)."""
        return multiplier

    def shared(self) -> Multiplier | None:
        """Adders for all products and sums of a whole window at once, if they are smaller than what multiplies by any weights."""
        return None

    def ways(self, lanes: int, constant: bool) -> tuple[Products, ...]:
        """What products can be made by."""
        return ("single",)

    def reckons(self, folds: int) -> bool:
        """Are the weights looked at where foldings of so many cycles are compared?"""
        return False

    def activation(self, lanes: int, sum_bits: int, places: int = 1) -> Ending | None:
        """What makes codes of sums; None where they are decisions or scores. lanes: of all places."""
        return None

    @property
    @abstractmethod
    def unit(self) -> type[MvuConfig]:
        """The unit whose multiplier that is."""

    @property
    def shared_unit(self) -> type[MvuConfig]:
        """The unit of shared adders."""
        raise NotImplementedError


Borders = Callable[[Linear], NDArray[np.int64]]
"""Gives what kernel positions that lie on the image add, (borders * places, channels), for each value that the fields of
Operand.bias above the repeat can take the rows of all places; (1, channels) where nothing is padded."""


def configure(
    arithmetic: Arithmetic,
    count: int,
    weights: NDArray[np.integer] | None,
    lanes: int,
    weights_style: RomStyle,
    borders: Borders,
    taps: TapsConfig | None = None,
    filler: int = 0,
    products: Products = "single",
    eager: bool = False,
) -> MvuConfig:
    """The unit of a layer.

    count: chunks of a window. weights: (count, inputs, channels) in the order in which operands come; None leaves their table
    empty, for estimates. lanes: output channels at a time. taps: of several positions at a time. filler: inputs of all chunks
    that belong to no weight, whose codes are 0. products: what they are made by. eager: each chunk comes for all output channels
    before the next one does.
    """
    layer, channels = arithmetic.layer, arithmetic.layer.channels
    inputs = (layer.window.taps * layer.input.channels + filler) // count
    places = 1 if taps is None else taps.abreast.places
    repeats = -(-channels // lanes)
    weights_words = count * repeats
    arithmetic = arithmetic.made_by(products, weights_words == 1)
    field_bits, fields_of_word = arithmetic.field_bits, arithmetic.fields(inputs)
    shared = arithmetic.shared() if weights_words == 1 and not filler else None
    if taps is not None and arithmetic.trims and not shared and taps.abreast.filled < 1:
        taps = replace(taps, trimmed=True)
    numbers = _numbers(arithmetic, borders, taps)
    multiplier = shared or arithmetic.multiplier(inputs, lanes, numbers.sum_bits, weights_words == 1, products)
    if weights is not None and weights_words == 1 and not shared:
        multiplier = arithmetic.knowing(multiplier, weights[0])
    adding = AccumulateConfig(
        places * lanes,
        multiplier.count_bits,
        numbers.sum_bits,
        numbers.gain,
        folded=count > 1,
        scores=arithmetic.whole_sums,
        turns=repeats if eager else 1,
    )
    activating = arithmetic.activation(places * lanes, numbers.sum_bits, places)
    result_bits = adding.result_bits if activating is None else activating.result_bits
    words: tuple[int, ...] = (0,) * weights_words
    if weights is not None:
        stored = arithmetic.stored(weights)
        fields = np.zeros((count, fields_of_word, repeats * lanes), stored.dtype)
        fields[:, :, :channels] = stored
        # words follow the folds: repeats slowest, or fastest if eager; inside a word lanes are fastest
        by_fold = fields.reshape(count, fields_of_word, repeats, lanes).transpose((0, 2, 1, 3) if eager else (2, 0, 1, 3))
        words = pack_words(by_fold.reshape(weights_words, fields_of_word * lanes), field_bits)
    made = arithmetic.shared_unit if shared else arithmetic.unit
    return made(
        layer.name,
        multiplier,
        adding,
        RomConfig(layer.name, "weights", fields_of_word * lanes * field_bits, words, weights_style, places * layer.input.bits),
        _biases(arithmetic, lanes, borders, taps),
        None if repeats == 1 else CollectConfig(channels * result_bits, lanes * result_bits, repeats, places),
        activating,
        taps,
    )


@lru_cache(maxsize=64)
def _numbers(arithmetic: Arithmetic, borders: Borders, taps: TapsConfig | None) -> Numbers:
    """What a layer's arithmetic comes to, however it is folded."""
    window, places = arithmetic.layer.window, range(1 if taps is None else taps.abreast.places)
    of_places = np.zeros((len(places), window.taps), bool)
    for place in places:
        of_places[place, list(range(window.taps) if taps is None else taps.kept(place))] = True
    kept = of_places.reshape(-1, window.rows.kernel, window.columns.kernel)
    return arithmetic.numbers(borders(arithmetic.layer), kept)


@lru_cache(maxsize=256)
def _biases(arithmetic: Arithmetic, lanes: int, borders: Borders, taps: TapsConfig | None) -> RomConfig:
    """The table of initial values. Planning asks for few of them, and often."""
    layer, numbers, places = arithmetic.layer, _numbers(arithmetic, borders, taps), 1 if taps is None else taps.abreast.places
    rows, repeats = len(numbers.bias) // places, -(-layer.channels // lanes)
    filled = np.zeros((rows, places, repeats * lanes), np.int64)
    filled[:, :, : layer.channels] = numbers.bias.reshape(rows, places, layer.channels)
    starts = np.zeros((rows, 1 << (index_bits(repeats) if repeats > 1 else 0), places, lanes), np.int64)
    starts[:, :repeats] = filled.reshape(rows, places, repeats, lanes).swapaxes(1, 2)
    fields = starts.reshape(-1, places * lanes)[: (rows - 1) * starts.shape[1] + repeats]
    words = pack_words(fields, numbers.sum_bits)
    style = style_of(len(words), merging(words, MERGED_BIASES), BLOCK_RAM_FROM)
    return RomConfig(layer.name, "biases", places * lanes * numbers.sum_bits, words, style)
