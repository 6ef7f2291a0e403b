"""What a plan says of itself, reckoned again from when frames come and go."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from sigmabit.golden.layers.ways import Ways
from sigmabit.hdl.noise.epsilon import EpsilonConfig
from sigmabit.hdl.planning.plan import Plan, PlanError, check_positions, check_samples, make_plan, repetitions
from sigmabit.hdl.planning.planner import Planner

from ..harness.random_networks import NetworkCase, draw_plan
from ..harness.random_residuals import ResidualCase
from ..harness.random_vaes import VaeCase

SEEDS = range(12)


def plain(seed: int) -> Plan:
    """Of layers of signs."""
    return draw_plan(NetworkCase(seed).network, seed)


def sampled(seed: int) -> Plan:
    """Of a network that draws samples, up to three of a frame."""
    return draw_plan(VaeCase(seed).network, seed, 1 + seed % 3)


@pytest.mark.parametrize("make", [plain, sampled])
def test_cycles(make: Callable[[int], Plan]) -> None:
    """A frame's place is free two cycles after its last result is taken, a cycle before its transfer: until then others come."""
    for seed in SEEDS:
        plan = make(seed)
        assert plan.pipeline.ingress.frames == plan.pipeline.egress.frames == (plan.latency + 2) // plan.interval + 1
        assert plan.settling == 2 * len(plan.layers) + 2
        assert plan.fps == pytest.approx(plan.clock_mhz * 10**6 / plan.interval, rel=1e-9)
        noise = plan.pipeline.noise
        assert (noise is None) == (plan.network.latent is None)
        seeding = 0 if noise is None else noise.seeding_cycles
        assert plan.quiet == 4 * plan.latency + 4 * plan.interval + 1000 + seeding


def test_samples() -> None:
    """A port for samples takes the sampler's place where there is one, and layers behind it work so many times."""
    for seed in SEEDS:
        plan = sampled(seed)
        assert plan.pipeline.noise is not None
        port = plan.variant(epsilon=True)
        assert port.noise == EpsilonConfig(plan.pipeline.noise.vector_bits, plan.samples, plan.pipeline.ingress.frames)
        assert plan.variant() == plan.pipeline
        assert plan.variant(taps=True) == replace(plan.pipeline, taps=True)
        names = [layer.name for layer in plan.network.layers]
        behind = names[names.index("latent") :]
        assert repetitions(plan.network, 5) == {name: 5 if name in behind else 1 for name in names}
        assert [layer.operations for layer in plan.layers] == [
            layer.operations * (plan.samples if layer.name in behind else 1) for layer in plan.network.layers
        ]
    assert plain(1).variant(epsilon=True) == plain(1).pipeline
    assert set(repetitions(plain(1).network, 5).values()) == {1}


def test_contents() -> None:
    """Tables of weights are there unless they are left out, and nothing else depends on them."""
    plan = plain(5)
    foldings = {layer.name: layer.folding for layer in plan.layers if layer.folding is not None}
    given = plan.network, foldings, plan.part, plan.clock_mhz, plan.interval
    made, empty = make_plan(*given), make_plan(*given, contents=False)
    assert made == plan != empty
    assert (empty.interval, empty.latency, empty.pipeline.ingress) == (made.interval, made.latency, made.pipeline.ingress)
    assert [(layer.cycles, layer.passes) for layer in empty.layers] == [(layer.cycles, layer.passes) for layer in made.layers]


def test_transfers_of_all_samples() -> None:
    """Times of at most two million transfers of a frame are reckoned with."""
    sampling = SimpleNamespace(name="latent", output=SimpleNamespace(layout=SimpleNamespace(beats=64)))
    small = SimpleNamespace(tensor=SimpleNamespace(shape=(1, 1, 1)))
    network: Any = SimpleNamespace(name="n", latent=sampling, every=[sampling], input=small)
    with pytest.raises(PlanError, match=r"^2 positions side by side"):  # which is looked at next
        make_plan(network, {}, "xc7vx690t", 200.0, samples=32_768, positions=2)
    says = r"^32769 samples of a frame: latent makes 64 transfers of each, and at most 32768 samples can be planned$"
    with pytest.raises(PlanError, match=says):
        make_plan(network, {}, "xc7vx690t", 200.0, samples=32_769, positions=2)
    sampling.output.layout.beats = (1 << 20) + 1
    for samples, says in ((1, r"^2 positions side by side"), (2, r"^2 samples of a frame: latent makes 1048577 transfers")):
        with pytest.raises(PlanError, match=says):
            make_plan(network, {}, "xc7vx690t", 200.0, samples=samples, positions=2)


def test_schema_of_a_plain_plan() -> None:
    """The first, which earlier programs read; foldings that they know nothing of are of the second."""
    schemas = set[int]()
    for seed in SEEDS:
        plan = plain(seed)
        foldings = [layer.folding for layer in plan.layers if layer.folding is not None]
        later = any(folding.products != "single" or folding.eager for folding in foldings)
        assert plan.to_json()["schema"] == (2 if later else 1)
        schemas.add(2 if later else 1)
    assert schemas == {1, 2}


def test_what_layers_take() -> None:
    """What the entrance gives, which is 0, or a layer before them; nothing is left over but the last."""
    for seed in SEEDS:
        network = ResidualCase(seed).network
        takes = draw_plan(network, seed).pipeline.takes
        assert all(0 <= taken <= place for place, every in enumerate(takes) for taken in every)
        assert takes[0] == (0,) and {taken for every in takes for taken in every} == set(range(len(takes)))
        assert [len(every) for every in takes] == [2 if isinstance(layer, Ways) else 1 for layer in network.every]


def test_positions_that_no_layer_gives() -> None:
    """A planner refuses them as a plan does."""
    network = NetworkCase(3).network
    name = network.layers[-1].name
    with pytest.raises(PlanError, match=rf"^{name}: .*1 positions side by side, not 99$"):
        Planner(network, "xc7vx690t", 200.0, wide={name: 99})


@pytest.mark.parametrize(
    ("positions", "fits"), [(0, False), (1, True), (3, True), (4, False), (6, True), (8, False), (15, True), (18, False)]
)
def test_positions_at_the_entrance(positions: int, fits: bool) -> None:
    """Up to a row of an image of 5 rows and 3 columns, or whole rows."""
    network: Any = SimpleNamespace(name="n", input=SimpleNamespace(tensor=SimpleNamespace(shape=(5, 3, 2))))
    with (
        nullcontext() if fits else pytest.raises(PlanError, match=rf"^{positions} positions side by side, expected 1 to 3, a row")
    ):
        check_positions(network, positions)


@pytest.mark.parametrize(("samples", "draws", "fits"), [(0, True, False), (1, False, True), (2, False, False), (2, True, True)])
def test_samples_of_a_frame(samples: int, draws: bool, fits: bool) -> None:
    """At least one, and several only of a network that draws some."""
    network: Any = SimpleNamespace(name="n", latent=object() if draws else None)
    with nullcontext() if fits else pytest.raises(PlanError, match=rf"^{samples} samples of a frame"):
        check_samples(network, samples)
    with pytest.raises(PlanError, match=r"^65537 samples of a frame, expected 1 to 65536$"):
        check_samples(network, 65_537)
    if draws:
        check_samples(network, 65_536)
