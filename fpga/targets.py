"""The families that modules can be mapped to."""

from __future__ import annotations

from sigmabit.hdl.family import Family

from .ecp5.target import ECP5
from .gowin.target import GOWIN
from .series7.target import SERIES7
from .target import Target
from .ultrascale.target import ULTRASCALE

TARGETS: tuple[Target, ...] = (SERIES7, ECP5, GOWIN, ULTRASCALE)


def target_of(family: Family) -> Target:
    """What maps to a family's cells."""
    return next(target for target in TARGETS if target.family is family)
