"""sigmabit serve-sim: a board that does not exist."""

from __future__ import annotations

import contextlib
import signal
from dataclasses import replace
from pathlib import Path

import click

from sigmabit.fpga.boards import board as board_named
from sigmabit.hdl.link.link import system_of
from sigmabit.verif.board import DIVISOR, SimulatedBoard

from ..interface.choices import Planning, Reading
from ..interface.loading import load_network, make_plan
from ..interface.terminal import Terminal
from . import options


@click.command("serve-sim", short_help="MODEL on a simulated board, behind a pseudo-terminal.")
@options.model
@click.option("--board", default="vc709", show_default=True, metavar="BOARD", help=options.BOARD)
@options.planning_for_board
@options.reading
@options.samples
@options.as_json
def serve_sim(
    model: Path,
    board: str,
    planning: Planning,
    reading: Reading,
    samples: int | None,
    as_json: bool,
) -> None:
    """Simulate what `sigmabit board` writes for MODEL, and name the port where `sigmabit send` finds it, until interrupted."""
    terminal = Terminal(as_json)
    on = board_named(board)
    network = load_network(model, reading, terminal, planning.file)
    made = make_plan(network, replace(planning, part=on.part), samples)
    clock = on.made_clock(made.clock_mhz)
    config = system_of(made, DIVISOR)
    with terminal.progress() as report:
        simulated = SimulatedBoard(config, on, report, clock)
    with simulated:
        said = f"{network.name} on {on.name} answers at {simulated.port}"
        data = {
            "port": simulated.port,
            "board": on.key,
            "network": network.name,
            "part": on.part,
            "clock_mhz": round(float(clock.mhz), 6),
        }
        terminal.emit(data, said)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            simulated.wait()
