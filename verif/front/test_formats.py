"""Formats at both ends: the numbers of a grid."""

from __future__ import annotations

import numpy as np
import pytest

from sigmabit.golden.front.importer.formats import binary_grid, codes_of
from sigmabit.golden.front.importer.scalar_nodes import Refusal
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.scalar import Quantise


@pytest.mark.parametrize("lowest", [0, -1, 3])
@pytest.mark.parametrize("zero_point", [0.0, 0.5, -2.0, 3.25])
@pytest.mark.parametrize("scale", [1.0, 0.75])
def test_two_levels_of_a_quantiser(lowest: int, zero_point: float, scale: float) -> None:
    """What it makes of numbers far below and far above, as float32 has it."""
    quantiser = Quantise("q", np.array(scale, np.float32), np.array(zero_point, np.float32), lowest, lowest + 1, np.rint)
    found = binary_grid(quantiser).reals(np.arange(2))
    assert found.tolist() == quantiser(np.array([-1e6, 1e6], np.float32)).tolist()


def test_two_levels_of_each_channel() -> None:
    """Are refused, where they are not the same."""
    with pytest.raises(Refusal, match="binary activations whose size differs between channels"):
        binary_grid(Quantise("q", np.array([1.0, 2.0]), np.zeros(()), 0, 1, np.rint))


@pytest.mark.parametrize("lowest", [0, -(1 << 15)])
def test_most_levels(lowest: int) -> None:
    """As many as 16 bits tell apart."""
    scale, zero_point = np.array(0.5, np.float32), np.array(0.0, np.float32)
    codes, grid = codes_of(Quantise("q", scale, zero_point, lowest, lowest + (1 << 16) - 1, np.rint))
    assert (codes, grid) == (Range.of_levels(1 << 16), Grid(1, lowest, 0.5))
    with pytest.raises(Refusal, match=r"^an input of 65537 levels; at most 65536 are supported$"):
        codes_of(Quantise("q", scale, zero_point, lowest, lowest + (1 << 16), np.rint))
