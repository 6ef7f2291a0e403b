"""framer: every answer that was written comes out stuffed between two zeros, as often as it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st

from sigmabit.golden.link.framer import LONGEST_RUN, frame, seal
from sigmabit.hdl.link.framer import FramerConfig, framer
from sigmabit.hdl.verilog import fabric
from sigmabit.hdl.verilog.fabric import DEEP_CYCLES
from sigmabit.hdl.verilog.stream import VectorStream, bit, reset, wire

from ..closure.formal import Claims, Fault
from ..closure.proofs import ProofTests
from ..harness.bench import Dut
from ..harness.stream import ProtocolError, Stalls, stalls
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from .collisions import colliding_bank


@dataclass(frozen=True)
class Answers:
    """Steps: an answer that is written to a slot and sent, or, without a payload, what is there, sent again."""

    steps: tuple[tuple[int, tuple[int, int, bytes] | None], ...]
    patterns: Stalls


def naive(body: bytes) -> bytes:
    """COBS by the book: the data and one more zero, cut at zeros; a piece of 254 or more bytes is cut again."""
    out = bytearray()
    pieces = body.split(b"\0")
    for number, piece in enumerate(pieces):
        while len(piece) > 254 or (len(piece) == 254 and number < len(pieces) - 1):
            out += b"\xff" + piece[:254]
            piece = piece[254:]
        out += bytes((len(piece) + 1,)) + piece
    return bytes(out)


def duration(stuffed: bytes) -> int:
    """Cycles from the first zero to the last: a byte is looked at, and copied, once its place has been waited for."""
    byte, cycles, at = 1 + DEEP_CYCLES, 1, 0
    while at < len(stuffed):
        length, last = stuffed[at] - 1, at + stuffed[at] == len(stuffed)
        ends_with_zero = length < LONGEST_RUN and not last
        cycles += 1 + length * byte + byte + length * byte + (byte if ends_with_zero else 1)
        at += 1 + length
    return cycles


class FramerSuite(BlockSuite):
    """Answers with few zeros, many zeros, and none; the longest of the first two samples fill their slots."""

    samples: ClassVar[Sequence[FramerConfig]] = (FramerConfig(5, 248), FramerConfig(2, 504), FramerConfig(3, 520))
    examples = 20
    flags = ("busy",)

    def configs(self) -> st.SearchStrategy[FramerConfig]:
        return st.builds(FramerConfig, st.integers(2, 5), st.integers(1, 30))

    def stimuli(self, config: FramerConfig) -> st.SearchStrategy[Answers]:
        byte = st.one_of(st.sampled_from([0, 0, 1, 255]), st.integers(0, 255))
        run = st.integers(max(0, config.limit - 8), config.limit).map(lambda length: bytes([9]) * length)
        # runs with zeros between them, some about as long as COBS has codes for, in answers of every size
        lengths = st.integers(0, config.limit) | st.integers(*((252, 255) if config.limit > 255 else (0, config.limit)))
        runs = st.builds(
            lambda each, size: (b"".join(bytes([9]) * run + b"\0" for run in each) * size)[:size],
            st.lists(lengths, min_size=1, max_size=4),
            st.integers(0, config.limit),
        )
        payload = st.one_of(st.lists(byte, max_size=config.limit).map(bytes), run, runs)
        answer = st.tuples(st.integers(0, 255), st.integers(0, 255), payload)
        slot = st.integers(0, config.slots - 1) | st.just(config.slots - 1)
        step = st.tuples(slot, st.one_of(answer, answer, st.none()))
        return st.builds(Answers, st.lists(step, min_size=1, max_size=5).map(tuple), stalls())

    def expected(self, config: FramerConfig, stimulus: Answers) -> bytes:
        sent, slots = bytearray(), {}
        for slot, answer in stimulus.steps:
            if answer is not None:
                slots[slot] = b"\0" + naive(seal(*answer)) + b"\0"
            sent += slots.get(slot, b"")
        return bytes(sent)

    def golden(self, config: FramerConfig, stimulus: Answers) -> bytes:
        sent, slots = bytearray(), {}
        for slot, answer in stimulus.steps:
            if answer is not None:
                slots[slot] = frame(*answer)
            sent += slots.get(slot, b"")
        return bytes(sent)

    def elaborate(self, config: FramerConfig) -> Any:
        written = bit(), wire(config.address_bits), wire(8)
        return framer(bit(), reset(), *written, bit(), wire(config.slot_bits), bit(), VectorStream(8), config)

    def play(self, dut: Dut, config: FramerConfig, stimulus: Answers) -> bytes:
        idle = {"write": 0, "write_address": 0, "write_data": 0xFF, "start": 0, "slot": 0, "source_tready": 0}
        dut.reset(idle)
        sent, filled = bytearray(), set()
        for slot, answer in stimulus.steps:
            if answer is not None:
                filled.add(slot)
                for place, byte in enumerate(seal(*answer)):
                    address = slot << config.offset_bits | place
                    dut.step({**idle, "write": 1, "write_address": address, "write_data": byte})
            if slot in filled:
                started = dut.cycle
                dut.step({**idle, "start": 1, "slot": slot})
                sent += self._take(dut, idle, stimulus.patterns, started + config.latency)
        return bytes(sent)

    def _take(self, dut: Dut, idle: dict[str, int], patterns: Stalls, first: int) -> bytes:
        """What comes until the framer is done; it keeps S2 and S3, and begins on time."""
        taken, held, waited = bytearray(), None, 0
        while True:
            ready = int(not patterns.sink_stalls(dut.cycle))
            before = dut.settle({**idle, "source_tready": 1 - ready})
            outputs = dut.settle({**idle, "source_tready": ready})
            offered = (outputs["source_tvalid"], outputs["source_tdata"])
            if (before["source_tvalid"], before["source_tdata"]) != offered:
                raise ProtocolError(f"S3: source depends on tready in cycle {dut.cycle}")
            if held is not None and offered != held:
                raise ProtocolError(f"S2: source changed before its transfer, in cycle {dut.cycle}")
            assert outputs["source_tvalid"] == 1 or taken or dut.cycle != first
            assert outputs["source_tvalid"] == 0 or dut.cycle >= first
            held = offered if outputs["source_tvalid"] and not ready else None
            waited += held is not None
            if outputs["source_tvalid"] and ready:
                taken.append(outputs["source_tdata"])
            dut.edge()
            if not outputs["busy"]:
                assert dut.cycle - 2 == first + duration(bytes(taken[1:-1])) + waited
                return bytes(taken)


class TestGolden(FramerSuite, GoldenTests):
    pass


class TestMyHdl(FramerSuite, MyHdlTests):
    @pytest.fixture(autouse=True)
    def colliding(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever a memory gives for a word that is read as it is written."""
        monkeypatch.setattr(fabric, "bank", colliding_bank)


class TestVerilog(FramerSuite, VerilogTests):
    pass


class TestProof(FramerSuite, ProofTests):
    samples = (FramerConfig(2, 1),)  # those of the others are memories of thousands of bits
    faults = (
        Fault(
            "always_nearer",
            "    else if (ready) begin\n        state <= 0;",
            "    else if (ready) begin\n        state <= 7;",
        ),
        Fault("ends_in_time", "place <= 0;\n        moved", "place <= 31;\n        moved"),
        Fault(
            "no_further",
            "else if (waits) begin\n        // pass",
            "else if (waits || (valid && (!source_tready))) begin\n        run <= 9;",
        ),
        Fault("s2_valid", "assign source_tvalid = valid;", "assign source_tvalid = (valid && (!start));"),
        Fault("s2_data", "if (ready) begin\n            state <= 4;", "if (valid) begin\n            state <= 4;"),
        Fault("S3", "assign source_tvalid = valid;", "assign source_tvalid = ready;"),
        Fault("lemma_waits", "settling <= {settling[(3 - 2)-1:0], moved};", "settling <= {moved, moved};"),
        Fault(
            "lemma_at_once",
            "if (ready) begin\n            state <= 4;",
            "if (ready) begin\n            moved <= 1'b1;\n            state <= 5;",
        ),
        Fault("lemma_place", "place <= 3;", "place <= 1;"),
        Fault("lemma_inside", "if ((at_end || (found == 0) || longest)) begin", "if (((found == 0) || longest)) begin"),
        Fault("lemma_run", "run <= (run + 1);", "run <= (run << 1);"),
        Fault("lemma_begin", "run <= 1;\n        state <= 3;", "run <= 2;\n        state <= 3;"),
        Fault("lemma_end_known", "at_end <= (place == stop);", "at_end <= (place == (stop - 1));"),
        Fault("lemma_longest_known", "longest <= (run == 255);", "longest <= (run == 1);"),
        Fault("lemma_empty_known", "empty <= (run == 0);", "empty <= (run == 1);"),
        Fault("lemma_gap", "gap <= ((!at_end) && (!longest));", "gap <= (!longest);"),
        Fault("lemma_long", "gap <= ((!at_end) && (!longest));", "gap <= 0;"),
    )

    def claims(self, config: FramerConfig) -> tuple[Claims, ...]:
        file = Path(__file__).with_name("framer_claims.sv")
        return (Claims(file, config.module, {"OFFSET": config.offset_bits}, together=True),)
