"""sigmabit calibrate: the ranges of a real-valued model's numbers, found with data and written into the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Coding, InputError, Precision, embed, import_model, import_real
from sigmabit.golden.front.quantise import LIMITS, shrunk
from sigmabit.golden.front.widths import Found
from sigmabit.golden.network.network import InputFormat
from sigmabit.golden.types.coding import SAME, Line

from ..interface.choices import Reading
from ..interface.files import check_writable, write_whole
from ..interface.loading import calibration_of, frames_of, remark_clamped, remark_reading, widths_of
from ..interface.terminal import Terminal, table
from . import options

COARSE = 0.2
"""Share of the numbers' standard deviation that rounding may cost before that is said."""


SHARE = 0.02
"""Error of the output that --bits auto allows, of its standard deviation."""

AUTO = "auto"


class _Width(click.ParamType):
    """A number of bits within the limits of a field of Precision; or auto, where that is allowed."""

    name = "bits"

    def __init__(self, part: str, automatic: bool = False) -> None:
        self.part, self.automatic = part, automatic

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """The number that an option says, or auto."""
        if self.automatic and str(value).lower() == AUTO:
            return AUTO
        try:
            return int(click.IntRange(*LIMITS[self.part]).convert(value, param, ctx))
        except click.BadParameter:
            low, high = LIMITS[self.part]
            also = f", nor {AUTO}, which looks for the fewest" if self.automatic else ""
            raise click.BadParameter(f"{value!r} is no number of bits from {low} to {high}{also}", ctx, param) from None


def _width(name: str, part: str, text: str, automatic: bool = False) -> Callable[[Any], Any]:
    default = str(getattr(Precision(), part))
    kind = _Width(part, automatic)
    low, high = LIMITS[part]
    metavar = f"{low} to {high}" + (" | auto" if automatic else "")
    return click.option(name, f"{part}_bits", type=kind, metavar=metavar, show_default=default, help=text)


@click.command(short_help="Ranges of a real-valued model's numbers.")
@options.model
@options.data
@_width("--weight-bits", "weights", "Width of weights.")
@_width("--bits", "codes", "Width of activations; auto looks for the fewest bits of each tensor.", automatic=True)
@_width("--latent-bits", "latents", "Width of latent variables.")
@_width("--table-bits", "table", "Width of what tables are read with.")
@click.option(
    "--share",
    type=options.POSITIVE,
    metavar="S",
    show_default=str(SHARE),
    help="With --bits auto: largest root mean square error of the output, as a share of its standard deviation.",
)
@options.reading_uncalibrated
@click.option("-o", "--output", type=options.PATH, required=True, metavar="FILE", help="The calibrated copy of the model.")
@options.as_json
def calibrate(
    model: Path,
    data: Path,
    weights_bits: int | None,
    codes_bits: int | str | None,
    latents_bits: int | None,
    table_bits: int | None,
    share: float | None,
    reading: Reading,
    output: Path,
    as_json: bool,
) -> None:
    """Find with the frames of X.npy what range each number of MODEL has, and write a copy that holds it in its metadata.

    Numbers beyond those ranges are saturated later. What a calibration cannot show stays unseen: take frames of every kind.

    With --bits auto, each tensor gets the fewest bits with which the output stays near the float graph's, but for widths that
    other options say.
    """
    terminal = Terminal(as_json)
    check_writable(output)
    if output.resolve() == model.resolve():
        raise InputError(f"{output}: the calibrated copy is to be another file than the model")
    automatic = codes_bits == AUTO
    if share is not None and not automatic:
        raise InputError("--share: how near the output is to stay is for --bits auto")
    asked = {"weights": weights_bits, "codes": codes_bits, "latents": latents_bits, "table": table_bits}
    stated = {part: bits for part, bits in asked.items() if isinstance(bits, int)}
    frames = frames_of(data, reading)
    widths: Found | None = None
    with terminal.progress() as report:
        report("calibrating", 0, 0)
        if automatic:
            widths = widths_of(model, frames, reading, SHARE if share is None else share, stated, report)
            found = widths.calibration
        else:
            found = calibration_of(model, frames, reading, Precision(**stated))
        network = import_model(model, None, found, reading.output_name, reading.coding)
    x = frames.of(network.input)
    if len(x) == 1:
        raise InputError(f"{data}: one frame shows no range that numbers have; calibrate with frames of every kind")
    remark_reading(terminal, model, network, reading.input_scale)
    remark_clamped(terminal, model, found)
    real = import_real(model, coding=found.input, output_name=reading.output_name)
    for name, bits in shrunk(real, network, found.precision, found.own).items():
        full = found.own.get(name, found.precision).weights
        terminal.remark(
            f"{model}: the weights of {name} are left with {bits} of {full} bits, so small are they beside its largest sums; is "
            "its bias, or an input of it, out of scale?"
        )
    about = _input(network.input, x)
    named = {"input": about}
    if network.input.condition is not None:
        named[network.input.condition.name] = about["condition"]
    for where, part in zip((data, reading.condition), named.values(), strict=False):
        if part["share"] is not None and part["share"] > COARSE:
            lost = f"{where}: rounding its numbers to {part['bits']} bits costs {part['share']:.0%} of their standard deviation"
            terminal.remark(f"{lost}; frames around zero, or more --input-bits, cost less")
    write_whole(output, lambda fresh: embed(model, found, fresh))
    ranges = {name: [seen.low, seen.high] for name, seen in found.ranges.items()}
    result = {
        "frames": len(x),
        "precision": asdict(found.precision) if widths is None else _widest(widths),
        "input_scale": found.input_scale,
        "input": about,
        "ranges": ranges,
    }
    rows = [[name, f"{part['low']:.4g}", f"{part['high']:.4g}"] for name, part in named.items()]
    rows += [[name, f"{low:.4g}", f"{high:.4g}"] for name, (low, high) in ranges.items()]
    title = f"{network.name}: input, sums and latent variables on {len(x)} frames"
    parts: list[Any] = [table(title, ["layer", "from", "to"], rows), *(_rounding(name, part) for name, part in named.items())]
    if widths is not None:
        result |= {"widths": _by_layer(widths), "share": widths.share}
        parts += _widths(widths, about["bits"])
    terminal.emit(result, *parts)


def _rounding(name: str, part: dict[str, Any]) -> str:
    """A line about the codes of the input, or of a condition."""
    spent = "" if part["share"] is None else f", {part['share']:.2%} of the numbers' standard deviation"
    form = f"{name} codes of {part['bits']} bits, {'signed' if part['signed'] else 'unsigned'}, in steps of {part['step']:.6g}"
    return f"{form}: root mean square error {part['error']:.3g}{spent}"


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


def _widths(found: Found, input_bits: int) -> list[Any]:
    """What was found, as a table, and the error that it costs."""
    rows = [["input", None, None, input_bits]]
    for name, parts in _by_layer(found).items():
        rows.append([name, parts.get("weights"), parts.get("table"), parts.get("codes", parts.get("latents"))])
    sheet = table("Fewest bits of each tensor", ["layer", "weights", "table", "result"], rows)
    return ["", sheet, f"the output's root mean square error is {found.share:.2%} of its standard deviation"]


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
    of their standard deviation, unless they have none.
    """
    error, deviation = float(np.sqrt(np.mean((taken - numbers) ** 2))), float(numbers.std())
    low, high = (beside.gain * end + beside.offset for end in coding.ends)
    share = error / deviation if deviation else None
    return {"low": low, "high": high, "step": beside.gain * coding.step, "error": error, "share": share}
