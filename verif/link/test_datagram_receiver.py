"""datagram_receiver: whole messages come out as they went in, with who sent them; all else is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zlib import crc32

import pytest
from hypothesis import strategies as st

from sigmabit.golden.link.datagram import Datagram
from sigmabit.golden.link.deframer import Reason
from sigmabit.hdl.link.datagram_receiver import DatagramReceiverConfig, Letters, Received, datagram_receiver
from sigmabit.hdl.verilog.stream import bit, reset, wire

from ..differential import datagrams as fuzz
from ..harness.bench import Dut, MyHdlDut
from ..harness.command_line import Call
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from ..simulation.job import SimulationError


@dataclass(frozen=True)
class Arrival:
    """A datagram: its bytes, those behind them, its sender, idle cycles behind it, and within it after each word."""

    data: bytes
    behind: int
    sender: int
    gap: int
    pause: int


Stimulus = tuple[tuple[Arrival, ...], int]
"""Datagrams, and every how many cycles a word is taken."""

Seen = tuple[list[tuple[int, bytes]], int]


def good(data: bytes) -> bool:
    """Is it a whole message?"""
    if len(data) % 4 or not 12 <= len(data) <= 1472 or crc32(data[:-4]).to_bytes(4, "little") != data[-4:]:
        return False
    return len(data) - 12 == (data[2] + 256 * data[3] + 3) // 4 * 4


class DatagramReceiverSuite(BlockSuite):
    """Messages whole and damaged, at any pace, read at any pace; a memory that nobody reads fills up."""

    samples = (DatagramReceiverConfig(1024, 4), DatagramReceiverConfig(2048, 16))
    examples = 6
    costly = 20

    def configs(self) -> st.SearchStrategy[DatagramReceiverConfig]:
        return st.sampled_from(self.samples)

    def stimuli(self, config: DatagramReceiverConfig) -> st.SearchStrategy[Stimulus]:
        payload = st.one_of(st.binary(max_size=30), st.sampled_from([b"", bytes(range(200)), bytes(1460)]))
        numbers = st.integers(0, 0xFFFF)
        message = st.builds(Datagram, st.integers(0, 255), numbers, numbers, payload).map(Datagram.pack)
        changed = st.tuples(message, st.integers(0, 1 << 20), st.integers(1, 255)).map(
            lambda drawn: bytes(
                byte ^ (drawn[2] if place == drawn[1] % len(drawn[0]) else 0) for place, byte in enumerate(drawn[0])
            )
        )
        cut = st.tuples(message, st.integers(1, 12)).map(lambda drawn: drawn[0][: -drawn[1]] or b"\0")
        wrong = st.tuples(message, st.sampled_from([1, 4, 5, -3])).map(lambda drawn: sealed(drawn[0][:-4], drawn[1]))
        data = st.one_of(message, message, message, changed, cut, wrong, st.just(bytes(1476)))
        arrival = st.builds(
            Arrival,
            data,
            st.sampled_from([0, 0, 4, 16]),
            st.integers(0, (1 << 48) - 1),
            st.sampled_from([1, 2, 9]),
            st.sampled_from([0, 0, 2]),
        )
        return st.tuples(st.lists(arrival, min_size=1, max_size=7).map(tuple), st.sampled_from([1, 1, 2, 5]))

    def expected(self, config: DatagramReceiverConfig, stimulus: Stimulus) -> Seen:
        whole = [(a.sender, a.data[:-4]) for a in stimulus[0] if good(a.data)]
        return whole, len(stimulus[0]) - len(whole)

    def golden(self, config: DatagramReceiverConfig, stimulus: Stimulus) -> Seen:
        whole = []
        for arrival in stimulus[0]:
            message = Datagram.unpack(arrival.data)
            if not isinstance(message, Reason):
                assert Datagram.unpack(message.pack()) == message
                whole.append((arrival.sender, arrival.data[:-4]))
        return whole, len(stimulus[0]) - len(whole)

    def elaborate(self, config: DatagramReceiverConfig) -> Any:
        return datagram_receiver(bit(), reset(), Received(), Letters(), wire(32), config)

    def play(self, dut: Dut, config: DatagramReceiverConfig, stimulus: Stimulus) -> Seen:
        arrivals, every = stimulus
        reader = Reader(dut, every)
        whole = stored = 0
        for arrival in arrivals:
            size = len(arrival.data) // 4
            while whole - len(reader.read) > config.messages - 2 or stored - reader.taken + size > config.depth - 8:
                reader.cycle({})
            reader.send(arrival)
            if good(arrival.data):
                whole, stored = whole + 1, stored + size - 1
        while len(reader.read) < whole:
            reader.cycle({})
        for _ in range(8):
            reader.cycle({})
        return reader.read, dut.settle(IDLE)["refused"]


IDLE = {"received_valid": 0, "received_last": 0, "letters_take": 0, "letters_done": 0}


class Reader:
    """What stands behind the receiver, which takes a word in every so many cycles; 0: none."""

    def __init__(self, dut: Dut, every: int) -> None:
        self.dut, self.every, self.taken, self.left = dut, every, 0, 0
        self.read: list[tuple[int, bytes]] = []
        self.words: list[int] = []
        dut.reset(IDLE)

    def send(self, arrival: Arrival) -> None:
        """A datagram, and what is behind it."""
        data = arrival.data + bytes(-len(arrival.data) % 4 + arrival.behind)
        for place in range(0, len(data), 4):
            word, last = int.from_bytes(data[place : place + 4], "little"), place + 4 == len(data)
            told = {"received_length": len(arrival.data), "received_sender": arrival.sender, "received_last": int(last)}
            self.cycle({"received_data": word, "received_valid": 1, **told})
            for _ in range(arrival.gap if last else arrival.pause):
                self.cycle({})

    def cycle(self, inputs: dict[str, int]) -> None:
        """One cycle."""
        outputs, done = self.dut.settle({**IDLE, **inputs}), False
        take = bool(outputs["letters_waiting"] and self.every and self.dut.cycle % self.every == 0)
        if take:
            if not self.words:
                self.left = 2 + ((outputs["letters_word"] >> 16) + 3) // 4
            self.words.append(outputs["letters_word"])
            self.taken += 1
            done = len(self.words) == self.left
            if done:
                self.read.append((outputs["letters_sender"], b"".join(word.to_bytes(4, "little") for word in self.words)))
                self.words.clear()
        self.dut.settle({**IDLE, **inputs, "letters_take": int(take), "letters_done": int(done)})
        self.dut.edge()


def sealed(body: bytes, longer: int) -> bytes:
    """A message whose header says another length, with a CRC that fits."""
    length = int.from_bytes(body[2:4], "little") + longer
    changed = body[:2] + (length % 65536).to_bytes(2, "little") + body[4:]
    return changed + crc32(changed).to_bytes(4, "little")


class TestGolden(DatagramReceiverSuite, GoldenTests):
    pass


class TestMyHdl(DatagramReceiverSuite, MyHdlTests):
    @pytest.mark.parametrize(("payload", "kept"), [(bytes(400), 10), (b"", 15)])
    def test_no_room(self, payload: bytes, kept: int) -> None:
        """What finds no room, for words or for messages, leaves no trace but a count."""
        config = DatagramReceiverConfig(1024, 16)
        dut = MyHdlDut(lambda: self.elaborate(config))
        try:
            reader = Reader(dut, 0)
            sent = [Arrival(Datagram(2, number, 7, payload).pack(), 0, number, 1, 0) for number in range(kept + 2)]
            for arrival in sent:
                reader.send(arrival)
            reader.every = 1
            for _ in range(1040):
                reader.cycle({})
            reader.send(sent[0])
            for _ in range(120):
                reader.cycle({})
            assert reader.read == [(a.sender, a.data[:-4]) for a in (*sent[:kept], sent[0])]
            assert dut.settle(IDLE)["refused"] == 2
        finally:
            dut.close()


class TestVerilog(DatagramReceiverSuite, VerilogTests):
    def test_drawn(self, call: Call) -> None:
        """Thousands of datagrams drawn to confuse it: golden's verdict on each."""
        found = call("bench", "datagrams", "--count", "4000", "--seed", "3", "--json").json
        assert sum(found["verdicts"].values()) == 4000 and set(found["verdicts"]) == {
            *("taken", "crc", "truncated", "length", "oversized")
        }

    def test_drawn_may_fail(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A golden that takes what has no whole words is told from the Verilog."""
        monkeypatch.setattr(fuzz.Drawn, "verdict", Reason.CRC)
        with pytest.raises(SimulationError, match="datagrams refused, golden refuses 200"):
            fuzz.fuzzed(200, 3)
