"""Random layers for the suites, and the naive loops that say what they compute."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from sigmabit.golden.arithmetic.activate import Activation
from sigmabit.golden.arithmetic.steps import Steps
from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.dense import Dense
from sigmabit.golden.layers.few_bits import FewBits
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.layers.linear import Linear
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.types.grid import BIPOLAR, Grid
from sigmabit.golden.types.layout import Layout
from sigmabit.golden.types.range import BITS, Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.layers.binary import Binary
from sigmabit.hdl.layers.few_bits import few_bits_kind
from sigmabit.hdl.layers.fixed import FixedPoint
from sigmabit.hdl.layers.folding import Folding
from sigmabit.hdl.layers.mvu import Arithmetic


@dataclass(frozen=True)
class Numbers:
    """Codes, and what they stand for."""

    codes: Range
    grid: Grid

    @property
    def largest(self) -> int:
        """Largest absolute value of a code."""
        return int(np.abs(self.grid.values(np.array([self.codes.low, self.codes.high]))).max())


BIPOLAR_BITS = Numbers(BITS, BIPOLAR)
GRIDS = (
    BIPOLAR_BITS,
    Numbers(BITS, Grid(1, 0, 0.5)),
    Numbers(Range(0, 3), Grid(2, -3, 1.0)),
    Numbers(Range(0, 10), Grid(1, 0, 1.0)),
    Numbers(Range(0, 5), Grid(3, -4, 0.1)),
)
"""Bipolar bits, bits of 0 and 1, pixels with an offset, pixels without, and a grid whose zero is no code."""


@dataclass(frozen=True)
class LayerCase:
    """A layer made from a seed, and how it is folded. The seed draws weights and thresholds. positions: in a beat."""

    rows: Axis
    columns: Axis
    channels: int
    outputs: int
    numbers: Numbers
    scores: bool
    dense: bool
    folding: Folding
    seed: int
    positions: int = field(default=1, kw_only=True)

    @property
    def layer(self) -> Convolution | Fixed | FewBits:
        """The golden layer."""
        random = np.random.default_rng(self.seed)
        tensor = TensorType(self.rows.size, self.columns.size, self.channels, self.numbers.codes)
        shape = (self.rows.kernel, self.columns.kernel, self.channels, self.outputs)
        weights = random.choice(np.array([-1, 1], np.int8), shape)
        spread = 1 + int(np.sqrt(weights[..., 0].size)) * self.numbers.largest
        thresholds = None if self.scores else random.integers(-spread, spread + 1, self.outputs)
        if thresholds is not None and self.outputs > 2:
            thresholds[:2] = (-(10**6), 10**6)  # a channel that is always 1, and one that never is
        if self.dense:
            return Dense.of("layer", (), tensor, self.numbers.grid, weights.reshape(-1, self.outputs), thresholds)
        return Convolution("layer", (), tensor, self.numbers.grid, Window(self.rows, self.columns), weights, thresholds)

    @property
    def arithmetic(self) -> Arithmetic:
        """That of the golden layer."""
        layer = self.layer
        assert isinstance(layer, Convolution)
        return Binary(layer)


@dataclass(frozen=True)
class FixedCase(LayerCase):
    """A layer of fixed-point weights; the seed also draws their width, the biases and the activation. No scores. inside: have
    kernel positions biases of their own?
    """

    signed: bool
    weight_bits: int
    table: bool
    inside: bool = field(default=False, kw_only=True)

    @property
    def layer(self) -> Fixed:
        """The golden layer."""
        random = np.random.default_rng(self.seed)
        codes, grid = self.numbers.codes, self.numbers.grid
        if self.signed:
            codes = Range.of_bits(codes.bits, signed=codes.bits > 1)
        tensor = TensorType(self.rows.size, self.columns.size, self.channels, codes)
        limit = 1 << (self.weight_bits - 1)
        weights = random.integers(-limit, limit, (self.rows.kernel, self.columns.kernel, self.channels, self.outputs))
        bias = random.integers(-8 * limit, 8 * limit, self.outputs)
        bits, signed, shift = int(random.integers(2, 9)), bool(random.integers(2)), int(random.integers(0, self.weight_bits + 2))
        activation = Activation(shift, bits, signed)
        if self.table:
            results = random.integers(-16, 16, 1 << bits)
            activation = Activation(shift, bits, signed, results, 5, True)
        inside = None
        if self.inside:
            inside = random.integers(-4 * limit, 4 * limit, (self.rows.kernel, self.columns.kernel, self.outputs))
        window = Window(self.rows, self.columns)
        return Fixed("layer", (), tensor, grid, window, weights, bias, activation, inside=inside)

    @property
    def arithmetic(self) -> Arithmetic:
        return FixedPoint(self.layer)


@dataclass(frozen=True)
class FewBitsCase(LayerCase):
    """A layer of weights of a few bits, of signs, or, if ternary, of -1, 0 and 1; the seed also draws the thresholds. steps: of a
    channel; 0 gives scores.
    """

    weight_bits: int
    steps: int
    ternary: bool = field(default=False, kw_only=True)

    @property
    def layer(self) -> FewBits:
        """The golden layer."""
        random = np.random.default_rng(self.seed)
        tensor = TensorType(self.rows.size, self.columns.size, self.channels, self.numbers.codes)
        shape = (self.rows.kernel, self.columns.kernel, self.channels, self.outputs)
        limit = 1 << (self.weight_bits - 1)
        signs = self.weight_bits == 1
        weights = random.choice(np.array([-1, 1]), shape) if signs else random.integers(-limit, limit, shape)
        weights = np.clip(weights, -1, 1) if self.ternary else weights
        spread = 1 + int(np.sqrt(weights[..., 0].size)) * self.numbers.largest * limit
        steps = Steps(np.sort(random.integers(-spread, spread + 1, (self.outputs, self.steps)), axis=1)) if self.steps else None
        return FewBits("layer", (), tensor, self.numbers.grid, Window(self.rows, self.columns), weights, steps)

    @property
    def arithmetic(self) -> Arithmetic:
        return few_bits_kind(self.layer, self.positions).arithmetic


def few_bits(cases: st.SearchStrategy[LayerCase]) -> st.SearchStrategy[FewBitsCase]:
    """The same shapes and foldings with weights of a few bits."""

    def build(case: LayerCase, weight_bits: int, steps: int, ternary: bool, planes: bool) -> FewBitsCase:
        shape = case.rows, case.columns, case.channels, case.outputs
        drawn = FewBitsCase(
            *shape, case.numbers, steps == 0, case.dense, case.folding, case.seed, weight_bits, steps,
            positions=case.positions, ternary=ternary and weight_bits == 2,
        )  # fmt: skip
        ways = few_bits_kind(drawn.layer, case.positions).ways(case.folding)
        planes &= "planes" in ways and case.columns.size % case.positions == 0
        return replace(drawn, folding=replace(case.folding, products="planes")) if planes else drawn

    bits, steps = st.sampled_from([1, 2, 2, 3, 4, 8]), st.sampled_from([0, 1, 2, 3, 3, 7])
    return st.builds(build, cases, bits, steps, st.booleans(), st.booleans())


def fixed(cases: st.SearchStrategy[LayerCase]) -> st.SearchStrategy[FixedCase]:
    """The same shapes and foldings with fixed-point weights."""

    def build(case: LayerCase, signed: bool, weight_bits: int, table: bool, inside: bool) -> FixedCase:
        shape = case.rows, case.columns, case.channels, case.outputs
        drawn, places = (signed, weight_bits, table), case.positions
        return FixedCase(
            *shape, case.numbers, False, case.dense, case.folding, case.seed, *drawn, positions=places, inside=inside
        )

    return st.builds(build, cases, st.booleans(), st.integers(2, 9), st.booleans(), st.booleans())


def naive(layer: Convolution | Fixed | FewBits, frame: NDArray[np.int64]) -> list[list[int]]:
    """Results of one frame (height, width, channels) in raster order: bits, codes or scores; by loops over everything."""
    rows, columns, grid = layer.window.rows, layer.window.columns, layer.grid
    results = []
    for y in range(rows.outputs):
        for x in range(columns.outputs):
            sums = []
            for output in range(layer.channels):
                total = 0
                for ky in range(rows.kernel):
                    for kx in range(columns.kernel):
                        row, column = y * rows.stride - rows.before + ky, x * columns.stride - columns.before + kx
                        if 0 <= row < rows.size and 0 <= column < columns.size:
                            total += _of_position(layer, ky, kx, output)
                            for c in range(layer.input.channels):
                                value = grid.gain * int(frame[row, column, c]) + grid.offset
                                total += int(layer.weights[ky, kx, c, output]) * value
                sums.append(_result(layer, total, output))
            results.append(sums)
    return results


def _of_position(layer: Convolution | Fixed | FewBits, ky: int, kx: int, output: int) -> int:
    """The bias of a kernel position."""
    return int(layer.inside[ky, kx, output]) if isinstance(layer, Fixed) and layer.inside is not None else 0


def _result(layer: Convolution | Fixed | FewBits, total: int, output: int) -> int:
    """What becomes of the sum of an output channel."""
    if isinstance(layer, Convolution):
        return total if layer.thresholds is None else int(total >= layer.thresholds[output])
    if isinstance(layer, FewBits):
        return total if layer.steps is None else sum(total >= step for step in layer.steps.thresholds[output].tolist())
    activation = layer.activation
    number = math.floor(Fraction(total + int(layer.bias[output]), 2**activation.shift))
    lowest = -(2 ** (activation.bits - 1)) if activation.signed else 0
    number = min(max(number, lowest), lowest + 2**activation.bits - 1)
    return number if activation.table is None else int(activation.table[number - lowest])


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    """Sizes from 1 to 6, kernels up to 3, strides up to 4, padding on either side, wider than the kernel too."""
    kernel = draw(st.integers(1, 3))
    before, after = draw(st.integers(0, kernel + 1)), draw(st.integers(0, kernel + 1))
    return Axis(draw(st.integers(max(1, kernel - before - after), 6)), kernel, draw(st.integers(1, 4)), before, after)


def divisors(number: int) -> st.SearchStrategy[int]:
    """The divisors of a number."""
    return st.sampled_from([n for n in range(1, number + 1) if number % n == 0])


def side_by_side(height: int, width: int) -> list[int]:
    """Positions that a beat may have: those of a row, and whole rows."""
    return [*range(1, width + 1), *range(2 * width, height * width + 1, width)]


@st.composite
def convolutions(draw: st.DrawFn) -> LayerCase:
    """Convolutions of every shape and folding."""
    rows, columns = draw(axes()), draw(axes())
    channels, outputs = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    positions = draw(st.sampled_from([1, *side_by_side(rows.size, columns.size)]))
    group = draw(st.sampled_from(sorted({1, columns.kernel}))) if positions == 1 else columns.kernel
    folding = Folding(group, draw(divisors(channels)), draw(st.integers(1, outputs)), draw(st.booleans()))
    return _case(draw, rows, columns, channels, outputs, False, folding, positions)


@st.composite
def denses(draw: st.DrawFn) -> LayerCase:
    """Dense layers of every shape and folding."""
    height, width, channels, outputs = (draw(st.integers(1, n)) for n in (3, 3, 4, 6))
    positions = draw(st.sampled_from(side_by_side(height, width)))
    beats = Layout(height, width, channels, 1, positions=positions).beats
    group, slices = draw(divisors(beats)), draw(divisors(channels * positions))
    if group > 1:
        slices = 1
    eager = group < beats and draw(st.booleans())
    folding = Folding(group, slices, draw(st.integers(1, outputs)), draw(st.booleans()), eager=eager)
    rows, columns = Axis(height, height), Axis(width, width)
    return _case(draw, rows, columns, channels, outputs, True, folding, positions)


def _case(
    draw: st.DrawFn, rows: Axis, columns: Axis, channels: int, outputs: int, dense: bool, folding: Folding, positions: int
) -> LayerCase:
    """A layer of a given shape, with any grid, decisions or scores, and any weights."""
    numbers, scores, seed = draw(st.sampled_from(GRIDS)), draw(st.booleans()), draw(st.integers(0, 99))
    return LayerCase(rows, columns, channels, outputs, numbers, scores, dense, folding, seed, positions=positions)


@dataclass(frozen=True)
class Frames:
    """Frames of codes in stream order, and the pauses before positions."""

    frames: tuple[tuple[int, ...], ...]
    pauses: tuple[int, ...]

    def codes(self, layer: Linear) -> NDArray[np.int64]:
        """(N, height, width, channels)."""
        return np.array(self.frames, np.int64).reshape(-1, *layer.input.shape)


def frames(layer: Linear) -> st.SearchStrategy[Frames]:
    """Up to three frames, with and without pauses."""
    codes = st.tuples(*[st.integers(layer.input.low, layer.input.high)] * layer.input.size)
    pauses = st.one_of(st.just((0,)), st.lists(st.sampled_from([0, 0, 0, 1, 7]), min_size=1, max_size=7).map(tuple))
    return st.builds(Frames, st.lists(codes, min_size=1, max_size=3).map(tuple), pauses)
