"""What tells networks apart: every value counts, and how it is held does not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sigmabit.golden.network.identity import identity


class Colour(Enum):
    """Values that are no numbers."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Pair:
    """A layer of two fields."""

    first: Any
    second: Any = 0


@dataclass(frozen=True)
class Couple:
    """The same fields."""

    first: Any
    second: Any = 0


APART: list[Any] = [
    *(None, False, 0, 0.0, "", "0", True, 1, 1.0, -1, 2, Colour.RED, Colour.BLUE),
    *(np.int32(3), np.float32(3)),
    *([], [1], [[1]], [1, 1], [11], [1, [1]], ["1"], {"a": 1}, {"a": 2}, {"b": 1}, {"a": 1, "b": 2}),
    *(Pair(1, 2), Pair(2, 1), Couple(1, 2), Pair([1, 2]), Pair(Pair(1, 2)), Pair(None)),
    *(np.array([1]), np.array([2]), np.array([[1]]), np.array([1, 0]), np.array([1.0]), np.array([[1, 2]]), np.array([[1], [2]])),
]


def named(layers: Any, tensor: Any = 1, grid: Any = 2, order: Any = 3) -> bytes:
    """The identity of a network of such parts."""
    network: Any = SimpleNamespace(input=SimpleNamespace(tensor=tensor, grid=grid, order=order), layers=layers)
    return identity(network)


def test_apart() -> None:
    """No two values look alike, in layers or in what the input is; each has 16 bytes."""
    found = [named(value) for value in APART]
    assert len(set(found)) == len(APART)
    assert {len(each) for each in found} == {16}
    assert len({named(5), named(5, tensor=0), named(5, grid=0), named(5, order=0), named(5, 2, 1), named(5, 1, 3, 2)}) == 6


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, 2), (1, 2)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (np.array([1, -2], np.int8), np.array([1, -2], np.int64)),
        (np.arange(6).reshape(2, 3).T, np.array([[0, 3], [1, 4], [2, 5]], np.int32)),
    ],
)
def test_alike(one: Any, other: Any) -> None:
    """How a value is held does not count."""
    assert named(one) == named(other)


def test_known() -> None:
    """Devices hold identities: they stay what they are, the first half of a SHA-256 of all parts in a row."""
    parts = "4 values|int 1 1|int 1 2|int 1 3|1 values|Pair|first|NoneType 4 None|second|str 3 'x'"
    assert named([Pair(None, "x")]) == sha256(parts.replace("|", "").encode()).digest()[:16]


@pytest.mark.parametrize("value", [object(), {1, 2}, b"1", Pair])
def test_no_identity(value: Any) -> None:
    """What has no bytes is refused."""
    with pytest.raises(TypeError, match=f"a {type(value).__name__} has no identity"):
        named(value)
