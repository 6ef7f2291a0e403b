"""Parts of autoencoders, and those that draw nothing: encoders, decoders, means instead of samples, noise as a second input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from sigmabit.golden import Coding, Precision, UnsupportedModelError, calibrated, import_model, import_real
from sigmabit.golden.front.noise_input import noise_input
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.hdl.planning.planner import Planner

from ..harness.command_line import Call
from ..harness.quantisation import compare_layers
from ..harness.real_graphs import Vae
from ..simulation import Noise, simulate
from ..simulation.compare import first_difference
from ..simulation.reference import execute

FEATURES, HIDDEN, LATENTS = 12, 8, 3
FRAMES = 24


def encoded(g: Vae) -> tuple[str, str]:
    """Means and logarithms of the input x."""
    return g.heads(g("Relu", g.dense("x", FEATURES, HIDDEN)), HIDDEN, LATENTS)


def decoded(g: Vae, z: str) -> str:
    """A reconstruction of latent variables."""
    return g("Sigmoid", g.dense(g("Relu", g.dense(z, LATENTS, HIDDEN)), HIDDEN, FEATURES))


def means_and_logarithms(g: Vae) -> str:
    """Both heads as one output, the second first."""
    mean, logarithm = encoded(g)
    return g("Concat", logarithm, g("Mul", mean, 2.0), axis=1)


def decoder(g: Vae) -> str:
    """What makes frames of latent variables."""
    return decoded(g, "x")


def of_the_mean(g: Vae) -> str:
    """What eval() exports: the mean instead of a sample."""
    mean, logarithm = encoded(g)
    g("Exp", logarithm)
    return decoded(g, mean)


def deterministic(g: Vae) -> str:
    """Latent variables that are no distribution."""
    return decoded(g, g("Tanh", g.dense("x", FEATURES, LATENTS)))


def score(g: Vae) -> str:
    """What triggers look at."""
    mean, _ = encoded(g)
    return g("ReduceSum", g("Mul", mean, mean), np.array([1]))


def mean_of_squares(g: Vae) -> str:
    """The same, as another exporter writes it."""
    mean, _ = encoded(g)
    return g("ReduceMean", g("Pow", mean, 2.0), axes=[-1], keepdims=0)


def sum_of_squares(g: Vae) -> str:
    """And another."""
    mean, _ = encoded(g)
    return g("ReduceSumSquare", mean, axes=[1])


GRAPHS: dict[str, tuple[int, Callable[[Vae], str]]] = {
    "means": (FEATURES, lambda g: encoded(g)[0]),
    "means and logarithms": (FEATURES, means_and_logarithms),
    "decoder": (LATENTS, decoder),
    "decoder of the mean": (FEATURES, of_the_mean),
    "deterministic": (FEATURES, deterministic),
    "score": (FEATURES, score),
    "mean of squares": (FEATURES, mean_of_squares),
    "sum of squares": (FEATURES, sum_of_squares),
}


def made(name: str, folder: Path) -> tuple[Path, np.ndarray]:
    """The file of a graph, and standard normal frames for it that lie on their grid."""
    features, graph = GRAPHS[name]
    g = Vae((features,), np.random.default_rng(5))
    x = np.random.default_rng(6).normal(size=(FRAMES, features))
    return g.save(folder / "m.onnx", graph(g)), Coding.fitting(x).nearest(x).astype(np.float32)


@pytest.mark.parametrize("name", GRAPHS)
def test_within_bounds(name: str, tmp_path: Path) -> None:
    """In real numbers the results are onnxruntime's; each layer is as near to it as roundings allow."""
    path, x = made(name, tmp_path)
    real = import_real(path, coding=Coding.fitting(x))
    assert real.latent is None
    none = np.zeros((len(x), 0))
    executed = execute(path, x).outputs
    np.testing.assert_allclose(real.output(x, none), executed, rtol=1e-4, atol=1e-5 * np.abs(executed).max())
    network = import_model(path, calibration=calibrated(real, x, Precision()))
    for layer in compare_layers(real, network, x, none.astype(np.int64)):
        assert np.all(layer.differences <= layer.bound * (1 + 1e-9) + 1e-9), layer.layer
    assert np.sqrt(np.mean((network.run(x) - executed) ** 2)) < 0.03 * max(executed.std(), 0.3)


@pytest.mark.parametrize("name", ["means and logarithms", "score"])
def test_hardware(name: str, tmp_path: Path) -> None:
    """Every tensor is golden's, in the cycles that were planned."""
    path, x = made(name, tmp_path)
    real = import_real(path, coding=Coding.fitting(x))
    plan = Planner(import_model(path, calibration=calibrated(real, x, Precision())), "xc7vx690t", 200.0).fastest()
    codes = plan.network.input.encode(x)
    measured = simulate(plan, codes, "verilator", taps=True, optimise=0)
    assert first_difference(dict(plan.network.steps(codes)), measured.trace) is None
    assert measured.latency == plan.latency


def test_reconstruction_error(tmp_path: Path, call: Call) -> None:
    """An autoencoder that draws nothing is judged by what it reconstructs, too."""
    path, x = made("deterministic", tmp_path)
    np.save(tmp_path / "x.npy", x)
    found = call("verify", path, "--input", tmp_path / "x.npy", "--json").json
    errors = found["reconstruction_error"]
    assert errors["onnxruntime"] == pytest.approx(np.mean((execute(path, x).outputs - x) ** 2), rel=1e-5)
    assert errors["golden"] == errors["verilator"] == pytest.approx(errors["onnxruntime"], rel=0.02)
    assert found["mismatches"] == 0 and "samples" not in found


class TestNoiseAsAnInput:
    """It is what a node that draws would give."""

    def graph(self, folder: Path, first: bool = False, temperature: float = 1.0, size: int | str = LATENTS) -> Path:
        """An autoencoder with its noise as an input, `first` or second."""
        g = Vae((FEATURES,), np.random.default_rng(5))
        g.inputs.insert(0 if first else 1, helper.make_tensor_value_info("eps", TensorProto.FLOAT, ["N", size]))
        mean, logarithm = encoded(g)
        eps = "eps" if temperature == 1 else g("Mul", "eps", temperature)
        z = g("Add", g("Mul", eps, g("Exp", g("Mul", logarithm, 0.5))), mean)
        return g.save(folder / "m.onnx", decoded(g, z))

    @pytest.mark.parametrize(("first", "temperature"), [(False, 1.0), (True, 1.0), (False, 0.7)])
    def test_agrees(self, first: bool, temperature: float, tmp_path: Path) -> None:
        path, random = self.graph(tmp_path, first, temperature), np.random.default_rng(8)
        x = random.normal(size=(FRAMES, FEATURES))
        coding = Coding.fitting(x)
        x = coding.nearest(x).astype(np.float32)
        eps = random.normal(size=(FRAMES, LATENTS)).astype(np.float32)
        real = import_real(path, coding=coding)
        assert real.input.name == "x" and real.latent is not None and real.latent.eps == "eps"
        executed = execute(path, x, epsilon=eps).outputs
        np.testing.assert_allclose(real.output(x, eps), executed, rtol=1e-4, atol=1e-5)
        network = import_model(path, calibration=calibrated(real, x, Precision()))
        codes = np.rint(eps * 2**FRACTION).astype(np.int64)
        for layer in compare_layers(real, network, x, codes):
            assert np.all(layer.differences <= layer.bound * (1 + 1e-9) + 1e-9), layer.layer

    def test_hardware_draws_it(self, tmp_path: Path) -> None:
        path = self.graph(tmp_path)
        x = np.random.default_rng(8).normal(size=(FRAMES, FEATURES)).astype(np.float32)
        real = import_real(path, coding=Coding.fitting(x))
        plan = Planner(import_model(path, calibration=calibrated(real, x, Precision())), "xc7vx690t", 200.0).plan(50)
        codes, noise = plan.network.input.encode(x), Noise(5)
        measured = simulate(plan, codes, "verilator", noise=noise, optimise=0)
        drawn = noise.for_network(plan.network, len(x), 1)
        assert np.array_equal(measured.results, plan.network.results(codes, drawn))

    def test_what_is_no_noise(self, tmp_path: Path) -> None:
        """An input whose size is not known is a second input like any other; one that is added is a condition."""
        with pytest.raises(UnsupportedModelError, match=r"eps \(graph input\): a second input"):
            import_real(self.graph(tmp_path, size="M"))
        g = Vae((FEATURES,), np.random.default_rng(5))
        g.inputs.append(helper.make_tensor_value_info("eps", TensorProto.FLOAT, ["N", LATENTS]))
        path = g.save(tmp_path / "m.onnx", g("Add", encoded(g)[0], "eps"))
        assert noise_input(onnx.load(str(path)).graph) is None
        condition = import_real(path).input.condition
        assert condition is not None and condition.name == "eps"

    def test_a_factor_that_is_no_noise(self, tmp_path: Path) -> None:
        """What multiplies anything but a deviation is refused by the node that takes it."""
        g = Vae((FEATURES,), np.random.default_rng(5))
        g.inputs.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["N", LATENTS]))
        path = g.save(tmp_path / "m.onnx", g("Mul", encoded(g)[0], "mask", name="masked"))
        with pytest.raises(UnsupportedModelError, match=r"masked \(Mul\): the noise is multiplied by an activation itself"):
            import_real(path)
