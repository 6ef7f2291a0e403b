"""sigmabit board: a system and a board's top around it, as Verilog with constraints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

import sigmabit

from ..interface.choices import Planning, Reading
from ..interface.files import check_folder
from ..interface.linking import Linking, of_clock
from ..interface.terminal import Terminal
from . import options


@click.command(short_help="MODEL on a board: the top module, its constraints, all Verilog.")
@options.model
@click.option("--board", "name", required=True, metavar="BOARD", help=options.BOARD, shell_complete=options.boards)
@options.linking
@options.planning_for_board
@options.reading
@options.samples
@click.option("-o", "--output", type=options.PATH, required=True, metavar="DIR", help="Folder for all of it.")
@options.as_json
def board(
    model: Path,
    name: str,
    linking: Linking,
    planning: Planning,
    reading: Reading,
    samples: int | None,
    output: Path,
    as_json: bool,
) -> None:
    """Write MODEL's pipeline, its link to the host and the top of a board, with constraints, for `make bitstream BOARD=...`."""
    terminal = Terminal(as_json)
    check_folder(output)
    of = linking.on(sigmabit.board(name))
    if clock := of_clock(of, planning.clock_mhz):
        terminal.remark(clock)
    network = sigmabit.load(model, plan=planning.file, **reading.of_model, remark=terminal.remark)
    made = sigmabit.plan(network, **vars(replace(planning, part=of.part)), samples=samples)
    with terminal.progress() as report:
        system = sigmabit.system(made, of, baud=linking.baud, progress=lambda module: report(f"converting {module}", 0, 0))
    system.write(output)
    terminal.emit(system.to_json(), f"{network.name} on {of.name} at {system.mhz:g} MHz in {output}; the top is {system.top}")
