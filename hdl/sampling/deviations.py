"""Beats of means and codes, on their way round the table that makes standard deviations of the codes."""

from __future__ import annotations

from dataclasses import dataclass

from sigmabit.golden.sampling.exponential import VALUE_BITS

from ..arithmetic.tabulate import TabulateConfig
from ..family import Billed, Cost, Family
from ..verilog.fabric import Blocks, age, age_reset, joined, low, pass_on
from ..verilog.module import leaf
from ..verilog.stream import wire


@dataclass(frozen=True)
class DeviationsConfig(Billed):
    """bits: of a mean and of a code. table: as many lanes as there are latent variables."""

    bits: int
    table: TabulateConfig

    def __post_init__(self) -> None:
        if self.table.address_bits != self.bits or self.table.width != VALUE_BITS:
            found = f"{len(self.table.words)} words of {self.table.width} bits"
            raise ValueError(f"{self.module}: a table of {found} for codes of {self.bits} bits and values of {VALUE_BITS}")

    @property
    def module(self) -> str:
        return f"deviations_{self.latents}x{self.bits}"

    @property
    def latents(self) -> int:
        """Latent variables."""
        return self.table.lanes

    @property
    def code_bits(self) -> int:
        """Width of all codes side by side."""
        return self.latents * self.bits

    @property
    def value_bits(self) -> int:
        """Width of all deviations side by side."""
        return self.latents * VALUE_BITS

    @property
    def latency(self) -> int:
        """Cycles from a beat to the same with deviations."""
        return self.table.latency

    def bill(self, family: Family) -> Cost:
        """The table's, and registers in which means wait."""
        return self.table.bill(family) + family.registers(self.code_bits + 1) * self.latency


@leaf
def deviations(clk, rst, sink, codes, values, source, config):
    """source = sink's means, and behind them the values that are found for its codes, config.latency cycles later.

    sink: means of all latents, then their codes. codes: to the table; values: from it, of so many cycles before.
    """
    blocks: Blocks = []
    data, means = wire(2 * config.code_bits), wire(config.code_bits)
    blocks.append(pass_on(sink.data, data))
    blocks.append(pass_on(data(2 * config.code_bits, config.code_bits), codes))
    blocks.append(age(clk, low(data, config.code_bits), means, config.latency))
    blocks.append(pass_on(joined([means, values]), source.data))
    blocks.append(age_reset(clk, rst, sink.valid, source.valid, config.latency))
    return blocks
