"""Networks with residual sums: decisions of the float graph, whole pipelines whatever comes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden import Network, UnsupportedModelError, import_model
from sigmabit.golden.layers.residual import Residual
from sigmabit.hdl.planning.plan import Plan, read_plan
from sigmabit.hdl.planning.planner import Planner

from ..harness.command_line import command
from ..harness.onnx_graphs import Builder
from ..harness.random_networks import draw_plan
from ..harness.random_residuals import GraphCase, ResidualCase, draw_beside, draw_graph, draw_whole_graph
from ..harness.suite import MyHdlTests, VerilogTests
from ..harness.ties import frames_met
from ..pipeline.test_top import TopSuite
from ..simulation import Stalls, reference, simulate
from ..simulation.compare import first_difference

pytestmark = pytest.mark.filterwarnings("ignore:Output shapes disagree")


def agrees(seed: int, folder: Path, drawn: Callable[[int, Path], GraphCase] = draw_graph) -> tuple[int, int]:
    """How many sums a drawn graph has, and how many channels of its layers change; its results are qonnx's, within rounding of
    the scores, but for frames in which a sum lies on a tie that is listed.
    """
    case = drawn(seed, folder)
    network = import_model(case.path)
    expected = reference.execute(case.path, case.x, whole=True).outputs
    same = np.isclose(network.run(case.x), expected, rtol=1e-5, atol=1e-5).reshape(len(case.x), -1).all(axis=1)
    if not same.all():
        assert np.all(same | frames_met(network.ties, network.layers, network.input.encode(case.x)))
    live = sum(int((~reach.constant_channels).sum()) for reach in network.reach.values())
    return sum(isinstance(layer, Residual) for layer in network.every), live


@pytest.mark.parametrize("seeds", [range(12), range(12, 24)], ids=["0-11", "12-23"])
def test_graphs(seeds: range, tmp_path: Path) -> None:
    """Sums of ways of one convolution to three and of none, nested, with strides, differences, scales of several ratios."""
    found = [agrees(seed, tmp_path) for seed in seeds]
    assert sum(sums for sums, _ in found) > len(seeds)
    assert sum(live for _, live in found) > 8 * len(seeds)


def tried(seeds: range, folder: Path, drawn: Callable[[int, Path], GraphCase]) -> tuple[list[tuple[int, int]], list[str]]:
    """What those that are accepted have, and why others are refused."""
    found, refused = [], []
    for seed in seeds:
        try:
            found.append(agrees(seed, folder, drawn))
        except UnsupportedModelError as error:
            refused.append(str(error))
    return found, refused


ROUNDED = "float32 rounds sums of them that are equal"
MANY = "pairs of numbers to be tried, at most"


@pytest.mark.parametrize("drawn", [draw_whole_graph, draw_beside])
def test_whole_graphs(drawn: Callable[[int, Path], GraphCase], tmp_path: Path) -> None:
    """Sums of three ways, sums that go on as they are, to the output or beside their quantisers; channels side by side."""
    found, refused = tried(range(14), tmp_path, drawn)
    assert not [text for text in refused if ROUNDED not in text]
    assert len(refused) <= 2
    assert drawn == draw_beside or sum(sums for sums, _ in found) > len(found)
    assert sum(live for _, live in found) > 8 * len(found)


@pytest.mark.long
@pytest.mark.parametrize("drawn", [draw_whole_graph, draw_beside])
@pytest.mark.parametrize("first", range(14, 214, 40))
def test_more_whole_graphs(first: int, drawn: Callable[[int, Path], GraphCase], tmp_path: Path) -> None:
    """200 more of each."""
    _, refused = tried(range(first, first + 40), tmp_path, drawn)
    assert not [text for text in refused if ROUNDED not in text and MANY not in text]
    assert len(refused) <= 4


@pytest.mark.long
@pytest.mark.parametrize("first", range(24, 264, 40))
def test_more_graphs(first: int, tmp_path: Path) -> None:
    """240 more."""
    refused = 0
    for seed in range(first, first + 40):
        try:
            agrees(seed, tmp_path)
        except UnsupportedModelError:
            refused += 1
    assert refused <= 4


QUICK = (2, 5, 8, 11, 18, 19, 23, 26, 28, 30, 34, 38, 40, 48, 51, 52, 55, 56)
"""Seeds of networks whose frames take few cycles."""

QUICK_SUMS = (7, 11, 18, 22, 25, 30, 34, 38)
"""The same of those whose sums go on as they are, or lie side by side."""


class ResidualTopSuite(TopSuite):
    """Whole pipelines of drawn layers: pauses, back-pressure, malformed frames and resets, at the planned cycles."""

    costly, examples = 10, 3
    # an identity; a projection that needs a delay; two sums, one with skip waited for, two positions side by side; one in another
    # a sum of three ways, and in the last sum, which is the result, codes side by side
    samples = tuple(ResidualCase(*case) for case in ((34,), (19,), (40, 2), (30,), (7, 1, True)))

    def configs(self) -> st.SearchStrategy[ResidualCase]:  # type: ignore[override]
        coded = st.builds(ResidualCase, st.sampled_from(QUICK), st.sampled_from([1, 2]))
        return coded | st.builds(ResidualCase, st.sampled_from(QUICK_SUMS), st.sampled_from([1, 2]), st.just(True))


class TestMyHdl(ResidualTopSuite, MyHdlTests):
    pass


class TestVerilog(ResidualTopSuite, VerilogTests):
    pass


@pytest.mark.long
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("first", range(0, 100, 10))
def test_more_networks(first: int, whole: bool) -> None:
    """200 drawn networks of sums, of channels side by side, and of both in one another: every integer, at the planned cycles."""
    for seed in range(first, first + 10):
        case = ResidualCase(seed, 1 + seed % 2, whole)
        tensor, plan = case.network.input.tensor, case.plan
        codes = np.random.default_rng(seed).integers(tensor.low, tensor.high + 1, (plan.settling + 4, *tensor.shape))
        expected = dict(case.network.steps(codes))
        measured = simulate(plan, codes, taps=True, optimise=0)
        assert first_difference(expected, measured.trace) is None
        assert measured.latency == plan.latency
        assert set(np.diff(measured.last_out[plan.settling :]).tolist()) == {plan.interval}
        stalled = simulate(plan, codes, taps=True, stalls=Stalls(idle=100, backpressure=120, seed=seed), optimise=0)
        assert first_difference(expected, stalled.trace) is None


def small(path: Path, scale: float = 0.5) -> Path:
    """A convolution, an identity around two, a projection around one, in halves; scores."""
    random, g = np.random.default_rng(3), Builder((2, 6, 6))

    def conv(y: str, *shape: int, **attributes: Any) -> str:
        return g("Conv", y, random.integers(-2, 3, shape).astype(np.float32), pads=[shape[2] // 2] * 4, **attributes)

    y = g.quant(g("Relu", conv(g.quant("x", 4, 0.25, signed=0), 4, 2, 3, 3)), 3, 0.5, signed=0)
    a = conv(g.quant(g("Relu", conv(y, 4, 4, 3, 3)), 2, 2.0, signed=0), 4, 4, 3, 3)
    y = g.quant(g("Relu", g("Add", a, g("Mul", y, scale))), 3, 2.0, signed=0)
    a = g.quant(conv(y, 5, 4, 3, 3, strides=[2, 2]), 4, 2.0)
    y = g.quant(g("Add", g.quant(conv(y, 5, 4, 1, 1, strides=[2, 2]), 4, 1.0), a), 3, 3.0)
    return g.save(path, g("MatMul", g("Flatten", y), random.integers(-2, 3, (45, 3)).astype(np.float32)))


def pixels(network: Network, count: int) -> np.ndarray:
    """Random frames."""
    return np.random.default_rng(5).uniform(-0.5, 4.5, (count, *network.input.shape)).astype(np.float32)


def test_from_file_to_verilog(tmp_path: Path) -> None:
    """A file's network at the planned cycles, with and without stalls, every integer of every layer, those of both ways too."""
    network = import_model(small(tmp_path / "small.onnx"))
    names = [layer.name for layer in network.every]
    assert names == ["conv1", "conv2", "conv3", "add1", "conv4", "conv5", "add2", "dense1"]
    plan = Planner(network, "xc7vx690t", 200.0).plan(150)
    codes = network.input.encode(pixels(network, 24))
    expected = dict(network.steps(codes))
    measured = simulate(plan, codes, taps=True, optimise=0)
    assert first_difference(expected, measured.trace) is None
    assert set(names) <= set(measured.trace)
    assert measured.latency == plan.latency
    assert set(np.diff(measured.last_out[plan.settling :]).tolist()) == {plan.interval}
    stalled = simulate(plan, codes, taps=True, stalls=Stalls(idle=100, backpressure=120, seed=3), optimise=0)
    assert first_difference(expected, stalled.trace) is None


def test_golden(tmp_path: Path) -> None:
    """The same file, executed by qonnx."""
    path = small(tmp_path / "small.onnx")
    network = import_model(path)
    x = pixels(network, 60)
    assert np.array_equal(network.run(x), reference.execute(path, x).outputs)
    assert not network.constant_layers


def test_inspect(tmp_path: Path) -> None:
    """The layers of both ways, and which results a sum adds."""
    found = command("inspect", small(tmp_path / "small.onnx"), "--json").json
    assert [layer["name"] for layer in found["layers"]] == ["conv1", "conv2", "conv3", "add1", "conv4", "conv5", "add2", "dense1"]
    assert found["sums"] == {"add1": ["conv3", "conv1"], "add2": ["conv4", "conv5"]}


def test_plan_file(tmp_path: Path) -> None:
    """A plan of such a network is read back as it was."""
    network = import_model(small(tmp_path / "small.onnx"))
    plan = draw_plan(network, 1)
    (tmp_path / "plan.json").write_text(_json(plan))
    assert read_plan(tmp_path / "plan.json", network).to_json() == plan.to_json()


def _json(plan: Plan) -> str:
    import json

    return json.dumps(plan.to_json())


TwoWays = Callable[[Builder, str], tuple[str, str]]

ONES = np.ones((4, 2, 3, 3), np.float32)
POINTS = np.ones((4, 4, 1, 1), np.float32)


def conv(g: Builder, y: str) -> str:
    """One more layer of four channels, quantised in halves."""
    return g.quant(g("Conv", y, POINTS), 4, 0.5)


def shifted(g: Builder, high: str, low: str, **name: str) -> str:
    """A sum in whose integers one way's are far above the other's."""
    return g("Add", g("Mul", high, 2048.0), low, **name)  # type: ignore[arg-type]


REFUSED: dict[str, tuple[TwoWays, str]] = {
    "unrelated steps": (
        lambda g, y: (conv(g, y), g.quant(g("Conv", y, POINTS), 4, 0.7071)),
        r"sum \(Add\): it adds numbers in steps of 0.5 and of 0.707\d*, whose ratio is no fraction of small numbers",
    ),
    "shapes": (
        lambda g, y: (g.quant(g("Conv", y, POINTS, strides=[2, 2]), 4, 0.5), y),
        r"sum \(Add\): it adds activations of shapes \(1, 4, 2, 2\) and \(1, 4, 4, 4\), expected the same",
    ),
    "channels": (
        lambda g, y: (g.quant(g("Conv", y, POINTS[:1]), 4, 0.5), y),
        r"sum \(Add\): it adds activations of shapes \(1, 1, 4, 4\) and \(1, 4, 4, 4\), expected the same",
    ),
    "not linear": (
        lambda g, y: (g("Relu", g("Sub", g("Conv", y, POINTS), 3.0, name="less"), name="relu"), y),
        r"sum \(Add\): one of its inputs is not a linear function of integers, after less, relu; a quantiser makes it one",
    ),
    "rearranged": (
        lambda g, y: (conv(g, y), g("Transpose", y, perm=[0, 1, 3, 2])),
        r"sum \(Add\): it adds activations that lie differently on their streams",
    ),
    "two codes of pooled sums": (
        lambda g, y: (
            conv(g, g.quant(g("MaxPool", g("Conv", y, POINTS, name="c"), kernel_shape=[1, 1], name="p"), 2, 1.0)),
            conv(g, g.quant("p_y", 3, 0.5)),
        ),
        r"it takes the sums of c, which also feed .* as other codes; only what a quantiser gives can go two ways",
    ),
    "wide sums": (
        lambda g, y: (shifted(g, shifted(g, g("Conv", y, POINTS), conv(g, y)), conv(g, y), name="inner"), conv(g, y)),
        r"inner \(Add\): its sums, from -\d+ to \d+, go on unquantised and take 28 bits on a stream; at most 24 are supported",
    ),
}


def joined(g: Builder, ways: TwoWays) -> str:
    """A sum of two ways that begin at a quantised layer, and a layer behind."""
    y = g.quant(g("Conv", g.quant("x", 4, 0.25, signed=0), ONES, pads=[1, 1, 1, 1]), 4, 0.5)
    total = g("Add", *ways(g, y), name="sum")
    return g("Conv", g.quant(total, 3, 1.3), POINTS)


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, tmp_path: Path) -> None:
    """By the node, with the numbers."""
    ways, reason = REFUSED[case]
    g = Builder((2, 4, 4))
    with pytest.raises(UnsupportedModelError, match=reason):
        import_model(g.save(tmp_path / "m.onnx", joined(g, ways)))


def test_rounded_pool_goes_two_ways(tmp_path: Path) -> None:
    """Pooled sums that are rounded to bits, without a quantiser's name, and taken by a layer and by a sum."""
    g = Builder((2, 4, 4))
    pooled = g("MaxPool", g("Conv", g.quant("x", 4, 0.25, signed=0), ONES / 64, pads=[1, 1, 1, 1]), kernel_shape=[2, 2])
    y = g("Round", g("Clip", pooled, 0.0, 1.0))
    total = g("Add", g("Mul", g("Conv", y, POINTS), 0.5), y, name="sum")
    path = g.save(tmp_path / "m.onnx", g("Conv", g.quant(total, 3, 1.0), POINTS))
    network = import_model(path)
    x = pixels(network, 40)
    assert np.array_equal(network.run(x), reference.execute(path, x).outputs)
    assert len(np.unique(dict(network.steps(network.input.encode(x)))["pool1"])) == 2


def test_crossing_ways(tmp_path: Path) -> None:
    """Ways that meet in two sums without one lying in the other."""

    def ways(g: Builder, y: str) -> tuple[str, str]:
        inside = conv(g, y)
        first = g.quant(g("Add", inside, y), 4, 0.5)
        return conv(g, first), conv(g, inside)

    g = Builder((2, 4, 4))
    with pytest.raises(UnsupportedModelError, match="from inside two ways that have met in a sum before; ways must be nested"):
        import_model(g.save(tmp_path / "m.onnx", joined(g, ways)))


def sums(path: Path, kind: str) -> Path:
    """A sum of three ways; one that is the output; a binary network whose identities carry sums; sums of a layer and of two ways
    with two quantisers each.
    """
    random, g = np.random.default_rng(3), Builder((2, 5, 5))

    def conv(y: str, *shape: int, bits: bool = False) -> str:
        weights = random.choice([-1, 1], shape) if bits else random.integers(-2, 3, shape)
        return g("Conv", y, weights.astype(np.float32), pads=[shape[2] // 2] * 4)

    y = conv(g.quant("x", 4, 0.25, signed=0), 4, 2, 3, 3)
    if kind == "binary":
        for _ in range(3):
            shift = random.normal(size=(4, 1, 1)).astype(np.float32)
            y = g("Add", y, conv(g("BipolarQuant", g("Add", y, shift), 1.0), 4, 4, 3, 3, bits=True))
        y = g("BipolarQuant", g("Mul", y, -1.0), 1.0)
        return g.save(path, g("MatMul", g("Flatten", y), random.choice([-1, 1], (100, 3)).astype(np.float32)))
    if kind == "twice":
        y = g("Add", g.quant(y, 2, 2.0), conv(g.quant(g("Relu", y), 3, 1.0), 4, 4, 3, 3))
        y = g.quant(g("Add", conv(g.quant(g("Mul", y, -1.0), 3, 2.0), 4, 4, 1, 1), g.quant(y, 2, 3.0, signed=0)), 3, 3.0)
        return g.save(path, g("MatMul", g("Flatten", y), random.integers(-2, 3, (100, 3)).astype(np.float32)))
    y = g.quant(g("Relu", y), 3, 0.5, signed=0)
    inner = g("Sub", conv(y, 4, 4, 3, 3), g("Mul", conv(y, 4, 4, 1, 1), 0.5))
    if kind == "output":
        return g.save(path, g("Mul", g("Add", g("Add", inner, 0.5), y), np.array([1, -1, 0.5, 3], np.float32).reshape(4, 1, 1)))
    y = g.quant(g("Add", y, inner), 3, 3.0)
    return g.save(path, g("MatMul", g("Flatten", y), random.integers(-2, 3, (100, 3)).astype(np.float32)))


@pytest.mark.parametrize("kind", ["three", "output", "binary", "twice"])
def test_sums_as_they_are(kind: str, tmp_path: Path) -> None:
    """Such files' networks give exactly what qonnx does, and the Verilog of three every integer at the planned cycles."""
    path = sums(tmp_path / "sums.onnx", kind)
    network = import_model(path)
    names = {
        "three": ["conv1", "conv2", "conv3", "add1", "add2", "dense1"],
        "output": ["conv1", "conv2", "conv3", "add1", "add2"],
        "binary": ["conv1", *(name for n in (1, 2, 3) for name in (f"quantiser{n}", f"conv{n + 1}", f"add{n}")), "dense1"],
        "twice": ["conv1", "quantiser1", "conv2", "quantiser2", "add1", "quantiser3", "conv3", "quantiser4", "add2", "dense1"],
    }
    assert [layer.name for layer in network.every] == names[kind]
    x = pixels(network, 40)
    assert np.array_equal(network.run(x), reference.execute(path, x, whole=True).outputs)
    assert not network.constant_layers
    if kind == "three":
        return
    plan = draw_plan(network, 2)
    codes = network.input.encode(x)
    measured = simulate(plan, codes, taps=True, stalls=Stalls(idle=100, backpressure=120, seed=3), optimise=0)
    assert first_difference(dict(network.steps(codes)), measured.trace) is None
    measured = simulate(plan, codes, taps=True, optimise=0)
    assert measured.latency == plan.latency
    assert set(np.diff(measured.last_out[plan.settling :]).tolist()) == {plan.interval}


def test_growing_sums(tmp_path: Path) -> None:
    """The type of a sum is what the types of its ways give, no more and no less, sum behind sum."""
    network = import_model(sums(tmp_path / "sums.onnx", "binary"))
    ranges = [(layer.output.low, layer.output.high) for layer in network.every if isinstance(layer, Residual)]
    first, bits = network.layers[0].output, 4 * 3 * 3
    widest = 4 * bits  # a step of the pixels is a quarter
    assert ranges == [(first.low - widest, first.high + widest), (first.low - 2 * widest, first.high + 2 * widest), (0, 1)]


def test_rounding(tmp_path: Path) -> None:
    """Equal sums that float32 rounds to both sides of a threshold are refused: no integer says which side is meant."""
    g = Builder((2, 4, 4))
    y = g.quant(g("Conv", g.quant("x", 4, 0.25, signed=0), ONES, pads=[1, 1, 1, 1]), 8, 0.1)
    a = g.quant(g("Conv", y, POINTS), 8, 0.1)
    total = g.quant(g("Add", a, y, name="sum"), 8, 0.2)
    with pytest.raises(UnsupportedModelError, match=r"sum \(Add\): .* float32 rounds sums of them that are equal to"):
        import_model(g.save(tmp_path / "m.onnx", g("Conv", total, POINTS)))


@pytest.mark.long
def test_area(tmp_path: Path) -> None:
    """The whole of a small network is planned within a tenth of what Yosys finds."""
    path, plan = small(tmp_path / "small.onnx"), tmp_path / "plan.json"
    assert command("plan", path, "--interval", 144, "-o", plan).status == 0
    found = command("synth", path, "--plan", plan, "--json").json
    assert 0.9 * found["lut"] <= found["planned_lut"] <= 1.1 * found["lut"]
