"""window: operands chunk by chunk, at the cycles that hdl/layers/window.py says, whatever the pauses between positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sigmabit.golden.layers.window import Axis, Window
from sigmabit.hdl.layers.window import WindowConfig, rows_needed, window, window_starts
from sigmabit.hdl.verilog.stream import Flow, Operand, bit, reset

from ..harness.bench import Dut
from ..harness.operands import Seen, delayed, expected_operands, full_speed, play_operands
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


@dataclass(frozen=True)
class Images:
    """Frames of positions in raster order, and before each position how many cycles more than the least pass."""

    frames: tuple[tuple[int, ...], ...]
    pauses: tuple[int, ...]


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    """Sizes from 1 to 7, kernels up to 4, strides up to 3, padding on either side or both."""
    kernel = draw(st.integers(1, 4))
    before, after = draw(st.integers(0, kernel - 1)), draw(st.integers(0, kernel - 1))
    size = draw(st.integers(max(1, kernel - before - after), 7))
    return Axis(size, kernel, draw(st.integers(1, 3)), before, after)


def with_rows(config: WindowConfig) -> WindowConfig:
    """The configuration with the fewest rows that the schedule allows."""
    arrivals = full_speed(6, config.window.inputs, config.window.outputs * config.fold.folds)
    starts = window_starts(arrivals, config.window, config.fold.folds)
    rows = rows_needed(arrivals, starts, config.window, config.fold.folds)
    return WindowConfig(config.window, config.width, config.columns, config.slices, config.repeats, rows)


def sample(rows: Axis, columns: Axis, width: int, all_columns: bool, slices: int, repeats: int) -> WindowConfig:
    """A configuration with just enough rows."""
    across = columns.kernel if all_columns else 1
    return with_rows(WindowConfig(Window(rows, columns), width, across, slices, repeats, rows.kernel + 1))


class WindowSuite(BlockSuite):
    """Several frames, at full speed and with pauses; the order of operands, their timing and what goes with them."""

    samples = (
        sample(Axis(6, 3, 1, 1, 1), Axis(6, 3, 1, 1, 1), 2, True, 1, 1),
        sample(Axis(6, 3, 1, 1, 1), Axis(5, 3, 1, 1, 1), 4, False, 2, 3),
        sample(Axis(7, 3, 2), Axis(7, 2, 2, 1, 0), 3, True, 1, 2),
        sample(Axis(5, 1), Axis(4, 1), 6, False, 3, 1),
        sample(Axis(7, 4, 3, 0, 2), Axis(7, 4, 1, 3, 3), 1, False, 1, 1),
    )
    examples = 6

    def configs(self) -> st.SearchStrategy[WindowConfig]:
        return st.tuples(axes(), axes(), st.integers(1, 3), st.booleans(), st.integers(1, 3), st.integers(1, 3)).map(
            lambda t: sample(t[0], t[1], t[2] * t[4], t[3], t[4], t[5])
        )

    def stimuli(self, config: WindowConfig) -> st.SearchStrategy[Images]:
        frame = st.tuples(*[st.integers(0, (1 << config.width) - 1)] * config.window.inputs)
        frames = st.lists(frame, min_size=1, max_size=3).map(tuple)
        pauses = st.one_of(st.just((0,)), st.lists(st.sampled_from([0, 0, 0, 1, 2, 9]), min_size=1, max_size=9).map(tuple))
        return st.builds(Images, frames, pauses)

    def expected(self, config: WindowConfig, stimulus: Images) -> list[Seen]:
        geometry, seen = config.window, []
        bits = config.slice_bits
        for frame in stimulus.frames:
            for y in range(geometry.rows.outputs):
                for x in range(geometry.columns.outputs):
                    number = 0
                    for repeat in range(config.repeats):
                        for group in range(config.fold.groups):
                            for part in range(config.slices):
                                data, place = 0, 0
                                for ky in range(geometry.rows.kernel):
                                    for kx in range(group * config.columns, (group + 1) * config.columns):
                                        row = y * geometry.rows.stride - geometry.rows.before + ky
                                        column = x * geometry.columns.stride - geometry.columns.before + kx
                                        if 0 <= row < geometry.rows.size and 0 <= column < geometry.columns.size:
                                            code = frame[row * geometry.columns.size + column]
                                            data |= (code >> (part * bits) & ((1 << bits) - 1)) << place
                                        place += bits
                                first = group == 0 and part == 0
                                last = group == config.fold.groups - 1 and part == config.slices - 1
                                seen.append(Seen(data, first, last, number, self._bias(config, y, x, repeat)))
                                number += 1
        return seen

    @staticmethod
    def _bias(config: WindowConfig, y: int, x: int, repeat: int) -> int:
        row_bits, column_bits, repeat_bits = config.bias_fields
        row_class = config.row_classes.index(config.window.rows.inside(y)) if row_bits else 0
        column_class = config.column_classes.index(config.window.columns.inside(x)) if column_bits else 0
        return ((row_class << column_bits) + column_class << repeat_bits) + (repeat if repeat_bits else 0)

    def golden(self, config: WindowConfig, stimulus: Images) -> list[Seen]:
        geometry = config.window
        codes = np.array(stimulus.frames).reshape(-1, geometry.rows.size, geometry.columns.size, 1)
        parts = (codes >> (config.slice_bits * np.arange(config.slices))) & ((1 << config.slice_bits) - 1)
        chunks = geometry.chunks(parts, config.columns, config.slices)

        def bias(job: int, repeat: int) -> int:
            y, x = divmod(job % geometry.outputs, geometry.columns.outputs)
            return self._bias(config, y, x, repeat)

        return expected_operands(chunks.reshape(-1, *chunks.shape[2:]), config.repeats, config.slice_bits, bias)

    def elaborate(self, config: WindowConfig) -> Any:
        address = config.fold.address_bits if config.fold.folds > 1 else 0
        operand = Operand(config.chunk_bits, address, config.bias_bits, folded=config.fold.chunks > 1)
        return window(bit(), reset(), Flow(config.width), operand, config)

    def play(self, dut: Dut, config: WindowConfig, stimulus: Images) -> list[Seen]:
        least = full_speed(len(stimulus.frames), config.window.inputs, config.window.outputs * config.fold.folds)
        arrivals = delayed(least, stimulus.pauses)
        starts = window_starts(arrivals, config.window, config.fold.folds)
        codes = [code for frame in stimulus.frames for code in frame]
        return play_operands(dut, arrivals, codes, starts[..., None] + np.arange(config.fold.folds) + config.latency)


class TestGolden(WindowSuite, GoldenTests):
    pass


class TestMyHdl(WindowSuite, MyHdlTests):
    pass


class TestVerilog(WindowSuite, VerilogTests):
    pass
