"""Xilinx' UltraScale+: Zynq, Kintex and Virtex, Kria's modules (UG573, UG574, UG579).

Slices have eight LUT6 and sixteen registers, and one kind of slice takes the place of two, so that memories in LUTs are made of
eight at a time; a carry chain is made of CARRY8, which synthesis names as two CARRY4. Otherwise the fabric is the 7 series', with
the same bodies of primitives, and so are its prices. UltraRAM holds no initial contents: no table can lie in it.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from .cost import Cost, Part
from .rules import BLOCK_RAM_FROM
from .series7 import Series7


def _parts() -> tuple[Part, ...]:
    """Those in ultrascale.csv, from DS890 and DS891. A slice has two registers for each LUT, in every part."""
    with Path(__file__).with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(Part(r["name"], int(r["lut"]), 2 * int(r["lut"]), int(r["bram36"]), int(r["dsp"])) for r in rows)


class UltraScalePlus(Series7):
    """The answers of UltraScale+."""

    name = "UltraScale+"
    parts = _parts()
    series: ClassVar[Mapping[str, str]] = {
        "xczu": "Zynq UltraScale+",
        "xck2": "Kria",
        "xcku": "Kintex UltraScale+",
        "xcvu": "Virtex UltraScale+",
    }
    resources: ClassVar[Mapping[str, str]] = {"lut": "LUT", "ff": "registers", "bram36": "RAMB36", "dsp": "DSP48"}
    usual_mhz = 250.0

    def orders(self, device: Part) -> tuple[str, str]:
        regex = r"-[a-z]{4,5}\d{3,4}(?:-[123][a-z]{0,2}(?:-[a-z])?)?"
        return regex, "a package, with or without speed grade and range of temperature, such as -sbva484-1-e"

    def distributed_ram(self, bits: int, depth: int) -> Cost:
        """Eight LUTs hold 14 bits of 32 words or 7 bits of 64."""
        if depth <= 32:
            return Cost(lut=8 * math.ceil(bits / 14))
        blocks = math.ceil(depth / 64)
        return Cost(lut=8 * math.ceil(bits / 7) * blocks) + self.multiplexer(blocks) * bits

    def buffer(self, bits: int, depth: int) -> Cost:
        """In block RAM where there are words enough; where that begins has not been measured here."""
        return self.block_ram(bits, depth) if depth >= BLOCK_RAM_FROM else self.distributed_ram(bits, depth)
