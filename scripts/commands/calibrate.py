"""sigmabit calibrate: the ranges of a real-valued model's numbers, found with data and written into the model."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from sigmabit.golden import InputError, Precision, embed, import_model

from ..files import check_writable, read_array, write_whole
from ..models import calibration_of
from ..terminal import Terminal, table
from . import options


@click.command(short_help="Ranges of a real-valued model's numbers.")
@options.model
@options.data
@click.option("--weight-bits", type=int, default=Precision.weights, show_default=True, help="Width of weights.")
@click.option("--bits", type=int, default=Precision.codes, show_default=True, help="Width of activations.")
@click.option("--latent-bits", type=int, default=Precision.latents, show_default=True, help="Width of latent variables.")
@click.option("--table-bits", type=int, default=Precision.table, show_default=True, help="Width of what tables are read with.")
@options.input_scale
@click.option("-o", "--output", type=options.PATH, required=True, metavar="FILE", help="The calibrated copy of the model.")
@options.as_json
def calibrate(
    model: Path,
    data: Path,
    weight_bits: int,
    bits: int,
    latent_bits: int,
    table_bits: int,
    input_scale: float | None,
    output: Path,
    as_json: bool,
) -> None:
    """Find with the frames of X.npy what range each number of MODEL has, and write a copy that holds it in its metadata.

    Numbers beyond those ranges are saturated later. What a calibration cannot show stays unseen: take frames of every kind.
    """
    terminal = Terminal(as_json)
    check_writable(output)
    try:
        precision = Precision(weight_bits, bits, latent_bits, table_bits)
    except ValueError as error:
        raise InputError(str(error)) from None
    x = read_array(data)
    with terminal.progress() as report:
        report("calibrating", 0, 0)
        found = calibration_of(model, x, data, input_scale, precision)
        network = import_model(model, input_scale, found)
    write_whole(output, lambda fresh: embed(model, found, fresh))
    ranges = {name: [seen.low, seen.high] for name, seen in found.ranges.items()}
    result = {"frames": len(x), "precision": asdict(precision), "input_scale": found.input_scale, "ranges": ranges}
    rows = [[name, f"{low:.4g}", f"{high:.4g}"] for name, (low, high) in ranges.items()]
    terminal.emit(result, table(f"{network.name}: sums on {len(x)} frames", ["layer", "from", "to"], rows))
