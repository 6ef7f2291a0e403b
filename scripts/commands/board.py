"""sigmabit board: a system and a board's top around it, as Verilog with constraints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from sigmabit.fpga import boards
from sigmabit.fpga.board import top_name
from sigmabit.fpga.board import write as write_board
from sigmabit.golden.network.identity import identity

from ..interface.choices import Planning, Reading
from ..interface.files import check_folder, write_folder, write_json, written_before
from ..interface.linking import Linking, system_on
from ..interface.loading import load_network, make_plan
from ..interface.terminal import Terminal
from . import options

PLAN = "plan.json"
BOARD = "board.json"


@click.command(short_help="MODEL on a board: the top module, its constraints, all Verilog.")
@options.model
@click.option("--board", "name", required=True, metavar="BOARD", help=options.BOARD)
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
    of = linking.on(boards.board(name))
    network = load_network(model, reading, terminal, planning.file)
    made = make_plan(network, replace(planning, part=of.part), samples)
    clock = of.made_clock(made.clock_mhz)
    with terminal.progress() as report:
        design, link = system_on(of, made, clock, linking.baud, lambda module: report(f"converting {module}", 0, 0))
    top = top_name(design.top)
    told = of.arguments(clock)
    data = {
        "top": top,
        "board": of.key,
        "model": identity(network).hex(),
        "link": linking.link,
        **link,
        **told,
    }

    def write(fresh: Path) -> None:
        design.write(fresh)
        write_board(fresh, design.top, design.files, of, clock)
        (fresh / f"{design.top}.f").unlink()
        write_json(fresh / PLAN, made.to_json())
        write_json(fresh / BOARD, data)
        if of.arguments_file is not None:
            (fresh / of.arguments_file).write_text("".join(f"{key}={value}\n" for key, value in told.items()))

    leftovers = written_before(output, BOARD, lambda board: str(board["top"]))
    leftovers += [f"{Path(name).stem}{kind.constraints_file}" for name in leftovers[:1] for kind in boards.KINDS]
    write_folder(output, write, leftovers, last=(PLAN, BOARD, f"{top}.f"))
    terminal.emit(data, f"{network.name} on {of.name} at {told['clock_mhz']:g} MHz in {output}; the top is {top}")
