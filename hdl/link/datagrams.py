"""The device's end of a link by datagrams, and a pipeline behind it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from sigmabit.golden.link.datagram import LARGEST, WORD
from sigmabit.golden.link.session import Exchange
from sigmabit.golden.network.identity import identity

from ..family import Billed, Cost, Family
from ..pipeline.top import PipelineConfig, ResetConfig, pipeline, reset_register
from ..planning.plan import Plan, PlanError
from ..verilog.keywords import system_name
from ..verilog.module import composite, outline
from ..verilog.stream import Counters, Stream, VectorStream, bit, reset, wire
from .answerer import AnswererConfig, Orders, Reply, Sent, answerer
from .datagram_receiver import DatagramReceiverConfig, Letters, Received, datagram_receiver
from .session import SessionConfig, session

WINDOW = 16
"""Requests on their way at once: at a gigabit a second, what is under way in 190 microseconds."""


@dataclass(frozen=True)
class DatagramsConfig(Billed):
    """control: the session's. result_bytes: of a transfer at the network's output."""

    control: SessionConfig
    result_bytes: int

    @property
    def exchange(self) -> Exchange:
        """What requests and answers hold."""
        return self.control.exchange

    @property
    def module(self) -> str:
        return "datagrams"

    @property
    def inbox(self) -> DatagramReceiverConfig:
        """Room for as many of the largest requests as may be on their way, and some of those who only ask."""
        window = self.exchange.window
        return DatagramReceiverConfig(1 << (window * LARGEST // WORD).bit_length(), 4 * window)

    @property
    def answers(self) -> AnswererConfig:
        """What collects and sends."""
        return AnswererConfig(self.exchange, self.result_bytes)

    def bill(self, family: Family) -> Cost:
        """That of its parts."""
        return self.inbox.bill(family) + self.control.bill(family) + self.answers.bill(family)


@composite
def datagrams(clk, rst, received, sent, s_axis, m_axis, counters, seed, core_aresetn, config):
    """Requests from `received`, answers to `sent`; between them, frames to s_axis and results from m_axis.

    counters: the network's. seed: its sampler's, or None. core_aresetn: its reset.
    """
    letters, orders, reply, refused = Letters(), Orders(), Reply(), wire(32)
    return [
        datagram_receiver(clk, rst, received, letters, refused, config.inbox),
        session(clk, rst, letters, refused, orders, reply, s_axis, counters, seed, core_aresetn, config.control),
        answerer(clk, rst, orders, reply, m_axis, sent, config.answers),
    ]


@dataclass(frozen=True)
class DatagramSystemConfig:
    """link: its configuration. core: the pipeline's."""

    link: DatagramsConfig
    core: PipelineConfig

    @property
    def module(self) -> str:
        return system_name(self.core.name)


@composite
def datagram_system(aclk, aresetn, received, sent, counters, config):
    """A pipeline behind a UDP port. counters: the pipeline's, for lamps."""
    core = config.core
    rst, core_aresetn = reset(), bit()
    s_axis, m_axis = Stream(core.ingress.channels * core.ingress.field), Stream(core.egress.channels * core.egress.field)
    results = VectorStream(len(m_axis.tdata), of=m_axis)
    seed = None if core.noise is None else core.noise.seed()
    return [
        reset_register(aclk, aresetn, rst, ResetConfig()),
        datagrams(aclk, rst, received, sent, s_axis, results, counters, seed, core_aresetn, config.link),
        pipeline(aclk, core_aresetn, s_axis, m_axis, counters, None, seed, None, core),
    ]


class DatagramSystem:
    """A system with its ports."""

    def __init__(self, config: DatagramSystemConfig) -> None:
        self.config = config
        self.aclk, self.aresetn = bit(), bit()
        self.received, self.sent = Received(), Sent()
        self.counters = Counters()

    def outline(self) -> Any:
        """The block without what is inside its leaves: what conversion starts from."""
        with outline():
            return datagram_system(self.aclk, self.aresetn, self.received, self.sent, self.counters, self.config)


LEASE = 27
"""Cycles, two to this power, of a session's silence after which another may have the device: two seconds at 62.5 MHz."""


def datagram_system_of(plan: Plan, lease: int = LEASE) -> DatagramSystemConfig:
    """The system around a plan's pipeline, which answers with the network's identity and this version of Sigmabit.

    lease: as LEASE is. Raises PlanError for what does not fit into datagrams.
    """
    core = plan.pipeline
    if core.noise is not None and core.noise.offered_bits:
        raise PlanError(f"{core.name}: samples from outside have no way over the link")
    source, result = plan.source.on_axi(), plan.layers[-1].layout.on_axi()
    for layout, what in ((source, "pixels"), (result, "results")):
        if layout.filler:
            raise PlanError(
                f"{core.name}: {layout.positions} {what} side by side do not divide a row; over Ethernet they must, "
                f"--positions gives their number"
            )
    major, minor, patch = (int(number) for number in version("sigmabit").split(".")[:3])
    try:
        exchange = Exchange(source.code_bytes, result.code_bytes * plan.samples, WINDOW, core.noise is not None)
    except ValueError as error:
        raise PlanError(f"{core.name}: {error}") from None
    control = SessionConfig(exchange, source.beat_bits // 8, identity(plan.network), (major, minor, patch), lease)
    return DatagramSystemConfig(DatagramsConfig(control, result.beat_bits // 8), core)
