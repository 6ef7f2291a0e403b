"""A constant matrix times a vector in every cycle: a pipeline of adders, without multipliers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from myhdl import always

from sigmabit.golden.arithmetic.adder_graph import AdderGraph, Bound, Term

from ..family import Billed, Cost, Family, in_synthesis
from ..verilog.module import composite, written
from .delay import DelayConfig, delay

LEVELS, SMALL_LEVELS = 2, 3
"""Logic levels of a sum, what is before the carry chain and the chain; and of one of three terms, as small as can be."""


@dataclass(frozen=True)
class Schedule:
    """Where the values of a graph are computed: in which stage each, and how many registers each is kept in behind it.

    small: the sums of three terms that are as small as can be; the others are larger, with a level less. latency: stages, at
    least one. Each ends with a register; the last one with that of what follows, where that is given levels.
    """

    stages: tuple[int, ...]
    kept: tuple[int, ...]
    small: frozenset[int]
    latency: int


@dataclass(frozen=True)
class AdderGraphConfig(Billed):
    """A graph whose inputs have `input_bits` bits, signed or not.

    cycles: the latency that is wanted; None: the least of the smallest circuit. levels: logic levels between registers.
    behind: how many of them follow the outputs before a register that is not here; 0: outputs come from registers. limits: the
    least and the greatest of each input, where these are known to be closer than their bits are; an input that is never negative
    is one of no sign.
    """

    graph: AdderGraph = field(repr=False)
    input_bits: int
    signed: bool
    cycles: int | None = None
    levels: int = 4
    behind: int = 0
    limits: tuple[tuple[int, int], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.input_bits < 1:
            raise ValueError(f"inputs of {self.input_bits} bits")
        if self.limits and len(self.limits) != self.graph.inputs:
            raise ValueError(f"limits of {len(self.limits)} inputs, there are {self.graph.inputs}")
        if self.levels < SMALL_LEVELS:
            raise ValueError(f"levels={self.levels} between registers: a sum may have {SMALL_LEVELS}")
        if not 0 <= self.behind <= self.levels - LEVELS:
            raise ValueError(f"{self.behind} of {self.levels} levels behind the outputs: a sum has {LEVELS}")
        if self.cycles is not None and self.cycles < self.latency:
            raise ValueError(f"cycles={self.cycles}: {self.latency} are needed")

    @cached_property
    def digest(self) -> str:
        """Names the program: equal for equal ones, in every process."""
        graph = self.graph
        terms = [[(term.value, term.shift, term.negative) for term in part] for part in (*graph.sums, graph.outputs)]
        ends = (self.levels, *([self.behind] if self.behind else []), *self.limits)
        text = repr((graph.inputs, graph.constants, terms, self.input_bits, self.signed, self.cycles, *ends))
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    @property
    def module(self) -> str:
        return f"adder_graph_{self.graph.inputs}x{len(self.graph.outputs)}_{self.digest}"

    @property
    def adders(self) -> AddersConfig:
        """The leaf inside."""
        return AddersConfig(self.graph, self.input_bits, self.signed, self.cycles, self.levels, self.behind, self.limits)

    @property
    def block(self) -> Any:
        """The block: clk, rst, sink, source, config."""
        return adder_graph

    @property
    def outputs(self) -> int:
        """Sums that are given."""
        return len(self.graph.outputs)

    @property
    def low(self) -> Bound:
        """The least input, or that of each."""
        if self.limits:
            return np.array([low for low, _ in self.limits], np.int64)
        return -(1 << (self.input_bits - 1)) if self.signed else 0

    @property
    def high(self) -> Bound:
        """The greatest input, or that of each."""
        if self.limits:
            return np.array([high for _, high in self.limits], np.int64)
        return (1 << (self.input_bits - self.signed)) - 1

    @property
    def output_bits(self) -> int:
        """Width of an output in two's complement: what the widest needs."""
        return _signed_bits(*self.graph.output_range(self.low, self.high))

    @property
    def latency(self) -> int:
        """Cycles from the inputs to the outputs."""
        return self.schedule.latency - self._shared

    @property
    def least_latency(self) -> int:
        """Cycles that it takes at the least, if it is as fast as can be."""
        return self._planner.schedule(0).latency - self._shared

    @property
    def _shared(self) -> int:
        """Stages that end with the register of what follows."""
        return int(self.behind > 0)

    @property
    def _planner(self) -> _Planner:
        return _Planner(self.graph, self.widths, self.levels, self.behind)

    @cached_property
    def ranges(self) -> list[tuple[int, int]]:
        """The least and the greatest of each value."""
        lows, highs = self.graph.ranges(self.low, self.high)
        return list(zip(lows.tolist(), highs.tolist(), strict=True))

    @cached_property
    def widths(self) -> list[int]:
        """Bits of each value: two's complement where it can be negative, else unsigned."""
        return [width_of(low, high) for low, high in self.ranges]

    @cached_property
    def schedule(self) -> Schedule:
        """Each value in the earliest stage that it can be in, or a later one where that saves registers."""
        return self._planner.schedule(None if self.cycles is None else self.cycles + self._shared)

    def bill(self, family: Family) -> Cost:
        """The sums, the registers behind them, and those of `valid`."""
        sums = (self._sum_bill(number, family) for number in range(self.graph.leaves, self.graph.size))
        kept = (family.delay(bits, cycles) for bits, cycles in zip(self.widths, self.schedule.kept, strict=True) if cycles)
        return sum(chain(sums, kept), family.registers(self.latency))

    def _low_bits(self, number: int) -> int:
        """How many low bits a sum copies from a term, the only one that has them, if that is positive."""
        first, second = sorted(self.graph.sums[number - self.graph.leaves], key=lambda term: term.shift)[:2]
        return 0 if first.negative else min(second.shift, self.widths[number] - 1)

    def _sum_bill(self, number: int, family: Family) -> Cost:
        terms, low, high = self.graph.sums[number - self.graph.leaves], self._low_bits(number), self.widths[number]
        if len(terms) == 3 and number in self.schedule.small:
            return family.adder_of_three(high - low)
        places = [tuple(self._bit(term, position) for term in terms) for position in range(low, high)]
        some_negative = any(term.negative for term in terms)
        if len(terms) == 3:
            # a bit's own LUT sees the majority below; of bits that are mostly constant there is none to find
            sums, majorities = {*zip(places, [(None,) * 3, *places], strict=False)}, {*places[:-1]}
            found = sum(place.count(None) < (3 if some_negative else 2) for place in majorities)
            return family.adder_of_three((len(sums) + found) / 2, fast=True)
        added = sum(any(bit is None for bit in pair) <= some_negative for pair in {*places})
        return family.adder(added)

    def _bit(self, term: Term, position: int) -> int | None:
        """Which bit of its value stands in a position of a term; None where that is a constant."""
        constant = self.graph.inputs <= term.value < self.graph.leaves
        bit, width = position - term.shift, self.widths[term.value]
        if constant or bit < 0 or (bit >= width and self.ranges[term.value][0] >= 0):
            return None
        return min(bit, width - 1)


def width_of(low: int, high: int) -> int:
    """Bits of a number between both: two's complement where it can be negative, else unsigned."""
    return _signed_bits(low, high) if low < 0 else max(1, high.bit_length())


def _signed_bits(low: int, high: int) -> int:
    return 1 + max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0)


Time = tuple[int, int]
"""A stage, and a level in it."""


class _Planner:
    """Finds the stages of a graph's sums, which have `levels` levels of logic each, the last one with `behind` of another's."""

    def __init__(self, graph: AdderGraph, widths: list[int], levels: int, behind: int) -> None:
        self.graph, self.widths, self.levels, self.behind = graph, widths, levels, behind
        self.sums = dict(enumerate(graph.sums, graph.leaves))
        self.own = dict.fromkeys(self.sums, LEVELS)
        self.small = frozenset(number for number, terms in self.sums.items() if len(terms) == 3)

    def schedule(self, cycles: int | None) -> Schedule:
        """Small sums where there is time for them; then each sum in the stage that costs the fewest registers."""
        if cycles is None:
            self.own |= dict.fromkeys(self.small, SMALL_LEVELS)
        else:
            self._shrink(cycles)
        return self._place(cycles or 0)

    def _ready(self, number: int, done: list[Time]) -> Time:
        """When a sum's terms are all there."""
        return max(done[term.value] for term in self.sums[number])

    def _after(self, time: Time, levels: int) -> Time:
        """So many levels later; in the next stage, if this one has no room for them."""
        stage, level = time
        return (stage, level + levels) if level + levels <= self.levels else (stage + 1, levels)

    def _earliest(self) -> list[Time]:
        """When each value is there at the earliest."""
        done = [(0, 0)] * self.graph.size
        for number, own in self.own.items():
            done[number] = self._after(self._ready(number, done), own)
        return done

    def _end(self, done: list[Time]) -> int:
        """Stages that are needed; two at least where the last one's register is another's, as there is one here."""
        least = int(self.behind > 0)
        return 1 + max([least, *(self._after(done[term.value], self.behind)[0] for term in self.graph.outputs)])

    def _shrink(self, cycles: int) -> None:
        """From the inputs on, where there are most sums: a sum is small if all that follows can still be in time."""
        due = [(max(cycles, self._end(self._earliest())) - 1, self.levels - self.behind)] * self.graph.size
        for number, own in reversed(self.own.items()):
            stage, level = due[number]
            begin = (stage, level - own) if level >= own else (stage - 1, self.levels - own)
            for term in self.sums[number]:
                due[term.value] = min(due[term.value], begin)
        done = [(0, 0)] * self.graph.size
        for number in self.own:
            ready = self._ready(number, done)
            if number in self.small and self._after(ready, SMALL_LEVELS) <= due[number]:
                self.own[number] = SMALL_LEVELS
            done[number] = self._after(ready, self.own[number])

    def _place(self, cycles: int) -> Schedule:
        """From the outputs back: a sum in a later stage saves registers of its own, and may need more behind its terms."""
        size, widths, done = self.graph.size, self.widths, self._earliest()
        end = max(self._end(done), cycles)
        stages, first_use, last_use = [0] * size, [end] * size, [0] * size
        behind: list[dict[int, int]] = [{} for _ in range(size)]  # levels that follow a value, in the stages that it is used in
        for term in self.graph.outputs:
            last_use[term.value] = end
            if self.behind:
                last_use[term.value], behind[term.value] = end - 1, {end - 1: self.behind}
        for number, own in reversed(self.own.items()):
            ready = self._ready(number, done)
            values = {term.value for term in self.sums[number]}

            def fits(stage: int, number: int = number, own: int = own, ready: Time = ready) -> bool:
                return (ready[1] if stage == ready[0] else 0) + own + behind[number].get(stage, 0) <= self.levels

            def registers(stage: int, number: int = number, values: set[int] = values) -> int:
                later = sum(widths[value] * max(0, stage - max(last_use[value], done[value][0])) for value in values)
                return widths[number] * (last_use[number] - stage) + later

            latest = min(first_use[number], end - 1)
            stage = stages[number] = min(filter(fits, range(latest, ready[0] - 1, -1)), key=registers)
            for value in values:
                first_use[value], last_use[value] = min(first_use[value], stage), max(last_use[value], stage)
                behind[value][stage] = max(behind[value].get(stage, 0), own + behind[number].get(stage, 0))
        constants = range(self.graph.inputs, self.graph.leaves)
        kept = (0 if number in constants else max(0, last_use[number] - stages[number]) for number in range(size))
        small = frozenset(number for number in self.small if self.own[number] == SMALL_LEVELS)
        return Schedule(tuple(stages), tuple(kept), small, end)


class AddersConfig(AdderGraphConfig):
    """The adders and registers of an adder graph, its data path, as a module of its own."""

    @property
    def module(self) -> str:
        return f"adders_{self.graph.inputs}x{len(self.graph.outputs)}_{self.digest}"

    def contents(self) -> dict[str, str]:
        """No files."""
        return {}

    def result(self, word: int) -> int:
        """The outputs side by side, for inputs side by side."""
        bits, graph = self.input_bits, self.graph
        x = []
        for number, width in enumerate(self.widths[: graph.inputs]):
            value = word >> (bits * number) & ((1 << width) - 1)
            x.append(value - (1 << width) if self.ranges[number][0] < 0 and value >> (width - 1) else value)
        outputs = graph.run(np.array([x], np.int64))[0].tolist()
        mask = (1 << self.output_bits) - 1
        return sum((value & mask) << (self.output_bits * number) for number, value in enumerate(outputs))

    def verilog(self) -> str:
        """The module's text: stage by stage the sums, a line each, and the registers behind them; then what a sum is."""
        name = self.module
        helpers = HELPERS.format(
            name=name,
            sum2=in_synthesis(lambda primitives: primitives.sum_of_two(name), SUM2),
            sum3=in_synthesis(lambda primitives: primitives.sum_of_three(name), SUM3),
            fast3=in_synthesis(lambda primitives: primitives.fast_sum_of_three(name), SUM3),
            helpers=in_synthesis(lambda primitives: primitives.sum_helpers(name)),
        )
        return "\n".join(self._lines()) + "\n" + helpers

    def _lines(self) -> Iterator[str]:
        graph, stages, kept, latency = self.graph, self.schedule.stages, self.schedule.kept, self.latency
        yield "/* verilator lint_off DECLFILENAME */ // the modules of sums are in this file, too"
        yield "/* verilator lint_off UNUSEDSIGNAL */ // inputs without a weight, bits that cancel out"
        yield f"module {self.module} ("
        yield "    input wire clk,"
        yield f"    input wire [{graph.inputs * self.input_bits - 1}:0] operands,"
        yield f"    output wire [{len(graph.outputs) * self.output_bits - 1}:0] data"
        yield ");"
        for number in range(graph.inputs):
            low = number * self.input_bits
            yield f"wire {self._range(number)} {self._name(number, 0)} = operands[{low + self.widths[number] - 1}:{low}];"
        for stage in range(self.schedule.latency):
            yield f"\n// stage {stage}"
            for number in range(graph.leaves, graph.size):
                if stages[number] == stage:
                    yield self._sum(number)
            held = [n for n in range(graph.size) if stages[n] <= stage < stages[n] + kept[n]]
            for number in held:
                yield f"reg {self._range(number)} {self._name(number, stage + 1)};"
            if held:
                yield "always @(posedge clk) begin"
                for number in held:
                    yield f"    {self._name(number, stage + 1)} <= {self._name(number, stage)};"
                yield "end"
        fields = [self._bits(term, latency, 0, self.output_bits) for term in reversed(graph.outputs)]
        yield "\nassign data = {\n    " + ",\n    ".join(fields) + "\n};"
        yield "\nendmodule"

    def _range(self, number: int) -> str:
        return f"[{self.widths[number] - 1}:0]"

    def _name(self, number: int, stage: int) -> str:
        """A value as it is called in a stage."""
        age = stage - self.schedule.stages[number]
        return f"{'x' if number < self.graph.inputs else 'v'}{number}{f'_q{age}' if age else ''}"

    def _bits(self, term: Term, stage: int, low: int, high: int) -> str:
        """The bits of a term from `low` to below `high`, its sign left out of account: zeros, the value's own, its sign's."""
        number, shift = term.value, term.shift
        if self.graph.inputs <= number < self.graph.leaves:
            constant = self.graph.constants[number - self.graph.inputs] << shift >> low
            return f"{high - low}'d{constant % (1 << (high - low))}"
        name, width = self._name(number, stage), self.widths[number]
        first, last = max(low - shift, 0), min(high - shift, width)
        parts = []
        if last > first:
            parts.append(name if last - first == width else f"{name}[{last - 1}:{first}]")
        sign = high - max(low, shift + width)
        if sign > 0:
            parts.insert(0, f"{{{sign}{{{name}[{width - 1}]}}}}" if self.ranges[number][0] < 0 else f"{sign}'d0")
        zeros = min(high, shift) - low
        if zeros > 0:
            parts.append(f"{zeros}'d0")
        return parts[0] if len(parts) == 1 else f"{{{', '.join(parts)}}}"

    def _sum(self, number: int) -> str:
        """A sum's line. Low bits that only one term has, a positive one, are copied; the adder stands above them."""
        terms = sorted(self.graph.sums[number - self.graph.leaves], key=lambda term: term.negative)
        stage, width = self.schedule.stages[number], self.widths[number]
        low = self._low_bits(number)
        operands = ", ".join(self._bits(term, stage, low, width) for term in terms)
        name = self._name(number, stage)
        negatives = sum(term.negative for term in terms)
        kind = "sum2" if len(terms) == 2 else "sum3" if number in self.schedule.small else "fast3"
        head = f"{self.module}_{kind} #({width - low}, {negatives}) sum{number}"
        note = "".join(f" {'-' if term.negative else '+'} {self._written(term, stage)}" for term in terms)[3:]
        if not low:
            return f"wire {self._range(number)} {name}; {head} ({operands}, {name}); // {note}"
        copied = min(terms, key=lambda term: term.shift)
        line = f"wire {self._range(number)} {name}; assign {name}[{low - 1}:0] = {self._bits(copied, stage, 0, low)};"
        return f"{line} {head} ({operands}, {name}[{width - 1}:{low}]); // {note}"

    def _written(self, term: Term, stage: int) -> str:
        """A term as one would write it."""
        leaf = term.value - self.graph.inputs
        constant = 0 <= leaf < len(self.graph.constants)
        name = str(self.graph.constants[leaf]) if constant else self._name(term.value, stage)
        return f"({name} << {term.shift})" if term.shift else name


SUM2 = "assign sum = NEGATIVES != 0 ? a - b : a + b;"
SUM3 = "assign sum = NEGATIVES == 0 ? a + b + c : NEGATIVES == 1 ? a + b - c : a - b - c;"

HELPERS = """
// a + b, or a - b where one is negative
module {name}_sum2 #(parameter WIDTH = 1, parameter NEGATIVES = 0) (
    input wire [WIDTH-1:0] a, b,
    output wire [WIDTH-1:0] sum
);
{sum2}endmodule

// a + b + c, a + b - c, or a - b - c
module {name}_sum3 #(parameter WIDTH = 1, parameter NEGATIVES = 0) (
    input wire [WIDTH-1:0] a, b, c,
    output wire [WIDTH-1:0] sum
);
{sum3}endmodule

// the same, faster and larger
module {name}_fast3 #(parameter WIDTH = 1, parameter NEGATIVES = 0) (
    input wire [WIDTH-1:0] a, b, c,
    output wire [WIDTH-1:0] sum
);
{fast3}endmodule

{helpers}"""
"""What sums are, in simulation and in synthesis, which without primitives takes apart what the graph shares."""


@written
def adders(clk, operands, data, config):
    """data = the outputs for operands, `latency` cycles later.

    Written in Verilog because MyHDL would take minutes over thousands of adders; this is its twin for simulation.
    """
    coming = [0] * (config.latency - 1)

    @always(clk.posedge)
    def compute():
        coming.append(config.result(int(operands)))
        data.next = coming.pop(0)

    return compute


@composite
def adder_graph(clk, rst, sink, source, config):
    """source = matrix times sink, plus bias, `latency` cycles later, a vector in every cycle.

    sink: `inputs` fields of `input_bits`. source: `outputs` fields of `output_bits`, two's complement.
    """
    values = adders(clk, sink.data, source.data, config.adders)
    valid = delay(clk, rst, sink.valid, source.valid, DelayConfig(1, config.latency, reset=True))
    return values, valid
