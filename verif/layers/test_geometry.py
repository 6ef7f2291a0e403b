"""Windows of the golden model: where each tap lies, counted tap by tap; and what is said of geometries that are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmabit.golden.layers.window import Axis, Window


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    """Up to six inputs, of which the last may be left out."""
    size = draw(st.integers(1, 6))
    before, after = draw(st.integers(0, 3)), draw(st.integers(1 - size, 3))
    return Axis(size, draw(st.integers(1, size + before + after)), draw(st.integers(1, 3)), before, after)


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(axes())
def test_axis(axis: Axis) -> None:
    """Every window lies within inputs and padding, and the next one does not."""
    starts = [start for start in range(-axis.before, axis.size + axis.after) if (start + axis.before) % axis.stride == 0]
    starts = [start for start in starts if start + axis.kernel <= axis.size + axis.after]
    assert axis.outputs == len(starts)
    for number, start in enumerate(starts):
        taps = range(start, start + axis.kernel)
        assert axis.start(number) == start
        assert axis.inside(number) == tuple(tap in range(axis.size) for tap in taps)
        if any(axis.inside(number)):
            assert axis.last(number) == max(tap for tap in taps if tap in range(axis.size))
        assert axis.last(number) in range(axis.size)


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(axes(), axes())
def test_window(rows: Axis, columns: Axis) -> None:
    """Counts, and what lies under each tap: zero in the padding."""
    window = Window(rows, columns)
    assert window.inputs == rows.size * columns.size
    assert window.outputs == rows.outputs * columns.outputs
    assert window.taps == rows.kernel * columns.kernel
    ends = (rows.before, rows.after, columns.before, columns.after)
    assert window.padded == any(end > 0 for end in ends)
    assert window.whole == (not any(end > 0 for end in ends) and rows.kernel == rows.size and columns.kernel == columns.size)
    image = np.arange(1, 1 + 2 * window.inputs * 2).reshape(2, rows.size, columns.size, 2)
    found = window.extract(image)
    assert found.shape[:5] == (2, rows.outputs, columns.outputs, rows.kernel, columns.kernel)
    inside, numbers = window.inside(), np.arange(1, 1 + window.taps).reshape(rows.kernel, columns.kernel)
    assert {*map(tuple, window.shapes.tolist())} == {*map(tuple, inside.reshape(-1, window.taps).tolist())}
    for y, x in np.ndindex(window.rows.outputs, window.columns.outputs):
        assert window.total_inside(numbers)[y, x] == numbers[inside[y, x]].sum()
        assert window.needs()[y * columns.outputs + x] == rows.last(y) * columns.size + columns.last(x)
    for place in np.ndindex(found.shape[1:5]):
        row, column = rows.start(place[0]) + place[2], columns.start(place[1]) + place[3]
        there = row in range(rows.size) and column in range(columns.size)
        assert inside[place] == there
        assert np.array_equal(found[:, *place], image[:, row, column] if there else np.zeros((2, 2)))


def test_labels() -> None:
    """One for both axes if they are alike; a negative padding has no sign in it."""
    axis, other = Axis(7, 3, 2, 1, 0), Axis(6, 2, 1, 0, -1)
    assert axis.label == "7k3s2p1_0"
    assert other.label == "6k2s1p0_m1"
    assert Window(axis, Axis(7, 3, 2, 1, 0)).label == "7k3s2p1_0"
    assert Window(axis, other).label == "7k3s2p1_0_by_6k2s1p0_m1"


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ((0, 1), "size=0 is below 1"),
        ((3, 0), "kernel=0 is below 1"),
        ((3, 1, 0), "stride=0 is below 1"),
        ((3, 1, 1, -1), "before=-1 is below 0"),
        ((3, 1, 1, 0, -3), "after=-3 is below -2"),
        ((3, 5, 1, 1, 0), "kernel=5 exceeds the padded size=4"),
    ],
)
def test_refused(numbers: tuple[int, ...], says: str) -> None:
    """Geometries without a window."""
    with pytest.raises(ValueError, match=f"^{says}$"):
        Axis(*numbers)


@pytest.mark.parametrize("shape", [(1, 2, 4, 1), (1, 3, 3, 1), (1, 4, 3, 1)])
def test_another_image(shape: tuple[int, ...]) -> None:
    """An image of another height or width."""
    with pytest.raises(ValueError, match=rf"^image of \({shape[1]}, {shape[2]}\) positions for windows over \(3, 4\)$"):
        Window(Axis(3, 1), Axis(4, 1)).extract(np.zeros(shape, np.int64))
