"""How much of a layer is computed per cycle."""

from __future__ import annotations

from dataclasses import dataclass

from sigmabit.golden.layers.linear import Linear

from ..arithmetic.rom import RomStyle, style_of


class Unsuitable(ValueError):
    """A folding that does not suit its layer, or frames that come too fast for it; the message says why."""


@dataclass(frozen=True)
class Folding:
    """A chunk of a window and a group of output channels per cycle.

    group: kernel columns (of a convolution: 1 or all; all kernel rows are taken at once) or positions (of a dense layer: any
    divisor) per chunk. slices: parts that a position's channels are taken in. lanes: output channels at a time; the last group
    may be incomplete. block: deep tables of weights go to block RAM.
    """

    group: int
    slices: int
    lanes: int
    block: bool = False

    def __post_init__(self) -> None:
        for name in ("group", "slices", "lanes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")

    def repeats(self, channels: int) -> int:
        """Groups of output channels."""
        return -(-channels // self.lanes)

    def chunks(self, layer: Linear) -> int:
        """Chunks of a window."""
        whole = layer.window.taps if layer.dense else layer.window.columns.kernel
        return whole // self.group * self.slices

    def folds(self, layer: Linear) -> int:
        """Cycles per output position."""
        return self.chunks(layer) * self.repeats(layer.channels)

    def inputs(self, layer: Linear) -> int:
        """Codes that are multiplied per cycle."""
        return layer.window.taps * layer.input.channels // self.chunks(layer)

    def weights_style(self, words: int) -> RomStyle:
        """Where a table of so many words lives."""
        return style_of(words, 1, 2 if self.block else words + 1)

    def check(self, layer: Linear) -> None:
        """Raises Unsuitable where the folding does not fit the layer."""
        whole = layer.window.taps if layer.dense else layer.window.columns.kernel
        if whole % self.group or (not layer.dense and self.group not in (1, whole)):
            raise Unsuitable(f"{layer.name}: group={self.group} does not suit a kernel of {whole}")
        if layer.input.channels % self.slices:
            raise Unsuitable(f"{layer.name}: slices={self.slices} does not divide {layer.input.channels} channels")
        if layer.dense and self.group > 1 and self.slices > 1:
            raise Unsuitable(f"{layer.name}: group={self.group} and slices={self.slices}, one of them is 1")
        if not 1 <= self.lanes <= layer.channels:
            raise Unsuitable(f"{layer.name}: lanes={self.lanes} is not from 1 to {layer.channels} channels")
