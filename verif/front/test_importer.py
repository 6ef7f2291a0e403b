"""What is imported computes what the file's graph computes, in every spelling: executed by onnxruntime or qonnx, and compared."""

from __future__ import annotations

import itertools
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from sigmabit.golden import InputError, ModelFileError, Network, UncalibratedError, UnsupportedModelError, import_model
from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.dense import Dense
from sigmabit.golden.layers.pool import Pool
from sigmabit.golden.layers.threshold import Threshold
from sigmabit.golden.network.network import Omitted

from ..harness.onnx_graphs import BREVITAS, QONNX, Builder, normalisation, signs
from ..harness.random_graphs import draw_sample
from ..simulation.reference import execute

pytestmark = pytest.mark.filterwarnings("ignore:Output shapes disagree")  # qonnx, on graphs without declared shapes

SEEDS = 96
BY_CHANNEL = np.array([0.5, 2.0, -1.0]).reshape(3, 1, 1)
PAIR: dict[str, Any] = {"kernel_shape": [2, 2], "name": "pool"}


def agree(path: Path, x: np.ndarray, input_scale: float | None = None) -> Network:
    """Assert that the network gives what the file's graph gives for the frames x, and that these tell something."""
    network = import_model(path, input_scale)
    expected = execute(path, x).outputs
    found = network.run(x)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    assert len(x) == 1 or np.any(found != found[0])
    return network


def every_bit_pattern(n: int) -> np.ndarray:
    """All inputs of n numbers +1 and -1."""
    return np.array(list(itertools.product([-1, 1], repeat=n)), np.float32)


def pixels(seed: int, *shape: int, frames: int = 24) -> np.ndarray:
    """Frames of multiples of 1/255, some bright, some dark."""
    random = np.random.default_rng(seed)
    limits = random.integers(2, 257, (frames, *[1] * len(shape)))
    return (random.integers(0, limits, (frames, *shape)) / 255).astype(np.float32)


@pytest.fixture
def random() -> np.random.Generator:
    """Numbers that are the same in every run."""
    return np.random.default_rng(7)


class TestRandomGraphs:
    @pytest.mark.parametrize("block", range(8))
    def test_outputs_agree(self, block: int, tmp_path: Path) -> None:
        telling = 0
        for seed in range(block, SEEDS, 8):
            sample = draw_sample(seed, tmp_path)
            network = import_model(sample.path, sample.input_scale)
            expected = execute(sample.path, sample.x).outputs
            found = network.run(sample.x)
            assert found.shape == expected.shape, seed
            size = np.abs(expected).max()
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * size, err_msg=f"seed {seed}")
            telling += len(np.unique(found.reshape(len(found), -1), axis=0)) > 2
        assert telling >= SEEDS // 8 * 2 // 3

    def test_they_hold_every_kind_of_layer(self, tmp_path: Path) -> None:
        kinds = {type(layer) for seed in range(20) for layer in import_model(draw_sample(seed, tmp_path).path, 1.0).layers}
        assert kinds == {Threshold, Convolution, Pool, Dense}


Spelling = Callable[[Builder, str, tuple[np.ndarray, ...]], str]
"""Adds a normalisation, by scale, bias, mean and variance, to a tensor."""


def _power(g: Builder, x: str, c: tuple[np.ndarray, ...]) -> str:
    deviation = g("Pow", g("Add", c[3], 1e-5), 0.5)
    return g("Add", g("Mul", g("Div", g("Sub", x, c[2]), deviation), c[0]), c[1])


def _scale_first(g: Builder, x: str, c: tuple[np.ndarray, ...]) -> str:
    factor = g("Div", c[0], g("Sqrt", c[3]))
    return g("Add", g("Mul", factor, x), g("Sub", c[1], g("Mul", c[2], factor)))


def _reciprocal(g: Builder, x: str, c: tuple[np.ndarray, ...]) -> str:
    return g("Add", c[1], g("Mul", g("Mul", g("Add", x, -c[2]), g("Reciprocal", g("Sqrt", c[3]))), c[0]))


def _from_constant(g: Builder, x: str, c: tuple[np.ndarray, ...]) -> str:
    return g("Sub", c[1], g("Mul", g("Div", g("Sub", c[2], x), g("Sqrt", c[3])), g("Neg", c[0])))


def _negated(g: Builder, x: str, c: tuple[np.ndarray, ...]) -> str:
    return g("Neg", g("Sub", g("Div", g("Mul", g("Sub", x, c[2]), g("Neg", c[0])), g("Sqrt", c[3])), c[1]))


def _operator(g: Builder, x: str, c: tuple[np.ndarray, ...]) -> str:
    return g("BatchNormalization", x, *(constant.reshape(-1) for constant in c))


SPELLINGS: tuple[Spelling, ...] = (_operator, _power, _scale_first, _reciprocal, _from_constant, _negated)


class TestNormalisations:
    @pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda f: f.__name__.strip("_"))
    @pytest.mark.parametrize("domain", [QONNX, BREVITAS])
    def test_every_accumulator_decides_as_the_graph(
        self, spelling: Spelling, domain: str, tmp_path: Path, random: np.random.Generator
    ) -> None:
        """All 512 inputs of a dense layer, with scales above, below and at zero: outputs equal bit for bit."""
        g = Builder((9,), domain)
        constants = normalisation(random, 24, 3)
        constants[0][[3, 8]] = 0
        y = g("MatMul", g("BipolarQuant", "x", 1.0), signs(random, 9, 24))
        path = g.save(tmp_path / "m.onnx", g("BipolarQuant", spelling(g, y, constants), 1.0))
        x = every_bit_pattern(9)
        network = agree(path, x)
        assert np.array_equal(network.run(x), execute(path, x).outputs)

    @pytest.mark.skipif(platform.machine() != "x86_64", reason="a last bit of onnxruntime's, compared on x86-64 only")
    def test_rounding_is_that_of_onnxruntime(self, tmp_path: Path, random: np.random.Generator) -> None:
        """Constants that bring the sum of a channel's weights to zero but for rounding: which way it falls is the same."""
        weights = signs(random, 9, 2000)
        scale, _, mean, variance = normalisation(random, 2000, 3)
        bias = ((mean - weights.sum(axis=0)) * scale / np.sqrt(variance + np.float32(1e-5))).astype(np.float32)
        g = Builder((9,))
        y = g("BatchNormalization", g("MatMul", g("BipolarQuant", "x", 1.0), weights), scale, bias, mean, variance)
        path = g.save(tmp_path / "m.onnx", g("BipolarQuant", y, 1.0))
        network, x = import_model(path), np.array([[1] * 9, [-1] * 9], np.float32)
        assert np.array_equal(network.run(x), execute(path, x).outputs)
        assert len({tie.channel for tie in network.ties}) > 1900

    @pytest.mark.parametrize("place", ["before", "after", "behind the sign"])
    @pytest.mark.parametrize("spelling", SPELLINGS[:3], ids=lambda f: f.__name__.strip("_"))
    def test_pooling_before_and_after(self, spelling: Spelling, place: str, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((2, 7, 6))
        pool: dict[str, Any] = {"kernel_shape": [2, 3], "strides": [2, 2], "pads": [1, 0, 0, 1]}
        constants = normalisation(random, 8, 2)
        if spelling is not _operator:
            constants = tuple(constant.reshape(8, 1, 1) for constant in constants)
        y = g("Conv", "x", signs(random, 8, 2, 3, 3), pads=[1, 1, 1, 1])
        y = g("MaxPool", y, **pool) if place == "before" else y
        y = spelling(g, y, constants)
        y = g("MaxPool", y, **pool) if place == "after" else y
        y = g("BipolarQuant", y, 1.0)
        y = g("MaxPool", y, **pool) if place == "behind the sign" else y
        network = agree(g.save(tmp_path / "m.onnx", y), pixels(1, 2, 7, 6))
        assert [type(layer) for layer in network.layers] == [Convolution, Pool]
        pooled = network.layers[1]
        assert isinstance(pooled, Pool)
        assert np.array_equal(pooled.every, constants[0].reshape(-1) < 0 if place == "before" else np.zeros(8, bool))

    def test_pooling_twice_around_a_falling_normalisation(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((1, 9, 9))
        y = g("MaxPool", g("Conv", "x", signs(random, 6, 1, 2, 2)), kernel_shape=[2, 2])
        y = g("MaxPool", g("Mul", y, np.array([1.0, -1.0] * 3).reshape(6, 1, 1)), kernel_shape=[3, 3], strides=[2, 2])
        y = g("BipolarQuant", g("Add", g("Mul", y, np.array([1.0] * 3 + [-1.0] * 3).reshape(6, 1, 1)), 0.3), 1.0)
        agree(g.save(tmp_path / "m.onnx", y), pixels(2, 1, 9, 9))

    @pytest.mark.parametrize(
        ("operator", "attributes"),
        [
            *(("Relu", {}), ("LeakyRelu", {"alpha": 0.2}), ("Sigmoid", {}), ("Tanh", {}), ("HardSigmoid", {}), ("Softsign", {})),
            *(
                ("Elu", {"alpha": 0.3}),
                ("Selu", {}),
                ("Selu", {"alpha": 0.5, "gamma": 2.0}),
                ("Celu", {"alpha": 2.5}),
                ("Erf", {}),
            ),
        ],
    )
    def test_monotone_functions(
        self, operator: str, attributes: dict[str, Any], tmp_path: Path, random: np.random.Generator
    ) -> None:
        g = Builder((9,))
        y = g("Sub", g(operator, g("MatMul", g("BipolarQuant", "x", 1.0), signs(random, 9, 6)), **attributes), 0.25)
        agree(g.save(tmp_path / "m.onnx", g("BipolarQuant", y, 1.0)), every_bit_pattern(9))

    def test_clip_and_prelu(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((9,))
        y = g("PRelu", g("MatMul", g("BipolarQuant", "x", 1.0), signs(random, 9, 4)), np.array([0.5, 1, 0, 2]))
        y = g("Clip", y, -2.0, 2.0)
        agree(g.save(tmp_path / "m.onnx", g("BipolarQuant", g("Add", y, 1.5), 1.0)), every_bit_pattern(9))


class TestQuantisers:
    @pytest.mark.parametrize("operator", ["Greater", "GreaterOrEqual", "Less", "LessOrEqual"])
    @pytest.mark.parametrize("constant_first", [False, True])
    def test_comparisons_at_equality(
        self, operator: str, constant_first: bool, tmp_path: Path, random: np.random.Generator
    ) -> None:
        g = Builder((7,))
        y = g("MatMul", g("BipolarQuant", "x", 1.0), signs(random, 7, 5))
        y = g(operator, 3.0, y) if constant_first else g(operator, y, 3.0)
        agree(g.save(tmp_path / "m.onnx", g("Where", y, 2.0, -1.0)), every_bit_pattern(7))

    @pytest.mark.parametrize("attributes", [{"signed": 0}, {"signed": 1}, {"signed": 1, "narrow": 1}])
    @pytest.mark.parametrize("zero_point", [0.0, 0.3])
    def test_one_bit_quant(
        self, attributes: dict[str, Any], zero_point: float, tmp_path: Path, random: np.random.Generator
    ) -> None:
        """Signed it gives +1 and -1, narrow or not; unsigned 1 and 0."""
        g = Builder((9,))
        y = g("MatMul", g("BipolarQuant", "x", 1.0), signs(random, 9, 7))
        agree(g.save(tmp_path / "m.onnx", g.quant(y, 1, 2.0, zero_point, **attributes)), every_bit_pattern(9))

    @pytest.mark.parametrize("mode", ["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"])
    def test_rounding_modes(self, mode: str, tmp_path: Path, random: np.random.Generator) -> None:
        """Steps of 2 put sums on halves, where the modes differ; the input's own Quant has them too."""
        g = Builder((4,))
        y = g("MatMul", g.quant("x", 4, 0.5, rounding_mode=mode), signs(random, 4, 8))
        y = g.quant(g("Add", y, 0.5), 1, 2.0, signed=0, rounding_mode=mode)
        x = random.integers(-20, 20, (200, 4)) / np.float32(8)
        agree(g.save(tmp_path / "m.onnx", y), x.astype(np.float32))

    @pytest.mark.parametrize("bits", [2, 3, 8])
    @pytest.mark.parametrize(("signed", "narrow", "zero_point"), [(1, 0, 0), (1, 1, 0), (0, 0, 0), (0, 1, 3), (1, 0, -2)])
    def test_input_quant(
        self, bits: int, signed: int, narrow: int, zero_point: int, tmp_path: Path, random: np.random.Generator
    ) -> None:
        g = Builder((2, 5, 5))
        y = g.quant(g("Mul", "x", 1.5), bits, 0.37, zero_point, signed=signed, narrow=narrow)
        path = g.save(tmp_path / "m.onnx", g("Conv", y, signs(random, 3, 2, 3, 3), pads=[1, 1, 1, 1]))
        network = agree(path, random.normal(size=(20, 2, 5, 5)).astype(np.float32) * 2**bits / 4)
        assert network.input.tensor.codes.levels == (1 << bits) - narrow
        assert not network.input.assumed

    @pytest.mark.parametrize("thresholds", [1, 6])
    @pytest.mark.parametrize("scale", [2.0, -2.0])
    def test_multi_threshold_of_one_step(
        self, thresholds: int, scale: float, tmp_path: Path, random: np.random.Generator
    ) -> None:
        g = Builder((9,))
        y = g("MatMul", g("BipolarQuant", "x", 1.0), signs(random, 9, 6))
        steps = random.integers(-2, 3, (thresholds, 1)) * 2.0 + 1
        y = g("MultiThreshold", y, steps, out_dtype="BIPOLAR", out_scale=scale, out_bias=-scale / 2, data_layout="NC")
        agree(g.save(tmp_path / "m.onnx", y), every_bit_pattern(9))

    def test_multi_threshold_over_the_last_axis(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((1, 6, 5))
        y = g("Transpose", g("Conv", "x", signs(random, 4, 1, 2, 2)), perm=[0, 2, 3, 1])
        thresholds = np.array([[-0.5], [0.1], [0.4], [0.0]]) + 0.001
        y = g("MultiThreshold", y, thresholds, out_dtype="BINARY", data_layout="NHWC")
        agree(g.save(tmp_path / "m.onnx", y), pixels(3, 1, 6, 5))

    def test_weights_binarised_in_the_graph(self, tmp_path: Path, random: np.random.Generator) -> None:
        """Each way on latent weights that hold zeros of either sign where the operator gives them one."""
        latent = random.normal(size=(12, 9)).astype(np.float32)
        latent[0, :2] = 0.0, -0.0
        sizes = random.uniform(0.5, 2, (12, 1))
        for binarise in (
            lambda g: g("BipolarQuant", latent, sizes),
            lambda g: g.quant(latent, 1, sizes, narrow=1),
            lambda g: g("Mul", g("Sign", g("Add", latent, 1e-3)), sizes),
            lambda g: g("Where", g("Greater", latent, 0.0), sizes, g("Neg", sizes)),
        ):
            g = Builder((9,))
            y = g("MatMul", g("BipolarQuant", "x", 1.0), g("Transpose", binarise(g), perm=[1, 0]))
            agree(g.save(tmp_path / "m.onnx", y), every_bit_pattern(9)[::9])

    @pytest.mark.parametrize("alpha", [0.05, 0.7, 1.3e-3])
    def test_weights_of_the_straight_through_estimator(self, alpha: float, tmp_path: Path, random: np.random.Generator) -> None:
        """alpha * sign(w) - w + w, whose magnitudes differ in their last places."""
        latent = (random.normal(size=(9, 12)) * alpha).astype(np.float32)
        g = Builder((9,))
        weights = g("Add", g("Sub", g("Mul", g("Sign", latent), alpha), latent), latent)
        y = g("MatMul", g("BipolarQuant", "x", 1.0), weights)
        path = g.save(tmp_path / "m.onnx", g("BipolarQuant", g("Add", y, alpha / 2), 1.0), y)
        sizes = np.abs((np.float32(alpha) * np.sign(latent) - latent) + latent)
        assert len(np.unique(sizes)) > 1
        network = agree(path, every_bit_pattern(9))
        assert not network.ties
        assert np.array_equal(network.run(every_bit_pattern(9)), execute(path, every_bit_pattern(9)).outputs)

    @pytest.mark.parametrize(("alpha", "spread"), [(0.05, 1.0), (0.01, 1.0), (0.3, 20.0)])
    def test_weights_that_are_small_beside_what_they_are_made_of(
        self, alpha: float, spread: float, tmp_path: Path, random: np.random.Generator
    ) -> None:
        """The error is one of rounding w, which may be a hundred times as large. How large it is stands in the network."""
        latent = (random.normal(size=(9, 40)) * spread).astype(np.float32)
        g = Builder((9,))
        weights = g("Add", g("Sub", g("Mul", g("Sign", latent), alpha), latent), latent)
        y = g("MatMul", g("BipolarQuant", "x", 1.0), weights)
        path = g.save(tmp_path / "m.onnx", g("BipolarQuant", g("Add", y, alpha / 2), 1.0), y)
        network = agree(path, every_bit_pattern(9))
        sizes = np.abs((np.float32(alpha) * np.sign(latent) - latent) + latent)
        ((name, variation),) = network.uneven
        assert name == "dense1"
        assert 1e-6 < variation < 1e-4
        assert variation <= np.ptp(sizes) / sizes.min()

    def test_even_weights_are_not_listed(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((9,))
        path = g.save(tmp_path / "m.onnx", g("MatMul", g("BipolarQuant", "x", 1.0), 0.05 * signs(random, 9, 4)))
        assert agree(path, every_bit_pattern(9)).uneven == ()


class TestInputs:
    def test_bipolar(self, tmp_path: Path, random: np.random.Generator) -> None:
        """BipolarQuant straight at the input is the host's: any numbers may come in, bits go to the first layer."""
        g = Builder((6,))
        path = g.save(tmp_path / "m.onnx", g("MatMul", g("BipolarQuant", "x", 0.5), signs(random, 6, 4)))
        network = agree(path, random.normal(size=(40, 6)).astype(np.float32))
        assert network.input.tensor.codes.levels == 2

    def test_binary(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((6,))
        path = g.save(tmp_path / "m.onnx", g("MatMul", g.quant("x", 1, signed=0), signs(random, 6, 4)))
        network = agree(path, random.integers(0, 2, (40, 6)).astype(np.float32))
        assert network.input.tensor.codes.levels == 2

    def test_pixels_binarised_in_hardware(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((1, 4, 4))
        y = g("BipolarQuant", g("Sub", g("Mul", "x", 2.0), 1.0), 1.0)
        network = agree(g.save(tmp_path / "m.onnx", g("Conv", y, signs(random, 3, 1, 2, 2))), pixels(4, 1, 4, 4))
        assert [type(layer) for layer in network.layers] == [Threshold, Convolution]

    @pytest.mark.parametrize("scale", [1.0, 0.5, 1 / 16, 3.7])
    def test_scale(self, scale: float, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((3, 4, 4))
        y = g("BipolarQuant", g("Sub", g("Conv", "x", signs(random, 5, 3, 3, 3)), 40 * scale), 1.0)
        codes = np.rint(pixels(5, 3, 4, 4) * 255)
        network = agree(g.save(tmp_path / "m.onnx", y), (codes * np.float32(scale)).astype(np.float32), scale)
        assert network.input.grid.scale == scale
        assert not network.input.assumed

    def test_one_step_for_every_channel(self, tmp_path: Path, random: np.random.Generator) -> None:
        """A Quant of the input that repeats its step for each channel has one grid."""
        g = Builder((3, 4, 4))
        y = g.quant("x", 4, np.full((1, 3, 1, 1), 0.5), signed=0)
        x = random.integers(0, 20, (6, 3, 4, 4)).astype(np.float32) / 2
        network = agree(g.save(tmp_path / "m.onnx", g("Conv", y, signs(random, 5, 3, 3, 3))), x)
        assert network.input.grid.scale == 0.5

    def test_steps_of_255_are_assumed(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((3, 4, 4))
        network = agree(g.save(tmp_path / "m.onnx", g("Conv", "x", signs(random, 5, 3, 3, 3))), pixels(6, 3, 4, 4))
        assert network.input.assumed

    @pytest.mark.parametrize(
        ("nodes", "narrow"),
        [
            (lambda g: g("Div", "x", 255.0), 1),
            (lambda g: g("Mul", "x", np.float32(1 / 255)), 1),
            (lambda g: g("Sub", g("Div", "x", 127.5), 1.0), 1),
            (lambda g: g("Div", g("Sub", "x", 127.5), 127.5), 1),
            (lambda g: g("Div", g("Sub", g("Cast", "x", to=TensorProto.FLOAT), 128.0), 64.0), 1),
            (lambda g: g("Div", "x", 16.0), 16),
            (lambda g: g("Div", g("Relu", "x"), 255.0), 1),
            (lambda g: g("Div", g("Round", g("Clip", "x", 0.0, 255.0)), 255.0), 1),
        ],
    )
    def test_first_nodes_that_divide_say_that_numbers_are_whole(
        self, nodes: Callable[[Builder], str], narrow: int, tmp_path: Path, random: np.random.Generator
    ) -> None:
        """Data from 0 to 255 are taken as they are, and thresholds lie among them."""
        g = Builder((2, 5, 4))
        y = g("Conv", nodes(g), signs(random, 5, 2, 2, 2))
        path = g.save(tmp_path / "m.onnx", g("BipolarQuant", g("Sub", y, 0.3), 1.0))
        network = agree(path, random.integers(0, 256 // narrow, (24, 2, 5, 4)).astype(np.float32))
        form = network.input
        assert (form.grid.scale, form.assumed) == (1.0, False)
        assert form.statement is not None and form.statement.scale == 1.0
        assert not import_model(path, 1 / 255).input.assumed
        assert import_model(path, 1 / 255).input.grid.scale == 1 / 255

    @pytest.mark.parametrize(
        "nodes",
        [
            lambda g: g("Mul", "x", 2.0),
            lambda g: g("Div", g("Sub", "x", 0.5), 0.25),
            lambda g: g("Mul", g("Clip", "x", 0.0, 1.0), 2.0),
            lambda g: g("Relu", "x"),
        ],
    )
    def test_others_say_nothing(self, nodes: Callable[[Builder], str], tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((2, 5, 4))
        network = agree(g.save(tmp_path / "m.onnx", g("Conv", nodes(g), signs(random, 5, 2, 2, 2))), pixels(26, 2, 5, 4))
        assert network.input.statement is None
        assert network.input.assumed

    @pytest.mark.parametrize("kind", ["UINT8", "INT8", "UINT16", "INT32", "BOOL"])
    @pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 1, 0, 0]])
    def test_types_of_whole_numbers(self, kind: str, pads: list[int], tmp_path: Path, random: np.random.Generator) -> None:
        """The type states the step; signed numbers of 8 bits are taken as they are, of wider ones 0 to 255."""
        g = Builder((2, 5, 4))
        g.inputs = [onnx.helper.make_tensor_value_info("x", TensorProto.DataType.Value(kind), ["N", 2, 5, 4])]
        y = g("Transpose", g("Cast", g("Transpose", "x", perm=[0, 1, 3, 2]), to=TensorProto.FLOAT), perm=[0, 1, 3, 2])
        y = g("Conv", g("Div", y, 2.0 if kind == "BOOL" else 255.0), signs(random, 5, 2, 2, 2), pads=pads)
        path = g.save(tmp_path / "m.onnx", g("BipolarQuant", g("Sub", y, 0.1), 1.0))
        low, high = {"INT8": (-128, 128), "BOOL": (0, 2)}.get(kind, (0, 256))
        network = agree(path, random.integers(low, high, (24, 2, 5, 4)).astype(np.float32))
        assert not network.input.assumed
        assert network.input.grid.scale == 1.0
        for value, place in ((0.5, (0, 1, 2, 3)), (high + (1 << 40), (1, 0, 0, 0)), (low - (1 << 40), (1, 0, 0, 0))):
            wrong = np.zeros((2, 2, 5, 4))
            wrong[place] = value
            with pytest.raises(InputError, match="is not a whole number from"):
                network.run(wrong)

    @pytest.mark.parametrize("zero_point", [[], [np.array(128, np.uint8)]])
    def test_dequantised(self, zero_point: list[np.ndarray], tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((2, 5, 4))
        g.inputs = [onnx.helper.make_tensor_value_info("x", TensorProto.UINT8, ["N", 2, 5, 4])]
        y = g("Conv", g("DequantizeLinear", "x", 0.01, *zero_point), signs(random, 5, 2, 2, 2), pads=[1, 0, 0, 1])
        path = g.save(tmp_path / "m.onnx", g("BipolarQuant", g("Sub", y, 0.055), 1.0))
        agree(path, random.integers(0, 256, (24, 2, 5, 4)).astype(np.float32))

    def test_whole_numbers_with_one_more_axis(self, tmp_path: Path, random: np.random.Generator) -> None:
        """Numbers of the input's type may be moved, by any operator."""
        g = Builder((5, 4))
        g.inputs = [onnx.helper.make_tensor_value_info("x", TensorProto.UINT8, ["N", 20])]
        image = g("Reshape", g("Squeeze", g("Unsqueeze", "x", np.array([1])), np.array([1])), np.array([-1, 1, 5, 4]))
        y = g("Conv", g("Cast", image, to=TensorProto.FLOAT), signs(random, 5, 1, 2, 2))
        path = g.save(tmp_path / "m.onnx", g("BipolarQuant", g("Sub", y, 0.5), 1.0))
        agree(path, random.integers(0, 256, (24, 20)).astype(np.float32))

    def test_bits_of_a_truth_value(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((9,))
        g.inputs = [onnx.helper.make_tensor_value_info("x", TensorProto.BOOL, ["N", 9])]
        path = g.save(tmp_path / "m.onnx", g("MatMul", g("Where", "x", 1.0, -1.0), signs(random, 9, 5)))
        network = agree(path, random.integers(0, 2, (24, 9)).astype(np.float32))
        assert network.input.tensor.codes.levels == 2

    @pytest.mark.parametrize("operator", ["Sub", "Div"])
    def test_arithmetic_that_wraps_around_is_refused(self, operator: str, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((9,))
        g.inputs = [onnx.helper.make_tensor_value_info("x", TensorProto.UINT8, ["N", 9])]
        y = g("Cast", g(operator, "x", np.array(128, np.uint8)), to=TensorProto.FLOAT)
        path = g.save(tmp_path / "m.onnx", g("MatMul", y, signs(random, 9, 5)))
        with pytest.raises(UnsupportedModelError, match="it computes with numbers of the type uint8; cast them"):
            import_model(path)

    def test_half_floats_are_refused(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((9,))
        g.inputs = [onnx.helper.make_tensor_value_info("x", TensorProto.FLOAT16, ["N", 9])]
        with pytest.raises(ModelFileError, match="input x holds numbers of type float16, expected float32 or whole numbers"):
            import_model(g.save(tmp_path / "m.onnx", g("MatMul", "x", signs(random, 9, 5))))

    @pytest.mark.parametrize("padding", ["Conv", "Pad"])
    @pytest.mark.parametrize("offset", [1.0, 0.3, 0.4914])
    def test_offset_before_the_padding(self, padding: str, offset: float, tmp_path: Path, random: np.random.Generator) -> None:
        """(2x - offset), then zeros around it: the zeros are no pixels."""
        g = Builder((2, 5, 4))
        y = g("Sub", g("Mul", "x", 2.0), offset)
        weights, scale = signs(random, 6, 2, 3, 2), random.normal(size=(6, 1, 1))
        if padding == "Pad":
            y = g("Conv", g("Pad", y, np.array([0, 0, 2, 1, 0, 0, 1, 0])), weights)
        else:
            y = g("Conv", y, weights, pads=[2, 1, 1, 0])
        agree(g.save(tmp_path / "m.onnx", g("BipolarQuant", g("Add", g("Mul", y, scale), 0.2), 1.0)), pixels(7, 2, 5, 4))

    def test_frames_that_lie_channels_last(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((5, 4, 3))
        y = g("Conv", g("Transpose", "x", perm=[0, 3, 1, 2]), signs(random, 4, 3, 2, 2))
        network = agree(g.save(tmp_path / "m.onnx", y), pixels(8, 5, 4, 3))
        assert network.input.tensor.shape == (5, 4, 3)
        assert np.array_equal(network.input.order, np.arange(60))

    def test_features_read_as_an_image(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((24,))
        y = g("Conv", g("Reshape", "x", np.array([-1, 2, 3, 4])), signs(random, 4, 2, 2, 2))
        agree(g.save(tmp_path / "m.onnx", y), pixels(9, 24))

    @pytest.mark.parametrize("batch", [1, 0, "N", None])
    def test_batch(self, batch: Any, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((4,), batch=batch)
        path = g.save(tmp_path / "m.onnx", g("MatMul", "x", signs(random, 4, 3)))
        assert import_model(path).input.shape == (4,)

    def test_constants_that_are_inputs_as_well(self, tmp_path: Path, random: np.random.Generator) -> None:
        """As files of the first ONNX versions have it."""
        g = Builder((4,))
        y = g("MatMul", "x", signs(random, 4, 3))
        for tensor in g.initializers:
            g.inputs.insert(0, onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
        agree(g.save(tmp_path / "m.onnx", y), pixels(10, 4))


class TestLayers:
    @pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"])
    @pytest.mark.parametrize("strides", [[1, 1], [2, 3]])
    def test_auto_pad(self, mode: str, strides: list[int], tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((2, 7, 8))
        y = g("BipolarQuant", g("Conv", "x", signs(random, 3, 2, 2, 3), auto_pad=mode, strides=strides), 1.0)
        y = g("MaxPool", y, kernel_shape=[2, 2], auto_pad=mode, strides=[2, 2])
        agree(g.save(tmp_path / "m.onnx", y), pixels(11, 2, 7, 8))

    @pytest.mark.parametrize("size", [7, 8, 9, 10])
    @pytest.mark.parametrize("ceil_mode", [0, 1])
    @pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 0, 1, 1]])
    def test_pooling_geometry(
        self, size: int, ceil_mode: int, pads: list[int], tmp_path: Path, random: np.random.Generator
    ) -> None:
        g = Builder((1, size, 8))
        y = g("BipolarQuant", g("Sub", g("Conv", "x", signs(random, 3, 1, 1, 1)), 0.5), 1.0)
        y = g("MaxPool", y, kernel_shape=[3, 2], strides=[3, 2], pads=pads, ceil_mode=ceil_mode)
        agree(g.save(tmp_path / "m.onnx", y), pixels(12, 1, size, 8))

    def test_pooling_that_leaves_gaps(self, tmp_path: Path, random: np.random.Generator) -> None:
        """Strides above the kernel, where a last window that ceil_mode adds would begin behind the image."""
        g = Builder((1, 8, 7))
        y = g("BipolarQuant", g("Sub", g("Conv", "x", signs(random, 3, 1, 1, 1)), 0.5), 1.0)
        y = g("MaxPool", y, kernel_shape=[1, 2], strides=[3, 4], ceil_mode=1)
        agree(g.save(tmp_path / "m.onnx", y), pixels(24, 1, 8, 7))

    @pytest.mark.parametrize(("kernel", "pads"), [((1, 1), [1, 1, 1, 1]), ((2, 3), [5, 0, 2, 4])])
    def test_padding_beyond_the_kernel(
        self, kernel: tuple[int, int], pads: list[int], tmp_path: Path, random: np.random.Generator
    ) -> None:
        """Some windows see nothing of the image."""
        g = Builder((2, 4, 5))
        y = g("BipolarQuant", g("Sub", g("Conv", "x", signs(random, 3, 2, *kernel), pads=pads), 0.3), 1.0)
        y = g("Conv", y, signs(random, 4, 3, *kernel), pads=pads, strides=[3, 2])
        agree(g.save(tmp_path / "m.onnx", y), pixels(25, 2, 4, 5))

    @pytest.mark.parametrize("alpha", [1.0, -0.5])
    @pytest.mark.parametrize("transposed", [0, 1])
    @pytest.mark.parametrize("bias", [None, (), (5,), (1, 5)])
    def test_gemm(self, alpha: float, transposed: int, bias: Any, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((9,))
        matrix = signs(random, 5, 9) if transposed else signs(random, 9, 5)
        operands = [matrix] if bias is None else [matrix, random.normal(size=bias)]
        y = g("Gemm", g("BipolarQuant", "x", 1.0), *operands, alpha=alpha, beta=3.0, transB=transposed)
        agree(g.save(tmp_path / "m.onnx", y), every_bit_pattern(9))

    def test_a_window_over_everything_is_dense(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((2, 3, 4))
        y = g("Conv", g("BipolarQuant", "x", 1.0), signs(random, 5, 2, 3, 4), random.normal(size=5))
        network = agree(g.save(tmp_path / "m.onnx", g("Squeeze", y, np.array([2, 3]))), random.normal(size=(30, 2, 3, 4)))
        assert [type(layer) for layer in network.layers] == [Dense]

    def test_channels_last_in_the_middle(self, tmp_path: Path, random: np.random.Generator) -> None:
        """Normalised and binarised channels last, flattened channels last, and back."""
        g = Builder((2, 6, 5))
        y = g("Transpose", g("Conv", "x", signs(random, 4, 2, 2, 2)), perm=[0, 2, 3, 1])
        y = g("BipolarQuant", g("Add", g("Mul", y, random.normal(size=4)), random.normal(size=4)), 1.0)
        image = g("Conv", g("Transpose", y, perm=[0, 3, 1, 2]), signs(random, 3, 4, 3, 2))
        bits = g("BipolarQuant", g("Add", image, 0.5), 1.0)
        rows = g("Flatten", g("Transpose", bits, perm=[0, 3, 2, 1]))
        agree(g.save(tmp_path / "m.onnx", g("MatMul", rows, signs(random, 27, 4))), pixels(13, 2, 6, 5))

    def test_shuffled_channels(self, tmp_path: Path, random: np.random.Generator) -> None:
        """Channels in two groups change places between layers; the weights follow them."""
        g = Builder((2, 5, 4))
        y = g("Sign", g("Sub", g("Conv", "x", signs(random, 6, 2, 2, 2)), 0.3))
        y = g("Transpose", g("Reshape", y, np.array([0, 2, 3, 4, 3])), perm=[0, 2, 1, 3, 4])
        agree(
            g.save(tmp_path / "m.onnx", g("Conv", g("Reshape", y, np.array([0, 6, 4, 3])), signs(random, 5, 6, 2, 2))),
            pixels(23, 2, 5, 4),
        )

    @pytest.mark.parametrize("scale", [-1.0, 0.5, -0.25])
    def test_scaled_bits(self, scale: float, tmp_path: Path, random: np.random.Generator) -> None:
        """Bits are scaled, perhaps negated, before they are pooled and summed."""
        g = Builder((2, 6, 6))
        y = g("Mul", g("BipolarQuant", g("Add", g("Conv", "x", signs(random, 4, 2, 2, 2)), 0.001), 1.0), scale)
        y = g("Conv", g("MaxPool", y, kernel_shape=[2, 2]), signs(random, 3, 4, 2, 2), pads=[1, 1, 0, 0])
        agree(g.save(tmp_path / "m.onnx", y), pixels(14, 2, 6, 6))

    def test_bits_of_zero_and_one_are_padded_with_zeros(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((2, 6, 6))
        y = g.quant(g("Add", g("Conv", "x", signs(random, 4, 2, 2, 2)), 0.001), 1, 0.8, signed=0)
        agree(g.save(tmp_path / "m.onnx", g("Conv", y, signs(random, 3, 4, 3, 3), pads=[1, 2, 1, 0])), pixels(15, 2, 6, 6))


class TestOutputs:
    @pytest.mark.parametrize("tail", ["Softmax", "LogSoftmax"])
    def test_softmax(self, tail: str, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((9,))
        scores = g("Mul", g("MatMul", g("BipolarQuant", "x", 1.0), signs(random, 9, 5)), random.normal(size=5))
        agree(g.save(tmp_path / "m.onnx", g(tail, scores, axis=1)), every_bit_pattern(9))

    def test_softmax_over_the_last_axis_by_default(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((4,))
        agree(g.save(tmp_path / "m.onnx", g("Softmax", g("MatMul", "x", signs(random, 4, 5)))), pixels(16, 4))

    def test_rearranged_scores(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((1, 4, 5))
        y = g("Conv", "x", signs(random, 3, 1, 2, 2), random.normal(size=3))
        y = g("Mul", g("Transpose", y, perm=[0, 2, 3, 1]), random.normal(size=(3, 4, 3)))
        agree(g.save(tmp_path / "m.onnx", g("Reshape", y, np.array([0, 4, -1]))), pixels(17, 1, 4, 5))

    def test_global_pooling_of_bits(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((1, 4, 5))
        y = g("BipolarQuant", g("Sub", g("Conv", "x", signs(random, 6, 1, 2, 2)), 0.6), 1.0)
        network = agree(g.save(tmp_path / "m.onnx", g("Flatten", g("GlobalMaxPool", y))), pixels(18, 1, 4, 5))
        assert network.output.shape == (6,)

    @pytest.mark.parametrize(
        "function",
        [
            lambda g, y: g("Round", g("Clip", g("MaxPool", y, kernel_shape=[2, 2]), 0.0, 1.0)),
            lambda g, y: g("MaxPool", g("Round", g("Clip", y, 0.0, 1.0)), kernel_shape=[2, 2]),
            lambda g, y: g("Clip", g("Floor", g("MaxPool", g("Mul", y, -2.0), kernel_shape=[2, 2])), 0.0, 1.0),
            lambda g, y: g("Clip", g("Mul", g("MaxPool", y, kernel_shape=[2, 2]), 1e6), 0.0, 0.7),
            lambda g, y: g("Add", g("Mul", g("Round", g("Clip", g("GlobalMaxPool", y), 0.0, 1.0)), BY_CHANNEL), BY_CHANNEL),
            lambda g, y: g("Softmax", g("Flatten", g("Round", g("Clip", g("GlobalMaxPool", y), 0.0, 1.0))), axis=1),
        ],
    )
    def test_pooled_bits_without_a_quantiser(
        self, function: Callable[[Builder, str], str], tmp_path: Path, random: np.random.Generator
    ) -> None:
        """Sums that are pooled are bits in hardware; what the host computes with them begins behind those."""
        g = Builder((1, 5, 5))
        y = g("Sub", g("Conv", "x", signs(random, 3, 1, 2, 2)), 0.3)
        network = agree(g.save(tmp_path / "m.onnx", function(g, y)), pixels(25, 1, 5, 5))
        assert [type(layer) for layer in network.layers] == [Convolution, Pool]

    @pytest.mark.parametrize(
        ("function", "node", "reason"),
        [
            (lambda g, y: g("Round", g("MaxPool", y, **PAIR), name="round"), "round", "more than two numbers"),
            (
                lambda g, y: g("Round", g("Clip", g("Abs", g("MaxPool", y, **PAIR), name="size"), 0.0, 1.0), name="round"),
                "round",
                "from size on",
            ),
            (lambda g, y: g("MaxPool", g("Floor", y, name="floor"), **PAIR), "floor", "more than two numbers"),
        ],
    )
    def test_pooled_scores_are_refused(
        self, function: Callable[[Builder, str], str], node: str, reason: str, tmp_path: Path, random: np.random.Generator
    ) -> None:
        """At what should have made bits of them, or else at the pooling."""
        g = Builder((1, 5, 5))
        path = g.save(tmp_path / "m.onnx", function(g, g("Conv", "x", signs(random, 3, 1, 2, 2))))
        with pytest.raises(UnsupportedModelError) as caught:
            import_model(path)
        (finding,) = caught.value.findings
        assert finding.node == node
        assert reason in finding.reason

    @pytest.mark.parametrize("function", ["Identity", "Softplus"])
    def test_pooled_scores_are_real_numbers(self, function: str, tmp_path: Path, random: np.random.Generator) -> None:
        """Whose range is not known before a calibration."""
        g = Builder((1, 5, 5))
        path = g.save(tmp_path / "m.onnx", g(function, g("MaxPool", g("Conv", "x", signs(random, 3, 1, 2, 2)), **PAIR)))
        with pytest.raises(UncalibratedError):
            import_model(path)

    def test_other_outputs_on_the_way_change_nothing(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((9,))
        y = g("MatMul", g("BipolarQuant", "x", 1.0), signs(random, 9, 5))
        agree(g.save(tmp_path / "m.onnx", g("Softmax", y), y), every_bit_pattern(9))

    def test_the_named_one_of_several(self, tmp_path: Path, random: np.random.Generator) -> None:
        """Each is what its graph gives; what leads to others alone is left out, and counted."""
        g = Builder((9,))
        bits = g("BipolarQuant", g("MatMul", g("BipolarQuant", "x", 1.0), signs(random, 9, 7)), 1.0)
        scores = g("MatMul", bits, signs(random, 7, 5))
        soft = g("Softmax", scores, axis=1)
        g("Frobnicate", bits, name="dead", domain="unheard.of")
        path, x = g.save(tmp_path / "m.onnx", bits, scores, soft), every_bit_pattern(9)
        for name, outputs, beside in ((bits, (scores, soft), 2), (scores, (bits, soft), 1), (soft, (bits, scores), 0)):
            network = import_model(path, output_name=name)
            np.testing.assert_allclose(network.run(x), execute(path, x, output=name).outputs, rtol=1e-5, atol=1e-6)
            assert network.output.name == name
            assert network.omitted == Omitted(outputs, beside, ("dead",))
        assert import_model(path).output.name == bits
        with pytest.raises(ModelFileError, match=f"no output y; its outputs are {bits}, {scores}, {soft}"):
            import_model(path, output_name="y")

    def test_inputs_of_other_outputs_do_not_matter(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((9,))
        g.inputs.append(onnx.helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 5]))
        y = g("MatMul", g("BipolarQuant", "x", 1.0), signs(random, 9, 5))
        agree(g.save(tmp_path / "m.onnx", y, g("Add", y, "z")), every_bit_pattern(9))

    def test_equal_scores_go_to_the_lowest_index(self, tmp_path: Path, random: np.random.Generator) -> None:
        """Integer scores tie often; both sides then decide for the first."""
        g = Builder((6,))
        path = g.save(tmp_path / "m.onnx", g("MatMul", g("BipolarQuant", "x", 1.0), signs(random, 6, 4)))
        x = every_bit_pattern(6)
        scores = import_model(path).run(x)
        assert np.array_equal(scores.argmax(axis=1), execute(path, x).outputs.argmax(axis=1))
        top_two = np.sort(scores, axis=1)[:, -2:]
        assert np.mean(top_two[:, 0] == top_two[:, 1]) > 0.1


class TestExporters:
    """What old and new exporters write differently."""

    @pytest.mark.parametrize("opset", [10, 13, 21])
    def test_single_numbers_that_are_dequantised(self, opset: int, tmp_path: Path, random: np.random.Generator) -> None:
        """A result without dimensions is a constant like others."""
        g = Builder((9,), opset=opset)
        scale, zero_point = np.array(0.5, np.float32), np.array(3, np.int8)
        codes = g("QuantizeLinear", np.array(-1.0, np.float32), scale, zero_point)
        one = g("Neg", g("DequantizeLinear", codes, scale, zero_point))
        y = g("MatMul", g("Mul", g("BipolarQuant", "x", 1.0), one), g("Mul", signs(random, 9, 5), one))
        agree(g.save(tmp_path / "m.onnx", g("Add", g("Sign", g("Sub", y, g("Mul", one, 0.5))), one)), every_bit_pattern(9))

    def test_opset_9(self, tmp_path: Path, random: np.random.Generator) -> None:
        """Bounds, paddings and axes as attributes."""
        g = Builder((2, 5, 5), opset=9, constant_nodes=True)
        y = g("Pad", "x", pads=[0, 0, 1, 1, 0, 0, 0, 1], mode="constant", value=0.0)
        y = g("Clip", g("Conv", y, signs(random, 4, 2, 3, 3)), min=-3.0, max=3.0)
        y = g("Sign", g("Sub", y, g("Unsqueeze", np.array([0.1, -0.2, 0.3, 0.4]), axes=[0, 2, 3])))
        batch = g("Unsqueeze", g("Gather", g("Shape", y), np.array(0), axis=0), axes=[0])
        rows = g("Reshape", g("Dropout", y), g("Concat", batch, np.array([-1]), axis=0))
        agree(g.save(tmp_path / "m.onnx", g("Softmax", g("MatMul", rows, signs(random, 80, 3)))), pixels(19, 2, 5, 5))

    def test_shape_arithmetic(self, tmp_path: Path, random: np.random.Generator) -> None:
        """The flat size is computed: a slice of the shape, its product, a concatenation."""
        g = Builder((2, 5, 5))
        y = g("Sign", g("Sub", g("Conv", "x", signs(random, 4, 2, 3, 3)), 0.3))
        shape = g("Shape", y)
        size = g("ReduceProd", g("Slice", shape, np.array([1]), np.array([4])), keepdims=1)
        rows = g("Reshape", y, g("Concat", g("Slice", shape, np.array([0]), np.array([1])), size, axis=0))
        agree(g.save(tmp_path / "m.onnx", g("MatMul", rows, signs(random, 36, 3))), pixels(20, 2, 5, 5))

    def test_nodes_that_change_nothing(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((9,))
        y = g("Identity", g("Dropout", g("Cast", "x", to=onnx.TensorProto.FLOAT)))
        y = g("MatMul", g("Identity", g("BipolarQuant", y, 1.0)), g("Identity", signs(random, 9, 3)))
        y = g("Squeeze", g("Unsqueeze", g("Cast", y, to=onnx.TensorProto.FLOAT), np.array([2])), np.array([2]))
        agree(g.save(tmp_path / "m.onnx", y), every_bit_pattern(9))

    def test_finn_domain(self, tmp_path: Path, random: np.random.Generator) -> None:
        """MultiThreshold where it lived before QONNX: the same network as in today's domain."""
        results = []
        for domain in (QONNX, "finn.custom_op.general"):
            g = Builder((4,), domain)
            y = g("MatMul", "x", signs(np.random.default_rng(1), 4, 5))
            y = g("MultiThreshold", y, np.full((5, 1), 0.2), out_dtype="BINARY")
            results.append(import_model(g.save(tmp_path / "m.onnx", y)).run(pixels(22, 4)))
        assert np.array_equal(results[0], results[1])
        assert results[0].any()

    @pytest.mark.parametrize("opset", [10, 13, 19, 21])
    @pytest.mark.parametrize("axis", [None, 0, 1])
    def test_weights_of_quantised_integers(
        self, opset: int, axis: int | None, tmp_path: Path, random: np.random.Generator
    ) -> None:
        """What a quantiser of weights leaves behind: QuantizeLinear, or its result, then DequantizeLinear."""
        if opset < 13 and axis is not None:
            pytest.skip("scales along an axis came with opset 13")
        weights, size = signs(random, 9, 6), {None: (), 0: (1, 9), 1: (1, 6)}[axis]
        scale = np.asarray(np.full(size[1:], 0.02) if axis != 1 else random.uniform(0.01, 0.03, 6), np.float32)
        zero_point = np.zeros(scale.shape, np.int8)
        attributes: dict[str, Any] = {} if axis is None else {"axis": axis}
        for stored in (True, False):
            g = Builder((9,), opset=opset)
            along = scale.reshape({None: (), 0: (9, 1), 1: (1, 6)}[axis])
            codes: Any = (weights * 100).astype(np.int8) if stored else weights * 100 * along
            if not stored:
                codes = g("QuantizeLinear", codes, scale, zero_point, **attributes)
            w = g("DequantizeLinear", codes, scale, zero_point, **attributes)
            agree(g.save(tmp_path / "m.onnx", g("MatMul", g("Sign", g("Sub", "x", 0.5)), w)), pixels(27, 9))

    @pytest.mark.parametrize("operator", ["Quant", "IntQuant"])
    @pytest.mark.parametrize("domain", ["", QONNX, BREVITAS, "finn"])
    def test_names_and_domains_of_quantisers(
        self, operator: str, domain: str, tmp_path: Path, random: np.random.Generator
    ) -> None:
        """The oldest files name no domain, new ones call Quant IntQuant: all are the same network."""
        weights, results = signs(random, 9, 5), []
        for name, where in ((operator, domain), ("Quant", QONNX)):
            g = Builder((9,))
            settings: dict[str, Any] = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND", "domain": where}
            y = g("MatMul", g(name, "x", 0.25, 0.0, 4.0, **settings), g(name, weights, 1.0, 0.0, 1.0, **settings))
            path = g.save(tmp_path / "m.onnx", g(name, y, 1.0, 0.0, 1.0, **settings))
            results.append(import_model(path).run(every_bit_pattern(9)))
        assert np.array_equal(results[0], results[1])
        assert np.array_equal(results[1], execute(path, every_bit_pattern(9)).outputs)

    def test_int_quant_as_qonnx_executes_it(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((9,))
        settings: dict[str, Any] = {"signed": 1, "narrow": 1, "rounding_mode": "ROUND", "domain": QONNX}
        y = g("MatMul", g("IntQuant", "x", 0.25, 0.0, 4.0, **settings), signs(random, 9, 5))
        agree(g.save(tmp_path / "m.onnx", y), random.normal(size=(40, 9)).astype(np.float32))

    def test_functions_of_the_model(self, tmp_path: Path, random: np.random.Generator) -> None:
        """A normalisation with a sign as a function, called twice with other constants and another attribute."""
        body = [
            onnx.helper.make_node("LeakyRelu", ["t"], ["v"]),
            onnx.helper.make_node("Add", ["v", "shift"], ["s"]),
            onnx.helper.make_node("Sign", ["s"], ["y"]),
        ]
        reference = body[0].attribute.add(name="alpha", type=onnx.AttributeProto.FLOAT)
        reference.ref_attr_name = "slope"
        g = Builder((9,))
        y = g("MatMul", g("BipolarQuant", "x", 1.0, domain=QONNX), signs(random, 9, 7))
        y = g("Binarise", y, 0.5, domain="own", slope=0.25)
        y = g("MatMul", y, signs(random, 7, 5))
        y = g("Binarise", y, -1.5, domain="own", slope=0.5)
        model = g.model(g("MatMul", y, signs(random, 5, 3)))
        imports = [onnx.helper.make_opsetid("", 13)]
        model.functions.append(onnx.helper.make_function("own", "Binarise", ["t", "shift"], ["y"], body, imports, ["slope"]))
        (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
        agree(tmp_path / "m.onnx", every_bit_pattern(9))


class TestFunctionsOfOneActivation:
    """Two branches of the same elements that meet again are one function."""

    @pytest.mark.parametrize(
        "function",
        [
            lambda g, y: g("Mul", y, g("Sigmoid", y)),
            lambda g, y: g("Mul", g("Sigmoid", g("Mul", y, np.linspace(1, 2, 6))), y),
            lambda g, y: g("Add", g("Mul", y, y), g("Mul", y, 20.0)),
            lambda g, y: g("Add", g("Sub", g("Add", y, 1.0), g("Relu", g("Add", y, 1.0))), 1.0),
            lambda g, y: g("Div", y, g("Add", g("Abs", y), 1.0)),
        ],
    )
    def test_before_a_sign(self, function: Callable[[Builder, str], str], tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((9,))
        y = function(g, g("MatMul", g("BipolarQuant", "x", 1.0), signs(random, 9, 6)))
        agree(g.save(tmp_path / "m.onnx", g("BipolarQuant", g("Sub", y, 0.35), 1.0)), every_bit_pattern(9))

    def test_of_the_scores(self, tmp_path: Path, random: np.random.Generator) -> None:
        g = Builder((9,))
        y = g("MatMul", g("BipolarQuant", "x", 1.0), signs(random, 9, 6))
        agree(g.save(tmp_path / "m.onnx", g("Mul", y, g("Sigmoid", g("Mul", y, random.normal(size=6))))), every_bit_pattern(9))
