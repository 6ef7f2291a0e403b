"""Products of codes and weights: by a multiplier each, one for those of two lanes, or LUTs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from myhdl import always, always_comb, block, concat, intbv

from ..family import Billed, Cost, Family
from ..family.rules import multiplies, multiplies_pairs
from ..verilog.fabric import Blocks, add, extend, joined, like, pass_on, register
from ..verilog.stream import bit, wire

SPLIT_FROM = 5
"""Bits from which on a weight is multiplied in two halves where that is done by LUTs, which keeps to four logic levels."""

MOST_LOGIC = 12
"""Bits of a weight up to which products that a multiplier could make may be made of LUTs, which takes three cycles."""

CARRY_BITS = 3
"""Bits of two numbers of which one LUT finds the carry."""

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


@dataclass(frozen=True)
class ProductAndAddend(Billed):
    """A code of so many bits, without a sign, times a weight, plus an addend and a constant, without the lowest bits of the sum.

    By two chains of rows side by side, of the lower and of the upper half of the weight's digits. Weight and addend are in two's
    complement, the addend in units of the upper half's first digit; the constant is not negative. cut: the bits left out.
    """

    bits: int
    weight_bits: int
    addend_bits: int
    constant: int
    cut: int

    def __post_init__(self) -> None:
        if self.weight_bits % 4:
            raise ValueError(f"weight_bits={self.weight_bits} are not two halves of digits of two bits")
        if self.cut <= self.low_bits:
            raise ValueError(
                f"cut={self.cut}: the chains add up from bit {self.low_bits} on, of which more than that is left out"
            )

    @property
    def rows(self) -> int:
        """Of a chain."""
        return self.weight_bits // 4

    @property
    def low_bits(self) -> int:
        """Of the weight, in the lower chain; what that settles of the sum, below the addend."""
        return 2 * self.rows

    @property
    def latency(self) -> int:
        """Cycles from code, weight and addend to what both chains come to, which is added up in the same cycle."""
        return -(-self.rows // 2)

    @property
    def carry_bits(self) -> int:
        """Bits of both chains of which a LUT finds what is carried out of them: they are left out of the sum."""
        return min(self.cut - self.low_bits, CARRY_BITS)

    @property
    def low_sizes(self) -> tuple[int, ...]:
        """Bits that each row of the lower chain hands on beside the two that it settles."""
        return tuple(self._width(2 * row + 2, 0, self.constant, self.constant) - 2 * row - 2 for row in range(self.rows))

    @property
    def high_sizes(self) -> tuple[int, ...]:
        """The same of the upper chain. What the digits below carry into it makes the largest weight one more."""
        half = 1 << (self.addend_bits - 1)
        return tuple(self._width(2 * row + 2, 1, -half, half - 1) - 2 * row - 2 for row in range(self.rows))

    @property
    def sum_bits(self) -> int:
        """Width of the sum with the bits that are left out."""
        half = 1 << (self.addend_bits - 1 + self.low_bits)
        return self._width(self.weight_bits, 0, self.constant - half, self.constant + half - 1)

    @property
    def total_bits(self) -> int:
        """Width of the sum without them."""
        return self.sum_bits - self.cut

    def _width(self, weight_bits: int, carried: int, least: int, most: int) -> int:
        """Of the code times weights of so many bits, or of one more if carried, and of what is added to that."""
        largest, half = (1 << self.bits) - 1, 1 << (weight_bits - 1)
        below, above = half * largest - least, (half - 1 + carried) * largest + most
        return max((below - 1).bit_length(), above.bit_length()) + 1

    def bill(self, family: Family) -> Cost:
        """The rows, the sum of both chains, and the registers."""
        cost = family.adder(self.sum_bits - self.low_bits - self.carry_bits) + family.logic(1)
        for sizes in self.low_sizes, self.high_sizes:
            for row, size in enumerate(sizes):
                cost += family.row(self.bits, size + 3, row == 0 and sizes is self.low_sizes)
        early = (self.latency - 1) * (self.bits + self.weight_bits + 2 * (self.bits + 4))
        return cost + family.registers(early + 2 * (self.sum_bits - self.low_bits) - self.low_bits)


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
    rows, width = (len(weight) + 1) // 2, len(code) + (0 if signed else 1)
    factor = wire(width)
    return extend(code, factor, signed), add_rows(clk, factor, weight, None, product, (width,) * rows)


@block
def multiply_and_add_in_rows(clk, code, weight, addend, total, config):
    """total = (code * weight + addend * 2**config.low_bits + config.constant) >> config.cut, config.latency cycles later.

    All in two's complement but code, which has no sign.
    """
    first, size = config.low_bits, config.sum_bits - config.low_bits
    factor, low, high, carried = wire(len(code) + 1), wire(first + config.low_sizes[-1]), wire(size), wire(size)
    return (
        extend(code, factor, False),
        add_rows(clk, factor, weight(first, 0), None, low, config.low_sizes, 0, config.constant),
        add_rows(clk, factor, weight, addend, high, config.high_sizes, config.rows),
        extend(low(len(low), first), carried, True),
        add_above(carried, high, total, config.carry_bits),
    )


@block
def add_above(a, b, total, low):
    """total = the high bits of a + b, none of the lowest `low` ones among them, of which a LUT finds the carry."""
    size = len(a)
    carry, found = bit(), wire(size - low + 1)
    return (
        carry_of(a, b, carry, low),
        add(joined([carry, a(size, low)]), joined([carry, b(size, low)]), found),
        pass_on(found(len(found), len(found) - len(total)), total),
    )


@block
def carry_of(a, b, carry, low):
    """What is carried out of the lowest `low` bits of a + b, written out so that it takes no carry chain."""

    @always_comb
    def find():
        carried = False
        for place in range(low):
            carried = (a[place] and b[place]) or ((a[place] or b[place]) and carried)
        carry.next = carried

    return find


@block
def add_rows(clk, code, weight, addend, total, sizes, first=0, constant=0):
    """total = addend + code * digits of the weight, modulo its size, in units of the first of them; all in two's complement.

    sizes: bits that each digit's row hands on. Two rows in each cycle. addend: None before the weight's own first digit, to
    which the constant is added.
    """
    blocks: Blocks = []
    factor, digits, found = code, like(weight), code if addend is None else addend
    blocks.append(pass_on(weight, digits))
    for row, size in enumerate(sizes):
        if row and row % 2 == 0:
            late, late_factor, late_digits = like(found), like(factor), like(digits)
            blocks += [register(clk, found, late), register(clk, factor, late_factor), register(clk, digits, late_digits)]
            found, factor, digits = late, late_factor, late_digits
        settled, rest, more = wire(2), wire(size), wire(2 * (row + 1) + size)
        before = found(len(found), 2 * row) if row else found
        blocks.append(add_row(factor, digits, before, settled, rest, first + row, 0 if row else constant))
        blocks.append(pass_on(joined([found(2 * row, 0), settled, rest] if row else [settled, rest]), more))
        found = more
    result = like(total)
    blocks += [extend(found, result, True), register(clk, result, total)]
    return blocks


@block
def add_row(code, weight, before, settled, rest, row, constant):
    """4 rest + settled = before + code * a digit of the weight; all but settled in two's complement. Before row 0: the constant.

    A LUT a bit, and the carry chain. The multiple's opposite is subtracted: of two that are added synthesis may swap either,
    and then takes a LUT for the multiple and one for the sum. What an inverted code lacks is borrowed from below.
    """
    width = len(rest)
    limit = 1 << (width + 1)
    top, middle, below = min(2 * row + 1, len(weight) - 1), 2 * row, max(2 * row - 1, 0)

    @always_comb
    def accumulate():
        multiple = intbv(0, min=-limit, max=limit)
        kept = intbv(constant, min=-limit, max=limit)
        minuend = intbv(0)[width + 3 :]
        subtrahend = intbv(0)[width + 3 :]
        total = intbv(0, min=-8 * limit, max=8 * limit)
        if weight[middle] != (row != 0 and weight[below]):
            multiple[:] = code.signed()
        elif weight[top] != weight[middle]:
            multiple[:] = code.signed() * 2
        if not weight[top]:
            multiple[:] = ~multiple
        if row != 0:
            kept[:] = before.signed()
        minuend[:] = concat(kept[width + 2 :], False)
        subtrahend[:] = concat(multiple[width + 2 :], not weight[top])
        total[:] = minuend - subtrahend
        settled.next = total[3:1]
        rest.next = total[width + 3 : 3]

    return accumulate
