"""Frames through networks: in integers, through the float graph, and through the hardware in a simulator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.workers import HERE, Workers, together
from sigmabit.golden import InputError, Network
from sigmabit.golden.front.importer.model_file import read
from sigmabit.golden.network.identity import identity
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.hdl.planning.plan import Plan, check_samples
from sigmabit.verif.simulation import SIMULATORS, Measured, Noise, Stalls, simulate
from sigmabit.verif.simulation import waves as viewers
from sigmabit.verif.simulation.compare import Difference, first_delay, first_difference
from sigmabit.verif.simulation.job import Progress, level
from sigmabit.verif.simulation.pieces import Piece, golden_in_pieces, simulate_in_pieces

from ..data.shipped import model_file
from ..interface.files import write_whole
from ..measures.comparison import Executions, check_size, execute, no_interval

VIEWS = (".gtkw", ".sucl")
"""Endings of the files beside waves that say what GTKWave and Surfer are to show."""

AT_A_TIME = 500
"""Frames, or samples of frames, that are simulated and compared at a time, each time from reset: all their tensors are kept."""


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody wants to see."""


@dataclass(frozen=True, eq=False)
class Run:
    """What came of frames.

    y: the graph's output, float32 (N, ...), or (N, K, ...) where K samples were asked for. tensors: the input and each layer's
    result by name, codes (N, height, width, channels), where they were recorded. measured: the simulation's own account, of
    workers' pieces with the cycles of the first one's frames alone; None of golden. epsilon: the samples (N, K, latents) that
    were used, as codes of the sampler.
    """

    network: Network
    plan: Plan | None
    on: str
    y: NDArray[np.float32]
    tensors: Mapping[str, NDArray[np.int64]]
    measured: Measured | None
    epsilon: NDArray[np.int64] | None

    @property
    def latents(self) -> dict[str, NDArray[np.float32]]:
        """mu and logvar (N, latents) and eps and z (N, K, latents), as the numbers that the codes of a recorded run stand for.

        Raises InputError for a network that draws no samples.
        """
        if self.epsilon is None:
            raise InputError(f"{self.network.name} draws no samples")
        return latent_values(self.network, self.tensors, self.epsilon)

    def summary(self, labels: NDArray[np.int64] | None = None) -> dict[str, Any]:
        """Frames, cycles and accuracy, under the names that all commands use. labels: (N,) classes, for the accuracy."""
        network, measured, plan = self.network, self.measured, self.plan
        summary: dict[str, Any] = {
            "network": network.name,
            "on": self.on,
            "frames": len(self.y),
            "latency_cycles": measured.latency if measured else None,
            "interval_cycles": measured.interval(plan.settling) if measured and plan else None,
        }
        if plan and measured:
            planned = {"planned_latency_cycles": plan.latency, "planned_interval_cycles": plan.interval}
            summary |= {"clock_mhz": plan.clock_mhz, **planned}
            if (note := no_interval(measured, plan)) is not None:
                summary["note"] = note
        if network.latent is not None:
            summary["samples"] = self.y.shape[1] if self.y.ndim > 1 + len(network.output.shape) else 1
        if labels is not None:
            summary["accuracy"] = network.output.accuracy(self.y, labels)
        return summary


def run(
    network: Network,
    codes: NDArray[np.int64],
    *,
    on: str = "golden",
    plan: Plan | None = None,
    noise: Noise | None = None,
    samples: int | None = None,
    record: bool = False,
    waves: Path | None = None,
    workers: Workers | None = None,
    progress: Progress = silent,
) -> Run:
    """The graph's output for frames, computed by golden or by the hardware in a simulator.

    Args:
        network: what computes.
        codes: (N, height, width, channels), from load_with_frames or network.input.encode.
        on: golden, or one of SIMULATORS, for which there must be a plan.
        plan: the pipeline, where there is one; its samples count.
        noise: where samples of the standard normal come from; the sampler with seed 0 without it.
        samples: of each frame; golden alone takes it without a plan.
        record: keep every tensor.
        waves: a file for all signals, of a simulator that records them; beside it come views for GTKWave and Surfer.
        workers: compute the frames in pieces; not those of a simulation that is to give waves, or draws its samples itself.
        progress: is told what is going on, and how far it is: done of total.

    Raises:
        InputError: what is no code, another network's plan, waves of golden, or more results than there is memory for.
        SimulationError: the hardware broke a rule of streams, or got stuck.
    """
    check_codes(network, codes)
    if on != "golden" and on not in SIMULATORS:
        raise InputError(f"unknown simulator {on}, expected golden or one of {', '.join(SIMULATORS)}")
    if plan is not None:
        check_plan(plan, network)
    if waves is not None and (on == "golden" or Path(waves).is_dir()):
        raise InputError(f"waves={waves}: " + ("golden has none" if on == "golden" else "is a folder, expected a file name"))
    noise, waves = noise or Noise(), waves and Path(waves)
    count = plan.samples if plan else 1 if samples is None else samples
    check_samples(network, count)
    check_size(network, len(codes), count, record)
    drawn = noise.for_network(network, len(codes), count)
    measured: Measured | None = None
    if on == "golden":
        found = golden_in_pieces(workers or HERE, network, codes, drawn, record, progress)
        tensors, results = found if record else {}, found[network.layers[-1].name]
    else:
        if plan is None:
            raise InputError(f"{on} simulates a plan, and there is none")
        measured = _simulated(plan, codes, on, record, waves, progress, noise, workers or HERE)
        tensors, results = measured.trace, measured.results
    y = network.output.decode(results)
    if drawn is not None and (samples is not None or drawn.shape[1] > 1):
        y = y.reshape(len(codes), -1, *y.shape[1:])
    return Run(network, plan, on, y, tensors, measured, drawn)


def check_plan(plan: Plan, network: Network) -> None:
    """Refuse another network's plan."""
    if plan.network is not network and identity(plan.network) != identity(network):
        raise InputError(f"a plan of {plan.network.name}, expected one of {network.name}")


def check_file(plan: Plan, file: Path) -> None:
    """Refuse a plan of another file's network; a copy that only a calibration tells from it is the same."""
    origin = plan.network.origin
    if origin is not None and origin != read(file).digest:
        raise InputError(f"a plan of {plan.network.name} as read from another file, expected one of {file}")


def check_codes(network: Network, codes: NDArray[np.int64]) -> None:
    """Refuse what are no codes of a network's input: frames as they come, most likely."""
    tensor = network.input.tensor
    if not isinstance(codes, np.ndarray) or codes.shape[1:] != tensor.shape or codes.ndim != 4 or not len(codes):
        found = codes.shape if isinstance(codes, np.ndarray) else type(codes).__name__
        wanted = ", ".join(map(str, tensor.shape))
        raise InputError(f"codes of shape {found}, expected (N, {wanted}); network.input.encode gives them")
    low, high = tensor.codes.low, tensor.codes.high
    if codes.dtype.kind not in "iu" or codes.min() < low or codes.max() > high:
        says = f"from {codes.min():g} to {codes.max():g} of type {codes.dtype}"
        raise InputError(f"codes {says}, expected whole numbers from {low} to {high}; network.input.encode gives them")


def _simulated(
    plan: Plan,
    codes: NDArray[np.int64],
    on: str,
    taps: bool,
    waves: Path | None,
    progress: Progress,
    noise: Noise,
    workers: Workers,
) -> Measured:
    """The simulation; its waves, and what viewers are to show of them, appear when it has ended."""
    if waves is None:
        return simulate_in_pieces(workers, plan, codes, on, taps, noise, progress)
    found: list[Measured] = []

    def write(fresh: Path) -> None:
        found.append(simulate(plan, codes, on, taps, waves=fresh, progress=progress, noise=noise))

    write_whole(waves, write)
    if waves.is_file():
        groups = viewers.groups(plan, taps, noise.epsilon is not None)
        for ending, text in zip(
            VIEWS, (viewers.gtkwave(groups, waves, plan.latency + plan.interval), viewers.surfer(groups)), strict=True
        ):
            write_whole(waves.with_suffix(ending), partial(Path.write_text, data=text))
    return found[0]


def latent_values(
    network: Network, tensors: Mapping[str, NDArray[np.int64]], epsilon: NDArray[np.int64]
) -> dict[str, NDArray[np.float32]]:
    """mu and logvar (N, latents) and eps and z (N, K, latents), as the numbers that the codes of a run stand for.

    What the model has for the logarithm of a standard deviation, or for that itself, is given as the logarithm of the variance.
    """
    latent = network.latent
    assert latent is not None
    codes = tensors[network.layers[network.layers.index(latent) - 1].name][:, 0, 0, : 2 * latent.latents]
    heads = codes * 2.0**-latent.fraction
    z = tensors[latent.name][:, 0, 0, : latent.latents] * 2.0**-latent.z_fraction
    values = {
        "mu": heads[:, : latent.latents],
        "logvar": latent.log_variances(codes[:, latent.latents :]),
        "eps": epsilon * 2.0**-FRACTION,
        "z": z.reshape(epsilon.shape),
    }
    return {name: value.astype(np.float32) for name, value in values.items()}


def verify(
    model: str | Path,
    plan: Plan,
    x: NDArray[Any],
    codes: NDArray[np.int64],
    *,
    on: str = next(iter(SIMULATORS)),
    noise: Noise | None = None,
    workers: Workers | None = None,
    progress: Progress = silent,
) -> Executions:
    """The same frames through the float graph, golden and the hardware.

    Args:
        model: the file, or the name of a shipped model, which onnxruntime or qonnx executes.
        plan: of its network.
        x: (N, ...), as load_with_frames gives them.
        codes: the same as (N, height, width, channels).
        on: one of SIMULATORS.
        noise: a network that draws samples is given the same ones in all three.
        workers: compute golden and the hardware in pieces, the latter unless it draws its samples itself.
        progress: is told what is going on, and how far it is.

    Raises:
        InputError: what is no code, another file's plan, or more results than there is memory for.
        SimulationError: the hardware broke a rule of streams, or got stuck.
    """
    file = model_file(model)
    check_codes(plan.network, codes)
    check_file(plan, file)
    if len(x) != len(codes):
        raise InputError(f"{len(x)} frames, and codes of {len(codes)}")
    return execute(file, plan, x, codes, on, noise or Noise(), progress, workers or HERE)


@dataclass
class Comparison:
    """Golden against the Verilog, tensor by tensor.

    elements, wrong: how many there are of each tensor, and how many differ. difference: the first one; delay: which layer's
    results came in other cycles than planned.
    """

    frames: int
    elements: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    difference: Difference | None = None
    delay: str | None = None

    def add(self, part: Comparison) -> None:
        """The frames that follow, compared from reset; what their first cycles were is not looked at."""
        if self.frames == 0:
            self.delay = part.delay
        if self.difference is None:
            first = part.difference
            self.difference = first and replace(first, frame=self.frames + first.frame)
        self.frames += part.frames
        self.elements.update(part.elements)
        self.wrong.update(part.wrong)

    @property
    def mismatches(self) -> int:
        """Elements that differ."""
        return sum(self.wrong.values())

    @property
    def equal(self) -> bool:
        """Are all integers golden's, in the cycles that were planned?"""
        return self.difference is None and self.delay is None

    def __str__(self) -> str:
        verdict = str(self.difference) if self.difference else f"all tensors of {self.frames} frames are equal"
        return verdict + (f"; {self.delay}" if self.delay else "")

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "frames": self.frames,
            "mismatches": self.mismatches,
            "tensors": {name: {"elements": self.elements[name], "mismatches": self.wrong[name]} for name in self.elements},
            "first_difference": asdict(self.difference) if self.difference else None,
            "first_delay": self.delay,
        }


def compare(
    plan: Plan,
    codes: NDArray[np.int64],
    *,
    network: Network | None = None,
    on: str = next(iter(SIMULATORS)),
    stalls: Stalls | None = None,
    noise: Noise | None = None,
    workers: Workers | None = None,
    progress: Progress = silent,
) -> Comparison:
    """Run frames through a plan's hardware with every layer recorded, and find the first element that differs from golden, or the
    first layer whose results do not come in the cycles that were planned.

    Args:
        plan: the pipeline.
        codes: (N, height, width, channels).
        network: what is right; the plan's own without it.
        on: one of SIMULATORS.
        stalls: how often the input has nothing to give, and the output is not taken; then cycles are not compared.
        noise: where samples of the standard normal come from.
        workers: compare parts of the frames, the same parts as one process.
        progress: is told what is going on, and how far it is.

    Raises:
        InputError: more tensors than there is memory for.
        SimulationError: the hardware broke a rule of streams, or got stuck.
    """
    network, stalls, noise = network or plan.network, stalls or Stalls(), noise or Noise()
    check_codes(plan.network, codes)
    step = max(1, AT_A_TIME // plan.samples)
    check_size(network, min(step, len(codes)), plan.samples, recorded=True)
    cuts = [*range(0, len(codes), step), len(codes)]
    parts = [Piece(codes[start:end], noise.part(start, end - start)) for start, end in pairwise(cuts)]
    work = partial(_compared, network, plan, on, stalls, level(plan, len(codes)))
    found = Comparison(0)
    for part in together(workers or HERE, work, parts, [len(part.codes) for part in parts], progress):
        found.add(part)
    if found.difference:
        found.difference = replace(found.difference, count=found.wrong[found.difference.layer])
    return found


def _compared(
    network: Network, plan: Plan, on: str, stalls: Stalls, optimise: int, part: Piece, progress: Progress
) -> Comparison:
    """Some frames, from reset."""
    measured = simulate(plan, part.codes, on, True, stalls, progress=progress, optimise=optimise, noise=part.noise)
    golden = dict(network.steps(part.codes, part.noise.for_network(network, len(part.codes), plan.samples)))
    found = Comparison(len(part.codes), difference=first_difference(golden, measured.trace))
    for name, tensor in golden.items():
        found.elements[name] = tensor.size
        found.wrong[name] = int((tensor != measured.trace[name]).sum())
    if stalls.idle == stalls.backpressure == 0:
        found.delay = first_delay(plan, measured)
    return found
