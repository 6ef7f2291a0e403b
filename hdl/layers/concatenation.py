"""Two ways that begin at one tensor, whose channels go on side by side; the earlier waits for the other in a queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sigmabit.golden.layers.concatenation import Concatenation
from sigmabit.golden.types.tensor import TensorType

from ..family import Billed, Cost, Family
from ..verilog.fabric import Blocks, age_reset, field, joined, like, pass_on
from ..verilog.module import leaf
from ..verilog.stream import bit, wire
from .layer import LayerConfig, Stage
from .ways import WaysKind, bring_together, queue_bill


@dataclass(frozen=True)
class Part:
    """What one way gives: channels, width and sign of their codes."""

    channels: int
    bits: int
    signed: bool


@dataclass(frozen=True)
class ConcatenationConfig(Billed, LayerConfig):
    """main, skip: what each way gives. bits: of a code of the result. places: positions side by side. depth: beats that wait at
    most. wait: cycles by which the late way is delayed. swapped: is skip the way that is waited for?
    """

    main: Part
    skip: Part
    bits: int
    places: int
    depth: int
    wait: int
    swapped: bool

    def __post_init__(self) -> None:
        if self.depth < 1 or self.wait < 0:
            raise ValueError(f"{self.name}: depth={self.depth} is below 1, or wait={self.wait} below 0")
        if self.bits < max(self.main.bits, self.skip.bits):
            raise ValueError(f"{self.name}: bits={self.bits} for codes of {self.main.bits} and {self.skip.bits} bits")

    @property
    def block(self) -> Any:
        return concatenation

    @property
    def stages(self) -> tuple[Stage, ...]:
        return ()

    def bill(self, family: Family) -> Cost:
        """The queue, and the late way's delay."""
        widths = [self.places * part.channels * part.bits for part in (self.main, self.skip)]
        late, early = reversed(widths) if self.swapped else widths
        return queue_bill(family, late, early, self.depth, self.wait) + family.registers(1)

    @property
    def latency(self) -> int:
        """Cycles from the late way's codes: their delay, and one to read the queue."""
        return self.wait + 1


@leaf
def concatenation(clk, rst, main, skip, source, config):
    """source = the codes of main's beats and of skip's, position by position. Latency: config.latency, from the late way's beats.

    Beat k of the early way comes before beat k of the late one, which is delayed by config.wait cycles, is there, and waits in a
    queue; beat k + config.depth comes no earlier than that beat, and takes its place.
    """
    blocks: Blocks = []
    late, early = (skip, main) if config.swapped else (main, skip)
    waiting, kept, ready = like(late.data), like(early.data), bit()
    blocks.append(bring_together(clk, rst, late.valid, late.data, early.valid, early.data, waiting, kept, ready, config))
    first, second = (kept, waiting) if config.swapped else (waiting, kept)
    codes = []
    for place in range(config.places):
        for data, part in ((first, config.main), (second, config.skip)):
            for channel in range(part.channels):
                code, wide = field(data, place * part.channels + channel, part.bits), wire(config.bits)
                sign = code if part.bits == 1 else code(part.bits - 1)
                filler = [sign if part.signed else "0"] * (config.bits - part.bits)
                blocks.append(pass_on(joined([code, *filler]), wide))
                codes.append(wide)
    blocks.append(pass_on(joined(codes), source.data))
    blocks.append(age_reset(clk, rst, ready, source.valid, 1))
    return blocks


@dataclass(frozen=True)
class ConcatenationKind(WaysKind):
    """A beat of each way in, a beat of both out."""

    layer: Concatenation

    def configured(self, wait: int, depth: int) -> ConcatenationConfig:
        main, skip = map(_part, self.layer.ends)
        bits = self.layer.output.bits
        return ConcatenationConfig(self.layer.name, main, skip, bits, self.places, depth, wait, self.swapped)


def _part(end: TensorType) -> Part:
    return Part(end.channels, end.bits, end.signed)
