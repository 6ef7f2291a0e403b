"""Steps of a float graph, each by itself: what it computes, number by number, and what it says of itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from sigmabit.golden.types.scalar import (
    Add,
    Apart,
    Binarise,
    Chain,
    Choice,
    Choose,
    Clip,
    Count,
    Divide,
    DivideInto,
    Function,
    Join,
    LeakyRelu,
    Multiply,
    Normalise,
    Piece,
    Power,
    Quantise,
    Rowwise,
    Sign,
    Step,
    Truncate,
    coarse,
    fine,
)

X = [-3.0, -1.5, -1.0, -0.25, 0.0, 0.25, 0.5, 1.0, 2.5, 7.0]


def f(*values: float) -> np.ndarray:
    """Numbers of a file."""
    return np.array(values, np.float32) if len(values) > 1 else np.float32(values[0]) * np.ones((), np.float32)


def quantise(low: int, high: int) -> Quantise:
    """Half a unit for a step, one of them below."""
    return Quantise("n", f(0.5), f(1), low, high, np.rint)


TRUNCATE = Truncate("n", f(0.5), f(3), f(4), f(1), f(2), -2, 1, np.floor, 2)
NORMALISE = Normalise("n", f(2), f(0.5), f(0.25), f(3.75), 0.25)
COUNT = Count("n", (f(-1), f(0.5), f(0.5)), np.float32(2), np.float32(-3))

STEPS: Sequence[tuple[Step, Callable[[float], float]]] = [
    (Add("n", f(1.5)), lambda x: x + 1.5),
    (Multiply("n", f(-2)), lambda x: x * -2),
    (Divide("n", f(4)), lambda x: x / 4),
    (DivideInto("n", f(4)), lambda x: 4 / x if x else math.inf),
    (Power("n", f(2)), lambda x: x * x),
    (LeakyRelu("n", f(0.5)), lambda x: x if x >= 0 else x / 2),
    (LeakyRelu("n", f(0)), lambda x: max(x, 0)),
    (Clip("n", f(-1), f(2)), lambda x: min(max(x, -1), 2)),
    (NORMALISE, lambda x: (x - 0.25) / 2 * 2 + 0.5),
    (Function("n", np.abs), abs),
    (Binarise("n", f(0.25), f(-1), f(2)), lambda x: 2 if x >= 0.25 else -1),
    (Piece("n", f(0.25), f(-1), f(2)), lambda x: 2 if x >= 0.25 else -1),
    (COUNT, lambda x: 2 * ((x >= -1) + 2 * (x >= 0.5)) - 3),
    (Sign("n"), lambda x: (x > 0) - (x < 0)),
    (Sign("n").without_zero, lambda x: 1 if x >= 0 else -1),
    (Choose("n", f(5), f(6)), lambda x: 5 if x else 6),
    (quantise(-2, 5), lambda x: (min(max(round(x / 0.5 + 1), -2), 5) - 1) * 0.5),
    (TRUNCATE, lambda x: (math.floor(min(max(round(x / 0.5 + 3) / 4, -2), 1)) - 1) * 2),
    (Join("n", np.multiply, Chain((Add("n", f(1)),)), Chain((Sign("n"),))), lambda x: (x + 1) * ((x > 0) - (x < 0))),
    (Apart("n", (Chain(), Chain((Add("n", f(1)),)), Chain((Add("n", f(2)),))), f(2)), lambda x: x + 2),
]


@pytest.mark.parametrize(("step", "function"), STEPS, ids=lambda held: type(held).__name__)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_results(step: Step, function: Callable[[float], float], kind: type) -> None:
    """In the type of the argument; the same again of a step whose constants are replaced by themselves."""
    x: np.ndarray = np.array(X, kind)
    for each in (step, step.with_constants(step.constants), Chain((step,)).map_constants(np.copy).steps[0]):
        found = Chain((each,))(x)
        assert found.dtype == kind
        np.testing.assert_allclose(found, [function(value) for value in X], rtol=1e-6)


@pytest.mark.parametrize(("step", "function"), STEPS, ids=lambda held: type(held).__name__)
def test_constants(step: Step, function: Callable[[float], float]) -> None:
    """Each is where it was, and another one is another step."""
    counted = tuple(f(10 + number) for number in range(len(step.constants)))
    assert step.with_constants(counted).constants == counted
    assert step.with_constants(counted).node == "n"


def test_apart() -> None:
    """Each element has its chain."""
    step = Apart("n", (Chain(), Chain((Add("n", f(1)),)), Chain((Multiply("n", f(3)),))), np.array([2, 0, 1, 2]))
    assert step(f(1, 2, 3, 4)).tolist() == [3, 2, 4, 12]
    assert [constant.tolist() for constant in step.constants] == [[2, 0, 1, 2], 1, 3]


def test_what_steps_are() -> None:
    """Which give bits or levels, which jump, and which do not round."""
    quantisers = [Binarise("n", f(0), f(0), f(1)), COUNT, Sign("n"), quantise(0, 3), TRUNCATE]
    whole = [Function("n", function) for function in (np.rint, np.floor, np.ceil)]
    others = [*(step for step, _ in STEPS[:10]), Piece("n", f(0), f(0), f(1)), Choose("n", f(1), f(0)), Rowwise("n", np.exp)]
    assert [step.binarises for step in (*quantisers, *whole, *others)] == [True] * 5 + [False] * 16
    assert [step.jumps for step in (*quantisers, *whole, *others)] == [True] * 8 + [False] * 13
    assert [step.levels for step in quantisers] == [2, 4, 2, 4, 4]
    assert {step.levels for step in others} == {2}
    exact = [
        *quantisers[:3],
        *whole,
        LeakyRelu("n", f(0)),
        Clip("n", f(0), f(1)),
        Function("n", np.abs),
        Function("n", np.negative),
    ]
    assert all(step.exact for step in (*exact, *others[-3:-1]))
    rounding = [LeakyRelu("n", f(0.5)), Function("n", np.tanh), NORMALISE, *quantisers[3:], Rowwise("n", np.exp), *others[:5]]
    assert not any(step.exact for step in rounding)
    assert isinstance(Choice("n", np.argmax), Rowwise)


def test_fine_quantisers() -> None:
    """From 16 levels on; in joins, neither chain has to jump."""
    assert [fine(quantise(0, high)) for high in (14, 15, 16)] == [False, True, True]
    assert not fine(COUNT) and not fine(Add("n", f(1)))
    assert [coarse(quantise(0, high)) for high in (14, 15, 16)] == [True, False, False]
    assert coarse(COUNT) and not coarse(Add("n", f(1)))
    plain, jumping = Chain((Add("n", f(1)),)), Chain((Add("n", f(1)), Sign("n")))
    joins = [Join("n", np.add, *chains) for chains in ((plain, plain), (plain, jumping), (jumping, plain))]
    assert [join.binarises for join in joins] == [coarse(join) for join in joins] == [False, True, True]
    assert not coarse(Join("n", np.add, plain, Chain((quantise(0, 15),))))


def test_chains() -> None:
    """Up to the last quantiser, the last that decides, the last that rounds; and whose fault it is."""
    add, rint, sign, clip = Add("add", f(1)), Function("rint", np.rint), Sign("sign"), Clip("clip", f(0), f(1))
    assert (Chain().binarised, Chain().decided, Chain().culprit, Chain().rounded.steps) == (0, 0, None, ())
    plain, whole = Chain((add, clip)), Chain((rint, add, rint, clip))
    assert (plain.binarised, plain.decided, plain.culprit, plain.rounded.steps) == (0, 0, None, (add,))
    assert (whole.binarised, whole.decided, whole.culprit, whole.rounded.steps) == (0, 3, "rint", (rint, add))
    signs = Chain((add, sign, clip)).then(rint)
    assert (signs.binarised, signs.decided, signs.culprit, signs.nodes) == (2, 2, "sign", ("add", "sign", "clip", "rint"))
    assert [constant.tolist() for constant in signs.constants] == [1, 0, 1]
    assert Chain((sign,))(f(0, 1)).tolist() == [0, 1]
    assert Chain((sign,)).without_zeros(f(0, 1)).tolist() == [1, 1]
    assert plain.without_zeros.steps == plain.steps


def test_nothing_is_said() -> None:
    """Of infinities and of what is no number."""
    with np.errstate(all="raise", under="ignore"):
        assert np.isnan(Chain((DivideInto("n", f(0)),))(f(0, 1))).tolist() == [True, False]
        assert np.isinf(Chain((Multiply("n", f(1e30)),))(f(1e30, 1))).tolist() == [True, False]
    with pytest.raises(NotImplementedError):
        Step("n")(f(1))


@pytest.mark.parametrize("exponent", [f(0.5), f(*[0.5] * 5), f(2), f(3), f(-1)])
def test_powers(exponent: np.ndarray) -> None:
    """Of zeros, signs and all, and of infinities, as IEEE 754 has them."""
    x = f(-0.0, -math.inf, 0.0, math.inf, 4.0)
    with np.errstate(divide="ignore"):
        found = Power("n", exponent)(x)
    expected = [ieee(float(each), float(exponent.flat[0])) for each in x]
    assert [math.copysign(1, each) for each in found] == [math.copysign(1, each) for each in expected]
    assert found.tolist() == expected


def ieee(base: float, exponent: float) -> float:
    """Python's power is C's, but for an error where that is infinite."""
    try:
        return math.pow(base, exponent)
    except ValueError:
        return math.copysign(math.inf, base)
