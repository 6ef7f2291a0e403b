"""When frames enter and results leave: the timing of a pipeline's ends, cycle by cycle.

Nothing inside waits for data-dependent events or for room, so the times at which beats cross each boundary follow from the
times at which they enter. Each kind of layer has its own rule (hdl/layers/kind.py), the one in its block's docstring, written
for whole frames at once; docs/pipeline/flow.md derives from them that a pipeline fed at full speed needs the most buffering, so
that buffers which suffice here suffice always.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..layers.timing import Times, serve


def entries(frames: int, beats: int, pace: int, interval: int) -> Times:
    """Input transfers at full speed: beats `pace` apart, frames `interval` apart."""
    return interval * np.arange(frames)[:, None] + pace * np.arange(beats)[None, :]


def exits(results: Times, status: NDArray[np.int64]) -> Times:
    """Output transfers to a reader that always waits: a beat is taken from the cycle after it came, once its frame's status has
    come, one a cycle; its transfer is one cycle later.
    """
    ready = np.maximum(results, status[:, None]) + 1
    return serve(ready, 1) + 1
