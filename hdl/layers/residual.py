"""A residual sum: two ways that begin at one tensor, the earlier of which waits for the other in a queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from myhdl import always_comb, block, intbv

from sigmabit.golden.arithmetic.steps import Steps
from sigmabit.golden.layers.residual import Residual
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType

from ..arithmetic import stepping
from ..arithmetic.stepping import Stepping
from ..family import Billed, Cost, Family
from ..verilog.fabric import Blocks, age_reset, field, joined, like, pass_on, register
from ..verilog.module import composite, leaf
from ..verilog.stream import Flow, bit, wire
from .layer import LayerConfig, Stage
from .ways import WaysKind, bring_together, queue_bill


@dataclass(frozen=True)
class Operand:
    """Numbers of one way in a beat: their width, and what each of them is multiplied by."""

    bits: int
    signed: bool
    gains: tuple[int, ...]

    @property
    def beat_bits(self) -> int:
        """Width of a beat."""
        return self.bits * len(self.gains)

    @property
    def multiplied(self) -> bool:
        """Is there a gain that is no power of two, up to its sign?"""
        return any(abs(gain) & (abs(gain) - 1) for gain in self.gains)


@dataclass(frozen=True)
class MeetConfig(Billed):
    """late, early: numbers of the way that is waited for, and of the one that waits. depth: beats that wait at most. wait: cycles
    by which the late way is delayed, besides. sum_bits: width of a sum.
    """

    name: str
    late: Operand
    early: Operand
    depth: int
    wait: int
    sum_bits: int

    def __post_init__(self) -> None:
        if len(self.late.gains) != len(self.early.gains):
            raise ValueError(f"{self.name}: {len(self.late.gains)} numbers beside {len(self.early.gains)}")
        if self.depth < 1 or self.wait < 0:
            raise ValueError(f"{self.name}: depth={self.depth} is below 1, or wait={self.wait} below 0")

    @property
    def module(self) -> str:
        return f"{self.name}_meet"

    @property
    def multiplied(self) -> bool:
        """Does it take a cycle to multiply by the gains?"""
        return self.late.multiplied or self.early.multiplied

    def bill(self, family: Family) -> Cost:
        """The queue, the late way's delay, and an adder for each number."""
        numbers = len(self.late.gains)
        queue = queue_bill(family, self.late.beat_bits, self.early.beat_bits, self.depth, self.wait)
        products = Cost()
        for operand in (self.late, self.early) if self.multiplied else ():
            rows = sum((abs(gain).bit_count() - 1) * operand.bits for gain in operand.gains)
            products = products + family.logic(rows) + family.registers(self.sum_bits * numbers)
        added = sum(self._added(*gains) for gains in zip(self.late.gains, self.early.gains, strict=True))
        adders = family.logic(added) + family.registers(self.sum_bits * numbers)
        return queue + products + adders + family.registers(self.latency - self.wait)

    def _added(self, late_gain: int, early_gain: int) -> int:
        """Bits of a sum that two numbers have a part in; where one of them is taken away, all from its lowest one on."""
        numbers = ((self.late, late_gain), (self.early, early_gain))
        low = max((gain & -gain).bit_length() - 1 for _, gain in numbers)
        if late_gain < 0 or early_gain < 0:
            return self.sum_bits - low
        ends = [(operand.signed, operand.bits + gain.bit_length() - 1) for operand, gain in numbers]
        unsigned = [end for signed, end in ends if not signed]
        return max(0, min((self.sum_bits, *unsigned)) - low)

    @property
    def latency(self) -> int:
        """Cycles from the late way's numbers to sums: their delay, one to read the queue, perhaps one to multiply, one to add."""
        return self.wait + 2 + self.multiplied


@block
def scale(number, product, gain):
    """product = number * gain, modulo its size, which is number's."""
    size = len(product)

    @always_comb
    def multiply():
        result = intbv(0)[2 * size :]
        result[:] = number * gain
        product.next = result[size:]

    return multiply


@block
def combine(first, second, total, first_falls, second_falls):
    """total = first + second, each with a minus in front if it falls; modulo its size, which is theirs."""
    size = len(total)
    above = 1 << (size + 1)

    if not first_falls and not second_falls:

        @always_comb
        def add_both():
            result = intbv(0)[size + 1 :]
            result[:] = first + second
            total.next = result[size:]

        return add_both

    if first_falls and second_falls:

        @always_comb
        def take_both():
            both = intbv(0)[size + 1 :]
            result = intbv(0)[size + 2 :]
            both[:] = first + second
            result[:] = above - both
            total.next = result[size:]

        return take_both

    more, less = (second, first) if first_falls else (first, second)

    @always_comb
    def take_one():
        high = intbv(0)[size + 2 :]
        result = intbv(0)[size + 2 :]
        high[:] = above | more
        result[:] = high - less
        total.next = result[size:]

    return take_one


@leaf
def meet(clk, rst, late, early, source, config):
    """source = for each number late's times its gain plus early's times its own. Latency: config.latency, from late's beats.

    Beat k of early is added to beat k of late. It comes before beat k of late, which is delayed by config.wait cycles, is there,
    and waits in a queue; beat k + config.depth of early comes no earlier than that beat, and takes its place.
    """
    blocks: Blocks = []
    waiting, kept, ready = like(late.data), like(early.data), bit()
    blocks.append(bring_together(clk, rst, late.valid, late.data, early.valid, early.data, waiting, kept, ready, config))
    sums = []
    for number, gains in enumerate(zip(config.late.gains, config.early.gains, strict=True)):
        terms = []
        for data, operand, gain in zip((waiting, kept), (config.late, config.early), gains, strict=True):
            code, product = wire(config.sum_bits), wire(config.sum_bits)
            blocks.append(pass_on(shifted(field(data, number, operand.bits), operand, abs(gain), config.sum_bits), code))
            odd = abs(gain) // (abs(gain) & -abs(gain))
            if odd > 1:
                scaled = wire(config.sum_bits)
                blocks.append(scale(code, scaled, odd))
                blocks.append(register(clk, scaled, product))
            elif config.multiplied:
                blocks.append(register(clk, code, product))
            else:
                product = code
            terms.append(product)
        total = wire(config.sum_bits)
        blocks.append(combine(terms[0], terms[1], total, gains[0] < 0, gains[1] < 0))
        sums.append(total)
    blocks.append(register(clk, joined(sums), source.data))
    blocks.append(age_reset(clk, rst, ready, source.valid, config.latency - config.wait))
    return blocks


def shifted(code: Any, operand: Operand, gain: int, bits: int) -> Any:
    """A number as wide as a sum, in two's complement, times the power of two that divides its gain."""
    places = (gain & -gain).bit_length() - 1
    parts: list[Any] = ["0" * places] if places else []
    parts.append(code)
    sign = code if operand.bits == 1 else code(operand.bits - 1)
    parts.extend((sign if operand.signed else "0") for _ in range(bits - places - operand.bits))
    return joined(parts)


@dataclass(frozen=True)
class ResidualConfig(LayerConfig):
    """meet: the sum of both ways. steps: what makes codes of it; None leaves it as it is. swapped: is skip the way that is waited
    for?
    """

    meet: MeetConfig
    steps: Stepping | None
    swapped: bool

    @property
    def block(self) -> Any:
        return whole if self.steps is None else residual

    @property
    def stages(self) -> tuple[Stage, ...]:
        return (self.meet,) if self.steps is None else (self.meet, self.steps)


@composite
def residual(clk, rst, main, skip, source, config):
    """source = the codes of the sums of main's beats and skip's."""
    sums = Flow(config.meet.sum_bits * len(config.meet.late.gains))
    late, early = (skip, main) if config.swapped else (main, skip)
    return (
        meet(clk, rst, late, early, sums, config.meet),
        config.steps.block(clk, rst, sums, source, config.steps),
    )


@composite
def whole(clk, rst, main, skip, source, config):
    """source = the sums of main's beats and skip's, as they are."""
    late, early = (skip, main) if config.swapped else (main, skip)
    return meet(clk, rst, late, early, source, config.meet)


@dataclass(frozen=True)
class ResidualKind(WaysKind):
    """A beat of each way in, a beat of codes or of sums out."""

    layer: Residual

    def configured(self, wait: int, depth: int) -> ResidualConfig:
        layer, places = self.layer, self.places
        gains = np.tile(layer.gains, places).tolist()
        operands = [_operand(end, of) for end, of in zip(layer.ends, gains, strict=True)]
        late, early = self.ordered((operands[0], operands[1]))
        sum_bits = layer.output.bits if layer.steps is None else _compared_bits(layer.sum_range, layer.steps)
        meeting = MeetConfig(layer.name, late, early, depth, wait, sum_bits)
        made = None
        if layer.steps is not None:
            made = stepping.configure(layer.name, layer.steps, layer.output.channels, sum_bits, places)
        return ResidualConfig(layer.name, meeting, made, self.swapped)


def _compared_bits(sums: tuple[int, int], thresholds: Steps) -> int:
    """Width of a sum, and of each threshold that it is compared with."""
    ends = *sums, int(thresholds.thresholds.min()), int(thresholds.thresholds.max()), -1, 0
    return max(2, Range(min(ends), max(ends)).bits)


def _operand(end: TensorType, gains: list[int]) -> Operand:
    return Operand(end.bits, end.signed, tuple(gains))
