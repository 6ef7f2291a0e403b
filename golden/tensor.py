"""The type of a tensor between two layers."""

from __future__ import annotations

from dataclasses import dataclass

from .layout import Layout


@dataclass(frozen=True)
class TensorType:
    """height x width positions of `channels` codes from 0 to levels - 1."""

    height: int
    width: int
    channels: int
    levels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels

    @property
    def bits(self) -> int:
        """Width of a code in bits."""
        return (self.levels - 1).bit_length()

    @property
    def size(self) -> int:
        """Codes per frame."""
        return self.height * self.width * self.channels

    @property
    def layout(self) -> Layout:
        """How the tensor lies on a stream inside the pipeline."""
        return Layout(self.height, self.width, self.channels, self.bits)
