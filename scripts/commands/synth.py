"""sigmabit synth: area by Yosys, layer by layer."""

from __future__ import annotations

from pathlib import Path

import click

import sigmabit

from ..interface.choices import Planning, Reading, Working
from ..interface.files import check_folder, check_writable, write_json
from ..interface.terminal import Terminal, table
from . import options


@click.command(short_help="Area and logic depth by Yosys.")
@options.model
@options.planning
@options.reading
@options.samples
@options.report_file
@click.option("--work", type=options.PATH, metavar="DIR", help="Keep scripts, logs and netlists here.")
@options.working
@options.as_json
def synth(
    model: Path,
    planning: Planning,
    reading: Reading,
    samples: int | None,
    report_file: Path | None,
    work: Path | None,
    working: Working,
    as_json: bool,
) -> None:
    """LUTs, registers, memories, multipliers and logic levels of MODEL's pipeline, every layer synthesised by itself."""
    terminal = Terminal(as_json)
    if report_file:
        check_writable(report_file)
    if work:
        check_folder(work)
    network = sigmabit.load(model, plan=planning.file, **reading.of_model, remark=terminal.remark)
    made = sigmabit.plan(network, **vars(planning), samples=samples)
    with terminal.progress() as report, sigmabit.workers(working.workers, cluster=working.cluster) as workers:
        found = sigmabit.synthesise(made, work=work, workers=workers, progress=report)
    result, total = found.to_json(), found.total
    if report_file:
        write_json(report_file, result)
    titles = {
        "lut": made.family.resources["lut"],
        "planned_lut": "planned",
        "ff": "FF",
        "bram36": made.family.resources["bram36"],
        "planned_bram36": "planned",
        "dsp": made.family.resources["dsp"],
        "planned_dsp": "planned",
        "levels": "levels",
        "fan_out": "loads",
    }
    if not total["dsp"] and not total["planned_dsp"]:  # a table without these columns suits a terminal
        titles = {key: title for key, title in titles.items() if "dsp" not in key}
    columns, keys = ["layer", *titles.values()], list(titles)
    rows = [[layer["name"], *(layer[key] for key in keys)] for layer in found.layers]
    title = f"{network.name} at {made.interval:,} cycles per frame, by Yosys for {made.family.name}"
    resources = made.device
    share = f"{total['lut'] / resources.lut:.1%} of the LUTs and {total['bram36'] / resources.bram36:.1%} of the block RAM"
    terminal.emit(
        result,
        table(title, columns, rows, total=["total", *(total[key] for key in keys)]),
        "",
        f"{share} of {resources.name}; one LUT per LUT cell, so that tools which pack two small ones in a site may need fewer",
        f"loads: of the net that has most, clocks left out; {total['carry4']:,} times four bits of carry chains",
    )
