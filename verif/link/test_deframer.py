"""deframer: whole requests come out as they went in, whatever stands between them; all others leave one mark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import strategies as st

from sigmabit.golden.link.deframer import REFUSAL, Deframer, Inbox, Message, Reason
from sigmabit.golden.link.framer import HEADER_BYTES, LONGEST_RUN, frame, seal, stuff
from sigmabit.hdl.link.deframer import INTERVAL, DeframerConfig, deframer
from sigmabit.hdl.verilog import fabric
from sigmabit.hdl.verilog.stream import Flow, bit, reset, wire

from ..closure.formal import Claims, Fault
from ..closure.proofs import ProofTests
from ..harness.bench import Dut, Values
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from .collisions import colliding_bank

Piece = list[int | None]
"""Bytes between two zeros; None for one without its stop bit."""


@dataclass(frozen=True)
class Traffic:
    """Pieces, each with how many words the reader takes when its end has come; cycles between bytes, a pattern that repeats.

    overlapped: it takes them while the next piece comes, where there is room for all pieces.
    """

    pieces: tuple[tuple[tuple[int | None, ...], int], ...]
    pauses: tuple[int, ...]
    overlapped: bool


Seen = tuple[list[int], int]
"""All words that were taken, and how many frames were refused."""


def unstuffed(stuffed: bytes) -> bytes | None:
    """COBS taken off, code by code; None where the last run is short."""
    plain = bytearray()
    while stuffed:
        code, run, stuffed = stuffed[0], stuffed[1 : stuffed[0]], stuffed[stuffed[0] :]
        if len(run) < code - 1:
            return None
        plain += run
        if code < 255 and stuffed:
            plain.append(0)
    return bytes(plain)


def verdict(piece: Piece, limit: int) -> bytes | Reason:
    """What a piece holds, header to CRC, or why it holds nothing."""
    if None in piece:
        return Reason.BROKEN
    stuffed = bytes(byte for byte in piece if byte is not None)
    # where the last run is short, what it lacks does not count
    plain = unstuffed(stuffed)
    length = (
        len(plain)
        if plain is not None
        else next(count for count in range(256) if unstuffed(stuffed + bytes([1] * count)) is not None)
    )
    if plain is None:
        complete = unstuffed(stuffed + bytes([1] * length))
        assert complete is not None
        return Reason.OVERSIZED if len(complete) - length > limit + 8 else Reason.TRUNCATED
    if len(plain) > limit + 8:
        return Reason.OVERSIZED
    if len(plain) < 8:
        return Reason.TRUNCATED
    if crc32(plain[:-4]).to_bytes(4, "little") != plain[-4:]:
        return Reason.CRC
    if int.from_bytes(plain[2:4], "little") != len(plain) - 8:
        return Reason.LENGTH
    return plain


def lie(plain: bytes, bit: int) -> bytes:
    """A frame without its CRC whose length is wrong by a power of two."""
    return plain[:2] + (int.from_bytes(plain[2:4], "little") ^ 1 << bit).to_bytes(2, "little") + plain[4:-4]


def pieces(limit: int) -> st.SearchStrategy[Piece]:
    """Frames, whole, damaged in every way, and noise."""
    small = st.sampled_from([0, 0, 1, 2, 255])
    payload = st.lists(st.one_of(small, st.integers(0, 255)), max_size=limit + 2).map(bytes)
    long = st.integers(0, 3).map(lambda less: bytes([7]) * max(0, limit - less))
    # runs about as long as COBS has codes for, with a zero behind them
    runs = st.builds(lambda run, more: (bytes([7]) * run + bytes(more))[:limit], st.integers(251, 255), st.integers(1, 9))
    payloads = (payload, payload, long, runs) if limit > 255 else (payload, payload, long)
    body = st.builds(seal, st.integers(0, 255), st.integers(0, 255), st.one_of(*payloads))
    whole = body.map(lambda plain: list(stuff(plain)))
    other = st.builds(lie, body, st.integers(0, 15))
    liar = other.map(lambda plain: list(stuff(plain + crc32(plain).to_bytes(4, "little"))))
    place = st.integers(0, 10**6)

    def changed(piece: Piece, where: int, value: int) -> Piece:
        return [*piece[: where % len(piece)], value, *piece[where % len(piece) + 1 :]]

    def broken(piece: Piece, where: int) -> Piece:
        return [*piece[: where % len(piece)], None, *piece[where % len(piece) :]]

    def dropped(piece: Piece, where: int) -> Piece:
        return [*piece[: where % len(piece)], *piece[where % len(piece) + 1 :]]

    def doubled(piece: Piece, where: int) -> Piece:
        return [*piece[: where % len(piece)], piece[where % len(piece)], *piece[where % len(piece) :]]

    def merged(piece: Piece, other: Piece) -> Piece:
        return [*piece, *other]

    noise: st.SearchStrategy[Piece] = st.lists(st.integers(1, 255), max_size=20)
    damaged = (
        st.builds(changed, whole, place, st.integers(1, 255)),
        st.builds(broken, whole, place),
        st.builds(dropped, whole, place),
        st.builds(doubled, whole, place),
        st.builds(merged, whole, whole),
        liar,
        noise,
    )
    return st.one_of(whole, whole, whole, *damaged)


class DeframerSuite(BlockSuite):
    """Everything between zeros that a line can bring."""

    samples = (
        DeframerConfig(12, 32),
        DeframerConfig(12, 64),
        DeframerConfig(300, 512),
        DeframerConfig(784, 2048),
    )
    examples, costly = 25, 3

    def configs(self) -> st.SearchStrategy[DeframerConfig]:
        return st.builds(DeframerConfig, st.integers(1, 23), st.sampled_from([32, 64]))

    def stimuli(self, config: DeframerConfig) -> st.SearchStrategy[Traffic]:
        taken = st.one_of(st.just(config.depth), st.integers(0, 6))
        piece = st.tuples(pieces(config.limit).map(tuple), taken)
        pauses = st.lists(st.sampled_from([0, 0, 0, 1, 2, 5]), min_size=1, max_size=5).map(tuple)
        most = 8 if config.limit < 100 else 3  # a piece takes a cycle or more for each of its bytes
        return st.builds(Traffic, st.lists(piece, min_size=1, max_size=most).map(tuple), pauses, st.booleans())

    def expected(self, config: DeframerConfig, stimulus: Traffic) -> Seen:
        memory: list[int] = []
        seen: list[int] = []
        refused = 0
        for piece, taken in stimulus.pieces:
            if piece:
                found = verdict(list(piece), config.limit)
                if isinstance(found, bytes) and len(memory) + len(found) >= config.depth:
                    found = Reason.NO_ROOM
                if isinstance(found, bytes):
                    memory += found[:-4]
                else:
                    refused += 1
                    if not (memory and memory[-1] > 255) and len(memory) + 1 < config.depth:
                        memory.append(256 + found)
            seen += memory[:taken]
            memory = memory[taken:]
        return seen, refused

    def golden(self, config: DeframerConfig, stimulus: Traffic) -> Seen:
        inbox, seen = Inbox(config.limit, config.depth), []
        for piece, taken in stimulus.pieces:
            for byte in (*piece, 0):
                inbox.feed(byte)
            seen += [inbox.take() for _ in range(min(taken, len(inbox.words)))]
        return seen, inbox.refused

    def always(self, config: DeframerConfig) -> Sequence[Traffic]:
        """More than there is room for, marks behind marks, once round the memory; and words that are read as others come."""
        sizes = (config.limit, 0, config.limit + 1)
        longest, shortest, too_long = (tuple(stuff(seal(2, 3, bytes([7]) * size))) for size in sizes)
        bad, many = longest[:-1], config.depth // (config.limit + HEADER_BYTES) + 1
        full = [(longest, 0)] * many + [(too_long, config.depth), ((), 0), (bad, 0), (bad, 0), (shortest, 0), (bad, 5)]
        some = ((shortest, HEADER_BYTES),) * 2
        return [Traffic((*full, *[(longest, config.depth)] * 3), (0,), False), Traffic(some, (0,), True)]

    def covers(self, config: DeframerConfig) -> Mapping[str, str]:
        """Each verdict; what memory is full of; what comes and goes in one cycle."""
        verdicts = {reason: f"done && faulty && fault == {int(reason)}" for reason in Reason if reason <= Reason.LENGTH}
        found = {f"refused_{reason.name.lower()}": what for reason, what in verdicts.items()}
        found |= {
            "kept": "done && !refusing",
            "kept_behind_a_mark": "done && !refusing && marked && oldest != commit",
            "no_room_for_a_request": "done && !faulty && lost",
            "a_mark_behind_a_mark": "refusing && marked && oldest != commit",
            "a_mark_when_the_last_is_read": "marking && marked",
            "full": "arrived && after_tail == oldest",
            "read_as_a_byte_comes": "take && sink_valid",
            "a_zero_behind_a_zero": "closing && !started",
            "a_byte_with_no_pause": "emitting && $past(emitting)",
            "empty_again": "waiting && take && $past(oldest) + 1 == commit",
            "round_the_memory": f"keeping && place == {config.depth - 1}",
        }
        if config.limit >= LONGEST_RUN:
            found["longest_run"] = f"sink_valid && sink_data == {LONGEST_RUN + 1} && left == 0"
        return found

    def elaborate(self, config: DeframerConfig) -> Any:
        return deframer(bit(), reset(), Flow(8), bit(), wire(9), bit(), bit(), wire(32), config)

    def play(self, dut: Dut, config: DeframerConfig, stimulus: Traffic) -> Seen:
        idle = {"sink_valid": 0, "sink_data": 0x33, "broken": 0, "take": 0}
        dut.reset(idle)
        overlapped = stimulus.overlapped and sum(len(piece) + 1 for piece, _ in stimulus.pieces) < config.depth
        reader, pauses = Reader(dut, idle), 0
        for piece, taken in stimulus.pieces:
            empty = not dut.settle(idle)["waiting"]
            for byte in (*piece, 0):
                for _ in range(stimulus.pauses[pauses % len(stimulus.pauses)]):
                    reader.step(idle)
                pauses += 1
                if byte == 0:
                    reader.finish()
                reader.step({**idle, "broken": 1} if byte is None else {**idle, "sink_valid": 1, "sink_data": byte})
            came = [reader.step(idle) for _ in range(config.latency)]
            if empty:
                assert not any(came[:-1])
            reader.owed = taken
            if not overlapped:
                reader.finish()
        reader.finish()
        return reader.seen, dut.settle(idle)["refused"]


class Reader:
    """Takes words as soon as they are there, as long as some are owed to it."""

    def __init__(self, dut: Dut, idle: Values) -> None:
        self.dut, self.idle = dut, idle
        self.seen: list[int] = []
        self.owed = self.hidden = 0

    def step(self, inputs: Values) -> bool:
        """One cycle. Is a word waiting?"""
        outputs = self.dut.settle(inputs)
        waiting = bool(outputs["waiting"])
        assert not (waiting and self.hidden)
        takes = waiting and self.owed > 0
        if takes:
            self.seen.append(outputs["head"])
            self.owed -= 1
        self.hidden = INTERVAL - 1 if takes else max(0, self.hidden - 1)
        self.dut.step({**inputs, "take": int(takes)})
        return waiting

    def finish(self) -> None:
        """Take what is owed, or all that is there."""
        while self.owed and (self.hidden or self.dut.settle(self.idle)["waiting"]):
            self.step(self.idle)
        self.owed = 0
        while self.hidden:
            self.step(self.idle)


class TestGolden(DeframerSuite, GoldenTests):
    def test_a_frame_behind_a_zero_is_read_whatever_came_before(self) -> None:
        """For every cut through two frames, and every byte of the first that is changed."""
        first, second = frame(1, 2, b"\0abc\0"), frame(3, 4, b"def")
        for place in range(len(first)):
            for value in (None, 0, 1, 0xFF, *first):
                deframer = Deframer(8)
                found = [deframer.feed(byte) for byte in (*first[:place], value, *first[place + 1 :], *second)]
                assert found[-1] == Message(3, 4, b"def")

    def test_refusals_are_no_bytes(self) -> None:
        """A word that marks a refusal is none that a request may hold."""
        assert all((REFUSAL | reason) > 255 for reason in Reason)


class TestMyHdl(DeframerSuite, MyHdlTests):
    @pytest.fixture(autouse=True)
    def colliding(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever a memory gives for a word that is read as it is written."""
        monkeypatch.setattr(fabric, "bank", colliding_bank)


class TestVerilog(DeframerSuite, VerilogTests):
    pass


SMALL = 32
"""Words of a memory that is looked into."""


class TestProof(DeframerSuite, ProofTests):
    quick_fault = False  # a memory has to be filled
    left_out = (1, 2, 3)  # for which lemmas are missing
    faults = (
        Fault("nothing_overwritten", "(arrived && (after_tail != oldest))", "arrived"),
        Fault("lemma_in_line", "readable <= commit;", "readable <= tail;"),
        Fault("lemma_one_ahead", "after_commit <= 1;", "after_commit <= 2;"),
        Fault("lemma_bytes", "tail <= commit;", "tail <= tail;"),
        Fault("lemma_counted", "arrived <= (emitting && (count != 20));", "arrived <= emitting;"),
        Fault(
            "lemma_started",
            "if (sink_valid) begin\n            started <= 1'b1;",
            "if (sink_valid) begin\n            started <= 0;",
        ),
        Fault("lemma_long_enough", "(count < 8)", "(count < 7)"),
        Fault("lemma_kept", "(arrived && (after_tail != oldest))", "arrived"),
        Fault("lemma_unread", "known <= ((oldest != readable) && (!take));", "known <= (!take);"),
        Fault("lemma_found", "word = {done, passed};", "word = {done, passed};\n    if (waiting) place = oldest;"),
        Fault("lemma_aged", "deep_bank0_age0_register0_q <= deep_bank0_found;", "deep_bank0_age0_register0_q <= head;"),
        Fault("waits_for_a_word", "waiting <= (settled && (!take));", "waiting <= settled;"),
        Fault("shown_soon", "settled <= (known && (!take));", "settled <= (known && (!take) && (!writing));"),
        Fault("wiped_by_zero", "over <= 1'b0;", "over <= over;"),
        Fault("whole_or_nothing", "whole = (tail + 28);", "whole = (tail + 27);"),
        Fault("mark_at_most", "commit <= after_commit;", "commit <= after_tail;"),
        Fault("no_trace", "tail <= commit;", "tail <= tail;"),
        Fault("verdict", "refusing = (done && (faulty || lost))", "refusing = (done && faulty)"),
        Fault("refused_counts", "refused <= more[32-1:0];", "refused <= more[3-1:0];"),
        Fault("oldest_shown", "word = {done, passed};", "word = {done, passed};\n    if (waiting) place = oldest;"),
    )

    def claims(self, config: DeframerConfig) -> Iterator[Claims]:
        here, pointer = Path(__file__).parent, config.depth.bit_length() - 1
        yield Claims(here / "deframer_claims.sv", config.module, {"POINTER": pointer, "LIMIT": config.limit}, together=True)
        if config.depth <= SMALL:
            joins = {"word_at_oldest": "deep_bank0_bank0_words[oldest]"}
            yield Claims(here / "deframer_shown.sv", config.module, {"POINTER": pointer}, joins, together=True)
