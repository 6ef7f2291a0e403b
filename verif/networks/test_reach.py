"""Intervals hold whatever a network gives, and find what never changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sigmabit.golden import Network, Precision, import_model, import_real
from sigmabit.golden.front.quantise import calibrate, quantise

from ..harness.onnx_graphs import Builder, signs
from ..harness.random_graphs import draw_sample
from ..harness.real_graphs import draw_vae

pytestmark = pytest.mark.filterwarnings("ignore:Output shapes disagree")  # qonnx, on graphs without declared shapes


def held(network: Network, codes: np.ndarray, epsilon: np.ndarray | None = None) -> int:
    """Assert that results lie in their intervals; how many elements never change."""
    constant = 0
    for name, results in network.steps(codes, epsilon):
        if name != "input":
            reach = network.reach[name]
            assert np.all((results >= reach.low) & (results <= reach.high)), name
            constant += int((reach.low == reach.high).sum())
    return constant


def test_binary_networks(tmp_path: Path) -> None:
    """Drawn ones, on their frames and on all codes at their ends."""
    found = 0
    for seed in range(30):
        sample = draw_sample(seed, tmp_path)
        network = import_model(sample.path, sample.input_scale)
        found += held(network, network.input.encode(sample.x))
        random, tensor = np.random.default_rng(seed), network.input.tensor
        found += held(network, random.choice([tensor.low, tensor.high], (50, *tensor.shape)))
    assert found > 0


def test_autoencoders(tmp_path: Path) -> None:
    """Layers of several bits, with tables and shuffles."""
    for seed in range(20):
        sample = draw_vae(seed, tmp_path)
        real = import_real(sample.path, coding=sample.coding)
        network = quantise(real, calibrate(real, sample.x), Precision())
        latent = network.latent
        assert latent is not None
        held(network, network.input.encode(sample.x), np.zeros((len(sample.x), 1, latent.latents), np.int64))


@pytest.mark.parametrize("offset", [-6.5, -5.0, -4.0, 0.0, 4.0, 5.0, 6.5])
def test_a_channel_changes_if_a_sum_reaches_its_threshold(offset: float, tmp_path: Path) -> None:
    """Five bits: sums from -5 to 5. The bits of a channel without a threshold among them are one number."""
    g = Builder((5,))
    y = g("MatMul", g("BipolarQuant", "x", 1.0), signs(np.random.default_rng(1), 5, 3))
    y = g("BipolarQuant", g("Add", y, np.array([0.5, offset, 0.5])), 1.0)
    network = import_model(g.save(tmp_path / "m.onnx", g("MatMul", y, signs(np.random.default_rng(1), 3, 2))))
    assert network.reach["dense1"].constant_channels.tolist() == [False, not -5 <= offset < 5, False]
    assert network.constant_layers == ()


def test_what_follows_a_constant_layer_is_constant(tmp_path: Path) -> None:
    """Also where padding makes numbers of one channel that differ between positions."""
    g = Builder((1, 4, 4))
    y = g("BipolarQuant", g("Sub", g("Conv", "x", np.ones((2, 1, 1, 1))), 9.0), 1.0)
    y = g("MaxPool", y, kernel_shape=[2, 2])
    y = g("BipolarQuant", g("Add", g("Conv", y, np.ones((2, 2, 3, 3)), pads=[1, 1, 1, 1]), 9.0), 1.0)
    network = import_model(g.save(tmp_path / "m.onnx", g("MatMul", g("Flatten", y), np.ones((18, 1)))))
    assert network.constant_layers == ("conv1", "pool1", "conv2", "dense1")
    assert len(np.unique(network.reach["conv2"].low)) == 2
