"""The type of a tensor between two layers."""

from __future__ import annotations

from dataclasses import dataclass

from .layout import Layout
from .range import Range


@dataclass(frozen=True)
class TensorType:
    """height x width positions of `channels` codes each."""

    height: int
    width: int
    channels: int
    codes: Range

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels

    @property
    def bits(self) -> int:
        """Width of a code in bits."""
        return self.codes.bits

    @property
    def signed(self) -> bool:
        """Are codes in two's complement?"""
        return self.codes.signed

    @property
    def low(self) -> int:
        """Smallest code."""
        return self.codes.low

    @property
    def high(self) -> int:
        """Largest code."""
        return self.codes.high

    @property
    def size(self) -> int:
        """Codes per frame."""
        return self.height * self.width * self.channels

    @property
    def layout(self) -> Layout:
        """How the tensor lies on a stream inside the pipeline."""
        return Layout(self.height, self.width, self.channels, self.bits, self.signed)
