"""How tensors lie on a stream, bit by bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmabit.golden.types.layout import Layout
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType

every = settings(max_examples=300, deadline=None, database=None, derandomize=True)

SIZES = st.integers(1, 4)
LAYOUTS = st.builds(Layout, SIZES, SIZES, st.integers(1, 9), st.integers(1, 20), st.booleans(), st.booleans())


@st.composite
def tensors(draw: st.DrawFn) -> tuple[Layout, np.ndarray]:
    """A layout and codes for a few frames on it, the extremes among them."""
    layout = draw(LAYOUTS)
    low, high = layout.code_range
    count = draw(st.integers(1, 3))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    codes = random.integers(low, high + 1, (count, *layout.shape))
    codes.flat[0], codes.flat[-1] = draw(st.sampled_from([(low, high), (high, low)]))
    return layout, codes


class TestPacking:
    @every
    @given(tensors())
    def test_beats_are_numbers_with_channel_0_lowest(self, drawn: tuple[Layout, np.ndarray]) -> None:
        """Raster order; signed codes are sign-extended over their field, the rest is zero; unpacking gives the codes back."""
        layout, codes = drawn
        beats = []
        for frame in codes.tolist():
            for row in frame:
                for position in row:
                    beats.append(sum((code & (1 << layout.field) - 1) << layout.field * c for c, code in enumerate(position)))
        packed = layout.pack(codes)
        assert packed.shape == (len(codes) * layout.beats, -(-layout.channels * layout.field // 8))
        assert [int.from_bytes(beat.tobytes(), "little") for beat in packed] == beats
        assert np.array_equal(layout.unpack(packed), codes)

    def test_an_example(self) -> None:
        codes = np.array([[[[1, 0, 3], [2, 3, 0]]]])
        assert Layout(1, 2, 3, 2).pack(codes).tolist() == [[0b110001], [0b001110]]
        assert Layout(1, 2, 3, 2).on_axi().pack(codes).tolist() == [[1, 0, 3], [2, 3, 0]]

    def test_signs_fill_their_field(self) -> None:
        codes = np.array([[[[-3, 2]]]])
        assert Layout(1, 1, 2, 3, signed=True).pack(codes).tolist() == [[0b010101]]
        assert Layout(1, 1, 2, 3, signed=True).on_axi().pack(codes).tolist() == [[0xFD, 0x02]]
        assert Layout(1, 1, 2, 9, signed=True).on_axi().pack(codes).tolist() == [[0xFD, 0xFF, 0x02, 0x00]]

    @pytest.mark.parametrize(("signed", "low", "high"), [(False, 0, 7), (True, -4, 3)])
    def test_codes_that_do_not_fit(self, signed: bool, low: int, high: int) -> None:
        layout = Layout(1, 1, 1, 3, signed)
        for code in (low, high):
            layout.pack(np.full((1, 1, 1, 1), code))
        for code in (low - 1, high + 1):
            with pytest.raises(ValueError, match=f"codes from {code} to {code} on a layout of {low} to {high}"):
                layout.pack(np.full((1, 1, 1, 1), code))

    def test_shapes_that_do_not_fit(self) -> None:
        with pytest.raises(ValueError, match="shape"):
            Layout(2, 3, 1, 1).pack(np.zeros((1, 3, 2, 1), np.int64))


class TestSizes:
    @every
    @given(LAYOUTS)
    def test_sizes(self, layout: Layout) -> None:
        assert layout.beats == layout.height * layout.width
        assert layout.beat_bits == layout.channels * layout.field
        assert layout.field >= layout.bits
        axi = layout.on_axi()
        assert axi.field % 8 == 0
        assert 0 <= axi.field - layout.bits < 8
        assert (axi.shape, axi.bits, axi.signed) == (layout.shape, layout.bits, layout.signed)

    @pytest.mark.parametrize("name", ["height", "width", "channels", "bits"])
    def test_refused(self, name: str) -> None:
        sizes: dict[str, Any] = {"height": 1, "width": 1, "channels": 1, "bits": 1, name: 0}
        with pytest.raises(ValueError, match=f"{name}=0 is below 1"):
            Layout(**sizes)

    @pytest.mark.parametrize(("levels", "bits"), [(2, 1), (3, 2), (4, 2), (5, 3), (256, 8), (257, 9)])
    def test_tensors(self, levels: int, bits: int) -> None:
        tensor = TensorType(2, 3, 4, Range.of_levels(levels))
        assert tensor.layout == Layout(2, 3, 4, bits)
        assert tensor.size == 24

    @every
    @given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 5), st.integers(1, 33), st.data())
    def test_side_by_side(self, height: int, width: int, channels: int, bits: int, data: st.DataObject) -> None:
        """Beat by beat: of a row each its positions, or some whole rows; what is left of either fills up the last."""
        positions = data.draw(st.sampled_from([*range(1, width + 1), *(width * rows for rows in range(2, height + 1))]))
        layout = Layout(height, width, channels, bits).side_by_side(positions)
        each = [(row, column) for row in range(height) for column in range(width)]
        runs = [each] if positions > width else [each[width * row :][:width] for row in range(height)]
        beats = [run[at : at + positions] for run in runs for at in range(0, len(run), positions)]
        assert (layout.lines, layout.run, layout.beats) == (len(runs), len(runs[0]), len(beats))
        assert layout.line == len(beats) // len(runs)
        assert layout.rows == max(len({row for row, _ in beat}) for beat in beats)
        assert layout.filler == positions - len(beats[-1])
        assert layout.beat_bits == positions * channels * layout.field
        assert layout.code_bytes == len(each) * channels * layout.on_axi().field // 8
