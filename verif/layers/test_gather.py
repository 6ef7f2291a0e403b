"""gather: operands of a dense layer, at the cycles that hdl/layers/gather.py says, whatever the pauses between beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sigmabit.golden.layers.gather import chunks
from sigmabit.hdl.layers.gather import GatherConfig, frames_needed, gather, gather_starts
from sigmabit.hdl.verilog.stream import Flow, Operand, bit, index_bits, reset

from ..closure.formal import Claims, Fault
from ..closure.proofs import ProofTests
from ..harness.bench import Dut
from ..harness.operands import Seen, delayed, expected_operands, full_speed, paced, play_operands
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Frames:
    """Frames of beats, and before each beat how many cycles more than the least pass."""

    frames: tuple[tuple[int, ...], ...]
    pauses: tuple[int, ...]


def sample(positions: int, width: int, merge: int, slices: int, repeats: int) -> GatherConfig:
    """A configuration with the fewest frames of buffer that the schedule allows."""
    config = GatherConfig(positions, width, merge, slices, repeats, frames=1)
    arrivals = full_speed(6, positions, config.fold.folds)
    starts = gather_starts(arrivals, config.fold.folds)
    return replace(config, frames=frames_needed(arrivals, starts, config.fold))


@st.composite
def gather_configs(draw: st.DrawFn) -> GatherConfig:
    """All beats of a word at once, or a beat in slices."""
    groups, merge, slices = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    if draw(st.booleans()):
        merge = 1
    else:
        slices = 1
    return sample(groups * merge, draw(st.integers(1, 4)) * slices, merge, slices, draw(st.integers(1, 4)))


def frames_of(config: GatherConfig) -> st.SearchStrategy[Frames]:
    """Up to four frames, with and without pauses."""
    frame = st.tuples(*[st.integers(0, (1 << config.width) - 1)] * config.positions)
    pauses = st.one_of(st.just((0,)), st.lists(st.sampled_from([0, 0, 0, 1, 2, 9]), min_size=1, max_size=9).map(tuple))
    return st.builds(Frames, st.lists(frame, min_size=1, max_size=4).map(tuple), pauses)


class GatherSuite(BlockSuite):
    """Several frames, at full speed and with pauses; the order of operands, their timing and what goes with them."""

    samples = (
        sample(1, 5, 1, 1, 1),
        sample(1, 12, 1, 3, 4),
        sample(12, 3, 4, 1, 3),
        sample(6, 4, 1, 2, 2),
        sample(7, 2, 7, 1, 5),
        sample(2, 1800, 1, 3, 2),  # words that are written in shares
        sample(4, 900, 2, 1, 1),
    )

    flags, before = ("operand_valid",), 4

    def configs(self) -> st.SearchStrategy[GatherConfig]:
        return gather_configs() | st.sampled_from(self.samples[5:])

    def stimuli(self, config: GatherConfig) -> st.SearchStrategy[Frames]:
        return frames_of(config)

    def expected(self, config: GatherConfig, stimulus: Frames) -> list[Seen]:
        seen = []
        part_bits = config.width // config.slices
        for frame in stimulus.frames:
            number = 0
            for repeat in range(config.repeats):
                for start in range(0, config.positions, config.merge):
                    for part in range(config.slices):
                        data, place = 0, 0
                        for beat in frame[start : start + config.merge]:
                            data |= (beat >> (part * part_bits) & ((1 << part_bits) - 1)) << place
                            place += config.width
                        first = start == 0 and part == 0
                        last = start + config.merge == config.positions and part == config.slices - 1
                        seen.append(Seen(data, first, last, number, repeat))
                        number += 1
        return seen

    def golden(self, config: GatherConfig, stimulus: Frames) -> list[Seen]:
        codes = np.array(stimulus.frames)[:, :, None] >> np.arange(config.width) & 1  # bits as channels
        operands = chunks(codes, config.merge, config.slices)
        return expected_operands(operands, config.repeats, 1, lambda frame, repeat: repeat)

    def assumed(self, config: GatherConfig) -> str:
        return paced(config.positions, config.fold.folds)

    def always(self, config: GatherConfig) -> Sequence[Frames]:
        """At full speed; a cycle slower in front of each beat; and in front of each frame."""
        frames = tuple((place % 2 * ((1 << config.width) - 1),) * config.positions for place in range(4))
        pauses = (0,), (1,), (*[0] * (config.positions - 1), 1), (config.fold.folds + 3,)
        return [Frames(frames, each) for each in pauses]

    def covers(self, config: GatherConfig) -> Mapping[str, str]:
        found = {
            "starved": "count_frames0_present == 0 && !sink_valid",
            "a_gap_between_two": "!issue && $past(left)",
            "a_beat_with_the_last_chunk": "left && sink_valid",
        }
        if config.depth > 1:
            found["round_the_memory"] = f"complete && write_address == {config.depth - 1}"
        if config.fold.folds >= config.positions:  # reading takes all the time that there is
            found["two_in_a_row"] = "issue && $past(left)"
            found["read_as_one_is_written"] = "issue && complete"
            found["one_comes_as_one_is_left"] = f"{'arrived' if config.fold.groups > 1 else 'complete'} && left"
        return found

    def elaborate(self, config: GatherConfig) -> Any:
        address = config.fold.address_bits if config.fold.folds > 1 else 0
        operand = Operand(config.chunk_bits, address, config.bias_bits, folded=config.fold.chunks > 1)
        return gather(bit(), reset(), Flow(config.width), operand, config)

    def play(self, dut: Dut, config: GatherConfig, stimulus: Frames) -> list[Seen]:
        arrivals = delayed(full_speed(len(stimulus.frames), config.positions, config.fold.folds), stimulus.pauses)
        starts = gather_starts(arrivals, config.fold.folds)
        beats = [beat for frame in stimulus.frames for beat in frame]
        return play_operands(dut, arrivals, beats, starts + np.arange(config.fold.folds) + config.latency)


class TestGolden(GatherSuite, GoldenTests):
    pass


class TestMyHdl(GatherSuite, MyHdlTests):
    pass


class TestVerilog(GatherSuite, VerilogTests):
    pass


class TestProof(GatherSuite, ProofTests):
    left_out = (0, 5, 6)  # it reads each frame in one cycle, and counts no folds; words of thousands of bits
    quick = (3,)
    faults = (
        Fault("nothing_overwritten", "(write_address != 11)", "(write_address != 6)", 3),
        Fault("nothing_stale", "(follow_words0_count5_value == 5)", "(follow_words0_count5_value == 3)", 3),
        Fault(
            "on_time",
            "issue = (decide_folds0_started || ready);",
            "issue = ((decide_folds0_started || ready) && (!complete));",
            3,
        ),
        Fault("lemma_assembled", "(assemble0_position != 3)", "(assemble0_position != 2)", 2),
        Fault("lemma_complete", "complete <= sink_valid;", "complete <= (sink_valid && (!issue));", 3),
        Fault("lemma_last_word", "complete <= sink_valid;", "complete <= 1;", 3),
        Fault("lemma_present", "count_frames0_present <= (count_frames0_present + 1);", "count_frames0_present <= 0;", 3),
        Fault("lemma_folds", "(decide_folds0_number == 22)", "(decide_folds0_number == 21)", 3),
        Fault("lemma_loops", "(count_folds0_count2_value != 5)", "(count_folds0_count2_value != 4)", 3),
        Fault("lemma_words", "(follow_words0_count5_value != 5)", "(follow_words0_count5_value != 4)", 3),
        Fault("lemma_base", "(follow_frames0_base + 6)", "(follow_frames0_base + 5)", 3),
        Fault("lemma_write", "(write_address != 11)", "(write_address != 4)", 3),
        Fault("lemma_read", "(follow_frames0_base + count_folds0_count2_value)", "follow_frames0_base", 3),
        Fault("lemma_slots", "(decide_folds0_number == 22)", "(decide_folds0_number == 20)", 3),
        Fault("lemma_wanted", "(write_address != 11)", "(write_address != 4)", 3),
    )

    def claims(self, config: GatherConfig) -> tuple[Claims, ...]:
        interval = max(config.positions, config.fold.folds)
        pace = interval // config.positions
        shape = {"POSITIONS": config.positions, "MERGE": config.merge, "SLICES": config.slices, "REPEATS": config.repeats}
        times = {"FRAMES": config.frames, "PACE": pace, "TAIL": interval - (config.positions - 1) * pace}
        widths = {"ADDRESS_BITS": index_bits(config.depth), "FOLD_BITS": index_bits(config.fold.folds)}
        joins = {"present": "count_frames0_present", "assembled": "assemble0_position" if config.merge > 1 else "8'd0"}
        file = Path(__file__).with_name("gather_claims.sv")
        return (Claims(file, config.module, {**shape, **times, **widths}, {**joins, **self._counters(config)}, together=True),)

    @staticmethod
    def _counters(config: GatherConfig) -> dict[str, str]:
        """What the block's counters are called in its Verilog: by their numbers."""
        fold, number = config.fold, 2 if config.merge > 1 else 1
        found = {}
        for name, limit in (("slice", fold.slices), ("group", fold.groups), ("repeat", fold.repeats)):
            found[f"{name}_value"] = f"count_folds0_count{number}_value" if limit > 1 else "8'd0"
            number += limit > 1
        found["words_value"] = f"follow_words0_count{number + 1}_value" if fold.groups > 1 else "8'd0"
        return {**found, "base": "follow_frames0_base" if fold.groups > 1 and config.frames > 1 else "8'd0"}
