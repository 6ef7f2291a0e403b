"""Whole trained networks: the float graph, golden and the Verilog take the same decisions, and the cycles are those planned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sigmabit.golden import Network, import_model, recognise_scale
from sigmabit.golden.layers.linear import Linear
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.planning.planner import Planner
from sigmabit.scripts.data.datasets import Dataset, data_folder, load
from sigmabit.scripts.networks.random_network import synthetic
from sigmabit.scripts.networks.shapes import SHAPES

from ..harness import needs
from ..harness.random_networks import draw_plan
from ..simulation import SIMULATORS, Stalls, reference, simulate
from ..simulation.compare import first_delay, first_difference

pytestmark = pytest.mark.filterwarnings("ignore:Output shapes disagree")  # qonnx, on graphs without declared shapes

ROOT = Path(__file__).resolve().parents[2]
PART, CLOCK_MHZ = "xc7vx690t", 200.0
FOLDINGS = 8
"""Plans tried for every network."""


@dataclass(frozen=True)
class Trained:
    """A trained network's file and its test images; `accuracy` is the least that is asked of it."""

    file: str
    dataset: str
    accuracy: float

    @property
    def path(self) -> Path:
        """The model file; skips where it is not there, or its images are not."""
        folders: dict[str, Callable[[], Path | None]] = {"mnist": needs.mnist, "cifar10": needs.cifar10}
        folder = folders.get(self.dataset, data_folder)()
        shipped = ROOT / "models" / self.file
        return shipped if shipped.is_file() or folder is None else folder / "models" / self.file

    def images(self, count: int | None = None) -> NDArray[np.float32]:
        """The first `count` test images, as the graph takes them."""
        return _dataset(self.dataset).test_images[:count].reshape(-1, *self.network.input.shape)

    @property
    def network(self) -> Network:
        """The imported file."""
        return _network(self)


@cache
def _dataset(name: str) -> Dataset:
    return load(name, data_folder(), test_only=True)


@cache
def _network(trained: Trained) -> Network:
    return import_model(trained.path, recognise_scale(_dataset(trained.dataset).test_images[:100]))


DIGITS = Trained("digits_bcnn.onnx", "digits", 0.96)
DIGITS_W2A2 = Trained("digits_w2a2.onnx", "digits", 0.98)
MNIST_W2A2 = Trained("mnist_w2a2.onnx", "mnist", 0.994)
MNIST = Trained("mnist_bcnn.onnx", "mnist", 0.985)
TFC = Trained("TFC_1W1A.onnx", "mnist", 0.925)
TERNARY = Trained("TFC_1W2A.onnx", "mnist", 0.9474)
TERNARY_WEIGHTS = Trained("TFC_2W2A.onnx", "mnist", 0.966)
CIFAR10 = Trained("cifar10_bcnn_small.onnx", "cifar10", 0.78)
CIFAR10_W2A4 = Trained("cifar10_w2a4.onnx", "cifar10", 0.78)
ALL = pytest.mark.parametrize("trained", [DIGITS, MNIST, TFC], ids=lambda trained: Path(trained.file).stem)


def decisions(outputs: NDArray[np.float32]) -> NDArray[np.int64]:
    """argmax; the lowest index wins."""
    return outputs.reshape(len(outputs), -1).argmax(axis=1)


# of larger networks the first images: all 10,000 by `sigmabit verify`, see docs/figures.md
@pytest.mark.parametrize(
    ("trained", "count"),
    [
        *[(DIGITS, None), (DIGITS_W2A2, None), (MNIST, 2000), (TFC, None), (TERNARY, None), (TERNARY_WEIGHTS, None)],
        (CIFAR10, 500),
        (MNIST_W2A2, 500),
        pytest.param(CIFAR10_W2A4, 200, marks=pytest.mark.long),
    ],
    ids=["digits", "digits_w2a2", "mnist", "tfc", "ternary", "ternary_weights", "cifar10", "mnist_w2a2", "cifar10_w2a4"],
)
def test_decisions(trained: Trained, count: int | None) -> None:
    """On test images golden decides like the float graph, executed from the same file, and is as accurate as promised."""
    network, images = trained.network, trained.images(count)
    golden = decisions(network.run(images))
    executed = decisions(reference.execute(trained.path, images).outputs)
    assert int((golden != executed).sum()) == 0
    assert np.mean(golden == _dataset(trained.dataset).test_labels[: len(images)]) >= trained.accuracy


@pytest.mark.parametrize(
    ("trained", "frames", "interval"),
    [
        (DIGITS, 599, None),
        (DIGITS_W2A2, 599, None),
        (MNIST, 300, None),
        (TFC, 1000, None),
        (TERNARY, 500, None),
        (TERNARY_WEIGHTS, 500, None),
        (CIFAR10, 100, 36_864),
        pytest.param(MNIST_W2A2, 100, None, marks=pytest.mark.long),
        pytest.param(CIFAR10_W2A4, 48, 16_384, marks=pytest.mark.long),
    ],
    ids=["digits", "digits_w2a2", "mnist", "tfc", "ternary", "ternary_weights", "cifar10", "mnist_w2a2", "cifar10_w2a4"],
)
def test_verilog(trained: Trained, frames: int, interval: int | None) -> None:
    """Every layer's every integer is golden's, and latency and interval are the plan's: the fastest, or one built sooner."""
    network = trained.network
    planner = Planner(network, PART, CLOCK_MHZ)
    plan = planner.fastest() if interval is None else planner.plan(interval)
    codes = network.input.encode(trained.images(frames))
    measured = simulate(plan, codes, taps=True)
    assert len(measured.results) == frames
    assert first_delay(plan, measured) is None
    assert first_difference(dict(network.steps(codes)), measured.trace) is None
    _assert_cycles(plan, measured.latency, measured.last_out)
    assert measured.counters == (frames, frames, 0, 0)


def test_cifar10_without_its_images() -> None:
    """The shipped network takes the float graph's decisions on synthetic images, too, which need no data folder."""
    path = ROOT / "models" / CIFAR10.file
    shape = SHAPES["cifar10_bcnn_small"]
    images = (synthetic(shape, np.random.default_rng(10), 50) / 255).astype(np.float32)
    network = import_model(path, 1 / 255)
    assert sum(layer.weights.size for layer in network.layers if isinstance(layer, Linear)) == shape.weights
    assert np.array_equal(decisions(network.run(images)), decisions(reference.execute(path, images).outputs))


def _assert_cycles(plan: Plan, latency: int, last_out: NDArray[np.int64]) -> None:
    assert latency == plan.latency
    steady = last_out[plan.settling :]
    assert len(steady) >= 11
    assert set(np.diff(steady).tolist()) == {plan.interval}


def _plans(network: Network) -> Iterator[Plan]:
    """Half of them the planner's, from fastest to slow, the others drawn."""
    planner = Planner(network, PART, CLOCK_MHZ)
    fastest = planner.fastest().interval
    yield from (planner.plan(round(fastest * factor)) for factor in (1.1, 1.7, 3.1, 6.3))
    yield from _drawn(network, fastest)


def _drawn(network: Network, fastest: int) -> Iterator[Plan]:
    """Drawn plans that a few frames can be simulated of."""
    seed = found = 0
    while found < FOLDINGS // 2:
        plan = draw_plan(network, seed)
        seed += 1
        if plan.interval <= 6 * fastest:
            found += 1
            yield plan


@ALL
@pytest.mark.parametrize("number", [pytest.param(n, marks=[pytest.mark.long] if n % 4 > 1 else []) for n in range(FOLDINGS)])
def test_foldings(trained: Trained, number: int) -> None:
    """Planned cycles are measured cycles, and stalls lose and repeat nothing, however a network is folded."""
    network = trained.network
    plan = list(_plans(network))[number]
    codes = network.input.encode(trained.images(plan.settling + 11))
    golden = network.results(codes)
    measured = simulate(plan, codes, optimise=0)
    assert np.array_equal(measured.results, golden)
    _assert_cycles(plan, measured.latency, measured.last_out)
    stalls = (Stalls(idle=128, seed=number), Stalls(backpressure=200, seed=number), Stalls(90, 90, number))[number % 3]
    stalled = simulate(plan, codes[:6], stalls=stalls, optimise=0)
    assert np.array_equal(stalled.results, golden[:6])
    assert stalled.counters == (6, 6, 0, 0)
    assert stalled.latency >= plan.latency


@pytest.mark.parametrize("simulator", list(SIMULATORS)[1:])
def test_other_simulators(simulator: str) -> None:
    """MyHDL itself, Icarus, and whatever else there is, give what Verilator gives, in the same cycles."""
    if simulator == "icarus":
        needs.icarus()
    network = DIGITS.network
    plan = Planner(network, PART, CLOCK_MHZ).fastest()
    codes = network.input.encode(DIGITS.images(2 if simulator == "myhdl" else 4))
    measured = simulate(plan, codes, simulator, taps=True)
    assert first_difference(dict(network.steps(codes)), measured.trace) is None
    assert first_delay(plan, measured) is None
    assert measured.latency == plan.latency
