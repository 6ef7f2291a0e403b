"""How long a processor takes for a batch of frames, and how long a pipeline does."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.hdl.plan import Plan

from .portable import portable

REPEATS = 15
"""Runs of a batch, of which the median counts; more if they take less than ENOUGH_S, fewer if they take more than LIMIT_S."""

ENOUGH_S = 0.3
LIMIT_S = 3.0

Run = Callable[[NDArray[Any]], object]
"""Takes a batch of frames (B, ...) through a network."""


def seconds(run: Run, frames: NDArray[Any], batches: Sequence[int]) -> list[float]:
    """The median time of each batch size, in seconds; frames are taken again and again."""
    found = []
    for batch in batches:
        x = np.resize(frames, (batch, *frames.shape[1:]))
        run(x)
        times: list[float] = []
        while sum(times) < (ENOUGH_S if len(times) >= REPEATS else LIMIT_S):
            began = time.perf_counter()
            run(x)
            times.append(time.perf_counter() - began)
        found.append(float(np.median(times)))
    return found


def pipeline_seconds(plan: Plan, batches: Sequence[int]) -> list[float]:
    """The time from the first frame in to the last result out, at the plan's assumed clock."""
    return [(plan.latency + (batch - 1) * plan.interval) / (plan.clock_mhz * 1e6) for batch in batches]


def onnxruntime_run(model: Path, threads: int) -> Run:
    """The float graph on onnxruntime, its own random numbers included. threads: 0 for as many as there are cores.

    Raises NotPortableError where a file has operators that onnxruntime does not know.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(portable(model), options, providers=["CPUExecutionProvider"])
    name, kind = session.get_inputs()[0].name, np.float32
    return lambda x: session.run(None, {name: x.astype(kind, copy=False)})


def torch_run(recipe: str) -> Run:
    """An untrained network of a shipped autoencoder's shape on PyTorch, which takes as long. Needs the `training` extra."""
    import torch

    from .vae_topologies import RECIPES

    module = RECIPES[recipe].build().eval()

    def run(x: NDArray[Any]) -> object:
        with torch.inference_mode():
            return module(torch.from_numpy(x))

    return run


def plot(path: Path, title: str, batches: Sequence[int], times: dict[str, list[float]]) -> None:
    """Time for a batch against its size, a line each, as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, values in times.items():
        axes.plot(batches, np.array(values) * 1e6, marker="o", label=name)
    axes.set(xscale="log", yscale="log", xlabel="frames in a batch", ylabel="microseconds for the batch", title=title)
    axes.set_xticks(batches, [str(batch) for batch in batches])
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=130, format="png")
