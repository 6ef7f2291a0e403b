"""A convolution layer: windows of the stream, and the matrix-vector unit that they feed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sigmabit.golden.linear import Linear

from . import mvu as unit
from .folding import Folding
from .layer import LayerConfig, Stage
from .module import composite
from .mvu import MvuConfig, mvu
from .stream import Operand
from .window import WindowConfig, window


@dataclass(frozen=True)
class ConvolutionConfig(LayerConfig):
    """name: the layer's. windows: what reads its operands. mvu: what they meet."""

    windows: WindowConfig
    mvu: MvuConfig

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.windows, self.mvu


def configure(layer: Linear, folding: Folding, rows: int, contents: bool = True) -> ConvolutionConfig:
    """The blocks of a layer: folding.group kernel columns and 1 / folding.slices of the channels at a time.

    rows: of the buffer. contents: False leaves the table of weights empty, for estimates.
    """
    across, repeats = layer.window.columns.kernel, folding.repeats(layer.channels)
    width = layer.input.layout.beat_bits
    windows = WindowConfig(layer.window, width, folding.group, folding.slices, repeats, rows)
    # weights (ky, kx, c, o) in the order of the chunks: groups of kx, slices of c; inside a chunk ky, kx, c
    down, _, inputs, channels = layer.weights.shape
    split = layer.weights.reshape(
        down, across // folding.group, folding.group, folding.slices, inputs // folding.slices, channels
    )
    chunks = split.transpose(1, 3, 0, 2, 4, 5).reshape(windows.fold.chunks, -1, channels)
    _, column_bits, _ = windows.bias_fields
    borders = np.zeros(((len(windows.row_classes) - 1 << column_bits) + len(windows.column_classes), channels), np.int64)
    per_tap = layer.weights.sum(axis=2, dtype=np.int64)
    for r, row_inside in enumerate(windows.row_classes):
        for c, column_inside in enumerate(windows.column_classes):
            inside = np.outer(row_inside, column_inside)
            borders[(r << column_bits) + c] = np.tensordot(inside.astype(np.int64), per_tap, 2)
    style = folding.weights_style(windows.fold.folds)
    return ConvolutionConfig(layer.name, windows, unit.configure(layer, chunks, folding.lanes, style, borders, contents))


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
