"""Training without PyTorch: gradients are those of the loss, and what is written is what was trained."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from sigmabit.scripts.data.datasets import Dataset
from sigmabit.scripts.networks.autoencoder import autoencoder
from sigmabit.scripts.training import train_dense
from sigmabit.scripts.training.train_dense import Layers, Passed, divergence, gradients, passed, started, train

from ..harness.command_line import Call
from ..simulation.reference import execute

SIZES: dict[str, Any] = {"hidden": 12, "latents": 3, "epochs": 60, "batch": 16, "learning_rate": 1e-2, "variance": 1e-3}
RECIPE = replace(train_dense.RECIPES["mnist_dense_vae"], **SIZES)
PIXELS = 20


def images(count: int = 96) -> Dataset:
    """Blends of three patterns."""
    random = np.random.default_rng(1)
    x = (random.dirichlet([1, 1, 1], count) @ random.random((3, PIXELS))).astype(np.float32).reshape(-1, 1, 4, 5)
    return Dataset("blends", x, np.zeros(count, np.int64), x[:16], np.zeros(16, np.int64))


def loss(found: Passed, weight: float) -> float:
    """The negative evidence lower bound per image."""
    errors = ((found.y - found.x) ** 2).sum(axis=1) / (2 * RECIPE.variance)
    return float((errors + weight * divergence(found).sum(axis=1)).mean())


@pytest.mark.parametrize("name", ["encoder", "mu", "logvar", "decoder", "result"])
def test_gradients(name: str) -> None:
    """Those of single weights and biases are what small steps show, in double precision."""
    random = np.random.default_rng(2)
    layers: Layers = {
        key: (weights.astype(np.float64), biases.astype(np.float64))
        for key, (weights, biases) in started(RECIPE, PIXELS, random).items()
    }
    x = images(8).train_images.reshape(8, -1).astype(np.float64)

    def at(layers: Layers) -> Passed:
        return passed(layers, x, np.random.default_rng(5))

    found = gradients(layers, at(layers), RECIPE.variance, 0.7)
    for part in range(2):
        for place in np.random.default_rng(3).integers(0, layers[name][part].size, 5):
            ends = []
            for step in (-1e-5, 1e-5):
                moved = {key: tuple(values.copy() for values in parts) for key, parts in layers.items()}
                moved[name][part].flat[place] += step
                ends.append(loss(at(moved), 0.7))  # type: ignore[arg-type]
            assert found[name][part].flat[place] == pytest.approx((ends[1] - ends[0]) / 2e-5, rel=2e-3, abs=2e-5)


def test_learns_and_is_written(tmp_path: Path) -> None:
    """The error falls to far below that of a mean image; the file gives what the layers give."""
    dataset, told = images(), []
    layers = train(RECIPE, dataset, lambda done, total, error, kl: told.append((done, total, error, kl)))
    assert [entry[:2] for entry in told] == [(epoch, 60) for epoch in range(1, 61)]
    flat = dataset.train_images.reshape(-1, PIXELS)
    assert told[-1][2] < 0.5 * flat.var(axis=0).mean() < told[0][2]
    path = tmp_path / "m.onnx"
    onnx.save(autoencoder((1, 4, 5), layers), str(path))
    eps = np.random.default_rng(7).standard_normal((16, 3)).astype(np.float32)
    executed = execute(path, dataset.test_images, epsilon=eps).outputs
    found = passed(layers, dataset.test_images.reshape(16, -1), np.random.default_rng(0))
    z = found.mu + np.exp(found.logvar / 2) * eps
    decoded = np.maximum(z @ layers["decoder"][0].T + layers["decoder"][1], 0)
    y = 1 / (1 + np.exp(-(decoded @ layers["result"][0].T + layers["result"][1])))
    np.testing.assert_allclose(executed.reshape(16, -1), y, atol=1e-5)


def test_schedule() -> None:
    """Each epoch has all of its steps; the rate rises and falls, the divergence's weight rises to 1."""
    steps = list(train_dense.schedule(RECIPE, 100, 10))
    assert [epoch for epoch, _, _ in steps] == [epoch for epoch in range(10) for _ in range(math.ceil(100 / RECIPE.batch))]
    rates = [rate for _, rate, _ in steps]
    assert min(rates) > 0 and max(rates) <= RECIPE.learning_rate and rates[-1] < rates[len(rates) // 2] < max(rates)
    assert steps[0][2] == 0 and steps[-1][2] == 1


def test_command(tmp_path: Path, call: Call) -> None:
    """Without the data it says what is missing."""
    found = call("train", "mnist_dense_vae", "--data", tmp_path, "-o", tmp_path / "m.onnx")
    assert found.status == 2 and "no file train-images-idx3-ubyte" in found.err
