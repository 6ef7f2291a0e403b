"""answerer: each request's results become its answer, which is sent once by itself, and again when asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from sigmabit.golden.link.datagram import Datagram
from sigmabit.golden.link.session import Exchange
from sigmabit.hdl.link.answerer import AnswererConfig, Orders, Reply, Sent, answerer
from sigmabit.hdl.verilog.stream import VectorStream, bit, reset

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from .talks import ME, MINE, OTHER, message


@dataclass(frozen=True)
class Order:
    """A request of so many frames of results, or, if count is None, a reply of so many words. again: before it, the answer so
    many requests back is asked for once more; 0: none.
    """

    count: int | None
    first: int
    kind: int = 2
    again: int = 0


@dataclass(frozen=True)
class Talk:
    """Orders, and of how many cycles one stalls."""

    orders: tuple[Order, ...]
    stalls: int


Answers = Counter[tuple[int, bytes]]


def results(config: AnswererConfig, order: Order) -> list[bytes]:
    """Of each of its frames."""
    size = config.exchange.result_bytes
    return [bytes(order.first + 5 * number + place & 255 for place in range(size)) for number in range(order.count or 0)]


class AnswererSuite(BlockSuite):
    """Answers are compared as a collection, copies counted: a reply may overtake."""

    samples = (
        AnswererConfig(Exchange(8, 4, 4), 4),
        AnswererConfig(Exchange(8, 10, 2), 10),
        AnswererConfig(Exchange(8, 24, 8), 8),
        AnswererConfig(Exchange(8, 6, 4), 3),
    )
    examples = 8
    costly = 6

    def configs(self) -> st.SearchStrategy[AnswererConfig]:
        def build(result: int, transfers: int, window: int) -> AnswererConfig:
            return AnswererConfig(Exchange(8, result * transfers, window), result)

        return st.builds(build, st.sampled_from([1, 2, 3, 4, 5, 8]), st.integers(1, 4), st.sampled_from([2, 4, 8]))

    def stimuli(self, config: AnswererConfig) -> st.SearchStrategy[Talk]:
        most = min(config.exchange.frames, 5)
        back = st.sampled_from([0, 0, 1, 2, config.exchange.window])
        order = st.one_of(
            st.builds(Order, st.integers(0, most), st.integers(0, 255), st.sampled_from([2, 2, 3, 4]), back),
            st.builds(lambda size, first: Order(None, first, size), st.integers(0, 15), st.integers(0, 255)),
        )
        return st.builds(Talk, st.lists(order, min_size=1, max_size=10).map(tuple), st.sampled_from([0, 3, 5]))

    def expected(self, config: AnswererConfig, stimulus: Talk) -> Answers:
        found: Answers = Counter()
        past: list[bytes] = []
        for order in stimulus.orders:
            if order.count is None:
                found[(OTHER, message(0xFF, 9, 7, bytes(order.first for _ in range(4 * order.kind))))] += 1
                continue
            if 0 < order.again <= len(past):
                found[(ME, past[-order.again])] += 1
            payload = b"".join(one + bytes(-len(one) % 4) for one in results(config, order))
            past.append(message(order.kind + 128, len(past), MINE, payload))
            found[(ME, past[-1])] += 1
        return found

    def golden(self, config: AnswererConfig, stimulus: Talk) -> Answers:
        found: Answers = Counter()
        kept: dict[int, Datagram] = {}
        number = 0
        for order in stimulus.orders:
            if order.count is None:
                found[(OTHER, Datagram(0xFF, 9, 7, bytes([order.first] * 4 * order.kind)).pack())] += 1
                continue
            if 0 < order.again <= number:
                found[(ME, kept[(number - order.again) % config.exchange.window].pack())] += 1
            payload = b"".join(one + bytes(-len(one) % 4) for one in results(config, order))
            kept[number % config.exchange.window] = Datagram(order.kind | 0x80, number, MINE, payload)
            found[(ME, kept[number % config.exchange.window].pack())] += 1
            number += 1
        return found

    def elaborate(self, config: AnswererConfig) -> Any:
        return answerer(bit(), reset(), Orders(), Reply(), VectorStream(8 * config.result_bytes), Sent(), config)

    def play(self, dut: Dut, config: AnswererConfig, stimulus: Talk) -> Answers:
        bench = Bench(dut, config, stimulus.stalls)
        number = 0
        for order in stimulus.orders:
            if order.count is None:
                bench.reply(order)
                continue
            if 0 < order.again <= number:
                bench.settle()
                bench.cycle({"orders_again": 1, "orders_sequence": number - order.again})
                bench.settle()
            told = {"orders_kind": order.kind, "orders_sequence": number, "orders_count": order.count}
            # as a host has no more on their way than the window, answers of requests before are there
            while number - bench.heard >= config.exchange.window or dut.settle(bench.inputs({}))["orders_full"]:
                bench.cycle({})
            bench.results += b"".join(results(config, order))
            bench.cycle({"orders_push": 1, **told})
            number += 1
        bench.settle()
        assert dut.settle(bench.inputs({}))["orders_idle"]
        return bench.answers


class Bench:
    """What stands around: who orders, a network, a UDP port."""

    def __init__(self, dut: Dut, config: AnswererConfig, stalls: int) -> None:
        self.dut, self.config, self.stalls = dut, config, stalls
        self.results = bytearray()
        self.words: list[int] = []
        self.answers: Answers = Counter()
        self.heard = self.quiet = self.filling = 0
        self.held: tuple[int, ...] | None = None
        dut.reset(self.inputs({}))

    def inputs(self, told: dict[str, int]) -> dict[str, int]:
        now, size = self.dut.cycle, self.config.result_bytes
        return {
            "orders_push": 0,
            "orders_again": 0,
            "orders_restart": 0,
            "orders_session": MINE,
            "orders_holder": ME,
            "reply_start": 0,
            "m_axis_tvalid": int(bool(self.results) and not (self.stalls and now * 7 % self.stalls == 1)),
            "m_axis_tdata": int.from_bytes(self.results[:size], "little"),
            "sent_ready": int(not self.stalls or now * 11 % self.stalls != 2),
            **told,
        }

    def reply(self, order: Order) -> None:
        """An answer that is kept by nobody."""
        told = {
            "reply_size": order.kind,
            "reply_length": 4 * order.kind,
            "reply_kind": 0xFF,
            "reply_sequence": 9,
            "reply_session": 7,
            "reply_to": OTHER,
            "reply_word": order.first * 0x01010101,
        }
        while self.dut.settle(self.inputs(told))["reply_busy"]:
            self.cycle(told)
        self.cycle({"reply_start": 1, **told})
        while self.dut.settle(self.inputs(told))["reply_busy"]:
            self.cycle(told)

    def settle(self) -> None:
        """Until nothing moves any more."""
        self.quiet = 0
        while self.quiet < 60:
            self.cycle({})

    def cycle(self, told: dict[str, int]) -> None:
        """One cycle."""
        inputs = self.inputs(told)
        outputs = self.dut.settle(inputs)
        opposite = self.dut.settle({**inputs, "m_axis_tvalid": 1 - inputs["m_axis_tvalid"]})
        assert opposite["m_axis_tready"] == outputs["m_axis_tready"]  # S4
        outputs = self.dut.settle(inputs)
        self.quiet += 1
        if inputs["m_axis_tvalid"] and outputs["m_axis_tready"]:
            self.quiet = 0
            del self.results[: self.config.result_bytes]
        if outputs["sent_valid"]:
            self.quiet = 0
            word = tuple(outputs[f"sent_{name}"] for name in ("data", "last", "length", "to"))
            assert self.held in (None, word)  # S2
            self.held = None if inputs["sent_ready"] else word
            if inputs["sent_ready"]:
                self.take(*word)
        self.dut.edge()

    def take(self, data: int, last: int, length: int, to: int) -> None:
        """A word of an answer."""
        self.words.append(data)
        assert last == (4 * len(self.words) == length)
        if last:
            answer = b"".join(word.to_bytes(4, "little") for word in self.words)
            self.words.clear()
            self.answers[(to, answer)] += 1
            if to == ME and answer[0] in (0x82, 0x83, 0x84):
                self.heard = max(self.heard, (answer[4] | answer[5] << 8) + 1)


class TestGolden(AnswererSuite, GoldenTests):
    pass


class TestMyHdl(AnswererSuite, MyHdlTests):
    pass


class TestVerilog(AnswererSuite, VerilogTests):
    pass
