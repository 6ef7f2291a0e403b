"""Decisions within a function of one number, and those that make bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sigmabit.golden import Network, import_real, read_model
from sigmabit.golden.front.importer.choices import with_choices
from sigmabit.golden.front.importer.model_file import read

from ..harness.onnx_graphs import Builder, signs
from ..harness.real_graphs import Vae
from ..simulation.reference import execute
from .test_real_importer import FEATURES, refusals

Function = Callable[[Vae, str], str]

PARTS: dict[str, tuple[int, Function]] = {
    "a product": (2, lambda g, x: g("Mul", x, g("Cast", g("Greater", x, 0.25), to=1))),
    "of two steps": (1, lambda g, x: g("Where", g("Less", g("Tanh", x), -0.25), g("Neg", x), g("Exp", x))),
    "of channels": (1, lambda g, x: g("Where", g("LessOrEqual", x, np.linspace(-0.5, 0.5, 8)), x, 0.0)),
    "combined": (
        6,
        lambda g, x: g(
            "Where", g("Not", g("Xor", g("Greater", x, 0.5), g("Or", g("Less", x, -0.5), g("Less", x, -1.0)))), x, 0.0
        ),
    ),
    "twice": (4, lambda g, x: g("Add", g("Where", g("Less", x, 0.0), 1.0, 2.0), g("Mul", x, g("Add", g("Sign", x), 2.0)))),
    "a staircase besides": (
        5,
        lambda g, x: g("Add", x, g("Add", *(g("Where", g("Greater", x, n), 1.0, 0.0) for n in (-0.5, 0.5)))),
    ),
}
"""How many nodes are parts, and functions."""

BITS: dict[str, Function] = {
    "a sign": lambda g, x: g("Sign", x),
    "a comparison": lambda g, x: g("Cast", g("Greater", x, 0.0), to=1),
    "two values": lambda g, x: g("Where", g("Greater", x, 0.0), 1.0, -1.0),
    "a staircase": lambda g, x: g("Add", g("Sign", x), g("Sign", g("Sub", x, 1.0))),
    "of another": lambda g, x: g("Mul", g("Sign", x), g.dense("x", FEATURES, 8)),
    "of two": lambda g, x: g("Mul", x, g("Cast", g("Not", g("Greater", x, g.dense("x", FEATURES, 8))), to=1)),
    "twice": lambda g, x: g("Concat", g("Mul", x, g("Sign", x, name="shared")), g("Neg", "shared_y"), axis=1),
}
"""What is done with a decision that is none of a function alone."""


@pytest.mark.parametrize("name", PARTS)
def test_parts(name: str, tmp_path: Path) -> None:
    """Marked, and computed as onnxruntime does."""
    number, function = PARTS[name]
    g = Vae((FEATURES,), np.random.default_rng(2))
    path = g.save(tmp_path / "m.onnx", g.dense(function(g, g.dense("x", FEATURES, 8)), 8, 3))
    assert sum(node.part for node in with_choices(read(path)).nodes) == number
    x = (np.random.default_rng(1).integers(0, 256, (50, FEATURES)) / 255).astype(np.float32)
    expected = execute(path, x).outputs
    found = import_real(path).output(x, np.zeros((len(x), 0)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", BITS)
def test_bits(name: str, tmp_path: Path) -> None:
    """Of layers of real weights there are none."""
    g = Vae((FEATURES,), np.random.default_rng(2))
    y = BITS[name](g, g.dense("x", FEATURES, 8))
    path = g.save(tmp_path / "m.onnx", g.dense(y, 16 if name == "twice" else 8, 3))
    assert not any(node.part for node in with_choices(read(path)).nodes)
    assert refusals(g, g.nodes[-1].output[0], tmp_path)


def test_binary_networks_are_binary(tmp_path: Path) -> None:
    """Whatever their decisions could be part of."""
    g = Builder((FEATURES,))
    sums = g("MatMul", g("BipolarQuant", "x", 1.0), signs(np.random.default_rng(1), FEATURES, 5))
    y = g("Mul", g("Sign", g("Add", sums, 0.5)), 1.0)
    assert isinstance(read_model(g.save(tmp_path / "m.onnx", g("MatMul", y, signs(np.random.default_rng(2), 5, 3)))), Network)
