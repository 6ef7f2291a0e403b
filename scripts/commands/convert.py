"""sigmabit convert: Verilog."""

from __future__ import annotations

from pathlib import Path

import click

import sigmabit

from ..interface.choices import Planning, Reading
from ..interface.files import check_folder, write_folder, write_json, written_before
from ..interface.loading import remark_constant
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
    network = sigmabit.load(model, plan=planning.file, **reading.of_model, remark=terminal.remark)
    remark_constant(terminal, network)
    made = sigmabit.plan(network, **vars(planning), samples=samples)
    with terminal.progress() as report:
        design = sigmabit.convert(made, progress=lambda name: report(f"converting {name}", 0, 0))
    file_list = f"{design.top}.f"

    def write(fresh: Path) -> None:
        design.write(fresh)
        write_json(fresh / PLAN, made.to_json())

    leftovers = written_before(output, PLAN, lambda plan: sigmabit.identifier(plan["network"]))
    write_folder(output, write, leftovers, last=(PLAN, file_list))
    data = {"top": design.top, "folder": str(output), "files": design.files, "list": file_list}
    terminal.emit(data, f"{len(design.files)} modules in {output}, listed in {file_list}; the top is {design.top}")
