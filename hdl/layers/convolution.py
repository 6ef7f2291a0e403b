"""A convolution layer: windows of the stream, and the matrix-vector unit that they feed."""

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
from ..verilog.stream import Operand
from . import mvu as unit
from .folding import Folding
from .kind import Arrivals, Use
from .layer import LayerConfig, Stage
from .mvu import Arithmetic, MvuConfig, mvu
from .timing import Times
from .weighted import MOST_SLICES, Weighted, divisors
from .window import WindowConfig, rows_needed, window, window_starts


@dataclass(frozen=True)
class ConvolutionConfig(LayerConfig):
    """name: the layer's. windows: what reads its operands. mvu: what they meet."""

    windows: WindowConfig
    mvu: MvuConfig

    @property
    def block(self) -> Any:
        return convolution

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.windows, self.mvu


def configure(arithmetic: Arithmetic, folding: Folding, rows: int, contents: bool = True) -> ConvolutionConfig:
    """The blocks of a layer: folding.group kernel columns and 1 / folding.slices of the channels at a time.

    rows: of the buffer. contents: False leaves the table of weights empty, for estimates.
    """
    layer, repeats = arithmetic.layer, folding.repeats(arithmetic.layer.channels)
    width = layer.input.layout.beat_bits
    windows = WindowConfig(layer.window, width, folding.group, folding.slices, repeats, rows)
    chunks, style = windows.fold.chunks, folding.weights_style(windows.fold.folds)
    if contents:
        return ConvolutionConfig(layer.name, windows, _filled(arithmetic, folding, chunks, style))
    return ConvolutionConfig(layer.name, windows, unit.configure(arithmetic, chunks, None, folding.lanes, style, borders))


@lru_cache(maxsize=32)
def _filled(arithmetic: Arithmetic, folding: Folding, chunks: int, style: RomStyle) -> MvuConfig:
    """The unit with its weights. From point to point of a sweep, most layers stay as they are."""
    layer = arithmetic.layer
    # weights (ky, kx, c, o) in the order of the chunks: groups of kx, slices of c; inside a chunk ky, kx, c
    kernel_rows, kernel_columns, inputs, channels = layer.weights.shape
    parts = kernel_columns // folding.group, folding.group, folding.slices, inputs // folding.slices
    split = layer.weights.reshape(kernel_rows, *parts, channels)
    weights = split.transpose(1, 3, 0, 2, 4, 5).reshape(chunks, -1, channels)
    return unit.configure(arithmetic, chunks, weights, folding.lanes, style, borders)


def borders(layer: Linear) -> NDArray[np.int64]:
    """Sums of the weights inside the image, (borders, channels), a row for each value of Operand.bias above the repeat."""
    windows = WindowConfig(layer.window, layer.input.layout.beat_bits, 1, 1, 1, layer.window.rows.kernel)
    _, column_bits, _ = windows.bias_fields
    down, across = np.array(windows.row_classes, np.int64), np.array(windows.column_classes, np.int64)
    # sums of the taps inside, (row classes, column classes, channels)
    inside = np.tensordot(across, np.tensordot(down, layer.tap_sums, 1), (1, 1)).swapaxes(0, 1)
    words = np.zeros((len(down), 1 << column_bits, layer.channels), np.int64)
    words[:, : len(across)] = inside
    return words.reshape(-1, layer.channels)[: (len(down) - 1 << column_bits) + len(across)]


@composite
def convolution(clk, rst, sink, source, config):
    """source = the convolution of sink's frames with the layer's weights, made bits or codes, or as scores."""
    windows, array = config.windows, config.mvu
    operand = operand_for(windows.chunk_bits, windows.fold.address_bits, windows.bias_bits, array)
    return window(clk, rst, sink, operand, windows), mvu(clk, rst, operand, source, array)


def operand_for(bits: int, address_bits: int, bias_bits: int, array: MvuConfig) -> Operand:
    """The operand between a source of that shape and a unit, without what the folding has no use for."""
    needs_address = len(array.weights.words) > 1
    return Operand(bits, address_bits if needs_address else 0, bias_bits, folded=array.accumulate.folded)


@dataclass(frozen=True)
class ConvolutionKind(Weighted):
    """Windows that slide over the image: one kernel column at a time or all of them, and some of the channels."""

    def cuts(self) -> Iterator[tuple[int, int]]:
        for group in sorted({1, self.layer.window.columns.kernel}):
            yield from ((group, slices) for slices in divisors(self.layer.input.channels, MOST_SLICES))

    def needs(self, position: int) -> int:
        return self.layer.window.needs()[position]

    def starts(self, arrivals: Arrivals, folding: Folding) -> Times:
        return window_starts(arrivals.beats, self.layer.window, self.folds(folding))

    def sized(self, arrivals: Arrivals, folding: Folding, contents: bool = True) -> LayerConfig:
        rows = rows_needed(arrivals.beats, self.starts(arrivals, folding), self.layer.window, self.folds(folding))
        return configure(self.arithmetic, folding, rows, contents)

    def expected_cost(self, folding: Folding, use: Use) -> Cost:
        return configure(self.arithmetic, folding, rows=self.layer.window.rows.kernel + 1, contents=False).cost
