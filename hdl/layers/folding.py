"""How much of a layer is computed per cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from ..arithmetic.products import Products
from ..arithmetic.rom import RomStyle, style_of


class Unsuitable(ValueError):
    """A folding that does not suit its layer, or frames that come too fast for it; the message says why."""


@dataclass(frozen=True)
class Folding:
    """A chunk of a window and a group of output channels per cycle.

    group: kernel columns (of a convolution: 1 or all; all kernel rows are taken at once) or beats (of a dense layer: any
    divisor) per chunk. slices: parts that a position's channels, or a dense layer's beats, are taken in. lanes: output channels
    at a time; the last group may be incomplete. block: deep tables of weights go to block RAM. products: what those of
    codes and weights are made by. eager: results come sooner: a dense layer multiplies each group of beats as soon as it has
    come, for all outputs, instead of waiting for the frame; one that is unrolled has adders that take so many cycles less.
    """

    group: int
    slices: int
    lanes: int
    block: bool = False
    products: Products = "single"
    eager: bool | int = False

    def __post_init__(self) -> None:
        for name in ("group", "slices", "lanes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        if self.eager < 0:
            raise ValueError(f"eager={self.eager} is below 0")
        if self.products not in get_args(Products):
            raise ValueError(f"products={self.products:.20} is none of {', '.join(get_args(Products))}")

    def repeats(self, channels: int) -> int:
        """Groups of output channels."""
        return -(-channels // self.lanes)

    def weights_style(self, words: int) -> RomStyle:
        """Where a table of so many words lives."""
        return style_of(words, 1, 2 if self.block else words + 1)
