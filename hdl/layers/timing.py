"""Cycles at which things happen, and the rule of whatever does one job after another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
"""(frames, beats) cycles."""


def serve(ready: Times, folds: int) -> Times:
    """Starts of jobs in order, each at the later of its own readiness and the end of the one before, `folds` cycles a job.

    start[k] = max(ready[k], start[k - 1] + folds), which is the running maximum of ready[k] - folds * k, plus folds * k.
    """
    flat = ready.reshape(-1)
    steps = folds * np.arange(len(flat))
    return (np.maximum.accumulate(flat - steps) + steps).reshape(ready.shape)
