"""What one import may take: so much, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from sigmabit.golden.front.importer.budget import Budget
from sigmabit.golden.front.importer.scalar_nodes import Refusal


def test_bytes() -> None:
    """One gigabyte, each array once, and what nobody holds any longer not at all."""
    budget = Budget()
    whole = np.empty(1 << 30, np.uint8)  # which nobody writes to
    budget.keep([whole])
    budget.keep([whole, whole[5:].reshape(-1, 1)])
    assert not budget.exhausted
    with pytest.raises(Refusal, match=r"^the activations up to here, with their weights and constants, take more than 1024 MB$"):
        budget.keep([np.zeros(1, np.uint8)])
    del whole
    budget.keep([np.zeros(1, np.uint8)])
    assert not budget.exhausted


def test_work() -> None:
    """As many elements as take some seconds, whichever array they are of."""
    budget, half = Budget(), np.broadcast_to(np.zeros(1), (1 << 30,))
    budget.look([half, None])
    budget.look([half])
    assert not budget.exhausted
    with pytest.raises(Refusal, match=r"^the inputs of all nodes up to here have more than 2147483648 elements$"):
        budget.look([np.zeros(1)])
    assert budget.exhausted
