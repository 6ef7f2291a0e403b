"""Conditions of the smallest graphs: what is one, and what is rewritten of the dense layers around it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from sigmabit.golden import UnsupportedModelError, import_real

from ..harness.real_graphs import Vae
from ..simulation.reference import execute

FEATURES, CLASSES = 5, 3


class Conditional(Vae):
    """Rows, and a condition beside them."""

    def __init__(self, numbers: int = CLASSES) -> None:
        super().__init__((FEATURES,), np.random.default_rng(4))
        self.numbers = numbers
        self.inputs.append(helper.make_tensor_value_info("c", TensorProto.FLOAT, ["N", numbers]))

    def by(self, x: str, inputs: int, outputs: int) -> str:
        """A product by a constant."""
        return self("MatMul", x, self.weights(inputs, outputs, fan=inputs))


def joined(g: Conditional) -> str:
    """To the rows."""
    return g.by(g("Concat", "x", "c", axis=1), FEATURES + g.numbers, 2)


def cast(g: Conditional) -> str:
    """To what it is, and scaled."""
    own = g("Mul", g("Cast", "c", to=TensorProto.FLOAT), 2.0)
    return g.by(g("Concat", "x", own, axis=1), FEATURES + g.numbers, 2)


def added(g: Conditional) -> str:
    """Behind a layer of its own to what one makes of the rows."""
    return g.by(g("Relu", g("Add", g.by("x", FEATURES, 4), g.by("c", g.numbers, 4))), 4, 2)


def added_twice(g: Conditional) -> str:
    """What a layer makes of the condition is added in two places."""
    own = g.by("c", g.numbers, 4)
    y = g("Relu", g("Add", g.by("x", FEATURES, 4), own))
    return g.by(g("Relu", g("Add", g.by(y, 4, 4), own)), 4, 2)


def added_to_the_rows(g: Conditional) -> str:
    """Themselves, with a constant."""
    own = g("Add", g.by("c", g.numbers, FEATURES), g.weights(FEATURES, fan=3))
    return g.by(g("Relu", g("Add", g("Add", "x", g.weights(FEATURES, fan=3)), own)), FEATURES, 2)


def embedded(g: Conditional) -> str:
    """Joined behind a layer of its own, of fewer numbers than it is joined to."""
    return g.by(g("Concat", "x", g.by("c", g.numbers, 2), axis=1), FEATURES + 2, 2)


def joined_and_embedded(g: Conditional) -> str:
    """First as it is, then behind a layer of its own."""
    y = g("Relu", g.by(g("Concat", "x", "c", axis=1), FEATURES + g.numbers, 4))
    return g.by(g("Concat", y, g.by("c", g.numbers, 2), axis=1), 6, 2)


def embedded_and_not(g: Conditional) -> str:
    """Behind two layers of its own, one of which is a result of a function, too."""
    first, second = g.by("c", g.numbers, 2), g.by("c", g.numbers, 2)
    y = g("Concat", g("Concat", "x", g("Tanh", first), axis=1), second, axis=1)
    return g.by(y, FEATURES + 4, 2)


GRAPHS: tuple[Callable[[Conditional], str], ...] = (
    joined,
    cast,
    added,
    added_twice,
    embedded,
    joined_and_embedded,
    embedded_and_not,
)


@pytest.mark.parametrize("numbers", [1, CLASSES])
@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.__name__)
def test_agrees(graph: Callable[[Conditional], str], numbers: int, tmp_path: Path) -> None:
    """Of one number or of several, however it comes in: the real network is the graph."""
    g, random = Conditional(numbers), np.random.default_rng(1)
    path = g.save(tmp_path / "m.onnx", graph(g))
    form = import_real(path).input
    assert form.condition is not None
    assert (form.condition.name, form.first) == ("c", (FEATURES,))
    assert (form.condition.function is not None) == (graph is embedded_and_not), "what weights can do the host does not"
    c = (np.arange(9 * numbers).reshape(9, numbers) % 4 < 2).astype(np.float32)
    x = random.normal(size=(9, FEATURES)).astype(np.float32)
    coding = form.fitting(form.joined(x, c))
    frames = form.joined(coding.nearest(x).astype(np.float32), c)
    network = import_real(path, coding=coding)
    found, expected = network.output(frames, np.zeros((9, 0))), execute(path, frames).outputs
    rounding = 1e-5 if form.condition.function is None else 0.05  # what the host makes of a condition becomes codes
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=rounding)


def test_products_of_activations(tmp_path: Path) -> None:
    """Are no dense layers: what is said of them is that they are none."""
    g = Conditional()
    y = g.by(g("Concat", "x", "c", axis=1), FEATURES + CLASSES, 4)
    for first, second in ((y, y), ("c", g.by("x", FEATURES, CLASSES))):
        path = g.save(tmp_path / "m.onnx", g("MatMul", first, g("Transpose", second, perm=[1, 0]), name="both"))
        with pytest.raises(UnsupportedModelError, match=r"both \(MatMul\)"):
            import_real(path)


def test_added_to_the_rows(tmp_path: Path) -> None:
    """No layer of which a condition could be another input is in front of the sum."""
    g = Conditional()
    path = g.save(tmp_path / "m.onnx", added_to_the_rows(g))
    with pytest.raises(UnsupportedModelError, match="it combines two activations"):
        import_real(path)
