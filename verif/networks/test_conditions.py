"""Conditions: a further input of the graph, joined to the first one or to a sample of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from sigmabit.golden import (
    CalibrationError,
    InputError,
    Network,
    Precision,
    UnsupportedModelError,
    calibrated,
    import_model,
    import_real,
)
from sigmabit.golden.front.calibration import Calibration
from sigmabit.golden.front.condition_input import condition_input
from sigmabit.golden.front.importer.model_file import read
from sigmabit.golden.network.real import RealNetwork
from sigmabit.golden.noise.gaussian import FRACTION
from sigmabit.hdl.planning.planner import Planner

from ..harness.command_line import MODELS, Call, Refused
from ..harness.quantisation import compare_layers
from ..harness.real_graphs import Vae
from ..simulation import Noise, Stalls, simulate
from ..simulation.compare import first_difference
from ..simulation.reference import execute

FEATURES, SIZE, CLASSES, HIDDEN, LATENTS = 12, 8, 4, 9, 3
FRAMES = 24


class Conditional(Vae):
    """A graph with the parts of a conditional autoencoder."""

    def __init__(self, *shape: int, numbers: tuple[int, ...] = (CLASSES,), seed: int = 3) -> None:
        super().__init__(shape, np.random.default_rng(seed))
        self.inputs.append(helper.make_tensor_value_info("c", TensorProto.FLOAT, ["N", *numbers]))

    def join(self, *parts: str) -> str:
        """Side by side."""
        return self("Concat", *parts, axis=1, name="joined" + str(len(self.nodes)))

    def encoded(self, x: str, inputs: int) -> str:
        """A sample of latent variables."""
        return self.draw(*self.heads(self("Relu", self.dense(x, inputs, HIDDEN)), HIDDEN, LATENTS))

    def decoded(self, z: str, inputs: int, outputs: int = FEATURES) -> str:
        """A reconstruction of them."""
        return self("Sigmoid", self.dense(self("Relu", self.dense(z, inputs, HIDDEN)), HIDDEN, outputs))


def at_the_input(g: Conditional) -> str:
    """The first layer takes it."""
    return g.decoded(g.encoded(g.join("x", "c"), FEATURES + CLASSES), LATENTS)


def at_the_sample(g: Conditional) -> str:
    """The decoder does."""
    return g.decoded(g.join(g.encoded("x", FEATURES), "c"), LATENTS + CLASSES)


def at_both(g: Conditional) -> str:
    """In other orders, and each with steps of its own in front."""
    x = g.join(g("Mul", "c", 2.0), g("Sub", "x", 0.5))
    z = g.encoded(x, FEATURES + CLASSES)
    return g.decoded(g.join(g("Sub", 1.0, "c"), g("Mul", z, 0.5)), LATENTS + CLASSES)


def of_a_table(g: Conditional) -> str:
    """A deviation that is no exponential."""
    mean, head = g.heads(g("Relu", g.dense("x", FEATURES, HIDDEN)), HIDDEN, LATENTS)
    z = g("Add", mean, g("Mul", g("Softplus", head), g("RandomNormalLike", mean)))
    return g.decoded(g.join(z, "c"), LATENTS + CLASSES)


def noise_beside(g: Conditional) -> str:
    """Noise as a third input."""
    g.inputs.insert(1, helper.make_tensor_value_info("eps", TensorProto.FLOAT, ["N", LATENTS]))
    mean, logarithm = g.heads(g("Relu", g.dense("x", FEATURES, HIDDEN)), HIDDEN, LATENTS)
    z = g("Add", mean, g("Mul", "eps", g("Exp", g("Mul", logarithm, 0.5))))
    return g.decoded(g.join(z, "c"), LATENTS + CLASSES)


def of_the_mean(g: Conditional) -> str:
    """What eval() exports: the mean in place of a sample."""
    mean, _ = g.heads(g("Relu", g.dense("x", FEATURES, HIDDEN)), HIDDEN, LATENTS)
    return g.decoded(g.join(mean, "c"), LATENTS + CLASSES)


def at_each_layer(g: Conditional) -> str:
    """Joined to what functions give, one layer after the other."""
    y = g.join("c", g("Relu", g.dense("x", FEATURES, HIDDEN)))
    y = g.join(g("Mul", g("Tanh", g.dense(y, HIDDEN + CLASSES, LATENTS)), 2.0), g("Neg", "c"))
    return g.decoded(y, LATENTS + CLASSES)


def embedded(g: Conditional) -> str:
    """Behind a dense layer of its own each time, in both spellings, without and with a bias, before and behind."""
    x = g.join(g.dense("c", CLASSES, 5), "x")
    z = g.encoded(x, FEATURES + 5)
    code = g("Add", g("MatMul", "c", g.weights(CLASSES, 3, fan=CLASSES)), g.weights(3, fan=4))
    y = g("Add", g("MatMul", g.join(z, code), g.weights(LATENTS + 3, HIDDEN, fan=6)), g.weights(HIDDEN, fan=4))
    return g("Sigmoid", g.dense(g("Relu", y), HIDDEN, FEATURES))


def embedded_once(g: Conditional) -> str:
    """The same layer in front of both halves."""
    code = g("Gemm", "c", g.weights(CLASSES, 5, fan=CLASSES))
    return g.decoded(g.join(g.encoded(g.join("x", code), FEATURES + 5), code), LATENTS + 5)


def scores(g: Conditional) -> str:
    """An encoder alone, whose condition is at the input."""
    return g.dense(g("Relu", g.dense(g.join("x", "c"), FEATURES + CLASSES, HIDDEN)), HIDDEN, 5)


def images(g: Conditional, maps: bool, sample: bool) -> str:
    """A convolutional one: maps of the condition beside the image, the condition beside the sample."""
    x, channels = "x", 1
    if maps:
        spread = g("Expand", g("Reshape", "c", np.array([-1, CLASSES, 1, 1])), np.array([1, 1, SIZE, SIZE]))
        x, channels = g.join("x", spread), 1 + CLASSES
    kernel = g.weights(4, channels, 3, 3, fan=9 * channels)
    h = g("Relu", g("Conv", x, kernel, g.weights(4, fan=4), strides=[2, 2], pads=[1, 1, 1, 1]))
    positions = SIZE * SIZE // 4
    z, latents = g.encoded(g("Flatten", h), 4 * positions), LATENTS
    if sample:
        z, latents = g.join("c", z), LATENTS + CLASSES
    y = g("Reshape", g("Relu", g.dense(z, latents, 4 * positions)), np.array([-1, 4, SIZE // 2, SIZE // 2]))
    return g("Sigmoid", g("ConvTranspose", y, g.weights(4, 1, 2, 2, fan=16), g.weights(1, fan=4), strides=[2, 2]))


def series(g: Conditional, tiled: bool) -> str:
    """An autoencoder of a series, each step of which has the condition beside it: as many times as the series has steps, or so
    often.
    """
    column = g("Unsqueeze", "c", np.array([-1]))
    if tiled:
        along = g("Tile", g("Expand", column, np.array([1, 1, 1])), np.array([1, 1, SIZE]))
    else:
        steps = g("Unsqueeze", g("Gather", g("Shape", "x"), np.array(2), axis=0), np.array([0]))
        sizes = g("Concat", np.array([-1]), np.array([-1]), steps, axis=0)
        ones = g("ConstantOfShape", g("Shape", sizes), value=helper.make_tensor("one", TensorProto.INT64, [1], [1]))
        along = g("Expand", column, g("Where", g("Equal", sizes, np.array(-1)), ones, sizes))
    y = g("Conv", g.join("x", along), g.weights(5, 2 + CLASSES, 3, fan=18), g.weights(5, fan=4), pads=[1, 1])
    return g("Conv", g("Relu", y), g.weights(2, 5, 3, fan=15), g.weights(2, fan=4), pads=[1, 1])


Graph = Callable[[Conditional], str]
ROWS: dict[str, Graph] = {
    "input": at_the_input,
    "sample": at_the_sample,
    "both": at_both,
    "table": of_a_table,
    "noise": noise_beside,
    "scores": scores,
    "mean": of_the_mean,
    "each layer": at_each_layer,
    "embedded": embedded,
    "embedded once": embedded_once,
}
IMAGES: dict[str, Graph] = {
    "maps": lambda g: images(g, maps=True, sample=False),
    "image and sample": lambda g: images(g, maps=False, sample=True),
    "maps and sample": lambda g: images(g, maps=True, sample=True),
}
SERIES: dict[str, Graph] = {
    "series": lambda g: series(g, tiled=False),
    "series tiled": lambda g: series(g, tiled=True),
}


class Made:
    """A file, and frames for it: of images, or of standardised numbers."""

    def __init__(self, name: str, folder: Path, standardised: bool) -> None:
        shape = (1, SIZE, SIZE) if name in IMAGES else (2, SIZE) if name in SERIES else (FEATURES,)
        g, random = Conditional(*shape), np.random.default_rng(6)
        self.path = g.save(folder / "m.onnx", (ROWS | IMAGES | SERIES)[name](g))
        codes = random.integers(0, 256, (FRAMES, *shape))
        self.x = (random.normal(size=codes.shape) if standardised else codes / 255).astype(np.float32)
        self.c = np.eye(CLASSES, dtype=np.float32)[np.arange(FRAMES) % CLASSES]
        self.eps = random.normal(size=(FRAMES, LATENTS)).astype(np.float32)
        form = import_real(self.path).input
        self.frames = form.joined(self.x, self.c)
        self.coding = form.fitting(self.frames)
        self.x = self.coding.nearest(self.x).astype(np.float32)
        self.frames = form.joined(self.x, self.c)

    @property
    def real(self) -> RealNetwork:
        return import_real(self.path, coding=self.coding)

    @property
    def network(self) -> Network:
        return import_model(self.path, calibration=calibrated(self.real, self.frames, Precision()))

    @property
    def drawn(self) -> np.ndarray | None:
        return None if self.real.latent is None else self.eps


@pytest.mark.parametrize("standardised", [False, True])
@pytest.mark.parametrize("name", [*ROWS, *IMAGES, *SERIES])
def test_within_bounds(name: str, standardised: bool, tmp_path: Path) -> None:
    """In real numbers the results are onnxruntime's; each layer is as near to it as roundings allow, and so is the whole."""
    made = Made(name, tmp_path, standardised)
    real, network = made.real, made.network
    executed = execute(made.path, made.frames, epsilon=made.drawn).outputs
    np.testing.assert_allclose(real.output(made.frames, made.eps), executed, rtol=1e-4, atol=1e-5)
    codes = np.rint(made.eps * 2**FRACTION).astype(np.int64)
    if real.latent is None:
        codes = codes[:, :0]
    for layer in compare_layers(real, network, made.frames, codes):
        assert np.all(layer.differences <= layer.bound * (1 + 1e-9) + 1e-9), layer.layer
    golden = network.run(made.frames, None if real.latent is None else codes[:, None])
    assert np.sqrt(np.mean((golden - executed) ** 2)) < 0.08 * max(executed.std(), 0.3)


@pytest.mark.parametrize("name", ["both", "table", "each layer", "maps and sample", "series"])
def test_hardware(name: str, tmp_path: Path) -> None:
    """Every tensor is golden's, in the cycles that were planned; with several samples, and with stalls, too."""
    made = Made(name, tmp_path, standardised=True)
    codes = made.network.input.encode(made.frames)[:10]
    for samples, stalls in ((1, Stalls()), (3 if made.network.latent else 1, Stalls(60, 90, 5))):
        plan = Planner(made.network, "xc7vx690t", 200.0, samples).plan(600)
        noise = Noise(7 if made.network.latent else 0)
        measured = simulate(plan, codes, "verilator", taps=True, noise=noise, stalls=stalls, optimise=0)
        drawn = noise.for_network(plan.network, len(codes), samples)
        assert first_difference(dict(plan.network.steps(codes, drawn)), measured.trace) is None
        assert measured.latency == plan.latency or stalls != Stalls()


def test_codes_of_a_condition(tmp_path: Path) -> None:
    """They take the whole of the input's codes, whatever step these have."""
    made = Made("sample", tmp_path, standardised=False)
    bytes_of = made.frames.copy()
    bytes_of[:, :FEATURES] *= 255
    for frames in (made.frames, bytes_of):
        coding = import_real(made.path).input.fitting(frames)
        codes = import_real(made.path, coding=coding).input.encode(frames)[:, 0, 0, FEATURES:]
        assert {*codes.flat} == {0, 255}


def test_commands(tmp_path: Path, call: Call) -> None:
    """The condition is given beside the frames, and what is beyond its codes is counted."""
    made = Made("both", tmp_path, standardised=True)
    x, c, ready = tmp_path / "x.npy", tmp_path / "c.npy", tmp_path / "calibrated.onnx"
    np.save(x, made.x)
    np.save(c, made.c)
    given = "--input", x, "--condition", c
    about = call("calibrate", made.path, *given, "-o", ready, "--json").json
    assert about["frames"] == FRAMES
    beside = about["input"]["condition"]
    assert beside["name"] == "c" and beside["low"] <= made.c.min() < made.c.max() == pytest.approx(beside["high"])
    assert beside["error"] <= beside["step"] / 2 and about["input"]["error"] <= about["input"]["step"] / 2
    found = call("inspect", ready, "--json").json["input"]
    assert (found["shape"], found["condition"]) == ([FEATURES], {"name": "c", "shape": [CLASSES], "numbers": CLASSES})
    for command in ("compare", "verify"):
        assert call(command, ready, *given, "--json").json["mismatches"] == 0
    call("run", ready, *given, "--output", tmp_path / "y.npy", "--latents", tmp_path / "z.npz")
    network = import_model(ready)
    assert np.array_equal(np.load(tmp_path / "y.npy"), network.run(made.frames, Noise(0).for_network(network, FRAMES, 1)))
    np.save(c, 2 * made.c)
    beyond = call("run", ready, *given, "--output", tmp_path / "y.npy", "--json")
    assert beyond.json["saturated_inputs"] == FRAMES
    assert f"beyond the codes of the condition c, and saturated; the first is 2 at (0, {int(made.c[0].argmax())})" in beyond.err
    plan = call("plan", made.path, "--calibration", x, "--condition", c, "--json").json
    assert "latent_condition" in {layer["name"] for layer in plan["layers"]}
    np.save(c, made.c)
    auto = call("calibrate", made.path, *given, "-o", ready, "--bits", "auto", "--share", 0.1, "--json").json
    assert auto["share"] < 0.1


@pytest.mark.usefixtures("own_folder")
def test_refused_arrays(tmp_path: Path, refused: Refused) -> None:
    """Conditions that are missing, of another shape, or for another graph."""
    made = Made("sample", tmp_path, standardised=True)
    files = {name: tmp_path / f"{name}.npy" for name in ("x", "c", "short", "words")}
    for name, array in (("x", made.x), ("c", made.c), ("short", made.c[:-1]), ("words", made.c.astype(str))):
        np.save(files[name], array)
    given: list[Any] = ["run", made.path, "--input", files["x"], "--output", tmp_path / "y.npy"]
    refused(given, f"takes a condition c (N, {CLASSES}) beside x", "--condition")
    shape = f"({FRAMES - 1}, {CLASSES})"
    refused(
        [*given, "--condition", files["short"]],
        "x.npy with ",
        "short.npy: the condition c is of type float32",
        shape,
        f"for {FRAMES}",
    )
    refused([*given, "--condition", files["words"]], "the condition c is of type <U")
    refused([*given, "--condition", files["c"], "--calibration", files["x"]], "--calibration and --condition")
    refused(["plan", made.path, "--condition", files["c"]], "--condition", "--calibration X.npy")
    other = ["run", MODELS / "trigger_vae.onnx", "--input", files["x"], "--output", tmp_path / "y.npy", "--condition", files["c"]]
    refused(other, "takes image alone")


def test_numbers_that_are_not_finite(tmp_path: Path) -> None:
    """They are told by where they stand in the array that holds them."""
    made = Made("maps", tmp_path, standardised=True)
    form, x, c = made.real.input, made.x.copy(), made.c.copy()
    c[7, 2] = np.nan
    with pytest.raises(InputError, match=r"^condition c: value nan at \(7, 2\) is not a finite float32$"):
        form.encode(form.joined(x, c))
    x[3, 0, 4, 1] = np.inf
    with pytest.raises(InputError, match=r"^input value inf at \(3, 0, 4, 1\) is not a finite float32$"):
        form.encode(form.joined(x, c))


def test_damaged(tmp_path: Path) -> None:
    """What a file says of a condition's codes is not trusted."""
    made = Made("sample", tmp_path, standardised=True)
    found = calibrated(made.real, made.frames, Precision())
    text = found.to_json()
    assert Calibration.from_json(text) == found
    for gain in ("0", "-1", "1e-40", "true", '"one"'):
        with pytest.raises(CalibrationError, match="damaged"):
            Calibration.from_json(text.replace(f'"gain": {found.beside.gain}, "offset": 0.0', f'"gain": {gain}, "offset": 0.0'))


class TestRefused:
    """What is no condition, or is joined to something else, by its name."""

    def refusal(self, g: Conditional, output: str, folder: Path) -> str:
        with pytest.raises(UnsupportedModelError) as caught:
            import_real(g.save(folder / "m.onnx", output))
        return str(caught.value)

    def test_an_extreme(self, tmp_path: Path) -> None:
        g = Conditional(FEATURES, numbers=(LATENTS,))
        y = g.decoded(g("Max", g.encoded("x", FEATURES), "c"), LATENTS)
        assert condition_input(onnx.load(str(g.save(tmp_path / "m.onnx", y))).graph) is None
        assert "c (graph input): a second input; a condition is joined (Concat)" in self.refusal(g, y, tmp_path)

    def test_the_input_beside_a_sample(self, tmp_path: Path) -> None:
        g = Conditional(FEATURES)
        y = g.decoded(g.join(g.encoded(g.join("x", "c"), FEATURES + CLASSES), "x"), LATENTS + FEATURES)
        assert "it joins the input to what is made of it; residual" in self.refusal(g, y, tmp_path)

    def test_twice(self, tmp_path: Path) -> None:
        g = Conditional(FEATURES)
        z = g.join(g.encoded("x", FEATURES), "c")
        y = g.decoded(g.join(z, "c"), LATENTS + 2 * CLASSES)
        assert "two conditions to one: join all to it at once" in self.refusal(g, y, tmp_path)

    def test_behind_a_sample(self, tmp_path: Path) -> None:
        g = Conditional(FEATURES)
        y = g.join(g("Relu", g.dense(g.encoded("x", FEATURES), LATENTS, HIDDEN)), "c")
        assert "join all to the sample itself" in self.refusal(g, g.dense(y, HIDDEN + CLASSES, FEATURES), tmp_path)

    def test_at_the_output(self, tmp_path: Path) -> None:
        g = Conditional(FEATURES)
        assert "which the host can do" in self.refusal(g, g.join(g.dense("x", FEATURES, HIDDEN), "c"), tmp_path)

    def test_beside_two_samples(self, tmp_path: Path) -> None:
        g = Conditional(FEATURES)
        first = g.join(g.encoded("x", FEATURES), "c")
        second = g.draw(*g.heads(g("Relu", g.dense(first, LATENTS + CLASSES, HIDDEN)), HIDDEN, LATENTS))
        assert "a second sample is drawn" in self.refusal(g, g.decoded(second, LATENTS), tmp_path)

    def test_two_functions_of_the_input(self, tmp_path: Path) -> None:
        g = Conditional(FEATURES)
        twice = g.join("x", g("Neg", "x"), "c")
        assert "two functions of the same numbers" in self.refusal(g, g.dense(twice, 2 * FEATURES + CLASSES, 3), tmp_path)

    def test_a_binary_network(self, tmp_path: Path) -> None:
        g = Conditional(FEATURES)
        sums = g("MatMul", g.join("x", "c"), np.sign(g.weights(FEATURES + CLASSES, 5, fan=1)))
        y = g("MatMul", g("Sign", sums, name="bits"), np.sign(g.weights(5, 3, fan=1)))
        assert "only networks of real weights" in self.refusal(g, y, tmp_path)

    def test_sizes_that_are_not_known(self, tmp_path: Path) -> None:
        g = Conditional(FEATURES)
        path = g.save(tmp_path / "m.onnx", at_the_input(g))
        model = onnx.load(str(path))
        model.graph.input[1].type.tensor_type.shape.dim[1].dim_param = "K"
        onnx.save(model, str(path))
        assert read(path).condition is None
        with pytest.raises(UnsupportedModelError, match=r"c \(graph input\): a second input"):
            import_real(path)


def test_frames_without_their_condition(tmp_path: Path) -> None:
    """Arrays of the first input alone are none of the whole."""
    made = Made("sample", tmp_path, standardised=True)
    with pytest.raises(InputError, match=r"expected \(N, 16\)"):
        made.network.run(made.x)
