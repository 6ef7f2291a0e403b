"""What is between a board and its host: which link, and who the board is on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sigmabit.fpga.board import Board, Clock
from sigmabit.fpga.ethernet import core
from sigmabit.fpga.ethernet.link import IP, MAC, Address, AddressError, ip_of, mac_of
from sigmabit.golden import InputError, SigmabitError
from sigmabit.hdl.link.datagrams import DatagramSystem, datagram_system_of
from sigmabit.hdl.link.link import System, divisor, system_of
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.verilog.convert import Design, convert
from sigmabit.hdl.verilog.keywords import ethernet_name

BAUD = 921_600
"""Bits a second of a serial line, unless another rate is given."""

UART, ETHERNET = LINKS = "uart", "ethernet"


@dataclass(frozen=True)
class Linking:
    """link: one of LINKS. baud: bits a second of the serial line. ip, mac: the board's addresses. None where nothing is said."""

    link: str = UART
    baud: int | None = None
    ip: str | None = None
    mac: str | None = None

    def on(self, board: Board) -> Board:
        """The board with this link. Raises InputError for what belongs to the other one, BoardError where it has no such link."""
        others = {"--baud": self.baud} if self.link == ETHERNET else {"--ip": self.ip, "--mac": self.mac}
        for option, value in others.items():
            if value is not None:
                raise InputError(f"{option} {value}: it is not of --link {self.link}")
        if self.link == UART:
            return board
        try:
            return board.at(Address(mac_of(MAC if self.mac is None else self.mac), ip_of(IP if self.ip is None else self.ip)))
        except AddressError as error:
            raise InputError(str(error)) from None


def of_clock(board: Board, asked_mhz: float | None) -> str | None:
    """What is to be said of a board's clock, where another was asked for than the one that is made. Raises BoardError."""
    if asked_mhz is None:
        return None
    mhz = float(board.made_clock(asked_mhz).mhz)
    if math.isclose(mhz, asked_mhz, rel_tol=1e-6):
        return None
    made = f"{board.key}: its PLL makes no {asked_mhz:g} MHz of {board.oscillator_mhz:g} MHz"
    return f"{made}; {mhz:.6g} MHz, the nearest below, is taken"


def system_on(
    board: Board, plan: Plan, clock: Clock, baud: int | None, progress: Callable[[str], None]
) -> tuple[Design, dict[str, object]]:
    """The Verilog of a plan's network with the board's link, and what is to be said of that link.

    Raises SigmabitError where LiteEth is not installed, or the network does not fit into datagrams.
    """
    mhz = float(clock.mhz)
    if board.network is None or board.address is None:
        rate = BAUD if baud is None else baud
        system = system_of(plan, divisor(mhz * 1e6, rate))
        return convert(System(system).outline(), progress), {"baud": rate, "cycles_per_bit": system.link.divisor}
    config = datagram_system_of(plan)
    try:
        network = core.joined(ethernet_name(config.core.name), config.module, mhz, board.network.phy)
    except core.CoreError as error:
        raise SigmabitError(str(error)) from None
    design = convert(DatagramSystem(config).outline(), progress).within(network)
    return design, {"ip": str(board.address), "mac": board.address.hardware, "udp_port": core.PORT}
