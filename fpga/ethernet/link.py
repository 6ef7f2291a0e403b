"""A board's end of an Ethernet cable: the PHY's pins, and who the board is on the network."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from .phy import GMII, RGMII, SGMII, Phy

PHYS = {phy.name: phy for phy in (GMII, RGMII, SGMII)}
"""What a board's file may name."""

MAC, IP = "02:53:42:00:00:01", "192.168.1.50"
"""A board's, unless others are given. The MAC address is locally administered: it is nobody else's by right, nor this board's."""


class AddressError(ValueError):
    """An address that no board can have; the message names it."""


def mac_of(text: str) -> int:
    """A MAC address, six pairs of hexadecimal digits, as a number. Raises AddressError, for those of groups, too."""
    if not re.fullmatch(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", text, re.ASCII):
        raise AddressError(f"{text!r:.60} is no MAC address, expected six pairs of hexadecimal digits such as {MAC}")
    number = int(text.replace(":", ""), 16)
    if number >> 40 & 1 or not number:
        raise AddressError(f"{text} is the MAC address of {'a group' if number else 'nobody'}, expected one such as {MAC}")
    return number


def ip_of(text: str) -> int:
    """An IPv4 address as a number. Raises AddressError, for those that are not of one machine, too."""
    try:
        found = ipaddress.IPv4Address(text)
    except ValueError:
        raise AddressError(f"{text!r:.60} is no IPv4 address, expected one such as {IP}") from None
    if found.is_multicast or found.is_unspecified or found.is_loopback or found.is_reserved:
        raise AddressError(f"{text} is not the address of a machine on a network, expected one such as {IP}")
    return int(found)


@dataclass(frozen=True)
class Cable:
    """What a board has towards the network. pins: of each of the PHY's, the package's, the lowest bit first."""

    phy: Phy
    pins: Mapping[str, tuple[str, ...]]
    standard: str

    @property
    def places(self) -> list[tuple[str, str, str]]:
        """Port, pin and standard of everything; of a transceiver's pins there is none."""
        return [
            (f"{port}[{number}]" if pin.bits > 1 else port, place, "" if pin.serial else self.standard)
            for port, pin in self.phy.ports()
            for number, place in enumerate(self.pins[pin.name])
        ]


@dataclass(frozen=True)
class Address:
    """Who a board is: numbers of 48 and of 32 bits."""

    mac: int = mac_of(MAC)
    ip: int = ip_of(IP)

    def __str__(self) -> str:
        return str(ipaddress.IPv4Address(self.ip))

    @property
    def hardware(self) -> str:
        """The MAC address, for people."""
        return ":".join(f"{self.mac >> 8 * byte & 0xFF:02x}" for byte in reversed(range(6)))
