"""Thresholds by evaluation: each step function found is the float graph's, for every accumulator that can occur."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmabit.golden.layers import normalisation
from sigmabit.golden.layers.normalisation import (
    NotANumberError,
    NotMonotoneError,
    Steps,
    falls,
    find_levels,
    find_others,
    find_stairs,
    find_ties,
    real_values,
)
from sigmabit.golden.types.scalar import Add, Binarise, Chain, Divide, Multiply, Normalise

every = settings(max_examples=200, deadline=None, database=None, derandomize=True)

BLOCKS = (1, 3, 10, 1 << 22)
"""Evaluations at a time: so few that each channel is cut many times, of several channels, too, and all at once."""


@pytest.fixture(params=BLOCKS, ids=lambda block: f"block={block}")
def block(request: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """Evaluation in blocks of several sizes."""
    monkeypatch.setattr(normalisation, "BLOCK", request.param)
    return int(request.param)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[bool]], list[int], int]:
    """Bits of a few channels over low, low + stride, ...; channels of different lengths."""
    stride = draw(st.integers(1, 3))
    channels = draw(st.lists(st.lists(st.booleans(), min_size=1, max_size=9), min_size=1, max_size=4))
    return channels, [draw(st.integers(-20, 20)) for _ in channels], stride


def tabled(channels: list[list[Any]], lows: list[int], stride: int) -> Callable[[np.ndarray], np.ndarray]:
    """The function that a table describes; it fails where it is asked beyond a channel's range."""

    def function(accumulators: np.ndarray) -> np.ndarray:
        rows = []
        for row, values, low in zip(accumulators, channels, lows, strict=True):
            assert all(a >= low and (a - low) % stride == 0 for a in row)
            rows.append([values[(int(a) - low) // stride] for a in row])
        return np.array(rows)

    return function


def ends(channels: list[list[Any]], lows: list[int], stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest accumulators."""
    return np.array(lows), np.array([low + stride * (len(c) - 1) for c, low in zip(channels, lows, strict=True)])


def find_steps(bits: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, stride: int = 1) -> Steps:
    """Where bits are true."""
    return find_levels(bits, low, high, stride).steps(True)


class TestLevels:
    def test_any_table(self, block: int) -> None:
        """The values of tables that change at most once; and where other tables differ from them."""

        @every
        @given(tables(), st.integers(0, 3))
        def check(table: tuple[list[list[bool]], list[int], int], spoilt: int) -> None:
            shapes, lows, stride = table
            values = [sorted(2.0 * bit - 1 for bit in shape) for shape in shapes]
            low, high = ends(values, lows, stride)
            levels = find_levels(tabled(values, lows, stride), low, high, stride)
            assert set(levels.values.tolist()) == {value for row in values for value in row}
            others = [[0.0 if i % 4 < spoilt else value for i, value in enumerate(row)] for row in values]
            counts, first, last = find_others(tabled(others, lows, stride), levels, low, high, stride)
            for channel, row in enumerate(others):
                zeros = [lows[channel] + stride * i for i, value in enumerate(row) if value == 0]
                assert counts[channel] == len(zeros)
                if zeros:
                    assert (first[channel], last[channel]) == (zeros[0], zeros[-1])

        check()

    def test_no_number(self, block: int) -> None:
        low, high = np.array([-3, 0]), np.array([3, 5])
        with pytest.raises(NotANumberError, match="channel 0 gives no number at accumulator -3"), np.errstate(invalid="ignore"):
            find_levels(np.sqrt, low, high)


@pytest.mark.parametrize("channels", [1, 3, 200])
def test_long_ranges(channels: int) -> None:
    """Millions of accumulators take few calls, none of which takes much room, however many channels share it."""
    sizes = []

    def function(accumulators: np.ndarray) -> np.ndarray:
        sizes.append(accumulators.size)
        return (accumulators >= 7).astype(np.float64)

    low, high = np.full(channels, -10), np.full(channels, 2_000_000 // channels)
    levels = find_levels(function, low, high)
    assert levels.turns.tolist() == [7] * channels
    assert not falls(function, low, high).any()
    assert not find_others(function, levels, low, high, 1)[0].any()
    assert len(sizes) < 60 and max(sizes) <= 1 << 20


class TestSteps:
    def test_any_table(self, block: int) -> None:
        """Tables that change at most once give their step; the others name a channel and two places where it changes."""
        refused = 0

        @every
        @given(tables())
        def check(table: tuple[list[list[bool]], list[int], int]) -> None:
            nonlocal refused
            channels, lows, stride = table
            changes = [
                [low + stride * i for i in range(1, len(bits)) if bits[i] != bits[i - 1]]
                for bits, low in zip(channels, lows, strict=True)
            ]
            low, high = ends(*table)
            if any(len(places) > 1 for places in changes):
                refused += 1
                with pytest.raises(NotMonotoneError) as caught:
                    find_steps(tabled(*table), low, high, stride)
                first, *others = changes[caught.value.channel]
                assert caught.value.accumulators[0] == first
                assert caught.value.accumulators[1] in others
                return
            steps = find_steps(tabled(*table), low, high, stride)
            for channel, bits in enumerate(channels):
                for i, bit in enumerate(bits):
                    above = lows[channel] + stride * i >= steps.thresholds[channel]
                    assert above ^ steps.falling[channel] == bit

        check()
        assert refused > 20

    def test_long_ranges(self) -> None:
        """What changes often is seen of few of very many accumulators, which nobody could walk through."""

        def rises(a: np.ndarray) -> np.ndarray:
            assert np.all((a >= low) & (a <= high)) and np.all(np.diff(a) > 0)
            return (a >> 50).astype(np.float64)

        low, high = np.array([0]), np.array([(1 << 60) - 1])
        with pytest.raises(NotMonotoneError) as caught:
            find_levels(rises, low, high)
        assert 0 < caught.value.accumulators[0] < caught.value.accumulators[1] == high[0]
        assert find_stairs(rises, low, high, 1, 255) is None

    def test_constant_channels_never_fall(self, block: int) -> None:
        steps = find_steps(lambda a: np.stack([a[0] < 99, a[1] > 99]), np.array([-4, -4]), np.array([6, 6]), 2)
        assert steps.thresholds.tolist() == [-4, 8]
        assert steps.falling.tolist() == [False, False]

    def test_one_accumulator(self) -> None:
        steps = find_steps(lambda a: a > 2, np.array([3, 1]), np.array([3, 1]))
        assert steps.thresholds.tolist() == [3, 2]

    @pytest.mark.parametrize("stride", [1, 2])
    def test_float_normalisation(self, stride: int, block: int) -> None:
        """BatchNormalization and its spelt-out form in float32, one accumulator at a time by scalars, ties included."""
        random = np.random.default_rng(5)
        channels = 40
        low = -random.integers(0, 40, channels) * stride
        high = low + random.integers(0, 60, channels) * stride
        scale = np.array([1.0, 1 / 255, 0.037])[random.integers(3, size=(channels, 1))]
        gamma, beta, mean, variance = (random.normal(size=channels).astype(np.float32) for _ in range(4))
        variance = np.abs(variance) + np.float32(0.1)
        gamma[:3] = 0
        factor = np.float32(1) / np.sqrt(variance + np.float32(1e-3)) * gamma
        zeros = scale[8:, 0] * (low[8:] + 2 * stride)  # in these channels the argument is zero there, or just beside it
        beta[8:] = (mean[8:] - zeros) * factor[8:]

        def column(constants: np.ndarray) -> np.ndarray:
            return constants[:, None]

        bipolar = Binarise("sign", *(np.full((), value, np.float32) for value in (0, -1, 1)))
        bn = Normalise("bn", column(gamma), column(beta), column(mean), column(variance), 1e-3)
        operator = Chain((bn, bipolar))
        deviation = np.sqrt(variance + np.float32(1e-3))
        spelt = Chain(
            (Add("", -column(mean)), Divide("", column(deviation)), Multiply("", column(gamma)), Add("", column(beta)), bipolar)
        )
        one = np.float32(1)
        for chain in (operator, spelt):

            def positive(a: np.ndarray, chain: Chain = chain) -> np.ndarray:
                return real_values(a, scale, chain) > 0

            steps = find_steps(positive, low, high, stride)
            assert set(np.unique(steps.falling)) == {False, True}
            for c in range(channels):
                for a in range(low[c], high[c] + 1, stride):
                    x = np.float32(a) * np.float32(scale[c, 0])
                    if chain is operator:
                        y = x * factor[c] + (beta[c] - mean[c] * factor[c])
                    else:
                        y = (x - mean[c]) / deviation[c] * gamma[c] + beta[c]
                    assert type(y) is type(one)
                    assert (a >= steps.thresholds[c]) ^ steps.falling[c] == (y >= 0), (c, a)


class TestFalls:
    def test_any_table(self, block: int) -> None:
        both = 0

        @every
        @given(tables().flatmap(lambda t: st.tuples(st.just(t), st.randoms(use_true_random=False))))
        def check(drawn: tuple[tuple[list[list[bool]], list[int], int], Any]) -> None:
            nonlocal both
            (shapes, lows, stride), random = drawn
            values = [sorted((random.randrange(4) for _ in shape), reverse=shape[0]) for shape in shapes]
            if random.randrange(3) == 0:
                random.shuffle(values[-1])
            rises = [any(b > a for a, b in pairwise(v)) for v in values]
            expected = [any(b < a for a, b in pairwise(v)) for v in values]
            mixed = [i for i in range(len(values)) if rises[i] and expected[i]]
            low, high = ends(values, lows, stride)
            if mixed:
                both += 1
                with pytest.raises(NotMonotoneError) as caught:
                    falls(tabled(values, lows, stride), low, high, stride)
                assert caught.value.channel in mixed
            else:
                assert falls(tabled(values, lows, stride), low, high, stride).tolist() == expected

        check()
        assert both > 10


class TestTies:
    def ties(self, shift: float, stride: int = 1) -> list[tuple[int, int]]:
        """Channel and accumulator of the ties of a sign of (a - shift), a from -8 to 8."""
        low, high = np.array([-8]), np.array([8])
        steps = find_steps(lambda a: a - shift >= 0, low, high, stride)
        return [(t.channel, t.accumulator) for t in find_ties("conv1", lambda a: a - shift, steps, low, high, stride)]

    def test_exact_zero(self) -> None:
        assert self.ties(0.0) == [(0, 0)]
        assert self.ties(-8.0) == [(0, -8)]
        assert self.ties(8.0) == [(0, 8)]

    @pytest.mark.parametrize("falls", [False, True])
    def test_either_way(self, falls: bool) -> None:
        """A decision that is no more from a number on is as close there as its opposite."""
        low, high, sign = np.array([-8]), np.array([8]), -1 if falls else 1
        steps = find_steps(lambda a: sign * (a - 3) >= 0, low, high)
        found = find_ties("conv1", lambda a: a - 3.0, steps, low, high, 1, decide=lambda x: sign * x >= 0)
        assert [(tie.accumulator, tie.argument) for tie in found] == [(3, 0.0)]

    def test_within_rounding(self) -> None:
        assert self.ties(3 + 1e-6) == [(0, 3)]
        assert self.ties(3 - 1e-6) == [(0, 3)]

    def test_beyond_rounding(self) -> None:
        assert self.ties(0.5) == []
        assert self.ties(3 + 1e-4) == []

    def test_off_the_lattice(self) -> None:
        assert self.ties(1.0, stride=2) == []

    def test_never_reached(self) -> None:
        assert self.ties(99.0) == []

    def test_message(self) -> None:
        low, high = np.array([-2]), np.array([2])
        steps = find_steps(lambda a: a >= 0, low, high)
        (tie,) = find_ties("conv1", lambda a: a * 1.0, steps, low, high, 1)
        assert str(tie) == "conv1 channel 0 at accumulator 0: a step at 0"


def test_real_values_round_once() -> None:
    """The accumulator is exact; its scale is rounded to float32, and so is their product."""
    accumulators, scale = np.array([[16777217, 3]]), np.array([[0.1]])
    expected = [np.float32(16777217) * np.float32(0.1), np.float32(3) * np.float32(0.1)]
    assert real_values(accumulators, scale, Chain())[0].tolist() == expected
    assert math.isclose(real_values(accumulators, scale, Chain(), np.float64)[0, 0], 1677721.7, rel_tol=1e-15)
