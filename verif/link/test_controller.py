"""controller: requests of every kind, good and bad, in turn and out of turn; the network slow, or stuck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st

from sigmabit.golden.link.controller import ANSWER, NONCE_BYTES, Controller, Kind, Status, Traffic
from sigmabit.golden.link.deframer import REFUSAL, Message, Reason
from sigmabit.golden.link.framer import seal
from sigmabit.hdl.link.controller import RESET_CYCLES, ControllerConfig, controller, row_bytes
from sigmabit.hdl.link.deframer import INTERVAL
from sigmabit.hdl.verilog.stream import Counters, Stream, VectorStream, bit, reset, wire

from ..closure.formal import Claims, Fault
from ..closure.proofs import ProofTests
from ..closure.streams import stream
from ..harness.bench import Dut
from ..harness.stream import Stalls, stalls
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests

MODEL = bytes(range(100, 116))

STUCK = 0xEE
"""A frame that begins with this byte never gets a result."""


@dataclass(frozen=True)
class Asked:
    """A request. sequence: how far it is from the one whose turn it is, where that is known; frames: of a DATA request, by their
    first bytes, and how many bytes too many it has; payload: of the others.
    """

    kind: int
    ahead: int
    frames: tuple[int, ...] = ()
    surplus: int = 0
    payload: bytes = b""


@dataclass(frozen=True)
class Session:
    """Requests, or reasons why a frame held none; pauses of the network, and how long each answer takes to be sent."""

    asked: tuple[Asked | Reason, ...]
    patterns: Stalls
    sending: int


def naive_result(frame: bytes, size: int, salt: int) -> bytes:
    """What the network in these tests computes."""
    total = sum((position + 1) * byte for position, byte in enumerate(frame)) + salt
    return bytes((total * (3 * place + 1) + place) & 0xFF for place in range(size))


@dataclass
class Core:
    """The network of these tests: counts frames, and mixes its seed into its results."""

    traffic: Traffic
    seed: int = 0
    done: int = 0
    busy: int = 0

    def run(self, frame: bytes) -> bytes | None:
        if frame[0] == STUCK:
            return None
        self.done += 1
        return naive_result(frame, self.traffic.result_bytes, self.seed + self.done)

    def reset(self, seed: int | None) -> None:
        self.seed = self.seed if seed is None else seed
        self.done = 0

    def counters(self) -> tuple[int, int, int, int, int]:
        return self.done, self.done ^ 0x80000000, 7, 0x01020304, 0


@dataclass
class Reference:
    """The protocol in the plainest words; answers as (kind, sequence, payload)."""

    config: ControllerConfig
    core: Core
    turn: int = 0
    refused: int = 0xA1B2C3D4
    past: list[tuple[int, tuple[int, int, bytes]]] = field(default_factory=list)

    def answer(self, kind: int, sequence: int, payload: bytes) -> tuple[int, int, bytes]:
        traffic = self.config.traffic
        if kind == 1:
            if len(payload) != 4:
                return 255, sequence, bytes((8, self.turn))
            return 129, sequence, payload + self.about()
        if kind not in (2, 3) and not (kind == 4 and traffic.seeded):
            return 255, sequence, bytes((7, self.turn))
        if sequence != self.turn:
            kept = [answer for number, answer in self.past[-traffic.window :] if number == sequence]
            return kept[0] if kept else (255, sequence, bytes((9, self.turn)))
        result = b""
        if kind == 2:
            count = len(payload) / traffic.frame_bytes
            if count not in range(1, traffic.frames + 1):
                return 255, sequence, bytes((8, self.turn))
            for number in range(int(count)):
                one = self.core.run(payload[number * traffic.frame_bytes :][: traffic.frame_bytes])
                if one is None:
                    self.core.reset(None)
                    self.past = self.past[-traffic.window + 1 :]
                    return 255, sequence, bytes((10, self.turn))
                result += one
        elif len(payload) != (0 if kind == 3 else 8):
            return 255, sequence, bytes((8, self.turn))
        else:
            self.core.reset(int.from_bytes(payload, "little") if kind == 4 else None)
        self.past.append((sequence, (kind + 128, sequence, result)))
        self.turn = (self.turn + 1) % 256
        return self.past[-1][1]

    def about(self) -> bytes:
        traffic = self.config.traffic
        sizes = traffic.frame_bytes.to_bytes(2, "little") + traffic.result_bytes.to_bytes(2, "little")
        own = bytes((1, *self.config.version, self.turn, traffic.window, traffic.frames, traffic.seeded)) + sizes
        counters = b"".join(value.to_bytes(4, "little") for value in self.core.counters()[:4])
        return own + MODEL + counters + self.refused.to_bytes(4, "little") + bytes(8)


def payload_of(asked: Asked, traffic: Traffic) -> bytes:
    """The request's payload."""
    if not asked.frames and not asked.surplus:
        return asked.payload
    frames = (bytes((first, *(first * 7 + i & 0xFF for i in range(traffic.frame_bytes - 1)))) for first in asked.frames)
    return b"".join(frames) + bytes(asked.surplus)


Answers = list[tuple[int, int, bytes]]

Transfers = tuple[int, tuple[int, int] | None]
"""Bytes of a transfer; where rows are filled up, the transfers of one, and the bytes of its last that count."""


def kept(size: int, row: tuple[int, int] | None, number: int) -> int:
    """How many bytes of a frame's transfer `number` are not there to fill up."""
    return row[1] if row is not None and number % row[0] == row[0] - 1 else size


class Ends:
    """The network's ends: transfers of frames to it, and of results from it."""

    def __init__(self, config: ControllerConfig, core: Core) -> None:
        self.config, self.core = config, core
        self.clear()

    def clear(self) -> None:
        """In reset."""
        self.frame, self.results = bytearray(), bytearray()
        self.taken = self.given = 0

    def _some(self) -> int:
        return kept(self.config.result_bytes, self.config.result_row, self.given)

    @property
    def offered(self) -> int:
        """The next transfer of results. What fills it up must not be looked at."""
        some = self._some()
        return int.from_bytes(bytes(self.results[:some]) + b"\xa5" * (self.config.result_bytes - some), "little")

    def give(self) -> None:
        """It took place."""
        del self.results[: self._some()]
        self.given += 1

    def take(self, data: int, last: int) -> None:
        """A transfer of a frame."""
        size = self.config.source_bytes
        beat, some = data.to_bytes(size, "little"), kept(size, self.config.source_row, self.taken)
        assert not any(beat[some:])
        self.frame += beat[:some]
        self.taken += 1
        assert last == (len(self.frame) == self.config.traffic.frame_bytes)
        if last:
            self.results += self.core.run(bytes(self.frame)) or b""
            self.frame.clear()


class ControllerSuite(BlockSuite):
    """Sessions. The cycles that the device was busy are compared with a count of them, not with golden."""

    samples = (
        ControllerConfig(Traffic(6, 4, 3, 4, seeded=True), 2, 2, MODEL, (1, 2, 3), patience=7),
        ControllerConfig(Traffic(5, 3, 2, 2), 1, 1, MODEL, (0, 1, 0), patience=7),
        ControllerConfig(Traffic(12, 40, 2, 2, seeded=True), 3, 20, MODEL, (0, 0, 9), patience=7),
        # rows of 7 in transfers of 3, 3 and 1; results of rows of 10 in transfers of 4, 4 and 2
        ControllerConfig(Traffic(14, 20, 2, 2), 3, 4, MODEL, (0, 0, 9), 7, (3, 1), (3, 2)),
    )
    examples = 8
    costly = 7

    def configs(self) -> st.SearchStrategy[ControllerConfig]:
        whole = st.tuples(st.integers(1, 4), st.none())
        filled = st.integers(2, 4).flatmap(
            lambda size: st.tuples(st.just(size), st.tuples(st.integers(1, 3), st.integers(1, size - 1)))
        )
        ends = st.tuples(whole | filled, st.integers(1, 3))

        def build(
            source: tuple[Transfers, int], result: tuple[Transfers, int], frames: int, window: int, seeded: bool
        ) -> ControllerConfig:
            here, there = source[0], result[0]
            sizes = row_bytes(*here) * source[1], row_bytes(*there) * result[1]
            traffic = Traffic(*sizes, frames, window, seeded)
            return ControllerConfig(traffic, here[0], there[0], MODEL, (1, 2, 3), 7, here[1], there[1])

        return st.builds(build, ends, ends, st.integers(1, 4), st.sampled_from([2, 4, 8]), st.booleans())

    def stimuli(self, config: ControllerConfig) -> st.SearchStrategy[Session]:
        ahead = st.sampled_from([0, 0, 0, 0, -1, -1, -2, -config.traffic.window, -config.traffic.window - 1, 1, 100])
        first = st.one_of(st.integers(0, 237), st.integers(0, 237), st.just(STUCK))
        frames = st.lists(first, min_size=1, max_size=config.traffic.frames + 1).map(tuple)
        asked = st.one_of(
            st.builds(Asked, st.just(2), ahead, frames, st.sampled_from([0, 0, 0, 1])),
            st.builds(Asked, st.just(2), st.just(0), st.lists(st.integers(0, 237), min_size=1, max_size=1).map(tuple)),
            st.builds(Asked, st.just(1), ahead, payload=st.binary(min_size=4, max_size=4)),
            st.builds(Asked, st.integers(0, 6), ahead, payload=st.binary(max_size=9)),
            st.builds(Asked, st.just(3), ahead),
            st.builds(Asked, st.just(4), ahead, payload=st.binary(min_size=8, max_size=8)),
            st.sampled_from(Reason),
        )
        # an answer that is begun and not finished takes the place of the oldest, and of no other
        one = Asked(2, 0, (1,))
        stuck = (*[one] * config.traffic.window, Asked(2, 0, (STUCK,)), Asked(3, -config.traffic.window), Asked(3, -1), one)
        several = st.one_of(*[st.lists(asked, min_size=1, max_size=8).map(tuple)] * 4, st.just(stuck))
        return st.builds(Session, several, stalls(), st.sampled_from([0, 5, 200]))

    def expected(self, config: ControllerConfig, stimulus: Session) -> Answers:
        reference = Reference(config, Core(config.traffic))
        answers = []
        for asked in stimulus.asked:
            if isinstance(asked, Reason):
                answers.append((255, reference.turn, bytes((asked, reference.turn))))
            else:
                sequence = (reference.turn + asked.ahead) % 256
                answers.append(reference.answer(asked.kind, sequence, payload_of(asked, config.traffic)))
        return answers

    def golden(self, config: ControllerConfig, stimulus: Session) -> Answers:
        device = Controller(config.traffic, Core(config.traffic), MODEL, config.version)
        answers = []
        for asked in stimulus.asked:
            request: Message | Reason = Reason.CRC
            if isinstance(asked, Reason):
                request = asked
            else:
                sequence = (device.expected + asked.ahead) % 256
                request = Message(asked.kind, sequence, payload_of(asked, config.traffic))
            answer = device.answer(request, refused=0xA1B2C3D4)
            answers.append((answer.kind, answer.sequence, answer.payload))
        return answers

    def always(self, config: ControllerConfig) -> Sequence[Session]:
        """Every kind of request, as it should be and not; more answers than are kept, and those that still are again."""
        one, window = Asked(2, 0, (1,)), config.traffic.window
        sizes = [Asked(kind, 0, payload=bytes(size)) for kind, size in ((1, 4), (1, 3), (4, 8), (4, 7), (3, 0), (3, 1), (6, 0))]
        again = [Asked(2, ahead, (1,)) for ahead in (-1, -window, -window - 1, 1)]
        frames = [
            Asked(2, 0, (1,) * count, more) for count, more in ((1, 1), (0, 0), *((config.traffic.frames + i, 0) for i in (0, 1)))
        ]
        asked = (*Reason, *sizes, *[one] * (window + 2), *again, *frames, Asked(2, 0, (STUCK,)), one, one)
        return [Session(asked, Stalls(every, every), sending) for every, sending in (((), 200), ((True, True, False), 0))]

    def covers(self, config: ControllerConfig) -> Mapping[str, str]:
        """Each state, each reason of a refusal, each answer again; streams that stall, in each transfer of a frame."""
        names = (
            *("IDLE", "SEQUENCE", "LOW", "HIGH", "JUDGE", "MEASURE", "SKIP", "REFUSE", "LOAD"),
            *("CLEAR", "OPEN", "HEAD", "BODY", "CHECK", "SEND"),
        )
        used = [name for name in names if config.traffic.seeded or name != "LOAD"]
        found = {f"state_{name.lower()}": f"state == {names.index(name)}" for name in used}
        refuses, sends = f"state == {names.index('REFUSE')}", f"state == {names.index('SEND')}"
        found |= {f"refused_{reason.name.lower()}": f"{refuses} && reason == {int(reason)}" for reason in Reason}
        found |= {
            "waits_for_the_framer": f"{sends} && busy",
            "waits_for_its_slot": f"state == {names.index('OPEN')} && busy && in_use == target",
            "writes_as_another_is_sent": "write && busy",
            "again": f"{sends} && !busy && !counts && kind == 2",
            "stuck_with_all_kept": f"silence[{config.patience}] && kept == {config.traffic.window}",
            "all_kept": f"{sends} && kept == {config.traffic.window}",
            "starved_of_bytes": "running && !offering && !waiting && owed",
        }
        if config.result_bytes > 1:
            found["results_wait_for_their_turn"] = "m_axis_tvalid && !m_axis_tready && running"
        stalls = "s_axis_tvalid && !s_axis_tready"
        return found | {f"stalls_at_{place}": f"{stalls} && number == {place}" for place in range(config.source_beats)}

    def elaborate(self, config: ControllerConfig) -> Any:
        answers, seed = config.answers, wire(64) if config.traffic.seeded else None
        inbox = wire(9), bit(), bit(), wire(32)
        outbox = bit(), wire(answers.address_bits), wire(8), bit(), wire(answers.slot_bits), bit()
        streams = Stream(8 * config.source_bytes), VectorStream(8 * config.result_bytes)
        return controller(bit(), reset(), *inbox, *outbox, *streams, Counters(), seed, bit(), config)

    def play(self, dut: Dut, config: ControllerConfig, stimulus: Session) -> Answers:
        bench = Bench(dut, config, stimulus)
        answers, turn = [], 0
        for asked in stimulus.asked:
            if isinstance(asked, Reason):
                words = [REFUSAL | asked]
            else:
                body = seal(asked.kind, (turn + asked.ahead) % 256, payload_of(asked, config.traffic))[:-4]
                words = list(body)
            kind, sequence, payload = bench.ask(words)
            if kind in (130, 131, 132) and sequence == turn:
                turn = (turn + 1) % 256
            if kind == Kind.STATUS | ANSWER:
                status = Status.unpack(payload[4:])
                assert status.busy == bench.busy
                payload = payload[:-8] + bytes(8)
            answers.append((kind, sequence, payload))
        return answers


class Bench:
    """What stands around a controller: the inbox, the network, the framer. It checks the streams' rules and the resets."""

    def __init__(self, dut: Dut, config: ControllerConfig, stimulus: Session) -> None:
        self.dut, self.config, self.stimulus = dut, config, stimulus
        self.core = Core(config.traffic)
        self.ends = Ends(config, self.core)
        self.memory: dict[int, int] = {}
        self.words: list[int] = []
        self.hidden = self.busy = self.sending = self.slot = 0
        self.held: tuple[int, ...] | None = None
        self.since: int | None = None
        self.offered = False
        dut.reset(self.inputs())
        dut.step(self.inputs())

    def inputs(self) -> dict[str, int]:
        now = self.dut.cycle
        stall = not self.ends.results or (self.stimulus.patterns.source_idles(now) and not self.offered)
        counters = dict(zip(("frames_in", "frames_out", "malformed", "dropped"), self.core.counters()[:4], strict=True))
        return {
            "head": self.words[0] if self.words else 0x1FF,
            "waiting": int(bool(self.words) and not self.hidden),
            "refused": 0xA1B2C3D4,
            "busy": int(self.sending > 0),
            "s_axis_tready": int(not self.stimulus.patterns.sink_stalls(now)),
            "m_axis_tvalid": int(not stall),
            "m_axis_tdata": 0 if stall else self.ends.offered,
            **{f"counters_{name}": value for name, value in counters.items()},
        }

    def ask(self, words: list[int]) -> tuple[int, int, bytes]:
        """One request, and what its answer is, when the framer is told to send it."""
        self.words += words
        resets = 0
        since, nonce = self.dut.cycle, words[0] == Kind.STATUS and len(words) == 8
        at_once = nonce and not self.sending
        for _ in range(5000):
            outputs = self.cycle()
            resets = resets + 1 if not outputs["core_aresetn"] else 0
            assert resets <= RESET_CYCLES
            if outputs["start"]:
                assert not nonce or not at_once or self.dut.cycle - 1 - since == self.config.latency
                return self.answer(outputs["slot"])
        raise AssertionError("no answer")

    def cycle(self) -> dict[str, int]:
        inputs = self.inputs()
        opposite = {"s_axis_tready": 1 - inputs["s_axis_tready"], "m_axis_tvalid": 1 - inputs["m_axis_tvalid"]}
        before = self.dut.settle({**inputs, **opposite})
        outputs = dict(self.dut.settle(inputs))
        offer = tuple(outputs[f"s_axis_{name}"] for name in ("tvalid", "tdata", "tlast"))
        assert before["m_axis_tready"] == outputs["m_axis_tready"]  # S4
        assert before["s_axis_tvalid"] == outputs["s_axis_tvalid"]  # S3
        assert self.held is None or offer == self.held or not outputs["core_aresetn"]  # S2
        assert not (outputs["take"] and not inputs["waiting"])
        self.held = offer if outputs["s_axis_tvalid"] and not inputs["s_axis_tready"] else None
        if outputs["write"]:
            assert not (self.sending and outputs["write_address"] >> self.config.answers.offset_bits == self.slot)
            self.memory[outputs["write_address"]] = outputs["write_data"]
            self.clock(*divmod(outputs["write_address"], 1 << self.config.answers.offset_bits))
        self.hidden = max(self.hidden - 1, 0)
        self.sending = max(self.sending - 1, 0)
        if outputs["take"]:
            self.words.pop(0)
            self.hidden = INTERVAL - 1
        if outputs["start"]:
            assert not inputs["busy"]
            self.sending, self.slot = self.stimulus.sending, outputs["slot"]
        self.network(inputs, outputs)
        self.dut.edge()
        return outputs

    def clock(self, slot: int, place: int) -> None:
        """Frames go in and results come out from the header's last byte to the byte before the CRC."""
        base = slot << self.config.answers.offset_bits
        if place == 3 and self.memory[base] == Kind.DATA | ANSWER:
            self.since = self.dut.cycle
        if self.since is not None and place == 4 + self.memory[base + 2] + (self.memory[base + 3] << 8):
            self.busy += self.dut.cycle - 1 - self.since
            self.since = None

    def network(self, inputs: dict[str, int], outputs: dict[str, int]) -> None:
        if not outputs["core_aresetn"]:
            if self.since is not None:  # the network was stuck
                self.busy += self.dut.cycle - 1 - self.since
                self.since = None
            self.core.reset(outputs.get("seed"))
            self.ends.clear()
            self.offered = False
            return
        self.offered = bool(inputs["m_axis_tvalid"] and not outputs["m_axis_tready"])
        if inputs["m_axis_tvalid"] and outputs["m_axis_tready"]:
            self.ends.give()
        if outputs["s_axis_tvalid"] and inputs["s_axis_tready"]:
            self.ends.take(outputs["s_axis_tdata"], outputs["s_axis_tlast"])

    def answer(self, slot: int) -> tuple[int, int, bytes]:
        base = slot << self.config.answers.offset_bits
        length = self.memory[base + 2] | self.memory[base + 3] << 8
        body = bytes(self.memory[base + place] for place in range(length + 8))
        assert body == seal(body[0], body[1], body[4:-4])
        return body[0], body[1], body[4:-4]


class TestGolden(ControllerSuite, GoldenTests):
    pass


class TestMyHdl(ControllerSuite, MyHdlTests):
    pass


class TestVerilog(ControllerSuite, VerilogTests):
    pass


class TestProof(ControllerSuite, ProofTests):
    """Its frames are offered as S2 asks, as long as the network that takes them is not reset."""

    left_out = (0, 2, 3)  # the same takes longer
    quick = ()
    faults = (
        Fault(
            "s2_valid",
            "if ((!running)) begin\n            offering <= 1'b0;",
            "if ((!running) || full) begin\n            offering <= 1'b0;",
            sample=1,
        ),
        Fault("s2_data", "assign s_axis_tdata = beat;", "assign s_axis_tdata = content;", sample=1),
        Fault("s2_last", "assign s_axis_tlast = (number == 4);", "assign s_axis_tlast = waiting;", sample=1),
        Fault("S3", "assign s_axis_tvalid = offering;", "assign s_axis_tvalid = transfer;", sample=1),
        Fault("S4", "assign m_axis_tready = (running &&", "assign m_axis_tready = (running && m_axis_tvalid &&", sample=1),
    )

    def claims(self, config: ControllerConfig) -> tuple[Claims, ...]:
        return (stream(config.module, "s_axis", 8 * config.source_bytes, others={"cleared": "(!core_aresetn)"}),)


@pytest.mark.parametrize(
    ("frame", "result", "frames"), [(1, 1, 255), (257, 255, 255), (255, 257, 255), (65535, 1, 1), (1, 65535, 1)]
)
def test_traffic(frame: int, result: int, frames: int) -> None:
    """As much as may be on its way at once, both ways, with each window, and no more."""
    for window in range(20):
        if window not in (2, 4, 8, 16):
            with pytest.raises(ValueError, match=rf"^window={window} is none of 2, 4, 8, 16$"):
                Traffic(frame, result, frames, window)
            continue
        traffic = Traffic(frame, result, frames, window)
        assert traffic.request_bytes == max(frames * frame, 8)
        status = NONCE_BYTES + len(Controller(traffic, Core(traffic), MODEL, (1, 2, 3)).status().pack())
        assert traffic.answer_bytes == max(frames * result, status)
    for more in ((frame + 1, result, frames), (frame, result + 1, frames), (frame, result, frames + 1)):
        if more[2] > 255 or more[2] * max(more[:2]) > 65535:
            with pytest.raises(
                ValueError, match=rf"^frames={more[2]} of {more[0]} and {more[1]} bytes: at most 255, and 65535 bytes"
            ):
                Traffic(*more, window=2)
        else:
            assert Traffic(*more, window=2).frames == more[2]
