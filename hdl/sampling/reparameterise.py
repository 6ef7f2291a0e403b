"""The reparameterisation: samples of a posterior, and its scores, at a beat a cycle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from myhdl import always, block, intbv

from sigmabit.golden.sampling.exponential import FINEST, VALUE_BITS, Exponential
from sigmabit.golden.sampling.reparameterise import EPS_BITS, EPS_FRACTION

from ..family import Billed, Cost, Family
from ..verilog.fabric import Blocks, age, age_reset, field, joined, like, pass_on, register
from ..verilog.module import leaf
from ..verilog.stream import wire
from .exponential import PRODUCT_LATENCY, ExponentialConfig, exponential, multiply_add, saturate
from .score import ScoreConfig, postpone, score

Z_BITS = 24
"""Width of z at the most."""


@dataclass(frozen=True)
class ReparameteriseConfig(Billed):
    """latents: how many. bits, fraction: of mu and of the logarithm, which is that of the variance, or of the deviation if
    log_sigma. z_bits, z_fraction: of z. score: give the scores, too. value_fraction: None, or the fraction bits of standard
    deviations that come in place of logarithms.
    """

    latents: int
    bits: int
    fraction: int
    z_bits: int
    z_fraction: int
    log_sigma: bool
    score: bool
    value_fraction: int | None = None

    def __post_init__(self) -> None:
        if self.latents < 1:
            raise ValueError(f"latents={self.latents} is below 1")
        if not 2 <= self.z_bits <= Z_BITS:
            raise ValueError(f"z_bits={self.z_bits} is not 2 to {Z_BITS}")
        if not 0 <= self.z_fraction <= FINEST:
            raise ValueError(f"z_fraction={self.z_fraction} is not 0 to {FINEST}")
        _ = self.deviation
        if self.value_fraction is not None and self.score:
            raise ValueError("score of deviations that come in place of logarithms")

    @cached_property
    def deviation(self) -> Exponential:
        """What the standard deviations are."""
        return Exponential(self.bits, self.fraction, self.log_sigma, squared=False)

    @property
    def exponential(self) -> ExponentialConfig:
        """The block that makes them."""
        return ExponentialConfig(self.deviation)

    @property
    def scores(self) -> ScoreConfig:
        """The block that makes the scores."""
        return ScoreConfig(self.latents, self.bits, self.fraction, self.log_sigma)

    @property
    def module(self) -> str:
        kind = ("log_sigma" if self.log_sigma else "logvar") + ("_score" if self.score else "")
        if self.value_fraction is not None:
            kind = f"deviation_{self.value_fraction}"
        return f"reparameterise_{self.latents}x{self.bits}_{self.fraction}_{self.z_bits}_{self.z_fraction}_{kind}"

    @property
    def block(self) -> Any:
        """The block: clk, rst, sink, eps, take, source, config."""
        return reparameterise

    @property
    def outputs(self) -> int:
        """Fields of a result."""
        return self.latents + (2 if self.score else 0)

    @property
    def result_bits(self) -> int:
        """Width of a field of a result."""
        return max(self.z_bits, self.scores.mu_squared_bits, self.scores.kl_bits) if self.score else self.z_bits

    @property
    def product_fraction(self) -> int:
        """Fraction bits of sigma * eps."""
        return (self.deviation.value_fraction if self.value_fraction is None else self.value_fraction) + EPS_FRACTION

    @property
    def sum_bits(self) -> int:
        """Width of mu + sigma * eps before it is rounded, in two's complement."""
        mu_bits = self.bits + self.product_fraction - self.fraction
        return max(VALUE_BITS + EPS_BITS, mu_bits) + 1

    @property
    def sigma_latency(self) -> int:
        """Cycles from a beat to the deviations in the multiplier's registers."""
        return self.exponential.latency if self.value_fraction is None else 1

    @property
    def eps_latency(self) -> int:
        """Cycles from a beat to the one in which its eps is read: a register stands before the multiplier."""
        return self.sigma_latency - 1

    @property
    def z_latency(self) -> int:
        """Cycles from mu and the logarithm to z."""
        return self.sigma_latency + PRODUCT_LATENCY + 1

    @property
    def latency(self) -> int:
        """Cycles from a beat of the sink to its result: all fields come together."""
        return max(self.z_latency, self.scores.latency) if self.score else self.z_latency

    @property
    def mu_squared_fraction(self) -> int:
        """Fraction bits of the sum of squares."""
        return self.scores.mu_squared_fraction

    @property
    def kl_fraction(self) -> int:
        """Fraction bits of the divergence."""
        return self.scores.kl_fraction

    def bill(self, family: Family) -> Cost:
        """A multiplier for each latent beside its deviation, the wait of mu, and saturation."""
        beside = 2 * self.bits + self.z_bits
        sigma = self.exponential.bill(family) if self.value_fraction is None else family.registers(VALUE_BITS)
        latent = sigma + family.product(VALUE_BITS, EPS_BITS)
        latent += family.logic(beside) + family.registers(beside)
        return latent * self.latents + (self.scores.bill(family) if self.score else Cost())


@block
def raise_by(clk, code, raised, amount):
    """raised = code + amount, a cycle later, in two's complement."""
    size = len(raised)
    code_limit, limit = 1 << (len(code) - 1), 1 << (size - 1)

    @always(clk.posedge)
    def add():
        x = intbv(0, min=-code_limit, max=code_limit)
        result = intbv(0, min=-limit, max=limit)
        x[:] = code.signed()
        result[:] = x + amount
        raised.next = result[size:]

    return add


@block
def sample(clk, mu, log, eps, z, config):
    """z of one latent, config.z_latency cycles after mu and log; eps comes config.eps_latency cycles after them."""
    blocks: Blocks = []
    sigma, eps_late = wire(VALUE_BITS), wire(EPS_BITS)
    if config.value_fraction is None:
        blocks.append(exponential(clk, log, sigma, config.exponential))
    else:
        blocks.append(register(clk, log, sigma))
    blocks.append(register(clk, eps, eps_late))

    # mu and half a unit of z, to be added in the multiplier's second cycle
    before = config.sigma_latency
    mu_shift = config.product_fraction - config.fraction
    half_shift = config.product_fraction - config.z_fraction - 1
    mu_early = like(mu)
    blocks.append(age(clk, mu, mu_early, before))
    if half_shift < mu_shift:
        mu_late = like(mu)
        blocks.append(register(clk, mu_early, mu_late))
        addend = joined(["0" * (mu_shift - half_shift - 1) + "1" + "0" * half_shift, mu_late])
    else:
        half = 1 << (half_shift - mu_shift)
        mu_late = wire(max(len(mu), half.bit_length() + 1) + 1)
        blocks.append(raise_by(clk, mu_early, mu_late, half))
        addend = joined(["0" * mu_shift, mu_late])

    total, result = wire(config.sum_bits), like(z)
    blocks.append(multiply_add(clk, sigma, eps_late, addend, total, signed=True))
    blocks.append(saturate(total(config.sum_bits, half_shift + 1), result))
    blocks.append(register(clk, result, z))
    return blocks


@leaf
def reparameterise(clk, rst, sink, eps, take, source, config):
    """z = mu + sigma * eps, and the scores, config.latency cycles after each beat of the sink, which may come in every cycle.

    sink: mu of all latents, then the logarithms of their variances or deviations. eps: `latents` fields of 16 bits, read in the
    cycles in which take is high, config.eps_latency cycles after each beat. source: z of all latents, and with score the sum of
    squares and the divergence: `outputs` fields of `result_bits`. All in two's complement, latent 0 lowest.
    """
    latents, bits = config.latents, config.bits
    blocks: Blocks = []
    data = wire(2 * latents * bits)
    blocks.append(pass_on(sink.data, data))
    results = []
    for latent in range(latents):
        mu, log = field(data, latent, bits), field(data, latents + latent, bits)
        z, z_late = wire(config.z_bits), wire(config.z_bits)
        blocks.append(sample(clk, mu, log, field(eps, latent, EPS_BITS), z, config))
        blocks.append(postpone(clk, z, z_late, config.latency - config.z_latency))
        results.append(z_late)
    if config.score:
        found = [wire(config.scores.mu_squared_bits), wire(config.scores.kl_bits)]
        late = [like(number) for number in found]
        blocks.append(score(clk, data, found[0], found[1], config.scores))
        for number, number_late in zip(found, late, strict=True):
            blocks.append(postpone(clk, number, number_late, config.latency - config.scores.latency))
        results += late

    fields = [wire(config.result_bits) for _ in results]
    for narrow, wide in zip(results, fields, strict=True):
        blocks.append(saturate(narrow, wide))
    blocks.append(pass_on(joined(fields), source.data))
    blocks.append(age_reset(clk, rst, sink.valid, source.valid, config.latency))
    if config.eps_latency:
        blocks.append(age_reset(clk, rst, sink.valid, take, config.eps_latency))
    else:
        blocks.append(pass_on(sink.valid, take))
    return blocks


@leaf
def displace(clk, rst, sink, eps, take, source, config):
    """z = mu + sigma * eps, config.latency cycles after each beat of the sink, which may come in every cycle.

    sink: mu of all latents, then their deviations sigma, unsigned, of 24 bits with config.value_fraction fraction bits. eps:
    `latents` fields of 16 bits, read in the cycles in which take is high, those of the beats. source: z of all latents. All but
    sigma in two's complement, latent 0 lowest.
    """
    latents, bits = config.latents, config.bits
    blocks: Blocks = []
    data = wire(latents * (bits + VALUE_BITS))
    blocks.append(pass_on(sink.data, data))
    results = []
    for latent in range(latents):
        mu, begin = field(data, latent, bits), latents * bits + latent * VALUE_BITS
        z = wire(config.z_bits)
        blocks.append(sample(clk, mu, data(begin + VALUE_BITS, begin), field(eps, latent, EPS_BITS), z, config))
        results.append(z)
    blocks.append(pass_on(joined(results), source.data))
    blocks.append(age_reset(clk, rst, sink.valid, source.valid, config.latency))
    blocks.append(pass_on(sink.valid, take))
    return blocks
