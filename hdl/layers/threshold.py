"""Binarisation of codes, each against its own threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from myhdl import always_comb, block

from sigmabit.golden.layers.threshold import Threshold

from ..arithmetic.rom import RomConfig, RomStyle, pack_words, rom, style_of
from ..family import Cost, Family
from ..family.rules import BLOCK_RAM_FROM
from ..verilog.fabric import Blocks, age, age_reset, count, field, joined, like, register
from ..verilog.module import composite, leaf
from ..verilog.stream import ADDRESS_LEAD, bit, wire
from .kind import Arrivals, Unfolded, Use
from .layer import LayerConfig, Stage


@dataclass(frozen=True)
class CompareConfig:
    """channels codes of `bits` bits per beat; positions: how many beats have thresholds of their own, 1 where all share them."""

    channels: int
    bits: int
    positions: int

    @property
    def module(self) -> str:
        return f"compare_{self.channels}x{self.bits}_{self.positions}"

    @property
    def limit_bits(self) -> int:
        """Bits of a channel's entry: the threshold, which may be one beyond the codes, and above it whether the bit falls."""
        return self.bits + 2

    def bill(self, family: Family) -> Cost:
        """Expected size: a comparison with a constant or with a table's entry, per channel."""
        per_code = self.bits / 3 if self.positions == 1 else self.bits + 1
        return Cost(self.channels * per_code + 10, self.channels * (2 * self.bits + 1) + 4)

    @property
    def latency(self) -> int:
        """Cycles from codes to bits."""
        return ADDRESS_LEAD + 1


@block
def compare_code(code, limit, falling, result):
    """result = (code >= limit) XOR falling."""

    @always_comb
    def decide():
        result.next = (code >= limit) != falling

    return decide


@leaf
def compare(clk, rst, sink, position, limits, source, config):
    """source = the codes of sink against the limits of their position, config.latency cycles later.

    position: the address that limits are read at, None where there is one set. limits: `limit_bits` per channel, in answer to
    position after ADDRESS_LEAD cycles.
    """
    blocks: Blocks = []
    if position is not None:
        blocks.append(count(clk, rst, sink.valid, position, None, config.positions))
    codes = like(sink.data)
    blocks.append(age(clk, sink.data, codes, ADDRESS_LEAD))
    results = [bit() for _ in range(config.channels)]
    for channel, result in enumerate(results):
        entry = channel * config.limit_bits
        limit, falling = limits(entry + config.bits + 1, entry), limits(entry + config.bits + 1)
        blocks.append(compare_code(field(codes, channel, config.bits), limit, falling, result))
    blocks.append(register(clk, joined(results), source.data))
    blocks.append(age_reset(clk, rst, sink.valid, source.valid, config.latency))
    return blocks


@dataclass(frozen=True)
class ThresholdConfig(LayerConfig):
    """A layer of thresholds: its name, the comparators and the table of their limits."""

    compare: CompareConfig
    limits: RomConfig

    @property
    def block(self) -> Any:
        return threshold

    @property
    def stages(self) -> tuple[Stage, ...]:
        return (self.compare,)

    def bill(self, family: Family) -> Cost:
        """Expected size, the table's included, which lies beside the comparators."""
        return super().bill(family) + self.limits.bill(family)


def configure(layer: Threshold, positions: int = 1) -> ThresholdConfig:
    """The blocks of a layer, with so many positions side by side."""
    sink = layer.input.layout.side_by_side(positions)
    channels = positions * sink.channels
    every = np.broadcast_to(layer.thresholds + (layer.falling.astype(np.int64) << (layer.input.bits + 1)), sink.shape)
    entries = sink.cut(every[None], repeat=True).reshape(-1, channels)
    if np.all(entries == entries[0]):
        entries = entries[:1]
    comparators = CompareConfig(channels, layer.input.bits, len(entries))
    words = pack_words(entries, comparators.limit_bits)
    style = style_of(len(words), 0, BLOCK_RAM_FROM)
    limits = RomConfig(layer.name, "limits", channels * comparators.limit_bits, words, style)
    return ThresholdConfig(layer.name, comparators, limits)


@composite
def threshold(clk, rst, sink, source, config):
    """bit = (code >= threshold) XOR falling, for each code of each position."""
    limits = wire(config.limits.width)
    position = None if config.limits.style is RomStyle.CONSTANT else wire(config.limits.address_bits)
    comparators = compare(clk, rst, sink, position, limits, source, config.compare)
    table = rom(None if position is None else clk, position, limits, config.limits)
    return comparators, table


@dataclass(frozen=True)
class ThresholdKind(Unfolded):
    """A position in, a position out."""

    layer: Threshold

    def sized(self, arrivals: Arrivals, folding: None, contents: bool = True) -> ThresholdConfig:
        return configure(self.layer, self.positions)

    def expected_cost(self, folding: None, use: Use) -> Cost:
        return configure(self.layer, self.positions).bill(use.family)
