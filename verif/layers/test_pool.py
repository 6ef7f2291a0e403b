"""maximum: the largest or smallest code of windows, two cycles after the last position of each, whatever the pauses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden.layers.abreast import Abreast
from sigmabit.golden.layers.pool import Pool
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.types.layout import Layout
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.layers.pool import MaximumConfig, maximum
from sigmabit.hdl.planning import schedule
from sigmabit.hdl.verilog.stream import Flow, bit, reset, wire

from ..harness.bench import Dut
from ..harness.layer_suite import overfilled, unpacked
from ..harness.stream import play_flow
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Images:
    """Frames of positions, the channels whose smallest code is taken, and the pauses before positions."""

    frames: tuple[tuple[int, ...], ...]
    every: int
    pauses: tuple[int, ...]


def one_end_each(axis: Axis) -> bool:
    """No two windows end at the same input."""
    return len({axis.last(i) for i in range(axis.outputs)}) == axis.outputs


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    """Pooling windows, apart, side by side and overlapping, with padding where the block can do it."""
    kernel = draw(st.integers(1, 4))
    before, after = draw(st.integers(0, kernel - 1)), draw(st.integers(0, kernel - 1))
    size = draw(st.integers(max(1, kernel - before - after), 8))
    return Axis(size, kernel, draw(st.integers(1, 4)), before, after)


def wide_enough(columns: Axis, positions: int) -> bool:
    """Can so many positions lie side by side? No two windows over beats end at the same beat then."""
    return positions <= columns.size and one_end_each(Abreast(Window(Axis(1, 1), columns), positions).beats.columns)


class MaximumSuite(BlockSuite):
    """Several frames, at full speed and with pauses."""

    samples = (
        MaximumConfig(Window(Axis(6, 2, 2), Axis(6, 2, 2)), 5, mixed=False),
        MaximumConfig(Window(Axis(7, 3, 2, 1, 1), Axis(7, 3, 2, 1, 1)), 3, mixed=True),
        MaximumConfig(Window(Axis(5, 1), Axis(6, 3, 3)), 2, mixed=True),
        MaximumConfig(Window(Axis(4, 4), Axis(4, 4)), 4, mixed=False),
        MaximumConfig(Window(Axis(6, 3), Axis(5, 2, 1, 1, 0)), 1, mixed=True),
        MaximumConfig(Window(Axis(6, 2, 2), Axis(6, 2, 2)), 5, mixed=False, positions=4),
        MaximumConfig(Window(Axis(7, 3, 2, 1, 1), Axis(7, 3, 2, 1, 1)), 3, mixed=True, positions=4),
        MaximumConfig(Window(Axis(5, 1), Axis(7, 3, 3)), 2, mixed=True, positions=2),
        MaximumConfig(Window(Axis(4, 2, 2), Axis(8, 2, 2)), 3, mixed=False, positions=3),
        MaximumConfig(Window(Axis(4, 1), Axis(7, 1, 2)), 2, mixed=True, positions=3),
        MaximumConfig(Window(Axis(7, 3, 2, 1, 1), Axis(4, 2, 2)), 3, mixed=True, positions=8),
        MaximumConfig(Window(Axis(4, 2, 2), Axis(4, 2, 2)), 2, mixed=True, positions=16),
        MaximumConfig(Window(Axis(6, 2, 2), Axis(6, 2, 2)), 3, mixed=True, bits=2),
        MaximumConfig(Window(Axis(5, 3, 1, 1, 0), Axis(5, 3, 2, 1, 1)), 2, mixed=False, bits=4),
        MaximumConfig(Window(Axis(4, 1), Axis(7, 3, 3)), 1, mixed=True, bits=8),
        MaximumConfig(Window(Axis(5, 3, 2, 1, 1), Axis(7, 3, 2, 1, 1)), 2, mixed=True, positions=4, bits=3),
        MaximumConfig(Window(Axis(4, 2, 2), Axis(4, 2, 2)), 2, mixed=True, positions=16, bits=2),
        # windows apart from one another, of so many taps that each keeps what it has come to
        MaximumConfig(Window(Axis(5, 5), Axis(6, 6)), 2, mixed=True, bits=3),
        MaximumConfig(Window(Axis(8, 3, 4, 1, 1), Axis(7, 3, 3, 1, 1)), 2, mixed=False, bits=2),
        MaximumConfig(Window(Axis(7, 3, 3, 0, 2), Axis(6, 3, 3)), 2, mixed=True, positions=3, bits=2),
    )

    flags, before = ("source_valid",), 3

    def configs(self) -> st.SearchStrategy[MaximumConfig]:
        axis = axes().filter(one_end_each)
        window, positions = st.builds(Window, axis, axis), st.sampled_from([1, 1, 2, 3, 8])
        shapes = st.tuples(window, st.integers(1, 5), st.booleans(), positions, st.sampled_from([1, 1, 2, 3, 5]))
        return shapes.filter(lambda shape: wide_enough(shape[0].columns, shape[3])).map(lambda shape: MaximumConfig(*shape))

    def stimuli(self, config: MaximumConfig) -> st.SearchStrategy[Images]:
        frame = st.tuples(*[st.integers(0, (1 << config.width) - 1)] * config.window.inputs)
        pauses = st.one_of(st.just((0,)), st.lists(st.sampled_from([0, 0, 1, 5]), min_size=1, max_size=7).map(tuple))
        every = st.integers(0, (1 << config.channels) - 1) if config.mixed else st.just(0)
        return st.builds(Images, st.lists(frame, min_size=1, max_size=3).map(tuple), every, pauses)

    def expected(self, config: MaximumConfig, stimulus: Images) -> list[int]:
        rows, columns, top = config.window.rows, config.window.columns, (1 << config.bits) - 1
        results = []
        for frame in stimulus.frames:
            for y in range(rows.outputs):
                for x in range(columns.outputs):
                    seen = []
                    for ky in range(rows.kernel):
                        for kx in range(columns.kernel):
                            row, column = y * rows.stride - rows.before + ky, x * columns.stride - columns.before + kx
                            if 0 <= row < rows.size and 0 <= column < columns.size:
                                seen.append(frame[row * columns.size + column])
                    result = 0
                    for channel in range(config.channels):
                        chosen = min if stimulus.every >> channel & 1 else max
                        place = channel * config.bits
                        result |= chosen(position >> place & top for position in seen) << place
                    results.append(result)
        return results

    def golden(self, config: MaximumConfig, stimulus: Images) -> list[int]:
        rows, columns = config.window.rows, config.window.columns
        channels = np.arange(config.channels)
        every, places = (stimulus.every >> channels & 1).astype(bool), channels * config.bits
        tensor = TensorType(rows.size, columns.size, config.channels, Range.of_bits(config.bits))
        layer = Pool("pool", (), tensor, config.window, every)
        codes = np.array(stimulus.frames).reshape(-1, rows.size, columns.size, 1) >> places & tensor.high
        return (layer.run(codes) << places).sum(axis=-1).reshape(-1).tolist()  # type: ignore[no-any-return]

    def elaborate(self, config: MaximumConfig) -> Any:
        every = wire(config.width) if config.mixed else None
        sink, source = self.layouts(config)
        return maximum(bit(), reset(), Flow(sink.beat_bits), every, Flow(source.beat_bits), config)

    @staticmethod
    def layouts(config: MaximumConfig) -> tuple[Layout, Layout]:
        """How images and results lie on their streams, a position as one number."""
        rows, columns = config.window.rows, config.window.columns
        sink = Layout(rows.size, columns.size, 1, config.width, positions=config.positions)
        return sink, Layout(rows.outputs, columns.outputs, 1, config.width, positions=config.abreast.places)

    def play(self, dut: Dut, config: MaximumConfig, stimulus: Images) -> list[int]:
        marks = sum(((1 << config.bits) - 1) << c * config.bits for c in range(config.channels) if stimulus.every >> c & 1)
        idle = {"every": marks} if config.mixed else {}
        dut.reset({"sink_valid": 0, **idle})
        sink, source = self.layouts(config)
        beats = sink.beats
        late = np.cumsum([stimulus.pauses[i % len(stimulus.pauses)] for i in range(len(stimulus.frames) * beats)])
        arrivals = schedule.entries(len(stimulus.frames), beats, 1, beats) + late.reshape(-1, beats)
        due = arrivals[:, list(config.beats.needs())].reshape(-1) + config.latency
        positions = overfilled(sink, np.array(stimulus.frames).reshape(-1, *sink.shape))
        played = list(zip(arrivals.reshape(-1).tolist(), positions, strict=True))
        seen = play_flow(dut, "sink", played, int(due[-1]) + 3, idle, "source_valid")
        assert [cycle for cycle, _ in seen] == due.tolist()
        return unpacked(source, [outputs["source_data"] for _, outputs in seen]).reshape(-1).tolist()  # type: ignore[no-any-return]


class TestGolden(MaximumSuite, GoldenTests):
    pass


class TestMyHdl(MaximumSuite, MyHdlTests):
    pass


class TestVerilog(MaximumSuite, VerilogTests):
    pass


def test_refused() -> None:
    """Codes that do not count from 0."""
    window = Window(Axis(2, 2), Axis(2, 2))
    with pytest.raises(ValueError, match=r"^pooling of codes from -2 on, expected 0$"):
        Pool("pool", (), TensorType(2, 2, 1, Range(-2, 1)), window, np.zeros(1, bool))
