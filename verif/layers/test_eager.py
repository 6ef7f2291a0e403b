"""eager: operands of a dense layer while its frame still comes, at the cycles that the schedule says, whatever the pauses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from sigmabit.golden.layers.gather import chunks
from sigmabit.hdl.layers.eager import EagerConfig, eager
from sigmabit.hdl.layers.gather import frames_needed, gather_starts
from sigmabit.hdl.planning import schedule
from sigmabit.hdl.verilog.stream import Flow, Operand, bit, reset

from ..harness.bench import Dut
from ..harness.operands import Seen, delayed, expected_operands, play_operands
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from .test_gather import Frames, frames_of


def arrivals(config: EagerConfig, frames: int) -> NDArray[np.int64]:
    """(words, beats) cycles at full speed: the beats of a frame one after the other, which needs the largest buffer."""
    entered = schedule.entries(frames, config.positions, 1, max(config.positions, config.fold.folds))
    return entered.reshape(-1, config.merge)


def sample(groups: int, width: int, merge: int, slices: int, repeats: int, row: tuple[int, int] | None = None) -> EagerConfig:
    """A configuration with the fewest words of buffer that the schedule allows."""
    config = EagerConfig(groups * merge, width, merge, slices, repeats, 1, row)
    words = arrivals(config, 6)
    return replace(config, frames=frames_needed(words, gather_starts(words, config.part.folds), config.part))


@st.composite
def eager_configs(draw: st.DrawFn) -> EagerConfig:
    """All beats of a word at once, or a beat in slices; the last beat of a row filled up."""
    groups, merge, slices = draw(st.integers(1, 5)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    if draw(st.booleans()):
        merge = 1
    else:
        slices = 1
    width = draw(st.integers(1, 4)) * slices
    row = draw(st.sampled_from([None, (groups * merge, width - 1)])) if width > 1 else None
    return sample(groups, width, merge, slices, draw(st.integers(1, 4)), row)


class EagerSuite(BlockSuite):
    """Several frames, at full speed and with pauses; the order of operands, their timing and what goes with them."""

    samples = (
        sample(5, 4, 1, 1, 1),
        sample(4, 3, 3, 1, 3),
        sample(6, 4, 1, 2, 2, (3, 3)),
        sample(3, 2, 2, 1, 1),
        sample(2, 900, 2, 1, 3),  # words that are written in shares
    )

    def configs(self) -> st.SearchStrategy[EagerConfig]:
        return eager_configs() | st.sampled_from(self.samples[4:])

    def stimuli(self, config: EagerConfig) -> st.SearchStrategy[Frames]:
        return frames_of(config)

    def expected(self, config: EagerConfig, stimulus: Frames) -> list[Seen]:
        seen = []
        part_bits, words = config.width // config.slices, config.positions // config.merge
        for frame in stimulus.frames:
            number = 0
            beats = [beat & (1 << self.kept(config, place)) - 1 for place, beat in enumerate(frame)]
            for word in range(words):
                for part in range(config.slices):
                    data = 0
                    for beat in reversed(beats[word * config.merge : (word + 1) * config.merge]):
                        data = data << config.width | beat
                    data = data >> part * part_bits & (1 << config.merge * part_bits) - 1
                    first, last = word == part == 0, (word, part) == (words - 1, config.slices - 1)
                    for repeat in range(config.repeats):
                        seen.append(Seen(data, first, last, number, repeat))
                        number += 1
        return seen

    @staticmethod
    def kept(config: EagerConfig, place: int) -> int:
        """Bits of a beat that are the frame's."""
        return config.width if config.row is None or (place + 1) % config.row[0] else config.row[1]

    def golden(self, config: EagerConfig, stimulus: Frames) -> list[Seen]:
        codes = np.array(stimulus.frames)[:, :, None] >> np.arange(config.width) & 1  # bits as channels
        inside = [[bit < self.kept(config, place) for bit in range(config.width)] for place in range(config.positions)]
        operands = chunks(codes * np.array(inside), config.merge, config.slices)
        return expected_operands(operands, config.repeats, 1, lambda frame, repeat: repeat, eager=True)

    def elaborate(self, config: EagerConfig) -> Any:
        address = config.fold.address_bits if config.fold.folds > 1 else 0
        operand = Operand(config.chunk_bits, address, config.bias_bits, folded=config.fold.chunks > 1)
        return eager(bit(), reset(), Flow(config.width), operand, config)

    def play(self, dut: Dut, config: EagerConfig, stimulus: Frames) -> list[Seen]:
        words = delayed(arrivals(config, len(stimulus.frames)), stimulus.pauses)
        starts, folds = gather_starts(words, config.part.folds), np.arange(config.part.folds)
        beats = [beat for frame in stimulus.frames for beat in frame]
        return play_operands(dut, words, beats, starts + folds + config.latency)


class TestGolden(EagerSuite, GoldenTests):
    pass


class TestMyHdl(EagerSuite, MyHdlTests):
    pass


class TestVerilog(EagerSuite, VerilogTests):
    pass
