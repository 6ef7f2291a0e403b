"""Lattice's ECP5 and ECP5-5G (FPGA-DS-02012, FPGA-TN-02205).

A slice has two LUTs of four inputs (LUT4), two registers, and multiplexers that make functions of up to seven inputs of the LUTs
of four slices; or, as CCU2C, two bits of a carry chain. What counts as a LUT is what nextpnr calls TRELLIS_COMB. There are no
primitives here, so that Verilog has its plain bodies.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import ClassVar

from .cost import Cost, Part
from .ecp5_chains import Count
from .rules import BLOCK_RAM_FROM, BLOCK_RAM_SHAPES, FILL, multiplies

LUT_INPUTS = 4

BEGINNING = 2
"""LUTs that get into a carry chain."""

CHAIN = 24
"""Positions of a long carry chain, about."""

ARRAY_FROM = 6
"""Elements from which on an array of weights that change is made of carry chains."""

MULTIPLIER_BITS = 18
"""Of either factor of a MULT18X18D."""

PIECE_BITS = 13
"""Of the pieces of a factor that is wider: none is left that is too narrow for a multiplier."""

MEMORY = 6
"""LUTs that hold 4 bits of 16 words, and write them."""


def _parts() -> tuple[Part, ...]:
    """Those in ecp5.csv. Two registers go with two LUTs; embedded block RAMs have 18 Kb."""
    with Path(__file__).with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(Part(r["name"], int(r["lut"]), int(r["lut"]), int(r["ebr"]) / 2, int(r["multipliers"])) for r in rows)


PACKAGES = "BG256", "BG381", "BG554", "BG756", "MG285", "TG144"
"""As names of parts have them."""


def _looked_up(bits: int) -> int:
    """LUTs of a function of so many bits that is found step by step."""
    return max(1, math.ceil((bits - 1) / (LUT_INPUTS - 1)))


class Ecp5:
    """The answers of ECP5."""

    name = "ECP5"
    parts = _parts()
    series: ClassVar[Mapping[str, str]] = {"lfe5u-": "ECP5", "lfe5um-": "ECP5 with SERDES", "lfe5um5g-": "ECP5-5G"}
    resources: ClassVar[Mapping[str, str]] = {"lut": "LUT4", "ff": "registers", "bram36": "DP16KD pairs", "dsp": "MULT18X18D"}
    usual_mhz = 100.0
    fill = FILL
    ram_fill = 0.9  # a link for frames of 3 KB takes nine DP16KD
    ram_words = 9  # of eight there are 256 functions, which all products share; block RAM stands in columns far from most of them
    primitives = None

    def orders(self, device: Part) -> tuple[str, str]:
        """ECP5-5G comes in grade 8 alone."""
        grades, said, least = ("8", "8 alone", 8) if device.name.startswith("lfe5um5g-") else ("[678]", "6 to 8", 6)
        packages = ", ".join(PACKAGES)
        text = f"speed grade, {said}, package ({packages}) and range of temperature, such as -{least}BG381C"
        return rf"-{grades}(?:{'|'.join(PACKAGES).lower()})[ci]", text

    def logic(self, functions: float) -> Cost:
        """A function of six bits takes one to four."""
        return Cost(lut=2 * functions)

    def registers(self, bits: float) -> Cost:
        return Cost(ff=bits)

    def delay(self, bits: int, cycles: int) -> Cost:
        return Cost(ff=bits * cycles)

    def adder(self, bits: float) -> Cost:
        return Cost(lut=2 * math.ceil(bits / 2) + BEGINNING)

    def adder_of_three(self, bits: float, fast: bool = False) -> Cost:
        """Three numbers become two, of whose bits each takes two LUTs."""
        return self.adder(bits + 1) + Cost(lut=2 * bits)

    def match(self) -> Cost:
        return Cost(lut=1)

    def choose(self, lanes: int) -> Cost:
        return Cost(lut=lanes)

    def match_adder(self) -> Cost:
        """The parity of what is matched; the carry, which it chooses; and the sum."""
        return Cost(lut=3)

    def full_adder(self, constants: bool = False) -> Cost:
        """With constants, all lanes have the same sum but for its sign, and one of four carries: it costs next to nothing."""
        return Cost(lut=0 if constants else 2)

    def counter(self, constants: bool = False) -> Cost:
        """Two full adders, and a LUT for each bit of what they give; with constants, the two higher bits alone."""
        return Cost(lut=2 if constants else 7)

    def array(self, elements: int) -> Cost | None:
        """Positions of carry chains, with one more for each chain; of each level the last, and one to make them even; bits that
        wait, matched.
        """
        if elements < ARRAY_FROM:
            return None
        count = Count(elements)
        return Cost(lut=count.positions * (1 + 1 / CHAIN) + 2 * count.level + count.waiting)

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
        return Cost(lut=count * (1 << max(0, address_bits - LUT_INPUTS)))

    def distributed_ram(self, bits: int, depth: int) -> Cost:
        blocks = math.ceil(depth / 16)
        return Cost(lut=MEMORY * math.ceil(bits / 4) * blocks) + self.multiplexer(blocks) * bits

    def buffer(self, bits: int, depth: int) -> Cost:
        """In block RAM where there are words enough; where that begins has not been measured here."""
        return self.block_ram(bits, depth) if depth >= BLOCK_RAM_FROM else self.distributed_ram(bits, depth)

    def block_ram(self, bits: int, depth: int) -> Cost:
        """Of few words some bits are the same in all, and need no memory: so many as of random words.

        Yosys takes the shape that needs the fewest blocks: those of many words lack ninth bits. LUTs choose among blocks.
        """
        kept = bits * (1 - 2.0 ** (1 - depth)) if depth > 1 else bits
        blocks, deep = min(
            (math.ceil(kept / width) * math.ceil(depth / words), math.ceil(depth / words)) for width, words in BLOCK_RAM_SHAPES
        )
        return Cost(bram36=blocks / 2) + self.multiplexer(deep) * bits

    def product(self, first: int, second: int, signed: bool = True) -> Cost:
        """Wider ones in pieces, whose products are added."""
        if multiplies(first, second):
            pieces = [1 if bits <= MULTIPLIER_BITS else math.ceil(bits / PIECE_BITS) for bits in (first, second)]
            count = math.prod(pieces)
            return Cost(dsp=count) + self.adder(PIECE_BITS + min(first, second)) * (count - 1)
        return Cost(lut=first * second * 2.5)

    def row(self, bits: int, width: int, first: bool) -> Cost:
        """A bit of the multiple is a function of five bits, or of four in the first row."""
        return self.adder(width) + Cost(lut=bits if first else 2 * bits)

    def few_bit_product(self, bits: int, weight_bits: int, signed: bool) -> Cost:
        return Cost(lut=bits * weight_bits * 2)
