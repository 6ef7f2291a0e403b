"""Several positions of a row side by side: a window over positions is a wider one over beats, shared by neighbouring results."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import gcd

import numpy as np
from numpy.typing import NDArray

from .window import Axis, Window


@dataclass(frozen=True)
class Abreast:
    """A window that slides over an image whose beats carry `positions` neighbouring positions of a row, the last ones filled up.

    As many neighbouring results, `places`, come of one wider window over beats as keep the step between beats whole.
    """

    window: Window
    positions: int = 1

    @property
    def _reach(self) -> int:
        """Results in a step between two beats of results."""
        return self.positions // gcd(self.positions, self.window.columns.stride)

    @property
    def places(self) -> int:
        """Results side by side."""
        return min(self._reach, self.window.columns.outputs)

    @property
    def _before(self) -> int:
        """Beats of padding before a row."""
        return -(-self.window.columns.before // self.positions)

    @cached_property
    def beats(self) -> Window:
        """The window over beats."""
        if self.positions == 1:
            return self.window
        axis, before = self.window.columns, self._before
        size, stride = -(-axis.size // self.positions), self._reach * axis.stride // self.positions
        kernel = self.tap(self.places - 1, axis.kernel - 1)[0] + 1
        outputs = -(-axis.outputs // self.places)
        after = (outputs - 1) * stride + kernel - size - before
        return Window(self.window.rows, Axis(size, kernel, stride, before, after))

    def tap(self, place: int, column: int) -> tuple[int, int]:
        """Where a kernel column of the result at a place lies: which beat of the window, which position of that beat."""
        axis = self.window.columns
        return divmod(place * axis.stride + column - axis.before + self._before * self.positions, self.positions)

    def inside(self, output: int) -> tuple[bool, ...]:
        """For each position of each beat of a window, beats slowest: is it one of the image's?"""
        start = self.beats.columns.start(output) * self.positions
        return tuple(
            0 <= start + offset < self.window.columns.size for offset in range(self.beats.columns.kernel * self.positions)
        )

    def borders(self, output: int) -> tuple[tuple[bool, ...], ...]:
        """For each place of a beat of results: which kernel columns lie inside the image; all, where no result is wanted."""
        axis = self.window.columns
        columns = range(output * self.places, (output + 1) * self.places)
        return tuple(axis.inside(x) if x < axis.outputs else (True,) * axis.kernel for x in columns)

    def operands(self, chunks: NDArray[np.integer]) -> NDArray[np.integer]:
        """What each place multiplies (..., places, codes) of chunks (..., codes) of all.

        In both channels are fastest; then columns and rows, in chunks the positions of a beat, the beats of a row, and rows.
        """
        beats, rows, columns = self.beats.columns.kernel, self.window.rows.kernel, self.window.columns.kernel
        split = chunks.reshape(*chunks.shape[:-1], rows, beats * self.positions, -1)
        places = []
        for place in range(self.places):
            first = np.ravel_multi_index(self.tap(place, 0), (beats, self.positions))
            places.append(split[..., first : first + columns, :].reshape(*chunks.shape[:-1], -1))
        return np.stack(places, axis=-2)

    @property
    def masked(self) -> bool:
        """Do windows see anything that is not of the image?"""
        return self.window.padded or self.window.columns.size % self.positions > 0
