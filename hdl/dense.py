"""A dense layer: frames gathered from the stream, and the matrix-vector unit that they feed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.linear import Linear

from . import mvu as unit
from .convolution import operand_for
from .folding import Folding
from .gather import GatherConfig, gather
from .layer import LayerConfig, Stage
from .module import composite
from .mvu import MvuConfig, mvu


@dataclass(frozen=True)
class DenseConfig(LayerConfig):
    """name: the layer's. frames: what reads its operands. mvu: what they meet."""

    frames: GatherConfig
    mvu: MvuConfig

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.frames, self.mvu


def configure(layer: Linear, folding: Folding, frames: int, contents: bool = True) -> DenseConfig:
    """The blocks of a layer: folding.group positions and 1 / folding.slices of the channels at a time.

    frames: that the buffer holds. contents: False leaves the table of weights empty, for estimates.
    """
    positions, inputs, channels = layer.window.inputs, layer.input.channels, layer.channels
    gathered = GatherConfig(
        positions, layer.input.layout.beat_bits, folding.group, folding.slices, folding.repeats(channels), frames
    )
    # weights (position, c, o) in the order of the chunks: groups of positions, slices of c
    weights, fold = None, gathered.fold
    if contents:
        split = layer.matrix.reshape(fold.groups, folding.group, fold.slices, inputs // fold.slices, channels)
        weights = split.transpose(0, 2, 1, 3, 4).reshape(fold.chunks, -1, channels)
    style = folding.weights_style(fold.folds)
    return DenseConfig(layer.name, gathered, unit.configure(layer, fold.chunks, weights, folding.lanes, style, borders))


def borders(layer: Linear) -> NDArray[np.int64]:
    """Sums of all weights, (1, channels): nothing lies outside."""
    return layer.tap_sums.sum(axis=(0, 1))[None]


@composite
def dense(clk, rst, sink, source, config):
    """source = one beat per frame: the products of the whole frame with the layer's weights, made bits or codes, or as scores."""
    gathered, array = config.frames, config.mvu
    operand = operand_for(gathered.chunk_bits, gathered.fold.address_bits, gathered.bias_bits, array)
    return gather(clk, rst, sink, operand, gathered), mvu(clk, rst, operand, source, array)
