"""The matrix-vector unit: operands times a folded matrix of binary weights, position by position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from myhdl import Signal
from numpy.typing import NDArray

from sigmabit.golden.convolution import Convolution

from .accumulate import AccumulateConfig, accumulate
from .collect import CollectConfig, collect
from .cost import Cost
from .delay import DelayConfig, delay
from .module import composite
from .popcount import PopcountConfig, popcount
from .rom import RomConfig, RomStyle, pack_words, rom, style_of
from .stream import ADDRESS_LEAD, Flow, bit, index_bits, wire


@dataclass(frozen=True)
class MvuConfig:
    """The blocks of one unit. collect is None where all output channels are computed at once."""

    name: str
    popcount: PopcountConfig
    accumulate: AccumulateConfig
    weights: RomConfig
    biases: RomConfig
    collect: CollectConfig | None

    @property
    def module(self) -> str:
        return f"{self.name}_mvu"

    @property
    def cost(self) -> Cost:
        """Expected size."""
        control = Cost(8, 8)
        total = self.popcount.cost + self.accumulate.cost + self.weights.cost + self.biases.cost + control
        return total + (self.collect.cost if self.collect else Cost())

    @property
    def latency(self) -> int:
        """Cycles from the last operand of a position to its result."""
        return self.popcount.latency + self.accumulate.latency + (self.collect.latency if self.collect else 0)


@composite
def mvu(clk, rst, operand, source, config):
    """source = for each position and output channel, whether the weighted sum reaches its threshold, or the sum itself.

    The weights of a chunk come from their table by operand.address, the initial value of an accumulation by operand.bias.
    """
    counting, adding = config.popcount, config.accumulate
    weights, bias = wire(config.weights.width), wire(config.biases.width)
    counts = wire(counting.lanes * counting.count_bits)
    instances = [
        rom(_clock(clk, config.weights), operand.address, weights, config.weights),
        popcount(clk, operand.data, weights, counts, counting),
    ]
    if operand.bias is None:
        address = None
    elif counting.latency > ADDRESS_LEAD:
        address = wire(len(operand.bias))
        later = DelayConfig(len(operand.bias), counting.latency - ADDRESS_LEAD, reset=False)
        instances.append(delay(clk, None, operand.bias, address, later))
    else:
        address = operand.bias
    instances.append(rom(_clock(clk, config.biases), address, bias, config.biases))

    valid, first, last = bit(), None, None
    instances.append(delay(clk, rst, operand.valid, valid, DelayConfig(1, counting.latency, reset=True)))
    if adding.folded:
        first, last = bit(), bit()
        later = DelayConfig(1, counting.latency, reset=False)
        instances.append(delay(clk, None, operand.first, first, later))
        instances.append(delay(clk, None, operand.last, last, later))
    chunk = source if config.collect is None else Flow(adding.lanes * adding.result_bits)
    instances.append(accumulate(clk, rst, counts, bias, valid, first, last, chunk, adding))
    if config.collect is not None:
        instances.append(collect(clk, rst, chunk, source, config.collect))
    return instances


def _clock(clk: Signal, config: RomConfig) -> Signal | None:
    """A constant needs no clock."""
    return None if config.style is RomStyle.CONSTANT else clk


MERGED_BIASES = 8
"""Biases that merge into the LUTs before the carry chain."""

BIASES_BLOCK_FROM = 512
"""Biases go to block RAM from this many words on; below, a LUT6 holds 64 of them."""


def configure(
    layer: Convolution,
    chunks: NDArray[np.int8],
    lanes: int,
    weights_style: RomStyle,
    borders: NDArray[np.int64],
    contents: bool = True,
) -> MvuConfig:
    """The unit of a layer.

    chunks: (chunks, inputs, channels) weights in the order in which operands come. lanes: output channels at a time.
    borders: (borders, channels) sums of the weights that lie inside the image, one row for each value that the fields of
    Operand.bias above the repeat can take; (1, channels) where nothing is padded. contents: False leaves the table of weights
    empty, for estimates.
    """
    count, inputs, channels = chunks.shape
    repeats = -(-channels // lanes)
    bits = layer.input.bits
    weights_words = count * repeats
    counting = PopcountConfig(inputs, bits, lanes, constant=weights_words == 1)

    words: tuple[int, ...] = (0,) * weights_words
    if contents:
        flips = np.zeros((count, inputs, repeats * lanes), np.int8)
        flips[:, :, :channels] = chunks < 0
        # words follow the folds: repeats slowest; inside a word lanes are fastest
        by_fold = flips.reshape(count, inputs, repeats, lanes).transpose(2, 0, 1, 3)
        words = pack_words(by_fold.reshape(weights_words, inputs * lanes), 1)
    weights = RomConfig(layer.name, "weights", inputs * lanes, words, weights_style)

    grid = layer.grid
    negative = ((1 << bits) - 1) * (chunks < 0).sum(axis=(0, 1), dtype=np.int64)
    highest = ((1 << bits) - 1) * count * inputs
    if layer.thresholds is None:
        gain = grid.gain
        bias = grid.offset * borders - gain * negative
        sum_bits = layer.layout.bits
    else:
        # accumulator >= threshold, with accumulator = gain * (count - negative) + offset * border, solved for the count
        gain = 1
        reached = -((grid.offset * borders - layer.thresholds) // grid.gain) + negative
        bias = -np.clip(reached, 0, highest + 1)
        sum_bits = max(int(-bias.min() - 1).bit_length(), int((bias + highest).max()).bit_length()) + 1
        bias += 1 << (sum_bits - 1)  # the sum's top bit is then set where the count reaches its mark
    filled = np.zeros((len(borders), repeats * lanes), np.int64)
    filled[:, :channels] = bias
    starts = np.zeros((len(borders), 1 << (index_bits(repeats) if repeats > 1 else 0), lanes), np.int64)
    starts[:, :repeats] = filled.reshape(len(borders), repeats, lanes)
    flat = starts.reshape(-1, lanes)
    flat = flat[: (len(borders) - 1) * starts.shape[1] + repeats]
    adding = AccumulateConfig(lanes, counting.count_bits, sum_bits, gain, folded=count > 1, scores=layer.thresholds is None)
    return MvuConfig(
        layer.name,
        counting,
        adding,
        weights,
        RomConfig(
            layer.name,
            "biases",
            lanes * sum_bits,
            pack_words(flat, sum_bits),
            style_of(len(flat), MERGED_BIASES, BIASES_BLOCK_FROM),
        ),
        None if repeats == 1 else CollectConfig(channels * adding.result_bits, lanes * adding.result_bits, repeats),
    )
