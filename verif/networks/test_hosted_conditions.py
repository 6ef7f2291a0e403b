"""Conditions behind functions of their own, which the host computes, and conditions that are added instead of joined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from sigmabit.golden import InputError, Network, Precision, UnsupportedModelError, calibrated, import_model, import_real
from sigmabit.golden.network.real import RealNetwork
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.hdl.planning.planner import Planner
from sigmabit.scripts.measures.latency import drawn

from ..harness.command_line import Call, Refused
from ..harness.quantisation import compare_layers
from ..harness.real_graphs import Vae
from ..simulation import Noise, simulate
from ..simulation.compare import first_difference
from ..simulation.reference import execute

FEATURES, CLASSES, HIDDEN, LATENTS, EMBEDDED = 10, 4, 8, 3, 5
IMAGE = (1, 6, 6)
FRAMES = 24


class Conditional(Vae):
    """A graph with a label, or with a row of CLASSES numbers, as its condition c."""

    def __init__(self, *shape: int, label: bool = False, batch: Any = "N") -> None:
        super().__init__(shape, np.random.default_rng(4), batch=batch)
        kind, numbers = (TensorProto.INT64, []) if label else (TensorProto.FLOAT, [CLASSES])
        self.inputs.append(helper.make_tensor_value_info("c", kind, [batch, *numbers]))

    def embedding(self, size: int) -> str:
        """nn.Embedding."""
        return self("Gather", self.weights(CLASSES, size, fan=1), "c")

    def join(self, *parts: str) -> str:
        """Side by side."""
        return self("Concat", *parts, axis=1)

    def encoded(self, x: str, inputs: int) -> str:
        """A sample."""
        return self.draw(*self.heads(self("Relu", self.dense(x, inputs, HIDDEN)), HIDDEN, LATENTS))

    def decoded(self, z: str, inputs: int, outputs: int = FEATURES) -> str:
        """Two layers."""
        return self("Sigmoid", self.dense(self("Relu", self.dense(z, inputs, HIDDEN)), HIDDEN, outputs))


def of_labels(g: Conditional) -> str:
    """One embedding in front, another behind."""
    z = g.encoded(g.join("x", g.embedding(EMBEDDED)), FEATURES + EMBEDDED)
    return g.decoded(g.join(g("Tanh", g.embedding(2)), z), LATENTS + 2)


def one_hot(g: Conditional) -> str:
    """F.one_hot(c, 4).float(), twice."""
    hot = g("OneHot", "c", np.array(CLASSES), np.array([0, 1]), axis=-1)
    c = g("Cast", hot, to=TensorProto.FLOAT)
    return g.decoded(g.join(g.encoded(g.join("x", c), FEATURES + CLASSES), c), LATENTS + CLASSES)


def layers(g: Conditional) -> str:
    """Layers of its own at the sample, and the numbers themselves at the input."""
    z = g.encoded(g.join("c", "x"), FEATURES + CLASSES)
    code = g("Tanh", g.dense(g("Relu", g.dense("c", CLASSES, 6)), 6, EMBEDDED))
    return g.decoded(g.join(z, code), LATENTS + EMBEDDED)


def squared(g: Conditional) -> str:
    """A product with itself, which is no scale."""
    return g.decoded(g.encoded(g.join("x", g("Mul", "c", "c")), FEATURES + CLASSES), LATENTS)


def added_to_sample(g: Conditional) -> str:
    """z + relu(W c), as a projection of a label."""
    return g.decoded(g("Add", g.encoded("x", FEATURES), g("Relu", g.dense("c", CLASSES, LATENTS))), LATENTS)


def added_behind(g: Conditional) -> str:
    """To the sums of dense layers, in both spellings: a layer's own, and a function's."""
    one = g("Add", g.dense("c", CLASSES, HIDDEN), g.dense("x", FEATURES, HIDDEN))
    mean, logarithm = g.heads(g("Relu", one), HIDDEN, LATENTS)
    sums = g("Add", g("MatMul", g.draw(mean, logarithm), g.weights(LATENTS, HIDDEN, fan=3)), g.weights(HIDDEN, fan=4))
    y = g("Add", sums, g("Sigmoid", g.dense("c", CLASSES, HIDDEN)))
    return g("Sigmoid", g.dense(g("Relu", y), HIDDEN, FEATURES))


def decoder(g: Conditional) -> str:
    """A generator of classes."""
    return g.dense(g("Relu", g.dense(g.join(g.embedding(EMBEDDED), "x"), FEATURES + EMBEDDED, HIDDEN)), HIDDEN, 4)


def map_of_label(g: Conditional) -> str:
    """An embedding as an image beside the image, and another beside the sample."""
    spread = g("Reshape", g.embedding(36), np.array([-1, *IMAGE]))
    kernel = g.weights(3, 2, 3, 3, fan=18)
    y = g("Relu", g("Conv", g.join("x", spread), kernel, g.weights(3, fan=4), strides=[2, 2], pads=[1, 1, 1, 1]))
    return g.decoded(g.join(g.encoded(g("Flatten", y), 27), g.embedding(2)), LATENTS + 2, 36)


Graph = Callable[[Conditional], str]


@dataclass(frozen=True)
class Case:
    """Its input's shape, whether the condition is a label, and the graph."""

    shape: tuple[int, ...]
    label: bool
    graph: Graph


ROW = (FEATURES,)
CASES = {
    "labels": Case(ROW, True, of_labels),
    "one-hot": Case(ROW, True, one_hot),
    "layers": Case(ROW, False, layers),
    "squared": Case(ROW, False, squared),
    "added to a sample": Case(ROW, False, added_to_sample),
    "added behind": Case(ROW, False, added_behind),
    "decoder": Case(ROW, True, decoder),
    "map": Case(IMAGE, True, map_of_label),
}


class Made:
    """A file, and frames of standardised numbers for it, with codes of so many bits."""

    def __init__(self, name: str, folder: Path, bits: int | None = None, batch: Any = "N") -> None:
        case, random = CASES[name], np.random.default_rng(6)
        g = Conditional(*case.shape, label=case.label, batch=batch)
        self.path = g.save(folder / "m.onnx", case.graph(g))
        self.x = random.normal(size=(FRAMES, *case.shape)).astype(np.float32)
        numbers = random.normal(size=(FRAMES, CLASSES)).astype(np.float32)
        self.c = np.arange(FRAMES) % CLASSES if case.label else numbers
        self.eps = np.rint(random.normal(size=(FRAMES, LATENTS)) * 2**FRACTION).astype(np.int64)
        form = import_real(self.path).input
        self.coding = form.fitting(form.joined(self.x, self.c), bits)
        self.x = self.coding.nearest(self.x).astype(np.float32)
        self.frames = form.joined(self.x, self.c)

    @property
    def real(self) -> RealNetwork:
        return import_real(self.path, coding=self.coding)

    @property
    def network(self) -> Network:
        return import_model(self.path, calibration=calibrated(self.real, self.frames, Precision()))


@pytest.mark.parametrize("batch", ["N", 1])
@pytest.mark.parametrize("name", CASES)
def test_real_numbers(name: str, batch: Any, tmp_path: Path) -> None:
    """With codes of 16 bits the results are onnxruntime's, but for what rounding the functions' numbers costs."""
    made = Made(name, tmp_path, 16, batch)
    noise = (made.eps * 2.0**-FRACTION).astype(np.float32)
    executed = execute(made.path, made.frames, epsilon=None if made.real.latent is None else noise).outputs
    np.testing.assert_allclose(made.real.output(made.frames, noise), executed, rtol=0, atol=2e-4)


@pytest.mark.parametrize("name", CASES)
def test_within_bounds(name: str, tmp_path: Path) -> None:
    """Each layer is as near to real numbers as its roundings allow."""
    made = Made(name, tmp_path)
    real, network = made.real, made.network
    eps = made.eps[:, : real.latents]
    for layer in compare_layers(real, network, made.frames, eps):
        assert np.all(layer.differences <= layer.bound * (1 + 1e-9) + 1e-9), layer.layer
    exact = real.output(made.frames, made.eps * 2.0**-FRACTION)
    golden = network.run(made.frames, None if real.latent is None else eps[:, None]).reshape(exact.shape)
    assert np.sqrt(np.mean((golden - exact) ** 2)) < 0.08 * max(exact.std(), 0.3)


@pytest.mark.parametrize(
    "name", ["labels", pytest.param("added behind", marks=pytest.mark.long), pytest.param("map", marks=pytest.mark.long)]
)
def test_hardware(name: str, tmp_path: Path) -> None:
    """Every tensor is golden's, in the cycles that were planned."""
    network = Made(name, tmp_path).network
    codes, noise = network.input.encode(Made(name, tmp_path).frames)[:10], Noise(7)
    plan = Planner(network, "xc7vx690t", 200.0).plan(600)
    measured = simulate(plan, codes, "verilator", taps=True, noise=noise, optimise=0)
    golden = dict(network.steps(codes, noise.for_network(network, len(codes), 1)))
    assert first_difference(golden, measured.trace) is None
    assert measured.latency == plan.latency


def test_rows_on_the_stream(tmp_path: Path) -> None:
    """What a frame holds is what functions give, each number once; equal labels give equal rows."""
    made = Made("labels", tmp_path)
    codes = made.network.input.encode(made.frames)[:, 0, 0]
    assert codes.shape == (FRAMES, FEATURES + EMBEDDED + 2)
    beside = codes[:, FEATURES:]
    assert all(np.array_equal(beside[i], beside[i % CLASSES]) for i in range(FRAMES))
    assert len(np.unique(beside, axis=0)) == CLASSES
    assert made.network.run(drawn(made.network), Noise(1).for_network(made.network, 64, 1)).shape == (64, FEATURES)


def test_zeros_beside_pixels(tmp_path: Path, call: Call) -> None:
    """Pixels have as many codes where a padding needs a zero of a condition that goes below it."""
    made = Made("map", tmp_path)
    x, c, ready = tmp_path / "x.npy", tmp_path / "c.npy", tmp_path / "ready.onnx"
    np.save(x, np.random.default_rng(1).integers(0, 256, made.x.shape).astype(np.float32) / 255)
    np.save(c, made.c)
    about = call("calibrate", made.path, "--input", x, "--condition", c, "-o", ready, "--json").json["input"]
    assert (about["bits"], about["signed"]) == (8, False) and about["error"] < 1e-6
    assert call("inspect", ready, "--json").json["input"]["condition"] == {"name": "c", "shape": [], "numbers": 38}
    assert "of which the host makes 38 numbers" in " ".join(call("inspect", ready).out.split())


@pytest.mark.usefixtures("own_folder")
def test_refused_labels(tmp_path: Path, call: Call, refused: Refused) -> None:
    """Labels that there are none of, fractions, and rows in place of labels; in one sentence."""
    made = Made("labels", tmp_path)
    x, c, ready = tmp_path / "x.npy", tmp_path / "c.npy", tmp_path / "ready.onnx"
    np.save(x, made.x)
    np.save(c, made.c)
    given = ["--input", x, "--condition", c]
    call("calibrate", made.path, *given, "-o", ready)
    for numbers, said in (
        (made.c + 1, f"the condition c is {CLASSES} in frame {CLASSES - 1}, expected labels from 0 to {CLASSES - 1}"),
        (made.c - 1, "the condition c is -1 in frame 0"),
        (made.c + 0.5, "the condition c is 0.5 in frame 0"),
        (np.where(made.c == 2, np.nan, made.c), "nan"),
        (np.eye(CLASSES)[made.c], f"expected numbers ({FRAMES},)"),
    ):
        np.save(c, numbers)
        refused(["run", ready, *given, "--output", tmp_path / "y.npy"], "c.npy", said)
        refused(["calibrate", made.path, *given, "-o", tmp_path / "other.onnx"], "c.npy", said)
    assert not (tmp_path / "other.onnx").exists()


def test_numbers_that_are_not_finite(tmp_path: Path) -> None:
    """A function's fault on a frame is said of that frame."""
    g = Conditional(FEATURES)
    path = g.save(tmp_path / "m.onnx", g.dense(g.join("x", g("Log", "c")), FEATURES + CLASSES, 3))
    c = np.ones((3, CLASSES), np.float32)
    c[1, 2] = 0
    form = import_real(path).input
    with pytest.raises(InputError, match="the condition c leads to numbers that are not finite, in frame 1"):
        form.fitting(form.joined(np.eye(3, FEATURES, dtype=np.float32), c))


class TestRefused:
    """What the host does not evaluate, and what is neither joined nor added to a layer."""

    def refusal(self, g: Conditional, output: str, folder: Path) -> str:
        with pytest.raises(UnsupportedModelError) as caught:
            import_real(g.save(folder / "m.onnx", output))
        return str(caught.value)

    def test_another_operator(self, tmp_path: Path) -> None:
        g = Conditional(FEATURES)
        y = g.decoded(g.encoded(g.join("x", g("CumSum", "c", np.array(1), name="running")), FEATURES + CLASSES), LATENTS)
        assert "running (CumSum)" in self.refusal(g, y, tmp_path)

    def test_too_many_classes(self, tmp_path: Path) -> None:
        g = Conditional(FEATURES, label=True)
        hot = g("OneHot", "c", np.array(1 << 40), np.array([0.0, 1.0]), axis=-1, name="hot")
        assert "hot (OneHot)" in self.refusal(g, g.dense(g.join("x", hot), FEATURES + 4, 3), tmp_path)

    def test_doubled_again_and_again(self, tmp_path: Path) -> None:
        """A few nodes that would make more numbers than there is memory for."""
        g = Conditional(FEATURES)
        c = g("Tanh", "c")
        for _ in range(60):
            c = g.join(c, c)
        assert "Concat" in self.refusal(g, g.dense(g.join("x", g("Sigmoid", c)), FEATURES + 4, 3), tmp_path)

    def test_multiplied(self, tmp_path: Path) -> None:
        g = Conditional(FEATURES, label=True)
        y = g.decoded(g("Mul", g.encoded("x", FEATURES), g.embedding(LATENTS)), LATENTS)
        assert "c (graph input): a second input; a condition is joined (Concat)" in self.refusal(g, y, tmp_path)

    def test_added_to_maps(self, tmp_path: Path) -> None:
        g = Conditional(*IMAGE, label=True)
        y = g("Conv", "x", g.weights(3, 1, 3, 3, fan=9))
        y = g("Add", y, g("Unsqueeze", g("Unsqueeze", g.embedding(3), np.array([2])), np.array([3])), name="modulated")
        assert "modulated (Add): it takes the input or a condition beside" in self.refusal(
            g, g.dense(g("Flatten", y), 48, 3), tmp_path
        )
