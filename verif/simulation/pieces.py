"""Frames in pieces, for workers: golden's results, and simulations whose results and cycles are those of one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.workers import Workers, together
from sigmabit.golden import Network
from sigmabit.hdl.planning.plan import Plan

from .job import Measured, Noise, Progress, SimulationError, level
from .simulators import simulate

DISTANCES = 10
"""Of results in steady state that the first piece must show, as a whole run must (Measured.interval)."""


NARROW = np.uint8, np.int8, np.uint16, np.int16
"""Kinds of codes of up to sixteen bits, the smallest first."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Some frames: codes (N, height, width, channels), and where their samples come from.

    To another process codes travel in as few bytes each as hold them all.
    """

    codes: NDArray[np.int64]
    noise: Noise

    def __reduce__(self) -> tuple[Callable[[NDArray[np.integer], Noise], Piece], tuple[NDArray[np.integer], Noise]]:
        low, high = self.codes.min(initial=0), self.codes.max(initial=0)
        fitting = (kind for kind in NARROW if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
        return _arrived, (self.codes.astype(next(fitting, np.int64)), self.noise)


def _arrived(codes: NDArray[np.integer], noise: Noise) -> Piece:
    return Piece(codes.astype(np.int64), noise)


def simulate_in_pieces(
    workers: Workers,
    plan: Plan,
    codes: NDArray[np.int64],
    on: str,
    taps: bool = False,
    noise: Noise | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Measured:
    """As `simulate`, each piece from reset: results and traces of all frames, counters of all together, but cycles, which give
    latency and interval, of the first piece's frames alone.

    One piece stays what needs to be one: samples that the pipeline draws itself are one sequence from its seed; and too few
    frames show no interval. What does not run as it should, in any piece, is simulated again as a whole, so that it is told as
    it is on one process.
    """
    noise = noise or Noise()
    least = plan.settling + DISTANCES + 1
    drawn = plan.latents > 0 and noise.epsilon is None
    count = 1 if drawn else min(workers.count, len(codes) // least)
    work = partial(_simulated, plan, on, taps, level(plan, len(codes)))
    whole = [Piece(codes, noise)]
    if count > 1:
        pieces = [Piece(codes[start:end], noise.part(start, end - start)) for start, end in pairwise(bounds(len(codes), count))]
        try:
            found = list(together(workers, work, pieces, [len(piece.codes) for piece in pieces], progress))
        except SimulationError:
            found = []
        if found and all(steady(plan, piece) for piece in found):
            return joined(found)
    return next(together(workers, work, whole, [len(codes)], progress))


def _simulated(plan: Plan, on: str, taps: bool, optimise: int, piece: Piece, progress: Progress) -> Measured:
    return simulate(plan, piece.codes, on, taps, progress=progress, optimise=optimise, noise=piece.noise)


def steady(plan: Plan, measured: Measured) -> bool:
    """Do all results follow at one distance, once the pipeline is filled? Then they do so for as long as frames come."""
    distances = np.diff(measured.last_out)[plan.settling :]
    return len(distances) >= DISTANCES and bool((distances == distances[0]).all())


def joined(found: Sequence[Measured]) -> Measured:
    """What pieces gave, one after the other, as one: cycles are the first's."""
    first = found[0]
    a, b, c, d = (sum(each) for each in zip(*(piece.counters for piece in found), strict=True))
    trace = {name: np.concatenate([piece.trace[name] for piece in found]) for name in first.trace}
    results = np.concatenate([piece.results for piece in found])
    return Measured(results, first.first_in, first.last_out, trace, (a, b, c, d), first.passes)


def golden_in_pieces(
    workers: Workers,
    network: Network,
    codes: NDArray[np.int64],
    drawn: NDArray[np.int64] | None,
    record: bool,
    progress: Progress = lambda what, done, total: None,
    what: str = "computing",
) -> Mapping[str, NDArray[np.int64]]:
    """Golden's results, by the name of the last layer; record: and every tensor before it. what: it is called in the progress."""
    cuts = bounds(len(codes), min(workers.count, len(codes)))
    pieces = [(codes[start:end], None if drawn is None else drawn[start:end]) for start, end in pairwise(cuts)]
    sizes = [len(some) for some, _ in pieces]
    found = list(together(workers, partial(_golden, network, record, what), pieces, sizes, progress))
    return {name: np.concatenate([piece[name] for piece in found]) for name in found[0]}


def _golden(
    network: Network, record: bool, what: str, piece: tuple[NDArray[np.int64], NDArray[np.int64] | None], progress: Progress
) -> dict[str, NDArray[np.int64]]:
    codes, drawn = piece
    progress(what, 0, 0)
    found = dict(network.steps(codes, drawn)) if record else {network.layers[-1].name: network.results(codes, drawn)}
    progress(what, len(codes), len(codes))
    return found


def bounds(frames: int, count: int) -> list[int]:
    """Where `count` pieces of frames begin, and where the last ends: as long as one another, up to one frame."""
    return [frames * number // count for number in range(count + 1)]
