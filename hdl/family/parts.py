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
    begun: list[tuple[Part, Family]] = []
    for family in FAMILIES:
        for device in family.parts:
            if re.fullmatch(rf"{device.name}(?:{family.orders(device)[0]})?", name.lower()):
                return device
            # no further digit: xc7s6 is no xc7s60
            if re.match(rf"{device.name}(?!\d)", name.lower()):
                begun.append((device, family))
    if begun:
        device, family = max(begun, key=lambda found: len(found[0].name))
        raise PartError(f"unknown part {_shown(name)}: behind {device.name} may stand {family.orders(device)[1]}, or nothing")
    raise PartError(_unknown(name))


def family_of(device: Part) -> Family:
    """The family that a device belongs to."""
    return next(family for family in FAMILIES if device in family.parts)


def _unknown(name: str) -> str:
    """What is said of a part that is not known: the known ones of its series, or all series with an example each."""
    for family in FAMILIES:
        for start, series in family.series.items():
            if name.lower().startswith(start):
                return f"unknown part {_shown(name)}; of {series}, known are {', '.join(_names(family, start))}"
    known = "; ".join(
        f"the {family.name}: "
        + ", ".join(f"{series} (such as {_names(family, start)[0]})" for start, series in family.series.items())
        for family in FAMILIES
    )
    return f"unknown part {_shown(name)}; known are {known}"


def _shown(name: str) -> str:
    """A name in a message, on one line."""
    return f"{name:.60}" if name.isprintable() else f"{name!r:.60}"


def _names(family: Family, start: str) -> list[str]:
    return [part.name for part in family.parts if part.name.startswith(start)]
