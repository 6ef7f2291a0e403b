"""A dense layer: frames gathered from the stream, and the matrix-vector unit that they feed."""

from __future__ import annotations

from dataclasses import dataclass

from sigmabit.golden.dense import Dense

from . import mvu as unit
from .convolution import operand_for
from .cost import Cost
from .folding import Folding
from .gather import GatherConfig, gather
from .module import composite
from .mvu import MvuConfig, mvu


@dataclass(frozen=True)
class DenseConfig:
    """name: the layer's. frames: what reads its operands. mvu: what they meet."""

    name: str
    frames: GatherConfig
    mvu: MvuConfig

    @property
    def module(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The instance's name in the pipeline."""
        return self.name

    @property
    def cost(self) -> Cost:
        """Expected size."""
        return self.frames.cost + self.mvu.cost

    @property
    def latency(self) -> int:
        """Cycles from the issue of a frame's last chunk to its result."""
        return self.frames.latency + self.mvu.latency


def configure(layer: Dense, folding: Folding, frames: int, contents: bool = True) -> DenseConfig:
    """The blocks of a layer: folding.group positions and 1 / folding.slices of the channels at a time.

    frames: that the buffer holds. contents: False leaves the table of weights empty, for estimates.
    """
    positions, inputs, channels = layer.window.inputs, layer.input.channels, layer.channels
    gathered = GatherConfig(
        positions, layer.input.layout.beat_bits, folding.group, folding.slices, folding.repeats(channels), frames
    )
    # weights (position, c, o) in the order of the chunks: groups of positions, slices of c
    split = layer.matrix.reshape(positions // folding.group, folding.group, folding.slices, inputs // folding.slices, channels)
    chunks = split.transpose(0, 2, 1, 3, 4).reshape(gathered.fold.chunks, -1, channels)
    borders = layer.matrix.sum(axis=0, dtype="int64")[None]
    style = folding.weights_style(gathered.fold.folds)
    return DenseConfig(layer.name, gathered, unit.configure(layer, chunks, folding.lanes, style, borders, contents))


@composite
def dense(clk, rst, sink, source, config):
    """source = one beat per frame: the products of the whole frame with the layer's weights, thresholded, or as scores."""
    gathered, array = config.frames, config.mvu
    operand = operand_for(gathered.chunk_bits, gathered.fold.address_bits, gathered.bias_bits, array)
    return gather(clk, rst, sink, operand, gathered), mvu(clk, rst, operand, source, array)
