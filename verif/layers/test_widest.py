"""The widest layer of the paper's CIFAR-10 network, as its flagship plan folds it: 49,152 products in every cycle."""

from __future__ import annotations

import numpy as np

from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.network.network import InputFormat, Network, OutputFormat
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.scalar import Chain
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.arithmetic.rom import RomStyle
from sigmabit.hdl.layers.folding import Folding
from sigmabit.hdl.planning.plan import make_plan

from ..simulation import simulate
from ..simulation.compare import first_difference

CHANNELS, SIZE, FRAMES = 512, 8, 4


def test_widest_layer() -> None:
    """conv6, 512 to 512 channels in 48 folds, weights in logic: every bit is golden's, in the planned cycles."""
    random = np.random.default_rng(6)
    tensor, bipolar, same = TensorType(SIZE, SIZE, CHANNELS, Range.of_levels(2)), Grid(2, -1, 1.0), Axis(SIZE, 3, 1, 1, 1)
    weights = random.choice(np.array([-1, 1], np.int8), (3, 3, CHANNELS, CHANNELS))
    thresholds = random.integers(-40, 41, CHANNELS)  # a standard deviation of the sums is 68
    layer = Convolution("conv6", (), tensor, bipolar, Window(same, same), weights, thresholds)
    network = Network(
        "widest",
        InputFormat("x", (tensor.size,), np.arange(tensor.size), tensor, bipolar, None),
        (layer,),
        OutputFormat("y", (tensor.size,), np.arange(tensor.size), np.ones((), np.float32), 1, 0, Chain(())),
    )
    plan = make_plan(network, {"conv6": Folding(group=1, slices=4, lanes=128)}, "xc7vx690t", 200.0)
    assert plan.interval == SIZE * SIZE * 48
    unit = plan.layers[0].config.mvu  # type: ignore[attr-defined]
    assert unit.multiply.inputs * unit.multiply.lanes == 49_152 and unit.weights.style is RomStyle.LOGIC
    codes = random.integers(0, 2, (FRAMES, *tensor.shape))
    measured = simulate(plan, codes, optimise=0)
    assert first_difference({"conv6": network.results(codes)}, {"conv6": measured.results}) is None
    assert 0.3 < measured.results.mean() < 0.7
    assert measured.latency == plan.latency
    assert np.all(np.diff(measured.last_out) == plan.interval)
