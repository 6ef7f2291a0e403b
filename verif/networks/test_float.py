"""Classifiers and regressors of real weights that draw no samples: calibrated, they decide as their float graphs do."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto
from sklearn.neural_network import MLPClassifier

from sigmabit.golden import (
    CalibrationError,
    Network,
    Precision,
    UncalibratedError,
    UnsupportedModelError,
    calibrated,
    embed,
    import_model,
    import_real,
)
from sigmabit.golden.front.importer import read_model
from sigmabit.golden.front.quantise import quantise
from sigmabit.golden.network.real import RealNetwork
from sigmabit.golden.types.range import Range
from sigmabit.hdl.planning.plan import Plan
from sigmabit.hdl.planning.planner import Planner
from sigmabit.scripts.data.datasets import digits

from ..harness import needs
from ..harness.onnx_graphs import Builder, signs
from ..harness.random_networks import draw_plan
from ..simulation import Noise, simulate
from ..simulation.compare import first_difference
from ..simulation.reference import execute

SHIPPED = Path(__file__).parents[2] / "models" / "digits_cnn.onnx"
PART, CLOCK_MHZ = "xc7vx690t", 200.0
CLOSE = 0.005
"""By how much of the test images the accuracy may differ from the float graph's."""


def flat(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 64) of the digits' images."""
    return images.reshape(len(images), -1)


def network_of(path: Path, x: NDArray[np.float32], scale: float = 1.0) -> Network:
    """The network of a file, calibrated by frames."""
    return import_model(path, scale, calibrated(import_real(path, scale), x, Precision()))


@cache
def trained() -> MLPClassifier:
    """A perceptron of two hidden layers for the digits."""
    data = digits()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would be trained for longer
        return MLPClassifier((32, 16), max_iter=80, random_state=1, learning_rate_init=5e-3).fit(
            flat(data.train_images) / 16, data.train_labels
        )


@pytest.fixture(scope="module")
def mlp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its file, as an exporter writes it, with a softmax at its end."""
    g, model = Builder((64,)), trained()
    y = g("Div", "x", 16.0)
    for number, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        y = g("Gemm", y if number == 0 else g("Relu", y), weights.astype(np.float32), bias.astype(np.float32))
    return g.save(tmp_path_factory.mktemp("mlp") / "mlp.onnx", g("Softmax", y, axis=1))


def check_accuracy(path: Path, network: Network, x: NDArray[np.float32]) -> None:
    """Golden is as accurate as the float graph."""
    labels = digits().test_labels
    executed, golden = execute(path, x).outputs, network.run(x)
    accuracies = [float(np.mean(scores.argmax(1) == labels)) for scores in (executed, golden)]
    assert accuracies[0] > 0.95
    assert abs(accuracies[1] - accuracies[0]) <= CLOSE


def check(plan: Plan, x: NDArray[np.float32], on: str = "verilator", **simulation: Any) -> None:
    """Every tensor is golden's, in the cycles that were planned."""
    network = plan.network
    codes = network.input.encode(x)
    measured = simulate(plan, codes, on, taps=True, noise=Noise(), **simulation)
    golden = dict(network.steps(codes))
    assert first_difference(golden, measured.trace) is None
    assert np.array_equal(measured.results, golden[network.layers[-1].name])
    assert measured.latency == plan.latency
    if len(x) > plan.settling + 1:
        assert set(np.diff(measured.last_out[plan.settling :]).tolist()) == {plan.interval}


class TestPerceptron:
    """Gemm, Relu, Gemm, Relu, Gemm, Softmax."""

    def test_all_digits(self, mlp: Path) -> None:
        data = digits()
        network, x = network_of(mlp, flat(data.train_images)), flat(data.test_images)
        assert [layer.name for layer in network.layers] == ["dense1", "dense2", "dense3"]
        check_accuracy(mlp, network, x)
        check(Planner(network, PART, CLOCK_MHZ).plan(64), x)

    @pytest.mark.parametrize("simulator", ["myhdl", "icarus"])
    def test_other_simulators(self, mlp: Path, simulator: str) -> None:
        if simulator == "icarus":
            needs.icarus()
        network = network_of(mlp, flat(digits().train_images))
        check(draw_plan(network, 3), flat(digits().test_images[:3]), simulator, optimise=0)

    def test_probabilities(self, mlp: Path) -> None:
        """The softmax is the host's: rows sum to one, and are near the float graph's."""
        x = flat(digits().test_images)
        golden = network_of(mlp, flat(digits().train_images)).run(x)
        assert np.allclose(golden.sum(1), 1, atol=1e-5)
        assert np.sqrt(np.mean((golden - execute(mlp, x).outputs) ** 2)) < 0.01

    def test_scores_beyond_the_calibration(self, mlp: Path) -> None:
        """Scores of frames that reach further than any of the calibration are not made alike by a bound."""
        dark = flat(digits().train_images[:40]) // 2
        bright = flat(digits().train_images[:40])
        narrow, network = network_of(mlp, np.concatenate([dark, bright[:1]])), network_of(mlp, bright)
        assert np.mean(narrow.run(bright).argmax(1) == network.run(bright).argmax(1)) >= 0.9


class TestConvolutions:
    """The shipped digits_cnn."""

    def test_all_digits(self) -> None:
        network, x = import_model(SHIPPED), digits().test_images
        check_accuracy(SHIPPED, network, x)
        check(Planner(network, PART, CLOCK_MHZ).fastest(), x)

    def test_folded(self) -> None:
        """Far slower than it could be, and accordingly small."""
        network = import_model(SHIPPED)
        check(Planner(network, PART, CLOCK_MHZ).plan(2048), digits().test_images[:12], optimise=0)


def perceptron(g: Builder, *weights: NDArray[Any], of: str = "x") -> str:
    """Dense layers with a ReLU between each two."""
    for number, matrix in enumerate(weights):
        of = g("Gemm", of if number == 0 else g("Relu", of), matrix.astype(np.float32))
    return of


def binary(g: Builder, weights: NDArray[Any]) -> str:
    """A dense layer of bits."""
    return g("Sign", g("Add", g("MatMul", "x", weights), 0.5))


class TestImport:
    """Which graphs are real-valued."""

    random = np.random.default_rng(0)
    weights = random.normal(size=(4, 3)).astype(np.float32)

    def test_regressor(self, tmp_path: Path) -> None:
        """No function at the end, one output."""
        g = Builder((4,))
        y = g("Gemm", g("Relu", g("Gemm", "x", self.weights)), self.random.normal(size=(3, 1)).astype(np.float32))
        path = g.save(tmp_path / "m.onnx", y)
        x = self.random.integers(0, 256, (500, 4)).astype(np.float32)
        executed, golden = execute(path, x).outputs, network_of(path, x).run(x)
        assert np.abs(golden - executed).max() <= 0.01 * np.abs(executed).max()

    FEW_SIZES: ClassVar[dict[str, tuple[tuple[int, ...], Callable[[Builder, np.random.Generator], str]]]] = {
        "one output": ((4,), lambda g, random: g("Gemm", "x", random.normal(size=(4, 1)))),
        "two bits": ((6,), lambda g, random: perceptron(g, random.integers(-1, 2, (6, 5)), random.integers(-2, 2, (5, 3)))),
        "three bits": ((6,), lambda g, random: perceptron(g, random.integers(-4, 4, (6, 5)), random.integers(-4, 4, (5, 3)))),
        "signs": ((6,), lambda g, random: perceptron(g, signs(random, 6, 5), signs(random, 5, 3))),
        "a transposed convolution": ((2, 3, 3), lambda g, random: g("ConvTranspose", "x", signs(random, 2, 3, 2, 2))),
        "signs behind bits": (
            (6,),
            lambda g, random: perceptron(g, signs(random, 5, 4), signs(random, 4, 3), of=binary(g, signs(random, 6, 5))),
        ),
    }

    @pytest.mark.parametrize("name", FEW_SIZES)
    def test_weights_of_few_sizes(self, name: str, tmp_path: Path) -> None:
        """How many sizes weights have says nothing: numbers that are no bits are real."""
        shape, graph = self.FEW_SIZES[name]
        g, random = Builder(shape), np.random.default_rng(1)
        path = g.save(tmp_path / "m.onnx", graph(g, random))
        x = random.integers(0, 256, (300, *shape)).astype(np.float32)
        with pytest.raises(UncalibratedError, match="its numbers are real, and nothing says what range they have"):
            import_model(path, 1.0)
        executed, golden = execute(path, x).outputs, network_of(path, x).run(x)
        assert np.abs(golden - executed).max() <= 0.01 * np.abs(executed).max()

    def test_uneven_weights_in_front(self, tmp_path: Path) -> None:
        """Of binary layers, whatever stands behind."""
        random = np.random.default_rng(2)
        uneven = signs(random, 4, 4) * (1 + 1e-5 * random.random((4, 4)))
        g = Builder((4,))
        path = g.save(tmp_path / "m.onnx", g("Gemm", binary(g, uneven), self.weights))
        network = network_of(path, random.integers(0, 256, (50, 4)).astype(np.float32))
        ((name, variation),) = network.uneven
        assert name == network.layers[0].name
        assert 0 < variation < 1e-4

    def test_relu_at_the_end(self, tmp_path: Path) -> None:
        """Results have the widths of scores, and room beyond what the calibration saw."""
        g, random = Builder((4,)), np.random.default_rng(3)
        hidden = g("Relu", g("Gemm", "x", random.normal(size=(4, 6))))
        path = g.save(tmp_path / "m.onnx", g("Relu", g("Gemm", hidden, random.normal(size=(6, 2)))))
        x = random.integers(0, 201, (500, 4)).astype(np.float32)
        network = network_of(path, x)
        assert network.layers[-1].output.codes == Range(0, (1 << 16) - 1)
        brighter = np.minimum(np.rint(x * 1.25), 255)
        executed, golden = execute(path, brighter).outputs, network.run(brighter)
        assert executed.max() > 1.1 * execute(path, x).outputs.max()
        assert np.abs(golden - executed).max() <= 0.15 * executed.max()  # hidden numbers saturate, results do not
        assert golden.max() > 1.05 * network.run(x).max()
        check(Planner(network, PART, CLOCK_MHZ).fastest(), brighter[:20], optimise=0)

    def test_uncalibrated(self, tmp_path: Path) -> None:
        """It says what is missing, not that weights should be binary."""
        g = Builder((4,))
        path = g.save(tmp_path / "m.onnx", g("Gemm", "x", self.weights))
        assert isinstance(read_model(path), RealNetwork)
        with pytest.raises(UncalibratedError, match="sigmabit calibrate"):
            import_model(path)

    def test_binary_stays_binary(self, tmp_path: Path) -> None:
        g = Builder((4,))
        path = g.save(
            tmp_path / "m.onnx",
            g(
                "MatMul",
                g("Sign", g("Add", g("MatMul", "x", signs(self.random, 4, 3)), 0.1)),
                signs(self.random, 3, 2),
            ),
        )
        assert isinstance(read_model(path), Network)

    def test_binary_layers_in_front(self, tmp_path: Path) -> None:
        """Real weights behind all binary layers."""
        g = Builder((4,))
        path = g.save(tmp_path / "m.onnx", g("Gemm", g("Sign", g("MatMul", "x", signs(self.random, 4, 4))), self.weights))
        x = self.random.integers(0, 256, (200, 4)).astype(np.float32)
        network = network_of(path, x)
        assert [type(layer).__name__ for layer in network.layers] == ["Dense", "Fixed"]
        executed = execute(path, x).outputs
        assert np.abs(network.run(x) - executed).max() <= 0.01 * np.abs(executed).max()

    def test_real_layers_in_front(self, tmp_path: Path) -> None:
        """Refused at the weights, with the reason."""
        g = Builder((4,))
        y = g("MatMul", g("Sign", g("Gemm", "x", self.weights, name="first")), signs(self.random, 3, 2))
        with pytest.raises(UnsupportedModelError, match=r"first.*weights that are not whole numbers.*not before any"):
            import_model(g.save(tmp_path / "m.onnx", y))

    def test_what_no_layer_computes(self, tmp_path: Path) -> None:
        """A graph without any binarisation is told as real-valued: nothing of binary weights is asked of it."""
        g = Builder((1, 4, 4))
        y = g("LpPool", g("Conv", "x", self.random.normal(size=(2, 1, 3, 3)).astype(np.float32)), kernel_shape=[2, 2])
        with pytest.raises(UnsupportedModelError) as refused:
            import_model(g.save(tmp_path / "m.onnx", g("Flatten", y)))
        assert [finding.operator for finding in refused.value.findings] == ["LpPool"]

    def test_what_no_layer_computes_behind_a_quantiser(self, tmp_path: Path) -> None:
        """The input's own makes no binary network of it, and neither do those of weights."""
        g, random = Builder((1, 4, 4)), np.random.default_rng(4)
        kernels = g.quant(random.normal(size=(2, 1, 3, 3)), 3, 0.25)
        y = g("Relu", g("Conv", g.quant("x", 8, signed=0), kernels))
        x = random.integers(0, 256, (40, 1, 4, 4)).astype(np.float32)
        path = g.save(tmp_path / "m.onnx", g("Gemm", g("Flatten", y), random.normal(size=(8, 2))))
        executed = execute(path, x).outputs
        assert np.abs(network_of(path, x).run(x) - executed).max() <= 0.01 * np.abs(executed).max()
        path = g.save(tmp_path / "m.onnx", g("Flatten", g("LpPool", y, kernel_shape=[2, 2])))
        with pytest.raises(UnsupportedModelError) as refused:
            import_model(path)
        assert [finding.operator for finding in refused.value.findings] == ["LpPool"]

    def test_real_weights_before_a_decision(self, tmp_path: Path) -> None:
        """Neither reading takes them; what decides behind them says which one was meant."""
        g, random = Builder((3,)), np.random.default_rng(5)
        y = g("MatMul", g("Sign", "x"), random.normal(size=(3, 4)), name="dense")
        y = g("MatMul", g("Round", g("Clip", y, np.array(0.0), np.array(1.0))), np.ones((4, 2)))
        with pytest.raises(UnsupportedModelError, match=r"1 unsupported node: dense .*weights that are not whole numbers"):
            import_model(g.save(tmp_path / "m.onnx", y))

    def test_part_of_a_softmax(self, tmp_path: Path) -> None:
        """What is picked from a row behind a softmax would be the softmax of another row."""
        g = Builder((4,))
        y = g("Softmax", g("Gemm", "x", self.weights), axis=1, name="soft")
        y = g("Slice", y, np.array([0]), np.array([2]), np.array([1]))
        with pytest.raises(UnsupportedModelError, match=r"soft.*only the host"):
            import_model(g.save(tmp_path / "m.onnx", y))

    def test_softmax_of_groups(self, tmp_path: Path) -> None:
        """Rows that are not frames: the host would take one softmax over all of them."""
        g = Builder((4,))
        groups = g("Reshape", g("Gemm", "x", self.random.normal(size=(4, 6))), np.array([-1, 3]))
        y = g("Reshape", g("Softmax", groups, axis=1, name="soft"), np.array([-1, 6]))
        with pytest.raises(UnsupportedModelError, match=r"soft.*shape \(2, 3\), expected the scores of a \(1, K\) output"):
            import_model(g.save(tmp_path / "m.onnx", y))

    def test_copies_of_an_element(self, tmp_path: Path) -> None:
        """One element cannot have two constants."""
        g = Builder((4,))
        y = g("Gather", g("Gemm", "x", self.random.normal(size=(4, 6))), np.array([0, 0, 1]), axis=1)
        path = g.save(tmp_path / "m.onnx", g("Add", y, np.array([1.0, 2.0, 3.0]), name="sum"))
        with pytest.raises(UnsupportedModelError, match=r"sum.*copies of one element"):
            import_model(path)

    @pytest.mark.parametrize("operator", ["Round", "Floor"])
    def test_rounded_sums(self, operator: str, tmp_path: Path) -> None:
        """A binarisation behind real weights, spelt as a rounding, is no function to be approximated."""
        g = Builder((4,))
        y = g(operator, g("Clip", g("Gemm", "x", self.random.normal(size=(4, 6))), 0.0, 1.0), name="step")
        path = g.save(tmp_path / "m.onnx", g("Gemm", y, self.random.normal(size=(6, 2))))
        with pytest.raises(UnsupportedModelError, match=r"step.*rounds what a layer of real weights gives"):
            import_model(path)

    def test_calibrated_for_something_else(self, tmp_path: Path) -> None:
        """For another output, or for frames in other steps."""
        g = Builder((4,))
        h = g("Relu", g("Gemm", "x", self.random.normal(size=(4, 6))))
        first, second = (g("Gemm", h, size * self.random.normal(size=(6, 3))) for size in (1, 50))
        path, copy = g.save(tmp_path / "m.onnx", first, second), tmp_path / "c.onnx"
        x = self.random.integers(0, 256, (50, 4)).astype(np.float32)
        embed(path, calibrated(import_real(path, 1.0), x, Precision()), copy)
        assert import_model(copy, 1.0, output_name=first).calibrated
        with pytest.raises(CalibrationError, match=rf"calibrated for its output {first}, not for {second}"):
            import_model(copy, 1.0, output_name=second)
        with pytest.raises(CalibrationError, match=r"pixels in steps of 1, not with pixels in steps of 0\.5"):
            import_model(copy, 0.5)


def test_in_a_row(tmp_path: Path) -> None:
    """Layers of real weights over one dimension, dilated and of each channel, whose largest score is chosen."""
    random, g = np.random.default_rng(3), Builder((3, 12))
    y = g("Relu", g("Conv", "x", random.normal(size=(4, 3, 3)), random.normal(size=4), dilations=[2]))
    y = g("Relu", g("Conv", y, random.normal(size=(4, 1, 2)), random.normal(size=4), group=4))
    y = g("Gemm", g("Flatten", y), random.normal(size=(28, 5)), random.normal(size=5))
    path = g.save(tmp_path / "row.onnx", g("ArgMax", g("Softmax", y), axis=1), kind=TensorProto.INT64)
    x = (random.integers(0, 256, (200, 3, 12)) / 255).astype(np.float32)
    network = import_real(path)
    expected = execute(path, x).outputs
    assert np.array_equal(network.output(x, np.zeros((len(x), 0))), expected)
    found = calibrated(network, x, Precision())
    assert np.array_equal(quantise(network, found.ranges, found.precision).run(x), expected)
