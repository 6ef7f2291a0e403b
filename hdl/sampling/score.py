"""Anomaly scores of a posterior: squares, variances, and trees of adders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from myhdl import Signal, always, always_comb, block, concat, intbv

from sigmabit.golden.sampling.exponential import VALUE_BITS, Exponential
from sigmabit.golden.sampling.exponential import exponential as values_of
from sigmabit.golden.sampling.score import KL_FRACTION, kl_bits, kl_shifts, linear, linear_shift, mu_squared_bits

from ..family import Billed, Cost, Family
from ..verilog.fabric import Blocks, add, age, field, joined, like, lookup, low, pass_on, register
from ..verilog.module import leaf
from ..verilog.stream import wire
from .exponential import PRODUCT_LATENCY, ExponentialConfig, exponential, saturate

WAYS = 4
"""Numbers that are added between two registers: two full adders and a carry chain, four logic levels."""

SQUARE_TABLE_BITS = 8
"""Codes of up to so many bits are squared by a table of their magnitudes: no multiplier is spent on products as narrow."""


@dataclass(frozen=True)
class ScoreConfig(Billed):
    """latents: how many; bits, fraction, log_sigma: of a code, as in golden/sampling/exponential.py."""

    latents: int
    bits: int
    fraction: int
    log_sigma: bool

    def __post_init__(self) -> None:
        if self.latents < 1:
            raise ValueError(f"latents={self.latents} is below 1")
        _ = self.variance

    @cached_property
    def variance(self) -> Exponential:
        """What the variances are."""
        return Exponential(self.bits, self.fraction, self.log_sigma, squared=True)

    @property
    def module(self) -> str:
        return f"score_{self.latents}x{self.bits}_{self.fraction}_{'log_sigma' if self.log_sigma else 'logvar'}"

    @property
    def mu_squared_fraction(self) -> int:
        """Fraction bits of the sum of squares."""
        return 2 * self.fraction

    @property
    def mu_squared_bits(self) -> int:
        """Width of the sum of squares in two's complement."""
        return mu_squared_bits(self.latents, self.variance)

    @property
    def kl_fraction(self) -> int:
        """Fraction bits of the divergence."""
        return KL_FRACTION

    @cached_property
    def clamped(self) -> Exponential:
        """The same of codes that have been clamped."""
        return replace(self.variance, bits=self.variance.clamp_bits)

    @cached_property
    def excess(self) -> tuple[int, ...]:
        """exp(v) - 1 - v of all clamped codes, in the order of their bits."""
        half = 1 << (self.variance.clamp_bits - 1)
        codes = np.roll(np.arange(-half, half), half)
        excess: list[int] = (values_of(codes, self.variance) - linear(codes, self.variance)).tolist()
        return tuple(excess)

    @property
    def rounding(self) -> int:
        """Half a unit of the divergence, in units of the variance."""
        return 1 << (self.variance.value_fraction - KL_FRACTION)

    def table(self, latent: int) -> tuple[int, ...]:
        """A latent's excess in two's complement of VALUE_BITS + 1; the first one's has the rounding in it."""
        more = 0 if latent else self.rounding
        return tuple((entry + more) & ((2 << VALUE_BITS) - 1) for entry in self.excess)

    @cached_property
    def kl_bits(self) -> int:
        """Width of the divergence in two's complement."""
        return kl_bits(self.latents, self.variance)

    @property
    def square_latency(self) -> int:
        """Cycles from a code to its square."""
        return 2 if self.bits <= SQUARE_TABLE_BITS else 1 + PRODUCT_LATENCY

    @property
    def excess_latency(self) -> int:
        """Cycles from a code to its variance, and to what all codes add to the variances."""
        if self.variance.direct:
            return 1
        return max(1 + PRODUCT_LATENCY, stages_of(self.latents) + 1)

    @property
    def term_latency(self) -> int:
        """Cycles to what is summed up."""
        return max(self.square_latency, self.excess_latency)

    @property
    def stages(self) -> int:
        """Cycles in which the terms of each kind are summed up."""
        return stages_of(self.latents + (not self.variance.direct))

    @property
    def latency(self) -> int:
        """Cycles from the codes to the scores."""
        return self.term_latency + self.stages + 1

    def bill(self, family: Family) -> Cost:
        """Tables, products, and an adder for each addition."""
        form = self.variance
        if self.bits > SQUARE_TABLE_BITS:
            latent = family.product(self.bits, self.bits)
        else:
            latent = family.logic(5 * self.bits) + family.registers(2 * self.bits)
        if form.direct:
            latent += family.table(form.clamp_bits, shared=True) * VALUE_BITS + family.registers(VALUE_BITS)
        else:
            latent += ExponentialConfig(form).bill(family) + family.adder(form.clamp_bits) * 2 + family.registers(form.clamp_bits)
        added = 2 * self.bits + VALUE_BITS
        latent += family.adder(added) + family.logic(8) + family.registers(added / 2)
        return latent * self.latents


def stages_of(terms: int) -> int:
    """Cycles in which so many terms are summed up; at least one."""
    stages = 1
    while terms > WAYS:
        stages, terms = stages + 1, -(-terms // WAYS)
    return stages


def in_groups(terms: list[Signal]) -> list[list[Signal]]:
    """The terms, WAYS at a time."""
    return [terms[first : first + WAYS] for first in range(0, len(terms), WAYS)]


def sum_bits(terms: list[Signal]) -> int:
    """Width that holds a sum of terms in two's complement."""
    return max(len(term) for term in terms) + (len(terms) - 1).bit_length()


def shifted(signal: Signal, places: int) -> Signal:
    """A vector with zeros below it."""
    return joined(["0" * places, signal]) if places else signal


@block
def compress(a, b, c, single, double):
    """single + double = a + b + c, modulo their size: a full adder for each bit."""
    size = len(single)

    @always_comb
    def count_bits():
        majority = intbv(0)[size:]
        majority[:] = (a & b) | (a & c) | (b & c)
        single.next = a ^ b ^ c
        double.next = concat(majority[size - 1 :], "0")

    return count_bits


@block
def add_group(clk, group, total):
    """total = the sum of up to four terms, a cycle later; in two's complement, and wide enough.

    Two at most are left to a carry chain, whose own LUTs are a level as well.
    """
    blocks: Blocks = []
    terms = [like(total) for _ in group]
    for narrow, wide in zip(group, terms, strict=True):
        blocks.append(saturate(narrow, wide))
    while len(terms) > 2:
        single, double = like(total), like(total)
        blocks.append(compress(terms[0], terms[1], terms[2], single, double))
        terms = [*terms[3:], single, double]
    found = like(total)
    blocks.append(add(terms[0], terms[1], found) if len(terms) == 2 else pass_on(terms[0], found))
    blocks.append(register(clk, found, total))
    return blocks


@block
def postpone(clk, source, later, cycles):
    """later is what source was so many cycles before; none are allowed."""
    return age(clk, source, later, cycles) if cycles else pass_on(source, later)


@block
def square(clk, code, squared, cycles):
    """squared = code**2, so many cycles later, three of them in the registers of a DSP48."""
    bits = len(code)
    limit = 1 << (bits - 1)
    held, product = wire(bits), wire(2 * bits)

    @always(clk.posedge)
    def multiply():
        x = intbv(0, min=-limit, max=limit)
        x[:] = held.signed()
        product.next = x * x

    return register(clk, code, held), multiply, age(clk, product, squared, cycles - PRODUCT_LATENCY)


@block
def square_by_table(clk, code, squared, cycles):
    """squared = code**2, so many cycles later: the magnitude in the first, its square in the second."""
    bits = len(code)
    limit = 1 << (bits - 1)
    magnitude, found = wire(bits), wire(2 * bits)
    squares = tuple(number * number for number in range(limit + 1))

    @always(clk.posedge)
    def measure():
        x = intbv(0, min=-limit, max=limit)
        x[:] = code.signed()
        if x < 0:
            magnitude.next = -x
        else:
            magnitude.next = x

    return measure, lookup(magnitude, found, squares), age(clk, found, squared, cycles - 1)


@block
def subtract_from(clk, minuend, total, difference):
    """difference = minuend - total, a cycle later; total and difference are in two's complement, the minuend is a number."""
    size = len(difference)
    total_limit, limit = 1 << (len(total) - 1), 1 << (size - 1)

    @always(clk.posedge)
    def subtract():
        x = intbv(0, min=-total_limit, max=total_limit)
        result = intbv(0, min=-limit, max=limit)
        x[:] = total.signed()
        result[:] = minuend - x
        difference.next = result[size:]

    return subtract


@leaf
def score(clk, data, mu_squared, kl, config):
    """The scores that golden gives, config.latency cycles later.

    data: mu of all latents, then the logarithms of their variances or deviations. mu_squared, kl: in two's complement.
    """
    form, bits, latents = config.variance, config.bits, config.latents
    blocks: Blocks = []

    # cycles 0 to term_latency: what is summed up, in two's complement
    squares, excesses, logs = [], [], []
    for latent in range(latents):
        mu, squared = field(data, latent, bits), wire(2 * bits)
        squares.append(squared)
        if bits <= SQUARE_TABLE_BITS:
            blocks.append(square_by_table(clk, mu, squared, config.term_latency))
        else:
            blocks.append(square(clk, mu, squared, config.term_latency))

        log = wire(form.clamp_bits)
        blocks.append(saturate(field(data, latents + latent, bits), log))
        logs.append(log)
        if form.direct:
            found, excess = wire(VALUE_BITS + 1), wire(VALUE_BITS + 1)
            blocks.append(lookup(log, found, config.table(latent)))
            blocks.append(age(clk, found, excess, config.term_latency))
            excesses.append(excess)
        else:
            value, late = wire(VALUE_BITS), wire(VALUE_BITS)
            blocks.append(exponential(clk, log, value, ExponentialConfig(config.clamped)))
            blocks.append(postpone(clk, value, late, config.term_latency - 1 - PRODUCT_LATENCY))
            excesses.append(joined([late, "0"]))

    # the linear parts of all latents and the rounding: another term
    if not form.direct:
        terms = logs
        for _ in range(stages_of(latents)):
            groups = in_groups(terms)
            terms = [wire(sum_bits(group)) for group in groups]
            for group, total in zip(groups, terms, strict=True):
                blocks.append(add_group(clk, group, total))
        weighted = shifted(terms[0], linear_shift(form))
        ones = latents << form.value_fraction
        rest = wire((ones + (1 << len(weighted))).bit_length() + 1)
        rest_late = wire(len(rest))
        blocks.append(subtract_from(clk, config.rounding - ones, weighted, rest))
        blocks.append(postpone(clk, rest, rest_late, config.term_latency - 1 - stages_of(latents)))
        excesses.append(rest_late)

    # the sum of each kind, and in the last cycle the divergence
    sums = []
    for terms in (squares, excesses):
        for _ in range(config.stages):
            groups = in_groups(terms)
            terms = [wire(sum_bits(group)) for group in groups]
            for group, total in zip(groups, terms, strict=True):
                blocks.append(add_group(clk, group, total))
        sums.append(terms[0])
    square_shift, excess_shift, cut = kl_shifts(form)
    both = [shifted(sums[0], square_shift), shifted(sums[1], excess_shift)]
    total = wire(max(sum_bits(both), config.kl_bits + cut))
    blocks.append(add_group(clk, both, total))
    blocks.append(pass_on(total(config.kl_bits + cut, cut), kl))
    blocks.append(register(clk, low(sums[0], config.mu_squared_bits), mu_squared))
    return blocks
