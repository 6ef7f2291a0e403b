"""A dense layer: frames gathered from the stream, and the matrix-vector unit that they feed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.layers.linear import Linear
from sigmabit.golden.types.layout import Layout

from ..arithmetic.products import Products
from ..arithmetic.rom import RomStyle
from ..family import Cost
from ..verilog.module import composite
from . import mvu as unit
from .convolution import operand_for
from .eager import EagerConfig
from .folding import Folding, Unsuitable
from .gather import GatherConfig, frames_needed, gather_starts
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


def configure(arithmetic: Arithmetic, folding: Folding, frames: int, contents: bool = True, positions: int = 1) -> DenseConfig:
    """The blocks of a layer: folding.group beats and 1 / folding.slices of their codes at a time.

    frames: that the buffer holds. contents: False leaves the table of weights empty, for estimates. positions: side by side in a
    beat.
    """
    layer, sink = arithmetic.layer, arithmetic.layer.input.layout.side_by_side(positions)
    repeats, kept = folding.repeats(layer.channels), sink.beat_bits // positions * (positions - sink.filler)
    row = (sink.line, kept) if sink.filler else None
    reading = EagerConfig if folding.eager else GatherConfig
    gathered = reading(sink.beats, sink.beat_bits, folding.group, folding.slices, repeats, frames, row)
    chunks, style = gathered.fold.chunks, folding.weights_style(gathered.fold.folds)
    if contents:
        return DenseConfig(layer.name, gathered, _filled(arithmetic, folding, chunks, style, sink))
    return DenseConfig(layer.name, gathered, _unit(arithmetic, folding, chunks, style, sink, None))


def _filler(sink: Layout) -> int:
    """Codes of a frame's beats that are none of the frame's."""
    return sink.lines * sink.filler * sink.channels


@lru_cache(maxsize=32)
def _filled(arithmetic: Arithmetic, folding: Folding, chunks: int, style: RomStyle, sink: Layout) -> MvuConfig:
    """The unit with its weights. From point to point of a sweep, most layers stay as they are."""
    layer = arithmetic.layer
    # weights (row, column, c, o), none for what beats are filled up with; chunks go by groups of beats, then by slices
    matrix = sink.cut(layer.matrix.reshape(1, *sink.shape, layer.channels))
    parts = sink.beats // folding.group, folding.group, folding.slices, sink.positions * sink.channels // folding.slices
    weights = matrix.reshape(*parts, layer.channels).transpose(0, 2, 1, 3, 4).reshape(chunks, -1, layer.channels)
    return _unit(arithmetic, folding, chunks, style, sink, weights)


def _unit(
    arithmetic: Arithmetic, folding: Folding, chunks: int, style: RomStyle, sink: Layout, weights: NDArray[np.integer] | None
) -> MvuConfig:
    return unit.configure(
        arithmetic, chunks, weights, folding.lanes, style, borders, None, _filler(sink), folding.products, bool(folding.eager)
    )


def borders(layer: Linear) -> NDArray[np.int64]:
    """What all kernel positions add, (1, channels): none lies outside."""
    return layer.tap_offsets.sum(axis=(0, 1))[None]


@composite
def dense(clk, rst, sink, source, config):
    """source = one beat per frame: the products of the whole frame with the layer's weights, made bits or codes, or as scores."""
    gathered, array = config.frames, config.mvu
    operand = operand_for(gathered.chunk_bits, gathered.fold.address_bits, gathered.bias_bits, array)
    return gathered.block(clk, rst, sink, operand, gathered), mvu(clk, rst, operand, source, array)


@dataclass(frozen=True)
class DenseKind(Weighted):
    """Whole frames: some beats at a time, or some codes of one. What is waited for, a portion, is the frame, or, if eager, each
    group of beats.
    """

    @property
    def places(self) -> int:
        return 1

    @property
    def whole(self) -> int:
        return self.sink.beats

    @property
    def divided(self) -> int:
        return self.positions * self.layer.input.channels

    @property
    def inputs(self) -> int:
        return self.whole * self.divided

    @property
    def turns(self) -> int:
        return 1

    @property
    def last_turns(self) -> int:
        return 1

    def ways(self, folding: Folding) -> tuple[Products, ...]:
        """Where a beat has codes that are none of the frame's, they would be counted, unless those that count are chosen."""
        ways = super().ways(folding)
        counted = not _filler(self.sink) or self.folds(folding) == 1
        return ways if counted else tuple(way for way in ways if way != "planes")

    def cuts(self) -> Iterator[tuple[int, int]]:
        yield from ((group, 1) for group in divisors(self.whole, self.whole))
        yield from ((1, slices) for slices in divisors(self.divided, MOST_SLICES) if slices > 1)

    def hastened(self, folding: Folding) -> Iterator[Folding]:
        if folding.group < self.whole:
            yield replace(folding, eager=True)

    def check(self, folding: Folding) -> None:
        super().check(folding)
        if self.whole % folding.group:
            raise Unsuitable(f"{self.layer.name}: group={folding.group} does not divide {self.whole} beats")
        if folding.group > 1 and folding.slices > 1:
            raise Unsuitable(f"{self.layer.name}: group={folding.group} and slices={folding.slices}, one of them is 1")

    def needs(self, position: int) -> int:
        return self.whole - 1

    def portions(self, folding: Folding) -> int:
        """Parts of a frame, each of which is read as soon as it has come."""
        return self.whole // folding.group if folding.eager else 1

    def folds_of_portion(self, folding: Folding) -> int:
        """Cycles that each takes."""
        return self.folds(folding) // self.portions(folding)

    def delay(self, folding: Folding) -> int:
        return self.folds_of_portion(folding)

    def starts(self, arrivals: Arrivals, folding: Folding) -> Times:
        """Those of the last of each frame's portions."""
        return self._starts(self._portions(arrivals, folding), folding).reshape(len(arrivals.beats), -1)[:, -1:]

    def results(self, arrivals: Arrivals, folding: Folding, config: LayerConfig) -> Times:
        return self.starts(arrivals, folding) + self.folds_of_portion(folding) - 1 + config.latency

    def _portions(self, arrivals: Arrivals, folding: Folding) -> Times:
        """(portions, beats) when what is waited for comes."""
        return arrivals.beats.reshape(-1, self.whole // self.portions(folding))

    def _starts(self, portions: Times, folding: Folding) -> Times:
        """(portions, 1) when they begin to be read."""
        return gather_starts(portions, self.folds_of_portion(folding))

    def sized(self, arrivals: Arrivals, folding: Folding, contents: bool = True) -> LayerConfig:
        part = configure(self.arithmetic, folding, frames=1, contents=False, positions=self.positions).frames.part
        portions = self._portions(arrivals, folding)
        frames = frames_needed(portions, self._starts(portions, folding), part)
        return configure(self.arithmetic, folding, frames, contents, self.positions)

    def expected_cost(self, folding: Folding, use: Use) -> Cost:
        contents = self.arithmetic.reckons(self.folds(folding))
        return configure(self.arithmetic, folding, 2 if folding.eager else 1, contents, positions=self.positions).bill(use.family)
