"""Dot products of operands with weights of several bits: products of each code and weight, and a tree of adders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from myhdl import always, block, intbv

from ..family import Billed, Cost, Family
from ..verilog.fabric import Blocks, add, age, extend, field, joined, pass_on, register
from ..verilog.module import leaf
from ..verilog.stream import wire
from .products import Product, Products, multiply, multiply_in_rows, multiply_pair


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
        if self.products not in self.product.ways(self.lanes):
            raise ValueError(
                f"products={self.products}: none for {self.lanes} lanes of {self.weight_bits} bits and codes of {self.bits}"
            )

    @property
    def module(self) -> str:
        kind, way = "s" if self.signed else "u", "" if self.products == "single" else f"_{self.products}"
        return f"dot_{self.inputs}x{self.bits}{kind}_{self.weight_bits}w_{self.lanes}x{self.count_bits}{way}"

    @property
    def product(self) -> Product:
        """Of a code and a weight."""
        return Product(self.bits, self.signed, self.weight_bits, self.products)

    @property
    def pairs(self) -> int:
        """Pairs of lanes whose products share multipliers."""
        return self.lanes // 2 if self.products == "pairs" else 0

    @property
    def multipliers(self) -> int:
        """How many there are."""
        return self.inputs * (self.lanes - self.pairs) if self.product.uses_dsp else 0

    @property
    def latency(self) -> int:
        """Cycles from operand and weights to the sums."""
        return self.product.latency + (self.inputs - 1).bit_length() + (self.pairs > 0)

    def bill(self, family: Family) -> Cost:
        """Products and their sums; of pairs, what their lower halves have too much."""
        products = self.product.bill(family) * (self.inputs * (self.lanes - self.pairs))
        adders = self.inputs - 1
        total = _sum(family, self.count_bits) * (adders * (self.lanes - self.pairs)) + products
        if self.pairs:
            total += _sum(family, min(self.count_bits, self.product.product_bits + 1)) * (adders * self.pairs)  # lower lanes
            total += _sum(family, self.bits + 2) * adders  # of the codes
            total += _sum(family, self.count_bits) * self.pairs + family.registers(self.count_bits) * (self.lanes - self.pairs)
            total += family.logic(1) * (self.inputs * self.pairs)
        return total


def _sum(family: Family, bits: int) -> Cost:
    """An adder and a register."""
    return family.adder(bits) + family.registers(bits)


@leaf
def dot(clk, data, weights, counts, config):
    """counts: for each lane the sum of codes times weights, modulo 2**count_bits. Latency: config.latency.

    data: `inputs` codes. weights: for each code `lanes` weights, lanes fastest.
    """
    blocks: Blocks = []
    sums = []
    uppers: dict[int, Any] = {}  # by input, products that a multiplier makes beside those of the lane before
    for lane in range(config.lanes + (config.pairs > 0)):  # behind all lanes, pairs need the sum of the codes
        terms = []
        for i in range(config.inputs):
            code = field(data, i, config.bits)
            product = wire(config.count_bits)
            if lane == config.lanes:
                blocks.append(extend(code, product, False))
            elif lane // 2 >= config.pairs:
                weight = field(weights, i * config.lanes + lane, config.weight_bits)
                if config.product.rows:
                    blocks.append(multiply_in_rows(clk, code, weight, product, config.signed))
                else:
                    blocks.append(multiply(clk, code, weight, product, config.signed, config.product.halves))
            elif lane % 2 == 0:
                uppers[i] = wire(config.count_bits)
                lower, upper = (field(weights, i * config.lanes + of, config.weight_bits) for of in (lane, lane + 1))
                blocks.append(multiply_pair(clk, code, lower, upper, product, uppers[i]))
            else:
                product = uppers[i]
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
        right = [wire(config.count_bits) for _ in range(config.lanes)]
        blocks.append(correct(clk, sums[:-1], sums[-1], right, config))
        sums = right
    blocks.append(pass_on(joined(sums), counts))
    return blocks


@block
def correct(clk, sums, codes, right, config):
    """right = the sums a cycle later; of each pair the first without what its products have too much, the same for all pairs.

    codes: the sum of the codes, as much earlier as a product takes.
    """
    late = wire(config.count_bits)
    blocks: Blocks = [age(clk, codes, late, config.product.latency)]
    for lane in range(config.lanes):
        if lane % 2 == 0 and lane // 2 < config.pairs:
            blocks.append(subtract(clk, sums[lane], late, right[lane], config.weight_bits - 1))
        else:
            blocks.append(register(clk, sums[lane], right[lane]))
    return blocks


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
