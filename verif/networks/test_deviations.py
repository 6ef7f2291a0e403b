"""Whole networks whose standard deviations are no exponentials: float graph, golden and Verilog, in the planned cycles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sigmabit.golden import Precision, calibrated, import_model, import_real
from sigmabit.golden.front.calibration import embed
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.hdl.planning.planner import Planner

from ..front.test_real_importer import FEATURES, LATENTS, SIGMAS, rows, vae
from ..simulation import Noise, reference, simulate
from ..simulation.compare import first_delay, first_difference


@pytest.mark.parametrize(("spelling", "samples", "precision"), [("softplus plus", 1, 12), ("clip", 2, 8)])
def test_hardware(spelling: str, samples: int, precision: int, tmp_path: Path) -> None:
    """As written by an exporter, calibrated, planned, and through Verilog; near the float graph with the same samples."""
    g = vae()
    mean, head = g.heads(g("Relu", g.dense("x", FEATURES, 8)), 8, LATENTS)
    z = g("Add", mean, g("Mul", SIGMAS[spelling](g, head), g("RandomNormalLike", mean)))
    path, x = g.save(tmp_path / "m.onnx", g("Sigmoid", g.dense(g("Relu", g.dense(z, LATENTS, 8)), 8, 4))), rows(frames=60)
    given = tmp_path / "calibrated.onnx"
    embed(path, calibrated(import_real(path), x, Precision(latents=precision)), given)
    network = import_model(given)
    assert network.latent is not None
    assert network.latent.table is not None
    plan = Planner(network, "xc7vx690t", 200.0, samples).fastest()
    assert plan.cost.bram36 >= (LATENTS if precision == 12 else 0)
    noise = Noise(3)
    measured = simulate(plan, network.input.encode(x), "verilator", taps=True, noise=noise, optimise=0)
    epsilon = noise.for_network(network, len(x), samples)
    assert epsilon is not None
    golden = dict(network.steps(network.input.encode(x), epsilon))
    assert first_difference(golden, measured.trace) is None
    assert first_delay(plan, measured) is None
    assert measured.latency == plan.latency
    executed = reference.execute(path, x, epsilon=(epsilon * 2.0**-FRACTION).astype(np.float32)).outputs
    found = network.run(x, epsilon).reshape(executed.shape)
    assert np.sqrt(np.mean((found - executed) ** 2)) < 0.02
