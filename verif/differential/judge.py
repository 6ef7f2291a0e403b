"""What becomes of a case: agreement with the executed file, a refusal that blames what is at fault, or a failure."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import onnx

from sigmabit.golden import CalibrationError, Network, Precision, UnsupportedModelError, calibrated
from sigmabit.golden.front.importer import read_model
from sigmabit.golden.front.quantise import CLAMPED, quantise
from sigmabit.golden.layers.layer import Layer
from sigmabit.golden.network.real import RealLatent, RealNetwork
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.golden.types.scalar import Chain, Choice

from ..harness.quantisation import compare_layers
from ..harness.ties import frames_met
from ..simulation.reference import execute
from .case import Case
from .evaluation import names_of, what_is_wrong

TOLERANCE = 1e-4
"""Of float32's results, relative: roundings add up."""


class Outcome(Enum):
    """How a case ends."""

    AGREED = "agreed"
    PLANTED = "refused as planted"
    NO_BIT = "refused, and it is no bit"
    FAILED = "failed"


@dataclass(frozen=True)
class Verdict:
    """An outcome and what there is to say of it; excused: frames that differ behind a listed tie."""

    outcome: Outcome
    text: str = ""
    excused: int = 0
    network: Network | None = None
    refused: bool = False


def judge(case: Case) -> Verdict:
    """Import the case's file, and hold the result against the file's own execution.

    What was planted may be accepted only where it changes nothing, as behind bits that are always the same.
    """
    verdict = _judged(case)
    if case.planted is None or verdict.outcome in (Outcome.PLANTED, Outcome.NO_BIT):
        return verdict
    if verdict.outcome is Outcome.FAILED and not verdict.refused:
        return replace(
            verdict, text=f"accepted in spite of {case.planted.what} at {', '.join(case.planted.names)}: {verdict.text}"
        )
    return verdict


def _judged(case: Case) -> Verdict:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            network = read_model(case.path, case.input_scale, coding=case.coding)
    except UnsupportedModelError as error:
        return _refused(case, error)
    except Exception:  # whatever it is, it is no answer
        return Verdict(Outcome.FAILED, "import: " + traceback.format_exc(limit=-3))
    if isinstance(network, Network):
        return Verdict(Outcome.FAILED, "taken for binary") if case.real else _compared(case, network)
    if not case.real:
        return _real_after_all(case, network)
    assert case.epsilon is not None
    expected = execute(case.path, case.x, epsilon=case.epsilon, whole=True).outputs
    found = network.output(case.x, case.epsilon)
    wrong = differing(found, expected)
    unexcused = wrong & ~_at_ties(case, network, network.binary)
    if unexcused.any():
        return Verdict(Outcome.FAILED, _says(found, expected, unexcused))
    return replace(_quantised(case, network), excused=int(wrong.sum()))


def _quantised(case: Case, real: RealNetwork) -> Verdict:
    """Is every layer, once it is quantised, as near to its float graph's as its roundings explain?"""
    assert case.epsilon is not None
    try:
        calibration = calibrated(real, case.x, Precision())
        network = quantise(real, calibration.ranges, calibration.precision)
    except CalibrationError:  # numbers of a size that no width holds are none of the importer's faults
        return Verdict(Outcome.AGREED)
    if clamped(real, real.evaluate(case.x, case.epsilon)):
        return Verdict(Outcome.AGREED)
    epsilon = np.rint(case.epsilon * 2**FRACTION).astype(np.int64)
    for layer in compare_layers(real, network, case.x, epsilon):
        excess = layer.differences - layer.bound * (1 + 1e-9) - 1e-9
        if not np.all(excess <= 0):
            return Verdict(Outcome.FAILED, f"quantised, {layer.layer} differs by {excess.max():g} more than roundings explain")
    return Verdict(Outcome.AGREED, network=network)


def clamped(real: RealNetwork, results: Mapping[str, np.ndarray]) -> bool:
    """Are there deviations that hardware clamps, so that limits of the graph's own are left out? results: of `evaluate`."""
    before = "input"
    for layer in real.layers:
        if isinstance(layer, RealLatent) and not layer.function.steps:
            logarithms = results[before][:, 0, 0, layer.latents : 2 * layer.latents]
            if not np.all(np.abs(logarithms) <= CLAMPED / 2):
                return True
        before = layer.name
    return False


def _compared(case: Case, network: Network) -> Verdict:
    return replace(agreement(case, network, network.layers, network.run(case.x)), network=network)


def _real_after_all(case: Case, network: RealNetwork) -> Verdict:
    """A graph that was drawn as a binary one: is it none, and what its float graph computes?"""
    model = onnx.load(str(case.path))
    if case.planted is None and not any(what_is_wrong(case, model, segment) for segment in case.segments):
        return Verdict(Outcome.FAILED, "taken for real")
    return agreement(case, network, network.binary, network.output(case.x, np.zeros((len(case.x), 0))))


def agreement(
    case: Case, network: Network | RealNetwork, layers: Sequence[Layer], found: np.ndarray, plain: bool = False
) -> Verdict:
    """Are the results those of the file, but for frames that meet a listed tie of one of the layers? plain: as for execute."""
    expected = execute(case.path, case.x, epsilon=case.epsilon, whole=True, plain=plain).outputs
    wrong = differing(found, expected)
    if not wrong.any():
        return Verdict(Outcome.AGREED)
    hit = _at_ties(case, network, layers)
    if isinstance(network, Network) and network.output.chooses:
        hit |= _undecided(network, case.x)
    if np.any(wrong & ~hit):
        return Verdict(Outcome.FAILED, _says(found, expected, wrong & ~hit))
    return Verdict(Outcome.AGREED, excused=int(wrong.sum()))


def _at_ties(case: Case, network: Network | RealNetwork, layers: Sequence[Layer]) -> np.ndarray:
    """Which frames meet a tie that the network lists, at one of the layers, which are its binary ones."""
    return frames_met(network.ties, layers, network.input.encode(case.x), np.asarray(network.input.order))


def _undecided(network: Network, x: np.ndarray) -> np.ndarray:
    """Which frames have two scores that are the largest but for rounding, of which the host chooses one."""
    steps = network.output.chain.steps
    choice = next(place for place, step in enumerate(steps) if isinstance(step, Choice))
    size = len(network.output.order)
    scores = replace(network.output, chain=Chain(steps[:choice]), shape=(size,)).decode(network.results(network.input.encode(x)))
    first = np.sort(scores, axis=1)
    return first[:, -1] - first[:, -2] <= 1e-5 * np.abs(scores).max() if size > 1 else np.zeros(len(x), bool)


def differing(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Which frames differ by more than rounding; all, if the shapes do."""
    if found.shape != expected.shape:
        return np.ones(len(expected), bool)
    size = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    same = np.isclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE / 10 * size, equal_nan=True)
    return ~same.reshape(len(expected), -1).all(axis=1)


def _says(found: np.ndarray, expected: np.ndarray, wrong: np.ndarray) -> str:
    if found.shape != expected.shape:
        return f"results of shape {found.shape}, the graph's of {expected.shape}"
    frame = int(np.argmax(wrong))
    place = int(np.argmax(np.abs(found[frame] - expected[frame])))
    values = found[frame].reshape(-1)[place], expected[frame].reshape(-1)[place]
    return f"{int(wrong.sum())} of {len(wrong)} frames differ; frame {frame} has {values[0]:g}, the graph {values[1]:g}"


def _refused(case: Case, error: UnsupportedModelError) -> Verdict:
    """Does every finding name something that is at fault?"""
    names = set(case.planted.names) if case.planted else set()
    innocent = [finding for finding in error.findings if finding.node not in names]
    reasons: list[str] = []
    model = onnx.load(str(case.path))
    for segment in case.segments:
        blamed = names_of(model, segment)
        if not any(finding.node in blamed for finding in innocent):
            continue
        reason = what_is_wrong(case, model, segment)
        if reason:
            reasons.append(reason)
            innocent = [finding for finding in innocent if finding.node not in blamed]
    if innocent:
        return Verdict(Outcome.FAILED, "refused without a reason: " + "; ".join(map(str, innocent)), refused=True)
    if case.planted and names.intersection(finding.node for finding in error.findings):
        return Verdict(Outcome.PLANTED, str(error))
    if case.planted and not reasons:
        return Verdict(Outcome.FAILED, f"{case.planted.what} is not named: {error}", refused=True)
    return Verdict(Outcome.NO_BIT, "; ".join(reasons))
