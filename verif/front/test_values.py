"""A bit is whatever takes two values: found by evaluation, as the graph has it for all inputs; more are refused by node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmabit.golden import Network, UncalibratedError, UnsupportedModelError, import_model, import_real, read_model
from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.dense import Dense
from sigmabit.golden.layers.pool import Pool
from sigmabit.golden.layers.threshold import Threshold
from sigmabit.golden.network.real import RealNetwork
from sigmabit.golden.types.scalar import Multiply
from sigmabit.hdl.planning.planner import Planner

from ..harness.onnx_graphs import Builder, Operand, signs
from ..harness.real_graphs import Vae
from ..simulation import simulate
from ..simulation.compare import first_difference
from ..simulation.reference import execute
from .test_importer import every_bit_pattern

pytestmark = pytest.mark.filterwarnings("ignore:Output shapes disagree")  # qonnx, on graphs without declared shapes

Function = Callable[[Builder, str], str]
"""Adds scalar nodes to a tensor."""

RANDOM = np.random.default_rng(11)


def two_layers(function: Function, inputs: int = 4, outputs: int = 3) -> Builder:
    """A dense layer of bipolar bits, a function, and another layer, whose result is the output y."""
    g = Builder((inputs,))
    random = np.random.default_rng(inputs)
    y = g("MatMul", g("BipolarQuant", "x", 1.0), signs(random, inputs, outputs))
    g("MatMul", function(g, y), signs(random, outputs, 2), name="last")
    return g


def equal(path: Path, x: np.ndarray, input_scale: float | None = None) -> Network:
    """Assert that the network gives the file's results, each number."""
    network = import_model(path, input_scale)
    np.testing.assert_array_equal(network.run(x), execute(path, x).outputs)
    return network


def refusals(path: Path) -> dict[str, str]:
    """Reasons by node."""
    with pytest.raises(UnsupportedModelError) as caught:
        import_model(path)
    return {finding.node: finding.reason for finding in caught.value.findings}


TWO_VALUES: dict[str, Function] = {
    "sign of a falling relu": lambda g, y: g("Sign", g("Relu", g("Neg", y))),
    "sign of a relu": lambda g, y: g("Sign", g("Relu", g("Sub", y, 1.0))),
    "sign of a clip": lambda g, y: g("Sign", g("Clip", y, 0.0, 2.0)),
    "sign, never zero": lambda g, y: g("Sign", g("Add", g("Sign", y), 0.1)),
    "sign, zero below": lambda g, y: g("Sign", g("Sub", g("Sign", y), 0.1)),
    "sign of rounded thirds": lambda g, y: g("Sign", g("Add", g("Round", g("Mul", y, 0.3)), 0.5)),
    "bipolar twice": lambda g, y: g("BipolarQuant", g("BipolarQuant", y, 2.0), 0.5),
    "bits of eight bits": lambda g, y: g.quant(g("BipolarQuant", y, 1.0), 8, 0.5),
    "round of a clip": lambda g, y: g("Round", g("Clip", y, 0.0, 1.0)),
    "round of a scaled clip": lambda g, y: g("Round", g("Clip", g("Mul", y, 0.2), 0.0, 1.0)),
    "clip alone": lambda g, y: g("Clip", g("Mul", y, 7.0), 0.0, 1.0),
    "ceil of a clip": lambda g, y: g("Clip", g("Ceil", g("Mul", y, 0.2)), 0.0, 1.0),
    "heaviside": lambda g, y: g("Mul", g("Add", g("BipolarQuant", y, 1.0), 1.0), 0.5),
    "floor of a sigmoid": lambda g, y: g("Floor", g("Add", g("Sigmoid", y), 0.3)),
    "min, max, shift": lambda g, y: g("Sub", g("Mul", g("Relu", g("BipolarQuant", y, 1.0)), 3.0), 1.0),
    "a comparison of bits": lambda g, y: g("Cast", g("Less", g("BipolarQuant", y, 1.0), 0.5), to=onnx.TensorProto.FLOAT),
    "a choice": lambda g, y: g("Where", g("Greater", y, 0.5), 3.0, -1.0),
    "a choice, then a sign": lambda g, y: g("Sign", g("Where", g("Greater", y, 0.5), 1e-9, -1.0)),
    "turned by channel": lambda g, y: g("Sign", g("Mul", g("BipolarQuant", y, 1.0), np.array([1.0, -2.0, 0.5]))),
    "held by channel": lambda g, y: g("BipolarQuant", g("Add", g("BipolarQuant", y, 1.0), np.array([0.0, 2.0, -2.0])), 1.0),
    "sizes by channel, then a sign": lambda g, y: g("Sign", g("BipolarQuant", y, np.array([[1.0, 2.0, 3.0]]))),
    "zero": lambda g, y: g("Sign", g("Mul", y, 0.0)),
    "one": lambda g, y: g("Sign", g("Add", g("Relu", y), 1.0)),
    "minus three": lambda g, y: g("Mul", g("BipolarQuant", g("Sub", y, 50.0), 1.0), 3.0),
}


@pytest.mark.parametrize("inputs", [4, 5])
@pytest.mark.parametrize("name", TWO_VALUES)
def test_two_values_are_a_bit(name: str, inputs: int, tmp_path: Path) -> None:
    """For sums that are even, zero among them, and odd ones: every output is the graph's, and no further layer is made."""
    g = two_layers(TWO_VALUES[name], inputs)
    network = equal(g.save(tmp_path / "m.onnx", "last_y"), every_bit_pattern(inputs))
    assert [type(layer) for layer in network.layers] == [Dense, Dense]


def test_zeros_of_a_relu_are_no_ties(tmp_path: Path) -> None:
    """No executor gives anything but 0 there; where a sum itself is compared with 0, it is listed."""
    found = import_model(two_layers(TWO_VALUES["sign of a falling relu"], 5).save(tmp_path / "m.onnx", "last_y"))
    assert found.ties == ()
    found = import_model(two_layers(TWO_VALUES["bipolar twice"], 4).save(tmp_path / "m.onnx", "last_y"))
    assert {tie.accumulator for tie in found.ties} == {0}


THREE_VALUES: dict[str, tuple[Function, str, str]] = {
    "a sign of zeros": (
        lambda g, y: g("Sign", g("Round", g("Mul", y, 0.3)), name="sign"),
        "sign",
        "2 accumulators, from -1 to 1",
    ),
    "a channel of zeros": (
        lambda g, y: g("Sign", g("Mul", y, np.array([1.0, 0.0, 1.0])), name="sign"),
        "sign",
        "channel 1 has 6 accumulators, from -5 to 5",
    ),
    "a channel at its end": (
        lambda g, y: g("Sign", g("Add", y, np.array([0.5, 5.0, 0.5])), name="sign"),
        "sign",
        "channel 1 changes only where it gives 0, at accumulator -5",
    ),
    "other channels": (
        lambda g, y: g("Sign", g("Mul", g("Relu", y), np.array([1.0, -1.0, 1.0])), name="sign"),
        "sign",
        "it gives 0, beside",
    ),
    "a size by channel": (
        lambda g, y: g("BipolarQuant", y, np.array([[1.0, 2.0, 1.0]]), name="sign"),
        "sign",
        "differs between channels: channel 0 takes -1.0 and 1.0, channel 1 takes -2.0 and 2.0",
    ),
    "a ternary round": (
        lambda g, y: g("Round", g("Clip", g("Mul", y, 0.3), -1.0, 1.0), name="round"),
        "round",
        "more than two numbers, -1.0, 0.0 and 1.0; a Quant or a MultiThreshold may give more",
    ),
    "a rounded hill": (
        lambda g, y: g("Mul", g("Round", g("Clip", g("Abs", g("Mul", y, 0.2), name="size"), 0.0, 1.0), name="round"), -1.0),
        "round",
        "not monotone from size on",
    ),
    "a rounded pole": (
        lambda g, y: g("Floor", g("Clip", g("Reciprocal", g("Add", y, 2.0), name="pole"), 0.0, 1.0), name="floor"),
        "floor",
        "not monotone from pole on",
    ),
    "a hill": (
        lambda g, y: g("BipolarQuant", g("Sub", g("Abs", y, name="size"), 2.0), 1.0, name="sign"),
        "sign",
        "not monotone from size on",
    ),
    "no number": (lambda g, y: g("Sign", g("Sqrt", y), name="sign"), "sign", "no number at accumulator -5"),
}


@pytest.mark.parametrize("name", THREE_VALUES)
def test_more_are_refused_where_they_arise(name: str, tmp_path: Path) -> None:
    """At the quantiser or rounding that gives them; at the layer that takes them if there is none, or if they arise behind it."""
    function, node, reason = THREE_VALUES[name]
    found = refusals(two_layers(function, 5).save(tmp_path / "m.onnx", "last_y"))
    assert list(found) == [node]
    assert reason in found[node]


NUMBERS: dict[str, Function] = {
    "a relu": lambda g, y: g("Relu", y),
    "a relu of bits, by channel": lambda g, y: g("Add", g("Relu", g("BipolarQuant", y, 1.0)), np.array([1.0, 2.0, 0.5])),
    "a scale by channel": lambda g, y: g("Mul", g("BipolarQuant", y, 1.0), np.array([1.0, 2.0, 1.0])),
    "rounded, by channel": lambda g, y: g("Mul", g("Round", g("Clip", y, 0.0, 1.0)), np.array([1.0, 2.0, 1.0])),
}

BEHIND_BITS = ("a relu of bits, by channel", "a scale by channel")


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_behind_all_bits_are_real(name: str, tmp_path: Path) -> None:
    """Whatever the weights: what no binarisation follows need not be bits. Ranges are missing; and why it is real behind binary
    layers, is said.
    """
    path = two_layers(NUMBERS[name], 5).save(tmp_path / "m.onnx", "last_y")
    with pytest.raises(UncalibratedError, match="its numbers are real, and nothing says what range they have") as caught:
        import_model(path)
    assert ("no binary network behind its bits: last (MatMul)" in str(caught.value)) == (name in BEHIND_BITS)
    x = every_bit_pattern(5)
    found = import_real(path).output(x, np.zeros((len(x), 0)))
    np.testing.assert_allclose(found, execute(path, x).outputs, rtol=1e-6, atol=1e-6)


def test_a_quantiser_and_the_weights_behind_it_are_both_named(tmp_path: Path) -> None:
    """One fault does not hide the other."""
    g = Builder((5,))
    y = g("Abs", g("MatMul", g("BipolarQuant", "x", 1.0), signs(RANDOM, 5, 3)))
    y = g("MatMul", g("Sign", g("Sub", y, 2.0), name="sign"), np.array([[1.0], [2.0003], [1.0]]), name="weights")
    assert set(refusals(g.save(tmp_path / "m.onnx", y))) == {"sign", "weights"}


def test_an_isolated_zero_is_listed(tmp_path: Path) -> None:
    """Even where rounding in front of the Sign makes it: the sum 0, and the sums next to it are no zeros."""
    network = import_model(
        two_layers(lambda g, y: g("Sign", g("Round", g("Mul", y, 0.3))), 4).save(tmp_path / "m.onnx", "last_y")
    )
    assert {(tie.channel, tie.accumulator) for tie in network.ties} == {(channel, 0) for channel in range(3)}


def pixels(*shape: int, frames: int = 30) -> np.ndarray:
    """Frames of multiples of 1/255, the darkest and the brightest among them."""
    x = (np.random.default_rng(2).integers(0, 256, (frames, *shape)) / 255).astype(np.float32)
    x[0], x[1] = 0, 1
    return x


class TestInputs:
    @pytest.mark.parametrize(
        "function",
        [
            lambda g, x: g("Sign", x),
            lambda g, x: g("Round", x),
            lambda g, x: g("Clip", g("Ceil", g("Sub", x, np.array([0.1, 0.7, 1.0, -0.1]))), 0.0, 1.0),
            lambda g, x: g("Round", g("Mul", x, np.array([0.999, 0.6, 0.9, 0.2]))),
            lambda g, x: g("Sign", g("Sub", g("Sign", g("Sub", x, 0.3)), 0.5)),
        ],
    )
    def test_pixels(self, function: Function, tmp_path: Path) -> None:
        g = Builder((4,))
        path = g.save(tmp_path / "m.onnx", g("MatMul", function(g, "x"), signs(RANDOM, 4, 3)))
        assert [type(layer) for layer in equal(path, pixels(4)).layers] == [Threshold, Dense]

    @pytest.mark.parametrize(
        ("function", "layers"),
        [
            (lambda g, x: g("Sign", x), [Dense]),
            (lambda g, x: g("Neg", g("Relu", x)), [Dense]),
            (lambda g, x: g("Sign", g("Mul", x, np.array([1.0, -1.0, 2.0, 1.0]))), [Threshold, Dense]),
            (lambda g, x: g("Sign", g("Add", x, np.array([0.0, 2.0, 0.0, -2.0]))), [Threshold, Dense]),
            (lambda g, x: g("Sign", g("Add", x, 3.0)), [Threshold, Dense]),
        ],
    )
    def test_bits(self, function: Function, layers: list[type], tmp_path: Path) -> None:
        """Their values are renamed; a layer is made where they turn, or stand still, element by element."""
        g = Builder((4,))
        path = g.save(tmp_path / "m.onnx", g("MatMul", function(g, g("BipolarQuant", "x", 1.0)), signs(RANDOM, 4, 3)))
        assert [type(layer) for layer in equal(path, every_bit_pattern(4)).layers] == layers

    def test_a_sign_of_three_levels_keeps_them(self, tmp_path: Path) -> None:
        g = Builder((4,))
        y = g("MatMul", g("Sign", g.quant("x", 2, 1.0, narrow=1)), signs(RANDOM, 4, 3))
        equal(g.save(tmp_path / "m.onnx", y), np.random.default_rng(1).integers(-1, 2, (40, 4)).astype(np.float32))


def pooled() -> Builder:
    """Bits of pixels, sums that are pooled between two signs, and zeros and ones that are padded and scaled."""
    g = Builder((2, 8, 8))
    y = g("Conv", g("Round", "x"), signs(RANDOM, 4, 2, 3, 3), pads=[1, 1, 1, 1])
    y = g("MaxPool", g("Sign", g("Relu", g("Sub", y, 1.5))), kernel_shape=[2, 2], strides=[2, 2])
    y = g("Sign", g("Mul", g("Sub", y, 0.5), np.array([1.0, -1.0, 2.0, -0.5]).reshape(4, 1, 1)))
    y = g("Conv", y, signs(RANDOM, 5, 4, 3, 3), pads=[1, 1, 0, 0])
    y = g("Mul", g("Round", g("Clip", g("Add", g("Mul", y, 0.1), 0.51), 0.0, 1.0)), 0.25)
    y = g("Conv", y, signs(RANDOM, 3, 5, 2, 2), pads=[0, 0, 1, 1])
    y = g("BipolarQuant", g("Sub", y, 10.0), 1.0)  # never reached: a layer of -1
    y = g("BipolarQuant", g("Conv", y, signs(RANDOM, 3, 3, 1, 1)), 1.0)
    g("Gemm", g("Flatten", y), signs(RANDOM, 27, 4), RANDOM.normal(size=4), name="last")
    return g


def test_poolings_and_paddings(tmp_path: Path) -> None:
    """What is behind a layer of one value is constant, too."""
    path = pooled().save(tmp_path / "m.onnx", "last_y")
    network = import_model(path)
    np.testing.assert_allclose(network.run(pixels(2, 8, 8)), execute(path, pixels(2, 8, 8)).outputs, rtol=1e-5)
    expected = [Threshold, Convolution, Pool, Convolution, Convolution, Convolution, Dense]
    assert [type(layer) for layer in network.layers] == expected
    assert network.constant_layers == ("conv3", "conv4", "dense1")


def test_verilog(tmp_path: Path) -> None:
    """All these, layer by layer, and bits that turn by element."""
    network = import_model(pooled().save(tmp_path / "m.onnx", "last_y"))
    simulated(network, pixels(2, 8, 8))
    g = Builder((4,))
    y = g("Sign", g("Mul", g("BipolarQuant", "x", 1.0), np.array([1.0, -1.0, 2.0, 0.5])))
    y = g("Sign", g("Relu", g("Neg", g("MatMul", y, signs(RANDOM, 4, 6)))))
    network = equal(g.save(tmp_path / "m.onnx", g("MatMul", y, signs(RANDOM, 6, 3))), every_bit_pattern(4))
    simulated(network, every_bit_pattern(4))


def simulated(network: Network, x: np.ndarray) -> None:
    """Assert that the Verilog computes every integer of every layer as golden does."""
    codes = network.input.encode(x)
    measured = simulate(Planner(network, "xc7vx690t", 200.0).fastest(), codes, taps=True)
    assert first_difference(dict(network.steps(codes)), measured.trace) is None
    np.testing.assert_array_equal(measured.results.reshape(len(x), -1), network.results(codes).reshape(len(x), -1))


@dataclass(frozen=True)
class Drawn:
    """A scalar node: operator, constants, attributes."""

    operator: str
    constants: tuple[Operand, ...] = ()


def drawn_steps() -> st.SearchStrategy[Drawn]:
    """Any node, its constants where sums and signs are, by channel or for all."""
    numbers = st.sampled_from([-2.0, -1.0, -0.5, -0.1, 0.0, 0.1, 0.5, 1.0, 3.0])
    either = st.one_of(numbers, st.lists(numbers, min_size=2, max_size=2).map(np.array))
    return st.one_of(
        st.sampled_from([Drawn(name) for name in ("Relu", "Sign", "Sign", "Neg", "Round", "Floor", "Ceil", "Abs", "Tanh")]),
        st.builds(lambda name, c: Drawn(name, (c,)), st.sampled_from(["Add", "Sub", "Mul"]), either),
        st.builds(lambda name, c: Drawn(name, (c,)), st.sampled_from(["Greater", "LessOrEqual"]), numbers),
        st.builds(lambda low, more: Drawn("Clip", (low, low + more)), numbers, st.sampled_from([1.0, 2.0])),
    )


class TestDrawnChains:
    @settings(max_examples=400, deadline=None, database=None, derandomize=True)
    @given(st.lists(drawn_steps(), min_size=1, max_size=6), st.integers(2, 3), st.booleans())
    def check(self, steps: list[Drawn], inputs: int, ends: bool) -> None:
        """Executed by onnxruntime: equal wherever no listed decision is taken, or refused at a node that is there."""
        g = Builder((inputs,))
        weights = signs(np.random.default_rng(inputs), inputs, 2)
        y = g("MatMul", g("Sub", "x", 2.0), weights)
        for step in steps:
            y = g(step.operator, y, *step.constants)
            if step.operator in ("Greater", "LessOrEqual"):
                y = g("Cast", y, to=onnx.TensorProto.FLOAT)
        y = y if ends else g("MatMul", y, np.array([[1.0], [-1.0]]))
        path = g.save(self.folder / "m.onnx", y)
        x = np.stack(np.meshgrid(*[np.arange(5)] * inputs), axis=-1).reshape(-1, inputs).astype(np.float32)
        try:
            network = read_model(path, 1.0)
        except UnsupportedModelError as error:
            self.refused += 1
            self.blamed |= {finding.node for finding in error.findings} - {node.name for node in g.nodes}
            return
        expected = execute(path, x).outputs
        found: np.ndarray
        if isinstance(network, RealNetwork):
            self.real += 1
            found = network.output(x, np.zeros((len(x), 0)))
        else:
            self.accepted += 1
            found = network.run(x)
        sums = (x - 2) @ weights
        listed = np.zeros(len(x), bool)
        for tie in network.ties:
            listed |= sums[:, tie.channel] == tie.accumulator
        np.testing.assert_allclose(found[~listed], expected[~listed], rtol=1e-5, atol=1e-5)

    def test_agree_or_are_refused(self, tmp_path: Path) -> None:
        self.folder, self.accepted, self.real, self.refused, self.blamed = tmp_path, 0, 0, 0, set()
        self.check()
        assert not self.blamed
        assert self.accepted > 150
        assert self.real > 50
        assert self.refused > 10

    folder: Any
    accepted: int
    real: int
    refused: int
    blamed: set[str]


def test_what_rounding_decides_at_the_end_is_of_the_last_layer(tmp_path: Path) -> None:
    """Not of another layer: in the one in front it decides at 0. The score 3 is 0 behind its step and offset, or next to it."""
    g = Builder((6,))
    y = g("BipolarQuant", g("MatMul", g("BipolarQuant", "x", 1.0), signs(RANDOM, 6, 7)), 1.0)
    y = g("BipolarQuant", g("Add", g("Mul", g("MatMul", y, signs(RANDOM, 7, 2)), 0.1), -0.3), 1.0)
    network = import_model(g.save(tmp_path / "m.onnx", y))
    found = {(tie.layer, tie.accumulator) for tie in network.ties}
    assert found == {("dense1 before BipolarQuant_2", 0), ("dense2 before BipolarQuant_6", 3)}


def test_what_rounding_decides_on_the_host_is_of_the_last_layer(tmp_path: Path) -> None:
    """Odd scores are half way between two codes of what the host rounds them to."""
    g = Builder((6,))
    y = g("BipolarQuant", g("MatMul", g("BipolarQuant", "x", 1.0), signs(RANDOM, 6, 7)), 1.0)
    y = g.quant(g("Mul", g("MatMul", y, signs(RANDOM, 7, 2)), 0.1), 4, 0.2)
    network = import_model(g.save(tmp_path / "m.onnx", y))
    found = {(tie.layer, tie.accumulator) for tie in network.ties}
    host = {("dense2 before Quant_5", score) for score in range(-7, 8, 2)}
    assert found == {("dense1 before BipolarQuant_2", 0), *host}


def test_alike_numbers_lie_side_by_side_as_they_are(tmp_path: Path) -> None:
    """Without a table on either way; with one on that whose codes are others."""
    for step, expected in ((2.0, ["conv1", "conv2", "concat1", "dense1"]), (4.0, None)):
        random, g = np.random.default_rng(3), Builder((2, 4, 4))
        x = g.quant("x", 3, 0.25, signed=0)
        kernels = (random.integers(-2, 3, (outputs, 2, 3, 3)).astype(np.float32) for outputs in (3, 2))
        ways = [
            g.quant(g("Conv", x, kernel, pads=[1] * 4), 2, size, signed=0)
            for kernel, size in zip(kernels, (2.0, step), strict=True)
        ]
        y = g("Flatten", g("Concat", *ways, axis=1))
        network = import_model(g.save(tmp_path / "m.onnx", g("MatMul", y, signs(random, 80, 3))))
        names = [layer.name for layer in network.every]
        assert names == expected if expected else len(names) > 4


@pytest.mark.parametrize("kind", ["plain", "function", "scaled"])
def test_heads_side_by_side(kind: str, tmp_path: Path) -> None:
    """Two layers on one activation are one; nothing is done to its results but what is done to them in the graph."""
    g = Vae((6,), np.random.default_rng(2))
    h = g("Relu", g.dense("x", 6, 5))
    first = g.dense(h, 5, 3)
    curve = g("Tanh", first)
    y = g("Concat", {"plain": first, "function": curve, "scaled": g("Mul", curve, 2.0)}[kind], g.dense(h, 5, 2), axis=1)
    path = g.save(tmp_path / "m.onnx", y)
    network = import_real(path)
    *_, last = network.layers
    assert (len(network.layers), len(last.nodes) > 2) == (2, True)
    steps = [type(step) for step in (*last.function.steps, *network.host.steps)]
    assert Multiply not in steps and bool(steps) == (kind != "plain")
    x = np.random.default_rng(1).integers(0, 256, (9, 6)).astype(np.float32) / 255
    np.testing.assert_allclose(network.output(x, np.zeros((9, 0))), execute(path, x).outputs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("operator", ["ReduceMean", "ReduceSum"])
def test_of_a_row(operator: str, tmp_path: Path) -> None:
    """Its mean and its sum are layers of equal weights, where nothing is drawn, too."""
    g = Vae((6,), np.random.default_rng(2))
    h = g("Relu", g.dense("x", 6, 5))
    row = g("ReduceSum", h, np.array([1])) if operator == "ReduceSum" else g("ReduceMean", h, axes=[1])
    path = g.save(tmp_path / "m.onnx", g.dense(row, 1, 3))
    x = np.random.default_rng(1).integers(0, 256, (9, 6)).astype(np.float32) / 255
    found = import_real(path).output(x, np.zeros((9, 0)))
    np.testing.assert_allclose(found, execute(path, x).outputs, rtol=1e-4, atol=1e-5)
