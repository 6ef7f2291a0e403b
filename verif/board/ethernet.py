"""A network on a board that does not exist, behind gigabit Ethernet: all Verilog from the PHY's byte interface inwards."""

from __future__ import annotations

import ipaddress
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sigmabit.fpga.ethernet import core
from sigmabit.fpga.programs import start
from sigmabit.hdl.link.datagrams import DatagramSystem, DatagramSystemConfig
from sigmabit.hdl.verilog.convert import Design, convert
from sigmabit.hdl.verilog.keywords import ethernet_name

from ..simulation.job import Progress, SimulationError
from ..simulation.toolchain import ToolError
from ..simulation.verilator import compiled

HARNESS = Path(__file__).with_name("ethernet.cpp")

ETHERNET_MHZ = 62.5
"""The system's, unless another is wanted: half of the PHY's."""

WIRE_MHZ = 125.0
"""The PHY's: bytes on the cable."""

ETHERNET_LEASE = 20
"""A simulation's seconds are long: what two seconds are to a board, these cycles are to it."""

BOARD_IP = "192.168.1.50"
"""The board's address behind a TAP device."""


LONGEST_NAME = 15
"""Of a network device, in letters."""


def _may_be_bound(host: str, port: int) -> tuple[str, int]:
    """The IPv4 address of a host, if a socket of this machine can have it with this port. Raises ToolError."""
    try:
        address = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)[0][4]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
            tried.bind(address)
    except (OSError, UnicodeError) as error:
        raise ToolError(f"{host}:{port}: {getattr(error, 'strerror', None) or 'no such host'}") from None
    return str(address[0]), port


@dataclass(frozen=True)
class Traffic:
    """Since the start: cycles of the PHY, 8 ns each; bytes on the cable to the board and from it, preambles and checks included;
    cycles in which there was one. span: cycles from the first byte to the board behind a silence to the last from it.
    """

    cycles: int
    bytes_in: int
    bytes_out: int
    moving: int
    span: int


def design_of(config: DatagramSystemConfig, clock_mhz: float = ETHERNET_MHZ) -> Design:
    """The system behind a PHY's byte interface. Raises ToolError where LiteEth is not installed."""
    try:
        network = core.joined(ethernet_name(config.core.name), config.module, clock_mhz)
    except core.CoreError as error:
        raise ToolError(str(error)) from None
    return convert(DatagramSystem(config).outline()).within(network)


class SimulatedEthernet:
    """A system that runs until it is closed. address: of the UDP socket behind which it is, or the name of a TAP device."""

    def __init__(
        self,
        config: DatagramSystemConfig,
        udp: tuple[str, int] | None = ("127.0.0.1", 0),
        tap: str = "",
        progress: Progress = lambda what, done, total: None,
        optimise: int = 2,
        clock_mhz: float = ETHERNET_MHZ,
    ) -> None:
        """udp: address and port of the socket, any port for 0; None for the TAP device `tap`. clock_mhz: the system's, at most
        the PHY's. Raises ToolError where there is no such thing to be had: as far as can be told, before anything is built.
        """
        if udp is not None:
            udp = _may_be_bound(*udp)
        elif not 0 < len(tap) <= LONGEST_NAME:
            raise ToolError(f"{tap!r}: the name of a TAP device has 1 to {LONGEST_NAME} letters")
        progress("converting", 0, 0)
        design = design_of(config, clock_mhz)
        progress("building", 0, 0)
        header = (
            f'#include "V{design.top}.h"\n#define SIM_TOP V{design.top}\n'
            f"#define BOARD_IP {int(ipaddress.ip_address(BOARD_IP)):#x}u\n#define BOARD_PORT {core.PORT}\n"
            f"#define SYSTEM_KHZ {round(clock_mhz * 1000)}u\n"
        )
        program = compiled(design, HARNESS, header, ("-Wno-fatal", "-Wno-lint"), optimise)
        self.name = design.top
        where = ["udp", udp[0], str(udp[1])] if udp else ["tap", tap]
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._process = start([str(program), *where], cwd=program.parent / "verilog", **how)
        assert self._process.stdout is not None and self._process.stderr is not None
        said = self._process.stdout.readline().decode().strip()
        if not said:
            why = self._process.stderr.read().decode().strip()
            self.close()
            raise ToolError(f"{':'.join(where[1:])}: {why}")
        self.address = (udp[0], int(said)) if udp else (BOARD_IP, core.PORT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def traffic(self) -> Traffic:
        """What has been on the cable so far."""
        assert self._process.stderr is not None
        self._process.send_signal(signal.SIGUSR1)
        return Traffic(*map(int, self._process.stderr.readline().split()))

    def wait(self) -> None:
        """Until the simulation ends, which it does not by itself. Raises SimulationError when it does."""
        _, message = self._process.communicate()
        raise SimulationError(f"{self.name}: {message.decode().strip() or f'ended with status {self._process.returncode}'}")

    def close(self) -> None:
        """Switch it off."""
        self._process.terminate()
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
