"""plan --sweep: a front of plans, each of which `plan --interval` makes too, as JSON, table and plot."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sigmabit.golden import import_model
from sigmabit.hdl.family import FAMILIES, SERIES7, Family
from sigmabit.hdl.planning.planner import STEP, Planner
from sigmabit.scripts.drawing import plots
from sigmabit.scripts.networks.random_network import random_network
from sigmabit.scripts.networks.shapes import SHAPES

from ..harness.command_line import DIGITS, MODELS, Call, Refused
from ..harness.random_networks import NetworkCase

pytestmark = pytest.mark.usefixtures("own_folder")

ENOUGH_S = 10
"""A tenth of it is what the sweep of the largest shipped network takes on one core."""


@settings(max_examples=20, deadline=None, database=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_front_of_plans(seed: int) -> None:
    """From the fastest on, each point is slower and smaller than the one before, and is the plan for its interval."""
    planner = Planner(NetworkCase(seed).network, "xc7vx690t", 200.0)
    points = list(planner.sweep())
    assert points[0].to_json() == planner.fastest().to_json()
    for fast, slow in itertools.pairwise(points):
        assert slow.interval >= STEP * fast.interval
        assert slow.cost.lut < fast.cost.lut
    for point in points:
        assert planner.plan(point.interval).to_json() == point.to_json()


@settings(max_examples=10, deadline=None, database=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_nothing_is_missed(seed: int) -> None:
    """A plan at any interval is hardly smaller than a point of the front that is as fast, give or take a step.

    Hardly: the front is looked for among estimates that do not know the weights.
    """
    planner = Planner(NetworkCase(seed).network, "xc7vx690t", 200.0)
    points = list(planner.sweep())
    for interval in np.unique(np.geomspace(points[0].interval, 2 * points[-1].interval, 12).astype(int)).tolist():
        plan = planner.plan(interval)
        assert min(point.cost.lut for point in points if point.interval <= STEP * plan.interval) <= 1.02 * plan.cost.lut


@pytest.mark.parametrize("seed", [3, 14, 16, 20, 25])
def test_every_point(seed: int) -> None:
    """Of all intervals that a layer can take, those with a smaller plan than all that are shorter, a hundredth apart."""
    planner = Planner(NetworkCase(seed).network, "xc7vx690t", 200.0)
    front = [planner.fastest()]
    for interval in planner.intervals:
        plan = planner.plan(interval)
        if plan.cost.lut < front[-1].cost.lut and interval >= 1.01 * front[-1].interval:
            front.append(plan)
    assert [plan.interval for plan in planner.sweep()] == [plan.interval for plan in front]


@settings(max_examples=8, deadline=None, database=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_front_of_latencies(seed: int) -> None:
    """From the soonest on, each point is later and smaller than the one before; the first is no later than the fastest plan."""
    planner = Planner(NetworkCase(seed).network, "xc7vx690t", 200.0)
    points = list(planner.sweep_latency())
    assert points[0].latency <= planner.fastest().latency
    for soon, late in itertools.pairwise(points):
        assert late.latency >= 1.5**0.25 * soon.latency
        assert late.cost.lut < soon.cost.lut


@pytest.mark.long
def test_both_aims_in_a_minute() -> None:
    """The network of Li et al., both fronts."""
    onnx.save(random_network("cifar10_bcnn", SHAPES["cifar10_bcnn"], 1).model, "m.onnx")
    network = import_model(Path("m.onnx"))
    began = time.process_time()
    planner = Planner(network, "xc7vx690t", 200.0)
    points, sooner = list(planner.sweep()), list(planner.sweep_latency())
    assert time.process_time() - began < 60
    assert sooner[0].latency < points[0].latency and len(sooner) > 20


def test_samples_take_their_time() -> None:
    """For a network that samples, an interval holds all samples of a frame."""
    network = import_model(MODELS / "trigger_57.onnx")
    once, thrice = (list(Planner(network, "xc7vx690t", 200.0, samples).sweep()) for samples in (1, 3))
    assert (once[0].interval, thrice[0].interval) == (1, 3)
    assert all(point.samples == 3 for point in thrice)


def test_a_real_network_is_swept_in_no_time() -> None:
    """The largest shipped network, start to end."""
    began = time.process_time()
    points = list(Planner(import_model(MODELS / "mnist_bcnn.onnx"), "xc7vx690t", 200.0).sweep())
    assert time.process_time() - began < ENOUGH_S
    assert len(points) > 20


def test_json_table_and_plot(call: Call) -> None:
    """The points of the table are those of the file, and `plan --interval` gives one of them."""
    found = call("plan", DIGITS, "--sweep", "--clock-mhz", 100, "-o", "sweep.json", "--plot", "sweep.png", "--json").json
    assert json.loads(Path("sweep.json").read_text()) == found
    assert (found["network"], found["part"], found["clock_mhz"]) == ("digits_bcnn", "xc7vx690t", 100)
    assert found["latency_points"][0]["latency_cycles"] < found["points"][0]["latency_cycles"]
    point = found["points"][3]
    assert point["fps"] == pytest.approx(100e6 / point["interval_cycles"])
    made = call("plan", DIGITS, "--interval", point["interval_cycles"], "--clock-mhz", 100, "--json").json
    assert {key: made[key] for key in point} == point
    with Image.open("sweep.png") as picture:
        assert picture.size > (1000, 700)
    people = call("plan", DIGITS, "--sweep", "--clock-mhz", 100).out
    rows = [line.split() for line in people.splitlines() if line.endswith("%")]
    points = [*found["points"], *found["latency_points"]]
    assert [row[0] for row in rows] == [f"{point['interval_cycles']:,}" for point in points]
    assert [row[3] for row in rows] == [f"{point['lut']:,}" for point in points]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_titles_are_the_familys(family: Family, call: Call) -> None:
    """What LUTs, memories and multipliers are called."""
    found = call("plan", DIGITS, "--sweep", "--part", family.parts[-1].name).out
    titles = found.partition("\u2500")[0]  # in a narrow terminal they take two lines
    assert all(family.resources[key].split()[0] in titles for key in ("lut", "bram36", "dsp"))


def test_side_by_side(call: Call) -> None:
    """Of the plans of an entrance, with as many positions as are given."""
    found = call("plan", DIGITS, "--sweep", "--positions", 4, "--json").json
    assert (found["positions"], found["points"][0]["interval_cycles"]) == (4, 16)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--sweep", "--interval", 500], "--latency and --fastest have no place beside it"),
        (["--sweep", "--fps", 500], "--latency and --fastest have no place beside it"),
        (["--plot", "x.png"], "--plot needs --sweep"),
        (["--sweep", "--plot", "x", "-o", "x"], "the same file"),
        (["--sweep", "--plot", "missing/x.png"], "its folder missing does not exist"),
        (["--sweep", "--part", "xc6slx9"], "unknown part xc6slx9"),
        (["--sweep", "--samples", 2], "draws none"),
        (["--sweep", "--positions", "auto"], "give --positions a number"),
        (["--sweep", "--positions", 3000], "3000 positions side by side, expected 1 to 8"),
    ],
)
def test_bad_input(refused: Refused, options: list[object], says: str) -> None:
    """One sentence, and nothing written."""
    refused(["plan", DIGITS, *options], says)


def test_names_that_look_like_formulas_are_drawn_as_they_are(tmp_path: Path) -> None:
    """Names come from files; what would be mathematics to Matplotlib, or an error in it, is text."""
    point = {"interval_cycles": 10, "lut": 100, "bram36": 0}
    plots.sweep(tmp_path / "x.png", r"$\frac{", [point], SERIES7.resources)
    plots.batches(tmp_path / "y.png", "$_$", (1, 2), {"$": [1e6, 1e6]}, {"$": [1e-6, 2e-6]}, plots.DARK)
