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

    A beat carries `positions` neighbouring positions of a row, the leftmost lowest, or so many whole rows, the topmost lowest.
    Where they do not divide the width, the last beat of a row is filled up, and where its rows do not divide the height, the last
    beat of a frame: `pack` fills with zeros, inside the pipeline what stands there is not to be looked at.
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
        if self.positions > self.width and (self.positions % self.width or self.positions > self.height * self.width):
            raise ValueError(
                f"positions={self.positions} side by side: more than a row are whole rows of width={self.width}, "
                f"height={self.height} at the most"
            )

    @property
    def rows(self) -> int:
        """Rows of the image that a beat has something of."""
        return max(1, self.positions // self.width)

    @property
    def run(self) -> int:
        """Positions that follow one another in beats without any between them that fill up: a row, or, of whole rows, a frame."""
        return self.width if self.positions <= self.width else self.height * self.width

    @property
    def line(self) -> int:
        """Transfers per run."""
        return -(-self.run // self.positions)

    @property
    def lines(self) -> int:
        """Runs per frame."""
        return self.height * self.width // self.run

    @property
    def filler(self) -> int:
        """Positions that the last beat of a run is filled up with."""
        return self.line * self.positions - self.run

    @property
    def beats(self) -> int:
        """Transfers per frame."""
        return self.lines * self.line

    @property
    def field(self) -> int:
        """Bits per channel on the stream."""
        return -(-self.bits // 8) * 8 if self.byte_aligned else self.bits

    @property
    def beat_bits(self) -> int:
        """Width of the stream's data."""
        return self.positions * self.channels * self.field

    @property
    def code_bytes(self) -> int:
        """Bytes of a tensor's codes on an AXI4-Stream, without what fills up."""
        return self.height * self.width * self.channels * (-(-self.bits // 8))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels

    def on_axi(self) -> Layout:
        """The same tensor with byte-aligned fields."""
        return replace(self, byte_aligned=True)

    def side_by_side(self, positions: int) -> Layout:
        """The same tensor with so many positions in a beat."""
        return replace(self, positions=positions)

    def cut(self, tensor: NDArray[np.integer], repeat: bool = False) -> NDArray[np.integer]:
        """Beats (N, beats, positions, ...) of tensors (N, height, width, ...).

        What fills up is 0, or, with repeat, the last position before it.
        """
        runs = tensor.reshape(len(tensor), self.lines, self.run, *tensor.shape[3:])
        if self.filler:
            beside = ((0, 0), (0, 0), (0, self.filler), *((0, 0) for _ in tensor.shape[3:]))
            runs = np.pad(runs, beside, mode="edge" if repeat else "constant")
        return runs.reshape(len(tensor), self.beats, self.positions, *tensor.shape[3:])

    def pack(self, tensor: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Beats of (N, height, width, channels) codes as bytes, least significant first: (N * beats, ceil(beat_bits / 8))."""
        if tensor.shape[1:] != self.shape:
            raise ValueError(f"tensor of shape {tensor.shape[1:]} on a layout of shape {self.shape}")
        codes = self.cut(tensor).reshape(-1, self.positions * self.channels).astype(np.int64)
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
        filled = (fields @ weights).reshape(-1, self.lines, self.line * self.positions, self.channels)
        return filled[:, :, : self.run].reshape(-1, *self.shape)

    @property
    def code_range(self) -> tuple[int, int]:
        """Smallest and largest code that `bits` can hold."""
        if self.signed:
            return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        return 0, (1 << self.bits) - 1
