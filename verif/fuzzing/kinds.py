"""All kinds of input."""

from __future__ import annotations

from .arrays import Arrays, Read
from .boards import Boards
from .kind import Kind
from .models import Models
from .plans import Plans
from .serial import Serial


def kinds(read_array: Read) -> dict[str, Kind]:
    """By name. read_array: what reads arrays, which the command line alone knows."""
    found: tuple[Kind, ...] = (Models(), Plans(), Boards(), Arrays(read_array), Serial())
    return {kind.name: kind for kind in found}
