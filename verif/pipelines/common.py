"""What every simulation of a pipeline takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Network, SigmabitError
from sigmabit.golden.layout import Layout
from sigmabit.hdl.convert import Design, convert
from sigmabit.hdl.plan import Plan
from sigmabit.hdl.top import Pipeline, PipelineConfig

SIMULATORS = ("verilator", "icarus", "myhdl")
"""Where a pipeline can be simulated: its Verilog, twice, and the MyHDL that the Verilog was made from."""

Progress = Callable[[str, int, int], None]
"""Called with what is going on, and how far it is: done of total; 0 of 0 where that is not known."""


class SimulationError(SigmabitError):
    """A simulation broke a stream rule, got stuck, or lost its place."""


@dataclass(frozen=True)
class Stalls:
    """How often, of 256 cycles, the input has nothing to give and the output is not ready; drawn from seed."""

    idle: int = 0
    backpressure: int = 0
    seed: int = 1


@dataclass(frozen=True)
class Job:
    """One simulation: the pipeline, the layouts of its input and of each layer's result, and what is to be recorded.

    quiet: cycles without a transfer after which it has failed. drain: cycles that it goes on for after the last result; layers
    whose last positions nobody reads may give them later.
    """

    config: PipelineConfig
    layouts: tuple[Layout, ...]
    quiet: int
    drain: int = 0
    stalls: Stalls = field(default_factory=Stalls)
    waves: Path | None = None

    @property
    def source(self) -> Layout:
        """The input on its AXI4-Stream."""
        return self.layouts[0].on_axi()

    @property
    def result(self) -> Layout:
        """The result on its AXI4-Stream."""
        return self.layouts[-1].on_axi()


@dataclass(frozen=True, eq=False)
class Measured:
    """What a simulation gave: codes or scores (N, height, width, channels), and cycles counted from reset.

    first_in, last_out: (N,) cycle of each frame's first input transfer and last output transfer. trace: each layer's result by
    name, where it was tapped. counters: frames_in, frames_out, malformed, dropped.
    """

    results: NDArray[np.int64]
    first_in: NDArray[np.int64]
    last_out: NDArray[np.int64]
    trace: dict[str, NDArray[np.int64]]
    counters: tuple[int, int, int, int]

    @property
    def latency(self) -> int:
        """Cycles from the first frame's first input transfer to its last output transfer, into an empty pipeline."""
        return int(self.last_out[0] - self.first_in[0])

    def interval(self, settling: int) -> float | None:
        """Average distance of results, at least 10 of them, in steady state: after `settling` frames.

        Where there are too few frames for that, the last 10 distances if they are equal; None if they are not, or are fewer.
        """
        distances = np.diff(self.last_out)
        if len(distances) >= settling + 10:
            return float(distances[settling:].mean())
        last = distances[-10:]
        return float(last[0]) if len(last) == 10 and (last == last[0]).all() else None


def simulate(
    network: Network,
    plan: Plan,
    codes: NDArray[np.integer],
    on: str = "verilator",
    taps: bool = False,
    stalls: Stalls | None = None,
    waves: Path | None = None,
    progress: Progress = lambda what, done, total: None,
    optimise: bool = True,
) -> Measured:
    """Run codes (N, height, width, channels) through the plan's pipeline on one of SIMULATORS.

    taps: record every layer's result. optimise: compile for long runs (Verilator only). Raises SimulationError.
    """
    from . import icarus, myhdl, verilator

    config = plan.tapped() if taps else plan.pipeline
    layouts = (network.input.tensor.layout, *(layer.layout for layer in network.layers))
    drain = plan.latency + plan.interval if taps else 0
    job = Job(config, layouts, plan.quiet, drain, stalls or Stalls(), waves)
    if on == "verilator":
        return verilator.run(job, codes, progress, optimise)
    if on == "icarus":
        return icarus.run(job, codes, progress)
    if on == "myhdl":
        return myhdl.run(job, codes, progress)
    raise SimulationError(f"unknown simulator {on}, expected one of {', '.join(SIMULATORS)}")


@lru_cache(maxsize=2)
def converted(config: PipelineConfig) -> Design:
    """A pipeline's Verilog; the last ones are kept, for the next frames."""
    return convert(Pipeline(config).outline())


def unpack(layout: Layout, beats: NDArray[np.uint8], frames: int, name: str) -> NDArray[np.int64]:
    """The first `frames` frames of recorded beats. Raises SimulationError where beats are missing."""
    needed = frames * layout.beats
    if len(beats) < needed:
        raise SimulationError(f"{name}: {len(beats)} beats came, expected {needed}")
    return layout.unpack(beats[:needed])
