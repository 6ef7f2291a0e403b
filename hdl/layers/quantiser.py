"""Codes made of sums that are on a stream as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from myhdl import always_comb, block

from sigmabit.golden.arithmetic.steps import Steps
from sigmabit.golden.layers.quantiser import Quantiser
from sigmabit.golden.types.range import Range

from ..arithmetic import stepping
from ..arithmetic.stepping import Stepping
from ..family import Billed, Cost, Family
from ..verilog.fabric import Blocks, field, joined, like, pass_on
from ..verilog.module import composite, leaf
from ..verilog.stream import Flow, wire
from .kind import Arrivals, Unfolded, Use
from .layer import LayerConfig, Stage


@dataclass(frozen=True)
class PresentConfig(Billed):
    """bits, signed: of a sum. sum_bits: of what is compared. falling: for each number of a beat, is that its complement?"""

    name: str
    bits: int
    signed: bool
    sum_bits: int
    falling: tuple[bool, ...]

    def __post_init__(self) -> None:
        if self.sum_bits < self.bits + (not self.signed):
            raise ValueError(f"{self.name}: sum_bits={self.sum_bits} for sums of {self.bits} bits")

    @property
    def module(self) -> str:
        return f"{self.name}_present"

    def bill(self, family: Family) -> Cost:
        """Wires; what is complemented is so in the comparators."""
        return Cost()

    @property
    def latency(self) -> int:
        """None."""
        return 0


@block
def complement(source, target, mask):
    """target = source with the bits of the mask flipped."""

    @always_comb
    def flip():
        target.next = source ^ mask

    return flip


@leaf
def present(sink, source, config):
    """source = each number of sink in two's complement, or its complement, which is one less than its negative; without delay."""
    blocks: Blocks = [pass_on(sink.valid, source.valid)]
    sums = like(sink.data)  # conversion gets slices of an interface's signal wrong, hence a copy
    blocks.append(pass_on(sink.data, sums))
    results, missing = [], config.sum_bits - config.bits
    for number, falls in enumerate(config.falling):
        total = field(sums, number, config.bits)
        sign = total if config.bits == 1 else total(config.bits - 1)
        wide, result = wire(config.sum_bits), wire(config.sum_bits)
        blocks.append(pass_on(joined([total, *[sign if config.signed else "0"] * missing]), wide))
        blocks.append(complement(wide, result, (1 << config.sum_bits) - 1 if falls else 0))
        results.append(result)
    blocks.append(pass_on(joined(results), source.data))
    return blocks


@dataclass(frozen=True)
class QuantiserConfig(LayerConfig):
    """present: the sums as they are compared. steps: what makes codes of them."""

    present: PresentConfig
    steps: Stepping

    @property
    def block(self) -> Any:
        return quantiser

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.present, self.steps


def configure(layer: Quantiser, positions: int = 1) -> QuantiserConfig:
    """The blocks of a layer, with so many positions side by side."""
    # minus a sum reaches a threshold where its complement reaches one less
    thresholds = Steps(layer.steps.thresholds - layer.falling[:, None])
    tensor = layer.input
    ends = tensor.low, tensor.high, ~tensor.low, ~tensor.high, int(thresholds.thresholds.min()), int(thresholds.thresholds.max())
    sum_bits = max(2, Range(min(ends), max(ends)).bits)
    falling = tuple(np.tile(layer.falling, positions).tolist())
    return QuantiserConfig(
        layer.name,
        PresentConfig(layer.name, tensor.bits, tensor.signed, sum_bits, falling),
        stepping.configure(layer.name, thresholds, tensor.channels, sum_bits, positions),
    )


@composite
def quantiser(clk, rst, sink, source, config):
    """source = the codes of sink's sums."""
    sums = Flow(config.present.sum_bits * len(config.present.falling))
    return (
        present(sink, sums, config.present),
        config.steps.block(clk, rst, sums, source, config.steps),
    )


@dataclass(frozen=True)
class QuantiserKind(Unfolded):
    """A position in, a position out."""

    layer: Quantiser

    def sized(self, arrivals: Arrivals, folding: None, contents: bool = True) -> QuantiserConfig:
        return configure(self.layer, self.positions)

    def expected_cost(self, folding: None, use: Use) -> Cost:
        return configure(self.layer, self.positions).bill(use.family)
