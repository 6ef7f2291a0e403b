"""Dot products of operands with weights of several bits: a multiplier for each product, and a tree of adders."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import always, block, intbv

from ..family import FAMILY, Billed, Cost, Family
from ..verilog.fabric import Blocks, add, field, joined, pass_on, register
from ..verilog.module import leaf
from ..verilog.stream import wire

SPLIT_FROM = 5
"""Bits from which on a weight is multiplied in two halves where that is done by LUTs, which keeps to four logic levels."""


@dataclass(frozen=True)
class DotConfig(Billed):
    """inputs: codes of an operand, of `bits` bits, in two's complement if signed. weight_bits: of a weight, in two's complement.
    lanes: sums taken of the same operand. count_bits: width of a sum, which is taken modulo 2**count_bits.
    """

    inputs: int
    bits: int
    signed: bool
    weight_bits: int
    lanes: int
    count_bits: int

    def __post_init__(self) -> None:
        for name in ("inputs", "bits", "weight_bits", "lanes", "count_bits"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        if self.weight_bits < 2 or self.bits < 1 + self.signed:
            raise ValueError(f"bits={self.bits}, weight_bits={self.weight_bits}: signed numbers take at least 2 bits")

    @property
    def module(self) -> str:
        kind = "s" if self.signed else "u"
        return f"dot_{self.inputs}x{self.bits}{kind}_{self.weight_bits}w_{self.lanes}x{self.count_bits}"

    @property
    def code_bits(self) -> int:
        """Width of a code in two's complement."""
        return self.bits if self.signed else self.bits + 1

    @property
    def product_bits(self) -> int:
        """Width of a product in two's complement."""
        return self.code_bits + self.weight_bits

    @property
    def uses_dsp(self) -> bool:
        """Are products made by multipliers?"""
        return FAMILY.multiplies(self.code_bits, self.weight_bits)

    @property
    def halves(self) -> bool:
        """Are weights multiplied in two halves?"""
        return not self.uses_dsp and self.weight_bits >= SPLIT_FROM

    @property
    def latency(self) -> int:
        """Cycles from operand and weights to the sums."""
        return 2 + (self.inputs - 1).bit_length()

    def bill(self, family: Family) -> Cost:
        """Products, whose registers a multiplier holds itself, and their sums."""
        product = family.product(self.code_bits, self.weight_bits, self.signed)
        if not family.multiplies(self.code_bits, self.weight_bits):
            product += family.registers(self.product_bits * (2.5 if self.halves else 2))
        sums = family.adder(self.count_bits) + family.registers(self.count_bits)
        return sums * ((self.inputs - 1) * self.lanes) + product * (self.inputs * self.lanes)


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


@leaf
def dot(clk, data, weights, counts, config):
    """counts: for each lane the sum of codes times weights, modulo 2**count_bits. Latency: config.latency.

    data: `inputs` codes. weights: for each code `lanes` weights, lanes fastest.
    """
    blocks: Blocks = []
    sums = []
    for lane in range(config.lanes):
        terms = []
        for i in range(config.inputs):
            code = field(data, i, config.bits)
            weight = field(weights, i * config.lanes + lane, config.weight_bits)
            product = wire(config.count_bits)
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
    blocks.append(pass_on(joined(sums), counts))
    return blocks
