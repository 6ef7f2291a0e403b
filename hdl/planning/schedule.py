"""When everything happens: the timing of a pipeline, cycle by cycle, from its configuration alone.

Nothing inside waits for data-dependent events or for room, so the times at which beats cross each boundary follow from the
times at which they enter. Each block's rule is the one in its docstring, written for whole frames at once; docs/pipeline/flow.md
derives from it that a pipeline fed at full speed needs the most buffering, so that buffers which suffice here suffice always.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.layers.shuffle import Shuffle
from sigmabit.golden.layers.window import Window

from ..layers.fold import FoldConfig

Times = NDArray[np.int64]
"""(frames, beats) cycles."""


def entries(frames: int, beats: int, pace: int, interval: int) -> Times:
    """Input transfers at full speed: beats `pace` apart, frames `interval` apart."""
    return interval * np.arange(frames)[:, None] + pace * np.arange(beats)[None, :]


def serve(ready: Times, folds: int) -> Times:
    """Starts of jobs in order, each at the later of its own readiness and the end of the one before, `folds` cycles a job.

    start[k] = max(ready[k], start[k - 1] + folds), which is the running maximum of ready[k] - folds * k, plus folds * k.
    """
    flat = ready.reshape(-1)
    steps = folds * np.arange(len(flat))
    return (np.maximum.accumulate(flat - steps) + steps).reshape(ready.shape)


def window_starts(arrivals: Times, window: Window, folds: int) -> Times:
    """First chunk of each window: from the cycle after the last position that it needs."""
    return serve(arrivals[:, list(window.needs())] + 1, folds)


def gather_starts(arrivals: Times, folds: int) -> Times:
    """First chunk of each frame: from two cycles after its last beat."""
    return serve(arrivals[:, -1:] + 2, folds)


def rows_needed(arrivals: Times, starts: Times, window: Window, folds: int) -> int:
    """Fewest image rows, at least the kernel's, of which none is overwritten before its last window has been read.

    Row r of the endless stream of frames goes where row r - rows was; its positions may arrive only after the windows that see
    the old ones have issued their last chunk.
    """
    height, width = window.rows.size, window.columns.size
    last_window = _last_window(window)
    read = np.where(last_window >= 0, starts[:, last_window] + folds - 1, -1).reshape(-1, width)
    written = arrivals.reshape(-1, width)
    for rows in range(window.rows.kernel, len(written)):
        if np.all(written[rows:] > read[:-rows]):
            return rows
    raise ValueError(f"no buffer below {len(written)} rows suffices for an image of {height} rows")


def _last_window(window: Window) -> NDArray[np.int64]:
    """For each input position in raster order, the last window, in raster order, that sees it; -1 if none does."""

    def last(axis_size: int, axis_outputs: int, starts: Sequence[int], kernel: int) -> NDArray[np.int64]:
        seen = np.full(axis_size, -1)
        for output in range(axis_outputs):
            seen[max(starts[output], 0) : starts[output] + kernel] = output
        return seen

    axes = [
        last(axis.size, axis.outputs, [axis.start(i) for i in range(axis.outputs)], axis.kernel)
        for axis in (window.rows, window.columns)
    ]
    rows, columns = axes[0][:, None], axes[1][None, :]
    return np.where((rows >= 0) & (columns >= 0), rows * window.columns.outputs + columns, -1).reshape(-1)


def frames_needed(arrivals: Times, starts: Times, fold: FoldConfig) -> int:
    """Fewest frames that a dense layer's buffer must hold, so that no word is overwritten before it was read for the last time.

    Word w is written in the cycle after its last beat, and read last in slice `slices` of the last repeat.
    """
    merge = arrivals.shape[1] // fold.groups
    written = arrivals[:, merge - 1 :: merge] + 1
    read = starts + fold.folds - fold.chunks - 1 + fold.slices * np.arange(1, fold.groups + 1)
    for frames in range(1, len(arrivals)):
        if np.all(written[frames:] > read[:-frames]):
            return frames
    raise ValueError(f"no buffer below {len(arrivals)} frames suffices")


def pool_times(arrivals: Times, window: Window) -> Times:
    """Last position of each pooling window."""
    return arrivals[:, list(window.needs())]


def shuffle_cycles(layer: Shuffle) -> int:
    """Cycles for which a frame keeps a depth-to-space layer busy: one per position, those left out included."""
    return layer.input.channels // layer.output.channels * layer.input.height * layer.input.width


def _line_starts(arrivals: Times, layer: Shuffle) -> Times:
    """First position of each row of blocks: from two cycles after the row's last beat."""
    lines = arrivals.reshape(-1, layer.input.width)
    return gather_starts(lines, shuffle_cycles(layer) // layer.input.height).reshape(len(arrivals), -1)


def shuffle_times(arrivals: Times, layer: Shuffle) -> Times:
    """Issue of each position that is not left out."""
    y, x = np.arange(layer.height)[:, None], np.arange(layer.width)[None, :]
    offsets = y % layer.rows * (layer.input.width * layer.columns) + x
    times = _line_starts(arrivals, layer)[:, np.arange(layer.height) // layer.rows, None] + offsets
    return times.reshape(len(arrivals), -1)


def lines_needed(arrivals: Times, layer: Shuffle) -> int:
    """Fewest rows of blocks that the buffer must hold."""
    starts = _line_starts(arrivals, layer).reshape(-1, 1)
    lines = FoldConfig(layer.input.width, layer.columns, layer.rows)
    return frames_needed(arrivals.reshape(-1, layer.input.width), starts, lines)


def repeat_times(arrivals: Times, times: int, pace: int) -> Times:
    """A beat per frame, given several times: (frames * times, 1)."""
    return (arrivals[:, -1:] + pace * np.arange(times)).reshape(-1, 1)


def exits(results: Times, status: NDArray[np.int64]) -> Times:
    """Output transfers to a reader that always waits: a beat is taken from the cycle after it came, once its frame's status has
    come, one a cycle; its transfer is one cycle later.
    """
    ready = np.maximum(results, status[:, None]) + 1
    return serve(ready, 1) + 1
