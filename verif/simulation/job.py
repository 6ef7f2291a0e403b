"""What every simulation of a pipeline takes and gives, and what a simulator is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import InputError, Network, SigmabitError
from sigmabit.golden.noise import sampler
from sigmabit.golden.noise.gaussian import BITS
from sigmabit.golden.types.layout import Layout
from sigmabit.hdl.pipeline.top import Pipeline, PipelineConfig
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.verilog.convert import Design, convert

Progress = Callable[[str, int, int], None]
"""Called with what is going on, and how far it is: done of total; 0 of 0 where that is not known."""


WORTHWHILE = (200_000, 30_000_000)
"""Cycles of a simulation from which on it wins back what the compiler takes for the next level; measured with digits_vae."""


class SimulationError(SigmabitError):
    """A simulation broke a stream rule, got stuck, or lost its place."""


@dataclass(frozen=True)
class Stalls:
    """How often, of 256 cycles, the input has nothing to give and the output is not ready; drawn from seed."""

    idle: int = 0
    backpressure: int = 0
    seed: int = 1


@dataclass(frozen=True, eq=False)
class Noise:
    """Samples of the standard normal for networks that draw them: by their own sampler from `seed`, or those of epsilon,
    (N, K, latents) codes.
    """

    seed: int = 0
    epsilon: NDArray[np.integer] | None = None

    def codes(self, latents: int, frames: int, samples: int) -> NDArray[np.int64]:
        """The samples themselves (N, K, latents), by golden where the sampler draws them."""
        if self.epsilon is None:
            drawn = sampler.samples(self.seed, latents, frames * samples)
            return drawn.reshape(frames, samples, latents).astype(np.int64)
        if self.epsilon.shape != (frames, samples, latents):
            raise InputError(f"samples of shape {self.epsilon.shape}, expected {(frames, samples, latents)}")
        return self.epsilon.astype(np.int64)

    def for_network(self, network: Network, frames: int, samples: int) -> NDArray[np.int64] | None:
        """The same for the latent variables of a network; None for one that draws no samples."""
        return None if network.latent is None else self.codes(network.latent.latents, frames, samples)

    def part(self, start: int, frames: int) -> Noise:
        """That of some frames. A sampler begins with its seed again."""
        return self if self.epsilon is None else Noise(epsilon=self.epsilon[start : start + frames])

    @staticmethod
    def layout(latents: int) -> Layout:
        """How a vector of samples lies on a stream."""
        return Layout(1, 1, latents, BITS, signed=True)


@dataclass(frozen=True)
class Toggles:
    """Count every signal's toggles, into a SAIF file at path, from the first transfer of frame `skipped` to the last one of the
    last frame: a pipeline that has been filled, and is kept busy. period_ps: how long a cycle is said to take.
    """

    path: Path
    skipped: int
    period_ps: int


@dataclass(frozen=True, eq=False)
class Job:
    """One simulation: the pipeline, the layouts of its input and of each layer's result, and what is to be recorded.

    times: how many tensors a frame has at each layout. seed, vectors: of the sampler; or the samples (N * K, latents) themselves.
    quiet: cycles without a transfer after which it has failed. drain: cycles that it goes on for after the last result; layers
    whose last positions nobody reads may give them later. optimise: the compiler's level, where anything is compiled.
    """

    config: PipelineConfig
    layouts: tuple[Layout, ...]
    times: tuple[int, ...]
    quiet: int
    drain: int = 0
    stalls: Stalls = field(default_factory=Stalls)
    waves: Path | None = None
    toggles: Toggles | None = None
    seed: int = 0
    vectors: NDArray[np.uint8] | None = None
    optimise: int = 2

    @property
    def source(self) -> Layout:
        """The input on its AXI4-Stream."""
        return self.layouts[0].on_axi()

    @property
    def result(self) -> Layout:
        """The result on its AXI4-Stream."""
        return self.layouts[-1].on_axi()

    @property
    def samples(self) -> int:
        """Results of a frame."""
        return self.times[-1]

    @property
    def tapped(self) -> list[tuple[str, Layout, int]]:
        """Name, layout and tensors per frame of each layer whose result is recorded."""
        if not self.config.taps:
            return []
        labels = [layer.label for layer in self.config.layers]
        return list(zip(labels, self.layouts[1:], self.times[1:], strict=True))


@dataclass(frozen=True, eq=False)
class Measured:
    """What a simulation gave: codes or scores (N * K, height, width, channels), K of a frame, and cycles counted from reset.

    first_in, last_out: (N,) cycle of each frame's first input transfer and last output transfer. trace: each layer's result by
    name, where it was tapped; passes: (N, 2) cycles of its first and last beat of each frame. counters: frames_in, frames_out,
    malformed, dropped.
    """

    results: NDArray[np.int64]
    first_in: NDArray[np.int64]
    last_out: NDArray[np.int64]
    trace: dict[str, NDArray[np.int64]]
    counters: tuple[int, int, int, int]
    passes: dict[str, NDArray[np.int64]] = field(default_factory=dict)

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


@dataclass(frozen=True)
class Simulator:
    """A place where pipelines run. records: can it write waves and count toggles?"""

    name: str
    run: Callable[[Job, NDArray[np.integer], Progress], Measured]
    records: bool = False


def job(
    plan: Plan,
    frames: int,
    taps: bool = False,
    stalls: Stalls | None = None,
    waves: Path | None = None,
    noise: Noise | None = None,
    toggles: Toggles | None = None,
    optimise: int | None = None,
) -> Job:
    """What `simulate` is asked for, of so many frames."""
    noise = noise or Noise()
    vectors = None
    if plan.latents and noise.epsilon is not None:
        drawn = noise.codes(plan.latents, frames, plan.samples)
        vectors = noise.layout(plan.latents).pack(drawn.reshape(-1, 1, 1, plan.latents))
    config = plan.variant(taps, epsilon=vectors is not None)
    layouts = (plan.source, *(layer.layout for layer in plan.layers))
    times = (1, *(layer.times for layer in plan.layers))
    drain = plan.latency + plan.interval if taps else 0
    if optimise is None:
        optimise = level(plan, frames)
    return Job(config, layouts, times, plan.quiet, drain, stalls or Stalls(), waves, toggles, noise.seed, vectors, optimise)


def level(plan: Plan, frames: int) -> int:
    """The compiler's level at which a model is built and has simulated so many frames soonest."""
    return sum(frames * plan.interval >= cycles for cycles in WORTHWHILE)


@lru_cache(maxsize=2)
def converted(config: PipelineConfig) -> Design:
    """A pipeline's Verilog; the last ones are kept, for the next frames."""
    return convert(Pipeline(config).outline())


def ends(cycles: Sequence[int], frames: int, beats: int) -> NDArray[np.int64]:
    """(frames, 2) cycles of the first and the last of each frame's beats, from those of all."""
    return np.array(cycles[: frames * beats], np.int64).reshape(frames, beats)[:, [0, -1]]


def unpack(layout: Layout, beats: NDArray[np.uint8], frames: int, name: str) -> NDArray[np.int64]:
    """The first `frames` frames of recorded beats. Raises SimulationError where beats are missing."""
    needed = frames * layout.beats
    if len(beats) < needed:
        raise SimulationError(f"{name}: {len(beats)} beats came, expected {needed}")
    return layout.unpack(beats[:needed])
