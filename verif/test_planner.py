"""The planner: targets that are met, at the least cost of all choices, or refused in one sentence."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmabit.golden import import_model
from sigmabit.golden.convolution import Convolution
from sigmabit.golden.dense import Dense
from sigmabit.golden.network import Layer
from sigmabit.hdl.cost import Cost
from sigmabit.hdl.folding import Folding
from sigmabit.hdl.parts import FAMILIES, PARTS, Part, PartError, part
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


def test_all_parts() -> None:
    """Every device of DS180 and DS190, each once, by family."""
    counts = {family: sum(device.name.startswith(f"xc7{letter}") for device in PARTS) for letter, family in FAMILIES.items()}
    assert counts == {"Spartan-7": 6, "Artix-7": 8, "Kintex-7": 7, "Virtex-7": 11, "Zynq-7000": 10}
    assert len({device.name for device in PARTS}) == len(PARTS) == 42


def test_page_of_parts() -> None:
    """docs/parts.md has the numbers of all, in the file's order."""
    page = (Path(__file__).parents[1] / "docs" / "parts.md").read_text()
    rows = re.findall(r"^\| `(xc7\w+)` \| (\S+) \| (\S+) \| (\S+) \| (\S+) \| .+ \|$", page, re.MULTILINE)
    assert rows == [(p.name, f"{p.lut:,}", f"{p.ff:,}", f"{p.bram36:,}", f"{p.dsp:,}") for p in PARTS]


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("xc7s6cpga196-1", "xc7s6"),
        ("xc7s50csga324-1", "xc7s50"),
        ("xc7a12ticsg325-1L", "xc7a12t"),
        ("xc7a35ticsg324-1L", "xc7a35t"),
        ("xc7z007sclg400-1", "xc7z007s"),
        ("xc7z010clg400-1", "xc7z010"),
        ("xc7z020iclg400-1L", "xc7z020"),
        ("xc7z030sbg485-1", "xc7z030"),
        ("xc7z100ffg900-2", "xc7z100"),
        ("xc7vh870tflg1932-2", "xc7vh870t"),
    ],
)
def test_part_names(name: str, device: str) -> None:
    """Names as Vivado has them, where one device's is the beginning of another's or of a package's."""
    assert part(name).name == device


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("xc7s60", "unknown part xc7s60; of Spartan-7, known are xc7s6, xc7s15, xc7s25, xc7s50, xc7s75, xc7s100"),
        ("xc7k325ffg900-2", "unknown part xc7k325ffg900-2; of Kintex-7, known are xc7k70t, .*xc7k325t, .*xc7k480t"),
        ("xc7z0200clg", "unknown part xc7z0200clg; of Zynq-7000, known are xc7z007s, xc7z010, .*xc7z100"),
        ("xc6slx9", r"unknown part xc6slx9; known are the 7 series: Spartan-7 \(such as xc7s6\), .* Zynq-7000 \(such as .*\)"),
        ("x" * 1000, "unknown part x{60}; known are the 7 series: .*"),
    ],
)
def test_unknown_part(name: str, sentence: str) -> None:
    """The known ones of its family are listed, or the families."""
    with pytest.raises(PartError, match=f"^{sentence}$"):
        part(name)
