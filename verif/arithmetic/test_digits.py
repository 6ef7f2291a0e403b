"""digits: what numbers are the sums and differences of."""

from __future__ import annotations

import numpy as np

from sigmabit.golden.arithmetic.digits import count_digits, signed_digits

NUMBERS = np.arange(-(1 << 12), 1 << 12)


def test_they_are_the_number() -> None:
    """Of numbers on both sides of zero."""
    digits = signed_digits(NUMBERS)
    assert set(np.unique(digits).tolist()) == {-1, 0, 1}
    assert np.array_equal(np.left_shift(1, np.arange(len(digits))) @ digits.astype(np.int64), NUMBERS)


def test_none_has_fewer() -> None:
    """By search: what sums of powers of two, or minus those, come to, one digit more in each step."""
    powers = [sign << place for place in range(14) for sign in (1, -1)]
    found, reached = dict.fromkeys([0], 0), {0}
    while set(NUMBERS.tolist()) - found.keys():
        reached = {number + power for number in reached for power in powers} - found.keys()
        count = max(found.values()) + 1
        found.update(dict.fromkeys((number for number in reached if abs(number) < 1 << 14), count))
        reached &= found.keys()
    assert np.count_nonzero(signed_digits(NUMBERS), axis=0).tolist() == [found[number] for number in NUMBERS.tolist()]
    assert [count_digits(np.array([number])) for number in NUMBERS] == [found[number] for number in NUMBERS.tolist()]
    assert count_digits(NUMBERS) == sum(found[number] for number in NUMBERS.tolist())


def test_few_places() -> None:
    """Three is 2 + 1, not 4 - 1; seven is 8 - 1."""
    assert signed_digits(np.array([3, 7, -2])).T.tolist() == [[1, 1, 0, 0], [-1, 0, 0, 1], [0, -1, 0, 0]]
    assert signed_digits(np.array([[3], [-1]])).shape == (2, 2, 1)
    assert signed_digits(np.zeros(2, np.int64)).tolist() == [[0, 0]]
