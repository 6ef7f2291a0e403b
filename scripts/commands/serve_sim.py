"""sigmabit serve-sim: a board that does not exist."""

from __future__ import annotations

import contextlib
import signal
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from sigmabit.fpga.boards import board as board_named
from sigmabit.golden import InputError
from sigmabit.hdl.link.datagrams import datagram_system_of
from sigmabit.hdl.link.link import system_of
from sigmabit.host.datagrams import address_of
from sigmabit.verif.board import DIVISOR, ETHERNET_LEASE, ETHERNET_MHZ, SimulatedBoard, SimulatedEthernet

from ..interface.choices import Planning, Reading
from ..interface.loading import load_network, make_plan
from ..interface.terminal import Terminal
from . import options


@click.command("serve-sim", short_help="MODEL on a simulated board, behind a pseudo-terminal.")
@options.model
@click.option("--udp", metavar="HOST:PORT", help="Behind Ethernet, at a UDP socket of this machine; any port for 0.")
@click.option("--ethernet", metavar="TAP", help="Behind Ethernet, at a TAP device, for which rights are needed.")
@click.option("--board", default="vc709", show_default=True, metavar="BOARD", help=options.BOARD)
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
        raise InputError("give one of --udp and --ethernet")
    on = board_named(board)
    network = load_network(model, reading, terminal, planning.file)
    made = make_plan(network, replace(planning, part=on.part), samples)
    data: dict[str, object] = {"board": on.key, "network": network.name, "part": on.part}
    served: SimulatedEthernet | SimulatedBoard
    with ExitStack() as stack:
        with terminal.progress() as report:
            if udp is not None or ethernet is not None:
                socket = address_of(udp, least=0) if udp is not None else None
                served = stack.enter_context(
                    SimulatedEthernet(datagram_system_of(made, ETHERNET_LEASE), socket, ethernet or "", report)
                )
                host, port = served.address
                data |= {"udp": f"{host}:{port}", "clock_mhz": ETHERNET_MHZ}
                said = f"{network.name} answers at {host}:{port}"
            else:
                clock = on.made_clock(made.clock_mhz)
                served = stack.enter_context(SimulatedBoard(system_of(made, DIVISOR), on, report, clock))
                data |= {"port": served.port, "clock_mhz": round(float(clock.mhz), 6)}
                said = f"{network.name} on {on.name} answers at {served.port}"
        terminal.emit(data, said)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            served.wait()
