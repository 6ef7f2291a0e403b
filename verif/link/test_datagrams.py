"""datagrams: every answer is golden's, whatever is lost, doubled, late or damaged, and whoever else asks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from sigmabit.golden.link.datagram import Datagram
from sigmabit.golden.link.session import Exchange, Sessions
from sigmabit.hdl.link.answerer import Sent
from sigmabit.hdl.link.datagram_receiver import Received
from sigmabit.hdl.link.datagrams import DatagramsConfig, datagrams
from sigmabit.hdl.link.session import SessionConfig
from sigmabit.hdl.verilog.stream import Counters, Stream, VectorStream, bit, reset, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from .talks import ME, MINE, MODEL, OTHER, THEIRS, Core, Reference


@dataclass(frozen=True)
class Asked:
    """A datagram from somebody. ahead: how far its sequence number is from the one whose turn it is. alone: once all is answered
    that was asked before. damage: of a byte, or None.
    """

    kind: int
    ahead: int = 0
    payload: bytes = b""
    sender: int = ME
    session: int = MINE
    alone: bool = False
    damage: int | None = None


@dataclass(frozen=True)
class Talk:
    """What is asked, and how often the network's ends and the way out stall."""

    asked: tuple[Asked, ...]
    stalls: int


Answers = Counter[tuple[int, bytes]]


class DatagramsSuite(BlockSuite):
    """Talks. Answers are compared as a collection, since those that need no frames overtake others; copies count once."""

    samples = (
        DatagramsConfig(SessionConfig(Exchange(8, 4, 4, seeded=True), 4, MODEL, (1, 2, 3), 12), 4),
        DatagramsConfig(SessionConfig(Exchange(6, 10, 2), 2, MODEL, (0, 1, 0), 12), 10),
        DatagramsConfig(SessionConfig(Exchange(24, 24, 8), 8, MODEL, (0, 1, 0), 12), 8),
        DatagramsConfig(SessionConfig(Exchange(1, 3, 4), 1, MODEL, (0, 1, 0), 12), 1),
    )
    examples = 8
    costly = 10

    def configs(self) -> st.SearchStrategy[DatagramsConfig]:
        part = st.sampled_from([1, 2, 3, 4, 5, 8])

        def build(source: int, beats: int, result: int, transfers: int, window: int, seeded: bool) -> DatagramsConfig:
            exchange = Exchange(source * beats, result * transfers, window, seeded)
            return DatagramsConfig(SessionConfig(exchange, source, MODEL, (1, 2, 3), 12), result)

        return st.builds(build, part, st.integers(1, 4), part, st.integers(1, 4), st.sampled_from([2, 4, 8]), st.booleans())

    def stimuli(self, config: DatagramsConfig) -> st.SearchStrategy[Talk]:
        words = st.integers(1, 3 * config.exchange.frame_words)
        data = words.flatmap(lambda count: st.binary(min_size=4 * count, max_size=4 * count))
        behind = st.sampled_from([-1, -1, -2, -config.exchange.window, -config.exchange.window - 1, 1, 300])
        turn = st.builds(Asked, st.just(2), payload=data)
        other = st.one_of(
            st.builds(Asked, st.just(2), behind, data, alone=st.just(True)),
            st.builds(
                Asked,
                st.just(1),
                payload=st.binary(min_size=4, max_size=4),
                sender=st.sampled_from([ME, OTHER]),
                alone=st.just(True),
            ),
            st.builds(Asked, st.just(2), payload=data, sender=st.just(OTHER), session=st.just(THEIRS)),
            st.builds(
                Asked,
                st.sampled_from([5, 6]),
                payload=st.sampled_from([b"", b"1"]),
                sender=st.just(OTHER),
                session=st.just(THEIRS),
            ),
            st.builds(Asked, st.integers(0, 7), payload=st.binary(max_size=9), alone=st.just(True)),
            st.builds(Asked, st.sampled_from([3, 3, 5, 6]), alone=st.just(True)),
            st.builds(Asked, st.just(4), payload=st.binary(min_size=8, max_size=8), alone=st.just(True)),
            st.builds(Asked, st.just(2), payload=data, damage=st.integers(0, 1000)),
        )
        asked = st.lists(st.one_of(turn, turn, other), min_size=1, max_size=10)
        return st.builds(lambda some, stalls: Talk((Asked(5), *some), stalls), asked, st.sampled_from([0, 3, 7]))

    def expected(self, config: DatagramsConfig, stimulus: Talk) -> Answers:
        device = Reference(config.exchange, Core(config.exchange), config.control.version)
        found: Answers = Counter()
        for asked in stimulus.asked:
            sequence = (device.turn + asked.ahead) % 65536
            if asked.damage is not None:
                device.refused += 1
                continue
            device.ask(asked.kind, sequence, asked.session, asked.payload)
            found[(asked.sender, device.told[-1][1])] = 1
        return found

    def golden(self, config: DatagramsConfig, stimulus: Talk) -> Answers:
        return Counter({(asked.sender, answer.pack()): 1 for asked, _, answer in played(config, stimulus) if answer is not None})

    def elaborate(self, config: DatagramsConfig) -> Any:
        seed = wire(64) if config.exchange.seeded else None
        s_axis, m_axis = Stream(8 * config.control.source_bytes), VectorStream(8 * config.result_bytes)
        return datagrams(bit(), reset(), Received(), Sent(), s_axis, m_axis, Counters(), seed, bit(), config)

    def play(self, dut: Dut, config: DatagramsConfig, stimulus: Talk) -> Answers:
        bench = Bench(dut, config, stimulus.stalls)
        due: set[bytes] = set()
        for asked, data, answer in played(config, stimulus):
            if asked.alone:
                bench.settle()
            # a host has no more on their way than the window
            while len(due - bench.heard) >= config.exchange.window:
                bench.cycle({})
            if answer is not None and answer.kind in (0x82, 0x83, 0x84):
                due.add(answer.pack())
            bench.send(data, asked.sender)
            if asked.kind == 1:  # its counts are of when it is answered
                bench.settle()
        bench.settle()
        return Counter(dict.fromkeys(bench.answers, 1))


def played(config: DatagramsConfig, talk: Talk) -> list[tuple[Asked, bytes, Datagram | None]]:
    """The talk's datagrams, and golden's answers."""
    device, found = Sessions(config.exchange, Core(config.exchange), MODEL, config.control.version), []
    for asked in talk.asked:
        data = Datagram(asked.kind, (device.expected + asked.ahead) % 65536, asked.session, asked.payload).pack()
        if asked.damage is not None:
            place = asked.damage % len(data)
            data = data[:place] + bytes((data[place] ^ 0x40,)) + data[place + 1 :]
        found.append((asked, data, device.answer(data)))
    return found


class Bench:
    """What stands around: a UDP port, and a network. It checks the streams' rules."""

    def __init__(self, dut: Dut, config: DatagramsConfig, stalls: int) -> None:
        self.dut, self.config, self.stalls = dut, config, stalls
        self.core = Core(config.exchange)
        self.frame, self.results = bytearray(), bytearray()
        self.words: list[int] = []
        self.answers: list[tuple[int, bytes]] = []
        self.heard: set[bytes] = set()
        self.quiet = 0
        self.sent_held: tuple[int, ...] | None = None
        self.axis_held: tuple[int, ...] | None = None
        dut.reset(self.inputs({}))

    def inputs(self, received: dict[str, int]) -> dict[str, int]:
        now, size = self.dut.cycle, self.config.result_bytes
        names = ("frames_in", "frames_out", "malformed", "dropped")
        counters = {f"counters_{name}": value for name, value in zip(names, self.core.counters(), strict=False)}
        running = not self.stalls or now * 7919 % self.stalls != 1
        return {
            "received_valid": 0,
            "received_last": 0,
            "sent_ready": int(not self.stalls or now * 104729 % self.stalls != 2),
            "s_axis_tready": int(running),
            "m_axis_tvalid": int(bool(self.results)),
            "m_axis_tdata": int.from_bytes(self.results[:size], "little"),
            **counters,
            **received,
        }

    def send(self, data: bytes, sender: int) -> None:
        """A datagram to the device."""
        told = {"received_length": len(data), "received_sender": sender}
        for place in range(0, len(data), 4):
            word = int.from_bytes(data[place : place + 4], "little")
            self.cycle({"received_valid": 1, "received_data": word, "received_last": int(place + 4 >= len(data)), **told})
        self.cycle({})
        self.quiet = 0

    def settle(self) -> None:
        """Until nothing moves any more."""
        while self.quiet < 120:
            self.cycle({})

    def cycle(self, received: dict[str, int]) -> None:
        """One cycle."""
        inputs = self.inputs(received)
        outputs = self.dut.settle(inputs)
        self.quiet += 1
        if not outputs["core_aresetn"]:
            self.core.reset(outputs.get("seed"))
            self.frame.clear()
            self.results.clear()
            self.axis_held = None
        elif outputs["s_axis_tvalid"]:
            offer = outputs["s_axis_tdata"], outputs["s_axis_tlast"]
            assert self.axis_held in (None, offer)  # S2
            self.axis_held = None if inputs["s_axis_tready"] else offer
            if inputs["s_axis_tready"]:
                self.quiet = 0
                self.frame += offer[0].to_bytes(self.config.control.source_bytes, "little")
                assert offer[1] == (len(self.frame) == self.config.exchange.frame_bytes)
                if offer[1]:
                    self.results += self.core.run(bytes(self.frame))
                    self.frame.clear()
        if outputs["core_aresetn"] and inputs["m_axis_tvalid"] and outputs["m_axis_tready"]:
            self.quiet = 0
            del self.results[: self.config.result_bytes]
        if outputs["sent_valid"]:
            word = tuple(outputs[f"sent_{name}"] for name in ("data", "last", "length", "to"))
            assert self.sent_held in (None, word)  # S2
            self.sent_held = None if inputs["sent_ready"] else word
            if inputs["sent_ready"]:
                self.take(*word)
        self.dut.edge()

    def take(self, data: int, last: int, length: int, to: int) -> None:
        """A word of an answer."""
        self.quiet = 0
        self.words.append(data)
        assert last == (4 * len(self.words) == length)
        if last:
            answer = b"".join(word.to_bytes(4, "little") for word in self.words)
            self.words.clear()
            message = Datagram.unpack(answer)
            assert isinstance(message, Datagram)
            if message.kind == 0x81:
                message = Datagram(message.kind, message.sequence, message.session, message.payload[:-8] + bytes(8))
            self.answers.append((to, message.pack()))
            self.heard.add(message.pack())


class TestGolden(DatagramsSuite, GoldenTests):
    pass


class TestMyHdl(DatagramsSuite, MyHdlTests):
    pass


class TestVerilog(DatagramsSuite, VerilogTests):
    pass
