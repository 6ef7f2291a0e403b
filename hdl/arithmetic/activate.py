"""From sums to codes: shift, saturation, and a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from myhdl import Signal, always_comb, block

from sigmabit.golden.arithmetic.activate import Activation

from ..family import Billed, Cost, Family
from ..verilog.fabric import Blocks, joined, like, pass_on, register, register_reset
from ..verilog.module import composite, leaf
from ..verilog.stream import Flow, wire
from .delay import DelayConfig, delay
from .tabulate import TabulateConfig, tabulate

FUNCTION_INPUTS = 6
"""Inputs of a function that is one logic level."""


@dataclass(frozen=True)
class LimitConfig(Billed):
    """lanes: sums side by side, of sum_bits bits; shift: low bits that are left out; bits, signed: what is left is limited to."""

    lanes: int
    sum_bits: int
    shift: int
    bits: int
    signed: bool

    @property
    def module(self) -> str:
        return f"limit_{self.lanes}x{self.sum_bits}_{self.shift}s{self.bits}{'s' if self.signed else 'u'}"

    def bill(self, family: Family) -> Cost:
        """The comparison of the high bits, and a function a bit."""
        return (family.logic(self.bits + 3) + family.registers(self.bits)) * self.lanes

    @property
    def latency(self) -> int:
        """Cycles from sums to numbers."""
        return 1

    @property
    def levels(self) -> int:
        """Logic levels before its registers: a bit and those above what is kept, with their sign, are one function, or some."""
        above = self.sum_bits - self.shift - (self.bits - 1 if self.signed else self.bits)
        return 1 if above < FUNCTION_INPUTS else 2


@block
def saturate(total, limited, signed):
    """limited = total, in two's complement, limited to what its own size can hold: also in two's complement if signed."""
    size, bits = len(total), len(limited)
    sign = size - 1
    lowest, highest = (1 << (bits - 1), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    kept = bits - 1 if signed else bits  # bits below those that must equal the sign
    if kept >= sign:
        if signed:
            return extend(total, limited)
        return clear_negative(total, limited)
    ones = (1 << (size - kept)) - 1

    if signed:

        @always_comb
        def limit_signed():
            if total[size:kept] == 0 or total[size:kept] == ones:
                limited.next = total[bits:]
            elif total[sign]:
                limited.next = lowest
            else:
                limited.next = highest

        return limit_signed

    @always_comb
    def limit_unsigned():
        if total[sign]:
            limited.next = lowest
        elif total[size:kept] != 0:
            limited.next = highest
        else:
            limited.next = total[bits:]

    return limit_unsigned


@block
def extend(total, limited):
    """limited = total, in two's complement, as wide or wider."""
    size, bits = len(total), len(limited)
    parts: list[Signal | str] = [total, *[total(size - 1) for _ in range(bits - size)]]
    return pass_on(joined(parts), limited)


@block
def clear_negative(total, limited):
    """limited = total, in two's complement, where that is not negative, else 0; limited has room for it."""
    sign = len(total) - 1

    @always_comb
    def clear():
        if total[sign]:
            limited.next = 0
        else:
            limited.next = total[sign:]

    return clear


@leaf
def limit(clk, rst, sink, source, config):
    """source = each sum of sink, shifted right and saturated. Latency: config.latency."""
    blocks: Blocks = []
    numbers = []
    sums = like(sink.data)  # conversion gets slices of an interface's signal wrong, hence a copy
    blocks.append(pass_on(sink.data, sums))
    kept = config.sum_bits - config.shift
    for lane in range(config.lanes):
        end, high, limited = (lane + 1) * config.sum_bits, wire(max(2, kept)), wire(config.bits)
        if kept >= 2:
            blocks.append(pass_on(sums if len(sums) == kept else sums(end, end - kept), high))
        else:
            blocks.append(pass_on(joined([sums(end - 1), sums(end - 1)]), high))  # nothing but the sign is left
        blocks.append(saturate(high, limited, config.signed))
        numbers.append(limited)
    blocks.append(register(clk, joined(numbers), source.data))
    blocks.append(register_reset(clk, rst, sink.valid, source.valid))
    return blocks


@dataclass(frozen=True)
class ActivateConfig(Billed):
    """name: the layer's. limit: shift and saturation. table: what the numbers are looked up in, or None."""

    name: str
    limit: LimitConfig
    table: TabulateConfig | None

    @property
    def module(self) -> str:
        return f"{self.name}_activate"

    @property
    def block(self) -> Any:
        """The block: clk, rst, sink, source, config."""
        return activate

    @property
    def lanes(self) -> int:
        """Codes side by side."""
        return self.limit.lanes

    @property
    def result_bits(self) -> int:
        """Width of a code."""
        return self.limit.bits if self.table is None else self.table.width

    def bill(self, family: Family) -> Cost:
        """That of its parts."""
        return self.limit.bill(family) + (self.table.bill(family) if self.table else Cost())

    @property
    def latency(self) -> int:
        """Cycles from sums to codes."""
        return self.limit.latency + (self.table.latency if self.table else 0)


def configure(name: str, activation: Activation, lanes: int, sum_bits: int) -> ActivateConfig:
    """The blocks of a layer's activation. name: the layer's. lanes: sums at a time, of `sum_bits` bits."""
    limited = LimitConfig(lanes, sum_bits, activation.shift, activation.bits, activation.signed)
    if activation.table is None:
        return ActivateConfig(name, limited, None)
    # the table's first entry is that of the smallest number; an address is a number's bits
    by_bits = [int(code) for code in activation.table]
    if activation.signed:
        half = len(by_bits) // 2
        by_bits = by_bits[half:] + by_bits[:half]
    words = tuple(code % (1 << activation.table_bits) for code in by_bits)
    return ActivateConfig(name, limited, TabulateConfig(name, lanes, activation.table_bits, words))


@composite
def activate(clk, rst, sink, source, config):
    """source = the codes of sink's sums: shifted, saturated, and looked up. Latency: config.latency."""
    if config.table is None:
        return limit(clk, rst, sink, source, config.limit)
    numbers, found = Flow(config.lanes * config.limit.bits), config.table
    return (
        limit(clk, rst, sink, numbers, config.limit),
        tabulate(clk, numbers.data, source.data, found),
        delay(clk, rst, numbers.valid, source.valid, DelayConfig(1, found.latency, reset=True)),
    )
