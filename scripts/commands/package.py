"""sigmabit package: a pipeline for Vivado's IP integrator and for FuseSoC."""

from __future__ import annotations

from pathlib import Path

import click

import sigmabit

from ..interface.choices import Planning, Reading
from ..interface.files import check_folder
from ..interface.terminal import Terminal
from . import options


@click.command(short_help="MODEL's pipeline as an IP-XACT component and a FuseSoC core.")
@options.model
@options.planning
@options.reading
@options.samples
@click.option("-o", "--output", type=options.PATH, required=True, metavar="DIR", help="A new folder for the package.")
@options.as_json
def package(
    model: Path,
    planning: Planning,
    reading: Reading,
    samples: int | None,
    output: Path,
    as_json: bool,
) -> None:
    """Write MODEL's pipeline as Verilog, with component.xml for Vivado's IP integrator and a .core file for FuseSoC."""
    terminal = Terminal(as_json)
    if output.exists():
        raise click.UsageError(f"{output} exists; a package takes a new folder")
    check_folder(output)
    network = sigmabit.load(model, plan=planning.file, **reading.of_model, remark=terminal.remark)
    made = sigmabit.plan(network, **vars(planning), samples=samples)
    with terminal.progress() as report:
        found = sigmabit.package(made, progress=lambda name: report(f"converting {name}", 0, 0))
    found.write(output)
    if found.remark:
        terminal.remark(found.remark)
    data = found.to_json() | {"folder": str(output)}
    text = f"{len(found.design.files)} modules in {output}, {data['component']} for Vivado and {data['core']} for FuseSoC"
    terminal.emit(data, text)
