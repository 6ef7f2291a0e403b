"""exp() of fixed-point codes: two short tables and a product, or one table for narrow codes."""

from __future__ import annotations

from dataclasses import dataclass

from myhdl import Signal, always, always_comb, block, intbv

from sigmabit.golden.sampling.exponential import FACTOR_BITS, VALUE_BITS, Exponential

from ..family import Billed, Cost, Family
from ..verilog.fabric import Blocks, joined, lookup, pass_on, register
from ..verilog.module import leaf
from ..verilog.stream import wire

PRODUCT_LATENCY = 2
"""Cycles of a multiplier from its input registers to its result: one for the product, one for the sum."""


@dataclass(frozen=True)
class ExponentialConfig(Billed):
    """What golden/sampling/exponential.py computes: format, of codes and values."""

    format: Exponential

    @property
    def module(self) -> str:
        form = self.format
        kind = ("log_sigma" if form.log_sigma else "logvar") + ("_squared" if form.squared else "")
        return f"exponential_{form.bits}_{form.fraction}_{kind}"

    def bill(self, family: Family) -> Cost:
        """Clamping, and tables; a product of two, unless they are one."""
        form = self.format
        common = family.logic(form.clamp_bits if form.clamp_bits < form.bits else 0) + family.registers(VALUE_BITS)
        if form.direct:
            return common + family.table(form.clamp_bits) * VALUE_BITS
        high = family.table(form.clamp_bits - form.low_bits) * VALUE_BITS
        low = family.table(form.low_bits) * FACTOR_BITS
        return common + high + low + family.product(VALUE_BITS, FACTOR_BITS)

    @property
    def latency(self) -> int:
        """Cycles from a code to its value."""
        return 1 if self.format.direct else 1 + PRODUCT_LATENCY


@block
def saturate(value, result):
    """result = value, both in two's complement: the nearest that it can hold."""
    bits, size = len(value), len(result)
    highest = (1 << (size - 1)) - 1
    lowest = highest + 1
    limit = 1 << (size - 1)

    if size >= bits:

        @always_comb
        def extend():
            same = intbv(0, min=-limit, max=limit)
            same[:] = value.signed()
            result.next = same[size:]

        return extend

    ones = (1 << (bits - size + 1)) - 1
    whole = wire(bits)  # Verilog has no slices of a slice, which the value may be

    @always_comb
    def clip():
        if whole[bits : size - 1] == 0 or whole[bits : size - 1] == ones:
            result.next = whole[size:]
        elif whole[bits - 1]:
            result.next = lowest
        else:
            result.next = highest

    return pass_on(value, whole), clip


@block
def multiply_add(clk, a, b, c, total, signed):
    """total = a * b + c, two cycles after a and b and one after c. a is unsigned, b too unless signed; else two's complement.

    Written for a DSP48: a register for the product and one for the sum.
    """
    size = len(total)
    a_limit, b_limit, c_limit = 1 << len(a), 1 << (len(b) - signed), 1 << (len(c) - 1)
    limit = 1 << size  # a bit more than total, as an unsigned product is extended by one
    product = Signal(intbv(0, min=-a_limit * b_limit if signed else 0, max=a_limit * b_limit))

    @always(clk.posedge)
    def add():
        addend = intbv(0, min=-c_limit, max=c_limit)
        result = intbv(0, min=-limit, max=limit)
        addend[:] = c.signed()
        result[:] = product + addend
        total.next = result[size:]

    if signed:

        @always(clk.posedge)
        def multiply_signed():
            x = intbv(0, min=-a_limit, max=a_limit)
            y = intbv(0, min=-b_limit, max=b_limit)
            x[:] = a
            y[:] = b.signed()
            product.next = x * y

        return multiply_signed, add

    @always(clk.posedge)
    def multiply_unsigned():
        product.next = a * b

    return multiply_unsigned, add


@leaf
def exponential(clk, code, value, config):
    """value = exp() of code, config.latency cycles later."""
    form = config.format
    blocks: Blocks = []
    clamped = wire(form.clamp_bits)
    blocks.append(saturate(code, clamped))
    if form.direct:
        found = wire(VALUE_BITS)
        blocks.append(lookup(clamped, found, form.values))
        blocks.append(register(clk, found, value))
        return blocks

    # exp(high) + exp(high) * (exp(low) - 1), and half a unit
    high, high_q1, high_q2 = wire(VALUE_BITS), wire(VALUE_BITS), wire(VALUE_BITS)
    low, low_q1 = wire(FACTOR_BITS), wire(FACTOR_BITS)
    blocks.append(lookup(clamped(form.clamp_bits, form.low_bits), high, form.high))
    blocks.append(lookup(clamped(form.low_bits, 0), low, form.low))
    blocks.append(register(clk, high, high_q1))
    blocks.append(register(clk, low, low_q1))
    blocks.append(register(clk, high_q1, high_q2))
    addend = joined(["1" + "0" * (form.low_fraction - 1), high_q2, "0"])
    total = wire(VALUE_BITS + form.low_fraction + 1)
    blocks.append(multiply_add(clk, high_q1, low_q1, addend, total, signed=False))
    blocks.append(pass_on(total(VALUE_BITS + form.low_fraction, form.low_fraction), value))
    return blocks
