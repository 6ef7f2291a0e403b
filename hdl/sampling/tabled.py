"""The reparameterisation, sooner: tables of whole codes in place of products, and the scores' sums by adders that share parts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.arithmetic.adder_graph import optimise
from sigmabit.golden.sampling.exponential import VALUE_BITS, Exponential
from sigmabit.golden.sampling.exponential import exponential as values_of
from sigmabit.golden.sampling.reparameterise import EPS_BITS
from sigmabit.golden.sampling.score import kl_shifts, linear

from ..arithmetic.adder_graph import AdderGraphConfig, adders
from ..arithmetic.products import ProductAndAddend, Products, multiply_and_add_in_rows
from ..arithmetic.tabulate import TabulateConfig, tabulate
from ..family import Billed, Cost, Family
from ..verilog.fabric import Blocks, age_reset, field, joined, pass_on, register
from ..verilog.module import composite, leaf
from ..verilog.stream import wire
from .exponential import PRODUCT_LATENCY, multiply_add, saturate
from .reparameterise import ReparameteriseConfig, raise_by
from .score import postpone

MOST_BITS = 12
"""Codes of up to so many bits are looked up whole: of more, a table would be of thousands of words a latent variable."""

TABLE_CYCLES = 1
"""Cycles of a table."""

MOST_LOOKED_AT = 7
"""Bits that are all the same in a number that need not be limited: of more, the limit is three levels, too many behind a sum."""

SUM_CYCLES = 2
"""Cycles of the scores' adders, where these suffice."""


def applies(form: ReparameteriseConfig) -> bool:
    """Can codes be looked up whole?"""
    return form.bits <= MOST_BITS and form.value_fraction is None


WAYS: tuple[Products, ...] = ("single", "logic")
"""What deviations and samples can be multiplied by: a multiplier, or LUTs."""


@dataclass(frozen=True)
class TabledConfig(Billed):
    """form: what is computed. products: what multiplies deviations and samples, one of WAYS.

    Without multipliers, forms whose means have no fraction, or whose z has few bits, may have a fifth logic level.
    """

    form: ReparameteriseConfig
    products: Products = "single"

    def __post_init__(self) -> None:
        if self.products not in WAYS:
            raise ValueError(f"products={self.products} is none of {', '.join(WAYS)}")
        if self.form.value_fraction is not None:
            raise ValueError("deviations come from a table of their own")
        if not applies(self.form):
            raise ValueError(f"bits={self.form.bits}: codes of up to {MOST_BITS} bits are looked up whole")

    @property
    def module(self) -> str:
        by = "" if self.products == "single" else f"_{self.products}"
        return self.form.module.replace("reparameterise", "tabled", 1) + by

    @property
    def result_bits(self) -> int:
        """Width of a field of a result."""
        return self.form.result_bits

    @property
    def block(self) -> Any:
        """The block: clk, rst, sink, eps, take, source, config."""
        return tabled

    @property
    def inside(self) -> SpreadConfig:
        """The leaf inside."""
        return SpreadConfig(self.form, self.products)

    @property
    def in_rows(self) -> ProductAndAddend | None:
        """What multiplies deviations by samples and adds mu and half a unit of z, if that is no multiplier."""
        if self.products == "single":
            return None
        mu_bits = self.form.bits + self.mu_shift - EPS_BITS // 2
        return ProductAndAddend(VALUE_BITS, EPS_BITS, mu_bits, 1 << self.half_shift, self.half_shift + 1)

    @property
    def product_latency(self) -> int:
        """Cycles from both to the sum that is saturated."""
        return PRODUCT_LATENCY if self.in_rows is None else self.in_rows.latency

    @property
    def eps_latency(self) -> int:
        """Cycles from a beat to the one in which its eps is read."""
        return 0

    @property
    def z_latency(self) -> int:
        """Cycles from a beat to z: the table's, the product's, and one for saturation."""
        return TABLE_CYCLES + self.product_latency + self.sum_latency + 1

    @property
    def sum_latency(self) -> int:
        """Cycles from a sum of rows to what is saturated: none, if saturation finds room behind the sum."""
        if self.in_rows is None:
            return 0
        return int(self.in_rows.total_bits - self.form.z_bits + 1 > MOST_LOOKED_AT)

    @property
    def score_latency(self) -> int:
        """Cycles from a beat to its scores."""
        return TABLE_CYCLES + self.sums.latency

    @property
    def latency(self) -> int:
        """Cycles from a beat to its result: all fields come together."""
        return max(self.z_latency, self.score_latency) if self.form.score else self.z_latency

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """All codes, in the order of their bits."""
        half = 1 << (self.form.bits - 1)
        return np.roll(np.arange(-half, half), half)

    @property
    def variance(self) -> Exponential:
        """What the variances are."""
        return self.form.scores.variance

    @cached_property
    def squares(self) -> TabulateConfig:
        """The square of each mean."""
        return self._table("squares", 2 * self.form.bits - 1, self.codes**2)

    @cached_property
    def excess(self) -> NDArray[np.int64]:
        """exp(v) - 1 - v of all codes, which is nowhere negative."""
        found: NDArray[np.int64] = values_of(self.codes, self.variance) - linear(self.codes, self.variance)
        return found

    @property
    def excess_bits(self) -> int:
        """Its width."""
        return max(1, int(self.excess.max()).bit_length())

    @cached_property
    def spreads(self) -> TabulateConfig:
        """The deviation of each logarithm, and above it, for the scores, its excess."""
        words = self.form.deviation.of(self.codes)
        if not self.form.score:
            return self._table("spreads", VALUE_BITS, words)
        return self._table("spreads", VALUE_BITS + self.excess_bits, words + (self.excess << VALUE_BITS))

    def _table(self, name: str, width: int, words: NDArray[np.int64]) -> TabulateConfig:
        return TabulateConfig(f"{self.module}_{name}", self.form.latents, width, tuple(words.tolist()), TABLE_CYCLES)

    @property
    def mu_shift(self) -> int:
        """The bit of the sum that is a unit of mu."""
        return self.form.product_fraction - self.form.fraction

    @property
    def half_shift(self) -> int:
        """The bit of the sum that is half a unit of z."""
        return self.form.product_fraction - self.form.z_fraction - 1

    @property
    def term_bits(self) -> int:
        """Width of what is summed up."""
        return max(self.squares.width, self.excess_bits)

    @property
    def sums(self) -> AdderGraphConfig:
        """The sum of the squares, and that of all that twice the divergence consists of, with half of what is rounded off."""
        return _sums(self.form.latents, self.term_bits, kl_shifts(self.variance))

    def bill(self, family: Family) -> Cost:
        """The tables, the sums, and for each latent variable a product, to which mu is added, and saturation."""
        form = self.form
        parts = self.spreads.bill(family)
        if form.score:
            scores = form.scores.mu_squared_bits + form.scores.kl_bits
            parts += self.squares.bill(family) + self.sums.bill(family)
            parts += family.delay(scores, self.latency - self.score_latency)
        latent = family.logic(form.z_bits) + family.registers(form.bits + EPS_BITS + form.z_bits)
        if self.in_rows is None:
            latent += family.product(VALUE_BITS, EPS_BITS) + family.logic(form.bits) + family.registers(form.bits)
        else:
            latent += self.in_rows.bill(family) + family.registers(self.in_rows.total_bits * self.sum_latency)
        return parts + latent * form.latents


class SpreadConfig(TabledConfig):
    """What stands between the tables and the adders, as a module of its own."""

    @property
    def module(self) -> str:
        return super().module.replace("tabled", "tabled_spread", 1)


@lru_cache(maxsize=64)
def _sums(latents: int, bits: int, shifts: tuple[int, int, int]) -> AdderGraphConfig:
    """Planning asks more than once."""
    square_shift, excess_shift, cut = shifts
    matrix = np.zeros((2 * latents, 2), np.int64)
    matrix[:latents] = 1, 1 << square_shift
    matrix[latents:] = 0, 1 << excess_shift
    graph = optimise(matrix, np.array([0, 1 << (cut - 1)]), 0, (1 << bits) - 1)
    smallest = AdderGraphConfig(graph, bits, signed=False)
    return AdderGraphConfig(graph, bits, signed=False, cycles=max(SUM_CYCLES, smallest.least_latency))


@leaf
def tabled_spread(clk, rst, sink, eps, take, means, logarithms, squares, spreads, terms, sums, source, config):
    """z = mu + sigma * eps, and the scores, from what tables and adders give.

    means, logarithms: of all latents, to the tables; squares, spreads: from them, in the next cycle. terms: squares and
    excesses, to the adders; sums: from them. Otherwise as tabled.
    """
    form = config.form
    latents, bits, size = form.latents, form.bits, config.spreads.width
    blocks: Blocks = []
    data, found = wire(2 * latents * bits), wire(latents * size)
    blocks.append(pass_on(sink.data, data))
    blocks.append(pass_on(data(latents * bits, 0), means))
    blocks.append(pass_on(data(2 * latents * bits, latents * bits), logarithms))
    blocks.append(pass_on(spreads, found))

    mu_shift, half_shift, rows = config.mu_shift, config.half_shift, config.in_rows
    results = []
    for latent in range(latents):
        # sigma and eps are there in the next cycle
        sigma, eps_late, mu = wire(VALUE_BITS), wire(EPS_BITS), wire(bits)
        blocks.append(pass_on(found(latent * size + VALUE_BITS, latent * size), sigma))
        blocks.append(register(clk, field(eps, latent, EPS_BITS), eps_late))
        blocks.append(register(clk, field(data, latent, bits), mu))
        limited, z, z_late = wire(form.z_bits), wire(form.z_bits), wire(form.z_bits)
        if rows is None:
            # a multiplier adds in its second cycle
            if half_shift < mu_shift:
                mu_late = wire(bits)
                blocks.append(register(clk, mu, mu_late))
                addend = joined(["0" * (mu_shift - half_shift - 1) + "1" + "0" * half_shift, mu_late])
            else:
                half = 1 << (half_shift - mu_shift)
                mu_late = wire(max(bits, half.bit_length() + 1) + 1)
                blocks.append(raise_by(clk, mu, mu_late, half))
                addend = joined(["0" * mu_shift, mu_late])
            total = wire(form.sum_bits)
            blocks.append(multiply_add(clk, sigma, eps_late, addend, total, signed=True))
            blocks.append(saturate(total(form.sum_bits, half_shift + 1), limited))
        else:
            total, settled = wire(rows.total_bits), wire(rows.total_bits)
            addend = joined(["0" * (mu_shift - rows.low_bits), mu])
            blocks.append(multiply_and_add_in_rows(clk, sigma, eps_late, addend, total, rows))
            blocks.append(postpone(clk, total, settled, config.sum_latency))
            blocks.append(saturate(settled, limited))
        blocks.append(register(clk, limited, z))
        blocks.append(postpone(clk, z, z_late, config.latency - config.z_latency))
        results.append(z_late)

    if form.score:
        width, cut = config.sums.output_bits, kl_shifts(config.variance)[2]
        squared, both = wire(latents * config.squares.width), wire(2 * width)
        blocks.append(pass_on(squares, squared))
        blocks.append(pass_on(sums, both))
        parts = []
        for latent in range(latents):
            parts.append(field(squared, latent, config.squares.width))
            parts.append("0" * (config.term_bits - config.squares.width))
        for latent in range(latents):
            begin = latent * size + VALUE_BITS
            parts.append(found(begin + config.excess_bits, begin))
            parts.append("0" * (config.term_bits - config.excess_bits))
        blocks.append(pass_on(joined([part for part in parts if len(part) > 0]), terms))
        for low, wanted in ((0, form.scores.mu_squared_bits), (width + cut, form.scores.kl_bits)):
            kept = min(wanted, len(both) - low if low else width)
            number, number_late = wire(kept), wire(kept)
            blocks.append(pass_on(both(low + kept, low), number))
            blocks.append(postpone(clk, number, number_late, config.latency - config.score_latency))
            results.append(number_late)

    fields = [wire(form.result_bits) for _ in results]
    for narrow, wide in zip(results, fields, strict=True):
        blocks.append(saturate(narrow, wide))
    blocks.append(pass_on(joined(fields), source.data))
    blocks.append(age_reset(clk, rst, sink.valid, source.valid, config.latency))
    blocks.append(pass_on(sink.valid, take))
    return blocks


@composite
def tabled(clk, rst, sink, eps, take, source, config):
    """z = mu + sigma * eps, and the scores, config.latency cycles after each beat of the sink, which may come in every cycle.

    As reparameterise, but for the latency: eps is read in the cycles of the beats.
    """
    form = config.form
    means, logarithms = wire(form.latents * form.bits), wire(form.latents * form.bits)
    spreads = wire(form.latents * config.spreads.width)
    squares, terms, sums = None, None, None
    instances = [tabulate(clk, logarithms, spreads, config.spreads)]
    if form.score:
        squares = wire(form.latents * config.squares.width)
        terms, sums = wire(2 * form.latents * config.term_bits), wire(2 * config.sums.output_bits)
        instances.append(tabulate(clk, means, squares, config.squares))
        instances.append(adders(clk, terms, sums, config.sums.adders))
    instances.append(
        tabled_spread(clk, rst, sink, eps, take, means, logarithms, squares, spreads, terms, sums, source, config.inside)
    )
    return instances
