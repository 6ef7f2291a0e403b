"""A dense layer: frames gathered from the stream, and the matrix-vector unit that they feed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.layers.linear import Linear

from ..arithmetic.rom import RomStyle
from ..family import Cost
from ..verilog.module import composite
from . import mvu as unit
from .convolution import operand_for
from .folding import Folding
from .gather import GatherConfig, frames_needed, gather, gather_starts
from .kind import Arrivals, Use
from .layer import LayerConfig, Stage
from .mvu import Arithmetic, MvuConfig, mvu
from .timing import Times
from .weighted import MOST_SLICES, Weighted, divisors


@dataclass(frozen=True)
class DenseConfig(LayerConfig):
    """name: the layer's. frames: what reads its operands. mvu: what they meet."""

    frames: GatherConfig
    mvu: MvuConfig

    @property
    def block(self) -> Any:
        return dense

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.frames, self.mvu


def configure(arithmetic: Arithmetic, folding: Folding, frames: int, contents: bool = True) -> DenseConfig:
    """The blocks of a layer: folding.group positions and 1 / folding.slices of the channels at a time.

    frames: that the buffer holds. contents: False leaves the table of weights empty, for estimates.
    """
    layer = arithmetic.layer
    width, repeats = layer.input.layout.beat_bits, folding.repeats(layer.channels)
    gathered = GatherConfig(layer.window.inputs, width, folding.group, folding.slices, repeats, frames)
    chunks, style = gathered.fold.chunks, folding.weights_style(gathered.fold.folds)
    if contents:
        return DenseConfig(layer.name, gathered, _filled(arithmetic, folding, chunks, style))
    return DenseConfig(layer.name, gathered, unit.configure(arithmetic, chunks, None, folding.lanes, style, borders))


@lru_cache(maxsize=32)
def _filled(arithmetic: Arithmetic, folding: Folding, chunks: int, style: RomStyle) -> MvuConfig:
    """The unit with its weights. From point to point of a sweep, most layers stay as they are."""
    layer = arithmetic.layer
    # weights (position, c, o) in the order of the chunks: groups of positions, slices of c
    positions, inputs, channels = layer.window.inputs, layer.input.channels, layer.channels
    parts = positions // folding.group, folding.group, folding.slices, inputs // folding.slices
    weights = layer.matrix.reshape(*parts, channels).transpose(0, 2, 1, 3, 4).reshape(chunks, -1, channels)
    return unit.configure(arithmetic, chunks, weights, folding.lanes, style, borders)


def borders(layer: Linear) -> NDArray[np.int64]:
    """Sums of all weights, (1, channels): nothing lies outside."""
    return layer.tap_sums.sum(axis=(0, 1))[None]


@composite
def dense(clk, rst, sink, source, config):
    """source = one beat per frame: the products of the whole frame with the layer's weights, made bits or codes, or as scores."""
    gathered, array = config.frames, config.mvu
    operand = operand_for(gathered.chunk_bits, gathered.fold.address_bits, gathered.bias_bits, array)
    return gather(clk, rst, sink, operand, gathered), mvu(clk, rst, operand, source, array)


@dataclass(frozen=True)
class DenseKind(Weighted):
    """Whole frames: some positions at a time, or some channels of one."""

    def cuts(self) -> Iterator[tuple[int, int]]:
        positions = self.layer.window.inputs
        yield from ((group, 1) for group in divisors(positions, positions))
        yield from ((1, slices) for slices in divisors(self.layer.input.channels, MOST_SLICES) if slices > 1)

    def needs(self, position: int) -> int:
        return self.layer.window.inputs - 1

    def starts(self, arrivals: Arrivals, folding: Folding) -> Times:
        return gather_starts(arrivals.beats, self.folds(folding))

    def sized(self, arrivals: Arrivals, folding: Folding, contents: bool = True) -> LayerConfig:
        fold = configure(self.arithmetic, folding, frames=1, contents=False).frames.fold
        frames = frames_needed(arrivals.beats, self.starts(arrivals, folding), fold)
        return configure(self.arithmetic, folding, frames, contents)

    def expected_cost(self, folding: Folding, use: Use) -> Cost:
        return configure(self.arithmetic, folding, frames=1, contents=False).cost
