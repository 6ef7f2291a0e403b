"""Gowin's GW2A-18 and GW2AR-18 (DS102, DS226, UG288, UG285).

A tile has eight LUTs of four inputs (LUT4), six of them with a register, multiplexers that make functions of up to eight inputs
of the LUTs of two tiles, and a carry chain of six bits (ALU) in place of LUTs. A register is driven by the LUT beside it alone:
what has none of its own takes a place for a LUT nevertheless. What counts as a LUT is such a place. There are no primitives here,
so that Verilog has its plain bodies.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import ClassVar

from .cost import Cost, Part
from .rules import BLOCK_RAM_FROM, block_ram_shape, multiplies

LUT_INPUTS = 4

ENDS = 2
"""ALU that get into a carry chain and out of it."""

MULTIPLIER_BITS = 18
"""Of either factor of a MULT18X18."""

MEMORY = 8
"""LUTs whose place a memory of 16 words of 4 bits takes: a tile's."""

ALONE = 0.35
"""The share of registers behind logic that have no LUT of their own. This, and prices that are no whole numbers, are what Yosys
makes of digits_bcnn at 768 and at 64 cycles: docs/family/gowin.md.
"""


def _parts() -> tuple[Part, ...]:
    """Those in gowin.csv; block RAMs have 18 Kb. Of each device, the name and how names of orders begin."""
    with Path(__file__).with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(Part(r["name"], int(r["lut"]), int(r["ff"]), int(r["bsram"]) / 2, int(r["multipliers"])) for r in rows)


def _looked_up(bits: int) -> int:
    """LUTs of a function of so many bits that is found step by step."""
    return max(1, math.ceil((bits - 1) / (LUT_INPUTS - 1)))


class Gowin:
    """The answers of GW2A."""

    name = "GW2A"
    parts = _parts()
    series: ClassVar[Mapping[str, str]] = {"gw2a-": "GW2A", "gw2ar-": "GW2AR"}
    resources: ClassVar[Mapping[str, str]] = {"lut": "LUT4", "ff": "registers", "bram36": "BSRAM pairs", "dsp": "MULT18X18"}
    usual_mhz = 100.0
    fill = 0.65  # places count that a LUT could share, and a link takes more of a small device than of a large one
    ram_fill = 0.85  # a link takes five BSRAM
    ram_words = 2
    primitives = None

    def orders(self, device: Part) -> tuple[str, str]:
        return r"c|[a-z]{2}\d{2,3}[a-z]{0,2}?c[789]/i[678]", "package and speed grade, such as QN88C8/I7"

    def logic(self, functions: float) -> Cost:
        """A function of six bits takes one to four."""
        return Cost(lut=2 * functions)

    def registers(self, bits: float) -> Cost:
        return Cost(lut=ALONE * bits, ff=bits)

    def delay(self, bits: int, cycles: int) -> Cost:
        return Cost(lut=bits * cycles, ff=bits * cycles)

    def adder(self, bits: float) -> Cost:
        return Cost(lut=2 * math.ceil(bits / 2) + ENDS)

    def adder_of_three(self, bits: float, fast: bool = False) -> Cost:
        """Three numbers become two, of whose bits each takes two LUTs; of few bits, the sum takes no chain."""
        return Cost(lut=2 * bits)

    def match(self) -> Cost:
        return Cost(lut=1)

    def choose(self, lanes: int) -> Cost:
        return Cost(lut=lanes)

    def match_adder(self) -> Cost:
        return Cost(lut=3.5)

    def full_adder(self, constants: bool = False) -> Cost:
        """The same price for constants, which the prices were measured with, too."""
        return Cost(lut=1.5)

    def counter(self, constants: bool = False) -> Cost:
        """Two full adders and a LUT for each bit of what they give are seven; where inputs are constant, fewer are left."""
        return Cost(lut=4)

    def array(self, elements: int) -> Cost | None:
        """It is made of the compressors above."""
        return None

    def tally(self, bits: int) -> Cost:
        return self.adder(bits)

    def comparator(self, bits: int) -> Cost:
        return self.adder(bits)

    def comparators_with(self, constants: Collection[int], bits: int) -> Cost:
        """For each constant a function of the bits from its lowest one on; the least number is always reached."""
        compared = set(constants) - {-(1 << bits - 1)}
        lowest = [(constant & -constant).bit_length() - 1 if constant else bits - 1 for constant in compared]
        return Cost(lut=sum(_looked_up(bits - low) for low in lowest))

    def multiplexer(self, ways: int) -> Cost:
        """Two ways a LUT; what chooses among LUTs is there besides them."""
        return Cost(lut=math.ceil(ways / 2) if ways > 1 else 0)

    def table(self, address_bits: int, shared: bool = False) -> Cost:
        """A LUT holds 16 entries."""
        return Cost(lut=2 ** (address_bits - LUT_INPUTS) if shared else 1 << max(0, address_bits - LUT_INPUTS))

    def functions(self, count: float, address_bits: int) -> Cost:
        """Half of them are alike, or functions of fewer bits."""
        return Cost(lut=0.5 * count * (1 << max(0, address_bits - LUT_INPUTS)))

    def distributed_ram(self, bits: int, depth: int) -> Cost:
        blocks = math.ceil(depth / 16)
        return Cost(lut=MEMORY * math.ceil(bits / 4) * blocks) + self.multiplexer(blocks) * bits

    def buffer(self, bits: int, depth: int) -> Cost:
        """In block RAM where there are words enough; where that begins has not been measured here."""
        return self.block_ram(bits, depth) if depth >= BLOCK_RAM_FROM else self.distributed_ram(bits, depth)

    def block_ram(self, bits: int, depth: int) -> Cost:
        """What comes out is kept, in registers that have no LUT of their own."""
        width, words = block_ram_shape(depth)
        return Cost(lut=(1 - ALONE) * bits, bram36=math.ceil(bits / width) * math.ceil(depth / words) / 2)

    def product(self, first: int, second: int, signed: bool = True) -> Cost:
        if multiplies(first, second):
            return Cost(dsp=math.ceil(first / MULTIPLIER_BITS) * math.ceil(second / MULTIPLIER_BITS))
        return Cost(lut=first * second * 2.5)

    def row(self, bits: int, width: int, first: bool) -> Cost:
        """A bit of the multiple is a function of five bits, or of four in the first row."""
        return self.adder(width) + Cost(lut=bits if first else 2 * bits)

    def few_bit_product(self, bits: int, weight_bits: int, signed: bool) -> Cost:
        return Cost(lut=bits * weight_bits * 2)
