"""Boards in simulation: what stands on a desk with a serial port, as a process with a pseudo-terminal."""

from __future__ import annotations

from .line import Damage, DamagedLine
from .simulated import DIVISOR, SimulatedBoard, on_board

__all__ = ["DIVISOR", "Damage", "DamagedLine", "SimulatedBoard", "on_board"]
