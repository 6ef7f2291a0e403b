"""abreast: each place gets the operand that its own window has, and vectors side by side come in order."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmabit.golden.layers.abreast import Abreast
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.hdl.layers.abreast import Bundle, JoinConfig, KeptConfig, TapsConfig, abreast, beside, kept
from sigmabit.hdl.verilog.stream import wire

from ..harness.bench import Dut
from ..harness.layers import axes
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests


def shapes() -> st.SearchStrategy[Abreast]:
    """Windows of every kind over beats of every size."""
    windows = st.builds(Window, axes(), axes())
    return windows.flatmap(lambda window: st.builds(Abreast, st.just(window), positions(window)))


def positions(window: Window) -> st.SearchStrategy[int]:
    """Parts of a row, and whole rows."""
    width, height = window.columns.size, window.rows.size
    return st.one_of(st.integers(1, width), st.integers(1, height).map(lambda rows: rows * width))


def tapped() -> st.SearchStrategy[TapsConfig]:
    """Several positions side by side."""
    return st.builds(TapsConfig, shapes().filter(lambda shape: shape.positions > 1), st.integers(1, 3), st.booleans())


def in_padding(config: TapsConfig, place: int) -> list[bool]:
    """Which taps of a place, columns fastest, are in the padding whatever comes."""
    window, whole = config.abreast.window, config.abreast.positions
    down, across = divmod(place, config.abreast.columns.places)
    found = []
    for row in range(window.rows.kernel):
        for column in range(window.columns.kernel):
            y = down * window.rows.stride - window.rows.before + row
            x = across * window.columns.stride - window.columns.before + column
            above = whole == window.inputs and not 0 <= y < window.rows.size
            found.append(above or (whole >= window.columns.size and not 0 <= x < window.columns.size))
    return found


class TapsSuite(BlockSuite):
    """Chunks of any bits."""

    samples = (
        TapsConfig(Abreast(Window(Axis(5, 3, 1, 1, 1), Axis(7, 3, 1, 1, 1)), 4), 3),
        TapsConfig(Abreast(Window(Axis(4, 2, 2), Axis(6, 3, 2, 1, 1)), 3), 1),
        TapsConfig(Abreast(Window(Axis(1, 1), Axis(5, 1)), 5), 2),
        TapsConfig(Abreast(Window(Axis(5, 3, 1, 1, 1), Axis(4, 3, 1, 1, 1)), 8), 1),
        TapsConfig(Abreast(Window(Axis(4, 3, 1, 1, 1), Axis(3, 2, 2, 1, 0)), 12), 2),
        TapsConfig(Abreast(Window(Axis(3, 3, 1, 1, 1), Axis(4, 3, 1, 1, 1)), 12), 2, trimmed=True),
        TapsConfig(Abreast(Window(Axis(2, 1, 1, 1, 1), Axis(2, 1, 1, 1, 1)), 4), 2, trimmed=True),
    )

    def configs(self) -> st.SearchStrategy[TapsConfig]:
        return tapped()

    def stimuli(self, config: TapsConfig) -> st.SearchStrategy[list[int]]:
        return st.lists(st.integers(0, (1 << config.chunk_bits) - 1), min_size=1, max_size=4)

    def expected(self, config: TapsConfig, stimulus: list[int]) -> list[list[int]]:
        abreast, window, bits = config.abreast, config.abreast.window, config.bits
        width = window.columns.size
        down, side_by_side = max(1, abreast.positions // width), min(abreast.positions, width)
        # the row and the position of it that a chunk begins with
        top, first = abreast.beats.rows.start(0) * down, abreast.beats.columns.start(0) * side_by_side
        high, across = abreast.beats.rows.kernel * down, abreast.beats.columns.kernel * side_by_side
        results = []
        for chunk in stimulus:
            operands = []
            for place in range(abreast.places):
                operand, low = 0, 0
                left_out = in_padding(config, place) if config.trimmed else [False] * window.taps
                left_out = [number > 0 for number in range(window.taps)] if all(left_out) else left_out
                place_down, place_across = divmod(place, abreast.columns.places)
                for row in range(window.rows.kernel):
                    for column in range(window.columns.kernel):
                        y = place_down * window.rows.stride - window.rows.before + row - top
                        x = place_across * window.columns.stride - window.columns.before + column - first
                        code = 0
                        if left_out[row * window.columns.kernel + column]:
                            continue
                        if 0 <= y < high and 0 <= x < across:
                            code = chunk >> ((y * across + x) * bits) & ((1 << bits) - 1)
                        operand |= code << low
                        low += bits
                operands.append(operand)
            results.append(operands)
        return results

    def golden(self, config: TapsConfig, stimulus: list[int]) -> list[list[int]]:
        places = np.arange(config.chunk_bits // config.bits)
        mask = (1 << config.bits) - 1
        codes = np.array([[chunk >> int(place * config.bits) & mask for place in places] for chunk in stimulus])
        operands = config.abreast.operands(codes).tolist()
        taps = [config.kept(place) for place in range(config.abreast.places)]
        return [
            [sum(codes[tap] << i * config.bits for i, tap in enumerate(of)) for codes, of in zip(beat, taps, strict=True)]
            for beat in operands
        ]

    def elaborate(self, config: TapsConfig) -> Any:
        return abreast(wire(config.chunk_bits), Bundle(config.widths), config)

    def play(self, dut: Dut, config: TapsConfig, stimulus: list[int]) -> list[list[int]]:
        names = [f"operands_place_{place}" for place in range(config.abreast.places)]
        seen = [dut.step({"chunk": chunk}) for chunk in stimulus]
        return [[outputs[name] for name in names] for outputs in seen]


class TestGolden(TapsSuite, GoldenTests):
    pass


class TestMyHdl(TapsSuite, MyHdlTests):
    pass


class TestVerilog(TapsSuite, VerilogTests):
    pass


class KeptSuite(BlockSuite):
    """Weights of any bits."""

    samples = (KeptConfig((0, 1, 3, 4), 9, 3), KeptConfig((1, 2, 4, 5, 7, 8), 9, 1, tables=2), KeptConfig((0,), 1, 2))

    def configs(self) -> st.SearchStrategy[KeptConfig]:
        taps = st.lists(st.booleans(), min_size=1, max_size=9).filter(any)
        numbers = taps.map(lambda kept: (tuple(number for number, each in enumerate(kept) if each), len(kept)))
        return numbers.flatmap(lambda drawn: st.builds(KeptConfig, *map(st.just, drawn), st.integers(1, 3), st.integers(1, 2)))

    def stimuli(self, config: KeptConfig) -> st.SearchStrategy[list[int]]:
        number = config.tables * config.count
        return st.lists(st.integers(0, (1 << config.bits) - 1), min_size=number, max_size=number)

    def expected(self, config: KeptConfig, stimulus: list[int]) -> list[int]:
        return [weight for i, weight in enumerate(stimulus) if i % config.count in config.taps]

    def golden(self, config: KeptConfig, stimulus: list[int]) -> list[int]:
        tables = np.array(stimulus).reshape(config.tables, config.count)
        return tables[:, list(config.taps)].flatten().tolist()  # type: ignore[no-any-return]

    def elaborate(self, config: KeptConfig) -> Any:
        return kept(wire(config.whole_bits), wire(config.part_bits), config)

    def play(self, dut: Dut, config: KeptConfig, stimulus: list[int]) -> list[int]:
        whole = sum(weight << i * config.bits for i, weight in enumerate(stimulus))
        part = dut.step({"whole": whole})["part"]
        return [part >> low & ((1 << config.bits) - 1) for low in range(0, config.part_bits, config.bits)]


class TestGoldenKept(KeptSuite, GoldenTests):
    pass


class TestMyHdlKept(KeptSuite, MyHdlTests):
    pass


class TestVerilogKept(KeptSuite, VerilogTests):
    pass


class JoinSuite(BlockSuite):
    """Numbers of any bits."""

    samples = (JoinConfig(1, 1, (1, 1)), JoinConfig(5, 1, (1,) * 3), JoinConfig(2, 4, (4, 3, 3, 4, 1)))

    def configs(self) -> st.SearchStrategy[JoinConfig]:
        widths = st.lists(st.integers(1, 6), min_size=2, max_size=5)
        return widths.flatmap(
            lambda widths: st.builds(JoinConfig, st.integers(1, 3), st.just(max(widths)), st.just(tuple(widths)))
        )

    def stimuli(self, config: JoinConfig) -> st.SearchStrategy[list[list[int]]]:
        return st.tuples(
            *(st.lists(st.integers(0, (1 << width) - 1), min_size=config.lanes, max_size=config.lanes) for width in config.widths)
        ).map(list)

    def expected(self, config: JoinConfig, stimulus: list[list[int]]) -> int:
        return int("".join(f"{number:0{config.bits}b}" for part in reversed(stimulus) for number in reversed(part)), 2)

    def golden(self, config: JoinConfig, stimulus: list[list[int]]) -> int:
        return sum(number << i * config.bits for i, number in enumerate(chain.from_iterable(stimulus)))

    def elaborate(self, config: JoinConfig) -> Any:
        parts = Bundle(config.lanes * width for width in config.widths)
        return beside(parts, wire(len(config.widths) * config.lanes * config.bits), config)

    def play(self, dut: Dut, config: JoinConfig, stimulus: list[list[int]]) -> int:
        packed = [
            sum(number << lane * width for lane, number in enumerate(part))
            for part, width in zip(stimulus, config.widths, strict=True)
        ]
        return dut.step({f"parts_place_{i}": vector for i, vector in enumerate(packed)})["whole"]


class TestGoldenJoin(JoinSuite, GoldenTests):
    pass


class TestMyHdlJoin(JoinSuite, MyHdlTests):
    pass


class TestVerilogJoin(JoinSuite, VerilogTests):
    pass


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(shapes())
def test_geometry(shape: Abreast) -> None:
    """Every result is in one beat, and the window over beats has all that its places need."""
    for side in (shape.rows, shape.columns):
        axis, beats = side.axis, side.beats
        assert beats.outputs == -(-axis.outputs // side.places)
        for output in range(axis.outputs):
            beat, place = divmod(output, side.places)
            for tap in range(axis.kernel):
                at = side.tap(place, tap)
                if at is None:
                    assert side.whole
                    assert not axis.inside(output)[tap]
                else:
                    assert beats.start(beat) * side.positions + at == axis.start(output) + tap
                    assert side.inside(beat)[at] == axis.inside(output)[tap]
                assert side.borders(beat)[place][tap] == axis.inside(output)[tap]
        beyond = any(False in side.inside(output) for output in range(beats.outputs))
        fits = axis.size % side.positions == 0 and not (axis.before or axis.after)
        assert side.masked >= (beyond and not side.whole)
        assert not (side.masked and (side.whole or fits))


@pytest.mark.parametrize(
    ("positions", "places", "beats"),
    [
        (1, 1, Axis(28, 3, 1, 1, 1)),
        (4, 4, Axis(7, 3, 1, 1, 1)),
        (8, 8, Axis(4, 3, 1, 1, 1)),
        (28, 28, Axis(1, 1)),
    ],
)
def test_same_convolution(positions: int, places: int, beats: Axis) -> None:
    """A 3-wide kernel with padding on 28 columns: a beat more on each side, whatever the width of a beat."""
    shape = Abreast(Window(Axis(28, 3, 1, 1, 1), Axis(28, 3, 1, 1, 1)), positions)
    assert (shape.places, shape.beats.columns) == (places, beats)


@pytest.mark.parametrize("height", [1, 2, 3])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_whole_frames(height: int, width: int) -> None:
    """A beat that has all positions of a frame has its rows whole, if they are more than one position."""
    window = Window(Axis(height, 1), Axis(width, 1))
    for positions in {*range(1, width + 1), *range(width, width * height + 1, width)}:
        shape = Abreast(window, positions)
        assert shape.rows.whole == (1 < positions == height * width)
        assert shape.columns.whole == (1 < positions >= width)
        assert shape.stacked == (positions > width or shape.rows.whole)


def test_padding_that_is_always_there() -> None:
    """Whole rows side by side: of seven places' windows over three columns, the outermost two see beyond the image."""
    window = Window(Axis(7, 3, 1, 1, 1), Axis(7, 3, 1, 1, 1))
    assert Abreast(window, 7).filled == 19 / 21
    assert Abreast(window, 1).filled == 1
    for positions in (1, 3, 7):
        geometry = Abreast(window, positions)
        taps = [tap for place in range(geometry.places) for tap in geometry.taps(place)]
        assert geometry.filled == sum(tap is not None for tap in taps) / len(taps)
