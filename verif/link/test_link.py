"""link: levels on one line to levels on the other, for requests and for everything that is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st
from myhdl import Signal

from sigmabit.golden.link.controller import ANSWER, Kind, Traffic
from sigmabit.golden.link.deframer import Deframer, Message, Reason
from sigmabit.golden.link.framer import seal, stuff
from sigmabit.golden.link.link import Link
from sigmabit.golden.link.uart_receiver import receive
from sigmabit.golden.link.uart_transmitter import transmit
from sigmabit.hdl.link.controller import ControllerConfig
from sigmabit.hdl.link.link import LinkConfig, divisor, link
from sigmabit.hdl.planning.plan import PlanError
from sigmabit.hdl.verilog.stream import Counters, Stream, VectorStream, bit, reset, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from .test_controller import MODEL, Core, Ends, Reference
from .test_deframer import pieces, verdict

Answers = list[tuple[int, int, bytes]]


@dataclass(frozen=True)
class Conversation:
    """What is sent between zeros, piece by piece, each when the answer to the one before has come."""

    pieces: tuple[tuple[int, ...], ...]


class LinkSuite(BlockSuite):
    """Requests that are answered one by one; frames of every damage among them."""

    samples = (
        LinkConfig(ControllerConfig(Traffic(4, 3, 2, 2, seeded=True), 2, 3, MODEL, (1, 2, 3), patience=9), 8),
        # several positions side by side: rows of 5 in transfers of 3 and 2, and results of 4 in transfers of 3 and 1
        LinkConfig(ControllerConfig(Traffic(5, 4, 2, 2, seeded=True), 3, 3, MODEL, (1, 2, 3), 9, (2, 2), (2, 1)), 8),
    )
    examples = 10
    costly = 5

    def configs(self) -> st.SearchStrategy[LinkConfig]:
        return st.sampled_from(self.samples)

    def stimuli(self, config: LinkConfig) -> st.SearchStrategy[Conversation]:
        traffic = config.control.traffic
        turn = st.integers(0, 3)
        data = st.integers(1, traffic.frames).flatmap(
            lambda frames: st.binary(min_size=frames * traffic.frame_bytes, max_size=frames * traffic.frame_bytes)
        )
        bodies = st.one_of(
            st.builds(seal, st.just(2), turn, data.map(lambda payload: b"\0" + payload[1:])),
            st.builds(seal, st.just(1), turn, st.binary(min_size=4, max_size=4)),
            st.builds(seal, st.just(4), turn, st.binary(min_size=8, max_size=8)),
        )
        damaged = pieces(8).filter(lambda piece: piece and None not in piece)
        piece = st.one_of(*[bodies.map(lambda body: list(stuff(body)))] * 3, damaged)
        return st.lists(piece.map(tuple), min_size=1, max_size=5).map(lambda drawn: Conversation(tuple(drawn)))

    def expected(self, config: LinkConfig, stimulus: Conversation) -> Answers:
        limit = config.control.traffic.request_bytes
        reference, answers = Reference(config.control, Core(config.control.traffic)), []
        reference.refused = 0
        for piece in stimulus.pieces:
            found = verdict(list(piece), limit)
            if isinstance(found, bytes):
                answers.append(reference.answer(found[0], found[1], found[4:-4]))
            else:
                reference.refused += 1
                answers.append((255, reference.turn, bytes((found, reference.turn))))
        return answers

    def golden(self, config: LinkConfig, stimulus: Conversation) -> Answers:
        device = Link(config.control.traffic, Core(config.control.traffic), MODEL, config.control.version)
        return decoded(device.feed(b"".join(bytes((*piece, 0)) for piece in stimulus.pieces)))

    def elaborate(self, config: LinkConfig) -> Any:
        streams = Stream(8 * config.control.source_bytes), VectorStream(8 * config.control.result_bytes)
        seed = wire(64) if config.control.traffic.seeded else None
        lines = Signal(bool(1)), Signal(bool(1))
        return link(bit(), reset(), *lines, *streams, Counters(), seed, bit(), config)

    def play(self, dut: Dut, config: LinkConfig, stimulus: Conversation) -> Answers:
        bench = Bench(dut, config)
        answers: Answers = []
        for piece in stimulus.pieces:
            answers.append(bench.ask(bytes((*piece, 0))))
        return answers


def decoded(data: bytes) -> Answers:
    """Answers among bytes; nothing else is among them. The cycles that the device was busy are left out of a status."""
    deframer, answers = Deframer(1000), []
    for byte in data:
        found = deframer.feed(byte)
        assert not isinstance(found, Reason)
        if isinstance(found, Message):
            payload = found.payload
            if found.kind == Kind.STATUS | ANSWER:
                payload = payload[:-8] + bytes(8)
            answers.append((found.kind, found.sequence, payload))
    return answers


class Bench:
    """The host's end of the lines, and the network."""

    def __init__(self, dut: Dut, config: LinkConfig) -> None:
        self.dut, self.config = dut, config
        self.core = Core(config.control.traffic)
        self.ends = Ends(config.control, self.core)
        dut.reset(self.inputs(1))

    def inputs(self, level: int) -> dict[str, int]:
        counters = dict(zip(("frames_in", "frames_out", "malformed", "dropped"), self.core.counters()[:4], strict=True))
        return {
            "rx": level,
            "s_axis_tready": 1,
            "m_axis_tvalid": int(bool(self.ends.results)),
            "m_axis_tdata": self.ends.offered,
            **{f"counters_{name}": value for name, value in counters.items()},
        }

    def cycle(self, level: int) -> int:
        """One cycle; the level of tx in it."""
        inputs = self.inputs(level)
        outputs = self.dut.step(inputs)
        if not outputs["core_aresetn"]:
            self.core.reset(outputs.get("seed"))
            self.ends.clear()
        elif outputs["s_axis_tvalid"]:
            self.ends.take(outputs["s_axis_tdata"], outputs["s_axis_tlast"])
        if inputs["m_axis_tvalid"] and outputs["m_axis_tready"]:
            self.ends.give()
        return outputs["tx"]

    def ask(self, sent: bytes) -> tuple[int, int, bytes]:
        """Send some bytes, and wait for one answer."""
        levels = transmit(sent, self.config.divisor)
        last = self.dut.cycle + len(levels) - 10 * self.config.divisor
        heard = [self.cycle(level) for level in levels]
        begun = None
        while True:
            heard.append(self.cycle(1))
            if begun is None and not heard[-1]:
                begun = self.dut.cycle - 1
            bits = receive([*heard, 1, 1, 1, 1], self.config.divisor) if len(heard) % (10 * self.config.divisor) == 0 else []
            data = bytes(byte for _, byte in bits if byte is not None)
            answers = decoded(data)
            if answers:
                if answers[0][0] == Kind.STATUS | ANSWER:
                    assert begun is not None and begun - last == self.config.latency
                for _ in range(12 * self.config.divisor):
                    self.cycle(1)
                return answers[0]
            assert len(heard) < len(levels) + 100_000


class TestGolden(LinkSuite, GoldenTests):
    pass


class TestMyHdl(LinkSuite, MyHdlTests):
    pass


class TestVerilog(LinkSuite, VerilogTests):
    pass


def test_divisor() -> None:
    """The nearest whole number of cycles, if it is near enough."""
    assert divisor(200e6, 921_600) == 217
    with pytest.raises(PlanError, match=r"^3e\+07 baud is too fast for a clock of 200 MHz: a bit has 7 cycles, 8 are needed$"):
        divisor(200e6, 30e6)
    with pytest.raises(PlanError, match=r"^921600 baud is no whole number of cycles of 7.8 MHz: 8.46 a bit$"):
        divisor(7.8e6, 921_600)


def test_no_version() -> None:
    """A device that is told none says 0.0.0."""
    traffic = Traffic(frame_bytes=1, result_bytes=1, frames=8, window=4)
    status = Link(traffic, Core(traffic), MODEL).controller.status()
    assert (status.major, status.minor, status.patch) == (0, 0, 0)
