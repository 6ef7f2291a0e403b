"""Layers of fixed-point weights: dense, and convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.activate import Activation
from ..types.range import Range
from ..types.reach import Reach
from .linear import Linear


@dataclass(frozen=True, eq=False)
class Fixed(Linear):
    """Integer sums of the input's values times weights of several bits, plus a bias, made codes by an activation.

    weights: (kernel_height, kernel_width, in_channels, out_channels) int64. bias: (out_channels,) int64, in units of a sum; half
    a unit of the result is part of it, so that the activation's shift rounds. scale: what a unit of a sum is
    worth; result_scale: what a code is, or becomes by a table of each channel's behind it. inside: (kernel_height, kernel_width,
    out_channels) int64, the bias of a kernel position, which it adds where it lies on the image instead of in the padding; None
    for none.
    """

    bias: NDArray[np.int64]
    activation: Activation
    scale: float = 1.0
    result_scale: float = 1.0
    inside: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bias.shape != (self.channels,):
            raise ValueError(f"{self.bias.shape} biases for {self.channels} channels")
        if self.inside is not None and self.inside.shape != self.tap_sums.shape:
            raise ValueError(f"biases of shape {self.inside.shape} for kernel positions of shape {self.tap_sums.shape}")

    @property
    def dense(self) -> bool:
        return self.window.whole

    @property
    def tap_offsets(self) -> NDArray[np.int64]:
        return super().tap_offsets if self.inside is None else super().tap_offsets + self.inside

    @cached_property
    def sum_range(self) -> tuple[int, int]:
        """Smallest and largest sum that any input can give, and any part of it summed up from the bias on.

        Padding, and sums that are not yet complete, contribute less than all taps: every tap may be left out.
        """
        values = self.grid.gain * np.array([self.input.low, self.input.high]) + self.grid.offset
        low, high = min(0, int(values[0])), max(0, int(values[1]))
        weights = self.matrix.astype(np.int64)
        positive, negative = np.maximum(weights, 0).sum(axis=0), np.maximum(-weights, 0).sum(axis=0)
        inside = np.zeros((1, 1, self.channels), np.int64) if self.inside is None else self.inside
        less, more = (part(inside, 0).sum(axis=(0, 1)) for part in (np.minimum, np.maximum))
        return (
            int((low * positive - high * negative + less + self.bias).min()),
            int((high * positive - low * negative + more + self.bias).max()),
        )

    @property
    def sum_bits(self) -> int:
        """Width of a sum in two's complement, at least 2."""
        low, high = self.sum_range
        return max((-low - 1).bit_length() if low < 0 else 0, max(high, 1).bit_length()) + 1

    @property
    def codes(self) -> Range:
        """Those of the activation."""
        return self.activation.codes

    def sums(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, in_channels) codes to (N, out_height, out_width, out_channels) sums, bias included."""
        return self.accumulators(codes) + self.bias

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, in_channels) codes to the result's (N, out_height, out_width, out_channels)."""
        return self.activation(self.sums(codes))

    def reach(self, inputs: Reach) -> Reach:
        sums, bias = self.reach_of_sums(inputs), self.bias
        if self.inside is not None:
            bias = bias + self.window.total_inside(self.inside)
        return _activated(self.activation, Reach(sums.low + bias, sums.high + bias))


def _activated(activation: Activation, sums: Reach) -> Reach:
    low, high = (np.clip(end >> activation.shift, *activation.limits) for end in (sums.low, sums.high))
    table = activation.table
    if table is None:
        return Reach(low, high)
    first, last = low - activation.limits[0], high - activation.limits[0]
    changes = np.concatenate([[0], np.cumsum(table[1:] != table[:-1])])
    constant = changes[first] == changes[last]
    return Reach(np.where(constant, table[first], table.min()), np.where(constant, table[first], table.max()))
