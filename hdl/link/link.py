"""The device's end of the host link, and a pipeline behind it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from myhdl import Signal

from sigmabit.golden.link.controller import Traffic
from sigmabit.golden.link.framer import CRC_BYTES, HEADER_BYTES
from sigmabit.golden.network.identity import identity
from sigmabit.golden.types.layout import Layout

from ..family import Billed, Cost, Family
from ..pipeline.top import PipelineConfig, ResetConfig, pipeline, reset_register
from ..planning.plan import Plan, PlanError
from ..verilog.keywords import system_name
from ..verilog.module import composite, outline
from ..verilog.stream import Counters, Flow, Stream, VectorStream, bit, reset, wire
from .controller import ControllerConfig, controller
from .deframer import DeframerConfig, deframer
from .framer import framer
from .uart_receiver import UartReceiverConfig, uart_receiver
from .uart_transmitter import UartTransmitterConfig, uart_transmitter

BAUD_ERROR = 0.02
"""By how much a bit's length may be off: a fifth of a bit at the end of a byte, and as much for the other side."""

MOST_REQUEST_BYTES = 1024
"""Payload that a request is filled up to, where more than one frame fits: enough for its own bytes to weigh little."""

WINDOW = 4
"""Requests on their way at once: what hides the time that a USB adapter keeps bytes for."""


@dataclass(frozen=True)
class LinkConfig(Billed):
    """control: the controller's. divisor: cycles per bit on the line."""

    control: ControllerConfig
    divisor: int

    @property
    def module(self) -> str:
        return "link"

    @property
    def receiver(self) -> UartReceiverConfig:
        """From the line to bytes."""
        return UartReceiverConfig(self.divisor)

    @property
    def transmitter(self) -> UartTransmitterConfig:
        """From bytes to the line."""
        return UartTransmitterConfig(self.divisor)

    @property
    def inbox(self) -> DeframerConfig:
        """Room for as many requests as may be on their way, and the last one's CRC."""
        traffic = self.control.traffic
        words = traffic.window * (HEADER_BYTES + traffic.request_bytes) + CRC_BYTES
        return DeframerConfig(traffic.request_bytes, 1 << words.bit_length())

    def bill(self, family: Family) -> Cost:
        """That of its parts."""
        parts = self.receiver, self.inbox, self.control, self.control.answers, self.transmitter
        return sum((part.bill(family) for part in parts), Cost())

    @property
    def latency(self) -> int:
        """Cycles from the first low of a status request's last byte to the first low of its answer."""
        # the last byte is a zero; the line is low from the cycle after the one in which the byte is taken
        transfers = self.inbox.latency + self.control.latency + self.control.answers.latency + self.transmitter.latency
        return self.receiver.latency + transfers


@composite
def link(clk, rst, rx, tx, s_axis, m_axis, counters, seed, core_aresetn, config):
    """Requests from the serial line rx, answers to tx; between them, frames to s_axis and results from m_axis.

    counters: the network's. seed: its sampler's, or None. core_aresetn: its reset. tx must be made as Signal(bool(1)).
    """
    received, broken = Flow(8), bit()
    head, waiting, take, refused = wire(9), bit(), bit(), wire(32)
    answers = config.control.answers
    write, address, data = bit(), wire(answers.address_bits), wire(8)
    start, slot, busy, sent = bit(), wire(answers.slot_bits), bit(), VectorStream(8)
    inbox, outbox = (head, waiting, take, refused), (write, address, data, start, slot, busy)
    return [
        uart_receiver(clk, rst, rx, received, broken, config.receiver),
        deframer(clk, rst, received, broken, *inbox, config.inbox),
        controller(clk, rst, *inbox, *outbox, s_axis, m_axis, counters, seed, core_aresetn, config.control),
        framer(clk, rst, *outbox, sent, answers),
        uart_transmitter(clk, rst, sent, tx, config.transmitter),
    ]


@dataclass(frozen=True)
class SystemConfig:
    """link: its configuration. core: the pipeline's."""

    link: LinkConfig
    core: PipelineConfig

    @property
    def module(self) -> str:
        return system_name(self.core.name)


@composite
def system(aclk, aresetn, rx, tx, counters, config):
    """A pipeline that answers over a serial line. counters: the pipeline's, for lamps."""
    core = config.core
    rst, core_aresetn = reset(), bit()
    s_axis, m_axis = Stream(core.ingress.channels * core.ingress.field), Stream(core.egress.channels * core.egress.field)
    results = VectorStream(len(m_axis.tdata), of=m_axis)
    seed = None if core.noise is None else core.noise.seed()
    return [
        reset_register(aclk, aresetn, rst, ResetConfig()),
        link(aclk, rst, rx, tx, s_axis, results, counters, seed, core_aresetn, config.link),
        pipeline(aclk, core_aresetn, s_axis, m_axis, counters, None, seed, None, core),
    ]


class System:
    """A system with its ports."""

    def __init__(self, config: SystemConfig) -> None:
        self.config = config
        self.aclk, self.aresetn = bit(), bit()
        self.rx, self.tx = Signal(bool(1)), Signal(bool(1))
        self.counters = Counters()

    def outline(self) -> Any:
        """The block without what is inside its leaves: what conversion starts from."""
        with outline():
            return system(self.aclk, self.aresetn, self.rx, self.tx, self.counters, self.config)


def divisor(clock_hz: float, baud: float) -> int:
    """Cycles per bit. Raises PlanError where no whole number of them is near enough."""
    cycles = round(clock_hz / baud)
    if cycles < 8:
        raise PlanError(
            f"{baud:g} baud is too fast for a clock of {clock_hz / 1e6:g} MHz: a bit has {cycles} cycles, 8 are needed"
        )
    if abs(clock_hz / baud / cycles - 1) > BAUD_ERROR:
        raise PlanError(f"{baud:g} baud is no whole number of cycles of {clock_hz / 1e6:g} MHz: {clock_hz / baud:.3g} a bit")
    return cycles


def make_system(plan: Plan, model: bytes, version: tuple[int, int, int], cycles_per_bit: int) -> SystemConfig:
    """The system around a plan's pipeline. model: 16 bytes that tell it from others."""
    core = plan.pipeline
    if core.noise is not None and core.noise.offered_bits:
        raise PlanError(f"{core.name}: samples from outside have no way over the link")
    source, result = plan.source.on_axi(), plan.layers[-1].layout.on_axi()
    frame_bytes, result_bytes = source.code_bytes, result.code_bytes * plan.samples
    most = max(frame_bytes, result_bytes)
    if most > 0xFFFF:
        raise PlanError(f"{core.name}: a frame of {frame_bytes} bytes, results of {result_bytes}; the link takes 65,535")
    frames = min(max(1, MOST_REQUEST_BYTES // most), 255)
    traffic = Traffic(frame_bytes, result_bytes, frames, WINDOW, core.noise is not None)
    sizes, rows = (source.beat_bits // 8, result.beat_bits // 8), (_row(source), _row(result))
    control = ControllerConfig(traffic, *sizes, model, version, source_row=rows[0], result_row=rows[1])
    return SystemConfig(LinkConfig(control, cycles_per_bit), core)


def _row(layout: Layout) -> tuple[int, int] | None:
    """Where its last is filled up: the transfers of a row, and the bytes of the last that count."""
    kept = (layout.positions - layout.filler) * layout.channels * layout.field // 8
    return (layout.line, kept) if layout.filler else None


def system_of(plan: Plan, cycles_per_bit: int) -> SystemConfig:
    """The system around a plan's pipeline, which answers with the network's identity and this version of Sigmabit."""
    major, minor, patch = (int(number) for number in version("sigmabit").split(".")[:3])
    return make_system(plan, identity(plan.network), (major, minor, patch), cycles_per_bit)
