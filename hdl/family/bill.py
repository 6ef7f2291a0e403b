"""What a block consists of, and what that comes to."""

from __future__ import annotations

from typing import Protocol

from .cost import Cost
from .family import Family


class Billed(Protocol):
    """A configuration that states its bill."""

    def bill(self, family: Family) -> Cost:
        """What it consists of, to first order, at a family's prices."""
        ...
