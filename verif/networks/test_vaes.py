"""Whole trained autoencoders: float graph, golden and Verilog given the same samples, in the cycles that were planned."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sigmabit.golden import Network, Precision, calibrated, import_model, import_real
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.hdl.family import Room
from sigmabit.hdl.planning.aim import Aim
from sigmabit.hdl.planning.plan import Plan, PlanError, read_plan
from sigmabit.hdl.planning.planner import Planner
from sigmabit.scripts.data.datasets import data_folder, load
from sigmabit.scripts.networks.trigger import random_trigger

from ..harness import needs
from ..harness.command_line import command
from ..harness.quantisation import compare_layers
from ..harness.random_networks import draw_plan
from ..simulation import Noise, Stalls, reference, simulate
from ..simulation.compare import first_delay, first_difference

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
PART, CLOCK_MHZ = "xc7vx690t", 200.0

SHIPPED = ("digits_vae", "mnist_vae", "trigger_vae")
ALL = pytest.mark.parametrize("name", SHIPPED)

CLOSE = {"digits_vae": 0.02, "mnist_vae": 0.02, "trigger_vae": 0.15}
"""Root mean square, over frames and outputs, of golden less the float graph with the same samples: what quantisation does."""


def images(name: str, count: int | None = None) -> NDArray[np.float32]:
    """Test images, as the graph takes them."""
    if name == "mnist_vae":
        needs.mnist()
    return _images("mnist" if name == "mnist_vae" else "digits")[:count].reshape(-1, *network(name).input.shape)


@cache
def _images(dataset: str) -> NDArray[np.float32]:
    return load(dataset, data_folder()).test_images


@cache
def network(name: str) -> Network:
    """The imported file."""
    return import_model(MODELS / f"{name}.onnx")


@cache
def fastest(name: str, samples: int = 1) -> Plan:
    """The planner's."""
    return Planner(network(name), PART, CLOCK_MHZ, samples).fastest()


def check(name: str, plan: Plan, frames: int, noise: Noise, on: str = "verilator", **simulation: Any) -> None:
    """Every tensor of `frames` frames is golden's, and the cycles are the plan's."""
    model = network(name)
    codes = model.input.encode(images(name, frames))
    measured = simulate(plan, codes, on, taps=True, noise=noise, **simulation)
    golden = dict(model.steps(codes, noise.for_network(model, len(codes), plan.samples)))
    assert first_difference(golden, measured.trace) is None
    assert np.array_equal(measured.results, golden[model.layers[-1].name])
    assert measured.counters == (len(codes), len(codes), 0, 0)
    if "stalls" not in simulation:
        assert first_delay(plan, measured) is None
        assert measured.latency == plan.latency
        steady = np.diff(measured.last_out[plan.settling :])
        assert len(steady) < 10 or set(steady.tolist()) == {plan.interval}


@pytest.mark.parametrize(
    ("name", "frames", "seed"), [("digits_vae", 200, 0), ("mnist_vae", 200, 1), ("trigger_vae", 599, 2**64 - 1)]
)
def test_verilog(name: str, frames: int, seed: int) -> None:
    """With samples of the pipeline's own, from a seed. `make sim` has all frames of digits_vae."""
    check(name, fastest(name), frames, Noise(seed), optimise=0)


def test_few_multipliers() -> None:
    """A part with 90 DSP48: products in LUTs."""
    plan = Planner(network("digits_vae"), "xc7a35t", CLOCK_MHZ).fastest()
    assert "logic" in {layer.folding.products for layer in plan.layers if layer.folding is not None}
    check("digits_vae", plan, 12, Noise(2), optimise=0)


@pytest.mark.long
@pytest.mark.parametrize(("name", "latency", "frames"), [("digits_vae", 130, 24), ("mnist_vae", 320, 8)])
def test_least_latency(name: str, latency: int, frames: int) -> None:
    """Rows side by side, products in DSP48 and in LUTs, three and a half thousand of each, and a dense layer that is eager."""
    plan = Aim(network(name), PART, CLOCK_MHZ, positions=None).quickest()
    assert plan.latency <= latency
    assert any(layer.folding and layer.folding.eager for layer in plan.layers)
    check(name, plan, frames, Noise(2), optimise=0)


@ALL
def test_float(name: str) -> None:
    """Golden is near the float graph with the same samples, and reconstructs as well."""
    model, x = network(name), images(name, 300)
    epsilon = Noise(3).codes(model.latent.latents, len(x), 2)  # type: ignore[union-attr]
    executed = reference.execute(MODELS / f"{name}.onnx", x, epsilon=(epsilon * 2.0**-FRACTION).astype(np.float32)).outputs
    golden = model.run(x, epsilon).reshape(executed.shape)
    assert np.sqrt(np.mean((golden - executed) ** 2)) <= CLOSE[name]
    if name != "trigger_vae":
        target = (x / x.max())[:, None]
        errors = [np.mean((y - target) ** 2) for y in (golden, executed)]
        assert abs(errors[0] / errors[1] - 1) <= 0.02


@ALL
def test_layers_within_bounds(name: str) -> None:
    """Each layer alone differs from the float graph's by no more than quantisation explains, and by nearly as much."""
    model, x = network(name), images(name, 100)
    real = import_real(MODELS / f"{name}.onnx", model.input.grid.scale)
    epsilon = Noise(4).codes(model.latent.latents, len(x), 1)[:, 0]  # type: ignore[union-attr]
    compared = list(compare_layers(real, model, x, epsilon))
    assert len(compared) == len(real.layers)
    nearest = 0.0
    for layer in compared:
        assert np.all(layer.differences <= layer.bound + 1e-9), layer.layer
        nearest = max(nearest, float((layer.differences[layer.bound > 0] / layer.bound[layer.bound > 0]).max()))
    assert nearest > 0.9


@pytest.mark.parametrize("number", [0, 16, *(pytest.param(number, marks=pytest.mark.long) for number in (1, 2, 3, 4, 20))])
def test_foldings(number: int) -> None:
    """However the network is folded, for one, two or three samples of a frame, given from outside, with stalls; in two cases with
    several positions side by side everywhere.
    """
    samples = 1 + number % 3
    model = network("digits_vae")
    planner = Planner(model, PART, CLOCK_MHZ, samples)
    if number < 2:
        plan = planner.plan(planner.fastest().interval * (number + 2))
    else:
        plan = draw_plan(model, number, samples, *((3, 5) if number in (4, 16) else (1, 1)))
    frames = plan.settling + 11
    normal = np.random.default_rng(number).standard_normal((frames, samples, 8))
    noise = Noise(epsilon=np.rint(normal * 2**FRACTION).astype(np.int64))
    check("digits_vae", plan, frames, noise, optimise=0)
    check("digits_vae", plan, frames, noise, optimise=0, stalls=Stalls(90, 120, number))


@pytest.mark.long
@pytest.mark.parametrize("simulator", ["myhdl", "icarus"])
def test_other_simulators(simulator: str) -> None:
    """MyHDL itself, and Icarus. Samples come from outside: seeding a sampler takes them longer than all else. The next test has a
    smaller network, test_sampling.py drawn ones.
    """
    if simulator == "icarus":
        needs.icarus()
    planner = Planner(network("digits_vae"), PART, CLOCK_MHZ, 2)
    normal = np.random.default_rng(11).standard_normal((1, 2, 8))
    noise = Noise(epsilon=np.rint(normal * 2**FRACTION).astype(np.int64))
    check("digits_vae", planner.plan(4 * planner.fastest().interval), 1, noise, simulator)


@pytest.mark.parametrize("simulator", [pytest.param("myhdl", marks=pytest.mark.long), "icarus"])
def test_sampler_in_other_simulators(simulator: str) -> None:
    """The same with a sampler of its own, in a network that is small beside it."""
    if simulator == "icarus":
        needs.icarus()
    check("trigger_vae", fastest("trigger_vae"), 2, Noise(11), simulator)


@pytest.fixture(scope="module")
def trigger(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Any]:
    """57-32-16-2x13, and the codes of some inputs."""
    path = tmp_path_factory.mktemp("trigger") / "trigger_57.onnx"
    path.write_bytes(random_trigger((57, 32, 16), 13, bits=6, seed=57).SerializeToString())
    x = np.random.default_rng(57).integers(0, 256, (500, 57)).astype(np.float32)
    model = import_model(path, 1.0, calibrated(import_real(path, 1.0), x, Precision()))
    assert [layer.weight_bits for layer in model.layers if isinstance(layer, Fixed)] == [6, 6, 6]
    return model, model.input.encode(x)


def as_planned(model: Network, codes: Any, plan: Plan) -> None:
    """A frame a cycle, every integer of every tensor golden's, and the latency the plan's."""
    noise = Noise(57)
    measured = simulate(plan, codes, taps=True, noise=noise, optimise=0)
    assert first_difference(dict(model.steps(codes, noise.codes(13, len(codes), 1))), measured.trace) is None
    assert measured.latency == plan.latency
    assert set(np.diff(measured.last_out).tolist()) == {1}


def test_trigger(trigger: tuple[Network, Any]) -> None:
    """A frame in every cycle, and 20 cycles for encoder, sampling and score."""
    model, codes = trigger
    plan = Planner(model, PART, CLOCK_MHZ).plan(1)
    assert plan.interval == 1
    assert plan.layers[-1].done - plan.pipeline.ingress.latency <= 20
    assert plan.cost.dsp <= 100
    assert plan.cost.bram36 < 10  # tables are for those who are in haste
    as_planned(model, codes, plan)


def test_trigger_without_multipliers(trigger: tuple[Network, Any]) -> None:
    """In as many cycles, of LUTs: planned so, and every integer golden's."""
    model, codes = trigger
    plan = Planner(model, PART, CLOCK_MHZ, room=Room(dsp=0)).plan(1)
    assert plan.layers[-1].done - plan.pipeline.ingress.latency <= 20
    assert plan.cost.dsp == 0
    assert sum(layer.config.bill(plan.family).lut for layer in plan.layers) <= 29_600
    as_planned(model, codes[:100], plan)


def test_trigger_sooner(trigger: tuple[Network, Any], tmp_path: Path) -> None:
    """13 cycles at the least, and fewer LUTs in 15: by the planner's prices, the sampler left out of account."""
    model, _ = trigger
    planner = Planner(model, PART, CLOCK_MHZ)
    for plan, cycles, lut in ((planner.quickest(), 13, 39_000), (planner.within(1, 18), 15, 23_000)):
        assert plan.layers[-1].done - plan.pipeline.ingress.latency == cycles
        assert sum(layer.config.bill(plan.family).lut for layer in plan.layers) <= lut
        assert plan.cost.dsp == 13
    few = Planner(model, PART, CLOCK_MHZ, room=Room(dsp=12)).within(1, 17)
    assert few.layers[-1].done - few.pipeline.ingress.latency == 14  # as without any
    assert few.cost.dsp == 0
    assert planner.within(1, 1000).to_json() == planner.plan(1).to_json()  # no haste, no tables
    assert "tables" in {layer.folding.products for layer in plan.layers if layer.folding is not None}
    (tmp_path / "plan.json").write_text(json.dumps(plan.to_json()))
    assert read_plan(tmp_path / "plan.json", model).to_json() == plan.to_json()
    other = plan.to_json()
    other["layers"][-1]["folding"] |= {"products": "tables"}
    (tmp_path / "plan.json").write_text(json.dumps(other))
    message = "eager=true with products=tables for codes of 12 bits; it is eager with products=single or logic for up to 12 bits"
    with pytest.raises(PlanError, match=message):
        read_plan(tmp_path / "plan.json", model)


@pytest.mark.long
def test_trigger_in_14_cycles(trigger: tuple[Network, Any]) -> None:
    """Encoder, sampling and scores, in the Verilog, without multipliers; sampler and ends left out of account."""
    model, codes = trigger
    plan = Planner(model, PART, CLOCK_MHZ, room=Room(dsp=0)).within(1, 17)
    assert plan.layers[-1].done - plan.pipeline.ingress.latency == 14
    assert plan.cost.dsp == 0
    assert sum(layer.config.bill(plan.family).lut for layer in plan.layers) <= 29_000
    as_planned(model, codes, plan)


def test_anomalies(tmp_path: Path) -> None:
    """Golden tells the class that was left out of training as well as the float graph does, with the same samples."""
    dataset = load("digits", None)
    np.save(tmp_path / "x.npy", dataset.test_images)
    np.save(tmp_path / "y.npy", dataset.test_labels)
    models = sorted(str(path) for path in (MODELS / "anomaly").glob("*.onnx"))
    assert len(models) == 10
    data = "--input", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "y.npy"), "--samples", "4"
    for each in command("anomaly", *models, *data, "--json").json["models"]:
        for kind, golden in each["auc"]["golden"].items():
            assert abs(golden - each["auc"]["float"][kind]) <= 0.005, (each["model"], kind)
