"""The same frames through the float graph, golden and the hardware, and how the three compare."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.workers import HERE, Workers
from sigmabit.golden import InputError, Network
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.golden.types.scalar import Rowwise
from sigmabit.hdl.planning.plan import Plan, repetitions
from sigmabit.verif.simulation import Measured, Noise, reference, simulate
from sigmabit.verif.simulation.pieces import golden_in_pieces, simulate_in_pieces

from ..interface.terminal import Report

MAX_NUMBERS = 1 << 27
"""Of all results, or of all tensors that are recorded, together."""

LEAST_FRAMES = 11
"""Frames whose ten distances may show an interval."""


def check_size(network: Network, frames: int, samples: int, recorded: bool = False) -> None:
    """InputError for more results than there is memory for; recorded: of all layers."""
    if recorded:
        times = repetitions(network, samples)
        each = sum(math.prod(layer.output.shape) * times[layer.name] for layer in network.every)
    else:
        each = math.prod(network.layers[-1].output.shape) * samples
    if network.latent is not None:
        each += network.latent.latents * samples
    if frames * each > MAX_NUMBERS:
        what = "tensors to be recorded" if recorded else "results"
        raise InputError(
            f"{frames} frames of {samples} samples give {what} of {frames * each} numbers, at most {MAX_NUMBERS} at a time; "
            f"take fewer frames or samples"
        )


def no_interval(measured: Measured, plan: Plan) -> str | None:
    """Why a run shows no interval; None where it does."""
    frames = len(measured.last_out)
    if measured.interval(plan.settling) is not None:
        return None
    if frames < LEAST_FRAMES:
        return f"no interval was measured: it takes at least {LEAST_FRAMES} frames, these were {frames}"
    return f"no interval was measured: the last of {frames} frames do not follow at equal distances yet; it takes more frames"


@dataclass(frozen=True, eq=False)
class Executions:
    """What three executions gave: the graph's first output (N * K, ...) by executor, the float graph's first.

    measured: the hardware's own account. mismatches: results in which golden and the hardware differ in any integer.
    """

    plan: Plan
    executor: str
    outputs: dict[str, NDArray[np.float32]]
    measured: Measured
    mismatches: int

    @property
    def network(self) -> Network:
        """What was executed."""
        return self.plan.network

    @property
    def on(self) -> str:
        """The simulator."""
        return list(self.outputs)[-1]

    @property
    def no_interval(self) -> str | None:
        """Why the run shows no interval; None where it does."""
        return no_interval(self.measured, self.plan)

    @property
    def classified(self) -> bool:
        """Is an output a row of scores, of which the largest decides? Not one number, nor real weights without a softmax."""
        output = self.network.output
        probabilities = any(isinstance(step, Rowwise) for step in output.chain.steps)
        return output.chooses or (math.prod(output.shape) > 1 and (probabilities or not self.network.calibrated))

    def decisions(self, truth: NDArray[np.int64] | None) -> dict[str, Any]:
        """How a classifier's outputs compare: decisions unlike the float graph's, and accuracies if there are labels."""
        decided = {name: self.network.output.decisions(y) for name, y in self.outputs.items()}
        result: dict[str, Any] = {"decisions_unlike_float": int((decided["golden"] != decided[self.executor]).sum())}
        if truth is not None:
            result["accuracy"] = {name: float((found == truth).mean()) for name, found in decided.items()}
        return result

    def values(self) -> dict[str, Any]:
        """How far the numbers of golden's outputs are from the float graph's, as a root mean square."""
        difference = self.outputs["golden"].astype(np.float64) - self.outputs[self.executor]
        return {"rms_unlike_float": float(np.sqrt(np.mean(difference**2)))}

    def reconstructions(self, x: NDArray[Any]) -> dict[str, Any]:
        """How the outputs of an autoencoder compare; with the frames, or pixels scaled to 1, if they are alike."""
        result: dict[str, Any] = {"samples": self.plan.samples} if self.network.latent else {}
        result |= self.values()
        if math.prod(self.network.output.shape) == math.prod(self.network.input.first) > 1:
            x = self.network.input.of_first(x)
            whole = 1.0 if self.network.input.coding else x.max()
            target = (x / whole).reshape(len(x), -1).repeat(self.plan.samples, axis=0)
            errors = {name: float(((y.reshape(len(y), -1) - target) ** 2).mean()) for name, y in self.outputs.items()}
            result["reconstruction_error"] = errors
        return result

    def compared(self, x: NDArray[Any], truth: NDArray[np.int64] | None) -> dict[str, Any]:
        """Decisions of what classifies, or has labels; or else values, and reconstructions of a network that gives such."""
        decides = self.network.latent is None and (self.classified or truth is not None)
        return self.decisions(truth) if decides else self.reconstructions(x)


def execute(
    model: Path,
    plan: Plan,
    x: NDArray[Any],
    codes: NDArray[np.int64],
    on: str,
    noise: Noise,
    report: Report,
    workers: Workers = HERE,
) -> Executions:
    """Run frames x, whose codes are given, through a model file, its network and its pipeline in a simulator.

    A network that draws samples is given the same ones in all three. Workers are given golden and the pipeline in pieces; where
    these differ, the pipeline is simulated again as a whole, as what is wrong may depend on what came before it.
    """
    network = plan.network
    check_size(network, len(x), plan.samples)
    drawn = noise.for_network(network, len(x), plan.samples)
    report("executing the float graph", 0, 0)
    reals = None if drawn is None else (drawn * 2.0**-FRACTION).astype(np.float32)
    float_run = reference.execute(
        model, x, lambda done, total: report("executing the float graph", done, total), reals, output=network.output.name
    )
    golden = golden_in_pieces(workers, network, codes, drawn, False, report, "computing golden")[network.layers[-1].name]
    measured = simulate_in_pieces(workers, plan, codes, on, noise=noise, progress=report)
    if workers.count > 1 and (measured.results != golden).any():
        measured = simulate(plan, codes, on, progress=report, noise=noise)
    outputs = {
        float_run.executor: float_run.outputs.reshape(len(golden), *network.output.shape),
        "golden": network.output.decode(golden),
        on: network.output.decode(measured.results),
    }
    mismatches = int(np.any(measured.results != golden, axis=(1, 2, 3)).sum())
    return Executions(plan, float_run.executor, outputs, measured, mismatches)
