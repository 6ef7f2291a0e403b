"""window: operands chunk by chunk, at the cycles that hdl/layers/window.py says, whatever the pauses between positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sigmabit.golden.layers.abreast import Abreast
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.types.layout import Layout
from sigmabit.hdl.layers.window import WindowConfig, rows_needed, window, window_starts
from sigmabit.hdl.verilog.stream import Flow, Operand, bit, reset

from ..harness.bench import Dut
from ..harness.layer_suite import overfilled
from ..harness.operands import Seen, delayed, expected_operands, full_speed, paced, play_operands
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
    arrivals = full_speed(6, config.beats.inputs, config.beats.outputs * config.fold.folds)
    starts = window_starts(arrivals, config.beats, config.fold.folds)
    return replace(config, rows=rows_needed(arrivals, starts, config.beats, config.fold.folds))


def sample(
    rows: Axis, columns: Axis, width: int, all_columns: bool, slices: int, repeats: int, positions: int = 1
) -> WindowConfig:
    """A configuration with just enough rows."""
    window = Window(rows, columns)
    across = Abreast(window, positions).beats.columns.kernel if all_columns or positions > 1 else 1
    return with_rows(WindowConfig(window, width, across, slices, repeats, rows.kernel + 1, positions))


class WindowSuite(BlockSuite):
    """Several frames, at full speed and with pauses; the order of operands, their timing and what goes with them."""

    samples = (
        sample(Axis(6, 3, 1, 1, 1), Axis(6, 3, 1, 1, 1), 2, True, 1, 1),
        sample(Axis(6, 3, 1, 1, 1), Axis(5, 3, 1, 1, 1), 4, False, 2, 3),
        sample(Axis(7, 3, 2), Axis(7, 2, 2, 1, 0), 3, True, 1, 2),
        sample(Axis(5, 1), Axis(4, 1), 6, False, 3, 1),
        sample(Axis(7, 4, 3, 0, 2), Axis(7, 4, 1, 3, 3), 1, False, 1, 1),
        sample(Axis(6, 3, 1, 1, 1), Axis(7, 3, 1, 1, 1), 4, True, 2, 1, positions=3),
        sample(Axis(5, 2, 2), Axis(6, 3, 2, 1, 1), 3, True, 1, 3, positions=4),
        sample(Axis(4, 1), Axis(7, 1, 3), 2, True, 2, 1, positions=3),
        sample(Axis(4, 2), Axis(5, 2, 1, 0, 1), 2, True, 1, 1),
    )
    examples = 6

    flags, before = ("operand_valid",), 4

    def configs(self) -> st.SearchStrategy[WindowConfig]:
        return st.tuples(
            axes(),
            axes(),
            st.integers(1, 3),
            st.booleans(),
            st.integers(1, 3),
            st.integers(1, 3),
            st.sampled_from([1, 1, 2, 3, 7]),
        ).map(lambda t: sample(t[0], t[1], t[2] * t[4], t[3], t[4], t[5], min(t[6], t[1].size)))

    def stimuli(self, config: WindowConfig) -> st.SearchStrategy[Images]:
        frame = st.tuples(*[st.integers(0, (1 << config.width) - 1)] * config.window.inputs)
        frames = st.lists(frame, min_size=1, max_size=3).map(tuple)
        pauses = st.one_of(st.just((0,)), st.lists(st.sampled_from([0, 0, 0, 1, 2, 9]), min_size=1, max_size=9).map(tuple))
        return st.builds(Images, frames, pauses)

    def expected(self, config: WindowConfig, stimulus: Images) -> list[Seen]:
        geometry, seen, side_by_side = config.beats, [], config.positions
        bits, columns = config.width // config.slices, config.window.columns.size
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
                                        beat = x * geometry.columns.stride - geometry.columns.before + kx
                                        for column in range(beat * side_by_side, (beat + 1) * side_by_side):
                                            if 0 <= row < geometry.rows.size and 0 <= column < columns:
                                                code = frame[row * columns + column]
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
        row_class = config.row_classes.index(config.abreast.rows.borders(y)) if row_bits else 0
        column_class = config.column_classes.index(config.abreast.columns.borders(x)) if column_bits else 0
        return ((row_class << column_bits) + column_class << repeat_bits) + (repeat if repeat_bits else 0)

    def golden(self, config: WindowConfig, stimulus: Images) -> list[Seen]:
        geometry, bits, size = config.beats, config.width // config.slices, config.window.columns.size
        codes = np.array(stimulus.frames).reshape(-1, geometry.rows.size, size)
        filled = np.pad(codes, ((0, 0), (0, 0), (0, -size % config.positions)))
        beats = filled.reshape(*codes.shape[:2], -1, 1, config.positions)
        parts = (beats >> (bits * np.arange(config.slices)[:, None])) & ((1 << bits) - 1)
        chunks = geometry.chunks(parts.reshape(*beats.shape[:3], -1), config.columns, config.slices)

        def bias(job: int, repeat: int) -> int:
            y, x = divmod(job % geometry.outputs, geometry.columns.outputs)
            return self._bias(config, y, x, repeat)

        return expected_operands(chunks.reshape(-1, *chunks.shape[2:]), config.repeats, bits, bias)

    def assumed(self, config: WindowConfig) -> str:
        return paced(config.beats.inputs, config.beats.outputs * config.fold.folds)

    def covers(self, config: WindowConfig) -> Mapping[str, str]:
        """Each kind of corner, edge and middle; what comes and goes in one cycle."""
        geometry, kinds = config.beats, dict[str, list[str]]()
        down, across = geometry.rows.outputs, geometry.columns.outputs
        rows, columns = (list(dict.fromkeys(map(each.inside, range(each.outputs)))) for each in (geometry.rows, geometry.columns))
        for y, x in product(range(down), range(across)):
            kind = f"rows_{rows.index(geometry.rows.inside(y))}_columns_{columns.index(geometry.columns.inside(x))}"
            following = (y + (x + 1) // across) % down, (x + 1) % across
            kinds.setdefault(kind, []).append("y_next == {} && x_next == {}".format(*following))
        found = {kind: f"move_on && ({' || '.join(f'({place})' for place in places)})" for kind, places in kinds.items()}
        found |= {"waits": "!arrived && !issue", "one_comes_as_one_goes": "move_on && sink_valid"}
        return found | {"two_in_a_row": "issue && $past(move_on)", "a_gap_between_two": "!issue && $past(move_on)"}

    def elaborate(self, config: WindowConfig) -> Any:
        address = config.fold.address_bits if config.fold.folds > 1 else 0
        operand = Operand(config.chunk_bits, address, config.bias_bits, folded=config.fold.chunks > 1)
        return window(bit(), reset(), Flow(config.beat_bits), operand, config)

    def play(self, dut: Dut, config: WindowConfig, stimulus: Images) -> list[Seen]:
        least = full_speed(len(stimulus.frames), config.beats.inputs, config.beats.outputs * config.fold.folds)
        arrivals = delayed(least, stimulus.pauses)
        starts = window_starts(arrivals, config.beats, config.fold.folds)
        sink = Layout(config.window.rows.size, config.window.columns.size, 1, config.width, positions=config.positions)
        codes = overfilled(sink, np.array(stimulus.frames).reshape(-1, *sink.shape))
        return play_operands(dut, arrivals, codes, starts[..., None] + np.arange(config.fold.folds) + config.latency)


class TestGolden(WindowSuite, GoldenTests):
    pass


class TestMyHdl(WindowSuite, MyHdlTests):
    pass


class TestVerilog(WindowSuite, VerilogTests):
    pass
