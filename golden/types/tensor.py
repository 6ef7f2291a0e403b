"""The type of a tensor between two layers."""

from __future__ import annotations

from dataclasses import dataclass

from .layout import Layout


@dataclass(frozen=True)
class TensorType:
    """height x width positions of `channels` codes: from 0 to levels - 1, or from -levels/2 to levels/2 - 1 if signed."""

    height: int
    width: int
    channels: int
    levels: int
    signed: bool = False

    def __post_init__(self) -> None:
        if self.signed and self.levels & (self.levels - 1):
            raise ValueError(f"{self.levels} levels of signed codes, expected a power of two")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels

    @property
    def bits(self) -> int:
        """Width of a code in bits."""
        return (self.levels - 1).bit_length()

    @property
    def low(self) -> int:
        """Smallest code."""
        return -(self.levels // 2) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest code."""
        return self.low + self.levels - 1

    @property
    def size(self) -> int:
        """Codes per frame."""
        return self.height * self.width * self.channels

    @property
    def layout(self) -> Layout:
        """How the tensor lies on a stream inside the pipeline."""
        return Layout(self.height, self.width, self.channels, self.bits, self.signed)
