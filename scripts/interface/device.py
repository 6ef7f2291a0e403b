"""The device that a command talks to, behind one link or another."""

from __future__ import annotations

from sigmabit.golden import InputError
from sigmabit.host import Client, DatagramClient


def where(port: str | None, udp: str | None) -> str:
    """What is given, for people. Raises InputError for none and for both."""
    if (port is None) == (udp is None):
        raise InputError("give one of --port, a serial port, and --udp, an address")
    return port or udp or ""


def open_device(port: str | None, udp: str | None, baud: int, patience: float) -> Client | DatagramClient:
    """The device at a serial port or at an address. Raises LinkError where there is none."""
    if udp is not None:
        return DatagramClient.open(udp, patience)
    assert port is not None
    return Client.open(port, baud, patience)
