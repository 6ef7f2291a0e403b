"""Devices: what they hold, what blocks cost on them, and the primitives that they offer."""

from .bill import Billed
from .bodies import in_synthesis, with_bodies
from .cost import WHOLE, Cost, Part, Room
from .families import ECP5, FAMILIES, GOWIN, SERIES7, ULTRASCALE
from .family import Family, Primitives

__all__ = [
    "ECP5",
    "FAMILIES",
    "GOWIN",
    "SERIES7",
    "ULTRASCALE",
    "WHOLE",
    "Billed",
    "Cost",
    "Family",
    "Part",
    "Primitives",
    "Room",
    "in_synthesis",
    "with_bodies",
]
