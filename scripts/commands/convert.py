"""sigmabit convert: Verilog."""

from __future__ import annotations

import json
from pathlib import Path

import click

from sigmabit.hdl.convert import Design
from sigmabit.hdl.convert import convert as to_verilog
from sigmabit.hdl.keywords import identifier
from sigmabit.hdl.plan import Plan
from sigmabit.hdl.top import Pipeline

from ..files import OutputError, check_folder, room_beside, write_json
from ..models import load_network, make_plan
from ..terminal import Terminal
from . import options

PLAN = "plan.json"


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
    check_folder(output)
    network = load_network(model, input_scale, terminal)
    made = make_plan(network, plan, part, clock_mhz=clock_mhz)
    with terminal.progress() as report:
        design = to_verilog(Pipeline(made.pipeline).outline(), lambda name: report(f"converting {name}", 0, 0))
    write_design(design, made, output)
    data = {"top": design.top, "folder": str(output), "files": design.files, "list": f"{design.top}.f"}
    terminal.emit(data, f"{len(design.files)} modules in {output}, listed in {design.top}.f; the top is {design.top}")


def write_design(design: Design, plan: Plan, folder: Path) -> None:
    """All files of a design and its plan, in place of what an earlier conversion left in the folder.

    A new folder appears whole or not at all. In an old one the file list goes first and comes last: where it is, the folder is
    whole.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with room_beside(folder.absolute()) as room:
            fresh = room / "verilog"
            design.write(fresh)
            write_json(fresh / PLAN, plan.to_json())
            if not folder.exists():
                fresh.rename(folder)
                return
            lists = [f"{design.top}.f"]
            for name in (*lists, *_leftovers(folder)):
                (folder / name).unlink(missing_ok=True)
            for file in sorted(fresh.iterdir(), key=lambda file: file.name in lists):
                file.replace(folder / file.name)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from None


def _leftovers(folder: Path) -> list[str]:
    """The files of an earlier conversion, by its plan and its file list; none where these are missing."""
    try:
        top = identifier(json.loads((folder / PLAN).read_text())["network"])
        modules = (folder / f"{top}.f").read_text().split()
    except (OSError, ValueError, KeyError, TypeError):
        return []
    files = [f"{top}.f", *modules, *(f"{Path(module).stem}.mem" for module in modules)]
    return [name for name in files if Path(name).name == name]
