"""sigmabit serve-sim: a board that does not exist."""

from __future__ import annotations

import contextlib
import signal
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

import sigmabit

from ..interface.choices import Planning, Reading
from ..interface.terminal import Terminal
from . import options


@click.command("serve-sim", short_help="MODEL on a simulated board, behind a pseudo-terminal.")
@options.model
@click.option("--udp", metavar="HOST:PORT", help="Behind Ethernet, at a UDP socket of this machine; any port for 0.")
@click.option("--ethernet", metavar="TAP", help="Behind Ethernet, at a TAP device, for which rights are needed.")
@click.option("--board", default="vc709", show_default=True, metavar="BOARD", help=options.BOARD, shell_complete=options.boards)
@options.planning_for_board
@options.reading
@options.samples
@options.as_json
def serve_sim(
    model: Path,
    udp: str | None,
    ethernet: str | None,
    board: str,
    planning: Planning,
    reading: Reading,
    samples: int | None,
    as_json: bool,
) -> None:
    """Simulate what `sigmabit board` writes for MODEL, and name the port where `sigmabit send` finds it, until interrupted.

    With --udp or --ethernet it is MODEL behind gigabit Ethernet, from the PHY's bytes inwards, that is simulated.
    """
    terminal = Terminal(as_json)
    if udp is not None and ethernet is not None:
        raise sigmabit.InputError("give one of --udp and --ethernet")
    on = sigmabit.board(board)
    network = sigmabit.load(model, plan=planning.file, **reading.of_model, remark=terminal.remark)
    made = sigmabit.plan(network, **vars(replace(planning, part=on.part)), samples=samples)
    data: dict[str, object] = {"board": on.key, "network": network.name, "part": on.part}
    with ExitStack() as stack:
        with terminal.progress() as report:
            served = stack.enter_context(sigmabit.serve(made, board=on, udp=udp, ethernet=ethernet, progress=report))
        data |= {"udp": served.udp} if served.udp else {"port": served.port}
        place = f"--udp {served.udp}" if served.udp else f"--port {served.port}"
        where = "behind Ethernet" if served.udp else f"on a simulated {on.name}"
        terminal.emit(
            data | {"clock_mhz": served.clock_mhz},
            f"{network.name} {where} answers at {served.udp or served.port}",
            f"until Ctrl-C; from another terminal: sigmabit send {model} {place} --input x.npy, or sigmabit status {place}",
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            served.wait()
