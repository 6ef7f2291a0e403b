"""Where activations meet: ratios of their steps, and a grid for all their numbers, each found again by trying all."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sigmabit.golden.front.importer.joins import MAX_RATIO, Common, Way, fraction
from sigmabit.golden.front.importer.scalar_nodes import Refusal
from sigmabit.golden.types.range import Range


@pytest.mark.parametrize("numbers", [[0, 0.75, -1.5, 2.25], [0.1, 0.3], [-96, 64, 0], [0, 0], [5.0], [2.0**-30, 2.0**20]])
def test_extents(numbers: list[float]) -> None:
    """The largest, and the largest power of two of which all are whole multiples, by halving it again and again."""
    reals = np.array([numbers, numbers[::-1]], np.float32)
    way = Way(0, Range(0, 3), None, (), (np.arange(reals.size).reshape(reals.shape), reals))  # type: ignore[arg-type]
    unit = 2.0**40 if any(numbers) else 1.0
    while any(number % unit for number in reals.reshape(-1).astype(np.float64)):
        unit /= 2
    assert way.extent == (float(np.abs(reals).max()), unit)


STEPS = (1.0, 0.5, 2.0, 3.0, 0.1, 0.3, 7 / 255, 1 / 255, 1e-20)


@pytest.mark.parametrize("second", STEPS)
@pytest.mark.parametrize(("one", "other"), [(1, 1), (2, 1), (1, 3), (2, 3), (6, 4), (7, 5), (3, 17), (20, 9)])
def test_fractions(one: int, other: int, second: float) -> None:
    """The smallest two whole numbers of a ratio, also where it was rounded to float32."""
    common = math.gcd(one, other)
    first = float(np.float32(second * one / other))
    assert fraction(first, float(np.float32(second))) == (one // common, other // common)


def test_no_fraction() -> None:
    """The product is bounded; what is no ratio of small numbers is none."""
    assert fraction(float(MAX_RATIO), 1.0) == (MAX_RATIO, 1)
    assert fraction(1.0, float(MAX_RATIO)) == (1, MAX_RATIO)
    assert fraction(MAX_RATIO + 1.0, 1.0) is None
    assert fraction(1.0, MAX_RATIO + 1.0) is None
    assert fraction(math.sqrt(2), 1.0) is None


@pytest.mark.parametrize(
    ("parts", "numbers"),
    [
        (([0, 1, 2], [0, 2, 4]), range(5)),
        (([-1, 1], [-0.5, 0.5]), [-1, -0.5, 0, 0.5, 1]),
        (([-1, 1], [-3, 3]), [-3, -1, 1, 3]),
        (([0, 0.25], [0, 0.75]), [0, 0.25, 0.5, 0.75]),
        (([0, 3], [0, 5]), range(6)),
    ],
)
def test_one_grid(parts: tuple[list[float], list[float]], numbers: list[float]) -> None:
    """Its steps are the largest of which all numbers are some, from the least to the largest."""
    arrays = [np.array(part, np.float64) for part in parts]
    common = Common.of(arrays)
    assert common.numbers.tolist() == list(numbers)
    assert common.grid.reals(np.arange(len(common.numbers))).tolist() == pytest.approx(list(numbers))
    for array in arrays:
        assert common.numbers[common.entries(array)].tolist() == array.tolist()
        assert common.numbers[common.entries(np.nextafter(array.astype(np.float32), np.float32(9)))].tolist() == array.tolist()


def test_no_grid() -> None:
    """The refusal says the steps of each, and both ends."""
    with pytest.raises(
        Refusal, match=r"^it joins numbers in steps of 1, 0\.707106781, from 0 to 1\.41421354; no grid of at most"
    ):
        Common.of([np.array([0.0, 1.0]), np.array([0.0, math.sqrt(0.5), math.sqrt(2.0)])])
