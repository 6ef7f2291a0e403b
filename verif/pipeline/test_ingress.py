"""ingress: whole frames inside whatever comes, never faster than pace and interval, never more than there is room for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from sigmabit.golden.pipeline.ingress import admit
from sigmabit.hdl.pipeline.ingress import IngressConfig, ingress
from sigmabit.hdl.verilog.stream import Flow, FrameStatus, Stream, bit, reset, wire

from ..closure.formal import Claims, Fault
from ..closure.proofs import ProofTests
from ..closure.streams import stream
from ..harness.bench import Dut, Values
from ..harness.stream import Beat, Stalls, StreamBench, stalls
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Transfers:
    """Beats to be sent, the source's pauses, and how many cycles after its entry each frame leaves again.

    shut: in which cycles the gate is shut, as a pattern that repeats, for an entrance that has one.
    """

    beats: tuple[Beat, ...]
    patterns: Stalls
    stays: tuple[int, ...]
    shut: tuple[bool, ...]


@dataclass(frozen=True)
class Entered:
    """What came inside: for each frame its codes, None for what was filled up, and whether it was good; and the counters."""

    frames: tuple[tuple[tuple[int, ...] | None, ...], ...]
    good: tuple[bool, ...]
    frames_in: int
    malformed: int


@dataclass
class Admission:
    """When a beat is taken, by what was taken before: not one cycle earlier, and not one later."""

    config: IngressConfig
    position: int = 0
    inside: int = 0
    next_at: int = 1
    filling: bool = False
    draining: bool = False

    def ready(self, cycle: int, gate: bool) -> bool:
        """Is a beat taken in this cycle, if there is one?"""
        room = self.position > 0 or (self.inside < self.config.frames and gate)
        return cycle > 0 and (self.draining or (cycle >= self.next_at and not self.filling and room))

    def enters(self, cycle: int, beat: Beat | None) -> bool:
        """Does one enter in this cycle, in which `beat` or none was taken?"""
        return (beat is not None and not self.draining) or (self.filling and cycle >= self.next_at)

    def follow(self, cycle: int, beat: Beat | None, leaving: bool) -> None:
        """Go on behind this cycle."""
        last = beat is not None and beat.last
        if self.enters(cycle, beat):
            self.inside += self.position == 0
            if self.position < self.config.beats - 1:
                self.position, self.next_at = self.position + 1, cycle + self.config.pace
                self.filling |= last
            else:
                self.position, self.next_at = 0, cycle + self.config.tail
                self.draining, self.filling = not self.filling and not last, False
        elif last:
            self.draining = False
        self.inside -= leaving


def config_of(beats: int, channels: int, bits: int, pace: int, slack: int, frames: int, gated: bool = False) -> IngressConfig:
    """An interval some cycles longer than the frame."""
    return IngressConfig(beats, channels, bits, pace, beats * pace + slack, frames, gated)


class IngressSuite(BlockSuite):
    """Good frames, early and missing tlast, with pauses, slow exits, full pipelines and gates."""

    samples = (
        config_of(5, 1, 8, 1, 0, 3),
        config_of(4, 3, 5, 2, 3, 1),
        config_of(1, 2, 1, 1, 2, 2),
        config_of(3, 1, 12, 3, 0, 4),
        config_of(3, 1, 8, 1, 1, 2, gated=True),
        config_of(1, 1, 4, 1, 0, 3, gated=True),
    )

    def configs(self) -> st.SearchStrategy[IngressConfig]:
        return st.builds(
            config_of,
            st.integers(1, 6),
            st.integers(1, 3),
            st.integers(1, 10),
            st.integers(1, 3),
            st.integers(0, 4),
            st.integers(1, 4),
            st.booleans(),
        )

    def stimuli(self, config: IngressConfig) -> st.SearchStrategy[Transfers]:
        data = st.integers(0, (1 << config.channels * config.field) - 1)

        def frame(length: int) -> st.SearchStrategy[list[Beat]]:
            return st.lists(data, min_size=length, max_size=length).map(
                lambda values: [Beat(value, i == length - 1) for i, value in enumerate(values)]
            )

        lengths = st.one_of(st.just(config.beats), st.just(config.beats), st.integers(1, 2 * config.beats + 1))
        frames = st.lists(lengths.flatmap(frame), min_size=1, max_size=6).map(lambda fs: tuple(beat for f in fs for beat in f))
        stays = st.lists(st.integers(1, 25), min_size=1, max_size=5).map(tuple)
        shut = st.sampled_from([(), (True, False), (True,) * 9 + (False,), (False, True, True)])
        return st.builds(Transfers, frames, stalls(), stays, shut if config.gated else st.just(()))

    def always(self, config: IngressConfig) -> Sequence[Transfers]:
        """Frames cut at each place and too long ones between whole ones: into one that fills up, and as fast as they may go."""
        whole, ones = config.beats, (1 << config.channels * config.field) - 1
        lengths = (whole, *(length for cut in range(1, whole) for length in (cut, whole)), whole + 1, 2 * whole + 1, whole, whole)
        beats = tuple(Beat(place % 2 * ones, place == length - 1) for length in lengths for place in range(length))
        meeting = tuple(max(1, config.tail - 1 + more * config.interval) for more in (0, 1))  # one comes as one leaves
        stays = (config.frames * config.interval + 9,), meeting
        shut = ((True,) * 9 + (False,), (False, True, True)) if config.gated else ((), ())
        every = [Transfers(beats, Stalls(), stay, when) for stay, when in zip(stays, shut, strict=True)]
        return [*every, Transfers(beats, Stalls(idle=(False, True)), (1,), ())]

    def covers(self, config: IngressConfig) -> Mapping[str, str]:
        waits, last_place = "s_axis_tvalid && !s_axis_tready", config.beats - 1
        found = {
            "full": f"{waits} && !vacant && rested && position == 0",
            "a_place_is_free_again": "!vacant && leaving && s_axis_tvalid",
            "starved": "s_axis_tready && !s_axis_tvalid",
            "good": "done && !bad",
            "too_long": "done && !filling && bad",
            "stops_being_too_long": "draining && s_axis_tvalid && s_axis_tlast",
            "the_next_after_too_long": "draining && s_axis_tvalid && s_axis_tlast && vacant",
        }
        found |= {f"cut_at_{place}": f"enter && !filling && s_axis_tlast && position == {place}" for place in range(last_place)}
        found |= {f"filled_up_at_{place}": f"enter && filling && position == {place}" for place in range(1, last_place + 1)}
        if max(config.pace, config.tail) > 1:
            found["as_soon_as_it_may"] = "enter && !$past(rested)"
        if config.frames > 1:
            found["one_comes_as_one_leaves"] = "entering && leaving"
        if config.pace > 1 and config.beats > 1:
            found["waits_for_pace"] = f"{waits} && position != 0 && !rested"
        if config.tail > 1:
            found["waits_for_interval"] = f"{waits} && position == 0 && !rested && vacant"
        if config.gated:
            found["waits_for_gate"] = f"{waits} && position == 0 && rested && vacant && !gate"
            if config.beats > 1:
                found["goes_on_behind_the_gate"] = "enter && !gate"
        return found

    def _codes(self, config: IngressConfig, data: int) -> tuple[int, ...]:
        return tuple(data >> (c * config.field) & ((1 << config.bits) - 1) for c in range(config.channels))

    def expected(self, config: IngressConfig, stimulus: Transfers) -> Entered:
        frames, good, current, skip = [], [], [], False
        for beat in stimulus.beats:
            if not skip:
                current.append(self._codes(config, beat.data))
                if beat.last or len(current) == config.beats:
                    whole = len(current) == config.beats
                    good.append(whole and beat.last)
                    frames.append(tuple(current) + (None,) * (config.beats - len(current)))
                    skip, current = whole and not beat.last, []
            elif beat.last:
                skip = False
        return Entered(tuple(frames), tuple(good), len(frames), good.count(False))

    def golden(self, config: IngressConfig, stimulus: Transfers) -> Entered:
        admitted = admit([(beat.data, beat.last) for beat in stimulus.beats], config.beats)
        frames = tuple(tuple(None if data is None else self._codes(config, data) for data in frame.beats) for frame in admitted)
        good = tuple(frame.good for frame in admitted)
        return Entered(frames, good, len(frames), good.count(False))

    def elaborate(self, config: IngressConfig) -> Any:
        stream, flow = Stream(config.channels * config.field), Flow(config.channels * config.bits)
        gate, entered = (bit(), bit()) if config.gated else (None, None)
        return ingress(bit(), reset(), stream, bit(), flow, FrameStatus(), wire(32), wire(32), gate, entered, config)

    def play(self, dut: Dut, config: IngressConfig, stimulus: Transfers) -> Entered:
        bench = StreamBench(dut, source=None, fixed={"leaving": 0, **({"gate": 1} if config.gated else {})})
        assert not dut.reset({**bench.idle(), "s_axis_tvalid": 1})["s_axis_tready"]
        bench.send(stimulus.beats)
        admission = Admission(config)
        enters = False
        entered: list[tuple[int, int]] = []
        first_beats: list[int] = []
        good: list[bool] = []
        leaves: list[int] = []
        inside = most_inside = 0
        quiet = 0
        outputs: Values = {}
        while quiet < 60 + max(stimulus.stays):
            leaving = bool(leaves) and leaves[0] <= dut.cycle
            if leaving:
                leaves.pop(0)
                inside -= 1
            sent = len(bench.seen.entered)
            now = dut.cycle
            gate = {"gate": int(not self._shut(stimulus, now))} if config.gated else {}
            outputs = bench.cycle(stimulus.patterns, {"leaving": int(leaving), **gate})
            assert outputs["s_axis_tready"] == admission.ready(now, bool(gate.get("gate", 1)))
            assert outputs["source_valid"] == enters
            beat = stimulus.beats[sent] if len(bench.seen.entered) > sent else None
            enters = admission.enters(now, beat)
            admission.follow(now, beat, leaving)
            if config.gated and outputs["entered"]:
                assert gate["gate"]
                first_beats.append(now + config.latency)
            if outputs["source_valid"]:
                if len(entered) % config.beats == 0:
                    inside += 1
                entered.append((now, outputs["source_data"]))
                if len(entered) % config.beats == 0:
                    leaves.append(now + stimulus.stays[len(good) % len(stimulus.stays)])
                    good.append(bool(outputs["status_good"]))
            assert bool(outputs["status_done"]) == (bool(outputs["source_valid"]) and len(entered) % config.beats == 0)
            most_inside = max(most_inside, inside)
            quiet = 0 if len(bench.seen.entered) > sent or outputs["source_valid"] else quiet + 1
        assert not bench.waiting, "the entrance wedged"
        assert most_inside <= config.frames
        assert not config.gated or first_beats == [cycle for cycle, _ in entered[:: config.beats]]
        self._check_pace(config, [cycle for cycle, _ in entered])
        return self._seen(config, stimulus, entered, good, outputs)

    @staticmethod
    def _shut(stimulus: Transfers, cycle: int) -> bool:
        return bool(stimulus.shut) and stimulus.shut[cycle % len(stimulus.shut)]

    def _check_pace(self, config: IngressConfig, cycles: list[int]) -> None:
        starts = cycles[:: config.beats]
        assert all(b - a >= config.interval for a, b in pairwise(starts))
        for i, (a, b) in enumerate(pairwise(cycles)):
            assert b - a >= (config.tail if i % config.beats == config.beats - 1 else config.pace)

    def _seen(
        self, config: IngressConfig, stimulus: Transfers, entered: list[tuple[int, int]], good: list[bool], outputs: Any
    ) -> Entered:
        """What came inside; beats that were filled up may have any value, and how many there are is the expectation's."""
        whole = len(entered) // config.beats * config.beats
        words = [data for _, data in entered[:whole]]
        unpacked = [tuple(word >> (c * config.bits) & ((1 << config.bits) - 1) for c in range(config.channels)) for word in words]
        hoped = self.expected(config, stimulus).frames
        frames = []
        for number in range(len(good)):
            codes = unpacked[number * config.beats : (number + 1) * config.beats]
            filled = [number < len(hoped) and hoped[number][i] is None for i in range(config.beats)]
            frames.append(tuple(None if fill else code for fill, code in zip(filled, codes, strict=True)))
        return Entered(tuple(frames), tuple(good), outputs["frames_in"], outputs["malformed"])


class TestGolden(IngressSuite, GoldenTests):
    pass


class TestMyHdl(IngressSuite, MyHdlTests):
    pass


class TestVerilog(IngressSuite, VerilogTests):
    pass


def claims(config: IngressConfig, **parameters: int) -> Claims:
    """What is claimed of an entrance."""
    shape = {"BEATS": config.beats, "CHANNELS": config.channels, "BITS": config.bits, "FIELD": config.field}
    pace = {"PACE": config.pace, "TAIL": config.tail, "FRAMES": config.frames, "GATED": int(config.gated)}
    return Claims(Path(__file__).with_name("ingress_claims.sv"), config.module, {**shape, **pace, **parameters})


class TestProof(IngressSuite, ProofTests):
    quick = (0, 1, 4)
    registered = ("gate",)
    faults = (
        Fault("ready_when_it_can", "rested <= (pause == 1);", "rested <= (pause == 0);", sample=1),
        Fault("room", "free <= (free - 1);", "free <= free;"),
        Fault("pace", "rested <= (2 == 1);", "rested <= 1;", sample=1),
        Fault("entered_marks", "assign entered = entering;", "assign entered = enter;", sample=4),
        Fault("gate_open", "assign room = (vacant && gate);", "assign room = vacant;", sample=4),
        Fault("nothing_lost", "source_valid <= enter;", "source_valid <= (enter && (!filling));"),
        Fault("in_order", "source_data <= beat;", "source_data <= (beat ^ source_valid);"),
        Fault("status_comes", "status_done <= 1'b1;", "status_done <= (!filling);"),
        Fault("status_says", "status_good <= ((!filling) && s_axis_tlast);", "status_good <= s_axis_tlast;"),
        Fault(
            "frames_counted",
            "assign done = (enter && (position == 4));",
            "assign done = (enter && position[2] && (!filling));",
        ),
        Fault("malformed_counted", "(filling || (!s_axis_tlast))", "(!s_axis_tlast)"),
        Fault("frames_count", "frames_in <= more[32-1:0];", "frames_in <= more[3-1:0];"),
        Fault("S4", "assign s_axis_tready = ready;", "assign s_axis_tready = (ready && s_axis_tvalid);"),
        Fault("malformed_count", "malformed <= more[32-1:0];", "malformed <= more[3-1:0];"),
    )

    def claims(self, config: IngressConfig) -> tuple[Claims, ...]:
        return claims(config), stream(config.module, "s_axis", config.channels * config.field, promised=True)
