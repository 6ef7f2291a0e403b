"""sigmabit bench ethernet: how fast a network is behind a simulated Ethernet cable."""

from __future__ import annotations

import time
from pathlib import Path

import click
import numpy as np

from sigmabit.golden import SigmabitError
from sigmabit.hdl.link.datagrams import datagram_system_of
from sigmabit.host import DatagramClient
from sigmabit.verif.board import ETHERNET_LEASE, ETHERNET_MHZ, SimulatedEthernet
from sigmabit.verif.board.ethernet import WIRE_MHZ

from ...interface.choices import Planning, Reading
from ...interface.loading import load_with_data, make_plan
from ...interface.terminal import Terminal, table
from .. import options

QUIET_S = 0.5
"""After which a request is one of its own."""


@click.command(name="ethernet")
@options.model
@options.data
@options.planning
@options.reading_frames
@options.patience
@options.as_json
def ethernet(model: Path, data: Path, planning: Planning, reading: Reading, patience: float, as_json: bool) -> None:
    """Megabytes of frames per second on the cable, as simulated, with all requests on their way that may be; all answers are
    golden's.

    And the time that one request takes, and how fast the simulation is.
    """
    terminal = Terminal(as_json)
    network, _, codes = load_with_data(model, data, reading, terminal)
    if network.latent is not None:
        raise SigmabitError(f"{network.name} draws samples; this is for networks that draw none")
    made = make_plan(network, planning)
    clock_mhz = planning.clock_mhz or ETHERNET_MHZ
    frames = made.source.on_axi().pack(codes).reshape(len(codes), -1)
    with (
        terminal.progress() as report,
        SimulatedEthernet(datagram_system_of(made, ETHERNET_LEASE), progress=report, clock_mhz=clock_mhz) as board,
        DatagramClient(board.address, patience) as client,
    ):
        client.run(frames[:1])
        time.sleep(QUIET_S)
        client.run(frames[:1], several=1)
        one = board.traffic().span
        start, began = board.traffic(), time.perf_counter()
        results = client.run(frames, lambda done, total: report("sending", done, total))
        seconds, end = time.perf_counter() - began, board.traffic()
    expected = network.result.on_axi().pack(network.results(codes)).reshape(results.shape)
    wrong = int(np.any(results != expected, axis=1).sum())
    cycles = end.cycles - start.cycles
    found = {
        "network": network.name,
        "interval_cycles": made.interval,
        "frames": len(codes),
        "wrong": wrong,
        "wire_mb_per_s": frames.size / cycles * WIRE_MHZ,
        "frames_per_s": len(codes) / cycles * WIRE_MHZ * 1e6,
        "request_us": one / WIRE_MHZ,
        "wall_mb_per_s": frames.size / seconds / 1e6,
        "cycles_per_s": cycles / seconds,
    }
    rows: list[list[object]] = [
        ["frames, of which wrong", f"{len(codes):,}, {wrong}"],
        ["megabytes of frames per second on the cable", f"{found['wire_mb_per_s']:.1f}"],
        ["frames per second there", f"{found['frames_per_s']:,.0f}"],
        ["microseconds from a request's first byte to its answer's last", f"{found['request_us']:.1f}"],
        ["megabytes per second of the simulation", f"{found['wall_mb_per_s']:.2f}"],
        [f"simulated cycles of {WIRE_MHZ:g} MHz per second", f"{found['cycles_per_s']:,.0f}"],
    ]
    title = f"{network.name} at {made.interval:,} cycles of {clock_mhz:g} MHz per frame, behind Ethernet"
    terminal.emit(found, table(title, ["", ""], rows))
    if wrong:
        raise SigmabitError(f"{wrong} of {len(codes)} answers are not golden's")
