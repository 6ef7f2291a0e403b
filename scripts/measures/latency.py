"""How long a processor takes for a batch of frames, and how long a pipeline does."""

from __future__ import annotations

import importlib.util
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Network
from sigmabit.hdl.planning.plan import Plan
from sigmabit.verif.simulation.reference import apart

from ..networks.portable import portable

ROUNDS = 2
"""Times that all batch sizes are gone through: what disturbs one for a while leaves the other."""

REPEATS = 8
"""Runs of a batch in a round; more if they take less than ENOUGH_S, fewer if they take more than LIMIT_S."""

ENOUGH_S = 0.15
LIMIT_S = 1.5

SPREAD = 1.5
"""Upper quartile over lower one, above which times are said to be unsteady."""

CROWDED = 0.25
"""Processors that others may keep busy while times are measured, before that is said."""

KINDS = {"tensor(float)": "float32", "tensor(double)": "float64"}
"""NumPy's names of types that onnxruntime calls otherwise."""

Run = Callable[[NDArray[Any]], object]
"""Takes a batch of frames (B, ...) through a network."""


@dataclass(frozen=True)
class Timed:
    """Seconds that a batch took: the lower quartile of its runs, the median, the upper quartile."""

    low: float
    median: float
    high: float

    @property
    def steady(self) -> bool:
        """Do the runs agree?"""
        return self.high <= SPREAD * self.low


def timed(run: Run, frames: NDArray[Any], batches: Sequence[int]) -> list[Timed]:
    """How long each batch size takes; frames are taken again and again."""
    found: list[list[float]] = [[] for _ in batches]
    for _ in range(ROUNDS):
        for batch, all_times in zip(batches, found, strict=True):
            x = np.resize(frames, (batch, *frames.shape[1:]))
            run(x)
            times: list[float] = []
            while sum(times) < (ENOUGH_S if len(times) >= REPEATS else LIMIT_S):
                began = time.perf_counter()
                run(x)
                times.append(time.perf_counter() - began)
            all_times += times
    return [Timed(*(float(value) for value in np.quantile(times, (0.25, 0.5, 0.75)))) for times in found]


class Crowd:
    """How many processors others kept busy from its beginning on: other processes, and other guests of the machine."""

    def __init__(self) -> None:
        self.began, self.busy, self.own = time.perf_counter(), _busy(), time.process_time()

    @property
    def others(self) -> float:
        """By the system's own account; by its load average where it gives none."""
        now = _busy()
        if now is None or self.busy is None:
            return max(0.0, os.getloadavg()[0] - 1)
        return max(0.0, now - self.busy - (time.process_time() - self.own)) / (time.perf_counter() - self.began)


def _busy() -> float | None:
    """Seconds that all processors have worked since the machine began, whoever for; None where the system does not say it."""
    try:
        user, nice, system, _, _, *interrupts = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        return sum(map(int, (user, nice, system, *interrupts))) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None


def warning(times: Mapping[str, Sequence[Timed]], others: float) -> str | None:
    """What a reader must know of times that were measured beside others' work; None of those that agree."""
    reasons = []
    if others > CROWDED:
        reasons.append(f"other processes kept {others:.1f} of {os.cpu_count()} processors busy meanwhile")
    unsteady = [name for name, each in times.items() if not all(one.steady for one in each)]
    if unsteady:
        reasons.append(f"times of the same batch lie far apart ({' and '.join(unsteady)})")
    return f"{', and '.join(reasons)}: measure again when the machine does nothing else" if reasons else None


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
    entries = session.get_inputs()
    kinds = [np.dtype(KINDS.get(entry.type, entry.type[len("tensor(") : -1])) for entry in entries]

    def run(x: NDArray[Any]) -> object:
        parts = [x] if len(entries) == 1 else apart(x, [entry.shape[1:] for entry in entries])
        given = zip(entries, parts, kinds, strict=True)
        return session.run(None, {entry.name: part.astype(kind, copy=False) for entry, part, kind in given})

    return run


def drawn(network: Network, frames: int = 64) -> NDArray[np.float32]:
    """Frames (N, ...) for a network: any of its input's codes everywhere."""
    form = network.input
    codes = np.random.default_rng(1).integers(0, form.tensor.codes.levels, (frames, *form.shape))
    numbers = (codes * form.grid.scale).astype(np.float32)
    if form.condition is None:
        return numbers
    if form.condition.function is None:
        return form.condition.of(numbers)
    numbers[:, form.condition.start :] = codes[:, form.condition.start :] % 2  # labels, if it takes some
    return numbers


def processor() -> str:
    """What the system calls the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def torch_installed() -> bool:
    """Are PyTorch, and Brevitas, of whose modules its networks are made, there?"""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "brevitas"))


def torch_if_there(name: str) -> Run | None:
    """`torch_run` on one thread; None where PyTorch is not installed, or no shipped network has that name."""
    if not torch_installed():
        return None
    import torch

    torch.set_num_threads(1)
    try:
        return torch_run(name)
    except KeyError:
        return None


def torch_run(recipe: str) -> Run:
    """An untrained network of a shipped one's shape on PyTorch, which takes as long. Needs the `training` extra.

    Raises KeyError where none has that name.
    """
    import torch

    from ..networks.shapes import SHAPES
    from ..training.vae_topologies import MODULES

    if recipe in SHAPES:
        from ..training.topologies import build
        from ..training.train_fast import plain

        module: torch.nn.Module = build(SHAPES[recipe], plain(torch.float32)).eval()
    else:
        module = MODULES[recipe]().eval()

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
