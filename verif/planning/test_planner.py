"""The planner: targets that are met, at the least cost of all choices, or refused in one sentence."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from sigmabit.golden import Precision, calibrated, import_model, import_real
from sigmabit.golden.arithmetic.activate import Activation
from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.dense import Dense
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.layers.layer import Layer
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.network.network import InputFormat, Network, OutputFormat
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.scalar import Chain
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.family import SERIES7, Cost, Part
from sigmabit.hdl.family.parts import PartError, family_of, part
from sigmabit.hdl.family.rules import FILL
from sigmabit.hdl.layers.folding import Folding
from sigmabit.hdl.layers.kind import Use
from sigmabit.hdl.planning.kinds import kind_of
from sigmabit.hdl.planning.knapsack import GRAIN, grained, lightest, smallest
from sigmabit.hdl.planning.plan import Plan, PlanError, make_plan, read_plan
from sigmabit.hdl.planning.planner import Choices, Planner

from ..harness.command_line import MODELS
from ..harness.random_networks import NetworkCase, draw_plan
from ..harness.random_vaes import VaeCase
from ..harness.real_graphs import Vae

PART = "xc7vx690t"

ENOUGH_S = 60
"""Twice what the large autoencoder takes on one core."""

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
            kind_of(layer).folding(folding)
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
    """Where the part has plenty, no folding of any layer within the interval takes fewer LUTs than the one chosen."""
    network = case.network
    planner = Planner(network, PART, 200.0)
    target = int(planner.fastest().interval * factor)
    plan = planner.plan(target)
    assert plan.interval <= target
    for layer in weighted(network.layers):
        folding = next(entry.folding for entry in plan.layers if entry.name == layer.name)
        assert folding is not None
        kind = kind_of(layer)
        choices = [f for f in every_folding(layer) if kind.cycles(f) <= target]
        assert kind.expected_cost(folding, Use(SERIES7)).lut <= min(kind.expected_cost(f, Use(SERIES7)).lut for f in choices)


class Exhaustive:
    """All combinations of what a planner may choose, tried one after the other; shares no code with its search."""

    def __init__(self, planner: Planner) -> None:
        self.planner, self.room = planner, (0.0,) * 4
        self.layers = [
            [
                (planner.repetitions[name] * choices.kind.cycles(f), astuple(expected_cost(choices, f)))
                for f in choices.foldings
                if not f.eager and f.products != "tables"
            ]
            for name, choices in planner.choices.items()
        ]

    @property
    def intervals(self) -> list[int]:
        """Cycles of any choice, but for those that some layer cannot keep up with."""
        least = max(min(cycles for cycles, _ in layer) for layer in self.layers)
        least = max(least, *(self.planner.repetitions[name] * kind.least_cycles for name, kind in self.planner.kinds.items()))
        least = max(least, self.planner.network.input.tensor.layout.beats)
        return sorted({max(least, cycles) for layer in self.layers for cycles, _ in layer})

    def tables(self, interval: int) -> list[np.ndarray]:
        """For each layer the costs that no other one betters."""
        tables = [np.unique([cost for cycles, cost in layer if cycles <= interval], axis=0) for layer in self.layers]
        return [table[np.all(table[:, None] <= table, axis=2).sum(axis=0) == 1] for table in tables]

    @property
    def combinations(self) -> int:
        """How many there are at the longest interval."""
        return math.prod(map(len, self.tables(self.intervals[-1])))

    def least(self, interval: int) -> tuple[float, ...] | None:
        """LUT, registers, block RAM and DSP48 of the smallest of all combinations that fit."""
        totals = np.array([astuple(self.planner.fixed)])
        for table in self.tables(interval):
            totals = (totals[:, None] + table).reshape(-1, 4)
        fitting = totals[np.all(totals <= np.array(self.room) + 1e-6, axis=1)]
        return min(map(tuple, fitting.round(3).tolist()), default=None)


def expected_cost(choices: Choices, folding: Folding) -> Cost:
    """Of one choice."""
    return choices.kind.expected_cost(folding, choices.use)


def cost_of_plan(planner: Planner, plan: Plan) -> tuple[float, ...]:
    """What the planner expected of a plan's foldings."""
    foldings = {entry.name: entry.folding for entry in plan.layers}
    total = sum((expected_cost(c, foldings[name] or c.foldings[0]) for name, c in planner.choices.items()), planner.fixed)
    return tuple(np.round(astuple(total), 3).tolist())


def narrow(everything: Exhaustive, random: np.random.Generator, tight: int) -> Part:
    """A part that has a little more or less of one resource than some interval needs, and of the others plenty or some."""
    intervals = everything.intervals
    everything.room = (np.inf,) * 4
    free = everything.least(intervals[int(random.integers(len(intervals)))])
    assert free is not None
    has = [
        amount * random.uniform(0.3, 1.1) if n == tight else amount * random.uniform(1, 3) + 1 for n, amount in enumerate(free)
    ]
    part = Part("narrow", int(has[0] / FILL), int(has[1] / FILL), int(has[2]), int(has[3]))
    everything.room = FILL * part.lut, FILL * part.ff, part.bram36, part.dsp
    return part


def test_choice_is_exact() -> None:
    """On 100 small networks and parts: the fastest interval, the least area at others, and nothing refused that fits.

    Each resource is what is short for a quarter of them.
    """
    refused, made, seed = [0] * 4, [0] * 4, 0
    while sum(refused) + sum(made) < 500:
        seed += 1
        random, tight = np.random.default_rng(seed), seed % 4
        network = WideCase(seed).network if tight == 3 else (VaeCase(seed) if seed % 8 < 4 else NetworkCase(seed)).network
        planner = Planner(network, PART, 200.0, every_way=True)
        everything = Exhaustive(planner)
        if everything.combinations > 50_000:
            continue
        planner.part = narrow(everything, random, tight)
        intervals = everything.intervals
        shortest = next((interval for interval in intervals if everything.least(interval)), None)
        if shortest:
            assert planner.fastest().interval == shortest
            assert cost_of_plan(planner, planner.fastest()) == everything.least(shortest)
        else:
            with pytest.raises(PlanError, match=r"even an interval of .* needs at least .*; narrow offers"):
                planner.fastest()
        for interval in random.choice(intervals, 5).tolist():
            least = everything.least(interval)
            if least is None:
                refused[tight] += 1
                with pytest.raises(PlanError, match=rf"an interval of {interval} cycles needs at least .*; narrow offers"):
                    planner.plan(interval)
            else:
                made[tight] += 1
                assert cost_of_plan(planner, planner.plan(interval)) == least
    assert min(refused) >= 10 and min(made) >= 10


@dataclass(frozen=True)
class WideCase:
    """Two or three dense layers of weights and codes of eight bits and more, which DSP48 multiply."""

    seed: int

    @property
    def network(self) -> Network:
        """The network."""
        random = np.random.default_rng(self.seed)
        tensor, layers = TensorType(1, int(random.integers(1, 4)), int(random.integers(1, 5)), Range.of_bits(8)), []
        start = tensor
        for number in range(int(random.integers(2, 4))):
            whole = Window(Axis(1, 1), Axis(tensor.width, tensor.width))
            shape = 1, tensor.width, tensor.channels, int(random.integers(1, 7))
            weights, bias = random.integers(-200, 200, shape), np.zeros(shape[3], np.int64)
            grid = Grid(1, 0, 1.0)
            layer = Fixed(f"dense{number}", (), tensor, grid, whole, weights, bias, Activation(8, 8, signed=False))
            layers.append(layer)
            tensor = layer.output
        inside = InputFormat("x", (start.size,), np.arange(start.size), start, Grid(1, 0, 1.0), None)
        outside = OutputFormat("y", (tensor.size,), np.arange(tensor.size), np.ones((), np.float32), 1, 0, Chain(()))
        return Network(f"wide_{self.seed}", inside, tuple(layers), outside)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("multipliers", [0, 1])
def test_few_multipliers(seed: int, multipliers: int) -> None:
    """LUTs multiply instead, where there are enough: as fast, and for any latency; where not, what they fall short of is said."""
    network = WideCase(seed).network
    plenty = Planner(network, PART, 200.0).fastest()
    planner = Planner(network, PART, 200.0)
    planner.part = replace(planner.part, dsp=multipliers)
    assert plenty.cost.dsp > multipliers
    for plan, slower in ((planner.fastest(), planner.plan(4 * plenty.interval)), (planner.hasty(), planner.within(None, 99))):
        assert plan.interval == plenty.interval
        assert max(plan.cost.dsp, slower.cost.dsp) <= multipliers
        assert planner.fits(plan) and planner.fits(slower)
    assert slower.latency <= 99
    latency = planner.hasty().latency
    assert planner.within(None, latency).latency == latency
    planner = Planner(network, PART, 200.0)
    planner.part = replace(planner.part, dsp=multipliers, lut=int(1.1 * plenty.cost.lut / FILL))
    assert not planner.fits(plenty) and not planner.fits(plan)
    short = r"cycles needs at least [\d,]+ LUT, with no more .* and DSP48 than there are; xc7vx690t offers"
    with pytest.raises(PlanError, match=rf"^an interval of {plenty.interval} {short}"):
        planner.plan(plenty.interval)


def test_fits() -> None:
    """Up to the last of each resource, of which a share is left free."""
    planner = Planner(WideCase(0).network, PART, 200.0)
    plan = planner.fastest()
    taken = dict(zip(("lut", "ff", "bram36", "dsp"), astuple(plan.cost), strict=True))
    exact = replace(
        planner.part, **{name: math.ceil(amount / (FILL if name in ("lut", "ff") else 1)) for name, amount in taken.items()}
    )
    planner.part = exact
    assert planner.fits(plan)
    for name, amount in taken.items():
        planner.part = replace(exact, **{name: math.ceil(amount / (FILL if name in ("lut", "ff") else 1)) - 2})
        assert not planner.fits(plan)


def test_room_of_sums() -> None:
    """Sums of costs below 2**33 are exact in floats."""
    assert 2**53 * GRAIN == 2**33
    assert grained(np.array([GRAIN / 4, GRAIN, 1.0, 1 / 3])).tolist() == [0.0, GRAIN, 1.0, round(2**20 / 3) / 2**20]


@pytest.mark.parametrize("seed", range(8))
def test_lightest(seed: int) -> None:
    """The first columns' sum is the least that any combination has within the limits, to a thousandth."""
    random = np.random.default_rng(seed)
    tables = [random.integers(1, 900, (5, 3)).astype(np.float64) for _ in range(6)]
    limits = sum((table.mean(axis=0) for table in tables), np.zeros(3)) * 1.1
    sums = np.zeros((1, 3))
    for table in tables:
        sums = (sums[:, None] + table).reshape(-1, 3)
    least = sums[(sums <= limits).all(axis=1), 0].min()
    rows = lightest(tables, limits)
    assert rows is not None
    found = sum((table[row] for table, row in zip(tables, rows, strict=True)), np.zeros(3))
    assert np.all(found <= limits)
    assert least <= found[0] <= 1.001 * least
    assert lightest(tables, np.array([1e9, 1e9, 1.0])) is None


def test_a_talkative_solver(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """What HiGHS says to the standard output, which is JSON's, is kept back."""

    def says(*given: Any, **options: Any) -> Any:
        os.write(1, b"HighsMipSolverData::transformNewIntegerFeasibleSolution tmpSolver.run();")
        return milp(*given, **options)

    monkeypatch.setattr("scipy.optimize.milp", says)
    assert lightest([np.array([[2.0, 1.0], [1.0, 3.0]])], np.array([9.0, 2.0])) == [0]
    os.write(1, b"done")
    assert capfd.readouterr().out == "done"


@pytest.mark.parametrize("seed", range(40))
def test_knapsack(seed: int) -> None:
    """One row of each table: what all combinations say, limits of infinity and equal rows included."""
    random = np.random.default_rng(seed)
    tables = [random.integers(0, 9, (random.integers(1, 6), 4)).astype(np.float64) for _ in range(random.integers(0, 6))]
    for _ in range(5):
        limits = sum((table.mean(axis=0) for table in tables), np.zeros(4)) * random.uniform(0.7, 1.3, 4)
        limits[random.integers(0, 4, random.integers(0, 2))] = np.inf
        sums = [sum(rows, np.zeros(4)) for rows in itertools.product(*tables)]
        least = min((tuple(total) for total in sums if np.all(total <= limits)), default=None)
        for width in (1, 1024):
            rows = smallest(tables, limits, width)
            found = None if rows is None else tuple(sum((t[row] for t, row in zip(tables, rows, strict=True)), np.zeros(4)))
            assert found == least


@pytest.mark.parametrize(
    ("device", "interval", "lut", "bram36"), [("xc7a35t", 32_768, 15_367, 50), ("xc7z020", 3_072, 45_012, 137)]
)
def test_fastest_of_a_real_network(device: str, interval: int, lut: float, bram36: float) -> None:
    """The shipped CIFAR-10 network, against another solver."""
    planner = Planner(import_model(MODELS / "cifar10_bcnn_small.onnx"), device, 200.0)
    plan = planner.fastest()
    assert plan.interval == interval
    total = cost_of_plan(planner, plan)
    assert (round(total[0]), total[2]) == (lut, bram36)
    assert by_milp(planner, interval) == pytest.approx(total[0], abs=0.01)
    assert by_milp(planner, interval - 1) is None
    with pytest.raises(PlanError, match=rf"an interval of {interval - 1} cycles needs at least [\d,]+ LUT, .* {device} offers"):
        planner.plan(interval - 1)


def test_exits_are_reckoned() -> None:
    """What is not folded is expected as large as it turns out, the queue of whole images behind an autoencoder included."""
    planner = Planner(import_model(MODELS / "mnist_vae.onnx"), PART, 200.0)
    plan = planner.plan(25_088)
    assert plan.pipeline.noise is not None
    ends = plan.pipeline.ingress.bill(SERIES7) + plan.pipeline.egress.bill(SERIES7)
    found = sum((entry.config.bill(SERIES7) for entry in plan.layers if entry.name not in planner.choices), ends)
    assert plan.pipeline.egress.bill(SERIES7).bram36 > 0 and planner.fixed.bram36 >= found.bram36
    assert 0 <= planner.fixed.lut - found.lut < 250
    assert planner.fixed.ff >= found.ff


def test_large_autoencoder(tmp_path: Path) -> None:
    """64x64x3 through 32 to 512 channels to 128 latents and back, from the file to the plan, or to what is short."""
    path = large_autoencoder(tmp_path / "large.onnx")
    began = time.process_time()
    network = import_real(path, None)
    frames = np.random.default_rng(1).integers(0, 256, (2, 3, 64, 64)).astype(np.float32) / 255
    planner = Planner(import_model(path, None, calibrated(network, frames, Precision())), PART, 200.0)
    short = (
        r"even an interval of [\d,]+ cycles needs at least [\d,.]+ RAMB36, .* offers 1,470; deconv1 alone takes [\d,.]+ RAMB36$"
    )
    with pytest.raises(PlanError, match=short):
        planner.fastest()
    planner.part = replace(planner.part, bram36=4_000)
    assert planner.fastest().cost.bram36 <= 4_000
    assert time.process_time() - began < ENOUGH_S


def large_autoencoder(path: Path) -> Path:
    """Convolutions and transposed convolutions of stride 2, twelve million weights."""
    g = Vae((3, 64, 64), np.random.default_rng(0))
    x, before = "x", 3
    for channels in (32, 64, 128, 256, 512):
        kernel, bias = g.weights(channels, before, 3, 3, fan=9 * before), g.weights(channels, fan=4)
        x, before = g("Relu", g("Conv", x, kernel, bias, strides=[2, 2], pads=[1, 1, 1, 1])), channels
    mean, logarithm = g.heads(g("Flatten", x), 2048, 128)
    x = g("Reshape", g("Relu", g.dense(g.draw(mean, logarithm), 128, 2048)), np.array([-1, 512, 2, 2]))
    for channels in (256, 128, 64, 32, 3):
        kernel, bias = g.weights(before, channels, 4, 4, fan=4 * before), g.weights(channels, fan=4)
        x = g("ConvTranspose", x, kernel, bias, strides=[2, 2], pads=[1, 1, 1, 1])
        x, before = g("Sigmoid" if channels == 3 else "Relu", x), channels
    return g.save(path, x)


def by_milp(planner: Planner, interval: int) -> float | None:
    """LUTs of the smallest choice, by integer programming."""
    tables = [
        choices.costs[(choices.cycles <= interval) & ~np.isnan(choices.costs[:, 0])] for choices in planner.choices.values()
    ]
    rows = np.concatenate(tables)
    room = planner.room - np.array(astuple(planner.fixed))
    one_of_each = np.repeat(np.eye(len(tables)), [len(table) for table in tables], axis=1)
    constraints = [LinearConstraint(one_of_each, 1, 1), LinearConstraint(rows.T, -np.inf, room)]
    found = milp(rows[:, 0], constraints=constraints, bounds=Bounds(0, 1), integrality=1, options={"mip_rel_gap": 0})
    return None if found.x is None else float(found.fun + planner.fixed.lut)


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


@pytest.mark.parametrize("seed", [9, 24, 49])
def test_wide_plan_survives_its_file(tmp_path: Path, seed: int) -> None:
    """With several positions side by side behind a shuffle, too; the file says so of each layer."""
    case = VaeCase(seed, 3)
    plan = draw_plan(case.network, seed, positions=3, wide=3)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan.to_json()))
    assert read_plan(path, case.network) == plan
    assert [layer.get("positions", 1) for layer in plan.to_json()["layers"]] == [layer.kind.places for layer in plan.layers]


@pytest.mark.parametrize(
    ("layer", "given", "sentence"),
    [
        ("shuffle", 4, "shuffle: 4 positions side by side, expected 1 to 3, a row of its result"),
        ("shuffle", 0, "shuffle: 0 positions side by side, expected 1 to 3, a row of its result"),
        ("dense", 2, "dense: it gives 1 positions side by side, not 2"),
        ("shuffle", "2", 'not a plan: positions is "2"'),
    ],
)
def test_positions_that_no_layer_gives(tmp_path: Path, layer: str, given: Any, sentence: str) -> None:
    """A plan that wants them is refused."""
    network = VaeCase(49).network
    data = draw_plan(network, 49).to_json()
    next(entry for entry in data["layers"] if entry["name"] == layer)["positions"] = given
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(data))
    with pytest.raises(PlanError, match=f": {sentence}$"):
        read_plan(path, network)


CHANGED: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    ("latency", lambda d: d.update(latency_cycles=7), "latency_cycles is 7, but what is planned takes {latency}; leave it out"),
    ("latency of a layer", lambda d: of_first(d).update(latency_cycles=1), "{name}: latency_cycles is 1, but .* takes {done};"),
    (
        "cycles of a layer",
        lambda d: of_first(d).update(interval_cycles=1),
        "{name}: interval_cycles is 1, .* takes {cycles};",
    ),
    ("latency that is none", lambda d: d.update(latency_cycles="7"), 'not a plan: latency_cycles is "7"'),
    ("frame rate", lambda d: d.update(fps=5.0), "fps is 5, but {interval} cycles at 200 MHz give {fps:g}; leave it out"),
    ("entry", lambda d: d.update(latency=7), 'a plan has no entry "latency"; it may have schema, network, output'),
    (
        "long entry",
        lambda d: d.update({99 * "x": 7}),
        'a plan has no entry "' + 39 * "x" + "; it may have schema, network, output",
    ),
    ("entry of a layer", lambda d: of_first(d).update(cycles=7), '{name}: a layer of a plan has no entry "cycles"; it may'),
    ("entry of a folding", lambda d: of_first(d)["folding"].update(fold=7), '{name}: a folding has no entry "fold"; it may have'),
    (
        "folding",
        lambda d: of_pool(d).update(folding=of_first(d)["folding"]),
        "pool1: a folding of what cannot be folded",
    ),
]
"""What is changed in a plan.json, how, and what the plan is then refused for."""


def of_first(data: dict[str, Any]) -> Any:
    """The first layer of a plan.json, which is folded."""
    return data["layers"][0]


def of_pool(data: dict[str, Any]) -> Any:
    """A layer of a plan.json that is not folded."""
    return next(layer for layer in data["layers"] if layer["name"] == "pool1")


@pytest.mark.parametrize(("change", "sentence"), [changed[1:] for changed in CHANGED], ids=[changed[0] for changed in CHANGED])
def test_plan_that_contradicts_itself(tmp_path: Path, change: Callable[[dict[str, Any]], Any], sentence: str) -> None:
    """Cycles that do not follow from its foldings, and entries that no plan has, are refused by name with both numbers."""
    network = import_model(MODELS / "digits_bcnn.onnx")
    plan = draw_plan(network, 3)
    path, data, first = tmp_path / "plan.json", plan.to_json(), plan.layers[0]
    change(data)
    path.write_text(json.dumps(data))
    said = sentence.format(
        name=first.name, done=first.done, cycles=first.cycles, latency=plan.latency, interval=plan.interval, fps=plan.fps
    )
    with pytest.raises(PlanError, match=f": {re.escape(said).replace(re.escape('.*'), '.*')}"):
        read_plan(path, network)


def test_plan_of_an_earlier_program(tmp_path: Path) -> None:
    """Other estimates, and entries that are missing, change nothing."""
    network = import_model(MODELS / "digits_bcnn.onnx")
    plan = draw_plan(network, 3)
    path, data = tmp_path / "plan.json", plan.to_json()
    for entry in (data, *data["layers"]):
        entry.update(lut=1, ff=2, bram36=0.5, dsp=4)
    path.write_text(json.dumps(data))
    assert read_plan(path, network) == plan
    for entry in (data, *data["layers"]):
        for key in ("lut", "ff", "bram36", "dsp", "fps", "latency_cycles", "shape"):
            entry.pop(key, None)
    for layer in data["layers"]:
        del layer["interval_cycles"]
    path.write_text(json.dumps(data))
    assert read_plan(path, network) == plan


def test_slower_is_smaller() -> None:
    """More cycles never cost the layers more LUTs, on a network large enough for it to matter; the entrance counts further."""
    network = NetworkCase(10).network
    planner = Planner(network, PART, 200.0)
    fastest = planner.fastest().interval
    plans = [planner.plan(fastest * factor) for factor in (1, 2, 4, 8)]
    costs = [sum(layer.config.bill(SERIES7).lut for layer in plan.layers) for plan in plans]
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
    with pytest.raises(PlanError, match=rf"an interval of {fastest} cycles needs at least .*; tiny offers"):
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


@pytest.mark.parametrize("device", SERIES7.parts, ids=lambda device: device.name)
def test_parts(device: Part) -> None:
    """With and without package and speed grade."""
    name = device.name
    assert part(name) is device and family_of(device) is SERIES7
    assert part(f"{name.upper()}FFG1761-2") is device


def test_all_parts() -> None:
    """Every device of DS180 and DS190, each once, by family."""
    counts = {series: sum(part.name.startswith(start) for part in SERIES7.parts) for start, series in SERIES7.series.items()}
    assert counts == {"Spartan-7": 6, "Artix-7": 8, "Kintex-7": 7, "Virtex-7": 11, "Zynq-7000": 10}
    assert len({device.name for device in SERIES7.parts}) == len(SERIES7.parts) == 42


def test_page_of_parts() -> None:
    """docs/family/parts.md has the numbers of all, in the file's order."""
    page = (Path(__file__).parents[2] / "docs" / "family" / "parts.md").read_text()
    rows = re.findall(r"^\| `(xc7\w+)` \| (\S+) \| (\S+) \| (\S+) \| (\S+) \| .+ \|$", page, re.MULTILINE)
    assert rows == [(p.name, f"{p.lut:,}", f"{p.ff:,}", f"{p.bram36:,}", f"{p.dsp:,}") for p in SERIES7.parts]


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
        ("", "unknown part ; known are the 7 series: .*"),
        ("xc7a35t\nx", r"unknown part 'xc7a35t\\nx': behind xc7a35t may stand a package, .*, or nothing"),
        (
            "xc7z020zzz",
            "unknown part xc7z020zzz: behind xc7z020 may stand a package, with or without speed grade, .*, or nothing",
        ),
        ("xc7a35tcpg236-4", "unknown part xc7a35tcpg236-4: behind xc7a35t may stand .*"),
        ("lfe5u-85f-whatever", "unknown part lfe5u-85f-whatever: behind lfe5u-85f may stand speed grade, 6 to 8, package .*"),
        ("LFE5U-85F-9BG381C", "unknown part LFE5U-85F-9BG381C: behind lfe5u-85f may stand .*"),
        ("lfe5u-85fx", "unknown part lfe5u-85fx: behind lfe5u-85f may stand .*"),
        ("GW2A-18XX", "unknown part GW2A-18XX: behind gw2a-18 may stand package and speed grade, such as QN88C8/I7, or nothing"),
        ("xczu3eg-nonsense", "unknown part xczu3eg-nonsense: behind xczu3eg may stand a package, .*"),
    ],
)
def test_unknown_part(name: str, sentence: str) -> None:
    """The known ones of its family are listed, or the families."""
    with pytest.raises(PartError, match=f"^{sentence}$"):
        part(name)
