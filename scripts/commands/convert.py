"""sigmabit convert: Verilog."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from sigmabit.hdl.convert import Design
from sigmabit.hdl.convert import convert as to_verilog
from sigmabit.hdl.top import Pipeline

from ..files import OutputError, write_json
from ..models import load_network, make_plan
from ..terminal import Terminal
from . import options


@click.command()
@options.model
@options.plan
@options.part
@options.clock
@options.input_scale
@click.option("-o", "--output", type=options.PATH, required=True, metavar="DIR", help="Folder for the Verilog.")
@options.as_json
def convert(
    model: Path,
    plan: Path | None,
    part: str | None,
    clock_mhz: float | None,
    input_scale: float | None,
    output: Path,
    as_json: bool,
) -> None:
    """Write MODEL's pipeline as Verilog: one module per file, a file list, and the plan that it follows."""
    terminal = Terminal(as_json)
    if output.exists() and not output.is_dir():
        raise OutputError(f"{output}: exists and is no folder")
    network = load_network(model, input_scale, terminal)
    made = make_plan(network, plan, part, clock_mhz=clock_mhz)
    with terminal.progress() as report:
        design = to_verilog(Pipeline(made.pipeline).outline(), lambda name: report(f"converting {name}", 0, 0))
    files = write_design(design, output)
    write_json(output / "plan.json", made.to_json())
    data = {"top": design.top, "folder": str(output), "files": [file.name for file in files], "list": f"{design.top}.f"}
    terminal.emit(data, f"{len(files)} modules in {output}, listed in {design.top}.f; the top is {design.top}")


def write_design(design: Design, folder: Path) -> list[Path]:
    """All files of a design, or none: a folder that did not exist is removed again if something cannot be written."""
    existed = folder.exists()
    try:
        return design.write(folder)
    except OSError as error:
        if not existed:
            shutil.rmtree(folder, ignore_errors=True)
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from None
