"""What is imported of a variational autoencoder computes what its graph computes, given the same noise; and what is refused."""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from sigmabit.golden import Coding, Network, SigmabitError, UnsupportedModelError, import_model
from sigmabit.golden.front.importer import import_real, read_model
from sigmabit.golden.front.importer.walk import CONDITION
from sigmabit.golden.front.quantise import Precision, calibrate, quantise
from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.pool import Pool
from sigmabit.golden.layers.threshold import Threshold
from sigmabit.golden.network.real import RealLatent, RealLinear, RealNetwork

from ..harness.onnx_graphs import Operand, signs
from ..harness.quantisation import compare_layers
from ..harness.random_graphs import draw_sample
from ..harness.real_graphs import Vae, draw_vae
from ..simulation import reference
from ..simulation.reference import ExecutionError, execute

pytestmark = pytest.mark.filterwarnings("ignore:Output shapes disagree")  # qonnx, on graphs without declared shapes

GRAPHS = 200
FEATURES, LATENTS = 12, 3


def agree(
    path: Path, x: np.ndarray, input_scale: float | None = None, seed: int = 1, coding: Coding | None = None
) -> RealNetwork:
    """Assert that the network gives what the file's graph gives for the frames x and any noise, heads included."""
    network = import_real(path, input_scale, coding=coding)
    latent = network.latent
    assert latent is not None
    epsilon = np.random.default_rng(seed).normal(size=(len(x), latent.latents)).astype(np.float32)
    names = (latent.mean, *([latent.logarithm] if latent.logarithm else []))
    expected = execute(path, x, epsilon=epsilon, tensors=names)
    close(network.output(x, epsilon), expected.outputs)
    place = network.layers.index(latent)
    heads = network.evaluate(x, epsilon)[network.layers[place - 1].name][:, 0, 0]
    close(heads[:, : latent.latents], expected.tensors[latent.mean])
    if latent.logarithm:
        close(heads[:, latent.latents :], np.broadcast_to(expected.tensors[latent.logarithm], (len(x), latent.latents)))
    return network


def close(found: np.ndarray, expected: np.ndarray) -> None:
    """Assert equality but for float32's rounding."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def kinds(network: RealNetwork) -> list[str]:
    """The layers' names without their numbers."""
    return [layer.name.rstrip("0123456789") for layer in network.layers]


@pytest.fixture
def g() -> Vae:
    """A graph on rows of features."""
    return vae()


def vae(*shape: int, **options: Any) -> Vae:
    """A graph with the same weights in every run."""
    return Vae(shape or (FEATURES,), np.random.default_rng(5), **options)


def rows(*shape: int, frames: int = 9) -> np.ndarray:
    """Frames of multiples of 1/255."""
    return (np.random.default_rng(3).integers(0, 256, (frames, *(shape or (FEATURES,)))) / 255).astype(np.float32)


class TestRandomGraphs:
    @pytest.mark.parametrize("block", range(8))
    def test_outputs_agree(self, block: int, tmp_path: Path) -> None:
        for seed in range(block, GRAPHS, 8):
            sample = draw_vae(seed, tmp_path)
            assert isinstance(read_model(sample.path), RealNetwork)
            agree(sample.path, sample.x, None, seed, sample.coding)

    def test_they_hold_every_kind_of_layer(self, tmp_path: Path) -> None:
        networks = [import_real(sample.path, coding=sample.coding) for sample in (draw_vae(n, tmp_path) for n in range(40))]
        assert {kind for network in networks for kind in kinds(network)} == {"conv", "deconv", "dense", "latent"}
        latents = [network.latent for network in networks if network.latent]
        assert {latent.score for latent in latents} == {latent.log_sigma for latent in latents} == {False, True}
        assert any(
            layer.rows > layer.columns for network in networks for layer in network.layers if isinstance(layer, RealLinear)
        )

    def test_binary_graphs_are_not_real(self, tmp_path: Path) -> None:
        assert all(isinstance(read_model(draw_sample(seed, tmp_path).path), Network) for seed in range(10))


class TestTransposedConvolutions:
    @pytest.mark.parametrize("block", range(4))
    def test_every_geometry(self, block: int, tmp_path: Path) -> None:
        """Any sizes, kernels, strides, paddings; also those larger than the kernel or the stride, and computed ones."""
        random = np.random.default_rng(block)
        for number in range(40):
            sizes, kernel, strides = (random.integers(1, limit, 2) for limit in (5, 6, 5))
            more = random.integers(0, strides)
            full = strides * (sizes - 1) + kernel + more
            attributes: dict[str, Any] = {"strides": strides.tolist(), "output_padding": more.tolist()}
            form = random.choice(["pads", "output_shape", "SAME_UPPER", "SAME_LOWER", "VALID"])
            if form == "pads":
                before = random.integers(0, full)
                attributes["pads"] = [*before.tolist(), *random.integers(0, full - before).tolist()]
            elif form == "output_shape":
                attributes["output_shape"] = random.integers(1, full + 1).tolist()
            elif form == "VALID" or np.all(full >= sizes * strides):
                attributes["auto_pad"] = str(form)
            g = vae()
            z = g.draw(*g.heads("x", FEATURES, LATENTS))
            image = g("Reshape", g.dense(z, LATENTS, 2 * int(sizes.prod())), np.array([-1, 2, *sizes]))
            weights = g.weights(2, 3, *kernel.tolist(), fan=4)
            path = g.save(tmp_path / f"{number}.onnx", g("ConvTranspose", image, weights, g.weights(3, fan=1), **attributes))
            network = agree(path, rows(frames=3))
            *_, last = network.layers
            assert isinstance(last, RealLinear)
            assert last.window.rows.stride == last.window.columns.stride == 1

    def test_a_stride_of_two_computes_blocks_of_four(self, tmp_path: Path, g: Vae) -> None:
        """No tap is wasted where the kernel is a multiple of the stride: 2x2 taps for 4x4."""
        z = g.draw(*g.heads("x", FEATURES, LATENTS))
        image = g("Reshape", g("Relu", g.dense(z, LATENTS, 18)), np.array([-1, 2, 3, 3]))
        y = g("ConvTranspose", image, g.weights(2, 5, 4, 4, fan=8), strides=[2, 2], pads=[1, 1, 1, 1])
        network = agree(g.save(tmp_path / "m.onnx", g("Sigmoid", y)), rows())
        dense, deconv = network.layers[-2:]
        assert isinstance(dense, RealLinear) and isinstance(deconv, RealLinear)
        assert (dense.shape, dense.rows, dense.columns, dense.window.outputs) == ((3, 3, 2), 3, 3, 1)
        assert (deconv.shape, deconv.rows, deconv.columns, deconv.window.rows.outputs) == ((6, 6, 5), 2, 2, 3)
        assert deconv.weights.shape == (3, 3, 2, 20)
        assert np.count_nonzero(deconv.weights.any(axis=2).reshape(3, 3, 2, 2, 5).any(axis=4)) == 16

    def test_one_position_becomes_an_image_at_once(self, tmp_path: Path, g: Vae) -> None:
        z = g("Reshape", g.draw(*g.heads("x", FEATURES, LATENTS)), np.array([0, -1, 1, 1]))
        y = g("ConvTranspose", z, g.weights(LATENTS, 4, 3, 2, fan=3), strides=[2, 1])
        y = g("Conv", g("Relu", y), g.weights(2, 4, 2, 2, fan=16))
        network = agree(g.save(tmp_path / "m.onnx", y), rows())
        assert kinds(network) == ["dense", "latent", "dense", "conv"]


class TestInputs:
    @pytest.mark.parametrize("bias", [0.5, 0.1307])
    def test_an_offset_before_zero_padding_stays_in_the_grid(self, bias: float, tmp_path: Path) -> None:
        g = vae(1, 5, 5)
        y = g("Conv", g("Div", g("Sub", "x", bias), 0.3081), g.weights(2, 1, 3, 3, fan=9), pads=[1, 1, 1, 1])
        z = g.draw(*g.heads(g("Flatten", g("Relu", y)), 50, LATENTS))
        network = agree(g.save(tmp_path / "m.onnx", z), rows(1, 5, 5))
        assert network.input.grid.offset / network.input.grid.gain == pytest.approx(-255 * bias, rel=1e-5)
        assert network.input.grid.scale == 1 / 255

    @pytest.mark.parametrize("padded", [False, True])
    def test_a_quantised_input(self, padded: bool, tmp_path: Path) -> None:
        g = vae(1, 5, 5)
        y = g("Sub", g.quant(g("Mul", "x", 2.0), 4, 0.1, signed=0), 0.25)
        y = g("Conv", y, g.weights(2, 1, 3, 3, fan=9), pads=[int(padded)] * 4)
        z = g.draw(*g.heads(g("Flatten", y), 50 if padded else 18, LATENTS))
        network = agree(g.save(tmp_path / "m.onnx", z), rows(1, 5, 5) / 2)
        assert network.input.tensor.codes.levels == 16

    def test_a_scale_vanishes_in_the_weights(self, tmp_path: Path, g: Vae) -> None:
        """The codes' own step stays; weights on a power-of-two grid stay on one."""
        heads = g.heads(g("Mul", "x", 1 / 16), FEATURES, LATENTS)
        network = agree(g.save(tmp_path / "m.onnx", g.draw(*heads)), np.rint(rows() * 255), input_scale=1.0)
        assert (network.input.grid.gain, network.input.grid.offset, network.input.grid.scale) == (1, 0, 1.0)
        assert network.encode(np.ones((1, FEATURES))).max() == 1


class TestBinaryLayersInFront:
    @pytest.mark.parametrize("quantiser", ["Sign", "BipolarQuant", "unsigned"])
    def test_convolution_pooling_and_real_layers(self, quantiser: str, tmp_path: Path) -> None:
        g = vae(2, 7, 7)
        y = g("Add", g("Conv", "x", signs(g.random, 4, 2, 3, 3)), 0.0137)
        if quantiser == "Sign":
            y = g("Sign", y)
        else:
            y = g("BipolarQuant", y, 1.0) if quantiser == "BipolarQuant" else g.quant(y, 1, 1.0, signed=0)
        y = g("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
        y = g("Conv", g("Mul", y, 0.5), g.weights(3, 4, 2, 2, fan=16), pads=[0] * 4 if quantiser == "unsigned" else [0, 1, 1, 0])
        y = g("Flatten", g("Relu", y))
        z = g.draw(*g.heads(y, 3 if quantiser == "unsigned" else 12, LATENTS))
        network = agree(g.save(tmp_path / "m.onnx", g.dense(z, LATENTS, 4)), rows(2, 7, 7))
        assert [type(layer) for layer in network.binary] == [Convolution, Pool]
        assert network.layers[0].name == ("dense1" if quantiser == "unsigned" else "conv2")

    @pytest.mark.parametrize(
        "function",
        [
            lambda g, x: g("Sign", g("Sub", x, 0.5)),
            lambda g, x: g("Sign", g("Mul", g("Sub", x, 0.5), np.linspace(-1, 2, FEATURES))),
            lambda g, x: g("BipolarQuant", g("Sub", g("Mul", x, 2.0), 1.0), 1.0),
            lambda g, x: g.quant(g("Sub", x, 0.5), 1),
            lambda g, x: g.quant(g("Mul", x, 0.9), 1, signed=0),
            lambda g, x: g("MultiThreshold", g("Sub", x, 0.5), np.zeros((1, 1)), out_dtype="BINARY"),
            lambda g, x: g("Where", g("Greater", g("Mul", x, 2.0), 1.0), 1.0, -1.0),
            lambda g, x: g("Where", g("Less", g("Sub", x, 0.5), 0.0), 0.25, 3.0),
            lambda g, x: g("Cast", g("GreaterOrEqual", g("Add", x, 0.5), 1.0), to=TensorProto.FLOAT),
            lambda g, x: g("Sign", g("Sub", g("Sign", g("Sub", x, 0.5)), 0.1)),
            lambda g, x: g("Sign", x),
            lambda g, x: g("Round", x),
            lambda g, x: g("Ceil", g("Clip", g("Sub", x, 0.5), 0.0, 1.0)),
            lambda g, x: g("Sign", g("Sub", x, 5.0)),
            lambda g, x: g("Relu", g("Sign", g("Sub", x, 0.5))),
            lambda g, x: g("Exp", g("Mul", g("Sign", g("Sub", x, 0.5)), np.linspace(-1, 2, FEATURES))),
        ],
    )
    def test_a_binarised_input(self, function: Callable[[Vae, str], str], tmp_path: Path, g: Vae) -> None:
        """Behind any scalar step: one layer of thresholds."""
        z = g.draw(*g.heads(function(g, "x"), FEATURES, LATENTS))
        network = agree(g.save(tmp_path / "m.onnx", z), rows())
        assert [type(layer) for layer in network.binary] == [Threshold]

    @pytest.mark.parametrize("channels_last", [False, True])
    @pytest.mark.parametrize(("padding", "zeros"), [(0, False), (1, False), (0, True)])
    def test_a_binarised_image(self, channels_last: bool, padding: int, zeros: bool, tmp_path: Path) -> None:
        """Of -1 and +1, or of zeros and ones."""
        shape = (5, 4, 2) if channels_last else (2, 5, 4)
        g = vae(*shape)
        y = g("Sign", g("Sub", "x", 0.5))
        y = g("Relu", y) if zeros else y
        y = g("Transpose", y, perm=[0, 3, 1, 2]) if channels_last else y
        y = g("Relu", g("Conv", y, g.weights(3, 2, 3, 3, fan=18), pads=[padding] * 4))
        z = g.draw(*g.heads(g("Flatten", y), 60 if padding else 18, LATENTS))
        network = agree(g.save(tmp_path / "m.onnx", z), rows(*shape))
        assert [type(layer) for layer in network.binary] == [Threshold]

    def test_zeros_of_a_sign_are_listed(self, tmp_path: Path, g: Vae) -> None:
        """Sums of twelve bits are even, and 0 is one of them; the network of integers lists it as well."""
        y = g("Sign", g("MatMul", g("BipolarQuant", g("Sub", "x", 0.5), 1.0), signs(g.random, FEATURES, 4)))
        network = import_real(g.save(tmp_path / "m.onnx", g.draw(*g.heads(y, 4, LATENTS))))
        assert {(tie.channel, tie.accumulator) for tie in network.ties} >= {(channel, 0) for channel in range(4)}
        assert quantise(network, calibrate(network, rows()), Precision()).ties == network.ties

    def test_their_findings(self, tmp_path: Path, g: Vae) -> None:
        y = g("Sign", g.dense("x", FEATURES, 8))
        (found,) = refusals(g, g.draw(*g.heads(y, 8, LATENTS)), tmp_path).values()
        assert "not whole numbers of up to 8 bits" in found

    @pytest.mark.parametrize(
        "behind",
        [
            lambda g, y: y,
            lambda g, y: g("Mul", y, 0.5),
            lambda g, y: g("Neg", y),
            lambda g, y: g("Sub", y, 0.25),
            lambda g, y: g("Mul", y, np.array([0.5, -1.0, 3.0, 2.0]).reshape(4, 1, 1)),
            lambda g, y: g("Add", y, np.array([0.5, -1.0, 3.0, 2.0]).reshape(4, 1, 1)),
        ],
    )
    def test_bits_other_than_one_and_minus_one_before_padding(self, behind: Callable[[Vae, str], str], tmp_path: Path) -> None:
        """Zeros of the padding are told from bits; integers stay within their bounds."""
        g = vae(2, 5, 5)
        y = g.quant(g("Conv", "x", signs(g.random, 4, 2, 3, 3)), 1, 1.0, signed=0)
        y = g("Conv", behind(g, y), g.weights(3, 4, 3, 3, fan=36), pads=[1, 1, 1, 2])
        z = g.draw(*g.heads(g("Flatten", y), 36, LATENTS))
        x = rows(2, 5, 5)
        network = agree(g.save(tmp_path / "m.onnx", z), x)
        fixed = quantise(network, calibrate(network, x), Precision())
        layers = list(compare_layers(network, fixed, x, np.zeros((len(x), LATENTS), np.int64)))
        assert [layer.layer for layer in layers] == [layer.name for layer in network.layers]
        assert all(np.all(layer.differences <= layer.bound * (1 + 1e-9) + 1e-9) for layer in layers)

    @pytest.mark.parametrize(
        "behind",
        [
            lambda g, y: y,
            lambda g, y: g("Identity", y),
            lambda g, y: g("Dropout", y),
            lambda g, y: g("Mul", y, -0.5),
            lambda g, y: g("Sub", 1.0, y),
            lambda g, y: g("Div", g("Add", g("Neg", y), 3.0), 2.0),
            lambda g, y: g("Relu", g("LeakyRelu", y, alpha=0.1)),
            lambda g, y: g("Clip", g("HardSigmoid", y), 0.1, 0.9),
            lambda g, y: g("Sigmoid", y),
            lambda g, y: g("Reshape", y, np.array([0, -1, 4, 4])),
            lambda g, y: g("Unsqueeze", g("Squeeze", y, np.array([0])), np.array([0])),
            lambda g, y: g("BatchNormalization", y, *np.ones((4, 2)), epsilon=0.0),
            lambda g, y: g("Where", g("Greater", y, 0.5), 0.25, 3.0),
        ],
    )
    @pytest.mark.parametrize("comparison", ["Greater", "LessOrEqual"])
    def test_bits_reach_a_pooling(self, comparison: str, behind: Callable[[Vae, str], str], tmp_path: Path) -> None:
        """As comparisons give them, by a cast, and whatever is done to single elements on the way."""
        g = vae(2, 4, 4)
        y = behind(g, g("Cast", g(comparison, "x", 0.5), to=TensorProto.FLOAT))
        y = g("MaxPool", y, kernel_shape=[2, 2], strides=[1, 1])
        z = g.draw(*g.heads(g("Flatten", y), 18, LATENTS))
        network = agree(g.save(tmp_path / "m.onnx", z), rows(2, 4, 4))
        assert [type(layer) for layer in network.binary] == [Threshold, Pool]

    def test_a_pooling_behind_real_weights_in_front_of_bits(self, tmp_path: Path) -> None:
        """Sums are no bits because what they come from are: they are pooled as real numbers."""
        g = vae(2, 4, 4)
        y = g("Cast", g("Greater", "x", 0.5), to=TensorProto.FLOAT)
        y = g("MaxPool", g("Conv", y, g.weights(2, 2, 1, 1, fan=2)), kernel_shape=[2, 2])
        network = agree(g.save(tmp_path / "m.onnx", g.draw(*g.heads(g("Flatten", y), 18, LATENTS))), rows(2, 4, 4))
        assert kinds(network) == ["conv", "dense", "latent"]

    def test_findings_up_to_the_bits(self, tmp_path: Path) -> None:
        """Nothing is known of the last bits behind them, which is no error."""
        g = vae(2, 4, 4)
        y = g("Sign", g("Conv", "x", g.weights(2, 2, 1, 1, fan=2), name="culprit"))
        y = g("MaxPool", g("Sign", g("Conv", y, signs(g.random, 2, 2, 1, 1))), kernel_shape=[2, 2])
        z = g.draw(*g.heads(g("Flatten", y), 18, LATENTS))
        assert list(refusals(g, z, tmp_path)) == ["culprit"]

    def test_a_branch_from_inside(self, tmp_path: Path, g: Vae) -> None:
        y = g("MatMul", "x", signs(g.random, FEATURES, 8), name="inside")
        z = g.draw(g.dense(g("Sign", y), 8, LATENTS), g("Gemm", y, g.weights(8, LATENTS, fan=8), name="culprit"))
        assert refusals(g, z, tmp_path) == {
            "culprit": "it takes inside_y inside the binary layers; branches are not supported",
        }


class TestNoise:
    """What stands between the random node and the sum with the mean."""

    @pytest.mark.parametrize(
        ("noise", "product"),
        [
            (lambda g, e: g("Add", g("Mul", e, 1.0), 0.0), None),
            (lambda g, e: g("Add", 0.0, g("Mul", 1.0, g("Identity", e))), None),
            (lambda g, e: g("Sub", g("Div", g("Cast", e, to=TensorProto.FLOAT), 1.0), 0.0), None),
            (lambda g, e: g("Mul", e, 0.5), None),
            (lambda g, e: g("Div", g("Neg", g("Neg", e)), np.array([0.5, 1.0, 2.0])), None),
            (lambda g, e: e, lambda g, y: g("Mul", y, 1.0)),
            (lambda g, e: g("Mul", e, 2.0), lambda g, y: g("Add", g("Mul", y, np.array([0.3, 1.0, 2.0])), 0.0)),
        ],
    )
    def test_scalars(self, noise: Any, product: Any, tmp_path: Path, g: Vae) -> None:
        """Ones and zeros are nothing, positive factors part of the deviation; so are those behind the sample."""
        mean, logvar = g.heads("x", FEATURES, LATENTS)
        eps = noise(g, g("RandomNormal", shape=[1, LATENTS]))
        spread = g("Mul", eps, g("Exp", g("Mul", logvar, 0.5)))
        z = g("Add", product(g, spread) if product else spread, mean)
        agree(g.save(tmp_path / "m.onnx", g("Mul", g("Add", z, 0.0), 1.0)), rows())

    @pytest.mark.parametrize(
        ("noise", "reason"),
        [
            (lambda g, e: g("Add", e, 0.5, name="step"), "step adds 0.5 to the noise"),
            (lambda g, e: g("Neg", e, name="step"), "step multiplies the noise by -1"),
            (lambda g, e: g("Mul", e, 0.0, name="step"), "step multiplies the noise by 0"),
            (lambda g, e: g("Relu", e, name="step"), "the noise passes step, which does more than multiply it"),
        ],
    )
    def test_refused(self, noise: Any, reason: str, tmp_path: Path, g: Vae) -> None:
        mean, logvar = g.heads("x", FEATURES, LATENTS)
        sigma = g("Exp", g("Mul", logvar, 0.5))
        z = g("Add", g("Mul", noise(g, g("RandomNormalLike", mean)), sigma, name="culprit"), mean)
        found = refusals(g, z, tmp_path)
        assert list(found) == ["culprit"]
        assert reason in found["culprit"]


Divergence = Callable[[Vae, str, str], str]
AXIS = np.array([1])

DIVERGENCES: dict[str, Divergence] = {
    "torch": lambda g, m, v: g(
        "Mul", g("ReduceSum", g("Sub", g("Sub", g("Add", v, 1.0), g("Pow", m, 2.0)), g("Exp", v)), AXIS), -0.5
    ),
    "unsqueezed": lambda g, m, v: g(
        "Unsqueeze",
        g("ReduceSum", g("Div", g("Sub", g("Add", g("Mul", m, m), g("Exp", v)), g("Add", v, 1.0)), 2.0), AXIS, keepdims=0),
        AXIS,
    ),
    "in parts": lambda g, m, v: g(
        "Mul",
        g("Add", g("ReduceSum", g("Pow", m, 2.0), AXIS), g("ReduceSum", g("Sub", g("Sub", g("Exp", v), v), 1.0), AXIS)),
        0.5,
    ),
    "mean": lambda g, m, v: g(
        "Mul", g("ReduceMean", g("Sub", g("Add", g("Mul", m, m), g("Exp", v)), g("Add", 1.0, v)), axes=[1]), LATENTS / 2
    ),
}
"""Spellings of the divergence of means and log-variances, summed over the latent variables."""


class TestScores:
    @pytest.mark.parametrize("spelling", DIVERGENCES)
    @pytest.mark.parametrize("order", ["z, squares, divergence", "divergence, z", "squares, divergence, z, squares"])
    def test_spellings_and_orders(self, spelling: str, order: str, tmp_path: Path) -> None:
        g = vae()
        mean, logvar = g.heads("x", FEATURES, LATENTS)
        squares = g("ReduceSum", g("Mul", mean, mean), AXIS)
        divergence = DIVERGENCES[spelling](g, mean, logvar)
        parts = {"z": g.draw(mean, logvar), "squares": squares, "divergence": divergence}
        path = g.save(tmp_path / "m.onnx", g("Concat", *(parts[name] for name in order.split(", ")), axis=-1))
        network = agree(path, rows())
        assert network.latent is not None and network.latent.score
        assert isinstance(network.layers[-1], RealLatent)

    @pytest.mark.parametrize(
        "wrong",
        [
            lambda g, m, v: g("ReduceSum", g("Sub", g("Sub", g("Add", g("Mul", m, m), g("Exp", v)), 1.0), v), AXIS),
            lambda g, m, v: g("Mul", DIVERGENCES["torch"](g, m, v), 1.001),
            lambda g, m, v: g("ReduceSum", g("Mul", m, v), AXIS),
            lambda g, m, v: g("ReduceSum", g("Abs", m), AXIS),
            lambda g, m, v: g("Mul", m, m),
            lambda g, m, v: g("Add", DIVERGENCES["torch"](g, m, v), g("Constant", value_float=0.01)),
        ],
        ids=["without half", "a little more", "product", "absolute", "not summed", "shifted"],
    )
    def test_others_are_refused(self, wrong: Divergence, tmp_path: Path, g: Vae) -> None:
        mean, logvar = g.heads("x", FEATURES, LATENTS)
        other = wrong(g, mean, logvar)
        found = refusals(g, g("Concat", g.draw(mean, logvar), other, axis=1, name="culprit"), tmp_path)
        assert "its part 1 is neither the sample z, nor the sum of mu^2, nor the divergence" in found["culprit"]

    def test_sums_over_the_batch_are_refused(self, tmp_path: Path, g: Vae) -> None:
        mean, logvar = g.heads("x", FEATURES, LATENTS)
        total = g("ReduceSum", g("Mul", mean, mean), np.array([0, 1]), name="culprit")
        found = refusals(g, g("Concat", g.draw(mean, logvar), total, axis=1), tmp_path)
        assert found == {"culprit": "it mixes the frames of a batch"}


def refusals(g: Vae, output: str, folder: Path) -> dict[str, str]:
    """The reason by node of everything that is refused."""
    path = g.save(folder / "m.onnx", output)
    with pytest.raises(UnsupportedModelError) as caught:
        import_real(path)
    assert "\n" not in str(caught.value)
    return {finding.node: finding.reason for finding in caught.value.findings}


Part = Callable[[str], str]


class Case(Vae):
    """A graph on (2, 6, 5) pixels with one `bad` node, which is called culprit."""

    def __init__(self) -> None:
        super().__init__((2, 6, 5), np.random.default_rng(8))

    def bad(self, operator: str, *operands: Operand, **attributes: Any) -> str:
        return self(operator, *operands, name="culprit", **attributes)

    def conv(self, x: Operand = "x", **attributes: Any) -> str:
        """A convolution (1, 4, 4, 3)."""
        return self("Conv", x, self.weights(4, 2, 3, 3, fan=18), **attributes)

    def rows(self, outputs: int = 4) -> str:
        """A dense layer's (1, outputs)."""
        return self.dense(self("Flatten", "x"), 60, outputs)

    def z(
        self,
        mean: Part = lambda m: m,
        deviation: Part | None = None,
        noise: Part | None = None,
        spread: Part = lambda s: s,
        product: str = "",
        total: str = "",
    ) -> str:
        """A sample, with parts that replace the usual ones, and the names of its two last nodes."""
        mu, logvar = self.heads(self("Relu", self.rows()), 4, LATENTS)
        sigma = deviation(logvar) if deviation else self("Exp", self("Mul", logvar, 0.5))
        eps = noise(mu) if noise else self("RandomNormalLike", mu)
        return self("Add", mean(mu), spread(self("Mul", sigma, eps, name=product)), name=total)

    def behind(self, x: str, size: int) -> str:
        """A sample behind an activation of any shape, in which there may be a culprit."""
        return self.draw(*self.heads(self("Flatten", x), size, LATENTS))

    def image(self) -> str:
        """A decoder's first image, (1, 2, 2, 2)."""
        return self("Reshape", self("Relu", self.dense(self.z(), LATENTS, 8)), np.array([-1, 2, 2, 2]))

    def deconv(self, x: str | None = None, **attributes: Any) -> str:
        """A bad transposed convolution."""
        return self.bad("ConvTranspose", x or self.image(), self.weights(2, 3, 3, 3, fan=9), **attributes)


Graph = Callable[[Case], str]


def refused(cases: dict[str, tuple[Graph, str]]) -> Any:
    """A test of each case: the culprit is refused for its reason, and nothing else is."""

    @pytest.mark.parametrize("case", cases)
    def test(self: Any, case: str, tmp_path: Path) -> None:
        graph, reason = cases[case]
        g = Case()
        found = refusals(g, graph(g), tmp_path)
        assert list(found) == ["culprit"]
        assert reason in found["culprit"]

    return test


def frozen(g: Case, form: str, total: str = "culprit") -> str:
    """A decoder behind a sample whose noise is a constant."""
    mu, logvar = g.heads(g.rows(), 4, LATENTS)
    noise = np.random.default_rng(0).normal(size=(1, LATENTS))
    sigma = g("Exp", g("Mul", logvar, 0.5)) if form == "exponential" else g("Sqrt", g("Exp", logvar))
    return g.dense(g("Add", g("Mul", noise, sigma), mu, name=total), LATENTS, 4)


def thrice(g: Case) -> str:
    """Three samples, one behind the other."""
    mu, logvar = g.heads(g.z(), LATENTS, 2)
    mu, logvar = g.heads(g("Add", mu, g("Mul", g("Exp", logvar), g("RandomNormalLike", mu))), 2, 2)
    return g("Add", mu, g("Mul", g("Exp", logvar), g.bad("RandomNormalLike", mu)))


def no_mean(g: Case) -> str:
    """sigma * eps, taken as the sample."""
    sigma = g("Exp", g.rows())
    return g.bad("Gemm", g("Mul", sigma, g("RandomNormalLike", sigma)), g.weights(4, 2, fan=4))


def of_two(g: Case) -> str:
    """A sample whose deviation is the sum of two heads'."""
    mu, first = g.heads(g.rows(), 4, LATENTS)
    sigma = g("Softplus", g("Add", first, mu, name="sum"))
    return g("Add", mu, g.bad("Mul", sigma, g("RandomNormalLike", mu)))


def first(g: Case, x: str) -> str:
    """The first elements of a row, as many as there are latent variables."""
    return g("Slice", x, np.array([0]), np.array([LATENTS]), AXIS)


def thresholded(g: Vae, x: str, beta: float = 1.0, threshold: float = 20.0) -> str:
    """A softplus as PyTorch's second exporter writes it."""
    scaled = x if beta == 1 else g("Mul", x, beta)
    curve = g("Softplus", scaled)
    return g("Where", g("Greater", scaled, threshold), x, curve if beta == 1 else g("Div", curve, beta))


SIGMAS: dict[str, Callable[[Vae, str], str]] = {
    "clip": lambda g, v: g("Exp", g("Mul", g("Clip", v, -1.5, 0.5), 0.5)),
    "clip from below": lambda g, v: g("Exp", g("Mul", g("Clip", v, -0.5), 0.5)),
    "clip from above": lambda g, v: g("Exp", g("Mul", g("Clip", v, None, 0.5), 0.5)),
    "tanh": lambda g, v: g("Exp", g("Sub", g("Mul", g("Tanh", v), 3.0), 1.0)),
    "min and max": lambda g, v: g("Exp", g("Max", g("Min", v, 0.4), np.array(-1.0))),
    "max of three": lambda g, v: g("Max", g("Exp", v), g("Sigmoid", v), 0.1),
    "plus": lambda g, v: g("Add", g("Exp", g("Mul", v, 0.5)), 1e-3),
    "root of a sum": lambda g, v: g("Sqrt", g("Add", g("Exp", v), 1e-6)),
    "root of a clamp": lambda g, v: g("Sqrt", g("Exp", g("Clip", v, None, 0.25))),
    "softplus": lambda g, v: g("Softplus", v),
    "softplus plus": lambda g, v: g("Add", g("Softplus", v), 1e-5),
    "softplus of beta": lambda g, v: g("Div", g("Softplus", g("Mul", v, 2.0)), 2.0),
    "softplus in parts": lambda g, v: g("Log", g("Add", g("Exp", v), 1.0)),
    "stable softplus": lambda g, v: g("Add", g("Max", v, 0.0), g("Log", g("Add", g("Exp", g("Neg", g("Abs", v))), 1.0))),
    "thresholded softplus": lambda g, v: g("Add", thresholded(g, v), 1e-4),
    "thresholded softplus of beta": lambda g, v: thresholded(g, v, 2.0),
    "shifted softplus": lambda g, v: g("Softplus", g("Add", v, np.array([-5.0, 0.0, 1.0]))),
    "variance": lambda g, v: g("Sqrt", g("Softplus", v)),
    "power": lambda g, v: g("Pow", g("Sigmoid", v), 0.5),
    "sigmoid": lambda g, v: g("Mul", g("Sigmoid", v), 2.0),
    "relu": lambda g, v: g("Add", g("Relu", v), 1e-2),
    "elu": lambda g, v: g("Add", g("Elu", v), 1.0 + 1e-3),
    "abs": lambda g, v: g("Abs", v),
    "square": lambda g, v: g("Mul", v, v),
}
"""Spellings of a standard deviation that is no exponential, or one within limits of its own."""


class TestDeviations:
    @pytest.mark.parametrize("spelling", SIGMAS)
    def test_any_function(self, spelling: str, tmp_path: Path, g: Vae) -> None:
        """In real numbers it is the graph's; quantised, every layer is within what its roundings explain."""
        mean, head = g.heads("x", FEATURES, LATENTS)
        noise = g("Mul", g("RandomNormalLike", mean), 0.7)
        z = g("Add", mean, g("Mul", SIGMAS[spelling](g, head), noise))
        path, x = g.save(tmp_path / "m.onnx", g.dense(z, LATENTS, 4)), rows(frames=40)
        network = agree(path, x)
        assert network.latent is not None
        assert network.latent.function.steps
        quantised = quantise(network, calibrate(network, x), Precision())
        epsilon = np.random.default_rng(2).integers(-8192, 8192, (len(x), LATENTS))
        for layer in compare_layers(network, quantised, x, epsilon):
            assert np.all(layer.differences <= layer.bound + 1e-9), layer.layer
            if layer.layer == "latent":
                assert quantised.latent is not None
                assert layer.bound.min() < 0.51 * 2.0**-quantised.latent.z_fraction  # half a step of z, and next to nothing

    def test_far_beyond_a_clamp(self, tmp_path: Path, g: Vae) -> None:
        """Heads up to where nothing changes any more cost the means no precision."""
        mean, head = g.heads("x", FEATURES, LATENTS)
        sigma = g("Exp", g("Clip", g("Mul", head, 1e4), -2.0, 1.0))
        path, x = g.save(tmp_path / "m.onnx", g("Add", mean, g("Mul", sigma, g("RandomNormalLike", mean)))), rows()
        network = agree(path, x)
        latent = quantise(network, calibrate(network, x), Precision()).latent
        assert latent is not None
        assert latent.fraction == 8

    def test_negative_for_some_code(self, tmp_path: Path, g: Vae) -> None:
        """What is positive near 0 and negative where codes of the calibrated width reach is refused with its number."""
        mean, head = g.heads("x", FEATURES, LATENTS)
        sigma = g("Add", g("Neg", g("Abs", g("Mul", head, 30.0))), 20.0)
        path, x = g.save(tmp_path / "m.onnx", g("Add", mean, g("Mul", sigma, g("RandomNormalLike", mean)))), rows()
        network = import_real(path)
        with pytest.raises(SigmabitError, match=r"^latent: a standard deviation of -.* where its function takes "):
            quantise(network, calibrate(network, x), Precision())

    def test_thresholds_that_matter(self, tmp_path: Path, g: Vae) -> None:
        """Where float32 knows a difference, it is none of a softplus, but a function as others are."""
        mean, head = g.heads("x", FEATURES, LATENTS)
        sigma = thresholded(g, g("Mul", head, 5.0), 1.0, 0.5)
        agree(g.save(tmp_path / "m.onnx", g("Add", mean, g("Mul", sigma, g("RandomNormalLike", mean)))), rows())

    def test_a_threshold_of_an_activation(self, tmp_path: Path, g: Vae) -> None:
        """Without any noise, too, and in more than one layer."""
        y = thresholded(g, g.dense("x", FEATURES, 5))
        path, x = g.save(tmp_path / "m.onnx", g.dense(thresholded(g, g.dense(y, 5, 5), 0.5), 5, 2)), rows()
        network = import_real(path)
        close(network.output(x, np.zeros((len(x), 0))), execute(path, x).outputs)
        assert not network.omitted.dead

    def test_scores(self, tmp_path: Path) -> None:
        """The divergence is known of exponentials alone."""
        g = Case()
        mean, head = g.heads(g.rows(), 4, LATENTS)
        z = g("Add", mean, g("Mul", g("Softplus", head), g("RandomNormalLike", mean)))
        squares = g("ReduceSum", g("Mul", mean, mean), AXIS)
        found = refusals(g, g("Concat", z, squares, axis=1, name="culprit"), tmp_path)
        assert list(found) == ["culprit"]
        assert "scores of a sample whose deviation is no exponential" in found["culprit"]


class TestSampling:
    test_deviations = refused(
        {
            "rootless": (
                lambda g: g.z(deviation=lambda v: g("Sqrt", v, name="root"), product="culprit"),
                "by root of an activation, which may be nan; a standard deviation is a number from 0 on",
            ),
            "signed": (
                lambda g: g.z(deviation=lambda v: g("Tanh", v, name="bend"), product="culprit"),
                "by bend of an activation, which may be -0.00781234; a standard deviation is a number from 0 on",
            ),
            "nothing": (
                lambda g: g.z(deviation=lambda v: g("Min", g("Relu", v, name="relu"), 0.0, name="least"), product="culprit"),
                "by relu, least of an activation, which is always 0",
            ),
            "shifted by each": (
                lambda g: g.z(deviation=lambda v: g("Add", g("Softplus", v), np.arange(3.0), name="each"), product="culprit"),
                "each, by which the noise is multiplied, differ between latent variables behind a function",
            ),
            "wider by each": (
                lambda g: g.z(
                    noise=lambda m: g("Mul", g("RandomNormalLike", m), np.array([1.0, 2.0, 3.0])),
                    deviation=lambda v: g("Softplus", v),
                    product="culprit",
                ),
                "by a number of its own for each latent variable, and its deviation is no Exp",
            ),
            "of two codes": (of_two, "by what several activations make; a deviation may be a function of one"),
            "none": (
                lambda g: g.z(deviation=lambda v: v, product="culprit"),
                "by an activation itself",
            ),
            "negative": (
                lambda g: g.z(deviation=lambda v: g("Neg", g("Exp", v)), product="culprit"),
                "of an activation, which may be -1; a standard",
            ),
            "a line": (
                lambda g: g.z(deviation=lambda v: g("Add", v, 9.0, name="up"), product="culprit"),
                "by up of an activation; expected a function of it that is nowhere negative, such as Exp(0.5 * logvar)",
            ),
        }
    )
    test_means = refused(
        {
            "bent, and scaled apart": (
                lambda g: g.z(mean=lambda m: g("Mul", g("Tanh", m, name="bend"), np.arange(1.0, 1 + LATENTS)), total="culprit"),
                "bend, Mul_",
            ),
            "the input": (
                lambda g: g.z(mean=lambda m: first(g, g("Flatten", "x")), total="culprit"),
                "the mean is not the result of a layer of weights",
            ),
            "of another layer": (lambda g: g.z(mean=lambda m: g.rows(3), total="culprit"), "layers on different activations"),
            "of an image": (
                lambda g: g.z(
                    mean=lambda m: g("Slice", g("Flatten", g.conv()), np.array([0]), np.array([3]), AXIS), total="culprit"
                ),
                "mean and deviation cannot become one layer: it joins layers on different activations",
            ),
            "of another shape": (
                lambda g: g.z(mean=lambda m: g.rows(4), total="culprit"),
                "means of shape (1, 4) for",
            ),
            "subtracted": (lambda g: subtracted(g), "expected mu + sigma * eps"),
            "with shifted noise": (
                lambda g: g.z(spread=lambda s: g("Add", s, 0.7), total="culprit"),
                "to the noise; only the mean may be added to it",
            ),
        }
    )
    test_noise = refused(
        {
            "uniform": (lambda g: g.z(noise=lambda m: g.bad("RandomUniformLike", m)), "noise of another distribution"),
            "coins": (lambda g: g.z(noise=lambda m: g.bad("Bernoulli", g("Sigmoid", m))), "noise of another distribution"),
            "wide": (lambda g: g.z(noise=lambda m: g.bad("RandomNormalLike", m, scale=2.0)), "mean 0 and deviation 2"),
            "off zero": (lambda g: g.z(noise=lambda m: g.bad("RandomNormal", shape=[1, 3], mean=1.0)), "mean 1 and"),
            "of halves": (lambda g: g.z(noise=lambda m: g.bad("RandomNormalLike", m, dtype=10)), "another type than float"),
            "of no elements": (lambda g: g.z(noise=lambda m: g.bad("RandomNormal", shape=[0, 3])), "noise of shape (0, 3)"),
            "vast": (lambda g: g.z(noise=lambda m: g.bad("RandomNormal", shape=[1 << 40, 1 << 40])), "elements, at most"),
            "shifted": (
                lambda g: g.z(noise=lambda m: g("Add", g("RandomNormalLike", m), 0.7), product="culprit"),
                "to the noise; only the mean may be added to it",
            ),
            "for several frames": (
                lambda g: g.z(noise=lambda m: g("RandomNormal", shape=[5, 3]), product="culprit"),
                "noise of shape (5, 3) for latent variables of shape (1, 3); samples of one frame are drawn one after the other",
            ),
            "several samples": (
                lambda g: g.z(mean=lambda m: g.bad("Expand", m, np.array([5, 1, 3]))),
                "it repeats an activation of shape (1, 3); samples of one frame are drawn one after the other",
            ),
            "thrice": (thrice, "another source of noise beside RandomNormalLike_"),
            "on the input": (
                lambda g: g.dense(g.bad("Add", g("Flatten", "x"), g("RandomNormal", shape=[1, 60])), 60, 2),
                "only be",
            ),
            "of another size on an activation": (
                lambda g: g.dense(g.bad("Add", g.rows(), g("RandomNormal", shape=[1, 1])), 4, 2),
                "noise of shape (1, 1) for latent variables of shape (1, 4)",
            ),
            "without a mean of a layer": (
                lambda g: g.dense(g.bad("Add", g.z(), g("Mul", g("RandomNormal", shape=[1, LATENTS]), 0.5)), LATENTS, 2),
                "only be",
            ),
            "drawn with before": (
                lambda g: (lambda eps, first, second: g("Concat", first(eps), second(eps), axis=1))(
                    g("RandomNormal", shape=[1, 4]), lambda e: g("Add", g.rows(), e), lambda e: g.bad("Add", g.rows(), e)
                ),
                "with which Add_",
            ),
            "once for two means": (
                lambda g: g.bad(
                    "Add",
                    g("Gather", g.rows(), np.array([0, 1, 1]), axis=1),
                    g("Mul", g("RandomNormal", shape=[1, 3]), np.array([1.0, 2.0, 3.0])),
                ),
                "different numbers where its mean is the same element",
            ),
            "in a layer": (
                lambda g: g.bad("Gemm", g("RandomNormal", shape=[1, 4]), np.ones((4, 2))),
                "only be part of",
            ),
            "without a mean": (no_mean, "noise without its mean"),
        }
    )
    test_constants = refused(
        {
            "exponential": (lambda g: frozen(g, "exponential"), "its noise was exported as a constant; export the model with"),
            "root": (lambda g: frozen(g, "root"), "its noise was exported as a constant; export the model with"),
        }
    )

    def test_a_wide_clamp_is_the_hardwares(self, tmp_path: Path, g: Vae) -> None:
        mu, logvar = g.heads("x", FEATURES, LATENTS)
        agree(g.save(tmp_path / "m.onnx", g.draw(mu, g("Clip", logvar, -8.0, None))), rows())

    def test_noise_beside_the_way_does_not_matter(self, tmp_path: Path, g: Vae) -> None:
        """Other outputs, and what only these depend on, are not looked at."""
        mu, logvar = g.heads("x", FEATURES, LATENTS)
        z = g.draw(mu, logvar)
        other = g("Frobnicate", g("RandomUniformLike", mu))
        path = g.save(tmp_path / "m.onnx", g.dense(z, LATENTS, 4), mu, other)
        assert kinds(import_real(path)) == ["dense", "latent", "dense"]

    def test_each_of_several_outputs(self, tmp_path: Path, g: Vae) -> None:
        """Means, logarithms or the reconstruction, whichever is named."""
        mu, logvar = g.heads("x", FEATURES, LATENTS)
        decoded = g.dense(g.draw(mu, logvar), LATENTS, 4)
        path, x = g.save(tmp_path / "m.onnx", mu, logvar, decoded), rows()
        for name in (mu, logvar):
            network = import_real(path, output_name=name)
            assert kinds(network) == ["dense"]
            close(network.output(x, np.zeros((len(x), 0))), execute(path, x, output=name).outputs)
        assert network.omitted.outputs == (mu, decoded)
        epsilon = np.random.default_rng(1).normal(size=(len(x), LATENTS)).astype(np.float32)
        network = import_real(path, output_name=decoded)
        close(network.output(x, epsilon), execute(path, x, epsilon=epsilon, output=decoded).outputs)
        assert network.omitted.outputs == (mu, logvar)

    def test_bits_beside_noise(self, tmp_path: Path, g: Vae) -> None:
        """A binary network whose other output is a sample stays one."""
        bits = g("BipolarQuant", g("MatMul", "x", signs(np.random.default_rng(3), FEATURES, 6)), 1.0)
        z = g.draw(*g.heads(bits, 6, LATENTS))
        path = g.save(tmp_path / "m.onnx", bits, z)
        assert isinstance(read_model(path), Network)
        assert isinstance(read_model(path, output_name=z), RealNetwork)
        assert np.array_equal(import_model(path).run(rows()), execute(path, rows(), output=bits).outputs)

    @pytest.mark.parametrize("place", ["rows", "image"])
    def test_a_function_of_two_branches_of_itself(self, place: str, tmp_path: Path) -> None:
        """x * sigmoid(x), as exporters write SiLU, behind any layer."""
        g = Case()
        y = g.conv() if place == "image" else g.rows(6)
        y = g("Mul", y, g("Sigmoid", g("Mul", y, 1.7)))
        z = g.behind(y, 48 if place == "image" else 6)
        y = g.dense(z, LATENTS, 4)
        path = g.save(tmp_path / "m.onnx", g.dense(g("Mul", g("Sigmoid", y), y), 4, 3))
        network = agree(path, (np.random.default_rng(4).integers(0, 256, (6, 2, 6, 5)) / 255).astype(np.float32))
        assert len(network.layers) == 5


def subtracted(g: Case) -> str:
    """mu - sigma * eps."""
    mu, logvar = g.heads(g.rows(), 4, LATENTS)
    return g.bad("Sub", mu, g("Mul", g("Exp", logvar), g("RandomNormalLike", mu)))


def residual(g: Case) -> str:
    """A sum of a layer's result and its input."""
    y = g("Relu", g.conv())
    return g.behind(g.bad("Add", g("Conv", y, g.weights(4, 4, 1, 1, fan=4)), y), 48)


def dense_residual(g: Case) -> str:
    """The same of dense layers."""
    y = g("Relu", g.rows())
    total = g("Add", g.dense(y, 4, 4), y, name="sum")
    mu = g.bad("Gemm", total, g.weights(4, 2, fan=4))
    return g("Add", mu, g("Mul", g("Exp", g.rows(2)), g("RandomNormal", shape=[1, 2])))


POINT, POINTS = np.ones((1, 2, 1, 1)), np.ones((1, 4, 1, 1))
BY_CHANNEL = np.array([1.0, 2.0, 3.0, 4.0]).reshape(4, 1, 1)
SMALL: dict[str, Any] = {"kernel_shape": [2, 2]}


class TestLayers:
    test_convolutions = refused(
        {
            "grouped": (
                lambda g: g.behind(g.bad("Conv", "x", g.weights(4, 1, 3, 3, fan=9), group=3), 48),
                "3 groups do not divide",
            ),
            "of other channels": (
                lambda g: g.behind(g.bad("Conv", "x", np.ones((4, 3, 3, 3))), 48),
                "weights of shape (4, 3",
            ),
            "without weights": (
                lambda g: g.behind(g.bad("Conv", "x", np.zeros((0, 2, 3, 3))), 48),
                "of shape (0, 2, 3, 3)",
            ),
            "not finite": (lambda g: g.behind(g.bad("Conv", "x", np.full((4, 2, 3, 3), np.nan)), 48), "not finite"),
            "padded widely": (
                lambda g: g.behind(g.bad("Conv", "x", POINT, pads=[1 << 40] * 4), 4),
                "at most",
            ),
            "far apart": (
                lambda g: g.behind(g.bad("Conv", "x", POINT, pads=[1 << 40] * 4, strides=[1 << 40] * 2), 9),
                "padding by",
            ),
            "on rearranged channels": (
                lambda g: g.behind(g.bad("Conv", g("Reshape", g.conv(), np.array([1, 3, 4, 4])), np.ones((1, 3, 1, 1))), 16),
                "rearranged, as (3, 4, 4)",
            ),
        }
    )
    test_transposed = refused(
        {
            "grouped": (lambda g: g.deconv(group=3), "3 groups do not divide its 2 inputs"),
            "far dilated": (lambda g: g.deconv(dilations=[5000, 5000]), "600120006 weights of 1 groups and dilations"),
            "of other channels": (
                lambda g: g.bad("ConvTranspose", g.image(), np.ones((3, 2, 1, 1))),
                "of shape (3, 2, 1, 1)",
            ),
            "no stride": (lambda g: g.deconv(strides=[1, 0]), "stride=0 is below 1"),
            "negative stride": (lambda g: g.deconv(strides=[-2, 1]), "stride=-2 is below 1"),
            "wide stride": (lambda g: g.deconv(strides=[1 << 40, 1]), "an output of 1099511627779 positions"),
            "wide blocks": (lambda g: g.deconv(strides=[5000, 1]), "blocks of 5000 positions, at most 1024"),
            "many weights": (
                lambda g: g.bad(
                    "ConvTranspose",
                    g("Reshape", g.dense(g.z(), LATENTS, 320), np.array([-1, 80, 2, 2])),
                    np.ones((80, 1, 3, 3)),
                    strides=[1000, 1000],
                ),
                "80000000 weights for blocks of 1000 by 1000 positions",
            ),
            "negative padding": (lambda g: g.deconv(pads=[0, 0, -1, 0]), "negative padding"),
            "nothing left": (lambda g: g.deconv(pads=[1, 2, 1, 2]), "an output of 0 positions"),
            "less than nothing": (lambda g: g.deconv(pads=[1 << 40, 0, 1, 0]), "an output of -1099511627773 positions"),
            "more padding": (lambda g: g.deconv(output_padding=[1, 0]), "output_padding=1 for stride=1"),
            "negative output padding": (
                lambda g: g.deconv(output_padding=[0, -1], strides=[2, 2]),
                "output_padding=-1 for",
            ),
            "too large": (lambda g: g.deconv(output_shape=[5, 4]), "an output of 5 positions, of which at most 4 are reached"),
            "of no size": (lambda g: g.deconv(output_shape=[0, 4]), "an output of 0 positions"),
            "too short": (lambda g: g.deconv(strides=[1]), "strides of 1 numbers, expected 2"),
            "of a padded image": (
                lambda g: g.deconv(g("Pad", g.image(), np.array([0, 0, 1, 0, 0, 0, 0, 0]))),
                "of a padded activation",
            ),
        }
    )
    test_steps = refused(
        {
            "thousands of functions": (
                lambda g: g.dense(g.bad("Gemm", g("PRelu", g.rows(5000), np.arange(5000.0)), np.ones((5000, 4))), 4, 2),
                "differ between 5000 channels, at most 4096 have tables",
            ),
            "positions apart behind a function": (
                lambda g: g.behind(g.bad("Conv", g("PRelu", g.conv(), np.arange(12.0).reshape(4, 3), name="slopes"), POINTS), 12),
                "slopes before it differ between positions of one channel",
            ),
            "an equation of more than a product": (
                lambda g: g.dense(g.bad("Einsum", g.rows(), g.weights(4, 4, fan=4), equation="bi,ii->bi"), 4, 2),
                "the equation bi,ii->bi, expected one of an activation and a matrix",
            ),
            "an equation of one operand": (
                lambda g: g.dense(g.bad("Einsum", g.rows(), equation="bi->ib"), 4, 2),
                "the equation bi->ib, expected one",
            ),
            "the largest of a row": (
                lambda g: g.dense(g.bad("ReduceMax", g.rows(), axes=[1]), 1, 2),
                "the largest of an activation of shape (1, 4)",
            ),
            "a reflection behind a layer": (
                lambda g: g.behind(g("Conv", g.bad("Pad", g.conv(), np.array([0] * 6 + [0, 1]), mode="reflect"), POINTS), 16),
                "padding of mode reflect; only zeros are supported",
            ),
            "the input beside a layer": (
                lambda g: g.behind(g("Conv", g.bad("Concat", "x", g("Conv", "x", POINT), axis=1), np.ones((1, 3, 1, 1))), 30),
                "it joins the input to what is made of it",
            ),
            "a function of the input": (lambda g: g.behind(g.bad("Conv", g("Tanh", "x"), np.ones((1, 2, 6, 5))), 1), "Tanh"),
            "a function of the sample": (
                lambda g: g.bad("Gemm", g("Tanh", g.z(), name="bend"), g.weights(LATENTS, 2, fan=2)),
                "its input passes bend",
            ),
            "a softmax": (
                lambda g: g.bad("MatMul", g("Softmax", g.dense(g.z(), LATENTS, 4), name="soft"), np.ones((4, 2))),
                "the result of soft, which only the host can compute",
            ),
            "pooling of the sample": (
                lambda g: g.bad("GlobalMaxPool", g("Reshape", g.z(), np.array([-1, 1, 1, LATENTS]))),
                "what no convolution",
            ),
            "bits behind": (lambda g: g.dense(g.bad("Sign", g.dense(g.z(), LATENTS, 4)), 4, 2), "behind layers of real weights"),
            "a recurrent layer": (
                lambda g: g.behind(g.bad("LSTM", "x", POINTS, POINTS), 4),
                "an LSTM, which keeps a state",
            ),
            "a joint": (
                lambda g: g.behind(g.bad("Concat", g.conv(), g.conv(), axis=1), 96),
                "which only dense ones, or a sample and its scores",
            ),
            "a residual": (residual, "residual and other branches are not supported"),
            "a dense residual": (dense_residual, "it takes the result of sum, which combines activations; residual and"),
        }
    )

    def test_a_second_input(self, tmp_path: Path) -> None:
        g = Case()
        g.inputs.append(helper.make_tensor_value_info("label", TensorProto.FLOAT, [1, LATENTS]))
        assert refusals(g, g.dense(g("Max", g.z(), "label"), LATENTS, 2), tmp_path) == {"label": f"a second input; {CONDITION}"}

    def test_all_offenders_are_listed(self, tmp_path: Path) -> None:
        g = Case()
        z = g.behind(g("Conv", "x", g.weights(4, 1, 3, 3, fan=9), group=3, name="grouped"), 48)
        image = g("Reshape", g.dense(g("Mish", z, domain="com.example", name="mish"), LATENTS, 8), np.array([-1, 2, 2, 2]))
        y = g("ConvTranspose", image, np.ones((2, 1, 2, 2)))
        assert list(refusals(g, g("Hardmax", y, name="top"), tmp_path)) == ["grouped", "mish", "top"]

    @pytest.mark.parametrize(
        ("graph", "reason"),
        [
            (lambda g: g("Transpose", g.image(), perm=[1, 0, 2, 3]), "expected a batch in front"),
            (lambda g: g("ConvTranspose", g("Reshape", g.z(), np.array([-1, 1, 1, 1])), np.ones((1, 1, 1, 1))), "(3, 1, 1, 1)"),
            (lambda g: g("RandomNormal", shape=[1, 3]), "which may only be part of"),
            (lambda g: g("RandomNormal", shape=[3, 3]), "expected a batch in front"),
            (lambda g: g("Slice", g.z(), np.array([2]), np.array([2]), np.array([1])), "shape (1, 0), which holds no numbers"),
        ],
    )
    def test_outputs(self, graph: Graph, reason: str, tmp_path: Path) -> None:
        g = Case()
        (found,) = refusals(g, graph(g), tmp_path).values()
        assert reason in found

    def test_frames_that_are_turned(self, tmp_path: Path) -> None:
        """They may be, as long as no node but single numbers takes them before they are turned back."""
        g = Case()
        turned = g("Mul", g("Tanh", g("Transpose", g.z(), perm=[1, 0])), 2.0)
        assert isinstance(read_model(g.save(tmp_path / "m.onnx", g("Transpose", turned))), RealNetwork)
        g = Case()
        turned = g("Tanh", g("Transpose", g.z()))
        (found,) = refusals(g, g("Reshape", turned, np.array([-1, 3]), name="row"), tmp_path).items()
        assert found[0] == "row" and "it mixes the frames of a batch" in found[1]


class TestUntrustedFiles:
    """Damage that leaves a well-formed file ends in a network or in one clear error, soon and without much memory."""

    SECONDS = 10
    MEGABYTES = 1024

    def outcome(self, path: Path) -> type:
        start, peak = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result: type = RealNetwork
        message = f"{path}: "
        try:
            import_real(path)
        except SigmabitError as error:
            result, message = type(error), str(error)
        assert message.startswith(f"{path}: ")
        assert time.process_time() - start < self.SECONDS
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < self.MEGABYTES << 10
        return result

    def test_changed_fields(self, tmp_path: Path) -> None:
        """Attributes, connections and operators drawn anew, one at a time."""
        random = np.random.default_rng(4)
        seen: dict[type, int] = {}
        for number in range(400):
            g = vae(1, 4, 4, constant_nodes=bool(number % 2))
            y = g("Conv", "x", g.weights(3, 1, 2, 2, fan=4), strides=[2, 2], pads=[0, 0, 1, 1], dilations=[1, 1], group=1)
            mean, logvar = g.heads(g("Flatten", g("LeakyRelu", y, alpha=0.1), axis=1), 12, LATENTS)
            z = g.draw(mean, logvar)
            if number % 3:
                y = g("Reshape", g("Relu", g.dense(z, LATENTS, 8)), np.array([-1, 2, 2, 2]))
                weights = g.weights(2, 1, 3, 3, fan=9)
                shape: dict[str, Any] = {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1], "auto_pad": "NOTSET"}
                model = g.model(g("Sigmoid", g("ConvTranspose", y, weights, g.weights(1, fan=1), **shape)))
            else:
                model = g.model(g.scored(z, mean, logvar))
            change(model.graph, random)
            path = tmp_path / "m.onnx"
            path.write_bytes(model.SerializeToString())
            result = self.outcome(path)
            seen[result] = seen.get(result, 0) + 1
        assert seen[RealNetwork] > 20
        assert seen[UnsupportedModelError] > 100

    @pytest.mark.parametrize(
        "unfold",
        [
            lambda g, z: g("ConvTranspose", z, g("ConstantOfShape", np.array([3, 1, 1 << 13, 1 << 13]))),
            lambda g, z: g("ConvTranspose", z, np.ones((3, 1, 1, 1)), strides=[4, 4], output_padding=[1 << 62, 3]),
            lambda g, z: g("Gemm", g("Flatten", z), g("ConstantOfShape", np.array([3, 1 << 25]))),
            lambda g, z: g("Gather", z, np.zeros((1 << 13, 1 << 12), np.int64), axis=3),
            lambda g, z: g("Pad", z, np.array([0, 0, 0, 0, 0, 0, 1 << 40, 1 << 40])),
        ],
        ids=["weights", "output padding", "matrix", "gather", "pad"],
    )
    def test_bombs(self, unfold: Callable[[Vae, str], str], tmp_path: Path, g: Vae) -> None:
        z = g("Reshape", g.draw(*g.heads("x", FEATURES, LATENTS)), np.array([0, -1, 1, 1]))
        assert self.outcome(g.save(tmp_path / "m.onnx", unfold(g, z))) is UnsupportedModelError

    def test_one_large_constant_in_many_layers(self, tmp_path: Path, g: Vae) -> None:
        y = g.draw(*g.heads("x", FEATURES, LATENTS))
        y = g.dense(y, LATENTS, 1 << 10)
        square = g("ConstantOfShape", np.array([1 << 10, 1 << 10]))
        for _ in range(200):
            y = g("MatMul", y, square)
        assert self.outcome(g.save(tmp_path / "m.onnx", y)) is UnsupportedModelError


def change(graph: onnx.GraphProto, random: np.random.Generator) -> None:
    """Change one thing of one node."""
    names = ["", "x", "nowhere", *(output for node in graph.node for output in node.output)]
    node = graph.node[random.integers(len(graph.node))]
    match random.integers(5):
        case 0 | 1 if node.attribute:
            old = node.attribute[random.integers(len(node.attribute))]
            number = [0, 1, -1, 2, 7, -(1 << 40), 1 << 20, 1 << 62][random.integers(8)]
            values: list[Any] = [number, [number], [number] * 2, [number] * 4, [1, number], [1, 1, number, 1], 0.5, "SAME_UPPER"]
            old.CopyFrom(helper.make_attribute(old.name, values[random.integers(len(values))]))
        case 2 if node.input:
            node.input[random.integers(len(node.input))] = str(random.choice(names))
        case 3:
            node.op_type = graph.node[random.integers(len(graph.node))].op_type
        case _:
            node.output[0] = str(random.choice(names))


class TestReference:
    """The executor that all of this is held against: noise that is fed, several samples, other tensors."""

    def test_several_samples(self, tmp_path: Path, g: Vae) -> None:
        mean, logvar = g.heads("x", FEATURES, LATENTS)
        path = g.save(tmp_path / "m.onnx", g.dense(g.draw(mean, logvar), LATENTS, 4))
        x, epsilon = rows(frames=5), np.random.default_rng(1).normal(size=(5, 7, LATENTS)).astype(np.float32)
        together = execute(path, x, epsilon=epsilon, tensors=[mean, logvar])
        assert together.outputs.shape == (5, 7, 4)
        assert together.tensors[mean].shape == together.tensors[logvar].shape == (5, 7, LATENTS)
        for sample in range(7):
            alone = execute(path, x, epsilon=epsilon[:, sample])
            np.testing.assert_allclose(together.outputs[:, sample], alone.outputs, rtol=1e-5, atol=1e-6)
        assert np.array_equal(together.tensors[mean][:, 0], together.tensors[mean][:, 6])

    def test_progress_counts_frames(self, tmp_path: Path, g: Vae) -> None:
        path = g.save(tmp_path / "m.onnx", g.draw(*g.heads("x", FEATURES, LATENTS)))
        seen: list[tuple[int, int]] = []
        execute(path, rows(frames=400), lambda done, total: seen.append((done, total)), np.zeros((400, 3, LATENTS)))
        assert seen[-1] == (400, 400) and len(seen) > 1

    def test_noise_that_is_missing_or_too_much(self, tmp_path: Path, g: Vae) -> None:
        mean, logvar = g.heads("x", FEATURES, LATENTS)
        path = g.save(tmp_path / "m.onnx", g.draw(mean, logvar))
        with pytest.raises(ExecutionError, match="it draws random numbers; give them"):
            execute(path, rows())
        with pytest.raises(ExecutionError, match="no node draws random numbers"):
            execute(g.save(path, mean), rows(), epsilon=np.zeros((9, LATENTS)))
        with pytest.raises(ExecutionError, match="onnxruntime cannot run it"):
            execute(g.save(path, g.draw(mean, logvar)), rows(), epsilon=np.zeros((9, LATENTS + 1)))
        with pytest.raises(ExecutionError, match=r"noise of shape \(8, 3\) for 9 frames"):
            execute(path, rows(), epsilon=np.zeros((8, LATENTS)))

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            ("Nodes must be\n    topologically sorted.", "Nodes must be topologically sorted."),
            ("no end " * 100, "no end " * 85 + "no ..."),
            ("", "ValueError"),
        ],
    )
    def test_what_an_executor_says(self, said: str, told: str, tmp_path: Path, g: Vae, monkeypatch: pytest.MonkeyPatch) -> None:
        """In one line, whole unless it is endless."""

        def refuse(*_: Any) -> NoReturn:
            raise ValueError(said)

        monkeypatch.setattr(reference, "_onnxruntime", refuse)
        with pytest.raises(ExecutionError, match=f"onnxruntime cannot run it: {re.escape(told)}$"):
            execute(g.save(tmp_path / "m.onnx", g.dense("x", FEATURES, 3)), rows())
