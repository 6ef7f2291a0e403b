"""The sampling layer: an encoder's result, once for each sample, reparameterised with samples that only good frames consume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from myhdl import Signal, always, always_comb, always_seq, intbv

from sigmabit.golden.sampling.exponential import VALUE_BITS
from sigmabit.golden.sampling.latent import Latent

from ..arithmetic.tabulate import TabulateConfig, tabulate
from ..family import Cost, Family
from ..layers.folding import Folding, Unsuitable
from ..layers.kind import Arrivals, Kind, Use
from ..layers.layer import LayerConfig, Stage, Surroundings
from ..layers.timing import Times
from ..noise.sampler import SamplerConfig
from ..verilog.fabric import Blocks, age, field, joined, low, pass_on
from ..verilog.module import composite, leaf
from ..verilog.stream import Flow, bit, wire
from .deviations import DeviationsConfig, deviations
from .draw import DrawConfig, draw
from .exponential import saturate
from .reparameterise import ReparameteriseConfig, displace
from .replay import ReplayConfig, replay
from .tabled import MOST_BITS, WAYS, TabledConfig, applies


@dataclass(frozen=True)
class WaitConfig:
    """bits: of a beat. frames: statuses that may be ahead of their frame's beat."""

    bits: int
    frames: int

    @property
    def module(self) -> str:
        return f"latent_wait_{self.bits}_{self.frames}"

    def bill(self, family: Family) -> Cost:
        """Expected size: a register for the beat, and a counter."""
        return Cost(6) + family.delay(self.bits + self.frames.bit_length() + 2, 1)

    @property
    def latency(self) -> int:
        """Cycles from a beat, if its frame's status has come the cycle before, to the same beat."""
        return 1


@dataclass(frozen=True)
class CarryConfig:
    """heads: bits of the means and of what makes deviations. carried, bits: codes behind them, and their width. results: bits of
    the samples; result_bits: of one of them. wait: cycles from heads to samples.
    """

    heads: int
    carried: int
    bits: int
    results: int
    result_bits: int
    wait: int

    @property
    def module(self) -> str:
        shape = f"{self.heads}_{self.carried}x{self.bits}_{self.results}_{self.result_bits}_{self.wait}"
        return f"latent_carry_{shape}"

    def bill(self, family: Family) -> Cost:
        """Expected size: shift registers in LUTs, a LUT for 32 cycles, and the last register."""
        width = self.carried * min(self.bits, self.result_bits)
        return family.logic(width * (-(-self.wait // 32))) + family.registers(width)


@dataclass(frozen=True)
class LatentConfig(LayerConfig):
    """name: the layer's. wait: for the frame's status, None where that is always first. replay: None for a single sample.
    sampling: the arithmetic, as it is or sooner. draw: who consumes samples. deviations: None where they are exponentials. carry:
    None where no codes are carried.
    """

    wait: WaitConfig | None
    replay: ReplayConfig | None
    sampling: ReparameteriseConfig | TabledConfig
    draw: DrawConfig
    deviations: DeviationsConfig | None = None
    carry: CarryConfig | None = None

    @property
    def block(self) -> Any:
        return latent

    def joins(self, surroundings: Surroundings) -> tuple[Any, ...]:
        return surroundings.status, surroundings.eps, surroundings.consume

    @property
    def stages(self) -> tuple[Stage, ...]:
        return tuple(stage for stage in (self.wait, self.replay, self.deviations, self.sampling) if stage is not None)

    def bill(self, family: Family) -> Cost:
        """Expected size."""
        carry = Cost() if self.carry is None else self.carry.bill(family)
        return super().bill(family) + self.draw.bill(family) + carry


def arithmetic(layer: Latent) -> ReparameteriseConfig:
    """What a layer computes."""
    return ReparameteriseConfig(
        *(layer.latents, layer.input.bits, layer.fraction, layer.z_bits, layer.z_fraction, layer.log_sigma, layer.score),
        None if layer.table is None else layer.table.value_fraction,
    )


def configure(
    layer: Latent, samples: int, pace: int, frames: int, early: bool = False, folding: Folding | None = None
) -> LatentConfig:
    """The blocks of a layer: so many samples of a frame, `pace` cycles apart.

    frames: whose statuses may have come before their last sample is read. early: a frame's means and logarithms may come before
    its status. folding: None, or an eager one, where codes are looked up whole, with what its products are made by.
    """
    table, sampling = layer.table, arithmetic(layer)
    if sampling.result_bits != layer.result_bits:
        raise ValueError(f"{layer.name}: results of {sampling.result_bits} bits, golden has {layer.result_bits}")
    bits = layer.input.layout.beat_bits
    waiting = WaitConfig(bits, frames) if early else None
    replayed = ReplayConfig(bits, samples, pace) if samples > 1 else None
    tabulated = None
    if table is not None:
        words = TabulateConfig(layer.name, layer.latents, VALUE_BITS, tuple(table.words.tolist()))
        tabulated = DeviationsConfig(layer.input.bits, words)
    drawing = DrawConfig(samples, frames)
    sampled = sampling if folding is None else TabledConfig(sampling, folding.products)
    carry = None
    if layer.carried:
        heads, results = 2 * layer.latents * layer.input.bits, sampling.outputs * layer.result_bits
        wait = sampled.latency + (0 if tabulated is None else tabulated.latency)
        carry = CarryConfig(heads, layer.carried, layer.input.bits, results, layer.result_bits, wait)
    return LatentConfig(layer.name, waiting, replayed, sampled, drawing, tabulated, carry)


@leaf
def latent_wait(clk, rst, sink, done, source, config):
    """source = sink's beats, each a cycle after it has come and two after its frame's status has, whichever is later.

    done: a status comes. A frame's beat comes before the next frame's status, and three cycles or more after that of the frame
    before.
    """
    ahead = Signal(intbv(0, min=0, max=config.frames + 1))
    waiting, go = bit(), bit()

    @always_comb
    def decide():
        go.next = (sink.valid or waiting) and ahead != 0

    @always(clk.posedge)
    def hold():
        if sink.valid:
            source.data.next = sink.data

    @always_seq(clk.posedge, reset=rst)
    def follow():
        source.valid.next = go
        waiting.next = (sink.valid or waiting) and not go
        if done and not go:
            ahead.next = ahead + 1
        elif go and not done:
            ahead.next = ahead - 1

    return decide, hold, follow


@leaf
def latent_carry(clk, sink, heads, drawn, source, config):
    """heads = sink's means and what makes deviations; source = the samples drawn of them, and behind these sink's other codes.

    sink: heads in the low bits, then config.carried codes. drawn: config.wait cycles after heads. source's codes are of
    config.result_bits; a carried one that they do not hold is the nearest that they do.
    """
    blocks: Blocks = []
    data, samples = wire(config.heads + config.carried * config.bits), wire(config.results)
    late = wire(config.carried * config.bits)
    blocks.append(pass_on(sink.data, data))
    blocks.append(pass_on(low(data, config.heads), heads.data))
    blocks.append(pass_on(sink.valid, heads.valid))
    blocks.append(age(clk, data(len(data), config.heads), late, config.wait))
    blocks.append(pass_on(drawn.data, samples))
    codes = [samples]
    for number in range(config.carried):
        code = wire(config.result_bits)
        blocks.append(saturate(field(late, number, config.bits), code))
        codes.append(code)
    blocks.append(pass_on(joined(codes), source.data))
    blocks.append(pass_on(drawn.valid, source.valid))
    return blocks


@composite
def latent(clk, rst, sink, status, eps, consume, source, config):
    """source = for each beat of means and logarithms on sink, its samples. eps: a vector of the standard normal, till consume."""
    take = bit()
    heads, instances = sink, []
    if config.wait is not None:
        heads = Flow(config.wait.bits)
        instances.append(latent_wait(clk, rst, sink, status.done, heads, config.wait))
    if config.replay is not None:
        once, heads = heads, Flow(config.replay.bits)
        instances.append(replay(clk, rst, once, heads, config.replay))
    if config.carry is not None:
        whole, heads = heads, Flow(config.carry.heads)
        results, source = source, Flow(config.carry.results)
        instances.append(latent_carry(clk, whole, heads, source, results, config.carry))
    if config.deviations is None:
        instances.append(config.sampling.block(clk, rst, heads, eps, take, source, config.sampling))
    else:
        found = config.deviations
        codes, values = wire(found.code_bits), wire(found.value_bits)
        spread = Flow(found.code_bits + found.value_bits)
        instances.append(deviations(clk, rst, heads, codes, values, spread, found))
        instances.append(tabulate(clk, codes, values, found.table))
        instances.append(displace(clk, rst, spread, eps, take, source, config.sampling))
    instances.append(draw(clk, rst, status, take, consume, config.draw))
    return instances


@dataclass(frozen=True)
class LatentKind(Kind[Folding | None]):
    """The samples of each frame, as far apart as what follows may take. A folding is only asked for where it is eager."""

    layer: Latent

    @property
    def places(self) -> int:
        return self.positions

    def foldings(self) -> Iterator[Folding]:
        """As it is, or without multipliers, where there are none left."""
        usual = Folding(1, 1, self.layer.input.channels)
        yield usual
        yield from (folding for folding in self._whole(usual) if folding.products != usual.products)

    def hastened(self, folding: Folding) -> Iterator[Folding]:
        if not folding.eager:
            yield from (eager for eager in self._whole(folding) if eager.products == folding.products)

    def _whole(self, usual: Folding) -> Iterator[Folding]:
        """Those that look up whole codes."""
        if applies(arithmetic(self.layer)):
            yield from (replace(usual, eager=True, products=products) for products in WAYS)

    def folding(self, given: Folding | None) -> Folding | None:
        usual = Folding(1, 1, self.layer.input.channels)
        if given is None or given == usual:
            return None
        if given not in self._whole(usual):
            asked = f"eager={str(given.eager).lower()} with products={given.products} for codes of {self.layer.input.bits} bits"
            ways = " or ".join(WAYS)
            raise Unsuitable(f"{self.layer.name}: {asked}; it is eager with products={ways} for up to {MOST_BITS} bits, or usual")
        return given

    def folds(self, folding: Folding | None) -> int:
        return 1

    def cycles(self, folding: Folding | None) -> int:
        return self.least_cycles

    @property
    def least_cycles(self) -> int:
        return self.sink.beats

    def delay(self, folding: Folding | None) -> int:
        return self._configured(1, _eager(folding)).latency - self._configured(1, None).latency

    def needs(self, position: int) -> int:
        return position

    def starts(self, arrivals: Arrivals, folding: Folding | None) -> Times:
        begun = arrivals.beats[:, -1]
        if arrivals.early:
            begun = np.maximum(begun, arrivals.statuses + 1)
        return (begun[:, None] + self._pace(arrivals) * np.arange(arrivals.samples)).reshape(-1, 1)

    def sized(self, arrivals: Arrivals, folding: Folding | None, contents: bool = True) -> LatentConfig:
        samples, pace, folding = arrivals.samples, self._pace(arrivals), _eager(folding)
        starts = self.starts(arrivals, folding).reshape(-1, samples)
        if np.any(np.diff(starts[:, 0]) < samples * pace):
            raise Unsuitable(f"{self.layer.name}: frames come less than {samples * pace} cycles apart")
        reads = starts[:, -1] + configure(self.layer, samples, pace, 1, arrivals.early, folding).latency
        # statuses that are waiting for their frame's last read
        frames = int(np.max(reads - arrivals.statuses)) // arrivals.interval + 2
        return configure(self.layer, samples, pace, frames, arrivals.early, folding)

    def expected_cost(self, folding: Folding | None, use: Use) -> Cost:
        """The sampler's, too."""
        sampler = SamplerConfig(self.layer.latents).bill(use.family)
        return self._configured(use.samples, _eager(folding)).bill(use.family) + sampler

    def _configured(self, samples: int, folding: Folding | None) -> LatentConfig:
        return configure(self.layer, samples, pace=1, frames=1, folding=folding)

    @staticmethod
    def _pace(arrivals: Arrivals) -> int:
        """Cycles between samples."""
        return arrivals.interval // arrivals.samples


def _eager(folding: Folding | None) -> Folding | None:
    """A folding, if codes are looked up whole."""
    return folding if folding is not None and folding.eager else None
