"""What sums and results of layers can be: intervals and widths against sums over all codes, term by term."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sigmabit.golden.arithmetic.activate import Activation
from sigmabit.golden.layers import linear
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.reach import Reach
from sigmabit.golden.types.tensor import TensorType

CODES = (Range(0, 3), Range(-2, 1), Range(0, 1))
GRIDS = (Grid(1, 0, 1.0), Grid(2, -1, 0.5), Grid(3, -7, 1.0), Grid(1, 4, 1.0))


def dense(codes: Range, grid: Grid, seed: int, activation: Activation) -> Fixed:
    """Three inputs, two lanes, one of them of weights of one sign."""
    random = np.random.default_rng(seed)
    weights = random.integers(-4, 4, (1, 1, 3, 2))
    weights[..., 1] = np.abs(weights[..., 1]) * (-1) ** seed
    window = Window(Axis(1, 1), Axis(1, 1))
    return Fixed("layer", (), TensorType(1, 1, 3, codes), grid, window, weights, random.integers(-9, 9, 2), activation)


@pytest.mark.parametrize("codes", CODES)
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sums(codes: Range, grid: Grid, seed: int) -> None:
    """The range holds the bias and any part of the sum, no more; the width holds the range. Results reach their ends."""
    layer = dense(codes, grid, seed, Activation(0, 9, True))
    values = [grid.gain * code + grid.offset for code in range(codes.low, codes.high + 1)]
    every = list(itertools.product(range(codes.low, codes.high + 1), repeat=3))
    parts, whole = [], []
    for lane in range(2):
        weights, bias = layer.weights[0, 0, :, lane].tolist(), int(layer.bias[lane])
        terms = [[0, *(weight * value for value in values)] for weight in weights]
        parts += [bias + sum(some) for some in itertools.product(*terms)]
        whole.append(
            [bias + sum(w * (grid.gain * x + grid.offset) for w, x in zip(weights, code, strict=True)) for code in every]
        )
    assert layer.sum_range == (min(parts), max(parts))
    low, high = layer.sum_range
    assert -(1 << (layer.sum_bits - 1)) <= low <= high < 1 << (layer.sum_bits - 1)
    assert layer.sum_bits == 2 or not -(1 << (layer.sum_bits - 2)) <= low <= high < 1 << (layer.sum_bits - 2)
    reach = layer.reach(Reach.of(layer.input))
    assert reach.low.reshape(-1).tolist() == [max(min(sums), -256) for sums in whole]
    assert reach.high.reshape(-1).tolist() == [min(max(sums), 255) for sums in whole]


def test_sums_with_biases_inside() -> None:
    """A kernel position whose bias is left out in padding counts by itself: with each sign."""
    for sign in (-1, 1):
        axis, inside = Axis(3, 3, 1, 1, 1), np.zeros((3, 3, 1), np.int64)
        inside[0, 0, 0], inside[1, 2, 0] = sign * 50, sign * 20
        weights = np.zeros((3, 3, 1, 1), np.int64)
        tensor = TensorType(3, 3, 1, Range(0, 1))
        bias, activation = np.array([5]), Activation(0, 8, True)
        layer = Fixed("layer", (), tensor, Grid(1, 0, 1.0), Window(axis, axis), weights, bias, activation, inside=inside)
        assert layer.sum_range == ((5, 75) if sign > 0 else (-65, 5))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("seed", range(6))
def test_tables(signed: bool, shift: int, seed: int) -> None:
    """Results of a table are one number if all codes between the ends have it, and anything of the table otherwise."""
    random = np.random.default_rng(seed)
    table = np.repeat(random.integers(-8, 8, 4), [1, 7, 5, 3])
    layer = dense(Range(0, 1), Grid(1, 0, 1.0), seed, Activation(shift, 4, signed, table, 4, True))
    reach = layer.reach(Reach.of(layer.input))
    sums = layer.sums(np.array(list(itertools.product((0, 1), repeat=3))).reshape(-1, 1, 1, 3)).reshape(-1, 2)
    lowest = -8 if signed else 0
    for lane in range(2):
        first, last = (
            min(max(int(end) >> shift, lowest), lowest + 15) - lowest for end in (sums[:, lane].min(), sums[:, lane].max())
        )
        held = set(table[first : last + 1].tolist())
        low, high = int(reach.low[0, 0, lane]), int(reach.high[0, 0, lane])
        assert (low, high) == ((held.pop(),) * 2 if len(held) == 1 else (table.min(), table.max()))


@pytest.mark.parametrize("elements", [1, 40, 1 << 20])
def test_frames_at_once(elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums, and their reach, are the same in parts of any size, of a single window that is larger included."""
    random = np.random.default_rng(0)
    window, weights = Window(Axis(5, 3, 2, 1, 1), Axis(4, 2)), random.integers(-4, 4, (3, 2, 2, 3))
    tensor, activation = TensorType(5, 4, 2, Range(0, 3)), Activation(0, 9, True)
    layer = Fixed("layer", (), tensor, Grid(1, 0, 1.0), window, weights, np.zeros(3, np.int64), activation)
    codes = random.integers(0, 4, (7, 5, 4, 2))
    calls, products = list[int](), Fixed.products

    def counted(layer: Fixed, rows: np.ndarray) -> np.ndarray:
        calls.append(len(rows))
        return products(layer, rows)

    monkeypatch.setattr(Fixed, "products", counted)
    sums, reach = layer.accumulators(codes), layer.reach_of_sums(Reach.of(tensor))
    assert calls == [7], "all at once, of frames as small as these"
    monkeypatch.setattr(linear, "WINDOW_ELEMENTS", elements)
    assert np.array_equal(layer.accumulators(codes), sums)
    again = layer.reach_of_sums(Reach.of(tensor))
    assert np.array_equal(again.low, reach.low) and np.array_equal(again.high, reach.high)
    assert np.all(reach.low <= sums) and np.all(sums <= reach.high)


@pytest.mark.parametrize("bits", [4, 18, 22, 24, 30])
def test_large_sums(bits: int) -> None:
    """To the last bit, of whatever size they are."""
    random = np.random.default_rng(bits)
    matrix = random.integers(-(1 << bits), 1 << bits, (1, 1, 5, 3)) | 1
    tensor = TensorType(1, 1, 5, Range(-7, 8))
    layer = Fixed(
        "layer",
        (),
        tensor,
        Grid(3, 1, 1.0),
        Window(Axis(1, 1), Axis(1, 1)),
        matrix,
        np.zeros(3, np.int64),
        Activation(0, 9, True),
    )
    reach = layer.reach_of_sums(Reach.of(tensor))
    ends = [[sorted(weight * (3 * code + 1) for code in (-7, 8)) for weight in lane] for lane in matrix[0, 0].T.tolist()]
    assert reach.low.reshape(-1).tolist() == [sum(low for low, _ in lane) for lane in ends]
    assert reach.high.reshape(-1).tolist() == [sum(high for _, high in lane) for lane in ends]
