"""What 7-series parts hold: parts.csv, from Xilinx DS180 (7 Series FPGAs Overview) and DS190 (Zynq-7000 SoC Overview).

It is what may be used, not what is on the die: several parts are larger ones of which the tools give out less. See
docs/family/parts.md.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from sigmabit.golden import SigmabitError

FAMILIES = {"s": "Spartan-7", "a": "Artix-7", "k": "Kintex-7", "v": "Virtex-7", "z": "Zynq-7000"}
"""By the letter behind xc7."""


class PartError(SigmabitError):
    """An unknown part."""


@dataclass(frozen=True)
class Part:
    """LUT6, registers, RAMB36 and DSP48 of a device."""

    name: str
    lut: int
    ff: int
    bram36: int
    dsp: int


def _parts() -> tuple[Part, ...]:
    """All of the file. A slice has four LUTs and eight registers, in every part."""
    with Path(__file__).with_name("parts.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(Part(r["name"], int(r["lut"]), 2 * int(r["lut"]), int(r["bram36"]), int(r["dsp"])) for r in rows)


PARTS = _parts()


def part(name: str) -> Part:
    """The device of a part name, with or without package and speed grade. Raises PartError."""
    for device in sorted(PARTS, key=lambda p: -len(p.name)):
        # no further digit: xc7s6 is no xc7s60
        if re.match(rf"{device.name}(?!\d)", name.lower()):
            return device
    raise PartError(_unknown(name))


def _unknown(name: str) -> str:
    """What is said of a part that is not known: the known ones of its family, or all families with an example each."""
    letter = name.lower().removeprefix("xc7")[:1]
    if name.lower().startswith("xc7") and letter in FAMILIES:
        family = ", ".join(known.name for known in PARTS if known.name.startswith(f"xc7{letter}"))
        return f"unknown part {name:.60}; of {FAMILIES[letter]}, known are {family}"
    families = ", ".join(
        f"{family} (such as {next(known.name for known in PARTS if known.name.startswith(f'xc7{letter}'))})"
        for letter, family in FAMILIES.items()
    )
    return f"unknown part {name:.60}; known are the 7 series: {families}"
