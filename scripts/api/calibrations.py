"""The ranges of a real-valued model's numbers, found with data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Calibration, Coding, InputError, Network, Precision, embed, import_model, import_real
from sigmabit.golden.front.quantise import LIMITS, shrunk
from sigmabit.golden.front.widths import Found
from sigmabit.golden.network.network import InputFormat
from sigmabit.golden.types.coding import SAME, Line
from sigmabit.verif.simulation.job import Progress

from ..data.shipped import model_file
from ..interface.choices import Reading, Source
from ..interface.files import write_whole
from ..interface.loading import calibration_of, frames_of, remark_clamped, remark_reading, widths_of
from .execution import silent
from .networks import Ear, Remark, warn

COARSE = 0.2
"""Share of the numbers' standard deviation that rounding may cost before that is said."""

OUTLYING = 0.01
"""Share of the numbers at a place that are not counted, those that lie farthest out."""

SHARE = 0.02
"""Error of the output that codes="auto" allows, of its standard deviation."""


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A real-valued model with its calibration. about: ranges, widths, and what rounding the input costs, as plain values."""

    model: Path
    network: Network
    calibration: Calibration
    about: dict[str, Any]

    def write(self, file: Path) -> None:
        """A copy of the model that holds the calibration in its metadata. Raises InputError where that would be the model itself,
        OutputError where it cannot be written.
        """
        if Path(file).resolve() == self.model.resolve():
            raise InputError(f"{file}: the calibrated copy is to be another file than the model")
        write_whole(Path(file), lambda fresh: embed(self.model, self.calibration, fresh))

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return self.about


def calibrate(
    model: str | Path,
    data: Source,
    *,
    weights: int | None = None,
    codes: int | str | None = None,
    latents: int | None = None,
    table: int | None = None,
    share: float | None = None,
    input_scale: float | None = None,
    input_bits: int | None = None,
    input_offset: float | None = None,
    output_name: str | None = None,
    condition: Source | None = None,
    remark: Remark = warn,
    progress: Progress = silent,
) -> Calibrated:
    """What range each number of a real-valued model has on frames; Calibrated.write keeps it. Numbers beyond are saturated later.

    Args:
        model: the file, or the name of a shipped model.
        data: frames (N, ...) of every kind, as an array or a .npy file; more than one.
        weights: bits of weights; what bits may be, the message says.
        codes: bits of activations; "auto" looks for the fewest of each tensor with which the output stays near the float graph's.
        latents: bits of latent variables.
        table: bits that tables are read with.
        share: with "auto", the largest root mean square error of the output, as a share of its standard deviation; 0.02 without.
        input_scale: see load, also for the arguments that are not listed here.
        input_bits: see load.
        input_offset: see load.
        output_name: see load.
        condition: see load.
        remark: see load.
        progress: is told what is going on, and how far it is.

    Raises:
        CalibrationError: numbers for which no width will do.
        InputError: bits that are none, one frame alone, or frames of another shape.
        ModelFileError, UnsupportedModelError: as load does.
    """
    file, ear = model_file(model), Ear(remark)
    reading = Reading(input_scale, output_name, None, input_bits, input_offset, condition=condition)
    automatic = codes == "auto"
    if share is not None and not automatic:
        raise InputError("--share: how near the output is to stay is for --bits auto")
    if isinstance(codes, str) and not automatic:
        raise InputError(f"codes={codes!r}, expected a number of bits, or 'auto'")
    asked = {"weights": weights, "codes": codes, "latents": latents, "table": table}
    stated = {part: bits for part, bits in asked.items() if isinstance(bits, int)}
    for part, bits in stated.items():
        low, high = LIMITS[part]
        if not low <= bits <= high:
            raise InputError(f"{part}={bits}, expected from {low} to {high} bits")
    frames = frames_of(data, reading)
    widths: Found | None = None
    progress("calibrating", 0, 0)
    if automatic:
        widths = widths_of(file, frames, reading, SHARE if share is None else share, stated, progress)
        found = widths.calibration
    else:
        found = calibration_of(file, frames, reading, Precision(**stated))
    network = import_model(file, None, found, reading.output_name, reading.coding)
    x = frames.of(network.input)
    if len(x) == 1:
        raise InputError(f"{frames.of_what}: one frame shows no range that numbers have; calibrate with frames of every kind")
    if np.array_equal(x, np.broadcast_to(x[:1], x.shape)):
        raise InputError(f"{frames.of_what}: all frames are the same, which shows no range; calibrate with frames of every kind")
    remark_reading(ear, file, network, reading.input_scale)
    remark_clamped(ear, file, found)
    real = import_real(file, coding=found.input, output_name=reading.output_name)
    for name, bits in shrunk(real, network, found.precision, found.own).items():
        full = found.own.get(name, found.precision).weights
        remark(
            f"{file}: the weights of {name} are left with {bits} of {full} bits, so small are they beside its largest sums; is "
            "its bias, or an input of it, out of scale?"
        )
    about = _input(network.input, x)
    for what, coded in ((frames.of_what, about), (condition, about.get("condition"))):
        if coded is not None and coded["worst"] is not None and coded["worst"]["share"] > COARSE:
            place, cost = f"[:, {coded['worst']['place']}]", coded["worst"]["share"]
            lost = f"{what}: rounding to {coded['bits']} bits costs the numbers at {place} {cost:.0%} of their deviation"
            remark(f"{lost}; numbers of like size around zero, without outliers, or more --input-bits, cost less")
    told = {
        "frames": len(x),
        "precision": asdict(found.precision) if widths is None else _widest(widths),
        "input_scale": found.input_scale,
        "input": about,
        "ranges": {name: [seen.low, seen.high] for name, seen in found.ranges.items()},
    }
    if widths is not None:
        told |= {"widths": _by_layer(widths), "share": widths.share}
    return Calibrated(file, network, found, told)


def _by_layer(found: Found) -> dict[str, dict[str, int]]:
    """Bits by the names of the layers and of what they belong to."""
    layers: dict[str, dict[str, int]] = {}
    for tensor, bits in found.widths.items():
        layers.setdefault(str(tensor.layer), {})[tensor.part] = bits
    return layers


def _widest(found: Found) -> dict[str, int]:
    """The most bits that any layer has, by fields of Precision; of what none has, those of all."""
    chosen = asdict(found.calibration.precision)
    for part in chosen:
        chosen[part] = max((bits for tensor, bits in found.widths.items() if tensor.part == part), default=chosen[part])
    return chosen


def _input(form: InputFormat, x: NDArray[Any]) -> dict[str, Any]:
    """The input's codes as plain values, and the error that they cost on the frames; of a condition, whose numbers are the last,
    the same codes in steps of its own. Pixels, and what a quantiser of the graph gives, cost nothing.
    """
    coding, condition = form.coding or Coding(form.tensor.codes, form.grid), form.condition
    numbers = x.astype(np.float64)
    if condition is not None:
        numbers = np.concatenate([numbers[:, : condition.start], condition.numbers(x)], axis=1)
    taken: NDArray[Any] = numbers
    if form.coding is not None:
        rounded = coding.nearest(x if condition is None else condition.aligned(x))
        taken = rounded if condition is None else condition.of(rounded)
    about = {"bits": coding.codes.bits, "signed": coding.codes.signed}
    first = slice(None if condition is None else condition.start)
    found = _coded(coding, SAME, numbers[:, first], taken[:, first]) | about
    if condition is not None:
        own = slice(condition.start, None)
        found["condition"] = {"name": condition.name} | _coded(coding, condition.beside, numbers[:, own], taken[:, own]) | about
    return found


def _coded(coding: Coding, beside: Line, numbers: NDArray[np.float64], taken: NDArray[Any]) -> dict[str, Any]:
    """What codes stand for beside the input, and the error that they cost on some numbers: as a root mean square, and as a share
    of their standard deviation, unless they have none. worst: the place along the second axis where that share is largest, but
    for the hundredth of its numbers that lie farthest out: neither larger numbers beside them nor outliers hide what others lose.
    """
    error, deviation = float(np.sqrt(np.mean((taken - numbers) ** 2))), float(numbers.std())
    low, high = (beside.gain * end + beside.offset for end in coding.ends)
    share = error / deviation if deviation else None
    shares = [_middle(*both) for both in zip(np.moveaxis(numbers, 1, 0), np.moveaxis(taken, 1, 0), strict=True)]
    place = int(np.argmax(shares))
    worst = {"place": place, "share": shares[place]} if shares[place] else None
    return {"low": low, "high": high, "step": beside.gain * coding.step, "error": error, "share": share, "worst": worst}


def _middle(numbers: NDArray[np.float64], taken: NDArray[Any]) -> float:
    """The error of the numbers in the middle, as a share of their standard deviation; 0 where they are all the same."""
    low, high = np.quantile(numbers, [OUTLYING / 2, 1 - OUTLYING / 2])
    inside = (numbers >= low) & (numbers <= high)
    deviation = float(numbers[inside].std())
    # what is as small as the rounding of a float is no deviation
    size = float(np.abs(numbers[inside]).max())
    return float(np.sqrt(np.mean((taken - numbers)[inside] ** 2))) / deviation if deviation > 1e-6 * size else 0.0
