"""sigmabit convert: Verilog."""

from __future__ import annotations

from pathlib import Path

import click

from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.verilog.convert import convert as to_verilog
from sigmabit.hdl.verilog.keywords import identifier

from ..interface.choices import Planning, Reading
from ..interface.files import check_folder, write_folder, write_json, written_before
from ..interface.loading import load_network, make_plan, remark_constant
from ..interface.terminal import Terminal
from . import options

PLAN = "plan.json"


@click.command(short_help="MODEL's pipeline as Verilog.")
@options.model
@options.planning
@options.reading
@options.samples
@click.option("-o", "--output", type=options.PATH, required=True, metavar="DIR", help="Folder for the Verilog.")
@options.as_json
def convert(
    model: Path,
    planning: Planning,
    reading: Reading,
    samples: int | None,
    output: Path,
    as_json: bool,
) -> None:
    """Write MODEL's pipeline as Verilog: one module per file, a file list, and the plan that it follows."""
    terminal = Terminal(as_json)
    check_folder(output)
    network = load_network(model, reading, terminal, planning.file)
    remark_constant(terminal, network)
    made = make_plan(network, planning, samples)
    with terminal.progress() as report:
        design = to_verilog(Pipeline(made.pipeline).outline(), lambda name: report(f"converting {name}", 0, 0))
    file_list = f"{design.top}.f"

    def write(fresh: Path) -> None:
        design.write(fresh)
        write_json(fresh / PLAN, made.to_json())

    leftovers = written_before(output, PLAN, lambda plan: identifier(plan["network"]))
    write_folder(output, write, leftovers, last=(PLAN, file_list))
    data = {"top": design.top, "folder": str(output), "files": design.files, "list": file_list}
    terminal.emit(data, f"{len(design.files)} modules in {output}, listed in {file_list}; the top is {design.top}")
