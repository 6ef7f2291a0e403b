"""The second of two sampling layers: its samples of the standard normal have come all the way beside the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sigmabit.golden.sampling.deferred import Deferred
from sigmabit.golden.sampling.reparameterise import EPS_BITS, EPS_FRACTION

from ..family import Billed, Cost, Family
from ..layers.kind import Arrivals, Unfolded, Use
from ..layers.layer import LayerConfig, Stage
from ..verilog.fabric import Blocks, age_reset, field, joined, like, pass_on
from ..verilog.module import leaf
from ..verilog.stream import wire
from .exponential import saturate
from .reparameterise import ReparameteriseConfig, sample
from .score import postpone


@dataclass(frozen=True)
class DeferredConfig(Billed, LayerConfig):
    """channels: codes in a beat. eps_fraction: fraction bits of the samples, the last of them. sampling: the arithmetic."""

    channels: int
    eps_fraction: int
    sampling: ReparameteriseConfig

    def __post_init__(self) -> None:
        if self.channels < 3 * self.sampling.latents:
            raise ValueError(f"{self.name}: channels={self.channels} for {self.sampling.latents} latents")
        if not 0 <= self.eps_fraction <= EPS_FRACTION:
            raise ValueError(f"{self.name}: eps_fraction={self.eps_fraction} is not 0 to {EPS_FRACTION}")

    @property
    def block(self) -> Any:
        return deferred

    @property
    def stages(self) -> tuple[Stage, ...]:
        return ()

    def bill(self, family: Family) -> Cost:
        """The arithmetic, and samples that wait for the deviations."""
        waiting = self.sampling.latents * EPS_BITS * self.sampling.eps_latency
        return self.sampling.bill(family) + family.registers(waiting)

    @property
    def latency(self) -> int:
        """Cycles from a beat to its result."""
        return self.sampling.latency


def configure(layer: Deferred) -> DeferredConfig:
    """The block of a layer."""
    form = layer.latents, layer.input.bits, layer.fraction, layer.z_bits, layer.z_fraction, layer.log_sigma, False
    return DeferredConfig(layer.name, layer.input.channels, layer.eps_fraction, ReparameteriseConfig(*form))


@leaf
def deferred(clk, rst, sink, source, config):
    """source: z of all latents, config.latency cycles after each beat of the sink, which may come in every cycle.

    sink: mu of all latents, then the logarithms of their variances or deviations; anything; at the end eps of all latents. All in
    two's complement, latent 0 lowest.
    """
    sampling = config.sampling
    latents, bits = sampling.latents, sampling.bits
    first = config.channels - latents
    blocks: Blocks = []
    data = like(sink.data)
    blocks.append(pass_on(sink.data, data))
    results = []
    for latent in range(latents):
        mu, log, code = (field(data, place + latent, bits) for place in (0, latents, first))
        shift = EPS_FRACTION - config.eps_fraction
        wide, eps, eps_late, z = wire(bits + shift), wire(EPS_BITS), wire(EPS_BITS), wire(sampling.z_bits)
        blocks.append(pass_on(joined(["0" * shift, code]) if shift else code, wide))
        blocks.append(saturate(wide, eps))
        blocks.append(postpone(clk, eps, eps_late, sampling.eps_latency))
        blocks.append(sample(clk, mu, log, eps_late, z, sampling))
        results.append(z)
    blocks.append(pass_on(joined(results), source.data))
    blocks.append(age_reset(clk, rst, sink.valid, source.valid, config.latency))
    return blocks


@dataclass(frozen=True)
class DeferredKind(Unfolded):
    """A beat in, a beat out."""

    layer: Deferred

    def sized(self, arrivals: Arrivals, folding: None, contents: bool = True) -> DeferredConfig:
        return configure(self.layer)

    def expected_cost(self, folding: None, use: Use) -> Cost:
        return configure(self.layer).bill(use.family)
