"""Autoencoders of dense layers, the first of which sums up while pixels come: golden and Verilog, in the planned cycles."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sigmabit.golden import Network, Precision, calibrated, import_model, import_real
from sigmabit.hdl.planning.aim import Aim
from sigmabit.hdl.planning.plan import Plan, PlanError, make_plan, read_plan
from sigmabit.hdl.planning.planner import Choices, Planner
from sigmabit.scripts.networks.autoencoder import random_autoencoder

from ..simulation import Noise, Stalls, simulate
from ..simulation.compare import first_delay, first_difference

PART, CLOCK_MHZ = "xc7vx690t", 200.0
SMALL = (1, 4, 6)


def network(folder: Path, shape: tuple[int, ...], hidden: int, latents: int) -> Network:
    """An autoencoder of weights of 8 bits, calibrated with the frames that it is given."""
    path = folder / "autoencoder.onnx"
    path.write_bytes(random_autoencoder(shape, hidden, latents).SerializeToString())
    return import_model(path, 1.0, calibrated(import_real(path, 1.0), frames(shape, 64), Precision(weights=8)))


@cache
def frames(shape: tuple[int, ...], count: int) -> NDArray[np.float32]:
    """Noise: (count, *shape)."""
    return np.random.default_rng(5).integers(0, 256, (count, *shape)).astype(np.float32)


def check(model: Network, plan: Plan, count: int) -> None:
    """Every tensor is golden's, and the cycles are the plan's; with stalls, too, every tensor."""
    codes, noise = model.input.encode(frames(model.input.shape, count)), Noise(3)
    golden = dict(model.steps(codes, noise.for_network(model, count, 1)))
    measured = simulate(plan, codes, taps=True, noise=noise, optimise=0)
    assert first_difference(golden, measured.trace) is None
    assert first_delay(plan, measured) is None
    assert measured.latency == plan.latency
    assert set(np.diff(measured.last_out[plan.settling :]).tolist()) <= {plan.interval}
    stalled = simulate(plan, codes, taps=True, noise=noise, optimise=0, stalls=Stalls(90, 120, 7))
    assert first_difference(golden, stalled.trace) is None
    assert stalled.counters == (count, count, 0, 0)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """24-9-2x2-9-24."""
    return network(tmp_path_factory.mktemp("small"), SMALL, 9, 2)


def planned(model: Network, **first: Any) -> Plan:
    """The plan of the least latency, three pixels side by side, but for how the first layer is folded."""
    plan = Planner(model, PART, CLOCK_MHZ, positions=3).quickest()
    foldings = {layer.name: layer.folding for layer in plan.layers if layer.folding is not None}
    assert foldings["dense1"].eager
    foldings["dense1"] = replace(foldings["dense1"], **first)
    return make_plan(model, foldings, PART, CLOCK_MHZ, positions=3)


def test_small(small: Network) -> None:
    """Each pixel is read several times while the others come."""
    plan = planned(small, lanes=2)
    assert plan.latency < planned(small, lanes=2, eager=False).latency
    check(small, plan, 24)


def test_plan_survives_its_file(small: Network, tmp_path: Path) -> None:
    """In the second schema; a folded layer that has its frame in one beat has nothing to begin with."""
    path, plan = tmp_path / "plan.json", planned(small)
    written = plan.to_json()
    assert written["schema"] == 2
    assert written["layers"][0]["folding"]["eager"]
    path.write_text(json.dumps(written))
    assert read_plan(path, small).to_json() == written
    for eager, message in (
        (2, "dense2: eager=2, but its results would come no sooner"),
        (True, "dense2: eager=true, but its results would come no sooner"),
        (-1, "dense2: eager=-1 is below 0"),
        ("yes", 'not a plan: eager is "yes"'),
    ):
        written["layers"][1]["folding"] |= {"lanes": 1, "eager": eager, "products": "single"}
        path.write_text(json.dumps(written))
        with pytest.raises(PlanError, match=message):
            read_plan(path, small)


def test_small_part(small: Network) -> None:
    """A plan of the least latency is found where there is little room; the quick way to one may miss it by a little."""
    planner = Planner(small, "xc7a15t", CLOCK_MHZ, positions=2)
    least = planner.quickest().latency
    assert least <= planner.hasty().latency <= 1.1 * least


def test_no_long_search(tmp_path: Path) -> None:
    """For a latency nobody looks minutes for the adders of a large matrix; for an interval of one cycle they are needed."""
    planner = Planner(network(tmp_path, (32,), 200, 2), PART, CLOCK_MHZ)
    for name, large in (("dense1", True), ("dense3", False)):
        choices = planner.choices[name]

        def folds(interval: int, choices: Choices = choices) -> set[int]:
            return {choices.kind.folds(choices.foldings[number]) for number in choices.delayed_front(interval)}

        assert folds(1) == {1}
        assert (1 not in folds(50)) == large


@pytest.mark.long
@pytest.mark.parametrize(("shape", "positions"), [((1, 28, 28), 28), ((784,), 1)])
def test_of_mnist(shape: tuple[int, ...], positions: int, tmp_path: Path) -> None:
    """784-400-2x20-400-784 within 700 cycles, as images in rows, and as vectors."""
    model = network(tmp_path, shape, 400, 20)
    plan = Aim(model, PART, CLOCK_MHZ, positions=positions).quickest()
    assert plan.latency <= 300
    check(model, plan, 12)
