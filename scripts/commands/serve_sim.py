"""sigmabit serve-sim: a board that does not exist."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

import click

from sigmabit.fpga.board import board as board_named
from sigmabit.verif.board import SimulatedBoard, system_of

from ..models import load_network, make_plan
from ..terminal import Terminal
from . import options


@click.command("serve-sim", short_help="MODEL on a simulated board, behind a pseudo-terminal.")
@options.model
@click.option("--board", default="vc709", show_default=True, metavar="BOARD", help="The board whose top is simulated.")
@options.plan
@options.part
@options.clock
@options.input_scale
@options.calibration
@options.samples
@options.as_json
def serve_sim(
    model: Path,
    board: str,
    plan: Path | None,
    part: str | None,
    clock_mhz: float | None,
    input_scale: float | None,
    calibration: Path | None,
    samples: int | None,
    as_json: bool,
) -> None:
    """Simulate MODEL's pipeline with its link, and name the port where `sigmabit send` finds it, until interrupted."""
    terminal = Terminal(as_json)
    on = board_named(board)
    network = load_network(model, input_scale, terminal, plan, calibration)
    config = system_of(network, make_plan(network, plan, part, clock_mhz=clock_mhz, samples=samples))
    with terminal.progress() as report:
        simulated = SimulatedBoard(config, on, report)
    with simulated:
        said = f"{network.name} on {on.name} answers at {simulated.port}"
        terminal.emit({"port": simulated.port, "board": board, "network": network.name}, said)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            simulated.wait()
