"""Windows of an image: which input positions each output position looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Numbers = TypeVar("Numbers", NDArray[np.int64], NDArray[np.float64])


@dataclass(frozen=True)
class Axis:
    """One axis of a sliding window: `size` inputs, `kernel` taps every `stride`, `before` and `after` inputs of padding.

    A negative `after` leaves out so many of the last inputs.
    """

    size: int
    kernel: int
    stride: int = 1
    before: int = 0
    after: int = 0

    def __post_init__(self) -> None:
        for name, least in (("size", 1), ("kernel", 1), ("stride", 1), ("before", 0), ("after", 1 - self.size)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)} is below {least}")
        if self.kernel > self.size + self.before + self.after:
            raise ValueError(f"kernel={self.kernel} exceeds the padded size={self.size + self.before + self.after}")

    @property
    def label(self) -> str:
        """A short name of the axis, one per configuration: size, kernel, stride, padding."""
        return f"{self.size}k{self.kernel}s{self.stride}p{self.before}_{self.after}".replace("-", "m")

    @property
    def outputs(self) -> int:
        """Number of window positions."""
        return (self.size + self.before + self.after - self.kernel) // self.stride + 1

    def start(self, output: int) -> int:
        """Input under tap 0 of window `output`; negative in the padding."""
        return output * self.stride - self.before

    def inside(self, output: int) -> tuple[bool, ...]:
        """For each tap of window `output`: does it lie on an input, not on padding?"""
        return tuple(0 <= self.start(output) + tap < self.size for tap in range(self.kernel))

    def all_inside(self) -> NDArray[np.bool_]:
        """(outputs, kernel): the same for all windows."""
        places = (np.arange(self.outputs) * self.stride - self.before)[:, None] + np.arange(self.kernel)
        return np.asarray((places >= 0) & (places < self.size))

    def last(self, output: int) -> int:
        """The last input that window `output` looks at."""
        return min(max(self.start(output) + self.kernel - 1, 0), self.size - 1)


@dataclass(frozen=True)
class Window:
    """A rectangular window sliding over an image, row by row."""

    rows: Axis
    columns: Axis

    @property
    def label(self) -> str:
        """A short name of the geometry, one per configuration."""
        return self.rows.label if self.rows == self.columns else f"{self.rows.label}_by_{self.columns.label}"

    @property
    def inputs(self) -> int:
        """Input positions."""
        return self.rows.size * self.columns.size

    @property
    def outputs(self) -> int:
        """Window positions."""
        return self.rows.outputs * self.columns.outputs

    @property
    def taps(self) -> int:
        """Positions in one window."""
        return self.rows.kernel * self.columns.kernel

    @property
    def padded(self) -> bool:
        """Does any window reach into padding?"""
        return max(self.rows.before, self.rows.after, self.columns.before, self.columns.after) > 0

    @property
    def whole(self) -> bool:
        """Is there one window, the whole image?"""
        return self.outputs == 1 and not self.padded and self.taps == self.inputs

    def needs(self) -> tuple[int, ...]:
        """For each output position in raster order: the last input position, in raster order, that it looks at."""
        return tuple(
            self.rows.last(y) * self.columns.size + self.columns.last(x)
            for y in range(self.rows.outputs)
            for x in range(self.columns.outputs)
        )

    def inside(self) -> NDArray[np.bool_]:
        """(out_height, out_width, kernel_height, kernel_width): does the tap lie on an input, not on padding?"""
        both: NDArray[np.bool_] = self.rows.all_inside()[:, None, :, None] & self.columns.all_inside()[None, :, None, :]
        return both

    @property
    def shapes(self) -> NDArray[np.bool_]:
        """(shapes, taps): which taps lie on an input, for each kind of window that there is."""
        rows, columns = (np.unique(axis.all_inside(), axis=0) for axis in (self.rows, self.columns))
        return (rows[:, None, :, None] & columns[None, :, None, :]).reshape(-1, self.taps)

    def total_inside(self, of_taps: Numbers) -> Numbers:
        """(out_height, out_width, ...): for each window the sum of the numbers (kernel_height, kernel_width, ...) whose tap lies
        on an input, not on padding.
        """
        total: Numbers = np.tensordot(self.inside().astype(of_taps.dtype), of_taps, 2)
        return total

    def extract(self, image: NDArray[np.integer], padding: int = 0) -> NDArray[np.integer]:
        """All windows of (N, height, width, channels): (N, out_height, out_width, kernel_height, kernel_width, channels)."""
        if image.shape[1:3] != (self.rows.size, self.columns.size):
            raise ValueError(f"image of {image.shape[1:3]} positions for windows over {(self.rows.size, self.columns.size)}")
        kept = image[:, : self.rows.size + min(self.rows.after, 0), : self.columns.size + min(self.columns.after, 0)]
        margins = ((0, 0), *((axis.before, max(axis.after, 0)) for axis in (self.rows, self.columns)), (0, 0))
        padded = np.pad(kept, margins, constant_values=padding)
        views = sliding_window_view(padded, (self.rows.kernel, self.columns.kernel), axis=(1, 2))
        return views[:, :: self.rows.stride, :: self.columns.stride].transpose(0, 1, 2, 4, 5, 3)

    def chunks(self, image: NDArray[np.integer], columns: int, slices: int) -> NDArray[np.integer]:
        """The windows of (N, height, width, channels) as operands: (N, outputs, chunks, codes).

        A chunk holds all kernel rows of `columns` kernel columns and one of `slices` equal parts of the channels; chunks go
        through the slices first, then through the columns. In a chunk channels are fastest, then columns, then rows.
        """
        windows = self.extract(image)
        frames, down, across, rows, width, channels = windows.shape
        split = windows.reshape(frames, down * across, rows, width // columns, columns, slices, channels // slices)
        return split.transpose(0, 1, 3, 5, 2, 4, 6).reshape(frames, down * across, width // columns * slices, -1)
