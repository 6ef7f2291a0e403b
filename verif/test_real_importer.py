"""What is imported of a variational autoencoder computes what the file's graph computes, given the same noise; and what is refused."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from sigmabit.golden import SigmabitError, UnsupportedModelError
from sigmabit.golden.convolution import Convolution
from sigmabit.golden.importer import import_real, is_real
from sigmabit.golden.pool import Pool
from sigmabit.golden.real import RealLatent, RealLinear, RealNetwork

from .onnx_graphs import Operand, signs
from .random_graphs import draw_sample
from .real_graphs import Vae, draw_vae
from .reference import ExecutionError, execute

pytestmark = pytest.mark.filterwarnings("ignore:Output shapes disagree")  # qonnx, on graphs without declared shapes

GRAPHS = 200
FEATURES, LATENTS = 12, 3


def agree(path: Path, x: np.ndarray, input_scale: float | None = None, seed: int = 1) -> RealNetwork:
    """Assert that the network gives what the file's graph gives for the frames x and any noise, heads included."""
    network = import_real(path, input_scale)
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
            assert is_real(sample.path)
            agree(sample.path, sample.x, sample.input_scale, seed)

    def test_they_hold_every_kind_of_layer(self, tmp_path: Path) -> None:
        networks = [import_real(sample.path, sample.input_scale) for sample in (draw_vae(n, tmp_path) for n in range(40))]
        assert {kind for network in networks for kind in kinds(network)} == {"conv", "deconv", "dense", "latent"}
        latents = [network.latent for network in networks if network.latent]
        assert {latent.score for latent in latents} == {latent.log_sigma for latent in latents} == {False, True}
        assert any(layer.rows > layer.columns for network in networks for layer in network.layers if isinstance(layer, RealLinear))

    def test_binary_graphs_are_not_real(self, tmp_path: Path) -> None:
        assert not any(is_real(draw_sample(seed, tmp_path).path) for seed in range(10))


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
        assert network.input.grid.levels == 16

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
        assert [layer.name for layer in network.layers][0] == ("dense1" if quantiser == "none" else "conv2")

    def test_their_findings(self, tmp_path: Path, g: Vae) -> None:
        y = g("Sign", g.dense("x", FEATURES, 8))
        (found,) = refusals(g, g.draw(*g.heads(y, 8, LATENTS)), tmp_path).values()
        assert "not binary" in found

    def test_zeros_and_ones_before_padding(self, tmp_path: Path) -> None:
        g = vae(2, 5, 5)
        y = g.quant(g("Conv", "x", signs(g.random, 4, 2, 3, 3)), 1, 1.0, signed=0)
        y = g("Conv", g("Mul", y, 0.5, name="half"), g.weights(3, 4, 3, 3, fan=36), pads=[1] * 4, name="culprit")
        z = g.draw(*g.heads(g("Flatten", y), 27, LATENTS))
        assert "half" in refusals(g, z, tmp_path)["culprit"]

    def test_a_branch_from_inside(self, tmp_path: Path, g: Vae) -> None:
        y = g("MatMul", "x", signs(g.random, FEATURES, 8), name="inside")
        z = g.draw(g.dense(g("Sign", y), 8, LATENTS), g("Gemm", y, g.weights(8, LATENTS, fan=8), name="culprit"))
        assert refusals(g, z, tmp_path) == {
            "culprit": "it takes inside_y inside the binary layers; branches are not supported",
        }


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
        g(
            "Sub",
            g("Add", g("ReduceSum", g("Exp", v), AXIS), g("ReduceSumSquare", m, AXIS)),
            g("Add", g("ReduceSum", v, AXIS), float(LATENTS)),
        ),
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
        g = vae(opset=13)
        if spelling == "in parts":
            g.opset = 11  # ReduceSum with axes as attributes from here on back
        mean, logvar = g.heads("x", FEATURES, LATENTS)
        reduce = (lambda x: g("ReduceSum", x, axes=[1])) if g.opset == 11 else (lambda x: g("ReduceSum", x, AXIS))
        if g.opset == 11:
            squares = reduce(g("Mul", mean, mean))
            excess = g("Sub", g("Sub", g("Exp", logvar), logvar), 1.0)
            divergence = g("Div", g("Add", g("ReduceSumSquare", mean, axes=[1]), reduce(excess)), 2.0)
        else:
            squares = reduce(g("Mul", mean, mean))
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
    assert is_real(path)
    with pytest.raises(UnsupportedModelError) as caught:
        import_real(path)
    assert "\n" not in str(caught.value)
    return {finding.node: finding.reason for finding in caught.value.findings}


class Case(Vae):
    """A graph on (2, 6, 5) pixels with one `bad` node, which is called culprit."""

    def __init__(self) -> None:
        super().__init__((2, 6, 5), np.random.default_rng(8))
        self.points = self.weights(4, 4, 1, 1, fan=4)

    def bad(self, operator: str, *operands: Operand, **attributes: Any) -> str:
        return self(operator, *operands, name="culprit", **attributes)

    def conv(self, x: Operand = "x", **attributes: Any) -> str:
        """A convolution (1, 4, 4, 3)."""
        return self("Conv", x, self.weights(4, 2, 3, 3, fan=18), **attributes)

    def features(self) -> str:
        """A row (1, 4)."""
        return self("Relu", self.dense(self("Flatten", "x"), 60, 4))

    def pair(self) -> tuple[str, str]:
        """Means and logarithms."""
        return self.heads(self.features(), 4, LATENTS)

    def sigma(self, logvar: str) -> str:
        return self("Exp", self("Mul", logvar, 0.5))

    def z(self, x: str | None = None, size: int = 4) -> str:
        return self.draw(*self.heads(x or self.features(), size, LATENTS))

    def sampled(self, function: Callable[[str], str]) -> str:
        """mu + function(logarithm) * eps, with the product as the culprit."""
        mean, logarithm = self.pair()
        return self("Add", mean, self.bad("Mul", function(logarithm), self("RandomNormalLike", mean)))

    def after(self, x: str, size: int) -> str:
        """A sample behind an activation of any shape."""
        return self.z(self("Flatten", x), size)


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


def frozen(g: Case, form: str) -> str:
    """A sample whose noise is a constant."""
    mean, logvar = g.pair()
    noise = np.random.default_rng(0).normal(size=(1, LATENTS))
    spread = g("Mul", noise, g.sigma(logvar)) if form == "Exp" else g("Mul", g("Sqrt", g("Exp", logvar)), noise)
    return g.dense(g.bad("Add", spread, mean), LATENTS, 4)


class TestSampling:
    test_deviations = refused(
        {
            "softplus": (lambda g: g.sampled(lambda v: g("Softplus", v, name="soft")), "by soft of an activation; expected Exp"),
            "none": (lambda g: g.sampled(lambda v: v), "by an activation itself; expected Exp(0.5 * logvar)"),
            "plus": (lambda g: g.sampled(lambda v: g("Add", g.sigma(v), 1e-3, name="plus")), "plus of an activation"),
            "negative": (lambda g: g.sampled(lambda v: g("Mul", g.sigma(v), -1.0)), "expected Exp(0.5 * logvar)"),
            "bent": (lambda g: g.sampled(lambda v: g("Exp", g("Tanh", v, name="bend"))), "bend, Exp"),
            "limited": (
                lambda g: g.sampled(lambda v: g.sigma(g("Clip", v, -20.0, 2.0, name="clamp"))),
                "clamp limits the logarithm of the variance to [-20, 2]; the hardware's own limits are [-8, 8]",
            ),
            "limited in log-sigma": (
                lambda g: g.sampled(lambda v: g("Exp", g("Clip", v, -3.0, 4.0, name="clamp"))),
                "clamp limits the logarithm of the variance to [-6, 8]",
            ),
            "an image": (lambda g: image_latents(g), "latent variables of shape (1, 4, 4, 3), expected (1, latents): flatten"),
        }
    )
    test_means = refused(
        {
            "bent": (lambda g: mean(g, lambda m: g("Tanh", m, name="bend")), "the mean passes bend; expected the result"),
            "the input": (
                lambda g: mean(g, lambda m: g("Slice", g("Flatten", "x"), np.array([0]), np.array([LATENTS]), AXIS)),
                "the mean is not the result of a layer of weights",
            ),
            "of another layer": (
                lambda g: mean(g, lambda m: g.dense(g.features(), 4, LATENTS)),
                "mean and deviation come from layers on different activations",
            ),
            "of an image": (
                lambda g: mean(g, lambda m: g("Slice", g("Flatten", g.conv()), np.array([0]), np.array([LATENTS]), AXIS)),
                "the mean is an image of shape (4, 4, 3)",
            ),
            "of another shape": (
                lambda g: mean(g, lambda m: g.dense(g.features(), 4, LATENTS + 1)),
                f"means of shape (1, {LATENTS + 1}) for deviations of shape (1, {LATENTS})",
            ),
            "scaled noise": (
                lambda g: mean(g, lambda m: m, lambda s: g("Mul", s, 0.7, name="temper")),
                "expected mu + sigma * eps",
            ),
        }
    )
    test_noise = refused(
        {
            "uniform": (lambda g: noisy(g, lambda m: g.bad("RandomUniformLike", m)), "noise of another distribution"),
            "coins": (lambda g: noisy(g, lambda m: g.bad("Bernoulli", g("Sigmoid", m))), "noise of another distribution"),
            "wide": (lambda g: noisy(g, lambda m: g.bad("RandomNormalLike", m, scale=2.0)), "mean 0 and deviation 2"),
            "off zero": (lambda g: noisy(g, lambda m: g.bad("RandomNormal", shape=[1, 3], mean=1.0)), "mean 1 and"),
            "for no latents": (lambda g: noisy(g, lambda m: g.bad("RandomNormal", shape=[0, 3])), "noise of shape (0, 3)"),
            "vast": (lambda g: noisy(g, lambda m: g.bad("RandomNormal", shape=[1 << 40, 1 << 40])), "at most"),
            "for several frames": (
                lambda g: noisy(g, lambda m: g("RandomNormal", shape=[5, LATENTS]), "culprit"),
                "noise of shape (5, 3) for latent variables of shape (1, 3); samples of one frame are drawn one after the other",
            ),
            "several samples": (
                lambda g: g.draw(*(g(*a) for a in (("Identity", m), ("Identity", g.features())) for m in [""])) if False else
                g("Add", *(g.bad("Expand", m, np.array([5, 1, LATENTS])) if i == 0 else g.noise(m, v)
                           for i, (m, v) in enumerate([g.pair()] * 2))),
                "it repeats an activation of shape (1, 3); samples of one frame",
            ),
            "twice": (lambda g: g.z(g("Relu", g.z()), LATENTS, again=True), "a second source of noise beside"),
            "added alone": (
                lambda g: g.dense(g.bad("Add", g.features(), g("RandomNormal", shape=[1, 4])), 4, 2),
                "which may only be part of mu + sigma * eps",
            ),
            "alone in a layer": (
                lambda g: g("Gemm", g("RandomNormal", shape=[1, 4]), g.weights(4, 2, fan=2), name="culprit"),
                "which may only be part of mu + sigma * eps",
            ),
            "without a mean": (lambda g: g("Gemm", no_mean(g), g.weights(LATENTS, 2, fan=2), name="culprit"), "without its mean"),
        }
    )
    test_constants = refused({form: (lambda g, form=form: frozen(g, form), "its noise was exported as a constant; export the model")
                              for form in ("Exp", "Sqrt")})
