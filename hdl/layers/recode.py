"""Codes made of codes by a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sigmabit.golden.layers.recode import Recode

from ..family import Billed, Cost, Family
from ..verilog.fabric import Blocks, age_reset, field, joined, like, lookup, pass_on, register
from ..verilog.module import leaf
from ..verilog.stream import wire
from .kind import Arrivals, Unfolded, Use
from .layer import LayerConfig, Stage


@dataclass(frozen=True)
class RecodeConfig(Billed, LayerConfig):
    """bits, result_bits: width of a code and of a result. entries: for each number of a beat, the results of the bits of a code
    from 0 on.
    """

    bits: int
    result_bits: int
    entries: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        for row in self.entries:
            if len(row) != 1 << self.bits:
                raise ValueError(f"{self.name}: {len(row)} entries for codes of {self.bits} bits")
            if not 0 <= min(row) <= max(row) < 1 << self.result_bits:
                raise ValueError(f"{self.name}: entries from {min(row)} to {max(row)} for results of {self.result_bits} bits")

    @property
    def block(self) -> Any:
        return recode

    @property
    def stages(self) -> tuple[Stage, ...]:
        return ()

    def bill(self, family: Family) -> Cost:
        """A function of the code for each bit of each result, but for wires and constants."""
        width = len(self.entries) * self.result_bits
        tables = sum(self._functions(entries) for entries in self.entries)
        return family.table(self.bits) * tables + family.registers(width + self.latency)

    def _functions(self, entries: tuple[int, ...]) -> int:
        """Bits of a result that are neither constant nor a bit of the code."""
        codes = range(1 << self.bits)
        wires = [tuple(code >> bit & 1 for code in codes) for bit in range(self.bits)]
        known = {(0,) * len(codes), (1,) * len(codes), *wires}
        return sum(tuple(entry >> bit & 1 for entry in entries) not in known for bit in range(self.result_bits))

    @property
    def latency(self) -> int:
        """Cycles from codes to results."""
        return 1


def configure(layer: Recode, positions: int = 1) -> RecodeConfig:
    """The block of a layer, with so many positions side by side."""
    bits, result_bits = layer.input.bits, layer.codes.bits
    codes = np.arange(1 << bits)
    if layer.input.signed:
        codes = np.where(codes >> (bits - 1), codes - (1 << bits), codes)
    known = np.clip(codes, layer.input.low, layer.input.high) - layer.input.low
    rows = layer.entries[:, known] % (1 << result_bits)
    return RecodeConfig(layer.name, bits, result_bits, tuple(map(tuple, np.tile(rows, (positions, 1)).tolist())))


@leaf
def recode(clk, rst, sink, source, config):
    """source = for each code of sink its entry, a cycle later."""
    blocks: Blocks = []
    codes = like(sink.data)  # conversion gets slices of an interface's signal wrong, hence a copy
    blocks.append(pass_on(sink.data, codes))
    results = []
    for number, entries in enumerate(config.entries):
        code, result = wire(config.bits), wire(config.result_bits)
        blocks.append(pass_on(field(codes, number, config.bits), code))
        blocks.append(lookup(code, result, entries))
        results.append(result)
    blocks.append(register(clk, joined(results), source.data))
    blocks.append(age_reset(clk, rst, sink.valid, source.valid, config.latency))
    return blocks


@dataclass(frozen=True)
class RecodeKind(Unfolded):
    """A position in, a position out."""

    layer: Recode

    def sized(self, arrivals: Arrivals, folding: None, contents: bool = True) -> RecodeConfig:
        return configure(self.layer, self.positions)

    def expected_cost(self, folding: None, use: Use) -> Cost:
        return configure(self.layer, self.positions).bill(use.family)
