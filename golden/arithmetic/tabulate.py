"""A function of a code, as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def tabulate(codes: NDArray[np.integer], words: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """words[code] for unsigned codes of any shape."""
    found: NDArray[np.int64] = np.asarray(words, np.int64)[codes]
    return found
