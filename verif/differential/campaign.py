"""Many seeds: how their cases end, and which operators those hold that were accepted."""

from __future__ import annotations

import shutil
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import onnx

from sigmabit.golden import Network
from sigmabit.golden.front.importer import constants
from sigmabit.golden.front.importer.binary_walk import BinaryWalk
from sigmabit.golden.front.importer.latent import OTHER_RANDOM
from sigmabit.golden.front.importer.model_file import read
from sigmabit.golden.front.importer.real_walk import RealWalk

from ..harness.onnx_graphs import Builder
from ..harness.random_networks import draw_plan
from ..simulation import Noise, simulate
from .binary import draw_binary
from .case import Case
from .few_bits import draw_few_bits
from .judge import Outcome, judge
from .real import draw_real

REFUSED = frozenset(OTHER_RANDOM)
"""Operators that have a handler only to say why they are refused."""

FRAMES_SIMULATED = 4


@dataclass(frozen=True)
class Trial:
    """How one seed's case ended. operators: of activations in it, and of constants with a star; none unless it was accepted."""

    seed: int
    outcome: Outcome
    text: str = ""
    excused: int = 0
    operators: Counter[str] = field(default_factory=Counter)
    planted: str = ""
    file: Path | None = None


def draw(seed: int, folder: Path, few_bits: bool = False) -> Case:
    """The seed's case: every third is an autoencoder, unless networks of a few bits are wanted."""
    if few_bits:
        return draw_few_bits(seed, folder)
    return draw_real(seed, folder) if seed % 3 == 2 else draw_binary(seed, folder)


def operators(path: Path) -> Counter[str]:
    """How often each operator is applied to activations; to constants, with a star behind its name."""
    graph = onnx.load(str(path)).graph
    fed, counts = {value.name for value in graph.input}, Counter[str]()
    for node in graph.node:
        active = node.op_type.startswith("Random") or bool(fed.intersection(node.input))
        if active and node.op_type != "Shape":
            fed.update(node.output)
        counts[node.op_type if active else f"{node.op_type}*"] += 1
    return counts


def supported() -> tuple[set[str], set[str]]:
    """Operators that the importer has handlers for, and those that it evaluates on constants."""
    with tempfile.TemporaryDirectory() as folder:
        g = Builder((4,))
        graph = read(g.save(Path(folder) / "m.onnx", g("Sign", "x")))
    handled = {*BinaryWalk(graph, "", None).handlers, *RealWalk(graph, "", None).handlers}
    return handled - REFUSED, {*constants.ELEMENTWISE, *constants.REARRANGING, *constants.LINEAR}


def trial(seed: int, keep: Path | None = None, verilog: bool = False, few_bits: bool = False) -> Trial:
    """Draw the seed's case and judge it. A failed one's file and frames are kept in the folder `keep`.

    verilog: an accepted network is also simulated, folded at random.
    """
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of executors
        try:
            case = draw(seed, Path(place), few_bits)
            verdict = judge(case)
            text, outcome = verdict.text, verdict.outcome
            if verilog and verdict.network is not None and not _simulated(case, verdict.network):
                text, outcome = "the Verilog's results are not golden's", Outcome.FAILED
        except Exception:  # a graph that no executor takes, or a fault of the judge's own
            return Trial(seed, Outcome.FAILED, traceback.format_exc(limit=-4))
        file = None
        if outcome is Outcome.FAILED and keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            file = Path(shutil.copy(case.path, keep))
            np.save(file.with_suffix(".npy"), case.x)
        found = operators(case.path) if outcome is Outcome.AGREED else Counter[str]()
        return Trial(seed, outcome, text, verdict.excused, found, case.planted.what if case.planted else "", file)


def _simulated(case: Case, network: Network) -> bool:
    """Does the Verilog give golden's results?"""
    codes = network.input.encode(case.x[:FRAMES_SIMULATED])
    plan = draw_plan(network, case.seed)
    if network.latent is None:
        return np.array_equal(simulate(plan, codes, optimise=0).results, network.results(codes))
    epsilon = Noise(case.seed).codes(network.latent.latents, len(codes), 1)
    measured = simulate(plan, codes, optimise=0, noise=Noise(case.seed))
    return np.array_equal(measured.results, network.results(codes, epsilon))


@dataclass
class Tally:
    """What has been found so far."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    operators: Counter[str] = field(default_factory=Counter)
    planted: Counter[str] = field(default_factory=Counter)
    failures: list[Trial] = field(default_factory=list)
    excused: int = 0

    def add(self, found: Trial) -> None:
        """Count one more."""
        self.outcomes[found.outcome] += 1
        self.operators += found.operators
        self.excused += found.excused
        if found.outcome is Outcome.PLANTED:
            self.planted[found.planted] += 1
        if found.outcome is Outcome.FAILED:
            self.failures.append(found)

    def missing(self) -> list[str]:
        """Supported operators that no accepted graph held; those on constants with a star."""
        handled, folded = supported()
        return sorted({*handled, *(f"{name}*" for name in folded)} - {*self.operators})


def trials(
    seeds: Iterable[int], jobs: int = 1, keep: Path | None = None, verilog: int = 0, few_bits: bool = False
) -> Iterator[Trial]:
    """The seeds' trials, in order; accepted ones of the first `verilog` seeds are also simulated."""
    first, *others = [list(seeds)[:verilog], list(seeds)[verilog:]]
    work: list[tuple[Callable[[int], Trial], list[int]]] = [
        (partial(trial, keep=keep, verilog=True, few_bits=few_bits), first),
        (partial(trial, keep=keep, few_bits=few_bits), others[0]),
    ]
    if jobs == 1:
        for function, chosen in work:
            yield from map(function, chosen)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for function, chosen in work:
            yield from pool.map(function, chosen, chunksize=4)
