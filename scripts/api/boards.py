"""Networks on boards: Verilog with a board's top, a board that is simulated, frames to one that answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from sigmabit.fpga.board import Board, Clock, top_name
from sigmabit.fpga.board import write as write_board
from sigmabit.fpga.boards import KINDS
from sigmabit.fpga.boards import board as board_named
from sigmabit.golden import InputError, Network
from sigmabit.golden.network.identity import identity
from sigmabit.hdl.link.datagrams import datagram_system_of
from sigmabit.hdl.link.link import system_of
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.verilog.convert import Design
from sigmabit.host import Client, DatagramClient, LinkError
from sigmabit.host.client import Statistics
from sigmabit.host.datagrams import address_of
from sigmabit.verif.board import DIVISOR, ETHERNET_LEASE, ETHERNET_MHZ, SimulatedBoard, SimulatedEthernet
from sigmabit.verif.simulation.job import Progress

from ..interface.files import write_folder, write_json, written_before
from ..interface.linking import ETHERNET, UART, Linking, system_on
from ..interface.loading import check_board
from .execution import silent

PLAN, BOARD = "plan.json", "board.json"


def board(name: str, *, link: Literal["uart", "ethernet"] = "uart", ip: str | None = None, mac: str | None = None) -> Board:
    """A board of the package, by its name, or of a file that ends in .toml; its part and its clock count for plans.

    Args:
        name: which.
        link: its way to the host.
        ip: its IPv4 address on Ethernet; 192.168.1.50 without it.
        mac: its MAC address there; 02:53:42:00:00:01 without it.

    Raises:
        BoardError: there is none, it has no such link, or what its file lacks.
        InputError: addresses that are none, or of a serial line.
    """
    return Linking(link, None, ip, mac).on(board_named(name))


@dataclass(frozen=True, eq=False)
class System:
    """A plan's network with a board's link and its top, as Verilog with constraints.

    plan, board: of what. design: the modules below the board's top. link: what is to be known of the way to the host.
    """

    plan: Plan
    board: Board
    clock: Clock
    design: Design
    link: dict[str, object]

    @property
    def top(self) -> str:
        """The board's top module."""
        return top_name(self.design.top)

    @property
    def mhz(self) -> float:
        """The clock that is made of the board's."""
        return float(self.clock.mhz)

    def to_json(self) -> dict[str, Any]:
        """As plain values: what board.json says."""
        way = UART if self.board.address is None else ETHERNET
        about = {"top": self.top, "board": self.board.key, "model": identity(self.plan.network).hex(), "link": way}
        return about | self.link | self.board.arguments(self.clock)

    def write(self, folder: Path) -> None:
        """Verilog, its list, constraints, plan.json and board.json, whole or not at all; an earlier board's files go away.

        Raises OutputError where the folder cannot be written.
        """
        told = self.board.arguments(self.clock)

        def write(fresh: Path) -> None:
            self.design.write(fresh)
            write_board(fresh, self.design.top, self.design.files, self.board, self.clock)
            (fresh / f"{self.design.top}.f").unlink()
            write_json(fresh / PLAN, self.plan.to_json())
            write_json(fresh / BOARD, self.to_json())
            if self.board.arguments_file is not None:
                (fresh / self.board.arguments_file).write_text("".join(f"{key}={value}\n" for key, value in told.items()))

        leftovers = written_before(folder, BOARD, lambda board: str(board["top"]))
        leftovers += [f"{Path(name).stem}{kind.constraints_file}" for name in leftovers[:1] for kind in KINDS]
        write_folder(folder, write, leftovers, last=(PLAN, BOARD, f"{self.top}.f"))


def system(plan: Plan, board: Board, *, baud: int | None = None, progress: Callable[[str], None] = lambda name: None) -> System:
    """A plan's network with its link and a board's top around it; System.write writes it, for `make bitstream BOARD=...`.

    Args:
        plan: for the board's part.
        board: where it goes.
        baud: the rate of the board's serial line; 921,600 without it.
        progress: is told the name of each module as it is done.

    Raises:
        BoardError: the plan is for another part, or the clock cannot be made.
        SigmabitError: a part of a link is not installed, or the network does not fit into its datagrams.
    """
    check_board(plan, board)
    clock = board.made_clock(plan.clock_mhz)
    design, link = system_on(board, plan, clock, baud, progress)
    return System(plan, board, clock, design, link)


class Served:
    """A simulated board that answers until it is closed, in a process of its own: `with sigmabit.serve(...) as served:`.

    port: its serial port, or None. udp: its address as HOST:PORT, or None. clock_mhz: of what is simulated.
    """

    def __init__(self, device: SimulatedBoard | SimulatedEthernet, port: str | None, udp: str | None, clock_mhz: float) -> None:
        self._device, self.port, self.udp, self.clock_mhz = device, port, udp, clock_mhz

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self) -> None:
        """Until the simulation ends, which it does not by itself. Raises SimulationError when it does."""
        self._device.wait()

    def close(self) -> None:
        """Switch it off."""
        self._device.close()


def serve(
    plan: Plan,
    *,
    board: Board | None = None,
    udp: str | None = None,
    ethernet: str | None = None,
    progress: Progress = silent,
) -> Served:
    """A board that does not exist, in a simulation: for a Client at a pseudo-terminal, or for a DatagramClient.

    Args:
        plan: its network's.
        board: whose top and whose lamps there are, with the plan's part; the vc709 without it.
        udp: behind Ethernet, at a UDP socket of this machine, HOST:PORT; any port for 0.
        ethernet: behind Ethernet, at a TAP device of this name, for which rights are needed.
        progress: is told what is going on.

    Raises:
        InputError: both a socket and a TAP device are named.
        BoardError: the plan is for another part than the board's.
        SigmabitError: it cannot be built, or there is no such socket or device to be had.
    """
    if udp is not None and ethernet is not None:
        raise InputError("give one of --udp and --ethernet")
    on = board_named("vc709") if board is None else board
    if board is not None:
        check_board(plan, board)
    if udp is not None or ethernet is not None:
        socket = address_of(udp, least=0) if udp is not None else None
        behind = SimulatedEthernet(datagram_system_of(plan, ETHERNET_LEASE), socket, ethernet or "", progress)
        host, number = behind.address
        return Served(behind, None, f"{host}:{number}", ETHERNET_MHZ)
    clock = on.made_clock(plan.clock_mhz)
    simulated = SimulatedBoard(system_of(plan, DIVISOR), on, progress, clock)
    return Served(simulated, simulated.port, None, round(float(clock.mhz), 6))


@dataclass(frozen=True, eq=False)
class Sent:
    """What a device answered.

    y: the graph's output, float32 (N, ...), or (N, K, ...) where the device draws K > 1 samples of each frame. samples: K.
    seconds: that it took. line: what the line did meanwhile: requests, repeated, refused.
    """

    network: Network
    y: NDArray[np.float32]
    samples: int
    seconds: float
    line: Statistics

    def summary(self, labels: NDArray[np.int64] | None = None) -> dict[str, Any]:
        """Frames, time and repetitions, as plain values. labels: (N,) classes, for the accuracy."""
        summary: dict[str, Any] = {
            "network": self.network.name,
            "frames": len(self.y),
            "samples": self.samples,
            "seconds": round(self.seconds, 3),
            "fps": round(len(self.y) / self.seconds, 3),
            "requests": self.line.requests,
            "repeated": self.line.repeated,
            "refused": self.line.refused,
        }
        return summary if labels is None else summary | {"accuracy": self.network.output.accuracy(self.y, labels)}


def send(
    network: Network,
    codes: NDArray[np.int64],
    client: Client | DatagramClient,
    *,
    seed: int | None = None,
    progress: Progress = silent,
) -> Sent:
    """Frames to a device that holds a network, and its answers, as the graph gives them.

    Args:
        network: what the device is to hold.
        codes: (N, height, width, channels), from load_with_frames or network.input.encode.
        client: of the device.
        seed: what the device's sampler begins with; without it, it goes on from where it is.
        progress: is told how many frames have come back.

    Raises:
        InputError: a seed for a network that draws no samples.
        LinkError: the device holds another network, or does not answer.
    """
    if seed is not None and network.latent is None:
        raise InputError(f"--seed: {network.name} draws no samples")
    source, result = network.input.tensor.layout.on_axi(), network.result.on_axi()
    each, device = result.beats * result.beat_bits // 8, client.device
    if device.model != identity(network) or device.result_bytes % each:
        raise LinkError(f"the device holds another network than {network.name}")
    if seed is not None:
        client.seed(seed)
    begun = time.monotonic()
    received = client.run(source.pack(codes).reshape(len(codes), -1), lambda done, total: progress("sending", done, total))
    seconds = time.monotonic() - begun
    y = network.output.decode(result.unpack(received.reshape(-1, result.beat_bits // 8)))
    samples = device.result_bytes // each
    return Sent(network, y.reshape(len(codes), samples, *y.shape[1:]) if samples > 1 else y, samples, seconds, client.statistics)
