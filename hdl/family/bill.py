"""What a block consists of, and what that comes to."""

from __future__ import annotations

from .cost import Cost
from .families import FAMILY
from .family import Family


class Billed:
    """A configuration that states its bill."""

    def bill(self, family: Family) -> Cost:
        """What it consists of, to first order, at a family's prices."""
        raise NotImplementedError

    @property
    def cost(self) -> Cost:
        """Expected size."""
        return self.bill(FAMILY)
