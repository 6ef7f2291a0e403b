"""Whole networks with positions side by side: golden and Verilog agree on every integer, in the cycles that were planned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sigmabit.golden import import_model
from sigmabit.hdl.planning.planner import Planner
from sigmabit.scripts.data.datasets import data_folder, load

from ..harness import needs
from ..harness.command_line import MODELS
from ..harness.onnx_graphs import Builder
from ..simulation import Stalls, simulate
from ..simulation.compare import first_delay, first_difference

PART, CLOCK_MHZ = "xc7vx690t", 200.0


@pytest.mark.parametrize(
    ("name", "positions", "slower", "frames"),
    [
        ("digits_bcnn", 4, 1, 60),
        ("digits_bcnn", 3, 4, 24),
        ("digits_bcnn", 16, 2, 24),
        pytest.param("digits_bcnn", 64, 1, 599, marks=pytest.mark.long),
        ("digits_cnn", 2, 4, 24),
        pytest.param("digits_bcnn", 8, 1, 599, marks=pytest.mark.long),
        pytest.param("mnist_bcnn", 28, 1, 300, marks=pytest.mark.long),
    ],
)
def test_verilog(name: str, positions: int, slower: int, frames: int) -> None:
    """At full speed and with stalls."""
    if name.startswith("mnist"):
        needs.mnist()
    network = import_model(MODELS / f"{name}.onnx")
    images = load("mnist" if name.startswith("mnist") else "digits", data_folder(), test_only=True).test_images[:frames]
    codes = network.input.encode(images.reshape(-1, *network.input.shape))
    planner = Planner(network, PART, CLOCK_MHZ, positions=positions)
    plan = planner.plan(slower * planner.fastest().interval)
    assert plan.positions == positions
    measured = simulate(plan, codes, taps=True, optimise=0)
    assert first_difference(dict(network.steps(codes)), measured.trace) is None
    assert first_delay(plan, measured) is None
    assert measured.latency == plan.latency
    assert set(np.diff(measured.last_out[plan.settling :]).tolist()) == {plan.interval}
    stalled = simulate(plan, codes[:6], taps=True, stalls=Stalls(90, 120, 5), optimise=0)
    assert np.array_equal(stalled.results, measured.results[:6])
    assert stalled.counters == (6, 6, 0, 0)


@pytest.mark.parametrize("on", ["verilator", "icarus"])
@pytest.mark.parametrize("positions", [1, 2])
def test_odd_rows(on: str, positions: int, tmp_path: Path) -> None:
    """Rows of nine positions behind a window that is not padded, whose last beat is half full; constants of four bits."""
    random, g = np.random.default_rng(7), Builder((3, 4, 10))
    y = g.quant("x", 3, 0.25, signed=0)
    y = g("Conv", y, g.quant(random.integers(-8, 8, (6, 3, 2, 2)).astype(np.float32), 4))
    y = g.quant(g("Relu", y), 2, 4.0, signed=0)
    y = g("Conv", y, g.quant(random.integers(-8, 8, (7, 6, 3, 2)).astype(np.float32), 4), strides=[1, 2])
    network = import_model(g.save(tmp_path / "odd.onnx", g.quant(y, 3, 16.0)))
    planner = Planner(network, PART, CLOCK_MHZ, positions=positions)
    plan = planner.fastest()
    assert "planes" in {layer.folding.products for layer in plan.layers if layer.folding is not None}
    codes = random.integers(0, 8, (plan.settling + 4, *network.input.tensor.shape))
    measured = simulate(plan, codes, on, taps=True, optimise=0)
    assert first_difference(dict(network.steps(codes)), measured.trace) is None
    assert first_delay(plan, measured) is None
