"""Inputs that are no pixels: standardised, tabular, from -1 to 1, whole numbers of 10 to 16 bits; calibrated, or stated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from sigmabit.golden import Coding, Network, Precision, calibrated, embed, import_model, import_real
from sigmabit.golden.front.calibration import KEY
from sigmabit.golden.network.real import RealNetwork
from sigmabit.golden.types.range import Range
from sigmabit.hdl.planning.planner import Planner

from ..harness.command_line import Call, Refused
from ..harness.onnx_graphs import Builder, signs
from ..harness.quantisation import compare_layers
from ..simulation import simulate
from ..simulation.compare import first_difference
from ..simulation.reference import execute

FRAMES = 30
FEATURES = 9
IMAGE = (2, 6, 5)


def mlp(path: Path) -> Path:
    """Features, a ReLU, a tanh, two results."""
    g, random = Builder((FEATURES,)), np.random.default_rng(1)
    y = g("Tanh", g("Gemm", g("Relu", g("Gemm", "x", weights(random, FEATURES, 8))), weights(random, 8, 6)))
    return g.save(path, g("Gemm", y, weights(random, 6, 2)))


def convolutional(path: Path) -> Path:
    """An image whose borders are padded, where zero is a number like any other."""
    g, random = Builder(IMAGE), np.random.default_rng(2)
    y = g("Relu", g("Conv", "x", weights(random, 3, 2, 3, 3), pads=[1, 1, 1, 1], strides=[2, 1]))
    return g.save(path, g("Conv", y, weights(random, 2, 3, 2, 2)))


def weights(random: np.random.Generator, *shape: int) -> np.ndarray:
    """Of order 1 in sum."""
    return (random.normal(size=shape) / np.sqrt(max(shape))).astype(np.float32)


def standardised(*shape: int) -> np.ndarray:
    """As a scaler leaves them."""
    return np.random.default_rng(3).normal(size=(FRAMES, *shape)).astype(np.float32)


def whole(low: int, high: int, *shape: int) -> np.ndarray:
    """Whole numbers, both ends among them."""
    x = np.random.default_rng(4).integers(low, high + 1, (FRAMES, *shape))
    x.reshape(-1)[:2] = low, high
    return x.astype(np.float32)


CASES = {
    "standardised": (mlp, standardised(FEATURES), Range(-128, 127)),
    "tabular": (mlp, np.exp(standardised(FEATURES)) + 20, Range(0, 255)),
    "from -1 to 1": (convolutional, whole(0, 255, *IMAGE) / np.float32(127.5) - 1, Range(0, 255)),
    "12 bits": (mlp, whole(-2048, 2047, FEATURES), Range(-2048, 2047)),
    "16 bits": (convolutional, whole(0, 65535, *IMAGE), Range(0, 65535)),
    "skewed image": (convolutional, np.exp(standardised(*IMAGE)) - 0.4, Range(0, 255)),
}


def found(path: Path, x: np.ndarray, bits: int | None = None) -> tuple[RealNetwork, Network]:
    """The network in real numbers, and as calibrated by the frames."""
    real = import_real(path, coding=Coding.fitting(x, bits))
    calibration = calibrated(real, x, Precision())
    return real, import_model(path, calibration=calibration)


@pytest.mark.parametrize("name", CASES)
def test_layers_within_bounds(name: str, tmp_path: Path) -> None:
    """The float graph of the numbers that the codes stand for is the executor's, and each layer as near to it as roundings allow;
    whole numbers and such pixels cost nothing.
    """
    graph, x, codes = CASES[name]
    path = graph(tmp_path / "m.onnx")
    real, network = found(path, x)
    form = network.input
    assert form.tensor.codes == codes
    assert form.coding is not None and not form.saturated(x).any()
    nearest = form.coding.nearest(x)
    assert np.abs(nearest - x).max() <= (1e-4 if "bits" in name or "1 to 1" in name else 0.51) * form.coding.step
    executed = execute(path, nearest.astype(np.float32)).outputs
    none = np.zeros((len(x), 0))
    np.testing.assert_allclose(real.output(x, none), executed, rtol=1e-4, atol=1e-5 * np.abs(executed).max())
    for layer in compare_layers(real, network, x, none.astype(np.int64)):
        assert np.all(layer.differences <= layer.bound * (1 + 1e-9) + 1e-9), layer.layer


@pytest.mark.parametrize("name", ["12 bits", "skewed image", "from -1 to 1"])
def test_hardware(name: str, tmp_path: Path) -> None:
    """Every tensor is golden's, in the cycles that were planned; a field of two bytes carries more than 8 bits."""
    graph, x, codes = CASES[name]
    _, network = found(graph(tmp_path / "m.onnx"), x)
    plan = Planner(network, "xc7vx690t", 200.0).plan(60)
    assert plan.source.on_axi().field == (16 if codes.bits > 8 else 8)
    given = network.input.encode(x)
    measured = simulate(plan, given, "verilator", taps=True, optimise=0)
    assert first_difference(dict(network.steps(given)), measured.trace) is None
    assert measured.latency == plan.latency


def binary(path: Path, pooled: bool) -> Path:
    """An image, weights of +1 and -1, and scores that nothing stands in front of; or a Sign in front of real weights."""
    g, random = Builder((1, 6, 6)), np.random.default_rng(5)
    y = g("MaxPool", "x", kernel_shape=[2, 2], pads=[1, 1, 1, 1], strides=[2, 2]) if pooled else "x"
    side = 4 if pooled else 6
    y = g("Conv", y, signs(random, 3, 1, 3, 3), pads=[1, 1, 1, 1])
    return g.save(path, g("Gemm", g("Sign", g("Add", g("Flatten", y), 0.25)), signs(random, 3 * side**2, 2)))


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("stated", [(8, 1.0, -128.0), (4, 0.5, -4.0), (5, 1.0, -7.0)])
def test_binary(stated: tuple[int, float, float], pooled: bool, tmp_path: Path) -> None:
    """Binary layers take codes that count from 0, whatever they stand for: results are the executor's."""
    bits, scale, lowest = stated
    path = binary(tmp_path / "m.onnx", pooled)
    network = import_model(path, coding=Coding.stated(*stated))
    assert network.input.tensor.codes == Range.of_bits(bits)
    x = (lowest + scale * whole(0, (1 << bits) - 1, 1, 6, 6)).astype(np.float32)
    assert np.array_equal(network.run(x), execute(path, x).outputs)


def test_scores_of_signed_numbers(tmp_path: Path) -> None:
    """One layer of bits, whose sums are the result."""
    g = Builder((FEATURES,))
    path = g.save(tmp_path / "m.onnx", g("MatMul", "x", signs(np.random.default_rng(6), FEATURES, 2)))
    x = whole(-8, 7, FEATURES)
    assert np.array_equal(import_model(path, coding=Coding.stated(4, 1, -8)).run(x), execute(path, x).outputs)


def test_binary_in_front(tmp_path: Path) -> None:
    """Binary layers in front of real ones: their decisions are the executor's for the numbers that the codes stand for."""
    g, random = Builder(IMAGE), np.random.default_rng(7)
    y = g("Sign", g("Add", g("Conv", "x", signs(random, 4, 2, 3, 3), pads=[1, 1, 1, 1]), 0.25))
    y = g("Relu", g("Conv", y, weights(random, 3, 4, 3, 3)))
    path = g.save(tmp_path / "m.onnx", g("Gemm", g("Flatten", y), weights(random, 36, 2)))
    real, network = found(path, standardised(*IMAGE))
    assert network.input.coding is not None and real.binary
    x = network.input.coding.nearest(standardised(*IMAGE)).astype(np.float32)
    executed = execute(path, x).outputs
    np.testing.assert_allclose(real.output(x, np.zeros((len(x), 0))), executed, rtol=1e-4, atol=1e-4)
    assert np.abs(network.run(x) - executed).max() < 0.05 * np.abs(executed).max()
    embed(path, calibrated(real, x, Precision()), tmp_path / "c.onnx")
    assert np.array_equal(import_model(tmp_path / "c.onnx").run(x), network.run(x))


class TestFiles:
    """What a calibrated file holds."""

    def test_round_trip(self, tmp_path: Path) -> None:
        """The copy has the codes of its calibration, whatever frames come later."""
        path, copy, x = mlp(tmp_path / "m.onnx"), tmp_path / "c.onnx", standardised(FEATURES)
        real, network = found(path, x, 11)
        embed(path, calibrated(real, x, Precision()), copy)
        again = import_model(copy)
        assert again.input.coding == network.input.coding
        assert np.array_equal(again.run(3 * x), network.run(3 * x))

    @pytest.mark.parametrize(
        ("key", "value"), [("high", 1 << 17), ("low", "a"), ("gain", 0), ("scale", 0), ("offset", 1 << 40), ("high", -500)]
    )
    @pytest.mark.usefixtures("own_folder")
    def test_damaged(self, key: str, value: object, refused: Refused) -> None:
        path, copy, x = mlp(Path("m.onnx")), Path("c.onnx"), standardised(FEATURES)
        embed(path, calibrated(found(path, x)[0], x, Precision()), copy)
        proto = onnx.load(str(copy))
        held = json.loads(proto.metadata_props[0].value)
        held["coding"][key] = value
        onnx.helper.set_model_props(proto, {KEY: json.dumps(held)})
        onnx.save(proto, str(copy))
        refused(["inspect", copy], "c.onnx", "the calibration in the model's metadata is damaged")


class TestCommands:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Works in a folder with a model, standardised frames, and frames of which two numbers are far away."""
        monkeypatch.chdir(tmp_path)
        mlp(Path("m.onnx"))
        x = standardised(FEATURES)
        np.save("x.npy", x)
        x[3, 4], x[5, 5] = 30, -9
        np.save("far.npy", x)

    def test_report(self, call: Call) -> None:
        """Which codes there are, and what error they cost; more bits cost less."""
        errors = []
        for bits in ([], ["--input-bits", 12]):
            about = call("calibrate", "m.onnx", "--input", "x.npy", "-o", "c.onnx", *bits, "--json").json["input"]
            x = np.load("x.npy")
            half = 1 << about["bits"] - 1
            nearest = np.clip(np.rint(x / about["step"]), -half, half - 1) * about["step"]
            assert about["signed"] and about["low"] <= x.min()
            assert about["error"] == pytest.approx(np.sqrt(np.mean((nearest - x) ** 2)), rel=1e-4)
            assert about["share"] == pytest.approx(about["error"] / x.std(), rel=1e-4)
            errors.append(about["error"])
        assert errors[1] < errors[0] / 12
        people = call("calibrate", "m.onnx", "--input", "x.npy", "-o", "c.onnx").out
        assert "input codes of 8 bits, signed, in steps of" in people and "of the numbers' standard deviation" in people
        assert "levels from -" in call("inspect", "c.onnx").out

    def test_far_from_zero(self, call: Call) -> None:
        """What rounding costs is said where it is much."""
        np.save("high.npy", np.load("x.npy") + 1e4)
        for name, much in (("x", False), ("high", True)):
            notes = call("calibrate", "m.onnx", "--input", f"{name}.npy", "-o", "c.onnx", "--json").json.get("notes", [])
            assert any("of their deviation; numbers of like size around zero" in note for note in notes) == much

    @pytest.mark.parametrize("kind", ["sizes", "outlier"])
    def test_hidden_by_others(self, kind: str, call: Call) -> None:
        """Numbers that lose all they say are told, where larger ones beside them, or an outlier, make that look like nothing."""
        x = np.load("x.npy")
        if kind == "sizes":
            x[:, 1:] *= 1e4
        else:
            x[7, 0] = 1e6
        np.save("uneven.npy", x)
        found = call("calibrate", "m.onnx", "--input", "uneven.npy", "-o", "c.onnx", "--json").json
        assert found["input"]["share"] < 0.01 < 0.9 < found["input"]["worst"]["share"]
        assert kind == "outlier" or found["input"]["worst"]["place"] == 0
        assert any("uneven.npy: rounding to 8 bits costs the numbers at [:, " in note for note in found["notes"])

    def test_saturated(self, call: Call, refused: Refused) -> None:
        """Counted, in words too, or refused."""
        call("calibrate", "m.onnx", "--input", "x.npy", "-o", "c.onnx")
        run = ["run", "c.onnx", "--output", "y.npy", "--input"]
        assert call(*run, "x.npy", "--strict-input", "--json").json["saturated_inputs"] == 0
        result = call(*run, "far.npy", "--json").json
        assert result["saturated_inputs"] == 2
        assert any("2 numbers are beyond the codes of the input x" in note for note in result["notes"])
        refused(
            [*run, "far.npy", "--strict-input"], "far.npy: input value 30 at (3, 4) is beyond the codes of the input x, from -"
        )

    def test_stated(self, call: Call) -> None:
        """Options say what the codes stand for, where a file does not."""
        stated = ["--input-bits", 10, "--input-scale", 0.01, "--input-offset", -5]
        call("calibrate", "m.onnx", "--input", "x.npy", "-o", "c.onnx", *stated)
        about = call("inspect", "c.onnx", "--json").json["input"]
        assert (about["levels"], about["bits"], about["stated_by"]) == (1024, 10, None)
        assert np.allclose(about["range"], [-5, 5.23])
        assert call("plan", "c.onnx", *stated, "-o", "p.json", "--json").status == 0

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ("--input-bits 9", "c.onnx: its input has codes of 8 bits, not of 9 (--input-bits)"),
            ("--input-scale 1", "c.onnx: it was calibrated with codes of 8 bits from"),
            ("--input-offset 1", "--input-offset: codes have a step as well, give --input-scale"),
            ("--input-scale 1 --input-offset 1e9", "zero is no simple fraction of a step away"),
        ],
    )
    def test_contradicted(self, options: str, says: str, call: Call, refused: Refused) -> None:
        call("calibrate", "m.onnx", "--input", "x.npy", "-o", "c.onnx")
        refused(["plan", "c.onnx", "-o", "p.json", *options.split()], says)

    @pytest.mark.parametrize(("value", "says"), [(0.3, "all its numbers are 0.3"), (np.nan, "is not a finite float32")])
    def test_no_range(self, value: float, says: str, refused: Refused) -> None:
        np.save("x.npy", np.full((3, FEATURES), value, np.float32))
        refused(["calibrate", "m.onnx", "--input", "x.npy", "-o", "c.onnx"], "x.npy", says)

    @pytest.mark.parametrize("size", [1e-40, 1e-29, 1e36])
    def test_no_step(self, size: float, refused: Refused) -> None:
        """Numbers so small or so large that the file with their calibration could not be read."""
        np.save("x.npy", (size * standardised(FEATURES)).astype(np.float32))
        refused(["calibrate", "m.onnx", "--input", "x.npy", "-o", "c.onnx"], "x.npy: its numbers go from -", "in steps of")
        assert not Path("c.onnx").exists()
