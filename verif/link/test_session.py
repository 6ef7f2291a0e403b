"""session: requests are judged, executed and answered as the reference says, frames reach the network as they were sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import strategies as st

from sigmabit.golden.link.datagram import MOST_WORDS, Datagram
from sigmabit.golden.link.deframer import Reason
from sigmabit.golden.link.session import Exchange, Sessions
from sigmabit.hdl.link.answerer import Orders, Reply
from sigmabit.hdl.link.controller import RESET_CYCLES
from sigmabit.hdl.link.datagram_receiver import Letters
from sigmabit.hdl.link.session import SessionConfig, session
from sigmabit.hdl.verilog.stream import Counters, Stream, bit, reset, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from .talks import ME, MINE, MODEL, OTHER, THEIRS, Core, Reference, message

LEASE = 10


@dataclass(frozen=True)
class Asked:
    """A request. ahead: how far its sequence number is from the one whose turn it is. late: the session was silent before."""

    kind: int
    ahead: int = 0
    payload: bytes = b""
    session: int = MINE
    late: bool = False


@dataclass(frozen=True)
class Talk:
    """What is asked, and of how many cycles one stalls: words, frames, replies."""

    asked: tuple[Asked, ...]
    stalls: int


Told = tuple[list[tuple[Any, ...]], list[bytes]]
"""Orders and replies, one for each request, and all frames."""


def told(event: str, answer: bytes) -> tuple[Any, ...]:
    """What the block tells of an answer: of one that the frames' results belong to, how many words they are."""
    if event == "reply":
        return event, answer
    kind, sequence = answer[0] & 7, answer[4] | answer[5] << 8
    return (event, sequence) if event == "again" else (event, kind, sequence, len(answer) - 12)


def words_of_too_many(exchange: Exchange) -> int:
    """Of a request in which one frame more ends than may, behind one that was one word short of a frame."""
    return (exchange.frames + 1) * exchange.frame_words - (exchange.frame_words - 1)


class SessionSuite(BlockSuite):
    """Talks of two, one of which holds the device. A lease that ran out lets the other have it."""

    samples = (
        SessionConfig(Exchange(8, 4, 4, seeded=True), 4, MODEL, (1, 2, 3), LEASE),
        SessionConfig(Exchange(6, 4, 2), 2, MODEL, (0, 1, 0), LEASE),
        SessionConfig(Exchange(24, 4, 8), 8, MODEL, (0, 1, 0), LEASE),
        SessionConfig(Exchange(5, 8, 4), 1, MODEL, (0, 1, 0), LEASE),
    )
    examples = 8
    costly = 8

    def configs(self) -> st.SearchStrategy[SessionConfig]:
        def build(source: int, beats: int, result: int, window: int, seeded: bool) -> SessionConfig:
            return SessionConfig(Exchange(source * beats, 4 * result, window, seeded), source, MODEL, (1, 2, 3), LEASE)

        part, few = st.sampled_from([1, 2, 3, 4, 5, 8]), st.integers(1, 4)
        return st.builds(build, part, few, few, st.sampled_from([2, 4, 8]), st.booleans())

    def stimuli(self, config: SessionConfig) -> st.SearchStrategy[Talk]:
        words = st.integers(1, 3 * config.exchange.frame_words)
        data = words.flatmap(lambda count: st.binary(min_size=4 * count, max_size=4 * count))
        behind = st.sampled_from([0, -1, -2, -config.exchange.window, -config.exchange.window - 1, 1, 300])
        who = st.sampled_from([MINE, MINE, THEIRS])
        asked = st.one_of(
            st.builds(Asked, st.just(2), payload=data),
            st.builds(Asked, st.just(2), behind, data),
            st.builds(Asked, st.integers(0, 7), behind, st.binary(max_size=9), who),
            st.builds(Asked, st.sampled_from([3, 5, 6]), session=who),
            st.builds(Asked, st.just(1), payload=st.binary(min_size=4, max_size=4)),
            st.builds(Asked, st.just(4), payload=st.binary(min_size=8, max_size=8)),
            st.builds(Asked, st.just(5), session=st.just(THEIRS), late=st.just(True)),
        )
        several = st.lists(asked, min_size=1, max_size=9)
        return st.builds(lambda some, stalls: Talk((Asked(5), *some), stalls), several, st.sampled_from([0, 2, 3, 7]))

    def expected(self, config: SessionConfig, stimulus: Talk) -> Told:
        device = Reference(config.exchange, Core(config.exchange), config.version)
        for asked in stimulus.asked:
            if asked.late and device.holder not in (0, asked.session) and not asked.payload:
                device.holder = 0
            device.ask(asked.kind, (device.turn + asked.ahead) % 65536, asked.session, asked.payload)
        return [told(*what) for what in device.told], device.core.seen

    def golden(self, config: SessionConfig, stimulus: Talk) -> Told:
        core, late = Core(config.exchange), [False]
        device = Sessions(config.exchange, core, MODEL, config.version, lambda: late[0])
        found = []
        for asked in stimulus.asked:
            late[0], before = asked.late, device.expected
            number = (device.expected + asked.ahead) % 65536
            answer = device.answer(message(asked.kind, number, asked.session, asked.payload))
            assert answer is not None
            event = "reply"
            if answer.kind in (0x82, 0x83, 0x84):
                event = "push" if device.expected != before else "again"
            found.append(told(event, answer.pack()))
        return found, core.seen

    def always(self, config: SessionConfig) -> Sequence[Talk]:
        """Every kind of request, as it should be and not; more than are kept, and those that still are again; of another, too."""
        exchange = config.exchange
        frame = Asked(2, payload=bytes(4 * exchange.frame_words))
        part = Asked(2, payload=bytes(4 * (exchange.frame_words - 1))) if exchange.frame_words > 1 else frame
        most = (
            [part, Asked(2, payload=bytes(4 * words_of_too_many(exchange)))] if words_of_too_many(exchange) <= MOST_WORDS else []
        )
        again = [replace(frame, ahead=ahead) for ahead in (-1, -exchange.window, -exchange.window - 1, 1)]
        sizes = ((1, 4), (1, 3), (4, 8), (4, 7), (3, 0), (3, 1), (5, 0), (5, 1), (6, 1), (7, 0))
        odd = [Asked(kind, payload=bytes(size)) for kind, size in sizes]
        theirs = [Asked(kind, session=THEIRS) for kind in (5, 6, 2, 3)]
        ends = (Asked(6), Asked(2, payload=bytes(4)), Asked(5, session=THEIRS), Asked(5, session=MINE, late=True))
        asked = (Asked(5), *odd, *theirs, *[frame] * (exchange.window + 1), *again, *most, replace(frame, payload=b""), *ends)
        return [Talk(asked, stalls) for stalls in (0, 3)]

    def covers(self, config: SessionConfig) -> Mapping[str, str]:
        """Each state, each reason of a refusal; an order that waits; stalls, in each transfer of a frame."""
        names = ("IDLE", "SECOND", "JUDGE", "MEASURE", "PUSH", "FEED", "LOAD", "SKIP", "DRAIN", "CLEAR", "REPLY", "WAIT")
        state = {name: f"state == {number}" for number, name in enumerate(names)}
        found = {f"state_{name.lower()}": what for name, what in state.items()}
        refused = (Reason.KIND, Reason.SIZE, Reason.SEQUENCE, Reason.HELD)
        found |= {f"refused_{why.name.lower()}": f"{state['REPLY']} && reason == {int(why)}" for why in refused}
        found |= {
            "waits_for_room": f"{state['PUSH']} && orders_full",
            "waits_for_answers": f"{state['DRAIN']} && !orders_idle",
            "starved_of_words": f"{state['FEED']} && remaining != 0 && !letters_waiting",
            "again": "orders_again",
            "all_kept": f"orders_push && kept == {config.exchange.window}",
            "a_lease_runs_out": f"silence[{config.lease}] && holding && {state['JUDGE']} && !mine && kind == 5",
        }
        if words_of_too_many(config.exchange) <= MOST_WORDS:
            most, words = config.exchange.frames, config.exchange.frame_words
            found["too_many_frames"] = f"{state['MEASURE']} && completed == {most} && measured >= {words}"
        transfers = config.exchange.frame_bytes // config.source_bytes
        number = "feed_words0_hand_over0_number" if config.source_bytes % 4 == 0 else "feed_bytes0_hand_over0_number"
        stalls = "s_axis_tvalid && !s_axis_tready"
        return found | {f"stalls_at_{place}": f"{stalls} && {number} == {place}" for place in range(transfers)}

    def elaborate(self, config: SessionConfig) -> Any:
        seed = wire(64) if config.exchange.seeded else None
        s_axis = Stream(8 * config.source_bytes)
        return session(
            bit(), reset(), Letters(), wire(32), Orders(), Reply(), s_axis, Counters(), seed, bit(), config
        )  # fmt: skip

    def play(self, dut: Dut, config: SessionConfig, stimulus: Talk) -> Told:
        bench = Bench(dut, config, stimulus.stalls)
        turn = 0
        for asked in stimulus.asked:
            if asked.late:
                for _ in range(1 << LEASE):
                    bench.cycle()
            number = (turn + asked.ahead) % 65536
            sender = ME if asked.session == MINE else OTHER
            bench.ask(message(asked.kind, number, asked.session, asked.payload), sender)
            kind, *rest = bench.told[-1]
            if kind == "push":
                turn = (turn + 1) % 65536
            elif kind == "reply" and rest[0][0] == 0x85 and bench.restarted:
                turn = 0
        return bench.told, bench.core.seen


class Bench:
    """What stands around: letters, a network, and who answers."""

    def __init__(self, dut: Dut, config: SessionConfig, stalls: int) -> None:
        self.dut, self.config, self.stalls = dut, config, stalls
        self.core = Core(config.exchange)
        self.frame = bytearray()
        self.words: list[int] = []
        self.sender = self.holder = 0
        self.told: list[tuple[Any, ...]] = []
        self.reading: list[int] | None = None
        self.done = self.restarted = False
        self.resets = 0
        self.quiet: list[bool] = []  # in each cycle: is all that was answered before on its way?
        dut.reset(self.inputs())

    def stalled(self, salt: int) -> bool:
        """In this cycle?"""
        return bool(self.stalls) and self.dut.cycle * salt % self.stalls == 1

    def inputs(self) -> dict[str, int]:
        names = ("frames_in", "frames_out", "malformed", "dropped")
        counters = {f"counters_{name}": value for name, value in zip(names, self.core.counters(), strict=False)}
        return {
            "letters_waiting": int(bool(self.words) and not self.stalled(7)),
            "letters_word": self.words[0] if self.words else 0,
            "letters_sender": self.sender,
            "refused": 0,
            "orders_idle": int(not self.stalled(5)),
            "orders_full": int(self.stalled(3)),
            "reply_busy": int(self.reading is not None),
            "reply_index": len(self.reading or ()),
            "s_axis_tready": int(not self.stalled(11)),
            **counters,
        }

    def ask(self, data: bytes, sender: int) -> None:
        """One message, until it is done with."""
        self.words = [int.from_bytes(data[place : place + 4], "little") for place in range(0, len(data) - 4, 4)]
        self.sender, self.done, self.restarted = sender, False, False
        before = len(self.told)
        while not self.done:
            self.cycle()
        for _ in range(8 * len(data) + 20):  # what is left of a frame's bytes
            self.cycle()
        assert len(self.told) == before + 1
        assert not self.words

    def cycle(self) -> None:
        """One cycle."""
        inputs = self.inputs()
        outputs = self.dut.settle(inputs)
        self.quiet.append(bool(inputs["orders_idle"]) and not inputs["reply_busy"])
        if outputs["letters_take"]:
            assert inputs["letters_waiting"]
            self.words.pop(0)
        self.done = self.done or bool(outputs["letters_done"])
        if outputs["orders_push"]:
            room = outputs["orders_count"] * self.config.exchange.result_words * 4
            self.told.append(("push", outputs["orders_kind"], outputs["orders_sequence"], room))
            assert outputs["orders_session"] in (MINE, THEIRS)
            assert outputs["orders_holder"] == (ME if outputs["orders_session"] == MINE else OTHER)
        if outputs["orders_again"]:
            self.told.append(("again", outputs["orders_sequence"]))
        self.restarted = self.restarted or bool(outputs["orders_restart"])
        self.reply(outputs)
        self.network(inputs, outputs)
        self.dut.edge()

    def reply(self, outputs: Any) -> None:
        """An answer at once is read word by word."""
        if self.reading is None:
            if outputs["reply_start"]:
                self.reading = []
            return
        if len(self.reading) < outputs["reply_size"]:
            self.reading.append(outputs["reply_word"])
            return
        payload = b"".join(word.to_bytes(4, "little") for word in self.reading)[: outputs["reply_length"]]
        if outputs["reply_kind"] == 0x81:
            payload = payload[:-8] + bytes(8)  # busy cycles
        answer = Datagram(outputs["reply_kind"], outputs["reply_sequence"], outputs["reply_session"], payload)
        self.told.append(("reply", answer.pack()))
        assert outputs["reply_to"] == self.sender
        self.reading = None

    def network(self, inputs: dict[str, int], outputs: Any) -> None:
        """Frames."""
        if not outputs["core_aresetn"]:
            # what is kept for a session is on its way two cycles before another's network begins anew
            assert self.resets or len(self.quiet) < 3 or self.quiet[-3]
            self.resets += 1
            assert self.resets <= RESET_CYCLES
            self.core.reset(outputs.get("seed"))
            self.frame.clear()
            return
        self.resets = 0
        if outputs["s_axis_tvalid"] and inputs["s_axis_tready"]:
            self.frame += outputs["s_axis_tdata"].to_bytes(self.config.source_bytes, "little")
            assert outputs["s_axis_tlast"] == (len(self.frame) == self.config.exchange.frame_bytes)
            if outputs["s_axis_tlast"]:
                self.core.run(bytes(self.frame))
                self.frame.clear()


class TestGolden(SessionSuite, GoldenTests):
    pass


class TestMyHdl(SessionSuite, MyHdlTests):
    pass


class TestVerilog(SessionSuite, VerilogTests):
    pass


def test_windows() -> None:
    """Of a few requests, a power of two."""
    for window in range(20):
        if window in (2, 4, 8, 16):
            assert Exchange(8, 4, window).window == window
        else:
            with pytest.raises(ValueError, match=f"^window={window} is none of 2, 4, 8, 16$"):
                Exchange(8, 4, window)
