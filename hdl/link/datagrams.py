"""The device's end of a link by datagrams: what stands between a UDP port and the network's streams."""

from __future__ import annotations

from dataclasses import dataclass

from sigmabit.golden.link.datagram import LARGEST, WORD
from sigmabit.golden.link.session import Exchange

from ..family import Billed, Cost, Family
from ..verilog.module import composite
from ..verilog.stream import wire
from .answerer import AnswererConfig, Orders, Reply, answerer
from .datagram_receiver import DatagramReceiverConfig, Letters, datagram_receiver
from .session import SessionConfig, session


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
