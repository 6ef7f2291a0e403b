"""sigmabit plan: how much of each layer is computed per cycle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType

import sigmabit

from ..drawing import plots
from ..interface.choices import Planning, Reading
from ..interface.files import check_writable, write_json, write_whole
from ..interface.loading import remark_constant
from ..interface.terminal import Terminal, table
from . import options


@click.command(short_help="The smallest pipeline that meets a target.")
@options.model
@options.planning_anew
@options.reading
@options.samples
@click.option("--sweep", is_flag=True, help="The fronts of interval and of latency against area.")
@click.option("--plot", type=options.PATH, metavar="FILE.png", help="Draw the sweep.")
@click.option("-o", "--output", type=options.PATH, metavar="FILE", help="Write the plan, or the sweep, here.")
@options.as_json
def plan(
    model: Path,
    planning: Planning,
    reading: Reading,
    samples: int | None,
    sweep: bool,
    plot: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """The smallest pipeline for MODEL that meets a target; without a target, the fastest that the part has room for.

    With --sweep, one such pipeline after the other, from the fastest on, each smaller than all that are faster; and likewise from
    the one of the least latency on.
    """
    terminal = Terminal(as_json)
    if sweep and any(target is not None for target in (planning.interval, planning.fps, planning.latency, planning.fastest)):
        raise click.UsageError("--sweep plans every interval; --interval, --fps, --latency and --fastest have no place beside it")
    if sweep and planning.positions == 0:
        raise click.UsageError("--sweep goes through the plans of one entrance: give --positions a number")
    if plot and not sweep:
        raise click.UsageError("--plot needs --sweep")
    written = [path for path in (output, plot) if path is not None]
    for path in written:
        check_writable(path)
    if len({path.resolve() for path in written}) < len(written):
        raise click.UsageError("--plot and --output are the same file")
    network = sigmabit.load(model, **reading.of_model, remark=terminal.remark)
    remark_constant(terminal, network)
    if sweep:
        with terminal.progress() as report:
            report("planning", 0, 0)
            found = sigmabit.sweep(
                network,
                part=planning.part,
                clock_mhz=planning.clock_mhz,
                positions=planning.positions,
                samples=samples,
                latencies=True,
            )
        if plot:
            words = sigmabit.family_of(sigmabit.part(found["part"])).resources
            points, sooner = found["points"], found["latency_points"]
            write_whole(plot, lambda fresh: plots.sweep(fresh, _title(found), points, words, sooner=sooner))
        if output:
            write_json(output, found)
        terminal.emit(found, *sweep_tables(found))
        return
    made = sigmabit.plan(network, **vars(planning), samples=samples)
    if output:
        write_json(output, made.to_json())
    terminal.emit(made.to_json(), *tables(made))


def sweep_tables(found: dict[str, Any]) -> list[RenderableType]:
    """A sweep for people."""
    part = sigmabit.part(found["part"])
    keys = ("interval_cycles", "latency_cycles", "fps", "lut", "ff", "bram36", "dsp")
    words = sigmabit.family_of(part).resources
    columns = ["interval", "latency", "frames/s", words["lut"], "FF", words["bram36"], words["dsp"], "LUT of the part"]

    def rows(points: list[dict[str, Any]]) -> list[list[object]]:
        shown = [{**point, "fps": round(point["fps"])} for point in points]
        return [[*(point[key] for key in keys), f"{point['lut'] / part.lut:.1%}"] for point in shown]

    return [
        table(_title(found), columns, rows(found["points"]), texts=0),
        "",
        table("latency against area", columns, rows(found["latency_points"]), texts=0),
        "",
        f"frames/s at an assumed {found['clock_mhz']:g} MHz; `sigmabit plan --interval` makes the plan of a row above, and "
        f"`sigmabit plan --latency` one for a latency below, or a smaller one",
    ]


def _title(found: dict[str, Any]) -> str:
    side_by_side = f", {found['positions']} positions side by side" if found["positions"] > 1 else ""
    return f"{found['network']} on {found['part']}{side_by_side}: interval against area, as planned"


def tables(made: sigmabit.Plan) -> list[RenderableType]:
    """A plan for people."""
    rows: list[list[object]] = []
    for layer in made.layers:
        cost, folding = layer.config.bill(made.family), layer.folding
        shape = "-" if folding is None else f"{folding.group} / {folding.slices} / {folding.lanes}"
        if layer.kind.positions > 1:
            shape = f"{layer.kind.positions} x {shape}"
        if folding is not None and folding.eager:
            shape += " eager"
        tabled = folding is not None and folding.products == "tables"
        if tabled:
            shape += " tables"
        where = "-" if folding is None else "block RAM" if folding.block or tabled else "logic"
        rows.append([layer.name, shape, where, layer.cycles, layer.done, *_size(cost)])
    if made.pipeline.noise is not None:
        rows.append(["sampler", "-", "-", "-", "-", *_size(made.pipeline.noise.bill(made.family))])
    cost = made.cost
    total = ["total", "", "", made.interval, made.latency, *_size(cost)]
    part = made.device
    words = made.family.resources
    columns = ["layer", "folding", "weights", "interval", "latency", words["lut"], "FF", words["bram36"], words["dsp"]]
    if not cost.dsp:  # a table without the column suits a terminal
        columns, total, rows = columns[:-1], total[:-1], [row[:-1] for row in rows]
    return [
        table(f"{made.network.name}: planned cycles and estimated area", columns, rows, texts=3, total=total),
        "",
        "folding: kernel columns or beats / parts of the channels / output channels at a time"
        + ("; positions side by side in front" if made.positions > 1 else "")
        + ("; eager: results as soon as can be" if any(layer.folding and layer.folding.eager for layer in made.layers) else "")
        + ("; tables: of sums, in block RAM" if any("tables" in str(row[1]) for row in rows) else ""),
        f"{made.fps:,.0f} frames/s and {made.latency / made.clock_mhz:,.2f} us latency at an assumed {made.clock_mhz:g} MHz",
        f"{cost.lut / part.lut:.1%} of the LUTs, {cost.bram36 / part.bram36:.1%} of the block RAM and "
        f"{cost.dsp / part.dsp:.1%} of the {words['dsp']} of {part.name}",
    ]


def _size(cost: sigmabit.Cost) -> list[object]:
    return [round(cost.lut), round(cost.ff), cost.bram36, round(cost.dsp)]
