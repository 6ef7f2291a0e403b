"""Xilinx' 7 series: Spartan-7, Artix-7, Kintex-7, Virtex-7, Zynq-7000 (UG473, UG474, UG479).

Prices follow the structure of a slice: four LUTs of six inputs (LUT6), each of which may be two of five common inputs (LUT6_2), a
carry chain of four bits (CARRY4), eight registers. What synthesis makes of blocks is measured by `sigmabit synth`, and
docs/planning/planner.md holds one against the other.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import ClassVar

from .cost import Cost, Part
from .rules import BLOCK_RAM_SHAPES, FILL, SHIFT_DEPTH, SHIFT_FROM, multiplies
from .series7_primitives import LUT_INPUTS, Series7Primitives

MOST_COMPARED = 12
"""Bits of a number up to which synthesis compares it with a constant by functions of its bits alone."""


BLOCK_SHAPES = (
    *((1, *shape) for shape in BLOCK_RAM_SHAPES),
    (2, 72, 512),
    *((2, width, 2 * words) for width, words in BLOCK_RAM_SHAPES),
)
"""Halves of a RAMB36, and the bits and words that they hold: of a RAMB18, and of a RAMB36."""


def _looked_up(bits: int) -> int:
    """LUTs of a function of so many bits that is found step by step."""
    return max(1, math.ceil((bits - 1) / (LUT_INPUTS - 1)))


def _parts() -> tuple[Part, ...]:
    """Those in series7.csv, from Xilinx DS180 (7 Series FPGAs Overview) and DS190 (Zynq-7000 SoC Overview).

    It is what may be used, not what is on the die: several parts are larger ones of which the tools give out less. See
    docs/family/parts.md. A slice has four LUTs and eight registers, in every part.
    """
    with Path(__file__).with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(Part(r["name"], int(r["lut"]), 2 * int(r["lut"]), int(r["bram36"]), int(r["dsp"])) for r in rows)


def _products() -> dict[tuple[int, int, bool], int]:
    """LUTs of a product by bits of the code and of the weight, and whether the code is signed; as Yosys makes them."""
    with Path(__file__).with_name("series7_products.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        (bits, int(row["weight_bits"]), row["signed"] == "1"): int(row[str(bits)])
        for row in rows
        for bits in range(1, 9)
        if row[str(bits)]
    }


class Series7:
    """The answers of the 7 series."""

    name = "7 series"
    parts = _parts()
    series: ClassVar[Mapping[str, str]] = {
        "xc7s": "Spartan-7",
        "xc7a": "Artix-7",
        "xc7k": "Kintex-7",
        "xc7v": "Virtex-7",
        "xc7z": "Zynq-7000",
    }
    resources: ClassVar[Mapping[str, str]] = {"lut": "LUT", "ff": "registers", "bram36": "RAMB36", "dsp": "DSP48"}
    usual_mhz = 200.0
    fill = FILL
    ram_fill = 1.0
    ram_words = 2
    primitives = Series7Primitives()
    _few_bit_products = _products()

    def orders(self, device: Part) -> tuple[str, str]:
        return r"i?[a-z]{2,4}\d{2,4}(?:-[123][a-z]{0,2})?", "a package, with or without speed grade, such as ffg1761-2"

    def logic(self, functions: float) -> Cost:
        return Cost(lut=functions)

    def registers(self, bits: float) -> Cost:
        return Cost(ff=bits)

    def delay(self, bits: int, cycles: int) -> Cost:
        """From three in a row on, synthesis takes shift-register LUTs, of 32 registers each, in their place."""
        return Cost(lut=bits * math.ceil(cycles / SHIFT_DEPTH)) if cycles >= SHIFT_FROM else Cost(ff=bits * cycles)

    def adder(self, bits: float) -> Cost:
        return Cost(lut=bits)

    def adder_of_three(self, bits: float, fast: bool = False) -> Cost:
        """With one LUT a bit, majorities go from bit to bit; with two, each bit finds the one that it needs."""
        return Cost(lut=bits * (2 if fast else 1))

    def match(self) -> Cost:
        return Cost(lut=0.5)

    def choose(self, lanes: int) -> Cost:
        return Cost(lut=-(-lanes // 2))

    def match_adder(self) -> Cost:
        return Cost(lut=1)

    def full_adder(self, constants: bool = False) -> Cost:
        return Cost(lut=1)

    def counter(self, constants: bool = False) -> Cost:
        return Cost(lut=2)

    def array(self, elements: int) -> Cost | None:
        return None

    def tally(self, bits: int) -> Cost:
        """Carry chains take its bits as they are."""
        return Cost()

    def comparator(self, bits: int) -> Cost:
        """Two bits of each share a LUT6_2 before the carry chain."""
        return Cost(lut=bits * 0.5)

    def comparators_with(self, constants: Collection[int], bits: int) -> Cost:
        """For each constant a function of the bits from its lowest one on: six of the first LUT, five of each further one.

        Or, where that is less, bits above which all constants are alike make two functions for all. Of many bits there are carry
        chains, as synthesis makes them. The least number is always reached.
        """
        compared = sorted(set(constants) - {-(1 << bits - 1)})
        if not compared:
            return Cost()
        if bits > MOST_COMPARED:
            return Cost(lut=(bits / 4 + 1.75) * len(compared))
        lowest = [(constant & -constant).bit_length() - 1 if constant else bits - 1 for constant in compared]
        unlike = max((constant ^ compared[0]).bit_length() for constant in compared)
        each = sum(_looked_up(bits - low) for low in lowest)
        shared = 2 * _looked_up(bits - unlike) + sum(_looked_up(unlike - low + 2) for low in lowest)
        return Cost(lut=min(each, shared))

    def multiplexer(self, ways: int) -> Cost:
        """A LUT has four ways, which two bits of the index choose among; others choose among such LUTs and what is left."""
        if ways <= 4:
            return Cost(lut=1 if ways > 1 else 0)
        fours, rest = divmod(ways, 4)
        beside = rest == 1 or (rest == 2 and fours == 1)  # those that need no LUT of their own
        behind = fours + (1 if rest else 0)
        return Cost(lut=fours + (0 if beside or not rest else 1)) + self.multiplexer(behind)

    def table(self, address_bits: int, shared: bool = False) -> Cost:
        """A LUT holds 64 entries, or 32 of two tables."""
        return Cost(lut=2 ** (address_bits - LUT_INPUTS) if shared else 1 << max(0, address_bits - LUT_INPUTS))

    def functions(self, count: float, address_bits: int) -> Cost:
        """Two functions of up to five bits share a LUT."""
        return Cost(lut=count if address_bits == LUT_INPUTS else math.ceil(count / 2))

    def distributed_ram(self, bits: int, depth: int) -> Cost:
        """Four LUTs hold 6 bits of 32 words or 3 bits of 64."""
        if depth <= 32:
            return Cost(lut=4 * math.ceil(bits / 6))
        blocks = math.ceil(depth / 64)
        return Cost(lut=4 * math.ceil(bits / 3) * blocks) + self.multiplexer(blocks) * bits

    def buffer(self, bits: int, depth: int) -> Cost:
        """Yosys weighs four LUTs as 8 and half a RAMB36, of 36 bits, as 129 (its lutrams_xc5v.txt and brams_xc4v.txt)."""
        logic, block = self.distributed_ram(bits, depth), self.block_ram(bits, max(depth, 512))
        cells = math.ceil(bits / (6 if depth <= 32 else 3)) * math.ceil(depth / 64)
        return block if 8 * cells > 129 * math.ceil(bits / 36) else logic

    def block_ram(self, bits: int, depth: int) -> Cost:
        """Yosys takes the shape that needs the fewest halves of a RAMB36, and of such the deepest. LUTs choose among blocks."""
        halves, deep = min(
            (half * math.ceil(bits * math.ceil(depth / words) / width), math.ceil(depth / words))
            for half, width, words in BLOCK_SHAPES
        )
        return Cost(bram36=halves / 2) + self.multiplexer(deep) * bits

    def product(self, first: int, second: int, signed: bool = True) -> Cost:
        if multiplies(first, second):
            return Cost(dsp=1)
        return Cost(lut=first * second * (1.8 if signed else 1.1))

    def row(self, bits: int, width: int, first: bool) -> Cost:
        """The LUTs of the sum choose the multiple, too. The bit that carries into it takes none."""
        return self.adder(width - 1)

    def few_bit_product(self, bits: int, weight_bits: int, signed: bool) -> Cost:
        known = self._few_bit_products.get((bits, weight_bits, signed))
        return self.product(bits + (not signed), weight_bits, signed) if known is None else Cost(lut=known)
