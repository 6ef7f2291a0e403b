"""A residual sum: two ways that begin at one tensor, the earlier of which waits for the other in a queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from myhdl import always_comb, block, intbv
from numpy.typing import NDArray

from sigmabit.golden.layers.residual import Residual
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType

from ..arithmetic import steps as step
from ..arithmetic.steps import StepsConfig, steps
from ..family import FAMILY, Billed, Cost, Family
from ..verilog.fabric import Blocks, age, age_reset, bank, count, field, joined, like, pass_on, register
from ..verilog.module import composite, leaf
from ..verilog.stream import Flow, index_bits, wire
from .folding import Unsuitable
from .kind import Arrivals, Kind, Soonest, Unfolded, Use
from .layer import LayerConfig, Stage
from .timing import Times

T = TypeVar("T")


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

    @property
    def blocked(self) -> bool:
        """Does the queue live in block RAM?"""
        return self.depth >= FAMILY.block_ram_from

    def bill(self, family: Family) -> Cost:
        """The queue, the late way's delay, and an adder for each number."""
        numbers, width = len(self.late.gains), self.early.beat_bits
        queue = family.block_ram(width, self.depth) if self.blocked else family.distributed_ram(width, self.depth)
        delayed = family.logic(self.late.beat_bits * (-(-self.wait // 32))) + family.registers(self.late.beat_bits)
        products = Cost()
        for operand in (self.late, self.early) if self.multiplied else ():
            scaled = sum(family.product(operand.bits, abs(gain).bit_length()).lut for gain in operand.gains if gain & gain - 1)
            products = products + family.logic(scaled) + family.registers(self.sum_bits * numbers)
        adders = family.logic(self.sum_bits * numbers) + family.registers(self.sum_bits * numbers)
        pointers = family.logic(4 * index_bits(self.depth)) + family.registers(2 * index_bits(self.depth) + self.latency)
        return queue + delayed + family.registers(width) + products + adders + pointers

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
    # conversion gets slices of an interface's signal wrong, hence copies
    fresh, waiting, ready = like(late.data), like(late.data), like(late.valid)
    blocks.append(pass_on(late.data, fresh))
    blocks.append(age(clk, fresh, waiting, config.wait + 1))
    if config.wait:
        blocks.append(age_reset(clk, rst, late.valid, ready, config.wait))
    else:
        ready = late.valid
    write, read, kept = wire(index_bits(config.depth)), wire(index_bits(config.depth)), like(early.data)
    blocks.append(count(clk, rst, early.valid, write, None, config.depth))
    blocks.append(count(clk, rst, ready, read, None, config.depth))
    blocks.append(bank(clk, early.valid, write, early.data, read, kept))
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
    """meet: the sum of both ways. steps: what makes codes of it. swapped: is skip the way that is waited for?"""

    meet: MeetConfig
    steps: StepsConfig
    swapped: bool

    @property
    def block(self) -> Any:
        return residual

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.meet, self.steps


@composite
def residual(clk, rst, main, skip, source, config):
    """source = the codes of the sums of main's beats and skip's."""
    sums = Flow(config.meet.sum_bits * len(config.meet.late.gains))
    late, early = (skip, main) if config.swapped else (main, skip)
    return (
        meet(clk, rst, late, early, sums, config.meet),
        steps(clk, rst, sums, source, config.steps),
    )


@dataclass(frozen=True)
class ResidualKind(Unfolded):
    """A beat of each way in, a beat out. main, skip: the kinds of the layers of each way."""

    layer: Residual
    main: tuple[Kind[Any], ...]
    skip: tuple[Kind[Any], ...]

    @property
    def places(self) -> int:
        return self.main[-1].places if self.main else self.positions

    @property
    def branches(self) -> tuple[tuple[Kind[Any], ...], ...]:
        return self.main, self.skip

    @cached_property
    def needed(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each beat of a way's results, the last beat at the fork that it needs."""
        main, skip = (needs(branch, self.source.beats) for branch in self.branches)
        return main, skip

    @property
    def swapped(self) -> bool:
        """Is skip the way that is waited for?"""
        main, skip = self.needed
        return bool(np.all(skip >= main) and np.any(skip > main))

    def ordered(self, ways: tuple[T, T]) -> tuple[T, T]:
        """What belongs to main and to skip as what belongs to the way that is waited for, and to the one that waits."""
        main, skip = ways
        return (skip, main) if self.swapped else (main, skip)

    def check_positions(self) -> None:
        skip = self.skip[-1].places if self.skip else self.positions
        if skip != self.places:
            raise Unsuitable(f"{self.layer.name}: {self.places} positions side by side beside {skip}")
        late, early = self.ordered(self.needed)
        if np.any(late < early):
            beat = int(np.argmax(late < early))
            raise Unsuitable(
                f"{self.layer.name}: neither of its ways is always the later: beat {beat} needs input {late[beat]} of one, and "
                f"{early[beat]} of the other"
            )

    def needs(self, position: int) -> int:
        return int(self.ordered(self.needed)[0][position])

    @property
    def least_cycles(self) -> int:
        return self.source.beats

    def starts(self, arrivals: Arrivals, folding: None) -> Times:
        main, skip = arrivals.ways
        return self.ordered((main, skip))[0]

    def sized(self, arrivals: Arrivals, folding: None, contents: bool = True) -> ResidualConfig:
        main, skip = zip(arrivals.ways, arrivals.soonest, strict=True)
        late, early = self.ordered((main, skip))
        wait = lateness(arrivals, late, early)
        return self._configured(wait, depth_needed(arrivals, late, early, wait))

    def _configured(self, wait: int, depth: int) -> ResidualConfig:
        layer, places = self.layer, self.places
        gains = np.tile(layer.gains, places).tolist()
        operands = [_operand(end, of) for end, of in zip(layer.ends, gains, strict=True)]
        late, early = self.ordered((operands[0], operands[1]))
        low, high = layer.sum_range
        thresholds = layer.steps.thresholds
        ends = low, high, int(thresholds.min()), int(thresholds.max()), -1, 0
        sum_bits = max(2, Range(min(ends), max(ends)).bits)
        meeting = MeetConfig(layer.name, late, early, depth, wait, sum_bits)
        stepping = step.configure(layer.name, layer.steps, layer.output.channels, sum_bits, places)
        return ResidualConfig(layer.name, meeting, stepping, self.swapped)

    def expected_cost(self, folding: None, use: Use) -> Cost:
        late, early = self.ordered(self.needed)
        depth = int((np.searchsorted(early, late, side="right") - np.arange(len(late))).max())
        return self._configured(0, max(1, depth)).cost


def _operand(end: TensorType, gains: list[int]) -> Operand:
    return Operand(end.bits, end.signed, tuple(gains))


def needs(branch: Sequence[Kind[Any]], beats: int) -> NDArray[np.int64]:
    """(beats,) For each beat of a way's results, the last beat at the fork that it, or one before it, needs."""
    found = np.arange(beats)
    for kind in reversed(branch):
        found = np.maximum.accumulate([kind.needs(beat) for beat in range(kind.source.beats)])[found]
    return found


Way = tuple[Times, Soonest]
"""When the results of a way come at full speed, and from when on they can."""


def lateness(arrivals: Arrivals, late: Way, early: Way) -> int:
    """By how many cycles the late way is to be delayed so that early's beats always come before."""
    soonest = late[1].times(arrivals.beats)
    return max(0, int((early[0] - soonest).max()) + 1)


def depth_needed(arrivals: Arrivals, late: Way, early: Way, wait: int) -> int:
    """Beats of the early way that wait at the most, whatever the pauses between beats at the fork.

    A beat may take the place of another one if it needs an input that the late beat which takes that one needs, or a later input,
    and at full speed comes no earlier than that late beat even if it has waited for nothing on its way.
    """
    (frames, beats), inputs, read = late[0].shape, arrivals.beats.shape[1], late[0] + wait
    spare = int(read.max() - arrivals.beats[-1, 0]) // arrivals.interval + 2
    after = arrivals.beats[-1] + arrivals.interval * np.arange(1, spare + 1)[:, None]
    written = early[1].times(np.concatenate([arrivals.beats, after])).reshape(-1)
    written = np.minimum.accumulate(written[::-1])[::-1]
    of_late, of_early = (
        (inputs * np.arange(count)[:, None] + way.needs).reshape(-1)
        for way, count in ((late[1], frames), (early[1], frames + spare))
    )
    free = np.maximum(np.searchsorted(written, read.reshape(-1)), np.searchsorted(of_early, of_late))
    return max(1, int((free - np.arange(frames * beats)).max()))
