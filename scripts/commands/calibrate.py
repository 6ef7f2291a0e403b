"""sigmabit calibrate: the ranges of a real-valued model's numbers, found with data and written into the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import sigmabit

from ..interface.choices import BITS, DEFAULT_BITS, Reading
from ..interface.files import check_writable
from ..interface.terminal import Terminal, table
from . import options

SHARE = 0.02
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
            return int(click.IntRange(*BITS[self.part]).convert(value, param, ctx))
        except click.BadParameter:
            low, high = BITS[self.part]
            also = f", nor {AUTO}, which looks for the fewest" if self.automatic else ""
            raise click.BadParameter(f"{value!r} is no number of bits from {low} to {high}{also}", ctx, param) from None


def _width(name: str, part: str, text: str, automatic: bool = False) -> Callable[[Any], Any]:
    default = str(DEFAULT_BITS[part])
    kind = _Width(part, automatic)
    low, high = BITS[part]
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
        raise sigmabit.InputError(f"{output}: the calibrated copy is to be another file than the model")
    if share is not None and codes_bits != AUTO:
        raise sigmabit.InputError("--share: how near the output is to stay is for --bits auto")
    with terminal.progress() as report:
        found = sigmabit.calibrate(
            model,
            data,
            weights=weights_bits,
            codes=codes_bits,
            latents=latents_bits,
            table=table_bits,
            share=share,
            **reading.of_uncalibrated,
            remark=terminal.remark,
            progress=report,
        )
    found.write(output)
    result = found.to_json()
    network, about = found.network, result["input"]
    named = {"input": about}
    if network.input.condition is not None:
        named[network.input.condition.name] = about["condition"]
    rows = [[name, f"{part['low']:.4g}", f"{part['high']:.4g}"] for name, part in named.items()]
    rows += [[name, f"{low:.4g}", f"{high:.4g}"] for name, (low, high) in result["ranges"].items()]
    title = f"{network.name}: input, sums and latent variables on {result['frames']} frames"
    parts: list[Any] = [table(title, ["layer", "from", "to"], rows), *(_rounding(name, part) for name, part in named.items())]
    if "widths" in result:
        parts += _widths(result, about["bits"])
    terminal.emit(result, *parts)


def _rounding(name: str, part: dict[str, Any]) -> str:
    """A line about the codes of the input, or of a condition."""
    spent = "" if part["share"] is None else f", {part['share']:.2%} of the numbers' standard deviation"
    form = f"{name} codes of {part['bits']} bits, {'signed' if part['signed'] else 'unsigned'}, in steps of {part['step']:.6g}"
    return f"{form}: root mean square error {part['error']:.3g}{spent}"


def _widths(result: dict[str, Any], input_bits: int) -> list[Any]:
    """What was found, as a table, and the error that it costs."""
    rows = [["input", None, None, input_bits]]
    for name, parts in result["widths"].items():
        rows.append([name, parts.get("weights"), parts.get("table"), parts.get("codes", parts.get("latents"))])
    sheet = table("Fewest bits of each tensor", ["layer", "weights", "table", "result"], rows)
    return ["", sheet, f"the output's root mean square error is {result['share']:.2%} of its standard deviation"]
