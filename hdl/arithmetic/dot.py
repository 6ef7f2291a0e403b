"""Dot products of operands with weights of several bits: a multiplier for each product, and a tree of adders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from myhdl import always, always_comb, block, intbv

from ..family import FAMILY, Billed, Cost, Family
from ..verilog.fabric import Blocks, add, age, field, joined, like, pass_on, register
from ..verilog.module import leaf
from ..verilog.stream import wire

SPLIT_FROM = 5
"""Bits from which on a weight is multiplied in two halves where that is done by LUTs, which keeps to four logic levels."""


MOST_LOGIC = 12
"""Bits of a weight up to which products that a multiplier could make may be made of LUTs, which takes three cycles."""


Products = Literal["single", "pairs", "logic"]
"""What products of codes and weights are made by: a multiplier each, where both have bits enough for one; one for those of two
lanes, which share the code; or LUTs. No Enum, for whose members MyHDL looks without end."""


@dataclass(frozen=True)
class DotConfig(Billed):
    """inputs: codes of an operand, of `bits` bits, in two's complement if signed. weight_bits: of a weight, in two's complement.
    lanes: sums taken of the same operand. count_bits: width of a sum, which is taken modulo 2**count_bits. products: what
    they are made by.
    """

    inputs: int
    bits: int
    signed: bool
    weight_bits: int
    lanes: int
    count_bits: int
    products: Products = "single"

    def __post_init__(self) -> None:
        for name in ("inputs", "bits", "weight_bits", "lanes", "count_bits"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        if self.weight_bits < 2 or self.bits < 1 + self.signed:
            raise ValueError(f"bits={self.bits}, weight_bits={self.weight_bits}: signed numbers take at least 2 bits")
        if self.products not in self.ways:
            raise ValueError(
                f"products={self.products}: none for {self.lanes} lanes of {self.weight_bits} bits and codes of {self.bits}"
            )

    @property
    def module(self) -> str:
        kind = "s" if self.signed else "u"
        return f"dot_{self.inputs}x{self.bits}{kind}_{self.weight_bits}w_{self.lanes}x{self.count_bits}{self._suffix}"

    @property
    def _suffix(self) -> str:
        return "" if self.products == "single" else f"_{self.products}"

    @property
    def code_bits(self) -> int:
        """Width of a code in two's complement."""
        return self.bits if self.signed else self.bits + 1

    @property
    def product_bits(self) -> int:
        """Width of a product in two's complement."""
        return self.code_bits + self.weight_bits

    @property
    def ways(self) -> tuple[Products, ...]:
        """What its products can be made by."""
        if not FAMILY.multiplies(self.code_bits, self.weight_bits):
            return ("single",)
        pairs = not self.signed and self.lanes > 1 and FAMILY.multiplies_pairs(self.bits, self.weight_bits)
        logic = self.weight_bits <= MOST_LOGIC
        ways: tuple[tuple[Products, bool], ...] = ("single", True), ("pairs", pairs), ("logic", logic)
        return tuple(way for way, possible in ways if possible)

    @property
    def pairs(self) -> int:
        """Pairs of lanes whose products share multipliers."""
        return self.lanes // 2 if self.products == "pairs" else 0

    @property
    def uses_dsp(self) -> bool:
        """Are products made by multipliers?"""
        return self.products != "logic" and FAMILY.multiplies(self.code_bits, self.weight_bits)

    @property
    def multipliers(self) -> int:
        """How many there are of them."""
        return self.inputs * (self.lanes - self.pairs) if self.uses_dsp else 0

    @property
    def halves(self) -> bool:
        """Are weights multiplied in two halves?"""
        return not self.uses_dsp and self.rows == 0 and self.weight_bits >= SPLIT_FROM

    @property
    def rows(self) -> int:
        """Multiples of a code that a product is the sum of, for two bits of the weight each; 0 where it is made otherwise."""
        return (self.weight_bits + 1) // 2 if self.products == "logic" else 0

    @property
    def product_latency(self) -> int:
        """Cycles from a code and a weight to their product."""
        return max(2, -(-self.rows // 2))

    @property
    def latency(self) -> int:
        """Cycles from operand and weights to the sums."""
        return self.product_latency + (self.inputs - 1).bit_length() + (self.pairs > 0)

    @property
    def total_bits(self) -> int:
        """Width of the sum of all codes."""
        return self.bits + (self.inputs - 1).bit_length()

    def bill(self, family: Family) -> Cost:
        """Products, whose registers a multiplier holds itself, and their sums; of pairs, what their low halves have too much."""
        if self.rows:
            held = sum(self.code_bits + 4 * (cycle + 1) for cycle in range(self.product_latency))
            product = family.adder(self.code_bits + 3) * self.rows + family.registers(held + self.weight_bits)
        else:
            product = family.product(self.code_bits, self.weight_bits, self.signed)
            if not family.multiplies(self.code_bits, self.weight_bits):
                product += family.registers(self.product_bits * (2.5 if self.halves else 2))
        sums = family.adder(self.count_bits) + family.registers(self.count_bits)
        adders = self.inputs - 1
        total = sums * (adders * (self.lanes - self.pairs)) + product * (self.inputs * (self.lanes - self.pairs))
        if self.pairs:
            low, code = min(self.count_bits, self.bits + self.weight_bits + 2), self.bits + 2
            total += (family.adder(low) + family.registers(low)) * (adders * self.pairs)
            total += (family.adder(code) + family.registers(code)) * adders
            total += sums * self.pairs + family.registers(self.count_bits) * (self.lanes - self.pairs)
            total += family.logic(1) * (self.inputs * self.pairs)
        return total


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
def extend(source, target, signed):
    """target = source, modulo its size where that is narrower; in two's complement if signed."""
    more = len(target) - len(source)
    if more <= 0:
        return pass_on(source, target)
    held = wire(len(source))
    top = held(len(source) - 1)
    return pass_on(source, held), pass_on(joined([held, *[top if signed else "0"] * more]), target)


@block
def subtract(clk, minuend, subtrahend, difference, shift):
    """difference = minuend - subtrahend * 2**shift a cycle later, modulo its size."""
    size = len(difference)
    limit = 1 << (max(size, len(subtrahend) + shift) + 1)
    weight = 1 << shift

    @always(clk.posedge)
    def calculate():
        taken = intbv(0, min=-limit, max=limit)
        result = intbv(0, min=-limit, max=limit)
        taken[:] = subtrahend * weight
        result[:] = minuend - taken
        difference.next = result[size:]

    return calculate


@block
def add_row(code, digit, before, after):
    """after = before + code * (digit[0] + digit[1] - 2 digit[2]), all in two's complement: a LUT a bit, and the carry chain.

    An inverted code lacks 1, which comes from below. before: None for 0.
    """
    size, width = len(after), len(code)
    inverted = (1 << (width + 1)) - 1
    once, twice, chosen = wire(width + 1), wire(width + 1), wire(width + 1)
    multiple, total = wire(size), wire(size + 1)

    @always_comb
    def choose():
        found = intbv(0)[width + 1 :]
        if digit[1] != digit[0]:
            found[:] = once
        elif digit[2] != digit[1]:
            found[:] = twice
        if digit[2]:
            chosen.next = found ^ inverted
        else:
            chosen.next = found

    lacking = joined([digit(2), multiple])
    return (
        extend(code, once, True),
        pass_on(joined(["0", code]), twice),
        choose,
        extend(chosen, multiple, True),
        add_one(lacking, total) if before is None else add(joined(["1", before]), lacking, total),
        pass_on(total(size + 1, 1), after),
    )


@block
def add_one(number, total):
    """total = number + 1, modulo its size."""
    size = len(total)

    @always_comb
    def count_on():
        result = intbv(0)[size + 1 :]
        result[:] = number + 1
        total.next = result[size:]

    return count_on


@block
def multiply_in_rows(clk, code, weight, product, signed):
    """product = code * weight, modulo its size; weight in two's complement, code too if signed. Two rows in each cycle.

    The weight's digits from -2 to 2 stand for two bits each (Booth 1951; MacSorley 1961), so that a row's LUT makes its bit of
    the multiple, and adds it. At least two cycles.
    """
    blocks: Blocks = []
    rows, width = (len(weight) + 1) // 2, len(code) + (0 if signed else 1)
    factor, digits = wire(width), wire(2 * rows + 1)
    whole = wire(2 * rows)
    blocks += [extend(code, factor, signed), extend(weight, whole, True), pass_on(joined(["0", whole]), digits)]
    found = None
    for row in range(rows):
        if row and row % 2 == 0:
            late, late_factor, late_digits = like(found), like(factor), like(digits)
            blocks += [register(clk, found, late), register(clk, factor, late_factor), register(clk, digits, late_digits)]
            found, factor, digits = late, late_factor, late_digits
        before = wire(width + 2) if row else None
        after, digit, more = wire(width + 2), wire(3), wire(2 * row + width + 2)
        blocks.append(pass_on(digits(2 * row + 3, 2 * row), digit))
        if row:
            above = wire(width)
            blocks += [pass_on(found(len(found), 2 * row), above), extend(above, before, True)]
        blocks.append(add_row(factor, digit, before, after))
        blocks.append(pass_on(after if row == 0 else joined([found(2 * row, 0), after]), more))
        found = more
    result = wire(len(product))
    blocks += [extend(found, result, True), register(clk, result, product)]
    return blocks


@leaf
def dot(clk, data, weights, counts, config):
    """counts: for each lane the sum of codes times weights, modulo 2**count_bits. Latency: config.latency.

    data: `inputs` codes. weights: for each code `lanes` weights, lanes fastest.
    """
    blocks: Blocks = []
    sums = []
    second: list[Any] = []  # products of the second lane of a pair
    for lane in range(config.lanes):
        # the second of a pair has its products already
        terms, second, paired = second, [], lane // 2 < config.pairs
        for i in range(0 if terms else config.inputs):
            code = field(data, i, config.bits)
            weight = field(weights, i * config.lanes + lane, config.weight_bits)
            product = wire(config.count_bits)
            if paired:
                beside = field(weights, i * config.lanes + lane + 1, config.weight_bits)
                second.append(wire(config.count_bits))
                blocks.append(multiply_pair(clk, code, weight, beside, product, second[i]))
            elif config.rows:
                blocks.append(multiply_in_rows(clk, code, weight, product, config.signed))
            else:
                blocks.append(multiply(clk, code, weight, product, config.signed, config.halves))
            terms.append(product)
        while len(terms) > 1:
            registered = []
            for first in range(0, len(terms), 2):
                total, held = terms[first], wire(config.count_bits)
                if first + 1 < len(terms):
                    total = wire(config.count_bits)
                    blocks.append(add(terms[first], terms[first + 1], total))
                blocks.append(register(clk, total, held))
                registered.append(held)
            terms = registered
        sums.append(terms[0])
    if config.pairs:
        right = [wire(config.count_bits) for _ in sums]
        blocks.append(correct(clk, data, sums, right, config))
        sums = right
    blocks.append(pass_on(joined(sums), counts))
    return blocks


@block
def correct(clk, data, sums, right, config):
    """right = the sums a cycle later; of each pair the first without what its products have too much, the same for all pairs."""
    blocks: Blocks = []
    terms = []
    for i in range(config.inputs):
        terms.append(wire(config.total_bits))
        blocks.append(extend(field(data, i, config.bits), terms[i], False))
    while len(terms) > 1:
        registered = []
        for first in range(0, len(terms), 2):
            total, held = terms[first], wire(config.total_bits)
            if first + 1 < len(terms):
                total = wire(config.total_bits)
                blocks.append(add(terms[first], terms[first + 1], total))
            blocks.append(register(clk, total, held))
            registered.append(held)
        terms = registered
    late = wire(config.total_bits)
    blocks.append(age(clk, terms[0], late, 2))  # as long as a product takes
    for lane in range(config.lanes):
        if lane % 2 == 0 and lane // 2 < config.pairs:
            blocks.append(subtract(clk, sums[lane], late, right[lane], config.weight_bits - 1))
        else:
            blocks.append(register(clk, sums[lane], right[lane]))
    return blocks
