"""Boards in simulation: what stands on a desk with a serial port or a network cable, as a process."""

from __future__ import annotations

from .ethernet import ETHERNET_LEASE, ETHERNET_MHZ, SimulatedEthernet
from .line import Damage, DamagedLine
from .network import BadNetwork, Faults
from .simulated import DIVISOR, SimulatedBoard, on_board

__all__ = [
    "DIVISOR",
    "ETHERNET_LEASE",
    "ETHERNET_MHZ",
    "BadNetwork",
    "Damage",
    "DamagedLine",
    "Faults",
    "SimulatedBoard",
    "SimulatedEthernet",
    "on_board",
]
