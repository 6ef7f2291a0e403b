"""Several positions side by side: a window over positions is a wider one over beats, shared by neighbouring results."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import gcd, prod

import numpy as np
from numpy.typing import NDArray

from .window import Axis, Window


@dataclass(frozen=True)
class Side:
    """One axis of a window over an image whose beats carry `positions` neighbouring positions of that axis.

    As many neighbouring results, `places`, come of one wider window over beats as keep the step between beats whole; all of them,
    where a beat is whole: it has all positions of the axis, and nothing slides.
    """

    axis: Axis
    positions: int = 1
    whole: bool = False

    @property
    def _reach(self) -> int:
        """Results in a step between two beats of results."""
        return self.positions // gcd(self.positions, self.axis.stride)

    @property
    def places(self) -> int:
        """Results side by side."""
        return self.axis.outputs if self.whole else min(self._reach, self.axis.outputs)

    @property
    def _before(self) -> int:
        """Beats of padding in front."""
        return 0 if self.whole else -(-self.axis.before // self.positions)

    @cached_property
    def beats(self) -> Axis:
        """The axis of the window over beats."""
        if self.whole:
            return Axis(1, 1)
        if self.positions == 1:
            return self.axis
        axis, before = self.axis, self._before
        size, stride = -(-axis.size // self.positions), self._reach * axis.stride // self.positions
        kernel = self._tap(self.places - 1, axis.kernel - 1) // self.positions + 1
        outputs = -(-axis.outputs // self.places)
        after = (outputs - 1) * stride + kernel - size - before
        return Axis(size, kernel, stride, before, after)

    @property
    def span(self) -> int:
        """Positions of a window over beats."""
        return self.beats.kernel * self.positions

    def _tap(self, place: int, tap: int) -> int:
        """How far behind the first position of a window over beats a tap of the result at a place lies."""
        return place * self.axis.stride + tap - self.axis.before + self._before * self.positions

    def tap(self, place: int, tap: int) -> int | None:
        """Likewise; None where no beat has it, since a whole one does not reach into the padding."""
        found = self._tap(place, tap)
        return found if 0 <= found < (self.axis.size if self.whole else self.span) else None

    def inside(self, output: int) -> tuple[bool, ...]:
        """For each position of a window over beats: is it one of the image's?"""
        start = self.beats.start(output) * self.positions
        return tuple(0 <= start + offset < self.axis.size for offset in range(self.span))

    def borders(self, output: int) -> tuple[tuple[bool, ...], ...]:
        """For each place of a beat of results: which taps lie inside the image; all, where no result is wanted."""
        axis, results = self.axis, range(output * self.places, (output + 1) * self.places)
        return tuple(axis.inside(x) if x < axis.outputs else (True,) * axis.kernel for x in results)

    @property
    def masked(self) -> bool:
        """Does the window over beats see anything that is not of the image?"""
        return not self.whole and (max(self.axis.before, self.axis.after) > 0 or self.axis.size % self.positions > 0)


@dataclass(frozen=True)
class Abreast:
    """A window that slides over an image whose beats carry `positions` neighbouring positions of a row, or so many whole rows.

    In a beat, of codes or of results, columns are fastest.
    """

    window: Window
    positions: int = 1

    def __post_init__(self) -> None:
        width = self.window.columns.size
        if self.positions > width and (self.positions % width or self.positions > self.window.inputs):
            raise ValueError(f"{self.positions} positions are not whole rows of {width}, {self.window.rows.size} at the most")

    @cached_property
    def rows(self) -> Side:
        """How rows lie on beats."""
        axis = self.window.rows
        rows = max(1, self.positions // self.window.columns.size)
        return Side(axis, rows, self.positions > 1 and self.positions == self.window.inputs)

    @cached_property
    def columns(self) -> Side:
        """How columns lie on beats."""
        axis = self.window.columns
        return Side(axis, min(self.positions, axis.size), 1 < self.positions >= axis.size)

    @property
    def stacked(self) -> bool:
        """Does a beat have several rows, or all that there are?"""
        return self.rows.positions > 1 or self.rows.whole

    @property
    def places(self) -> int:
        """Results side by side."""
        return self.rows.places * self.columns.places

    @cached_property
    def beats(self) -> Window:
        """The window over beats."""
        return Window(self.rows.beats, self.columns.beats)

    @property
    def straight(self) -> bool:
        """Is each beat a window of its own, with nothing in it that is not of the image, and alike for all?"""
        alone = Axis(self.beats.rows.size, 1), Axis(self.beats.columns.size, 1)
        return (self.beats.rows, self.beats.columns) == alone and not self.masked

    @cached_property
    def filled(self) -> float:
        """The share of the taps of all places that are not in the padding."""
        shares: list[float] = []
        for axis, kernel in ((self.rows, self.window.rows.kernel), (self.columns, self.window.columns.kernel)):
            taps = [axis.tap(place, tap) for place in range(axis.places) for tap in range(kernel)]
            shares.append(sum(tap is not None for tap in taps) / len(taps))
        return prod(shares)

    def taps(self, place: int) -> tuple[int | None, ...]:
        """Where the taps of the result at a place, columns fastest, lie among the positions of a window over beats.

        Those of a chunk: the positions of a beat are fastest, then the beats of a row, and rows. None: in the padding.
        """
        down, across = divmod(place, self.columns.places)
        kernel = self.window
        rows = [self.rows.tap(down, row) for row in range(kernel.rows.kernel)]
        columns = [self.columns.tap(across, column) for column in range(kernel.columns.kernel)]
        span = self.columns.span
        return tuple(None if y is None or x is None else y * span + x for y in rows for x in columns)

    def operands(self, chunks: NDArray[np.integer]) -> NDArray[np.integer]:
        """What each place multiplies (..., places, codes) of chunks (..., codes) of all; zeros in the padding.

        In both channels are fastest; then columns and rows, in chunks the positions of a beat, the beats of a row, and rows.
        """
        split = chunks.reshape(*chunks.shape[:-1], self.rows.span * self.columns.span, -1)
        nothing = np.zeros_like(split[..., :1, :])
        positions = np.concatenate([split, nothing], axis=-2)
        taps = [[-1 if tap is None else tap for tap in self.taps(place)] for place in range(self.places)]
        operands = positions[..., taps, :]
        return operands.reshape(*operands.shape[:-2], -1)

    @property
    def masked(self) -> bool:
        """Do windows over beats see anything that is not of the image?"""
        return self.rows.masked or self.columns.masked
