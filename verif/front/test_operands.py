"""Weights that are few whole numbers times a step, found again."""

from __future__ import annotations

import numpy as np
import pytest

from sigmabit.golden.front.importer.operands import few_bit_weights


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("most", [3, 7, 100])
def test_steps_of_weights(seed: int, most: int) -> None:
    """As float32 has them: whole numbers times the step are the weights, to the last bit, and no smaller ones are."""
    random = np.random.default_rng(seed)
    codes = random.integers(-most, most + 1, (4, 9))
    codes[:, 0] = 1 + random.integers(0, most, 4)
    steps = random.uniform(0.1, 2, 4).astype(np.float32) * np.float32(2.0) ** random.integers(-20, 20, 4).astype(np.float32)
    weights = codes.astype(np.float32) * steps[:, None]
    found = few_bit_weights(weights, 0)
    assert found is not None
    again = np.asarray(found.signs).astype(np.float32) * found.magnitudes.astype(np.float32)[:, None]
    assert np.array_equal(again, weights)
    assert np.array_equal(found.magnitudes.astype(np.float32), found.magnitudes), "a number that float32 has"
    assert (np.gcd.reduce(np.asarray(found.signs).astype(np.int64), axis=1) == 1).all()
