"""Networks of a few bits: the float graph's decisions, golden's integers and the Verilog's are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sigmabit.golden import Network, UnsupportedModelError, import_model
from sigmabit.golden.layers.few_bits import FewBits
from sigmabit.hdl.planning.planner import Planner

from ..harness.onnx_graphs import Builder, normalisation
from ..simulation import reference, simulate
from ..simulation.compare import first_difference

pytestmark = pytest.mark.filterwarnings("ignore:Output shapes disagree")


def weights(g: Builder, random: np.random.Generator, bits: float, scale: float, *shape: int, narrow: int = 0) -> str:
    """Quantised weights, all levels among them."""
    return g.quant(random.normal(scale=1.2 * scale, size=shape).astype(np.float32), bits, scale, narrow=narrow)


def graph(path: Path, seed: int) -> Path:
    """4-bit pixels; a convolution of 3-bit weights to 2 unsigned bits, one of ternary weights to 3 signed bits, a dense one of
    2-bit weights to ternary codes, scores. Some channels fall.
    """
    random, g = np.random.default_rng(seed), Builder((2, 6, 6))
    x = g.quant("x", 4, 0.25, signed=0)
    y = g("Conv", x, weights(g, random, 3, 0.5, 4, 2, 3, 3), pads=[1, 1, 1, 1])
    y = g("Relu", g("BatchNormalization", y, *normalisation(random, 4, 4.0)))
    y = g.quant(y, 2, 0.5, signed=0)
    y = g("Conv", y, weights(g, random, 2, 1.0, 5, 4, 3, 3, narrow=1), strides=[2, 2])
    y = g.quant(g("BatchNormalization", y, *normalisation(random, 5, 3.0)), 3, 0.25)
    y = g("MatMul", g("Flatten", y), weights(g, random, 2, 0.25, 20, 6))
    y = g.quant(g("BatchNormalization", y, *normalisation(random, 6, 1.0)), 2, 1.0, narrow=1)
    return g.save(path, g("MatMul", y, weights(g, random, 4, 0.125, 6, 3)))


def frames(network: Network, count: int, seed: int) -> np.ndarray:
    """Random pixels on the input's grid, and off it."""
    shape = (count, *network.input.shape)
    return np.random.default_rng(seed).uniform(-0.5, 4.5, shape).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_golden(tmp_path: Path, seed: int) -> None:
    """qonnx computes the same scores from the same file."""
    path = graph(tmp_path / "few.onnx", seed)
    network = import_model(path)
    assert sum(isinstance(layer, FewBits) for layer in network.layers) == 4
    x = frames(network, 60, seed)
    assert not network.ties
    assert np.array_equal(network.run(x), reference.execute(path, x).outputs)


@pytest.mark.parametrize("slower", [1, 5])
def test_verilog(tmp_path: Path, slower: int) -> None:
    """Every integer of every layer, at the planned cycles."""
    network = import_model(graph(tmp_path / "few.onnx", 0))
    planner = Planner(network, "xc7vx690t", 200.0)
    plan = planner.fastest() if slower == 1 else planner.plan(slower * planner.fastest().interval)
    codes = network.input.encode(frames(network, 20, 7))
    measured = simulate(plan, codes, taps=True)
    assert first_difference(dict(network.steps(codes)), measured.trace) is None
    assert measured.latency == plan.latency
    assert set(np.diff(measured.last_out[plan.settling :]).tolist()) == {plan.interval}


def test_turning_chain(tmp_path: Path) -> None:
    """Codes that both rise and fall with a sum are refused, at the quantiser."""
    g, random = Builder((1, 4, 4)), np.random.default_rng(1)
    y = g("Conv", g.quant("x", 4, 0.25, signed=0), weights(g, random, 3, 0.5, 2, 1, 3, 3))
    y = g.quant(g("Abs", y, name="fold"), 2, 0.5, signed=0, name="quantiser")
    y = g("MatMul", g("Flatten", y), weights(g, random, 2, 0.25, 8, 2))
    with pytest.raises(UnsupportedModelError, match=r"quantiser \(Quant\): what comes before it is not monotone from fold on"):
        import_model(g.save(tmp_path / "turning.onnx", y))
