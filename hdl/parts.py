"""What 7-series parts hold (Xilinx DS180, 7 Series FPGAs Data Sheet: Overview)."""

from __future__ import annotations

from dataclasses import dataclass

from sigmabit.golden import SigmabitError


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


PARTS = (
    Part("xc7a35t", 20_800, 41_600, 50, 90),
    Part("xc7a100t", 63_400, 126_800, 135, 240),
    Part("xc7a200t", 134_600, 269_200, 365, 740),
    Part("xc7z020", 53_200, 106_400, 140, 220),
    Part("xc7k70t", 41_000, 82_000, 135, 240),
    Part("xc7k160t", 101_400, 202_800, 325, 600),
    Part("xc7k325t", 203_800, 407_600, 445, 840),
    Part("xc7k410t", 254_200, 508_400, 795, 1_540),
    Part("xc7k480t", 298_600, 597_200, 955, 1_920),
    Part("xc7vx330t", 204_000, 408_000, 750, 1_120),
    Part("xc7vx485t", 303_600, 607_200, 1_030, 2_800),
    Part("xc7vx690t", 433_200, 866_400, 1_470, 3_600),
    Part("xc7v2000t", 1_221_600, 2_443_200, 1_292, 2_160),
)


def part(name: str) -> Part:
    """The device of a part name, with or without package and speed grade. Raises PartError."""
    for device in sorted(PARTS, key=lambda p: -len(p.name)):
        if name.lower().startswith(device.name):
            return device
    raise PartError(f"unknown part {name}; known are {', '.join(p.name for p in PARTS)}")
