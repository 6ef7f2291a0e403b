"""From command-line options to networks, plans and data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.board import Board, BoardError
from sigmabit.fpga.targets import target_of
from sigmabit.golden import (
    Calibration,
    CalibrationError,
    Coding,
    InputError,
    Network,
    Precision,
    UncalibratedError,
    calibrated,
    import_model,
    import_real,
    recognise_scale,
)
from sigmabit.golden.front.quantise import CLAMPED, LOGARITHMS
from sigmabit.golden.front.widths import Found, fewest
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.network.network import InputFormat
from sigmabit.golden.network.real import RealNetwork
from sigmabit.golden.noise import gaussian
from sigmabit.golden.types.coding import USUAL_BITS
from sigmabit.hdl.family import SERIES7, Family
from sigmabit.hdl.family.parts import family_of
from sigmabit.hdl.family.parts import part as device
from sigmabit.hdl.planning.aim import Aim, widened
from sigmabit.hdl.planning.plan import Plan, PlanError, planned_scale, read_plan
from sigmabit.hdl.planning.planner import Planner
from sigmabit.verif.simulation import Noise

from .choices import Planning, Reading, Sampling, Source
from .files import read_array, read_labels
from .terminal import Report

DEFAULT_PART = "xc7vx690t"


class Listener(Protocol):
    """Who is told what there is to know of what is read: a command's terminal, or a program's warnings."""

    figures: dict[str, int]
    """Counts about the frames, such as saturated_inputs."""

    def remark(self, text: str) -> None:
        """Something to know that is no error."""


def load_network(model: Path, reading: Reading, terminal: Listener, plan: Path | None = None) -> Network:
    """The network of a model file, for pixels in the steps given, or else in those of the plan; says so if they are assumed, and
    what of the file is left out.
    """
    stated = reading.input_scale
    if plan is not None and stated is reading.input_bits is None:
        reading = replace(reading, input_scale=planned_scale(plan))
    if reading.calibration is not None:
        network = _calibrated(model, frames_of(reading.calibration, reading), reading, terminal)
    elif reading.condition is not None:
        raise InputError("--condition: it belongs to the frames of a calibration (--calibration X.npy), and there are none")
    else:
        network = import_model(model, coding=reading.coding, output_name=reading.output_name)
    check_width(model, network, reading)
    remark_reading(terminal, model, network, stated)
    if network.input.assumed:
        terminal.remark(
            f"{model}: no Quant node fixes the input's grid; multiples of 1/255 from 0 to 1 are assumed. For pixels from 0 to "
            f"255 give --input-scale 1, for others their step"
        )
    return network


def remark_constant(terminal: Listener, network: Network) -> None:
    """Say so if layers give the same for all frames, which is legal and never meant."""
    names = network.constant_layers
    if names:
        first = next(layer for layer in network.every if layer.name == names[0])
        why = "a function gives one number for all sums, as a ReLU that is never active" if isinstance(first, Fixed) else ""
        unlike = "the input's step is not that of the data (--input-scale), or " if network.input.assumed else ""
        terminal.remark(
            f"{network.name}: the outputs of {', '.join(names)} never change, whatever the input; "
            f"perhaps {unlike}{why or 'no sum reaches its threshold'}"
        )


def remark_reading(terminal: Listener, model: Path, network: Network | RealNetwork, input_scale: float | None) -> None:
    """Say what of a file a network leaves out, and where --input-scale contradicts the file."""
    taken = network.output.name if isinstance(network, Network) else network.output_name
    for remark in network.omitted.remarks(taken):
        terminal.remark(f"{model}: {remark}")
    form, said = network.input, network.input.statement
    if form.coding is not None:
        if said is not None and input_scale is None:
            terminal.remark(
                f"{model}: {said.by} says that the input's step is {said.scale:g}; its codes go from {form.coding.ends[0]:g} to "
                f"{form.coding.ends[1]:g} in steps of {form.coding.step:g}, as its calibration has them"
            )
        return
    if form.quantiser is not None:
        if input_scale is None or math.isclose(input_scale, form.grid.scale):
            return
        terminal.remark(f"{model}: {said.by if said else 'its Quant node'} fixes the input's grid; --input-scale changes nothing")
    elif said is not None and not math.isclose(said.scale, form.grid.scale):
        terminal.remark(
            f"{model}: {said.by} says that the input's step is {said.scale:g}; {form.grid.scale:g} is taken, as stated"
        )


def load_with_data(
    model: Path, data: Source, reading: Reading, terminal: Listener
) -> tuple[Network, NDArray[Any], NDArray[np.int64]]:
    """The network, its input frames, and their codes; the step of pixels is recognised where the file does not fix it.

    A real-valued model that comes without a calibration is calibrated with the frames that are to be read for it, or these. Where
    the graph takes a condition, it is part of the frames.
    """
    frames = frames_of(data, reading)
    uncalibrated = False
    try:
        network = _network_for(frames, model, reading, terminal)
    except UncalibratedError:
        uncalibrated = True
        network = _calibrated(model, frames, reading, terminal)
    check_width(model, network, reading)
    remark_reading(terminal, model, network, reading.input_scale)
    with _about(frames.named):
        x = frames.of(network.input)
        codes = _encode(network, x)
        count_saturated(terminal, network, x, reading.strict_input)
    if uncalibrated:
        terminal.remark(
            f"{model}: calibrated with {frames.of_what}; `sigmabit calibrate` writes a model that is so once and for all"
        )
    return network, x, codes


def check_width(model: Path, network: Network, reading: Reading) -> None:
    """InputError where the input's codes have another width than an option says."""
    bits, asked = network.input.tensor.bits, reading.input_bits
    if asked not in (None, bits):
        raise InputError(
            f"{model}: its input has codes of {bits} bits, not of {asked} (--input-bits): --input-scale says what others stand "
            f"for, and sigmabit calibrate finds it"
        )


def count_saturated(terminal: Listener, network: Network, x: NDArray[Any], strict: bool) -> None:
    """Say how many of the frames' numbers lie beyond the input's codes, which become those at the ends. Raises InputError for
    the first one if strict.
    """
    coding = network.input.coding
    if coding is None:
        return
    beyond = network.input.saturated(x)
    count = int(beyond.sum())
    terminal.figures["saturated_inputs"] = count
    if not count:
        return
    position = tuple(int(i) for i in np.argwhere(beyond)[0])
    lowest, highest = coding.ends
    beside = network.input.condition
    codes = f"the codes of the input {network.input.name}, from {lowest:g} to {highest:g}"
    if beside is None or position[1] < beside.start:
        first = f"{x[position]:g} at {position}"
    else:
        place = position[0], position[1] - beside.start
        first = f"{beside.numbers(x)[place]:g} at {place}"
        codes = f"the codes of the condition {beside.name}"
    if strict:
        raise InputError(f"input value {first} is beyond {codes}")
    numbers = "1 number is" if count == 1 else f"{count} numbers are"
    terminal.remark(f"{numbers} beyond {codes}, and saturated; the first is {first}")


@contextmanager
def _about(files: str) -> Iterator[None]:
    """Names the file, or the two that belong together, that something is wrong with: once, and no other."""
    try:
        yield
    except (InputError, CalibrationError) as error:
        raise type(error)(f"{files}: {error}") from None


@dataclass(frozen=True, eq=False)
class Frames:
    """Arrays of files: what the graph's first input takes, and the condition beside it, if there is one."""

    data: Source
    numbers: NDArray[Any]
    condition: NDArray[Any] | None = None
    beside: Source | None = None

    @property
    def of_what(self) -> str:
        """The file of the frames, for people."""
        return _said(self.data, "the frames")

    @property
    def named(self) -> str:
        """The files, for people."""
        return self.of_what if self.beside is None else f"{self.of_what} with {_said(self.beside, 'the condition')}"

    def of(self, form: InputFormat) -> NDArray[Any]:
        """Frames (N, *shape) for an input. Raises InputError."""
        return form.check(form.joined(self.numbers, self.condition))


def labels_of(path: Path | None, network: Network, frames: int) -> NDArray[np.int64] | None:
    """The classes (N,) that a file says frames are of, if there is one. Raises InputError, also for what gives no classes."""
    if path is None:
        return None
    reconstructs = network.calibrated and math.prod(network.output.shape) == math.prod(network.input.first) > 1
    if network.latent is not None or reconstructs:
        does = "draws samples" if network.latent else "gives what it takes, an autoencoder's reconstruction"
        raise InputError(f"{path}: {network.name} {does}, and no scores of classes that labels could be held against")
    return read_labels(path, frames, network.output.classes)


def _said(source: Source, what: str) -> str:
    """A file's name, or what an array is."""
    return what if isinstance(source, np.ndarray) else str(source)


def _numbers(source: Source) -> NDArray[Any]:
    """The array, or that of a file. Raises InputError."""
    return source if isinstance(source, np.ndarray) else read_array(source)


def frames_of(data: Source, reading: Reading) -> Frames:
    """The frames of a file, with the condition that options say. Raises InputError."""
    condition = None if reading.condition is None else _numbers(reading.condition)
    return Frames(data, _numbers(data), condition, reading.condition)


def _network_for(frames: Frames, model: Path, reading: Reading, terminal: Listener) -> Network:
    """The network of a model file for some frames. Raises UncalibratedError."""
    if reading.calibration is not None:
        if reading.condition is not None:
            raise InputError(
                "--calibration and --condition: the condition is that of one file of frames; sigmabit calibrate writes a model "
                "that needs no frames any more"
            )
        return _calibrated(model, frames_of(reading.calibration, reading), reading, terminal)
    network = import_model(model, coding=reading.coding, output_name=reading.output_name)
    with _about(frames.named):
        x = frames.of(network.input)
    return import_model(model, _likely_scale(x), output_name=reading.output_name) if network.input.assumed else network


def _encode(network: Network, x: NDArray[Any]) -> NDArray[np.int64]:
    """The codes of frames; where they contradict what the file says of its input, the error says so."""
    try:
        return network.input.encode(x)
    except InputError as error:
        said = network.input.statement
        if said is None or said.scale != network.input.grid.scale:
            raise
        raise InputError(f"{error} ({said.by} says that the step is {said.scale:g})") from None


def _calibrated(model: Path, frames: Frames, reading: Reading, terminal: Listener) -> Network:
    """A real-valued model calibrated with some frames."""
    found = calibration_of(model, frames, reading, Precision())
    remark_clamped(terminal, model, found)
    return import_model(model, None, found, reading.output_name, reading.coding)


def calibration_of(model: Path, frames: Frames, reading: Reading, precision: Precision) -> Calibration:
    """The calibration of a real-valued model by some frames."""
    network, _ = _reading_of(model, frames, reading)
    with _about(frames.named):
        return calibrated(network, frames.of(network.input), precision)


def widths_of(model: Path, frames: Frames, reading: Reading, share: float, stated: Mapping[str, int], report: Report) -> Found:
    """The same of the fewest bits for which the output's error stays below a share of its standard deviation."""

    def read(coding: Coding | None) -> RealNetwork:
        return import_real(model, coding=coding, output_name=reading.output_name)

    network, coding = _reading_of(model, frames, reading)
    with _about(frames.named):
        x = frames.of(network.input)
        unsaid = reading.coding is None and reading.input_bits is None
        free = unsaid and coding is not None and not network.input.held(coding, x)
        return fewest(read, coding, free, x, share, stated, report)


def _reading_of(model: Path, frames: Frames, reading: Reading) -> tuple[RealNetwork, Coding | None]:
    """A real-valued network whose input has codes for some frames, and these, unless the model's file fixes them."""
    network = import_real(model, coding=reading.coding, output_name=reading.output_name)
    with _about(frames.named):
        x, form = frames.of(network.input), network.input
        said = reading.coding
        if said is not None and form.condition is not None:
            said = form.suited(said, x)
            return import_real(model, coding=said, output_name=reading.output_name), said
        if said is not None or form.quantiser is not None:
            return network, said
        coding = form.suited(_likely_coding(form, form.of_first(x), reading.input_bits), x)
        if form.condition is not None or form.assumed or coding.rounds:
            return import_real(model, coding=coding, output_name=reading.output_name), coding
        return network, None


def _likely_coding(form: InputFormat, x: NDArray[Any], bits: int | None) -> Coding:
    """Which codes the frames x are to have: pixels in the steps that the file states, or that are recognised, or what fits."""
    scale = form.statement.scale if form.statement else recognise_scale(x)
    if scale is not None and bits in (None, USUAL_BITS):
        pixels = Coding.pixels(scale)
        if pixels.holds(x):
            return pixels
    return Coding.fitting(x, bits)


def remark_clamped(terminal: Listener, model: Path, found: Calibration) -> None:
    """Say so if logarithms of variances lie beyond what the hardware clamps them to."""
    seen = found.ranges.get(LOGARITHMS)
    if seen is not None and seen.magnitude > CLAMPED:
        terminal.remark(
            f"{model}: {LOGARITHMS} from {seen.low:.3g} to {seen.high:.3g} on these frames; they are clamped to +-{CLAMPED:g}"
        )


def _likely_scale(x: NDArray[Any]) -> float:
    """The step of pixels; where none suits, the likelier one, which says which value lies off its grid."""
    return recognise_scale(x) or (1.0 if x.max() > 1 else 1 / 255)


def make_noise(network: Network, frames: int, sampling: Sampling) -> tuple[Noise, int | None]:
    """Where a network's samples of the standard normal come from, and how many of them each frame has, if that is said.

    Raises InputError for a network that draws none, and for samples that do not fit it.
    """
    samples, seed, epsilon = sampling.samples, sampling.seed, sampling.epsilon
    if network.latent is None:
        for option, value in (("--samples", samples), ("--seed", seed), ("--epsilon", epsilon)):
            if value is not None:
                raise InputError(f"{option}: {network.name} draws no samples")
        return Noise(), None
    if epsilon is None:
        return Noise(seed or 0), samples
    if seed is not None:
        raise InputError("--seed and --epsilon: samples are either drawn or given")
    named = _said(epsilon, "epsilon")
    codes = _sample_codes(_numbers(epsilon), named)
    if codes.ndim == 2:
        codes = codes[:, None]
    expected = frames, codes.shape[1] if samples is None else samples, network.latent.latents
    if codes.shape != expected:
        raise InputError(f"{named}: samples of shape {codes.shape}, expected {expected}: frames, samples of each, latents")
    return Noise(epsilon=codes), expected[1]


def _sample_codes(values: NDArray[Any], path: str) -> NDArray[np.int64]:
    """Numbers rounded to the sampler's grid. Raises InputError for what it does not have."""
    if values.ndim not in (2, 3) or values.dtype.kind not in "fiu" or values.size == 0:
        raise InputError(f"{path}: an array of {values.dtype} of shape {values.shape}, expected numbers (N, K, latents)")
    limit = 1 << gaussian.BITS - 1
    codes = np.rint(values.astype(np.float64) * 2**gaussian.FRACTION)
    wrong = ~((codes >= -limit) & (codes < limit))
    if wrong.any():
        position = tuple(int(i) for i in np.argwhere(wrong)[0])
        bound = limit >> gaussian.FRACTION
        raise InputError(f"{path}: sample {values[position]} at {position} is not from {-bound} to below {bound}")
    return codes.astype(np.int64)


def make_plan(network: Network, planning: Planning, samples: int | None = None) -> Plan:
    """The plan of a file; or one for a part, as small as a target allows, or else as fast as the part allows.

    samples: of each frame, which must be those of the file.
    """
    file, part, interval, fps, clock_mhz = planning.file, planning.part, planning.interval, planning.fps, planning.clock_mhz
    if file is not None:
        if interval is not None:
            raise PlanError(f"{file}: a plan has its interval, no other one can be asked for")
        for name in ("fps", "latency", "fastest", "positions", "multipliers", "block_ram"):
            if getattr(planning, name) is not None:
                raise PlanError(f"{file}: a plan is what it is, --{name.replace('_', '-')} has no place beside it")
        made = read_plan(file, network)
        if samples is not None and samples != made.samples:
            raise PlanError(f"{file}: a plan for {made.samples} samples of a frame, not for {samples}")
        if part is not None:
            made = _moved(made, part, file)
        return replace(made, clock_mhz=clock_mhz or made.clock_mhz)
    clock = clock_mhz or family_for(planning).usual_mhz
    latency, fastest, positions = planning.latency, planning.fastest, planning.positions
    if positions is None:
        positions = 1 if latency is None and fastest is None else 0
    aim = Aim(network, part or DEFAULT_PART, clock, 1 if samples is None else samples, planning.room, positions or None)
    if interval is not None and fps is not None:
        raise PlanError("both an interval and a frame rate are given; one target is enough")
    if fps is not None:
        cycles = clock * 1e6 / fps
        # a rate that a plan has printed, rounded, must lead back to that plan
        interval = int(min(cycles * (1 + 1e-12), 1e18))
        if interval < 1:
            raise PlanError(f"{fps:g} frames per second at {clock:g} MHz leave less than one cycle per frame")
    if fastest == "interval" and interval is not None:
        raise PlanError("both an interval and the shortest one are asked for; one of them is enough")
    if fastest == "latency":
        if latency is not None:
            raise PlanError("both a latency and the shortest one are asked for; one of them is enough")
        return aim.quickest(interval)
    return aim.plan(interval, latency)


def _moved(plan: Plan, part: str, file: Path) -> Plan:
    """A file's plan for a part, which may have another package, or be another device of the family. Raises PlanError where it is
    of another family, whose cells and prices are others, or has too little room.
    """
    to = device(part)
    family = family_of(to)
    helps = f"sigmabit plan --part {part} makes one for that"
    if family is not plan.family:
        raise PlanError(f"{file}: a plan for {plan.part}, of {plan.family.name}, and none for {part}, of {family.name}; {helps}")
    needs = plan.cost
    room = {"lut": family.fill * to.lut, "ff": family.fill * to.ff, "bram36": family.ram_fill * to.bram36, "dsp": to.dsp}
    for resource, most in room.items() if to is not plan.device else ():
        wanted = getattr(needs, resource)
        if wanted > most:
            short = f"{wanted:,.10g} {family.resources[resource]}, and of {part} may be used {most:,.10g}"
            raise PlanError(f"{file}: a plan for {plan.part} that needs {short}; {helps}")
    return replace(plan, part=part)


def check_board(plan: Plan, board: Board) -> None:
    """BoardError for a plan for another part than the board's."""
    if plan.part != board.part:
        helps = f"sigmabit plan --part {board.part} makes one"
        raise BoardError(f"{board.key}: its part is {board.part}, and the plan is for {plan.part}; {helps}")


def check_series7(plan: Plan, what: str) -> None:
    """InputError for a plan for another family, of which `what` knows nothing."""
    if plan.family is not SERIES7:
        routes = "" if target_of(plan.family).router is None else ", route"
        known = f"sigmabit plan, synth{routes} and bench gates serve {plan.family.name}"
        raise InputError(f"{plan.part}: {what} is for the {SERIES7.name}, not for {plan.family.name}; {known}")


def family_for(planning: Planning) -> Family:
    """The family of the device that is planned for, unless a file says another."""
    return family_of(device(planning.part or DEFAULT_PART))


def sweep_of(network: Network, planning: Planning, samples: int | None = None, latencies: bool = False) -> dict[str, Any]:
    """The front of interval against area on a part, as plain values: a point for each plan, the fastest first.

    latencies: that of latency against area as well, the plan of the least latency first.
    """
    planner = planner_for(network, planning, samples)
    return {
        "network": network.name,
        "part": planner.part_name,
        "clock_mhz": planner.clock_mhz,
        "samples": planner.samples,
        "positions": planner.source.positions,
        "points": [point_of(plan) for plan in planner.sweep()],
        **({"latency_points": [point_of(plan) for plan in planner.sweep_latency()]} if latencies else {}),
    }


def planner_for(network: Network, planning: Planning, samples: int | None = None) -> Planner:
    """The planner of a sweep: for a part, with so many positions at the entrance."""
    part, clock_mhz = planning.part or DEFAULT_PART, planning.clock_mhz or family_for(planning).usual_mhz
    positions = planning.positions or 1
    wide = widened(network, positions)
    return Planner(network, part, clock_mhz, 1 if samples is None else samples, planning.room, positions, wide)


def point_of(plan: Plan) -> dict[str, Any]:
    """A plan among those of a sweep, as plain values."""
    made = plan.to_json()
    return {key: made[key] for key in ("interval_cycles", "latency_cycles", "fps", "lut", "ff", "bram36", "dsp")}
