"""The planner: targets that are met, at the least cost of all choices, or refused in one sentence."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmabit.golden import import_model
from sigmabit.golden.convolution import Convolution
from sigmabit.golden.dense import Dense
from sigmabit.golden.network import Layer
from sigmabit.hdl.cost import Cost
from sigmabit.hdl.folding import Folding
from sigmabit.hdl.parts import PARTS, Part, PartError, part
from sigmabit.hdl.plan import PlanError, least_cycles, make_plan, read_plan
from sigmabit.hdl.planner import Planner, cost_of

from .command_line import MODELS
from .random_networks import NetworkCase, draw_plan

PART = "xc7vx690t"

cases = st.builds(NetworkCase, st.integers(0, 10**6))
drawn = settings(max_examples=25, deadline=None, database=None, derandomize=True)


def every_folding(layer: Convolution) -> list[Folding]:
    """All foldings that suit a layer."""
    whole = layer.window.taps if isinstance(layer, Dense) else layer.window.columns.kernel
    channels = layer.input.channels
    foldings = itertools.product(range(1, whole + 1), range(1, channels + 1), range(1, layer.channels + 1), (False, True))
    suitable = []
    for group, slices, lanes, block in foldings:
        folding = Folding(group, slices, lanes, block)
        try:
            folding.check(layer)
        except ValueError:
            continue
        suitable.append(folding)
    return suitable


def weighted(layers: tuple[Layer, ...]) -> list[Convolution]:
    """The layers that are folded."""
    return [layer for layer in layers if isinstance(layer, Convolution)]


@drawn
@given(cases, st.floats(1, 8))
def test_target_is_met_at_least_cost(case: NetworkCase, factor: float) -> None:
    """Of all foldings within the interval none is smaller, at the price that a part puts on block RAM, than the one chosen."""
    network = case.network
    planner = Planner(network, PART, 200.0)
    target = int(planner.fastest().interval * factor)
    plan = planner.plan(target)
    assert plan.interval <= target
    device = part(PART)

    def price(cost: Cost) -> float:
        return cost.lut + device.lut / device.bram36 * cost.bram36

    for layer in weighted(network.layers):
        folding = next(entry.folding for entry in plan.layers if entry.name == layer.name)
        assert folding is not None
        choices = [f for f in every_folding(layer) if least_cycles(layer, f) <= target]
        assert price(cost_of(layer, folding)) <= min(price(cost_of(layer, f)) for f in choices)


@drawn
@given(cases)
def test_plan_survives_its_file(tmp_path_factory: pytest.TempPathFactory, case: NetworkCase) -> None:
    """plan.json, read back, is the same plan."""
    plan = draw_plan(case.network, case.seed)
    path = tmp_path_factory.mktemp("plans") / "plan.json"
    path.write_text(json.dumps(plan.to_json()))
    again = read_plan(path, case.network)
    assert again == plan
    assert again.to_json() == plan.to_json()


def test_slower_is_smaller() -> None:
    """More cycles never cost the layers more LUTs, on a network large enough for it to matter; the entrance counts further."""
    network = NetworkCase(10).network
    planner = Planner(network, PART, 200.0)
    fastest = planner.fastest().interval
    plans = [planner.plan(fastest * factor) for factor in (1, 2, 4, 8)]
    costs = [sum(layer.config.cost.lut for layer in plan.layers) for plan in plans]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > costs[-1]


def test_samples_bound_the_interval() -> None:
    """A layer that draws has one position, and works once for each sample: that is what is said."""
    planner = Planner(import_model(MODELS / "trigger_vae.onnx"), PART, 200.0, 4)
    with pytest.raises(PlanError, match=r"an interval of 3 cycles: latent takes at least 4, 1 for each of 4 samples$"):
        planner.plan(3)


def test_input_bounds_the_interval() -> None:
    """One position enters per cycle."""
    planner = Planner(NetworkCase(10).network, PART, 200.0)
    with pytest.raises(PlanError, match="an interval of 1 cycles: the input alone takes 30, one per position"):
        planner.plan(1)


def test_part_bounds_the_area(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a part has too little, the error says how much is needed and how much there is."""
    planner = Planner(NetworkCase(10).network, "xc7a35t", 200.0)
    fastest = planner.fastest().interval
    tiny = type(planner.part)("tiny", 300, 600, 1, 0)
    monkeypatch.setattr(planner, "part", tiny)
    with pytest.raises(PlanError, match=rf"an interval of {fastest} cycles needs about \d+ LUT, .* tiny offers 255"):
        planner.plan(fastest)


def test_every_layer_needs_a_folding() -> None:
    """A plan that leaves one out is refused."""
    network = NetworkCase(10).network
    with pytest.raises(PlanError, match="no folding for layer conv0"):
        make_plan(network, {}, PART, 200.0)


def test_interval_too_short_names_the_layer() -> None:
    """The busiest layer, and what it needs."""
    network = NetworkCase(10).network
    plan = draw_plan(network, 0)
    foldings = {entry.name: entry.folding for entry in plan.layers if entry.folding is not None}
    with pytest.raises(PlanError, match=r"an interval of 2 cycles: \w+ alone needs \d+"):
        make_plan(network, foldings, PART, 200.0, 2)


@pytest.mark.parametrize("device", PARTS, ids=lambda device: device.name)
def test_parts(device: Part) -> None:
    """With and without package and speed grade."""
    name = device.name
    assert part(name) is device
    assert part(f"{name.upper()}FFG1761-2") is device


def test_unknown_part() -> None:
    """The known ones are listed."""
    with pytest.raises(PartError, match="unknown part xc6slx9"):
        part("xc6slx9")
