"""sigmabit bench products: what multiplying by weights of a few bits costs, by each way to do it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from sigmabit.fpga.synthesis import SynthesisError
from sigmabit.golden import SigmabitError
from sigmabit.hdl.family import SERIES7

from ...interface.files import check_writable, write_whole
from ...interface.terminal import Terminal, table
from ...measures import products as measured
from ...measures.products import Shape
from .. import options


@click.command(name="products")
@click.option("--inputs", type=click.IntRange(2, 4096), default=144, show_default=True, help="Codes per cycle.")
@click.option("--lanes", type=click.IntRange(1, 256), default=8, show_default=True, help="Outputs at a time.")
@click.option("--weight-bits", type=click.IntRange(1, 8), default=2, show_default=True, help="Of a weight.")
@click.option("--bits", type=click.IntRange(1, 8), default=2, show_default=True, help="Of a code.")
@click.option("--folds", type=click.IntRange(1, 512), default=8, show_default=True, help="Words of weights; 1: constants.")
@click.option("--whole", is_flag=True, help="With the least weight, too: of 2 bits -2 to 1.")
@click.option("--sweep", is_flag=True, help="Layer shapes x bits x folds instead.")
@click.option("--plot", "picture", type=options.PATH, metavar="FILE.png", help="Draw the sweep.")
@options.as_json
def products_cost(
    inputs: int,
    lanes: int,
    weight_bits: int,
    bits: int,
    folds: int,
    whole: bool,
    sweep: bool,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Area of a layer's unit by counts of bits, by multipliers (DSP48, or LUTs for short numbers) and by rows of LUTs, and
    which of them a plan takes. By Yosys for xc7, tables and thresholds included.
    """
    terminal = Terminal(as_json)
    if picture:
        if not sweep:
            raise click.UsageError("--plot needs --sweep")
        check_writable(picture)
    shapes = measured.swept() if sweep else [Shape(inputs, lanes, weight_bits, bits, folds, whole)]
    found = _found(terminal, shapes)
    if picture:
        labels = [f"{s.inputs} x {s.lanes}, {_bits(s)}, {_weights(s)}" for s in shapes]
        bars = [
            {s.shown(way["way"]): way["lut"] / s.products for way in each["ways"]} for s, each in zip(shapes, found, strict=True)
        ]
        write_whole(picture, lambda fresh: measured.plot(fresh, labels, bars))
    rows: list[list[object]] = [
        [
            f"{s.inputs} x {s.lanes}", _bits(s), _weights(s), s.shown(way["way"]),
            way["lut"], round(way["planned_lut"]), way["dsp"], way["levels"], "taken" if way["taken"] else "",
        ]
        for s, each in zip(shapes, found, strict=True) for way in each["ways"]
    ]  # fmt: skip
    words = SERIES7.resources
    columns = ["codes x outputs", "bits", "weights", "products by", words["lut"], "planned", words["dsp"], "levels", ""]
    terminal.emit({"units": found}, table("units of a few bits by Yosys for xc7", columns, rows))


def _bits(shape: Shape) -> str:
    ternary = shape.weight_bits == 2 and not shape.whole
    return f"{'ternary' if ternary else f'W{shape.weight_bits}'} A{shape.bits}"


def _weights(shape: Shape) -> str:
    return "constant" if shape.folds == 1 else f"{shape.folds} words"


def _found(terminal: Terminal, shapes: list[Shape]) -> list[dict[str, Any]]:
    """For each shape what its ways cost, and which a plan would take: that of the fewest planned LUTs."""
    pairs = [(shape, way) for shape in shapes for way in shape.ways]
    results: dict[Shape, list[dict[str, Any]]] = {shape: [] for shape in shapes}
    with terminal.progress() as report:
        for done, (shape, way) in enumerate(pairs):
            report("synthesising", done, len(pairs))
            config = shape.unit(way)
            with tempfile.TemporaryDirectory() as name:
                try:
                    area = measured.unit_area(config, shape, Path(name))
                except SynthesisError as error:
                    raise SigmabitError(str(error)) from None
            planned = config.bill(SERIES7)
            held = {"lut": area.lut, "ff": area.ff, "dsp": area.dsp, "bram36": area.bram36, "levels": area.levels}
            results[shape].append({"way": way, **held, "planned_lut": planned.lut, "planned_dsp": planned.dsp})
    for ways in results.values():
        taken = min(ways, key=lambda each: each["planned_lut"])
        for each in ways:
            each["taken"] = each is taken
    return [
        {
            "inputs": s.inputs,
            "lanes": s.lanes,
            "weight_bits": s.weight_bits,
            "bits": s.bits,
            "folds": s.folds,
            "whole": s.whole,
            "ways": ways,
        }
        for s, ways in results.items()
    ]
