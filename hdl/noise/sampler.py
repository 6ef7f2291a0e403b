"""Vectors of Gaussian samples, ahead of their use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from myhdl import Signal, always, always_comb, always_seq, intbv

from sigmabit.golden.noise.gaussian import BITS, EARLY
from sigmabit.golden.noise.uniform import WORD

from ..arithmetic.delay import Copies, copy_each
from ..family import Billed, Cost, Family
from ..verilog.fabric import age_reset, joined
from ..verilog.module import composite, leaf
from ..verilog.stream import bit, wire
from .gaussian import GaussianConfig, gaussian
from .seeder import LANES, SeederConfig, seeder
from .source import Wires
from .uniform import UniformConfig, uniform

PLACES = 16
"""Vectors that are waiting or on their way, besides the one that stands at the port."""

SETTLED = PLACES + 8
"""Cycles after seeding in which the queue has filled, and the first vector goes to the port."""


@dataclass(frozen=True)
class SamplerConfig(Billed):
    """lanes: samples of a vector, each from a generator of its own."""

    lanes: int

    def __post_init__(self) -> None:
        if self.lanes < 1:
            raise ValueError(f"lanes={self.lanes} is below 1")

    @property
    def module(self) -> str:
        return f"sampler_{self.lanes}"

    @property
    def block(self) -> Any:
        """The sampler."""
        return sampler

    def joins(self, wires: Wires) -> tuple[Any, ...]:
        """What its block takes of a pipeline."""
        return wires.seed, wires.consume, wires.eps, wires.ready

    @property
    def seeded(self) -> bool:
        """It begins with a seed that is given at run time."""
        return True

    @property
    def offered_bits(self) -> int:
        """It takes nothing from outside."""
        return 0

    def seed(self) -> Signal:
        """64 bits."""
        return wire(64)

    def vectors(self) -> None:
        """It makes its own."""

    @property
    def seeder(self) -> SeederConfig:
        """What seeds the lanes."""
        return SeederConfig(self.lanes)

    @property
    def uniforms(self) -> tuple[UniformConfig, ...]:
        """The generators, in the order of the chain that they are loaded by: the seeder and the next lane read their states."""
        if self.lanes == 1:
            return (UniformConfig(EARLY, 0),)
        return tuple(UniformConfig(EARLY, shown) for shown in (2, *[1] * (self.lanes - 2), 0))

    @property
    def gaussian(self) -> GaussianConfig:
        """What makes samples of words."""
        return GaussianConfig()

    @property
    def latency(self) -> int:
        """Cycles from the order of a vector until it is in the queue."""
        return self.uniforms[0].latency + self.gaussian.latency + 1

    @property
    def seeding_cycles(self) -> int:
        """Cycles from the end of reset until `ready`."""
        return self.seeder.latency + SETTLED + 2

    @property
    def vector_bits(self) -> int:
        """Bits of a vector."""
        return self.lanes * BITS

    def bill(self, family: Family) -> Cost:
        """The lanes, the seeder, and a queue."""
        total = self.seeder.bill(family) + family.distributed_ram(self.vector_bits, PLACES)
        total += family.logic(16) + family.registers(self.vector_bits + 22)
        for config in self.uniforms:
            total += config.bill(family) + self.gaussian.bill(family)
        return total


@dataclass(frozen=True)
class OrdersConfig:
    """latency: cycles from an order until its vector is in the queue. copies: of the order, each for some of the lanes."""

    latency: int
    copies: int = 1

    @property
    def module(self) -> str:
        return f"sampler_orders_{self.latency}" + (f"_{self.copies}copies" if self.copies > 1 else "")


@dataclass(frozen=True)
class QueueConfig:
    """lanes: samples of a vector."""

    lanes: int

    @property
    def module(self) -> str:
        return f"sampler_queue_{self.lanes}"


class Samples:
    """A sample of each lane."""

    def __init__(self, lanes: int) -> None:
        for lane in range(lanes):
            setattr(self, f"lane_{lane}", wire(BITS))

    @property
    def lanes(self) -> list[Signal]:
        """The samples, lane 0 first."""
        return list(vars(self).values())


@leaf
def sampler_orders(clk, rst, seeded, take, steps, arrived, move, ready, config):
    """steps: 16 vectors are ordered after seeding, and one for each that moves to the port.

    move: the first, then at each take.
    """
    age = Signal(intbv(0)[5:])
    settled, last = SETTLED, SETTLED + 1
    prime, stepping = bit(), bit()

    @always_seq(clk.posedge, reset=rst)
    def order():
        prime.next = age == settled
        ready.next = ready or prime
        if seeded and age != last:
            age.next = age + 1

    @always_comb
    def advance():
        move.next = take or prime

    @always_comb
    def decide():
        stepping.next = move or (seeded and age < PLACES)

    following = age_reset(clk, rst, steps.bits[0], arrived, config.latency - 1)
    return order, advance, decide, copy_each(clk, rst, stepping, steps), following


@leaf
def sampler_queue(clk, rst, samples, arrived, move, eps, config):
    """Keeps the samples that arrived, and shows the next vector where they move."""
    vector = joined(samples.lanes)
    words = [wire(config.lanes * BITS) for _ in range(PLACES)]
    head, tail = (Signal(intbv(0)[4:]) for _ in range(2))
    last = PLACES - 1

    @always_seq(clk.posedge, reset=rst)
    def count():
        if arrived:
            tail.next = tail + 1 if tail != last else 0
        if move:
            head.next = head + 1 if head != last else 0

    @always(clk.posedge)
    def store():
        if arrived:
            words[tail].next = vector

    @always(clk.posedge)
    def show():
        if move:
            eps.next = words[head]

    return count, store, show


@composite
def sampler(clk, rst, seed, take, eps, ready, config):
    """Vectors of Gaussian samples, as golden has them, one per cycle for ever.

    seed: 64 bits, read in the last cycle of reset. ready: low until the lanes are seeded and the queue has filled, high from then
    on. eps: the vector that is next, lane 0 lowest, 16 bits a sample in two's complement, 11 of them fraction. take: it is
    consumed in this cycle, and the one after it stands there in the next; low until ready.
    """
    lanes = config.lanes
    loads, steps = Copies(config.seeder.copies), Copies(config.seeder.copies)
    seeded, arrived, move = (bit() for _ in range(3))
    step = steps.bits[0]
    step_first = step if lanes == 1 else bit()
    source, samples = wire(WORD), Samples(lanes)
    first, second = (wire(WORD), wire(WORD)) if lanes > 1 else (None, None)
    jumps = (first, second, step) if lanes > 1 else (None, None, None)
    instances: list[Any] = [
        sampler_orders(clk, rst, seeded, take, steps, arrived, move, ready, OrdersConfig(config.latency, config.seeder.copies)),
        seeder(clk, rst, seed, *jumps, loads, source, step_first if lanes > 1 else None, seeded, config.seeder),
    ]
    for lane, sample in enumerate(samples.lanes):
        early, late, generator = wire(EARLY), wire(WORD - EARLY), config.uniforms[lane]
        shown = first if lane == 0 else wire(WORD) if generator.shown else None
        state = (shown, second if lane == 0 else None)
        load, step = loads.bits[lane // LANES], steps.bits[lane // LANES]
        instances.append(uniform(clk, load, step_first if lane == 0 else step, source, *state, early, late, generator))
        instances.append(gaussian(clk, early, late, sample, config.gaussian))
        source = shown
    instances.append(sampler_queue(clk, rst, samples, arrived, move, eps, QueueConfig(lanes)))
    return instances
