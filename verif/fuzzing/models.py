"""Model files that are changed: refused in one sentence, or networks that give what an executor gives."""

from __future__ import annotations

import math
import random
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Network, Precision, UncalibratedError, calibrated, import_model
from sigmabit.golden.front.calibration import KEY
from sigmabit.golden.front.importer import read_model
from sigmabit.golden.front.quantise import quantise
from sigmabit.golden.network.network import InputFormat
from sigmabit.golden.network.real import RealLinear, RealNetwork
from sigmabit.hdl.planning.planner import Planner

from ..differential.case import Case
from ..differential.judge import Outcome as Judged
from ..differential.judge import agreement, clamped, differing
from ..simulation.reference import ExecutionError
from .corpus import Whole, corpus, message
from .graphs import change
from .kind import EXECUTION, Outcome, Stage, Verdict, attempt
from .mutation import Random, in_bytes

FRAMES = 3

MOST_NUMBERS = 1 << 16
"""Of a frame that is executed, and multiply-accumulates for one, in thousands."""

LARGE = 1e6
"""Real numbers beyond this are no matter of an executor's."""

ROUNDING = 2.0**-21
"""Of sums in float32, of their size."""

PLANNED = 12
"""One accepted network of so many is planned."""

PART, INTERVAL = "xc7vx690t", 4096
"""The plan's. Whether there is one does not matter."""

FILE, BESIDE = "m.onnx", "data.bin"


@dataclass(frozen=True)
class Models:
    """ONNX files."""

    name: str = "models"

    def trial(self, seed: int, folder: Path, stage: Stage) -> Verdict:
        chance = random.Random(seed)
        whole = chance.choice(corpus())
        path = folder / FILE
        path.write_bytes(drawn(chance, whole))
        (folder / BESIDE).write_bytes(bytes(range(256)) * 4)
        return self.judged(path, whole, seed, chance.randrange(PLANNED) == 0, stage)

    def judged(self, path: Path, whole: Whole, seed: int, plans: bool, stage: Stage) -> Verdict:
        """The verdict on a file that was made of a whole one. seed: of the frames. plans: is it planned, too?"""
        stage("import")
        found = attempt("import", lambda: imported(path, whole), path)
        if isinstance(found, Verdict):
            return found
        if _size(found) > MOST_NUMBERS:
            return Verdict(Outcome.UNEXECUTED, "more numbers than are executed")
        executed = self._executed(seed, path, found, stage)
        if executed.outcome is Outcome.FAILED or not plans:
            return executed
        stage("plan")
        planned = attempt("plan", lambda: _planned(path, whole, found, np.random.default_rng(seed)))
        return planned if isinstance(planned, Verdict) and planned.outcome is Outcome.FAILED else executed

    def _executed(self, seed: int, path: Path, found: Network | RealNetwork, stage: Stage) -> Verdict:
        """The verdict on what a network gives for some frames, beside an executor's."""
        numbers = np.random.default_rng(seed)
        epsilon = None
        if isinstance(found, RealNetwork) and found.latents:
            epsilon = numbers.standard_normal((FRAMES, found.latents)).astype(np.float32)
        stage("run")
        ready = attempt("run", lambda: _run(found, frames(found.input, numbers), epsilon))
        if isinstance(ready, Verdict):
            return ready
        x, outputs, why = ready
        if why or not np.all(np.isfinite(outputs)):
            return Verdict(Outcome.UNEXECUTED, why or "results that are not finite")
        case = Case(seed, path, x, None, epsilon=epsilon)
        stage(EXECUTION)
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                layers = found.layers if isinstance(found, Network) else found.binary
                verdict = agreement(case, found, layers, outputs)
                if verdict.outcome is Judged.FAILED:  # numbers so large that the order of operations decides
                    verdict = agreement(case, found, layers, outputs, plain=True)
        except ExecutionError as error:
            return Verdict(Outcome.UNEXECUTED, str(error))
        if verdict.outcome is Judged.FAILED:
            return Verdict(Outcome.FAILED, f"execution: {verdict.text}")
        return Verdict(Outcome.RIGHT)


def drawn(chance: Random, whole: Whole) -> bytes:
    """A file with a few lies in it."""
    kind = chance.randrange(8)
    if kind == 0:
        return in_bytes(chance, whole.content, chance.choice(corpus()).content)
    model = message(whole)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5))):
        change(chance, model)
    content = model.SerializeToString()
    return in_bytes(chance, content, whole.content) if kind == 1 else content


def imported(path: Path, whole: Whole) -> Network | RealNetwork:
    """The network of a file: in integers, or in real numbers where those come of a calibration, or would come.

    What is calibrated is read either way.
    """
    if KEY.encode() in path.read_bytes():
        network = import_model(path, whole.input_scale, coding=whole.coding)
        if not network.calibrated:
            return network
    return read_model(path, whole.input_scale, coding=whole.coding)


def frames(form: InputFormat, numbers: np.random.Generator) -> NDArray[Any]:
    """Frames (FRAMES, *shape) that an input takes."""
    shape = (FRAMES, *form.shape)
    if form.whole is not None:
        least, most = form.whole
        x = numbers.integers(max(least, -300), min(most, 300), shape, endpoint=True).astype(np.float32)
        return x if form.quantiser is not None else np.minimum(x, form.tensor.high).clip(0)
    if form.quantiser is None:
        return np.asarray(numbers.integers(0, form.tensor.high, shape, endpoint=True) * form.grid.scale, np.float32)
    if form.coding is None:
        return numbers.standard_normal(shape).astype(np.float32)
    return form.coding.nearest(numbers.standard_normal(shape)).astype(np.float32)


def _size(found: Network | RealNetwork) -> int:
    """The most numbers of a tensor, or thousands of multiply-accumulates."""
    if isinstance(found, Network):
        return max(found.operations // 1000, math.prod(found.input.shape))
    shapes = (found.input.shape, *(layer.shape for layer in found.layers))
    return max(sum(layer.operations for layer in found.layers) // 1000, *map(math.prod, shapes))


def _run(found: Network | RealNetwork, x: NDArray[Any], epsilon: NDArray[Any] | None) -> tuple[NDArray[Any], NDArray[Any], str]:
    """The frames, a network's outputs for them, and why no executor's need be the same, if they need not."""
    if isinstance(found, Network):
        return x, *_decoded(found, x)
    epsilon = np.zeros((len(x), 0)) if epsilon is None else epsilon
    results = found.evaluate(x, epsilon)
    why = "deviations that hardware clamps" if clamped(found, results) else ""
    weights = (part for layer in found.layers if isinstance(layer, RealLinear) for part in (layer.weights, layer.bias))
    if not all(np.all(np.abs(numbers) <= LARGE) for numbers in (*weights, *results.values())):
        why = f"numbers beyond {LARGE:g}, beside which float32 loses others"
    return x, found.output(x, epsilon), why


def _decoded(found: Network, x: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """Results, and why no executor's need be the same: where sums of the same numbers in another order give others."""
    results = found.results(found.input.encode(x))
    outputs = found.output.decode(results)
    near = replace(found.output, scale=found.output.scale * (1 + ROUNDING)).decode(results)
    with np.errstate(all="ignore"):
        steep = not found.output.chooses and differing(near, outputs).any()
    return outputs, "scores whose rounding decides" if steep else ""


def _planned(path: Path, whole: Whole, found: Network | RealNetwork, numbers: np.random.Generator) -> object:
    """A plan of the network, in integers. Raises SigmabitError."""
    if isinstance(found, Network):
        network = found
    else:
        try:
            network = import_model(path, whole.input_scale, coding=whole.coding)
        except UncalibratedError:
            calibration = calibrated(found, frames(found.input, numbers), Precision())
            network = quantise(found, calibration.ranges, calibration.precision)
    return Planner(network, PART, 200.0).plan(INTERVAL)
