"""Codings: which codes the numbers of an input become."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmabit.golden import Coding, InputError
from sigmabit.golden.types.coding import LEAST_STEP, OFFSET_GAIN, Line
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import Range

MOST = 1 / LEAST_STEP

every = settings(max_examples=300, deadline=None, database=None, derandomize=True)


def numbers(*values: float) -> np.ndarray:
    """Frames of these numbers."""
    return np.array([values], np.float64)


class TestFitting:
    @every
    @given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4), st.sampled_from([None, 2, 5, 8, 12, 16]))
    def test_half_a_step(self, low: float, width: float, bits: int | None) -> None:
        """No number of the frames is further from its code than half a step, none is beyond, and the steps are nearly the finest
        that so many codes can have.
        """
        x = low + width * np.concatenate([[0.0, 1.0], np.random.default_rng(1).random(100)])
        coding = Coding.fitting(x, bits)
        assert coding.rounds
        assert not coding.beyond(x).any()
        assert np.abs(coding.nearest(x) - x).max() <= coding.step * 0.5001
        assert coding.codes.bits == (bits or 8)
        widest = max(abs(low), abs(low + width))
        finest = width / (coding.codes.levels - 2)
        assert coding.step <= max(finest, min(finest / OFFSET_GAIN, widest)) or finest < widest / (1 << 16)

    @pytest.mark.parametrize(
        ("x", "bits", "coding"),
        [
            (numbers(0, 1023), None, Coding(Range(0, 1023), Grid(1, 0, 1.0))),
            (numbers(-3, 1500), None, Coding(Range(-2048, 2047), Grid(1, 0, 1.0))),
            (numbers(-3, 1500), 16, Coding(Range(-32768, 32767), Grid(1, 0, 1.0))),
            (numbers(0, 65535), None, Coding(Range(0, 65535), Grid(1, 0, 1.0))),
            (numbers(-1, 1, 1 / 255), None, Coding(Range(0, 255), Grid(2, -255, 1 / 255))),
            (numbers(0.0, 0.5), 4, Coding(Range(0, 15), Grid(1, 0, 0.5 / 15))),
            (numbers(-0.5, 0.5), 4, Coding(Range(-8, 7), Grid(1, 0, 0.5 / 7))),
            (numbers(-0.1, 1.3), 4, Coding(Range(0, 15), Grid(1, -1, 0.1))),
            (numbers(65.0005, 65.2545), None, Coding(Range(0, 255), Grid(1, 65_000, 0.001))),
            (numbers(66, 66.254), None, Coding(Range(0, 255), Grid(1, 0, 66.254 / 255))),
        ],
    )
    def test_known(self, x: np.ndarray, bits: int | None, coding: Coding) -> None:
        assert Coding.fitting(x, bits).alike(coding)

    @pytest.mark.parametrize(("low", "high"), [(-255, 255), (-255, 319), (-255, 451), (-257, 255), (-383, 255), (-511, 511)])
    def test_steps_of_pixels(self, low: int, high: int) -> None:
        """From -1 to 1 they are pixels; further than that they are other numbers, and none is cut off."""
        x = np.arange(low, high + 1, 2) / 255
        coding = Coding.fitting(x)
        assert (coding.grid.gain == 2) == (low == -255 and high == 255)
        assert not coding.beyond(x).any()

    def test_constant(self) -> None:
        with pytest.raises(InputError, match=r"all its numbers are 0\.3, which shows no range"):
            Coding.fitting(numbers(0.3, 0.3))


class TestStated:
    @pytest.mark.parametrize(
        ("stated", "coding"),
        [
            ((8, 0.5, 0.0), Coding(Range(0, 255), Grid(1, 0, 0.5))),
            ((12, 1.0, -2048.0), Coding(Range(-2048, 2047), Grid(1, 0, 1.0))),
            ((8, 1 / 127.5, -1.0), Coding(Range(0, 255), Grid(2, -255, 1 / 255))),
            ((3, 0.1, 0.7), Coding(Range(0, 7), Grid(1, 7, 0.1))),
        ],
    )
    def test_known(self, stated: tuple[int, float, float], coding: Coding) -> None:
        assert Coding.stated(*stated).alike(coding)

    def test_refused(self) -> None:
        with pytest.raises(InputError, match="zero is no simple fraction of a step away"):
            Coding.stated(8, 1.0, 1e9)


def test_beyond_and_held() -> None:
    """What saturates lies further than half a step beyond the ends; what is held lies on the grid."""
    coding = Coding(Range(-8, 7), Grid(1, 0, 0.5))
    assert coding.beyond(numbers(-4.3, -4.2, 0.1, 3.7, 3.8)).tolist() == [[True, False, False, False, True]]
    assert coding.nearest(numbers(-9, 0.3, 9)).tolist() == [[-4.0, 0.5, 3.5]]
    assert coding.holds(numbers(-4, 0.5, 3.5))
    assert not coding.holds(numbers(0.3)) and not coding.holds(numbers(4.0))


def test_texts() -> None:
    """What people are told of codes: their ends if they round, their steps if they are pixels."""
    assert str(Coding(Range(-8, 7), Grid(2, 1, 0.25), rounds=True)) == "codes of 4 bits from -3.75 to 3.75"
    assert str(Coding(Range(0, 7), Grid(1, 0, 0.5), rounds=True)) == "codes of 3 bits from 0 to 3.5"
    assert str(Coding.pixels(1 / 255)) == "pixels in steps of 0.00392156863"


def test_alike() -> None:
    """Whatever else differs, two codings are not alike."""
    coding = Coding(Range(0, 7), Grid(1, 0, 0.5), rounds=True)
    assert coding.alike(Coding(Range(0, 7), Grid(1, 0, 0.5 * (1 + 1e-9)), rounds=True))
    others = [(Range(0, 15), Grid(1, 0, 0.5)), (Range(0, 7), Grid(1, 1, 0.5)), (Range(0, 7), Grid(1, 0, 0.51))]
    assert not any(coding.alike(Coding(*other, rounds=True)) for other in others)
    assert not coding.alike(Coding(Range(0, 7), Grid(1, 0, 0.5), rounds=False))


@pytest.mark.parametrize(("gain", "offset"), [(LEAST_STEP, 0.0), (MOST, 0.0), (1.0, MOST), (1.0, -MOST)])
def test_lines(gain: float, offset: float) -> None:
    """Up to the ends of what is ordinary, and no further."""
    assert Line(gain, offset).aligned(numbers(offset + gain)) == pytest.approx(1, abs=1)
    assert Line(2.0, 3.0).aligned(numbers(7.0)).tolist() == [[2.0]]
    further = (gain / 2 if gain == LEAST_STEP else gain * 2, 0.0) if gain != 1 else (1.0, offset * 2)
    with pytest.raises(ValueError, match=rf"^a gain of {further[0]:g} and an offset of {further[1]:g}$".replace("+", r"\+")):
        Line(*further)


class TestConditions:
    """What the same codes stand for in a condition."""

    CODINGS = (Coding.pixels(1 / 255), Coding.pixels(1.0), Coding.fitting(numbers(-1.5, 2.0)), Coding.fitting(numbers(0.5, 1.5)))

    @every
    @given(st.sampled_from(CODINGS), st.floats(-1e3, 1e3), st.floats(1e-2, 1e3))
    def test_half_a_step(self, coding: Coding, low: float, width: float) -> None:
        """No number is beyond, or further from its code than half a step; zero has a code of its own wherever the input's has."""
        x = low + width * np.concatenate([[0.0, 1.0], np.random.default_rng(1).random(50)])
        found = coding.with_condition(x)
        assert (found.codes, found.grid) == (coding.codes, coding.grid)
        aligned = found.beside.aligned(x)
        assert found.rounds == (coding.rounds or not coding.holds(aligned))
        assert not found.beyond(aligned).any()
        assert np.abs(found.nearest(aligned) - aligned).max() <= found.step * 0.5001
        lowest, _ = coding.ends
        if lowest < 0 or (lowest == 0 and low >= 0):
            assert found.beside.offset == 0
            # at most half of the steps are lost to a range that is not the input's
            reach = max(-x.min() / max(-lowest, 1e-9), x.max() / coding.ends[1]) if lowest else x.max() / coding.ends[1]
            assert found.beside.gain <= reach * 2.001

    @pytest.mark.parametrize("coding", CODINGS)
    @pytest.mark.parametrize("most", [1, 3, 9, 100])
    def test_whole_numbers(self, coding: Coding, most: int) -> None:
        """Labels, or one of several, are codes as they are where zero is one."""
        x = np.arange(most + 1.0)
        found = coding.with_condition(x)
        if coding.nearest(np.zeros(1))[0] == 0 and coding.ends[0] <= 0:
            np.testing.assert_allclose(found.nearest(found.beside.aligned(x)), found.beside.aligned(x), rtol=1e-6)

    def test_beside_large_numbers(self) -> None:
        """As much is ordinary as leaves the steps of both ordinary, and no more."""
        coding = Coding.fitting(numbers(0, 0.75e30))
        assert coding.with_condition(numbers(0, 1.3)).beside.offset == 0
        with pytest.raises(InputError, match=r"its condition goes from 0 to 1\.4, which is no ordinary size"):
            coding.with_condition(numbers(0, 1.4))
        with pytest.raises(InputError, match=r"its condition goes from -1\.4 to 0, which is no ordinary size"):
            coding.with_condition(numbers(-1.4, 0))

    def test_nothing_to_see(self) -> None:
        """Zeros alone leave things as they are; what is beyond all measure is refused."""
        assert self.CODINGS[0].with_condition(np.zeros(3)) == self.CODINGS[0]
        with pytest.raises(InputError, match="its condition goes from 0 to 1e\\+31"):
            self.CODINGS[0].with_condition(numbers(0, 1e31))
