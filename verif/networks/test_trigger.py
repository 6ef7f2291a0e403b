"""Encoders of the size of a trigger's anomaly detector, with standardised inputs: a frame in every cycle, in the planned area."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden import Coding, Network, Precision, calibrated, import_model, import_real
from sigmabit.hdl.pipeline.top import Pipeline
from sigmabit.hdl.planning.planner import Planner
from sigmabit.hdl.verilog.convert import convert

from ..harness.authors import Author

FEATURES, LATENTS = 57, 13
CLOSE = 0.05
"""By how much the planned LUTs may differ from those that synthesis finds."""


def encoder(path: Path, sampled: bool) -> Network:
    """57-32-16 with both heads and a sample, or the means alone; weights of 6 bits."""
    g = Author((FEATURES,), "dynamo", 17, "N", 3)
    y = g("Relu", g.linear(g("Relu", g.linear("x", FEATURES, 32)), 32, 16))
    mean = g.linear(y, 16, LATENTS)
    g.save(path, g.gaussian(mean, g.linear(y, 16, LATENTS)) if sampled else mean)
    x = np.random.default_rng(0).normal(size=(256, FEATURES)).astype(np.float32)
    real = import_real(path, coding=Coding.fitting(x))
    return import_model(path, calibration=calibrated(real, x, Precision(weights=6)))


@pytest.mark.parametrize("sampled", [False, True])
def test_accepted_as_exported(sampled: bool, tmp_path: Path) -> None:
    """Standardised numbers in, a frame in every cycle."""
    network = encoder(tmp_path / "m.onnx", sampled)
    assert network.input.tensor.signed
    assert (network.latent is not None) == sampled
    assert [layer.output.channels for layer in network.layers[:2]] == [32, 16]


@pytest.mark.long
@pytest.mark.parametrize("sampled", [False, True])
def test_area(sampled: bool, tmp_path: Path) -> None:
    """Yosys finds what was planned, at an interval of one cycle."""
    plan = Planner(encoder(tmp_path / "m.onnx", sampled), "xc7vx690t", 200.0).plan(1)
    assert plan.interval == 1
    design = convert(Pipeline(plan.pipeline).outline())
    area = synthesise(design.write(tmp_path / "verilog"), design.top, tmp_path / "yosys").area
    assert plan.cost.lut == pytest.approx(area.lut, rel=CLOSE)
