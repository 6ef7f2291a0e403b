"""Products of codes and weights: by a multiplier each, one for those of two lanes, or LUTs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from myhdl import always, always_comb, block, concat, intbv

from ..family import Billed, Cost, Family
from ..family.rules import multiplies, multiplies_pairs
from ..verilog.fabric import Blocks, add, extend, joined, like, pass_on, register
from ..verilog.stream import wire

SPLIT_FROM = 5
"""Bits from which on a weight is multiplied in two halves where that is done by LUTs, which keeps to four logic levels."""

MOST_LOGIC = 12
"""Bits of a weight up to which products that a multiplier could make may be made of LUTs, which takes three cycles."""

Products = Literal["single", "pairs", "logic", "planes", "tables"]
"""What products of codes and weights are made by: a multiplier each, where both have bits enough for one; one for those of two
lanes, which share the code; LUTs; counts of bits, for weights of -1, 0 and 1; or tables in block RAM, for constant ones. No Enum,
for whose members MyHDL looks without end."""


@dataclass(frozen=True)
class Product(Billed):
    """A product of a code of so many bits, in two's complement if signed, and a weight in two's complement. by: what makes it."""

    bits: int
    signed: bool
    weight_bits: int
    by: Products = "single"

    @property
    def code_bits(self) -> int:
        """Width of a code in two's complement."""
        return self.bits if self.signed else self.bits + 1

    @property
    def product_bits(self) -> int:
        """Width of a product in two's complement."""
        return self.code_bits + self.weight_bits

    def ways(self, lanes: int) -> tuple[Products, ...]:
        """What it can be made by, where so many lanes multiply the same code."""
        if not multiplies(self.code_bits, self.weight_bits):
            return ("single",)
        pairs = not self.signed and lanes > 1 and multiplies_pairs(self.bits, self.weight_bits)
        logic = self.weight_bits <= MOST_LOGIC
        ways: tuple[tuple[Products, bool], ...] = ("single", True), ("pairs", pairs), ("logic", logic)
        return tuple(way for way, possible in ways if possible)

    @property
    def uses_dsp(self) -> bool:
        """Does a multiplier make it?"""
        return self.by != "logic" and multiplies(self.code_bits, self.weight_bits)

    @property
    def rows(self) -> int:
        """Multiples of the code that it is the sum of, for two bits of the weight each; 0 where it is made otherwise."""
        return (self.weight_bits + 1) // 2 if self.by == "logic" else 0

    @property
    def halves(self) -> bool:
        """Is the weight multiplied in two halves?"""
        return not self.uses_dsp and self.rows == 0 and self.weight_bits >= SPLIT_FROM

    @property
    def latency(self) -> int:
        """Cycles from code and weight to the product: two, and no more than two rows in each."""
        return max(2, -(-self.rows // 2))

    def bill(self, family: Family) -> Cost:
        """One product, and its registers, which a multiplier holds itself."""
        if self.rows:
            held = sum(self.code_bits + 4 * (cycle + 1) for cycle in range(self.latency))
            rows = (family.row(self.bits, self.code_bits + 3, row == 0) for row in range(self.rows))
            return sum(rows, family.registers(held + self.weight_bits))
        product = family.product(self.code_bits, self.weight_bits, self.signed)
        if not multiplies(self.code_bits, self.weight_bits):
            product += family.registers(self.product_bits * (2.5 if self.halves else 2))
        return product


@block
def multiply_once(clk, code, weight, product):
    """product = code * weight a cycle later, modulo its size; both in two's complement."""
    size = len(product)
    code_limit, weight_limit = 1 << (len(code) - 1), 1 << (len(weight) - 1)
    limit = 1 << max(size, len(code) + len(weight))

    @always(clk.posedge)
    def calculate():
        a = intbv(0, min=-code_limit, max=code_limit)
        b = intbv(0, min=-weight_limit, max=weight_limit)
        result = intbv(0, min=-limit, max=limit)
        a[:] = code.signed()
        b[:] = weight.signed()
        result[:] = a * b
        product.next = result[size:]

    return calculate


@block
def multiply(clk, code, weight, product, signed, halves):
    """product = code * weight two cycles later, modulo its size; weight in two's complement, code too if signed.

    Two registers, as a DSP48E1 has them behind its multiplier and at its output; with halves of the weight, which are multiplied
    one by one, the second is behind their sum.
    """
    size, half = len(product), len(weight) // 2
    if not signed:
        code = joined([code, "0"])
    if not halves or size <= half:
        first = wire(size)
        return multiply_once(clk, code, weight, first), register(clk, first, product)

    low_part, high_part, total = wire(size), wire(size - half), wire(size)
    return (
        multiply_once(clk, code, joined([weight(half, 0), "0"]), low_part),
        multiply_once(clk, code, weight(len(weight), half), high_part),
        add(low_part, joined(["0" * half, high_part]), total),
        register(clk, total, product),
    )


@block
def flip_top(source, flipped):
    """flipped = source with its top bit inverted: of a number in two's complement, half its range more."""
    size = len(source)
    half = 1 << (size - 1)

    @always_comb
    def flip():
        flipped.next = source ^ half

    return flip


@block
def multiply_pair(clk, code, low_weight, high_weight, low_product, high_product):
    """The products of a code, which is not signed, with two weights, two cycles later, modulo their size: one multiplier.

    Its factor is low_weight, made a number of no sign by half its range, with high_weight above where their product ends. So
    low_product is code * 2**(bits - 1) too much, and nothing is carried into high_product.
    """
    bits, size = len(low_weight), len(code) + len(low_weight)
    number, first, both = wire(bits), wire(2 * size), wire(2 * size)
    factor = joined([number, "0" * len(code), high_weight])
    low, high = wire(size), wire(size)
    return (
        flip_top(low_weight, number),
        multiply_once(clk, joined([code, "0"]), factor, first),
        register(clk, first, both),
        pass_on(both(size, 0), low),
        pass_on(both(2 * size, size), high),
        extend(low, low_product, False),
        extend(high, high_product, True),
    )


@block
def multiply_in_rows(clk, code, weight, product, signed):
    """product = code * weight, modulo its size; weight in two's complement, code too if signed. Two rows in each cycle.

    The weight's digits from -2 to 2 stand for two bits each (Booth 1951; MacSorley 1961), so that a row's LUT makes its bit of
    the multiple, and adds it. At least two cycles.
    """
    blocks: Blocks = []
    rows, width = (len(weight) + 1) // 2, len(code) + (0 if signed else 1)
    factor, digits, found = wire(width), like(weight), wire(width)
    blocks += [extend(code, factor, signed), pass_on(weight, digits)]
    for row in range(rows):
        if row and row % 2 == 0:
            late, late_factor, late_digits = like(found), like(factor), like(digits)
            blocks += [register(clk, found, late), register(clk, factor, late_factor), register(clk, digits, late_digits)]
            found, factor, digits = late, late_factor, late_digits
        settled, rest, more = wire(2), wire(width), wire(2 * (row + 1) + width)
        before = found(2 * row + width, 2 * row) if row else factor
        blocks.append(add_row(factor, digits, before, settled, rest, row))
        blocks.append(pass_on(joined([found(2 * row, 0), settled, rest] if row else [settled, rest]), more))
        found = more
    result = wire(len(product))
    blocks += [extend(found, result, True), register(clk, result, product)]
    return blocks


@block
def add_row(code, weight, before, settled, rest, row):
    """4 rest + settled = before + code * a digit of the weight; all but settled in two's complement. Row 0 has nothing before it.

    A LUT a bit, and the carry chain. What an inverted code lacks is carried in from below.
    """
    width = len(code)
    limit = 1 << (width + 1)
    top, middle, below = min(2 * row + 1, len(weight) - 1), 2 * row, max(2 * row - 1, 0)

    @always_comb
    def accumulate():
        multiple = intbv(0, min=-limit, max=limit)
        kept = intbv(0, min=-limit, max=limit)
        augend = intbv(0)[width + 3 :]
        addend = intbv(0)[width + 3 :]
        total = intbv(0)[width + 4 :]
        if weight[middle] != (row != 0 and weight[below]):
            multiple[:] = code.signed()
        elif weight[top] != weight[middle]:
            multiple[:] = code.signed() * 2
        if weight[top]:
            multiple[:] = ~multiple
        if row != 0:
            kept[:] = before.signed()
        augend[:] = concat(kept[width + 2 :], True)
        addend[:] = concat(multiple[width + 2 :], weight[top])
        total[:] = augend + addend
        settled.next = total[3:1]
        rest.next = total[width + 3 : 3]

    return accumulate
