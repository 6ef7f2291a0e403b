"""A constant matrix times a vector in every cycle, by tables of what each slice of the vector's bits adds to every output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
from myhdl import always

from sigmabit.golden.arithmetic.partial_sums import PartialSums

from ..family import Billed, Cost, Family
from ..verilog.module import composite, written
from ..verilog.stream import Flow
from .adder_graph import AdderGraphConfig, adders, width_of
from .delay import DelayConfig, delay
from .tabulate import TabulateConfig

TABLE_CYCLES = 1
"""Cycles of a table: entries come straight from its memory."""


@dataclass(frozen=True)
class PartialSumsConfig(Billed):
    """owner: whose sums they are. sums: which.

    cycles: the latency that is wanted; None: the least of the smallest adders. levels, behind: of these, as in adder_graph.
    """

    owner: str
    sums: PartialSums = field(repr=False)
    cycles: int | None = None
    levels: int = 4
    behind: int = 0

    def __post_init__(self) -> None:
        if self.cycles is not None and self.cycles < (least := replace(self, cycles=None).least_latency):
            raise ValueError(f"cycles={self.cycles}: {least} are needed")

    @property
    def module(self) -> str:
        return f"{self.owner}_partial_sums"

    @property
    def block(self) -> Any:
        """The block: clk, rst, sink, source, config."""
        return partial_sums

    @cached_property
    def tables(self) -> EntriesConfig:
        """The leaf that holds them."""
        return EntriesConfig(self.owner, self.sums, self.cycles, self.levels, self.behind)

    @cached_property
    def added(self) -> AdderGraphConfig:
        """What adds their entries up."""
        cycles = None if self.cycles is None else self.cycles - TABLE_CYCLES
        limits = self.sums.limits
        bits = max(width_of(*limit) for limit in limits)
        signed = any(low < 0 for low, _ in limits)
        return AdderGraphConfig(self.sums.graph, bits, signed, cycles, self.levels, self.behind, limits)

    @property
    def outputs(self) -> int:
        """Sums that are given."""
        return self.sums.outputs

    @property
    def output_bits(self) -> int:
        """Width of one in two's complement."""
        return self.added.output_bits

    @property
    def latency(self) -> int:
        """Cycles from the vector to the sums."""
        return TABLE_CYCLES + self.added.latency

    @property
    def least_latency(self) -> int:
        """Cycles that it takes at the least, if the adders are as fast as can be."""
        return TABLE_CYCLES + self.added.least_latency

    def bill(self, family: Family) -> Cost:
        """The tables, the adders, and the registers of `valid`."""
        return self.tables.bill(family) + self.added.bill(family) + family.registers(TABLE_CYCLES)


class EntriesConfig(PartialSumsConfig):
    """The tables, as a module of their own."""

    @property
    def module(self) -> str:
        return f"{self.owner}_entries"

    @property
    def term_bits(self) -> int:
        """Width of a field of what is given."""
        return self.added.input_bits

    @cached_property
    def widths(self) -> tuple[tuple[int, ...], ...]:
        """Of each slice's terms, which lie in its words one above the other."""
        found: list[list[int]] = [[] for _ in self.sums.slices]
        for (number, _), limit in zip(self.sums.terms, self.sums.limits, strict=True):
            found[number].append(width_of(*limit))
        return tuple(map(tuple, found))

    @cached_property
    def slices(self) -> tuple[TabulateConfig, ...]:
        """The table of each slice that has any terms."""
        return tuple(self._table(number) for number, widths in enumerate(self.widths) if widths)

    def _table(self, number: int) -> TabulateConfig:
        widths, entries = self.widths[number], self.sums.entries(number)
        words = np.zeros(len(entries), object)
        outputs = [output for slice_number, output in self.sums.terms if slice_number == number]
        for output, width, low in zip(outputs, widths, accumulate((0, *widths)), strict=False):
            words += (entries[:, output].astype(object) & ((1 << width) - 1)) << low
        return TabulateConfig(f"{self.owner}_slice{number}", 1, sum(widths), tuple(words.tolist()), TABLE_CYCLES)

    def bill(self, family: Family) -> Cost:
        """A memory for each slice; their contents are of no account."""
        sizes = zip(self.sums.slices, self.widths, strict=True)
        blank = (TabulateConfig("", 1, sum(widths), (0,) * (1 << (high - low)), TABLE_CYCLES) for (low, high), widths in sizes)
        return sum((table.bill(family) for table in blank if table.width), Cost())

    def contents(self) -> dict[str, str]:
        """Files that the tables read, by name."""
        return {name: text for table in self.slices for name, text in table.contents().items()}

    def result(self, word: int) -> int:
        """The terms side by side, for inputs side by side."""
        found, place = 0, 0
        tables = iter(self.slices)
        for (low, high), widths in zip(self.sums.slices, self.widths, strict=True):
            entry = next(tables).words[word >> low & ((1 << (high - low)) - 1)] if widths else 0
            for width in widths:
                found |= (entry & ((1 << width) - 1)) << (place * self.term_bits)
                entry, place = entry >> width, place + 1
        return found

    def verilog(self) -> str:
        """The module's text: a table for each slice, and its words cut into terms."""
        return "\n".join(self._lines()) + "\n\n" + "\n".join(table.verilog() for table in self.slices)

    def _lines(self) -> Iterator[str]:
        bits, count = self.term_bits, len(self.sums.terms)
        yield "/* verilator lint_off DECLFILENAME */ // the tables are in this file, too"
        yield "/* verilator lint_off UNUSEDSIGNAL */ // bits of the vector without a weight"
        yield f"module {self.module} ("
        yield "    input wire clk,"
        yield f"    input wire [{self.sums.inputs * self.sums.bits - 1}:0] vector,"
        yield f"    output wire [{count * bits - 1}:0] data"
        yield ");"
        tables, place = iter(self.slices), 0
        for number, ((first, beyond), widths) in enumerate(zip(self.sums.slices, self.widths, strict=True)):
            if not widths:
                continue
            module = next(tables).module
            yield f"wire [{sum(widths) - 1}:0] entry{number};"
            yield f"{module} table{number} (.clk(clk), .address(vector[{beyond - 1}:{first}]), .data(entry{number}));"
            for width, low in zip(widths, accumulate((0, *widths)), strict=False):
                zeros = f"{bits - width}'d0, " if width < bits else ""
                yield f"assign data[{place * bits} +: {bits}] = {{{zeros}entry{number}[{low} +: {width}]}};"
                place += 1
        yield "endmodule"


@written
def entries(clk, vector, data, config):
    """data = of each slice of vector, what it adds to the outputs, a cycle later; in fields of config.term_bits.

    Written in Verilog for the files that tables are read from; this is its twin for simulation.
    """

    @always(clk.posedge)
    def read():
        data.next = config.result(int(vector))

    return read


@composite
def partial_sums(clk, rst, sink, source, config):
    """source = matrix times sink, plus bias, `latency` cycles later, a vector in every cycle.

    sink: `inputs` fields of `bits`, input 0 lowest. source: `outputs` fields of `output_bits`, two's complement.
    """
    tables = config.tables
    terms = Flow(len(config.sums.terms) * tables.term_bits)
    return (
        entries(clk, sink.data, terms.data, tables),
        adders(clk, terms.data, source.data, config.added.adders),
        delay(clk, rst, sink.valid, source.valid, DelayConfig(1, config.latency, reset=True)),
    )
