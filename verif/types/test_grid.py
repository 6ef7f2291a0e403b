"""Grids: what codes stand for, and grids found from the numbers themselves."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmabit.golden.types.grid import BIPOLAR, Grid

every = settings(max_examples=300, deadline=None, database=None, derandomize=True)

SCALES = st.sampled_from([1.0, 2.0, 0.5, 1 / 255, 0.1, 3e-4, 1e5]) | st.floats(1e-3, 1e3)


@st.composite
def grids(draw: st.DrawFn) -> tuple[int, Grid]:
    """How many codes there are, and a grid in lowest terms whose zero is no further from the codes than they from one another."""
    gain = draw(st.integers(1, 40))
    levels = draw(st.sampled_from([2, 3, 4, 16, 256]) | st.integers(2, 260))
    reach = gain * levels
    offset = draw(st.integers(-reach, reach).filter(lambda n: gcd(n, gain) == 1))
    return levels, Grid(gain, offset, draw(SCALES))


class TestCodes:
    @every
    @given(grids(), st.lists(st.integers(0, 259), max_size=5))
    def test_values_and_reals(self, drawn: tuple[int, Grid], codes: list[int]) -> None:
        levels, grid = drawn
        codes = [code % levels for code in codes]
        array = np.array(codes, np.int64)
        assert grid.values(array).tolist() == [grid.gain * code + grid.offset for code in codes]
        reals = grid.reals(array)
        assert reals.dtype == np.float32
        assert reals.tolist() == [np.float32(grid.gain * c + grid.offset) * np.float32(grid.scale) for c in codes]

    def test_bipolar(self) -> None:
        assert BIPOLAR.reals(np.array([0, 1])).tolist() == [-1.0, 1.0]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((0, 0, 1.0), "gain=0 is below 1"),
            ((1, 0, 0.0), "scale=0.0 is not positive"),
            ((1, 0, float("nan")), "scale=nan is not positive"),
        ],
    )
    def test_refused(self, arguments: tuple[int, int, float], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Grid(*arguments)


class TestFit:
    @every
    @given(grids())
    def test_a_grid_is_found_again(self, drawn: tuple[int, Grid]) -> None:
        levels, grid = drawn
        found = Grid.fit(grid.reals(np.arange(levels)))
        assert found is not None
        assert (found.gain, found.offset) == (grid.gain, grid.offset)
        assert found.scale == pytest.approx(grid.scale, rel=1e-6)

    @every
    @given(st.integers(2, 256), st.floats(1e-3, 10), st.floats(-100, 100))
    def test_whatever_is_found_fits(self, levels: int, step: float, start: float) -> None:
        """Any offset, e.g. an image's mean: the grid gives the numbers back within float32 rounding, in lowest terms."""
        reals = (np.arange(levels, dtype=np.float32) * np.float32(step) + np.float32(start)).astype(np.float32)
        found = Grid.fit(reals)
        if found is not None:
            np.testing.assert_allclose(
                found.reals(np.arange(levels)), reals, rtol=0, atol=1e-6 * np.abs(reals).max() + 1e-6 * step
            )
            assert Fraction(found.offset, found.gain).denominator == found.gain

    @pytest.mark.parametrize(
        ("reals", "gain", "offset"),
        [
            (np.arange(256) / 255, 1, 0),
            (2 * np.arange(256) / 255 - 1, 2, -255),
            (np.arange(256) / 255 - 0.5, 2, -255),
            ([-1, 1], 2, -1),
            ([0, 0.7], 1, 0),
            ([-0.7, 0], 1, -1),
            ([3, 4, 5], 1, 3),
            (np.array([6, 9], np.float32) * np.float32(0.16875) - np.float32(1), 81, 2),  # the difference has the last place of 1
        ],
    )
    def test_known_grids(self, reals: list[float], gain: int, offset: int) -> None:
        found = Grid.fit(np.array(reals, np.float32))
        assert found is not None
        assert (found.gain, found.offset) == (gain, offset)

    def test_means_of_images(self) -> None:
        """Offsets of four decimals, as CIFAR-10 is normalised with, are found, and zero lies where it must."""
        for mean in (0.4914, 0.4822, 0.4465):
            found = Grid.fit((np.arange(256) / 255 - mean).astype(np.float32))
            assert found is not None
            assert found.scale * found.offset == pytest.approx(-mean, abs=1e-6)

    @pytest.mark.parametrize(
        "reals",
        [[1, 0], [0, 0], [0, 1, 3], [0, 1, 0], [0, np.nan], [0, np.inf], [-np.inf, 0], [0, 1, 2, 3.001], np.arange(9) ** 2],
        ids=str,
    )
    def test_no_grid(self, reals: list[float]) -> None:
        assert Grid.fit(np.array(reals, np.float32)) is None
