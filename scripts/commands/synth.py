"""sigmabit synth: area by Yosys, layer by layer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from sigmabit.hdl.family.parts import part as device

from ..interface.choices import Planning, Reading
from ..interface.files import check_folder, check_writable, write_json
from ..interface.loading import load_network, make_plan
from ..interface.terminal import Terminal, table
from ..measures.area import PLANNED, RESOURCES, WORST, parts_of, planned, synthesised
from . import options

KEYS = (*RESOURCES, *(f"planned_{key}" for key in PLANNED))
"""What is summed up over the layers."""


@click.command(short_help="Area and logic depth by Yosys.")
@options.model
@options.planning_at_interval
@options.reading
@options.samples
@options.report_file
@click.option("--work", type=options.PATH, metavar="DIR", help="Keep scripts, logs and netlists here.")
@options.as_json
def synth(
    model: Path,
    planning: Planning,
    reading: Reading,
    samples: int | None,
    report_file: Path | None,
    work: Path | None,
    as_json: bool,
) -> None:
    """LUTs, registers, memories, multipliers and logic levels of MODEL's pipeline, every layer synthesised by itself."""
    terminal = Terminal(as_json)
    if report_file:
        check_writable(report_file)
    if work:
        check_folder(work)
    network = load_network(model, reading, terminal, planning.file)
    made = make_plan(network, planning, samples)
    parts = parts_of(made)
    with tempfile.TemporaryDirectory() as temporary, terminal.progress() as report:
        areas = synthesised(made, work or Path(temporary), report)
    layers: list[dict[str, Any]] = []
    for name, area in areas.items():
        expected = planned(parts[name].bill(made.family))
        layers.append({"name": name, **area, **{f"planned_{key}": expected[key] for key in PLANNED}})
    total = {key: sum(layer[key] for layer in layers) for key in KEYS}
    total |= {key: max(layer[key] for layer in layers) for key in WORST}
    result = {"network": network.name, "part": made.part, "interval_cycles": made.interval, **total, "layers": layers}
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
    rows = [[layer["name"], *(layer[key] for key in keys)] for layer in layers]
    title = f"{network.name} at {made.interval:,} cycles per frame, by Yosys for {made.family.name}"
    resources = device(made.part)
    share = f"{total['lut'] / resources.lut:.1%} of the LUTs and {total['bram36'] / resources.bram36:.1%} of the block RAM"
    terminal.emit(
        result,
        table(title, columns, rows, total=["total", *(total[key] for key in keys)]),
        "",
        f"{share} of {resources.name}; one LUT per LUT cell, so that tools which pack two small ones in a site may need fewer",
        f"loads: of the net that has most, clocks left out; {total['carry4']:,} times four bits of carry chains",
    )
