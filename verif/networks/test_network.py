"""A network's ends and middle: codes from inputs, outputs from results, traces; and inputs that are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sigmabit.golden import InputError, Network, import_model, recognise_scale
from sigmabit.golden.layers.dense import Dense
from sigmabit.golden.network.network import Condition, InputFormat, Omitted, OutputFormat, fitting_scale
from sigmabit.golden.sampling.latent import Latent
from sigmabit.golden.types.grid import BIPOLAR, Grid
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.scalar import Add, Chain, Choice, Multiply
from sigmabit.golden.types.tensor import TensorType

from ..harness.onnx_graphs import Builder, signs

RANDOM = np.random.default_rng(9)
PIXELS = Range(0, 255)


def image_format(grid: Grid) -> InputFormat:
    """Frames (2, 3, 4) in the graph, streamed channels inside."""
    order = np.arange(24).reshape(2, 3, 4).transpose(1, 2, 0).reshape(-1)
    return InputFormat("x", (2, 3, 4), order, TensorType(3, 4, 2, PIXELS), grid, None)


BYTES = image_format(Grid(1, 0, 1.0))
UNIT = image_format(Grid(1, 0, 1 / 255))


class TestEncoding:
    def test_channels_go_inside(self) -> None:
        x = RANDOM.integers(0, 256, (5, 2, 3, 4))
        codes = BYTES.encode(x)
        assert codes.shape == (5, 3, 4, 2)
        for n, c, y, z in np.ndindex(x.shape):
            assert codes[n, y, z, c] == x[n, c, y, z]

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_every_multiple_of_1_255(self, dtype: type[np.floating]) -> None:
        """Divided or multiplied, in either precision."""
        codes = np.arange(24 * 11).reshape(11, 2, 3, 4) % 256
        expected = BYTES.encode(codes)
        assert np.array_equal(UNIT.encode(codes.astype(dtype) / dtype(255)), expected)
        assert np.array_equal(UNIT.encode(codes.astype(dtype) * dtype(1 / 255)), expected)

    @pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.float16, np.float32, bool])
    def test_types(self, dtype: type) -> None:
        x = RANDOM.integers(0, 2, (3, 2, 3, 4))
        assert np.array_equal(BYTES.encode(x.astype(dtype)), BYTES.encode(x))

    @pytest.mark.parametrize(
        ("x", "message"),
        [
            (np.zeros((1, 24)), "input of shape (1, 24), expected (N, 2, 3, 4)"),
            (np.zeros((2, 3, 4)), "input of shape (2, 3, 4), expected (N, 2, 3, 4)"),
            (np.zeros((1, 3, 4, 2)), "input of shape (1, 3, 4, 2), expected (N, 2, 3, 4)"),
            (np.zeros(()), "input of shape (), expected (N, 2, 3, 4)"),
            (np.zeros((0, 2, 3, 4)), "input holds no frames"),
            (np.full((1, 2, 3, 4), "a"), "input of type <U1, expected numbers"),
            (np.zeros((1, 2, 3, 4), complex), "input of type complex128, expected numbers"),
            (np.full((1, 2, 3, 4), None), "input of type object, expected numbers"),
        ],
    )
    def test_wrong_shapes_and_types(self, x: np.ndarray, message: str) -> None:
        with pytest.raises(InputError) as caught:
            UNIT.encode(x)
        assert str(caught.value) == message

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, value: float) -> None:
        x = np.zeros((3, 2, 3, 4), np.float32)
        x[2, 1, 0, 3] = x[2, 1, 2, 0] = value
        with pytest.raises(InputError) as caught:
            UNIT.encode(x)
        assert str(caught.value) == f"input value {value} at (2, 1, 0, 3) is not a finite float32"

    @pytest.mark.parametrize("value", [0.5, -1 / 255, 256 / 255, 1.5 / 255, 1e30, -1e-4])
    def test_off_the_grid(self, value: float) -> None:
        """The first value that lies on no code is named, with its position."""
        x = np.zeros((3, 2, 3, 4), np.float32)
        x[1, 0, 2, 1] = x[2, 0, 0, 0] = value
        with pytest.raises(InputError) as caught:
            UNIT.encode(x)
        assert f"input value {np.float32(value):g} at (1, 0, 2, 1) is not one of the 256 multiples of 0.00392157" in str(
            caught.value
        )

    def test_beyond_float32(self) -> None:
        """A float64 that overflows is refused like any other value."""
        x = np.zeros((1, 2, 3, 4))
        x[0, 0, 0, 0] = 1e300
        with pytest.raises(InputError, match=r"at \(0, 0, 0, 0\)"):
            UNIT.encode(x)


class TestQuantisedInput:
    @pytest.mark.parametrize(("bits", "signed", "zero_point"), [(3, 1, 0), (4, 0, 0), (8, 1, 0), (4, 0, 5)])
    def test_codes_by_loops(self, bits: int, signed: int, zero_point: int, tmp_path: Path) -> None:
        """Any finite numbers: scaled, rounded half to even, clipped to the range."""
        g = Builder((6,))
        y = g.quant("x", bits, 0.25, zero_point, signed=signed)
        network = import_model(g.save(tmp_path / "m.onnx", g("MatMul", y, signs(RANDOM, 6, 3))))
        x = np.concatenate([RANDOM.normal(size=(40, 6)) * 2**bits / 4, RANDOM.integers(-40, 40, (20, 6)) / 8]).astype(np.float32)
        lowest = -(1 << bits - 1) if signed else 0
        for frame, codes in zip(x, network.input.encode(x), strict=True):
            for value, code in zip(frame, codes.reshape(-1), strict=True):
                rounded = round(float(value) / 0.25 + zero_point)
                assert code == min(max(rounded, lowest), lowest + (1 << bits) - 1) - lowest

    def test_nan_is_refused_all_the_same(self, tmp_path: Path) -> None:
        g = Builder((6,))
        network = import_model(g.save(tmp_path / "m.onnx", g("MatMul", g("BipolarQuant", "x", 1.0), signs(RANDOM, 6, 3))))
        with pytest.raises(InputError, match=r"input value nan at \(0, 2\)"):
            network.run(np.array([[1, 1, np.nan, 1, 1, 1]]))


class TestDecoding:
    def test_by_loops(self) -> None:
        """Each output element is its score, scaled, through the chain, in float32."""
        order = RANDOM.permutation(6)
        scale, factor, shift = (RANDOM.normal(size=6).astype(np.float32) for _ in range(3))
        form = OutputFormat("y", (3, 2), order, scale, 2, -1, Chain((Multiply("m", factor), Add("a", shift))))
        result = RANDOM.integers(-9, 9, (4, 1, 2, 3))
        outputs = form.decode(result)
        assert outputs.dtype == np.float32
        assert outputs.shape == (4, 3, 2)
        for n in range(4):
            for i in range(6):
                score = np.float32(2 * int(result[n].reshape(-1)[order[i]]) - 1)
                assert outputs[n].reshape(-1)[i] == score * scale[i] * factor[i] + shift[i]

    def test_equal_scores_decide_for_the_lowest_index(self) -> None:
        form = OutputFormat("y", (4,), np.arange(4), np.full((), 0.1, np.float32), 1, 0, Chain())
        scores = np.array([[3, 7, 7, 1], [5, 5, 5, 5], [0, 1, 2, 2]]).reshape(3, 1, 1, 4)
        assert form.decode(scores).argmax(axis=1).tolist() == [1, 0, 2]

    def test_accuracy(self) -> None:
        """The share of frames whose largest score, the first of equals, or whose number of a class is the label."""
        scores = OutputFormat("y", (3,), np.arange(3), np.ones((), np.float32), 1, 0, Chain())
        y = np.array([[1, 3, 2], [5, 5, 4], [0, 1, 2], [9, 1, 0]], np.float32)
        assert scores.decisions(y).tolist() == [1, 0, 2, 0]
        assert scores.accuracy(y, np.array([1, 0, 2, 1])) == 0.75
        assert scores.accuracy(y, np.array([0, 1, 1, 1])) == 0.0
        number = replace(scores, shape=(1,), chain=Chain((Choice("a", lambda scores: scores.argmax(axis=1)[:, None]),)))
        assert number.accuracy(np.array([[2], [1], [0]], np.float32), np.array([2, 2, 0])) == pytest.approx(2 / 3)


@pytest.fixture
def network(tmp_path: Path) -> Network:
    """A convolution, its pooling and two dense layers."""
    g = Builder((2, 6, 5))
    y = g("MaxPool", g("Sign", g("Sub", g("Conv", "x", signs(RANDOM, 4, 2, 2, 2)), 0.1)), kernel_shape=[2, 2])
    y = g("Sign", g("Sub", g("MatMul", g("Flatten", y), signs(RANDOM, 48, 7)), 0.5))
    return import_model(g.save(tmp_path / "small.onnx", g("Mul", g("MatMul", y, signs(RANDOM, 7, 3)), 0.5)))


class TestNetwork:
    def test_trace(self, network: Network) -> None:
        """Every tensor by name: each layer's is what the layer makes of the one before; the last decodes to the output."""
        x = RANDOM.integers(0, 256, (5, 2, 6, 5)) / 255
        trace = network.trace(x)
        assert list(trace) == ["input", "conv1", "pool1", "dense1", "dense2"]
        codes = network.input.encode(x)
        assert np.array_equal(trace["input"], codes)
        for layer in network.layers:
            assert not isinstance(layer, Latent)
            codes = layer.run(codes)
            assert trace[layer.name].dtype == np.int64
            assert np.array_equal(trace[layer.name], codes)
            assert trace[layer.name].shape[1:] == layer.output.shape
        assert np.array_equal(network.results(trace["input"]), codes)
        assert np.array_equal(network.run(x), network.output.decode(codes))

    def test_frames_do_not_depend_on_one_another(self, network: Network) -> None:
        x = RANDOM.integers(0, 256, (5, 2, 6, 5)) / 255
        assert np.array_equal(network.run(x), np.concatenate([network.run(frame[None]) for frame in x]))

    def test_name_and_operations(self, network: Network) -> None:
        assert network.name == "small"
        assert network.operations == 20 * 4 * 8 + 48 * 7 + 7 * 3
        assert network.result == network.layers[-1].output.layout
        assert network.layers[0].nodes == ("Conv_0", "Sub_1", "Sign_2")

    def test_scores_take_the_bits_of_their_range(self, network: Network) -> None:
        assert (network.result.bits, network.result.signed) == (4, True)

    def test_layers_that_do_not_fit(self) -> None:
        form = InputFormat("x", (4,), np.arange(4), TensorType(1, 1, 4, Range.of_levels(2)), BIPOLAR, None)
        output = OutputFormat("y", (3,), np.arange(3), np.ones((), np.float32), 1, 0, Chain())

        def dense(name: str, inputs: int, outputs: int) -> Dense:
            shape = TensorType(1, 1, inputs, Range.of_levels(2))
            return Dense.of(name, (), shape, BIPOLAR, np.ones((inputs, outputs), np.int8), np.zeros(outputs, np.int64))

        Network("n", form, (dense("a", 4, 5), dense("b", 5, 3)), output)
        with pytest.raises(ValueError, match="b takes"):
            Network("n", form, (dense("a", 4, 5), dense("b", 6, 3)), output)
        with pytest.raises(ValueError, match="a takes"):
            Network("n", form, (dense("a", 5, 5), dense("b", 5, 3)), output)

    def test_exact_zeros_of_sign_are_listed(self, tmp_path: Path) -> None:
        """ONNX Sign of an even sum can be 0, which no bit is: such sums are among the ties; odd sums have none."""
        for inputs, expected in ((4, [0, 1, 2]), (5, [])):
            g = Builder((inputs,))
            y = g("MatMul", g("BipolarQuant", "x", 1.0), signs(RANDOM, inputs, 3))
            ties = import_model(g.save(tmp_path / "m.onnx", g("Sign", y, name="sign"))).ties
            assert [tie.channel for tie in ties] == expected
            assert all((tie.layer, tie.accumulator, tie.argument) == ("dense1 before sign", 0, 0) for tie in ties)


@pytest.mark.parametrize(
    ("x", "scale"),
    [
        (np.arange(256), 1.0),
        (np.arange(256, dtype=np.uint8), 1.0),
        (np.arange(256) / 255, 1 / 255),
        ((np.arange(256) / 255).astype(np.float32), 1 / 255),
        (np.array([0.0, 1.0]), 1 / 255),
        (np.array([0, 2]), 1.0),
        (np.zeros(3), 1 / 255),
        (np.array([0.0, 256.0]), None),
        (np.array([-1.0, 1.0]), None),
        (np.array([0.5, 1.0]), None),
        (np.array([0.0, np.nan]), None),
        (np.array([]), None),
        (np.array(["a"]), None),
    ],
)
def test_recognised_scales(x: np.ndarray, scale: float | None) -> None:
    """Integers from 0 to 255, or multiples of 1/255 from 0 to 1; nothing else."""
    assert recognise_scale(x) == scale


@pytest.mark.parametrize(
    ("x", "scale"),
    [
        (np.array([0.0, 2.5, 7.0]), 0.5),
        (np.array([0, 257, 65535]), 257.0),
        (np.array([0.3, 7 / 255, 1.0]), None),
        (np.array([0.3, 1.0]), 0.1),
        (np.arange(256) * np.float32(0.1), 0.1),
        (np.arange(256) / 127.5, 2 / 255),
        (np.arange(1, 256) * 1e-20, 1e-20),
        (np.array([3e30]), 3e30),
        (np.array([1, 256]), None),
        (np.array([0.0, 0.1, 0.1003]), None),
        (np.array([-1.0, 1.0]), None),
        (np.zeros(4), None),
        (np.linspace(0, 1, 1000), None),
    ],
)
def test_fitting_scales(x: np.ndarray, scale: float | None) -> None:
    """The largest step that makes bytes of all numbers, if any does: what is found is of use as --input-scale."""
    found = fitting_scale(x.astype(np.float32))
    assert found == (scale if scale is None else pytest.approx(scale, rel=1e-6))
    if found is not None:
        codes = x.astype(np.float32).astype(np.float64) / float(f"{found:.9g}")
        assert np.all(np.abs(codes - np.rint(codes)) <= 1e-3) and codes.min() >= 0 and codes.max() < 255.5


def test_remarks() -> None:
    """On outputs that are not taken, with how many nodes they cost, and on nodes that lead nowhere, of which five are named."""
    assert Omitted().remarks("y") == ()
    (said,) = Omitted(("a", "b")).remarks("y")
    assert said == "output y is taken, a, b not (no node leads to them alone); --output-name NAME takes another"
    assert "a not (1 node leads to them alone, left out)" in Omitted(("a",), 1).remarks("y")[0]
    outputs, dead = Omitted(("a",), 2, tuple("12345")).remarks("y")
    assert "a not (2 nodes lead to them alone, left out)" in outputs
    assert dead == "5 nodes lead to no output, left out: 1, 2, 3, 4, 5"
    assert Omitted(dead=tuple("123456")).remarks("y") == ("6 nodes lead to no output, left out: 1, 2, 3, 4, 5, ...",)
    assert Omitted(dead=("1",)).remarks("y") == ("1 node leads to no output, left out: 1",)


def test_places_in_a_condition() -> None:
    """The numbers of a condition come behind those of the input, however many they are."""
    condition = Condition("c", (3, 2), (2,))
    found = [condition.place(number) for number in range(8)]
    assert found[:2] == [("input value", (0,)), ("input value", (1,))]
    assert found[2:] == [("condition c: value", place) for place in np.ndindex(3, 2)]


def test_codes_of_a_condition() -> None:
    """Codes behind the first input's, of which each number of the condition may have several; without one there are none."""
    assert (UNIT.beside, UNIT.first) == (0, (2, 3, 4))
    tensor = TensorType(1, 1, 6, PIXELS)
    form = InputFormat("x", (5,), np.arange(6), tensor, BIPOLAR, None, condition=Condition("c", (3,), (2,)))
    assert (form.beside, form.first) == (4, (2,))


def test_what_no_grid_was_chosen_for_is_never_beyond_it() -> None:
    """The frames' own shape."""
    assert not UNIT.saturated(np.full((2, 2, 3, 4), 1e9)).any()
    assert UNIT.saturated(np.zeros((5, 2, 3, 4))).shape == (5, 2, 3, 4)
