"""The device that a command talks to, behind one link or another."""

from __future__ import annotations

from sigmabit.golden import InputError
from sigmabit.host import Client, DatagramClient
from sigmabit.host.datagrams import address_of

from .linking import BAUD


def where(port: str | None, udp: str | None, baud: int | None) -> str:
    """What is given, for people, with an address' port. Raises InputError for none and for both, LinkError for no address."""
    if (port is None) == (udp is None):
        raise InputError("give one of --port, a serial port, and --udp, an address")
    if udp is None:
        return port or ""
    if baud is not None:
        raise InputError(f"--baud {baud}: it is a serial line's rate, and --udp has none")
    host, number = address_of(udp)
    return f"{host}:{number}"


def open_device(port: str | None, udp: str | None, baud: int | None, patience: float) -> Client | DatagramClient:
    """The device at a serial port or at an address. Raises LinkError where there is none."""
    if udp is not None:
        return DatagramClient.open(udp, patience)
    assert port is not None
    return Client.open(port, BAUD if baud is None else baud, patience)
