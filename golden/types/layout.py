"""How a tensor lies on a stream."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Layout:
    """A tensor of height x width positions travels as a raster, all channels of a position side by side.

    Channel 0 is in the least significant bits. A channel takes `field` bits, of which the low `bits` carry it: inside the
    pipeline field = bits, on an AXI4-Stream (`byte_aligned`) fields are whole bytes. Signed channels are sign-extended over
    their field, unsigned ones zero-extended.

    A beat carries `positions` neighbouring positions of a row, the leftmost lowest. Where they do not divide the width, the last
    beat of a row is filled up: `pack` fills with zeros, inside the pipeline what stands there is not to be looked at.
    """

    height: int
    width: int
    channels: int
    bits: int
    signed: bool = False
    byte_aligned: bool = False
    positions: int = 1

    def __post_init__(self) -> None:
        for name in ("height", "width", "channels", "bits", "positions"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        if self.positions > self.width:
            raise ValueError(f"positions={self.positions} side by side in rows of width={self.width}")

    @property
    def line(self) -> int:
        """Transfers per row."""
        return -(-self.width // self.positions)

    @property
    def filler(self) -> int:
        """Positions that the last beat of a row is filled up with."""
        return self.line * self.positions - self.width

    @property
    def beats(self) -> int:
        """Transfers per frame."""
        return self.height * self.line

    @property
    def field(self) -> int:
        """Bits per channel on the stream."""
        return -(-self.bits // 8) * 8 if self.byte_aligned else self.bits

    @property
    def beat_bits(self) -> int:
        """Width of the stream's data."""
        return self.positions * self.channels * self.field

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels

    def on_axi(self) -> Layout:
        """The same tensor with byte-aligned fields."""
        return replace(self, byte_aligned=True)

    def side_by_side(self, positions: int) -> Layout:
        """The same tensor with so many positions of a row in a beat."""
        return replace(self, positions=positions)

    def pack(self, tensor: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Beats of (N, height, width, channels) codes as bytes, least significant first: (N * beats, ceil(beat_bits / 8))."""
        if tensor.shape[1:] != self.shape:
            raise ValueError(f"tensor of shape {tensor.shape[1:]} on a layout of shape {self.shape}")
        filled = np.pad(tensor, ((0, 0), (0, 0), (0, self.filler), (0, 0))) if self.filler else tensor
        codes = filled.reshape(-1, self.positions * self.channels).astype(np.int64)
        low, high = self.code_range
        if codes.size and (int(codes.min()) < low or int(codes.max()) > high):
            raise ValueError(f"codes from {codes.min()} to {codes.max()} on a layout of {low} to {high}")
        if self.field == 8:
            return codes.astype(np.uint8)
        bits = (codes[:, :, None] >> np.minimum(np.arange(self.field), 63)) & 1
        return np.packbits(bits.astype(np.uint8).reshape(len(codes), -1), axis=1, bitorder="little")

    def unpack(self, beats: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The inverse of `pack`: (N, height, width, channels) codes."""
        bits = np.unpackbits(beats, axis=1, bitorder="little", count=self.beat_bits)
        fields = bits.reshape(len(beats), self.positions * self.channels, self.field)[:, :, : self.bits].astype(np.int64)
        weights = np.int64(1) << np.arange(self.bits, dtype=np.int64)
        if self.signed:
            weights[-1] = -weights[-1]
        filled = (fields @ weights).reshape(-1, self.height, self.line * self.positions, self.channels)
        return filled[:, :, : self.width]

    @property
    def code_range(self) -> tuple[int, int]:
        """Smallest and largest code that `bits` can hold."""
        if self.signed:
            return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        return 0, (1 << self.bits) - 1
