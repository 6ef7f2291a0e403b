"""An autoencoder of time series, made of its data's principal components: anomalies in float, golden and Verilog."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from sigmabit.golden import Coding, Network, Precision, calibrated, import_model, import_real
from sigmabit.hdl.planning.planner import Planner

from ..harness.onnx_graphs import Builder
from ..simulation import simulate
from ..simulation.compare import first_difference
from ..simulation.reference import execute

CHANNELS, LENGTH, PATCH, COMPONENTS = 6, 128, 8, 6
FRAMES, THROUGH_VERILOG = 400, 12
CLOSE = 0.005
"""By how much the area under the ROC curve may differ from the float graph's."""


def signals(count: int, seed: int) -> NDArray[np.float64]:
    """(count, CHANNELS, LENGTH) healthy ones: a few oscillations of drawn phases that all channels share, and noise."""
    random, time = np.random.default_rng(seed), np.arange(LENGTH)
    mixing = np.random.default_rng(1).normal(size=(CHANNELS, 3))
    phases = random.uniform(0, 2 * np.pi, (count, 3, 1))
    waves = np.sin(2 * np.pi * np.array([2.0, 5.0, 9.0])[:, None] * time / LENGTH + phases)
    return mixing @ waves + 0.25 * random.normal(size=(count, CHANNELS, LENGTH))


def faulty(count: int, seed: int) -> NDArray[np.float64]:
    """The same with one fault each: a spike, a channel that is stuck, a drift, more noise, or another frequency."""
    random, x = np.random.default_rng(seed), signals(count, seed + 1)
    time = np.arange(LENGTH)
    for number, frame in enumerate(x):
        channel, start = random.integers(CHANNELS), int(random.integers(LENGTH - 24))
        match number % 5:
            case 0:
                frame[channel, start : start + 3] += random.choice([-1, 1]) * 2.0
            case 1:
                frame[channel, start : start + 24] = frame[channel, start]
            case 2:
                frame[channel] += np.linspace(0, 1.2, LENGTH)
            case 3:
                frame[channel] += 0.35 * random.normal(size=LENGTH)
            case _:
                frame[channel] += 0.6 * np.sin(2 * np.pi * 29 * time / LENGTH)
    return x


def graph(path: Path, healthy: NDArray[np.float64]) -> Path:
    """Conv1d, ReLU, ConvTranspose1d: patches become the components that explain most of them, either sign by itself, and back."""
    patches = healthy.reshape(len(healthy), CHANNELS, LENGTH // PATCH, PATCH).transpose(0, 2, 1, 3).reshape(-1, CHANNELS * PATCH)
    _, _, directions = np.linalg.svd(patches[::7], full_matrices=False)
    some = directions[:COMPONENTS].reshape(COMPONENTS, CHANNELS, PATCH).astype(np.float32)
    g = Builder((CHANNELS, LENGTH))
    both, back = np.concatenate([some, -some]), np.concatenate([some, -some])
    y = g("Relu", g("Conv", "x", both, np.zeros(2 * COMPONENTS), strides=[PATCH], kernel_shape=[PATCH]))
    return g.save(path, g("ConvTranspose", y, back, np.zeros(CHANNELS), strides=[PATCH], kernel_shape=[PATCH]))


@pytest.fixture(scope="module")
def standardised() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Healthy frames to calibrate with; others, healthy and faulty; and which of these are faulty."""
    first = signals(FRAMES, 3)
    mean, deviation = first.mean(axis=(0, 2), keepdims=True), first.std(axis=(0, 2), keepdims=True)
    others = np.concatenate([signals(FRAMES // 2, 5), faulty(FRAMES // 2, 7)])
    labels = np.repeat([0, 1], FRAMES // 2)
    return ((first - mean) / deviation).astype(np.float32), ((others - mean) / deviation).astype(np.float32), labels


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, standardised: tuple[NDArray[np.float32], ...]) -> tuple[Path, Network]:
    """The file, and the network as calibrated by healthy frames."""
    path = graph(tmp_path_factory.mktemp("series") / "m.onnx", standardised[0].astype(np.float64))
    real = import_real(path, coding=Coding.fitting(standardised[0]))
    return path, import_model(path, calibration=calibrated(real, standardised[0], Precision()))


def scores(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reconstruction errors."""
    return np.asarray(((x - y) ** 2).mean(axis=(1, 2)), np.float32)


def test_anomalies(found: tuple[Path, Network], standardised: tuple[NDArray[np.float32], ...]) -> None:
    """Faults that are neither all found nor all missed are told as well by golden as by the float graph."""
    (path, network), (_, x, labels) = found, standardised
    areas = [float(roc_auc_score(labels, scores(x, y))) for y in (execute(path, x).outputs, network.run(x))]
    assert 0.8 < areas[0] < 0.995
    assert abs(areas[1] - areas[0]) <= CLOSE


def test_hardware(found: tuple[Path, Network], standardised: tuple[NDArray[np.float32], ...]) -> None:
    """Every tensor of the Verilog is golden's, in the cycles that were planned."""
    network, x = found[1], standardised[1][:: FRAMES // THROUGH_VERILOG]
    plan = Planner(network, "xc7vx690t", 200.0).plan(1024)
    codes = network.input.encode(x)
    measured = simulate(plan, codes, "verilator", taps=True, optimise=0)
    assert first_difference(dict(network.steps(codes)), measured.trace) is None
    assert measured.latency == plan.latency
