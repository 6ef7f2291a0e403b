"""sigmabit plan: how much of each layer is computed per cycle."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import RenderableType

from sigmabit.hdl.cost import Cost
from sigmabit.hdl.parts import part as device
from sigmabit.hdl.plan import Plan

from ..files import check_writable, write_json
from ..models import load_network, make_plan
from ..terminal import Terminal, table
from . import options


@click.command(short_help="The smallest pipeline that meets a target.")
@options.model
@options.part
@click.option("--interval", type=int, metavar="CYCLES", help="Largest interval between frames.")
@click.option("--fps", type=options.POSITIVE, metavar="N", help="Least frames per second at --clock-mhz.")
@options.clock
@options.input_scale
@options.calibration
@options.samples
@click.option("-o", "--output", type=options.PATH, metavar="FILE", help="Write the plan here.")
@options.as_json
def plan(
    model: Path,
    part: str | None,
    interval: int | None,
    fps: float | None,
    clock_mhz: float | None,
    input_scale: float | None,
    calibration: Path | None,
    samples: int | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """The smallest pipeline for MODEL that meets a target; without a target, the fastest that the part has room for."""
    terminal = Terminal(as_json)
    if output:
        check_writable(output)
    network = load_network(model, input_scale, terminal, calibration=calibration)
    made = make_plan(network, None, part, interval, fps, clock_mhz, samples)
    if output:
        write_json(output, made.to_json())
    terminal.emit(made.to_json(), *tables(made))


def tables(made: Plan) -> list[RenderableType]:
    """A plan for people."""
    rows: list[list[object]] = []
    for layer in made.layers:
        cost, folding = layer.config.cost, layer.folding
        shape = "-" if folding is None else f"{folding.group} / {folding.slices} / {folding.lanes}"
        where = "-" if folding is None else "block RAM" if folding.block else "logic"
        rows.append([layer.name, shape, where, layer.cycles, layer.done, *_size(cost)])
    if made.pipeline.noise is not None:
        rows.append(["sampler", "-", "-", "-", "-", *_size(made.pipeline.noise.cost)])
    cost = made.cost
    total = ["total", "", "", made.interval, made.latency, *_size(cost)]
    part = device(made.part)
    columns = ["layer", "folding", "weights", "interval", "latency", "LUT", "FF", "RAMB36", "DSP48"]
    if not cost.dsp:  # a table without the column suits a terminal
        columns, total, rows = columns[:-1], total[:-1], [row[:-1] for row in rows]
    return [
        table(f"{made.network}: planned cycles and estimated area", columns, rows, texts=3, total=total),
        "",
        "folding: kernel columns or positions / parts of the channels / output channels at a time",
        f"{made.fps:,.0f} frames/s and {made.latency / made.clock_mhz:,.2f} us latency at an assumed {made.clock_mhz:g} MHz",
        f"{cost.lut / part.lut:.1%} of the LUTs, {cost.bram36 / part.bram36:.1%} of the block RAM and "
        f"{cost.dsp / part.dsp:.1%} of the DSP48 of {part.name}",
    ]


def _size(cost: Cost) -> list[object]:
    return [round(cost.lut), round(cost.ff), cost.bram36, round(cost.dsp)]
