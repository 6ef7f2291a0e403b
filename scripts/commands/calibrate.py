"""sigmabit calibrate: the ranges of a real-valued model's numbers, found with data and written into the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import Coding, InputError, Precision, embed, import_model
from sigmabit.golden.network.network import InputFormat

from ..interface.choices import Reading
from ..interface.files import check_writable, read_array, write_whole
from ..interface.loading import calibration_of, remark_clamped, remark_reading
from ..interface.terminal import Terminal, table
from . import options

COARSE = 0.2
"""Share of the numbers' standard deviation that rounding may cost before that is said."""


def _width(name: str, default: int, low: int, high: int, text: str) -> Callable[[Any], Any]:
    return click.option(name, type=click.IntRange(low, high), default=default, show_default=True, help=text)


@click.command(short_help="Ranges of a real-valued model's numbers.")
@options.model
@options.data
@_width("--weight-bits", Precision.weights, 2, 18, "Width of weights.")
@_width("--bits", Precision.codes, 2, 16, "Width of activations.")
@_width("--latent-bits", Precision.latents, 4, 16, "Width of latent variables.")
@_width("--table-bits", Precision.table, 2, 14, "Width of what tables are read with.")
@options.reading_uncalibrated
@click.option("-o", "--output", type=options.PATH, required=True, metavar="FILE", help="The calibrated copy of the model.")
@options.as_json
def calibrate(
    model: Path,
    data: Path,
    weight_bits: int,
    bits: int,
    latent_bits: int,
    table_bits: int,
    reading: Reading,
    output: Path,
    as_json: bool,
) -> None:
    """Find with the frames of X.npy what range each number of MODEL has, and write a copy that holds it in its metadata.

    Numbers beyond those ranges are saturated later. What a calibration cannot show stays unseen: take frames of every kind.
    """
    terminal = Terminal(as_json)
    check_writable(output)
    if output.resolve() == model.resolve():
        raise InputError(f"{output}: the calibrated copy is to be another file than the model")
    precision = Precision(weight_bits, bits, latent_bits, table_bits)
    x = read_array(data)
    with terminal.progress() as report:
        report("calibrating", 0, 0)
        found = calibration_of(model, x, data, reading, precision)
        network = import_model(model, None, found, reading.output_name, reading.coding)
    remark_reading(terminal, model, network, reading.input_scale)
    remark_clamped(terminal, model, found)
    about = _input(network.input, x)
    if about["share"] is not None and about["share"] > COARSE:
        lost = f"{data}: rounding its numbers to {about['bits']} bits costs {about['share']:.0%} of their standard deviation"
        terminal.remark(f"{lost}; frames around zero, or more --input-bits, cost less")
    write_whole(output, lambda fresh: embed(model, found, fresh))
    ranges = {name: [seen.low, seen.high] for name, seen in found.ranges.items()}
    result = {
        "frames": len(x),
        "precision": asdict(precision),
        "input_scale": found.input_scale,
        "input": about,
        "ranges": ranges,
    }
    rows = [["input", f"{about['low']:.4g}", f"{about['high']:.4g}"]]
    rows += [[name, f"{low:.4g}", f"{high:.4g}"] for name, (low, high) in ranges.items()]
    title = f"{network.name}: input, sums and latent variables on {len(x)} frames"
    share = "" if about["share"] is None else f", {about['share']:.2%} of the numbers' standard deviation"
    codes = f"input codes of {about['bits']} bits, {'signed' if about['signed'] else 'unsigned'}, in steps of {about['step']:.6g}"
    terminal.emit(
        result, table(title, ["layer", "from", "to"], rows), f"{codes}: root mean square error {about['error']:.3g}{share}"
    )


def _input(form: InputFormat, x: NDArray[Any]) -> dict[str, Any]:
    """The input's codes as plain values, and the error that they cost on the frames, as a root mean square, and as a share of the
    numbers' standard deviation, unless they have none. Pixels, and what a quantiser of the graph gives, cost nothing.
    """
    coding, numbers = form.coding or Coding(form.tensor.codes, form.grid), x.astype(np.float64)
    error = 0.0 if form.coding is None else float(np.sqrt(np.mean((coding.nearest(x) - numbers) ** 2)))
    deviation = float(numbers.std())
    low, high = coding.ends
    return {
        "low": low,
        "high": high,
        "bits": coding.codes.bits,
        "signed": coding.codes.signed,
        "step": coding.step,
        "error": error,
        "share": error / deviation if deviation else None,
    }
