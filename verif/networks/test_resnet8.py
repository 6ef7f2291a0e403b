"""A residual network of few bits that was trained elsewhere: golden has qonnx's integers in every layer, and Verilog golden's."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from sigmabit.golden import Network, import_model
from sigmabit.hdl.planning.planner import Planner
from sigmabit.scripts.data.datasets import load

from ..harness import needs
from ..simulation import simulate
from ..simulation.compare import first_delay, first_difference

FILE = "resnet8_a4w4b32.onnx"
JOINS, INTERVAL = 3, 2048


def model() -> Path:
    """The file, which is not the project's to ship."""
    path = needs.cifar10() / "models" / FILE
    if not path.is_file():
        pytest.skip(f"{path} is not there; {FILE} is not the project's to ship")
    return path


@cache
def network() -> Network:
    """The imported file."""
    return import_model(model())


def images(count: int) -> NDArray[np.float32]:
    """The first test images."""
    return load("cifar10", needs.cifar10(), test_only=True).test_images[:count].astype(np.float32)


def test_every_layer() -> None:
    """In each channel of each layer every integer of golden stands for one number of qonnx's, and no two for the same."""
    executed, x = ModelWrapper(str(model())), images(100)
    nodes = {node.name: node for node in executed.graph.node}
    source = executed.graph.input[0].name
    runs = [execute_onnx(executed, {source: frame[None]}, return_full_exec_context=True) for frame in x]
    steps = dict(network().steps(network().input.encode(x)))
    assert sum(layer.name.startswith("add") for layer in network().every) == JOINS
    for layer in network().every:
        last = [nodes[name] for name in layer.nodes if name in nodes][-1]
        integers = steps[layer.name].transpose(0, 3, 1, 2)
        numbers = np.concatenate([run[last.output[0]] for run in runs]).reshape(integers.shape)
        for channel in range(integers.shape[1]):
            pairs = np.unique(np.stack([integers[:, channel].ravel(), numbers[:, channel].ravel()]), axis=1)
            assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1], (layer.name, channel)


def test_plan() -> None:
    """It fits the Virtex-7 of the papers at the interval that was asked for."""
    plan = Planner(network(), "xc7vx690t", 200.0).plan(INTERVAL)
    assert plan.interval == INTERVAL
    assert plan.cost.lut < 0.7 * 433_200


@pytest.mark.long
def test_verilog() -> None:
    """Every tensor of 24 images, in the cycles that were planned."""
    plan = Planner(network(), "xc7vx690t", 200.0).plan(INTERVAL)
    codes = network().input.encode(images(24))
    measured = simulate(plan, codes, taps=True)
    assert first_difference(dict(network().steps(codes)), measured.trace) is None
    assert first_delay(plan, measured) is None
    assert measured.latency == plan.latency
