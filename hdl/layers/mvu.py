"""The matrix-vector unit: operands times a folded matrix of weights, position by position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from myhdl import Signal
from numpy.typing import NDArray

from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.layers.linear import Linear

from ..arithmetic import activate as activation
from ..arithmetic.accumulate import AccumulateConfig, accumulate
from ..arithmetic.activate import ActivateConfig, activate
from ..arithmetic.collect import CollectConfig, collect
from ..arithmetic.delay import DelayConfig, delay
from ..arithmetic.dot import DotConfig, dot
from ..arithmetic.popcount import PopcountConfig, popcount
from ..arithmetic.rom import RomConfig, RomStyle, pack_words, rom, style_of
from ..family import FAMILY, Cost
from ..verilog.module import composite
from ..verilog.stream import ADDRESS_LEAD, Flow, bit, bits, index_bits, wire


@dataclass(frozen=True)
class MvuConfig:
    """The blocks of one unit: binary weights are multiplied by a popcount, others by a dot, and their sums then activated.

    collect is None where all output channels are computed at once.
    """

    name: str
    multiply: PopcountConfig | DotConfig
    accumulate: AccumulateConfig
    weights: RomConfig
    biases: RomConfig
    collect: CollectConfig | None
    activate: ActivateConfig | None = None

    def __post_init__(self) -> None:
        if self.multiply.latency < ADDRESS_LEAD:
            raise ValueError(f"{self.name}: sums after {self.multiply.latency} cycles, initial values after {ADDRESS_LEAD}")

    @property
    def module(self) -> str:
        return f"{self.name}_mvu"

    @property
    def _optional(self) -> list[ActivateConfig | CollectConfig]:
        return [block for block in (self.activate, self.collect) if block is not None]

    @property
    def cost(self) -> Cost:
        """Expected size."""
        control = Cost(8, 8)
        total = self.multiply.cost + self.accumulate.cost + self.weights.cost + self.biases.cost + control
        return sum((block.cost for block in self._optional), total)

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
    counts = wire(counting.lanes * counting.count_bits)
    instances = [rom(_clock(clk, config.weights), operand.address, weights, config.weights)]
    if isinstance(counting, PopcountConfig):
        instances.append(popcount(clk, operand.data, weights, counts, counting))
    else:
        instances.append(dot(clk, operand.data, weights, counts, counting))
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
    codes = source if config.collect is None else Flow(config.collect.chunk_bits)
    sums = codes if config.activate is None else Flow(adding.lanes * adding.result_bits)
    instances.append(accumulate(clk, rst, counts, bias, valid, first, last, sums, adding))
    if config.activate is not None:
        instances.append(activate(clk, rst, sums, codes, config.activate))
    if config.collect is not None:
        instances.append(collect(clk, rst, codes, source, config.collect))
    return instances


def _clock(clk: Signal, config: RomConfig) -> Signal | None:
    """A constant needs no clock."""
    return None if config.style is RomStyle.CONSTANT else clk


MERGED_BIASES = 8
"""Biases that merge into the LUTs before the carry chain."""


@dataclass(frozen=True, eq=False)
class _Numbers:
    """What a layer's arithmetic comes to.

    field_bits: of a weight as it is stored. bias: (borders, channels) initial values of an accumulation. gain: what a count of
    one adds to a sum of sum_bits bits.
    """

    field_bits: int
    bias: NDArray[np.int64]
    gain: int
    sum_bits: int


Borders = Callable[[Linear], NDArray[np.int64]]
"""Gives the sums (borders, channels) of the weights that lie inside the image, a row for each value that the fields of
Operand.bias above the repeat can take; (1, channels) where nothing is padded."""


def configure(
    layer: Linear,
    count: int,
    weights: NDArray[np.integer] | None,
    lanes: int,
    weights_style: RomStyle,
    borders: Borders,
) -> MvuConfig:
    """The unit of a layer.

    count: chunks of a window. weights: (count, inputs, channels) in the order in which operands come; None leaves their table
    empty, for estimates. lanes: output channels at a time.
    """
    inputs, channels = layer.window.taps * layer.input.channels // count, layer.channels
    repeats = -(-channels // lanes)
    weights_words = count * repeats
    multiplier: PopcountConfig | DotConfig
    activating = None
    if isinstance(layer, Fixed):
        numbers = _numbers(layer, borders)
        code = layer.input
        multiplier = DotConfig(inputs, code.bits, code.signed, numbers.field_bits, lanes, numbers.sum_bits)
        activating = activation.configure(layer.name, layer.activation, lanes, numbers.sum_bits)
        result_bits, scores, loads = activating.result_bits, True, code.bits
    else:
        assert isinstance(layer, Convolution)
        numbers = _numbers(layer, borders)
        multiplier = PopcountConfig(inputs, layer.input.bits, lanes, constant=weights_words == 1)
        scores, loads = layer.thresholds is None, layer.input.bits
        result_bits = numbers.sum_bits if scores else 1
    words: tuple[int, ...] = (0,) * weights_words
    if weights is not None:
        stored = weights if isinstance(layer, Fixed) else weights < 0  # the bits that are flipped
        fields = np.zeros((count, inputs, repeats * lanes), stored.dtype)
        fields[:, :, :channels] = stored
        # words follow the folds: repeats slowest; inside a word lanes are fastest
        by_fold = fields.reshape(count, inputs, repeats, lanes).transpose(2, 0, 1, 3)
        words = pack_words(by_fold.reshape(weights_words, inputs * lanes), numbers.field_bits)
    return MvuConfig(
        layer.name,
        multiplier,
        AccumulateConfig(lanes, multiplier.count_bits, numbers.sum_bits, numbers.gain, folded=count > 1, scores=scores),
        RomConfig(layer.name, "weights", inputs * lanes * numbers.field_bits, words, weights_style, loads),
        _biases(layer, lanes, borders),
        None if repeats == 1 else CollectConfig(channels * result_bits, lanes * result_bits, repeats),
        activating,
    )


@lru_cache(maxsize=64)
def _numbers(layer: Linear, borders: Borders) -> _Numbers:
    """What a layer's arithmetic comes to, however it is folded."""
    if isinstance(layer, Fixed):
        return _fixed(layer, borders(layer))
    assert isinstance(layer, Convolution)
    return _binary(layer, borders(layer))


@lru_cache(maxsize=256)
def _biases(layer: Linear, lanes: int, borders: Borders) -> RomConfig:
    """The table of initial values. Planning asks for few of them, and often."""
    numbers = _numbers(layer, borders)
    rows, repeats = len(numbers.bias), -(-layer.channels // lanes)
    filled = np.zeros((rows, repeats * lanes), np.int64)
    filled[:, : layer.channels] = numbers.bias
    starts = np.zeros((rows, 1 << (index_bits(repeats) if repeats > 1 else 0), lanes), np.int64)
    starts[:, :repeats] = filled.reshape(rows, repeats, lanes)
    words = starts.reshape(-1, lanes)[: (rows - 1) * starts.shape[1] + repeats]
    style = style_of(len(words), MERGED_BIASES, FAMILY.block_ram_from)
    return RomConfig(layer.name, "biases", lanes * numbers.sum_bits, pack_words(words, numbers.sum_bits), style)


def _fixed(layer: Fixed, borders: NDArray[np.int64]) -> _Numbers:
    """Weights in two's complement; sums start at the bias and at what the grid's offset adds."""
    bias = layer.bias + layer.grid.offset * borders
    return _Numbers(layer.weight_bits, bias, layer.grid.gain, layer.sum_bits)


def _binary(layer: Convolution, borders: NDArray[np.int64]) -> _Numbers:
    """Weights of one bit; sums start such that their top bit is the decision, or at the score of no counts."""
    inputs, grid, levels = layer.window.taps * layer.input.channels, layer.grid, 1 << layer.input.bits
    negative = (levels - 1) * (inputs - layer.tap_sums.sum(axis=(0, 1))) // 2
    if layer.thresholds is None:
        return _Numbers(1, grid.offset * borders - grid.gain * negative, grid.gain, layer.layout.bits)
    # accumulator >= threshold, with accumulator = gain * (count - negative) + offset * border, solved for the count
    highest = (levels - 1) * inputs
    reached = -((grid.offset * borders - layer.thresholds) // grid.gain) + negative
    bias = -np.clip(reached, 0, highest + 1)
    sum_bits = max(int(-bias.min() - 1).bit_length(), int((bias + highest).max()).bit_length()) + 1
    return _Numbers(1, bias + (1 << (sum_bits - 1)), 1, sum_bits)  # set where the count reaches its mark
