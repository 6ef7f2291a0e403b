"""Devices by their names. What each holds, its family knows."""

from __future__ import annotations

import re

from sigmabit.golden import SigmabitError

from .cost import Part
from .families import FAMILIES
from .family import Family


class PartError(SigmabitError):
    """An unknown part."""


def part(name: str) -> Part:
    """The device of a part name, with or without package and speed grade. Raises PartError."""
    for device in sorted((part for family in FAMILIES for part in family.parts), key=lambda part: -len(part.name)):
        # no further digit: xc7s6 is no xc7s60
        if re.match(rf"{device.name}(?!\d)", name.lower()):
            return device
    raise PartError(_unknown(name))


def family_of(device: Part) -> Family:
    """The family that a device belongs to."""
    return next(family for family in FAMILIES if device in family.parts)


def _unknown(name: str) -> str:
    """What is said of a part that is not known: the known ones of its series, or all series with an example each."""
    for family in FAMILIES:
        for start, series in family.series.items():
            if name.lower().startswith(start):
                return f"unknown part {name:.60}; of {series}, known are {', '.join(_names(family, start))}"
    known = "; ".join(
        f"the {family.name}: "
        + ", ".join(f"{series} (such as {_names(family, start)[0]})" for start, series in family.series.items())
        for family in FAMILIES
    )
    return f"unknown part {name:.60}; known are {known}"


def _names(family: Family, start: str) -> list[str]:
    return [part.name for part in family.parts if part.name.startswith(start)]
