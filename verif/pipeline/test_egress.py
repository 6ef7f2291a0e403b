"""egress: results of good frames as transfers, those of malformed frames dropped, whatever the reader does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sigmabit.golden.pipeline.egress import deliver
from sigmabit.hdl.pipeline.egress import EgressConfig, egress
from sigmabit.hdl.verilog.stream import Flow, FrameStatus, Stream, bit, reset, wire

from ..closure.formal import Claims, Fault
from ..closure.proofs import ProofTests
from ..closure.streams import stream
from ..harness.bench import Dut, Values
from ..harness.stream import Stalls, StreamBench, stalls
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Results:
    """Frames: for each the numbers of its beats, those of all its samples, whether it was good, and how many cycles its status
    comes before its first beat, or after it where negative; the pauses between beats; the reader.
    """

    frames: tuple[tuple[tuple[int, ...], ...], ...]
    good: tuple[bool, ...]
    early: tuple[int, ...]
    pauses: tuple[int, ...]
    patterns: Stalls


@dataclass(frozen=True)
class Delivered:
    """Transfers as (numbers, tlast), and the counters."""

    transfers: tuple[tuple[tuple[int, ...], bool], ...]
    frames_out: int
    dropped: int


class EgressSuite(BlockSuite):
    """No more frames inside than there is room for, which the entrance sees to."""

    samples = (
        EgressConfig(1, 10, 9, signed=True, frames=2),
        EgressConfig(3, 2, 8, signed=False, frames=2),
        EgressConfig(1, 2, 3, signed=True, frames=12),
        EgressConfig(4, 1, 1, signed=False, frames=1),
        EgressConfig(2, 3, 17, signed=True, frames=3),
        EgressConfig(1, 2, 5, signed=True, frames=2, samples=3),
        EgressConfig(3, 1, 9, signed=False, frames=1, samples=2),
        EgressConfig(6, 4, 5, signed=True, frames=2, row=(3, 1)),
        EgressConfig(2, 3, 1, signed=False, frames=2, samples=2, row=(2, 2)),
    )

    def configs(self) -> st.SearchStrategy[EgressConfig]:
        shape = st.integers(1, 4), st.integers(1, 3), st.integers(1, 12)
        whole = st.builds(EgressConfig, *shape, st.booleans(), st.integers(1, 4), st.sampled_from([1, 1, 2, 3]))
        return st.one_of(whole, whole.flatmap(self._filled_up))

    @staticmethod
    def _filled_up(config: EgressConfig) -> st.SearchStrategy[EgressConfig]:
        """The same for rows whose last beat is filled up, which then holds one number more than is kept of it, or two."""

        def build(line: int, fillers: int) -> EgressConfig:
            return replace(config, beats=config.beats * line, channels=config.channels + fillers, row=(line, config.channels))

        return st.builds(build, st.integers(1, 3), st.integers(1, 2))

    def stimuli(self, config: EgressConfig) -> st.SearchStrategy[Results]:
        low = -(1 << (config.bits - 1)) if config.signed else 0
        number = st.integers(low, low + (1 << config.bits) - 1)
        frame = st.tuples(*[st.tuples(*[number] * config.channels)] * (config.beats * config.samples))

        def build(frames: list[Any]) -> st.SearchStrategy[Results]:
            several = len(frames)
            return st.builds(
                Results,
                st.just(tuple(frames)),
                st.tuples(*[st.booleans()] * several),
                st.tuples(*[st.integers(-3, 3)] * several),
                st.lists(st.sampled_from([0, 0, 1, 3]), min_size=1, max_size=5).map(tuple),
                stalls(),
            )

        return st.lists(frame, min_size=1, max_size=6).flatmap(build)

    def expected(self, config: EgressConfig, stimulus: Results) -> Delivered:
        transfers = []
        for frame, good in zip(stimulus.frames, stimulus.good, strict=True):
            if good:
                for number, beat in enumerate(frame):
                    if config.row is not None and (number + 1) % config.row[0] == 0:
                        beat = tuple(value if place < config.row[1] else 0 for place, value in enumerate(beat))
                    transfers.append((beat, (number + 1) % config.beats == 0))
        return Delivered(tuple(transfers), stimulus.good.count(True), stimulus.good.count(False))

    def golden(self, config: EgressConfig, stimulus: Results) -> Delivered:
        numbers = np.array([beat for frame in stimulus.frames for beat in frame])
        if config.row is not None:
            numbers[config.row[0] - 1 :: config.row[0], config.row[1] :] = 0
        beats = [tuple(beat) for beat in numbers.tolist()]
        results = [list(range(first, first + config.beats)) for first in range(0, len(beats), config.beats)]
        good = [wanted for wanted in stimulus.good for _ in range(config.samples)]
        transfers = tuple((beats[index], last) for index, last in deliver(results, good))
        return Delivered(transfers, stimulus.good.count(True), stimulus.good.count(False))

    def always(self, config: EgressConfig) -> Sequence[Results]:
        """All room is taken: in front of each transfer; then in front of many in a row."""
        low = -(1 << (config.bits - 1)) if config.signed else 0
        beats = [tuple(low + (i + c) % 2 * ((1 << config.bits) - 1) for c in range(config.channels)) for i in (0, 1)]
        frames = [tuple(beats[i % 2] for i in range(config.beats * config.samples))] * (2 * config.frames + 6)
        good = tuple(number % 7 not in (1, 4, 5) for number in range(len(frames)))
        readers = (True,) * (config.depth + 12) + (False,), (True,) * (2 * config.depth + 12) + (False,) * (config.depth + 3)
        return [Results(tuple(frames), good, (0,) * len(frames), (0,), Stalls(backpressure=each)) for each in readers]

    def covers(self, config: EgressConfig) -> Mapping[str, str]:
        stalls = "m_axis_tvalid && !m_axis_tready"
        found = {
            "full": f"stored == {config.depth} && {stalls}",
            "waits_for_a_status": "stored != 0 && !known",
            "waits_for_beats": "stored == 0 && known",
            "dropped_behind_a_stall": f"take && !good && $past({stalls})",
            "dropped_by_the_way": "ends && !good && !m_axis_tvalid",
            "one_after_the_other": "m_axis_tvalid && m_axis_tready && $past(m_axis_tvalid && m_axis_tready)",
            "leaves_before_its_transfer": f"leaving && {stalls}",
        }
        if config.frames > 1:
            found["good_after_dropped"] = "take && good && $past(ends && !good)"
            found["dropped_after_good"] = "take && !good && $past(ends && good)"
        found |= {
            f"stalls_at_{place}": f"{stalls} && !m_axis_tlast && position == {place + 1}" for place in range(config.beats - 1)
        }
        found |= {"stalls_at_the_last": f"{stalls} && m_axis_tlast"}
        return found

    def elaborate(self, config: EgressConfig) -> Any:
        flow, stream = Flow(config.channels * config.bits), Stream(config.channels * config.field)
        return egress(bit(), reset(), flow, FrameStatus(), stream, bit(), wire(32), wire(32), config)

    def play(self, dut: Dut, config: EgressConfig, stimulus: Results) -> Delivered:
        idle = {"sink_valid": 0, "status_done": 0}
        bench = StreamBench(dut, sink=None, fixed=idle)
        dut.reset(bench.idle())
        mask = (1 << config.bits) - 1
        inside = quiet = left = 0
        outputs: Values = {}
        pauses = iter(range(10**9))
        waiting: list[tuple[int, dict[str, int]]] = []  # earliest cycle, inputs; in the order in which they come
        frames = list(zip(stimulus.frames, stimulus.good, stimulus.early, strict=True))
        beat_at = status_at = 0
        while quiet < 2 * config.depth + 40:
            if frames and inside < config.frames and dut.cycle >= max(beat_at, status_at) - 4:
                frame, good, early = frames.pop(0)
                inside += 1
                start = max(dut.cycle + 4, beat_at, status_at + early)
                status_at = max(start - early, status_at, dut.cycle) + 1
                waiting.append((status_at - 1, {"status_done": 1, "status_good": int(good)}))
                for beat in frame:
                    start += stimulus.pauses[next(pauses) % len(stimulus.pauses)]
                    data = sum((value & mask) << (i * config.bits) for i, value in enumerate(beat))
                    waiting.append((start, {"sink_valid": 1, "sink_data": data}))
                    start += 1
                beat_at = start
            extra: dict[str, int] = {}
            for item in [item for item in waiting if item[0] <= dut.cycle]:
                assert item[0] == dut.cycle
                extra |= item[1]
                waiting.remove(item)
            moved = len(bench.seen.left)
            outputs = bench.cycle(stimulus.patterns, extra)
            inside -= outputs["leaving"]
            left += outputs["leaving"]
            # a frame's place is free when all its results have gone to the port or are dropped
            gone = len(bench.seen.left) + (outputs["m_axis_tvalid"] and len(bench.seen.left) == moved)
            assert sum(stimulus.good[:left]) * config.beats * config.samples <= gone
            quiet = 0 if extra or waiting or frames or len(bench.seen.left) > moved else quiet + 1
        assert inside == 0
        transfers = tuple((self._numbers(config, beat.data), beat.last) for _, beat in bench.seen.left)
        return Delivered(transfers, outputs["frames_out"], outputs["dropped"])

    def _numbers(self, config: EgressConfig, data: int) -> tuple[int, ...]:
        """The numbers of a transfer, over their whole fields."""
        fields = [data >> (c * config.field) & ((1 << config.field) - 1) for c in range(config.channels)]
        half = 1 << (config.field - 1)
        return tuple((field + half) % (2 * half) - half if config.signed else field for field in fields)


class TestGolden(EgressSuite, GoldenTests):
    pass


class TestMyHdl(EgressSuite, MyHdlTests):
    pass


class TestVerilog(EgressSuite, VerilogTests):
    pass


FRAMES_BITS = 4
"""Bits of all beats that there is room for, up to which any one beat of any one frame is followed all the way."""


def claims(config: EgressConfig) -> Iterator[Claims]:
    """What is claimed of an exit."""
    shape = {"BEATS": config.beats, "CHANNELS": config.channels, "BITS": config.bits, "FIELD": config.field}
    line, kept = config.row or (1, config.channels)
    rest = {"FRAMES": config.frames, "SAMPLES": config.samples, "LINE": line, "KEPT": kept}
    here = Path(__file__).parent
    yield Claims(here / "egress_claims.sv", config.module, {**shape, **rest, "SIGNED": int(config.signed)})
    if config.depth * config.channels * config.bits <= FRAMES_BITS:
        yield Claims(here / "egress_frames.sv", config.module, {**shape, **rest})


class TestProof(EgressSuite, ProofTests):
    left_out = (1, 2, 4, 5, 7, 8)  # for which no proof was awaited
    quick = (3,)
    faults = (
        Fault("nothing_twice", "valid <= good;", "valid <= 1'b1;", sample=3),
        Fault("last_marked", "last <= closing;", "last <= (position == 2);", sample=3),
        Fault("out_counts", "frames_out <= more[32-1:0];", "frames_out <= more[3-1:0];", sample=3),
        Fault("dropped_counts", "dropped <= more[32-1:0];", "dropped <= more[3-1:0];", sample=3),
        Fault("out_counted", "delivered = (valid && m_axis_tready && finishing)", "delivered = (valid && finishing)", sample=3),
        Fault("leaves_once", "leave <= ends;", "leave <= take;", sample=3),
        Fault("takes_when_it_can", "((!valid) || m_axis_tready)", "(!valid)", sample=3),
        Fault("its_beat_came", "(stored != 0) && known", "known", sample=3),
        Fault("leaves_last", "leave <= ends;", "leave <= (take && (position == 2));", sample=3),
        Fault("its_drop", "suppressed = (ends && (!good))", "suppressed = (ends && good)", sample=3),
        Fault("dropped_if_bad", "suppressed = (ends && (!good))", "suppressed = (take && (!good))", sample=3),
        Fault("delivered_in_order", "data <= words[read];", "data <= words[0];", sample=3),
        Fault("in_order", "words[write] <= sink_data;", "words[0] <= sink_data;", sample=3),
        Fault("nothing_overflows", "stored <= (stored - 1);", "stored <= stored;\n            if (0) stored <= 0;", sample=3),
        Fault("its_place", "sink_valid && (!take)", "sink_valid", sample=3),
        Fault("status_with_the_last", "assign ends = closing;", "assign ends = take;", sample=3),
        Fault("its_status", "status_queue0_marks[status_queue0_write] <= status_good;", "status_queue0_marks <= 0;", sample=3),
        Fault("offered", "valid <= good;", "valid <= 1'b1;", sample=3),
        Fault("offered_last", "last <= closing;", "last <= (position == 2);", sample=3),
        Fault("offered_once", "else if (m_axis_tready) begin", "else if (known) begin", sample=3),
        Fault("leaves_then", "leave <= ends;", "leave <= take;", sample=3),
        Fault("extended", "assign pass_on0_source[1] = 'b0;", "assign pass_on0_source[1] = data[0];", sample=3),
        Fault("s2_valid", "else if (m_axis_tready) begin", "else begin", sample=3),
        Fault("s2_data", "if (take) begin\n        data <=", "if (take || known) begin\n        data <=", sample=3),
        Fault(
            "s2_last", "last <= closing;", "last <= closing;\n        end\n        else if (known) begin\n        last <= 0;", 3
        ),
        Fault("S3", "assign m_axis_tvalid = valid;", "assign m_axis_tvalid = (valid && m_axis_tready);", sample=3),
    )

    def claims(self, config: EgressConfig) -> tuple[Claims, ...]:
        return *claims(config), stream(config.module, "m_axis", config.channels * config.field)
