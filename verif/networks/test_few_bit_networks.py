"""Networks of a few bits: the float graph's decisions, golden's integers and the Verilog's are the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ml_dtypes import iinfo, int2, int4, uint4
from onnx import TensorProto, helper

from sigmabit.golden import Network, UncalibratedError, UnsupportedModelError, import_model
from sigmabit.golden.layers.few_bits import FewBits
from sigmabit.golden.layers.pool import Pool
from sigmabit.golden.layers.recode import Recode
from sigmabit.hdl.planning.planner import Planner

from ..harness.onnx_graphs import Builder, normalisation
from ..simulation import reference, simulate
from ..simulation.compare import first_difference

pytestmark = pytest.mark.filterwarnings("ignore:Output shapes disagree")


def weights(g: Builder, random: np.random.Generator, bits: float, scale: float, *shape: int, narrow: int = 0) -> str:
    """Quantised weights, all levels among them."""
    return g.quant(random.normal(scale=1.2 * scale, size=shape).astype(np.float32), bits, scale, narrow=narrow)


def graph(path: Path, seed: int) -> Path:
    """4-bit pixels; a convolution of 3-bit weights to 2 unsigned bits, one of ternary weights to 3 signed bits, a dense one of
    2-bit weights to ternary codes, scores. Some channels fall.
    """
    random, g = np.random.default_rng(seed), Builder((2, 6, 6))
    x = g.quant("x", 4, 0.25, signed=0)
    y = g("Conv", x, weights(g, random, 3, 0.5, 4, 2, 3, 3), pads=[1, 1, 1, 1])
    y = g("Relu", g("BatchNormalization", y, *normalisation(random, 4, 4.0)))
    y = g.quant(y, 2, 0.5, signed=0)
    y = g("Conv", y, weights(g, random, 2, 1.0, 5, 4, 3, 3, narrow=1), strides=[2, 2])
    y = g.quant(g("BatchNormalization", y, *normalisation(random, 5, 3.0)), 3, 0.25)
    y = g("MatMul", g("Flatten", y), weights(g, random, 2, 0.25, 20, 6))
    y = g.quant(g("BatchNormalization", y, *normalisation(random, 6, 1.0)), 2, 1.0, narrow=1)
    return g.save(path, g("MatMul", y, weights(g, random, 4, 0.125, 6, 3)))


def pooled(path: Path, seed: int) -> Path:
    """Maxima of 3-bit pixels, of sums before a normalisation in which some channels fall, of quantised activations, padded and
    overlapping, and of others at the end, before a scale.
    """
    random, g = np.random.default_rng(seed), Builder((2, 12, 12))
    x = g("MaxPool", g.quant("x", 3, 0.5, signed=0), kernel_shape=[2, 2])
    y = g("Conv", x, weights(g, random, 2, 0.5, 4, 2, 3, 3))
    y = g("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = g.quant(g("BatchNormalization", y, *normalisation(random, 4, 4.0)), 3, 0.25)
    y = g("Conv", y, weights(g, random, 2, 1.0, 3, 4, 1, 1, narrow=1))
    y = g.quant(g("Relu", g("BatchNormalization", y, *normalisation(random, 3, 1.0))), 2, 0.5, signed=0)
    y = g("MaxPool", y, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    y = g("Conv", y, weights(g, random, 2, 1.0, 3, 3, 1, 1))
    y = g("MaxPool", g.quant(y, 4, 0.5), kernel_shape=[2, 1])
    return g.save(path, g("Mul", g("Flatten", y), 3.0))


def steps(g: Builder, random: np.random.Generator, x: str, channels: int, count: int, spread: float, **attributes: Any) -> str:
    """MultiThreshold of so many steps."""
    thresholds = np.sort(random.normal(scale=spread, size=(channels, count)), axis=1)
    return g("MultiThreshold", x, thresholds, out_dtype="INT8", **attributes)


def stepped(path: Path, seed: int) -> Path:
    """MultiThreshold at the input, and another quantiser behind it; behind layers, of falling scale; and at the end. A Quant
    behind a Quant, which makes ternary codes of four bits.
    """
    random, g = np.random.default_rng(seed), Builder((2, 6, 6))
    x = steps(g, random, "x", 2, 6, 1.5, out_scale=0.5, out_bias=-1.0, data_layout="NCHW")
    x = g.quant(x, 3, 0.75)
    y = g("Conv", x, weights(g, random, 3, 0.5, 4, 2, 3, 3))
    y = steps(g, random, y, 4, 3, 3.0, out_scale=-0.5, out_bias=0.25, data_layout="NCHW")
    y = g("Conv", y, weights(g, random, 2, 1.0, 5, 4, 3, 3, narrow=1), pads=[1, 1, 1, 1])
    y = g("Add", g("Mul", y, 0.25), random.normal(scale=0.5, size=(5, 1, 1)))
    y = g.quant(g.quant(y, 4, 0.25, rounding_mode="FLOOR"), 2, 0.9, narrow=1)
    y = g("MatMul", g("Flatten", y), weights(g, random, 2, 0.25, 80, 6))
    y = steps(g, random, g("Mul", y, -0.5), 1, 9, 1.0, out_scale=0.125, out_bias=-0.5, data_layout="NC")
    return g.save(path, g("Add", y, random.normal(size=6)))


def linear(
    g: Builder,
    x: str,
    scale: float,
    zero: np.integer | np.ndarray,
    clip: tuple[int, int] | None = None,
    pool: dict[str, Any] | None = None,
) -> str:
    """QuantizeLinear, a Clip of its whole numbers, a maximum of them, and DequantizeLinear."""
    y = g("QuantizeLinear", x, scale, np.array(zero))
    if clip is not None:
        y = g("Clip", y, *(np.array(end, zero.dtype) for end in clip))
    if pool is not None:
        y = g("MaxPool", y, **pool)
    return g("DequantizeLinear", y, scale, np.array(zero))


def integers(g: Builder, random: np.random.Generator, most: int, shape: tuple[int, ...], axis: int) -> str:
    """Weights as whole numbers with a step for each output."""
    codes = random.integers(-most, most + 1, shape).astype(np.int8)
    scales = random.uniform(0.1, 0.5, shape[axis]).astype(np.float32)
    return g("DequantizeLinear", codes, scales, np.zeros(shape[axis], np.int8), axis=axis)


def linearly(path: Path, seed: int) -> Path:
    """QuantizeLinear, Clip and DequantizeLinear, at both ends and between layers, with zero points, a maximum between the two."""
    random, g = np.random.default_rng(8 + seed), Builder((2, 6, 6))
    x = linear(g, "x", 0.25, np.uint8(6), (0, 15))
    y = g("Conv", x, integers(g, random, 3, (4, 2, 3, 3), 0), pads=[1, 1, 1, 1])
    y = g("Relu", g("BatchNormalization", y, *normalisation(random, 4, 4.0)))
    y = linear(g, y, 0.4, np.uint8(0), (0, 3), {"kernel_shape": [2, 2]})
    y = g("Conv", y, integers(g, random, 1, (5, 4, 3, 3), 0), strides=[2, 2])
    y = linear(g, g("BatchNormalization", y, *normalisation(random, 5, 3.0)), 0.3, np.int8(1), (-2, 5))
    y = g("MatMul", g("Flatten", y), integers(g, random, 7, (20, 6), 1))
    return g.save(path, linear(g, g("Add", y, random.normal(size=6)), 0.5, np.uint8(100)))


def averaged(path: Path, seed: int) -> Path:
    """Convolutions in groups, for each channel and dilated; averages before a quantiser, with padding and of all positions; a
    dense layer that takes an average as it is.
    """
    random, g = np.random.default_rng(seed), Builder((2, 8, 8))
    x = g("AveragePool", g.quant("x", 3, 0.5, signed=0), kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    y = g("Conv", g.quant(x, 4, 0.3, signed=0), weights(g, random, 2, 0.5, 4, 1, 3, 3), group=2, dilations=[2, 1], strides=[1, 2])
    y = g.quant(g("BatchNormalization", y, *normalisation(random, 4, 4.0)), 3, 0.25)
    y = g("AveragePool", y, kernel_shape=[2, 1], strides=[2, 1])
    y = g.quant(g("Add", y, random.normal(size=(4, 1, 1))), 2, 0.5)
    y = g("Conv", y, g("BipolarQuant", random.normal(size=(4, 1, 2, 2)), random.uniform(0.5, 1, (4, 1, 1, 1))), group=4)
    y = g.quant(g("BatchNormalization", y, *normalisation(random, 4, 2.0)), 3, 0.25)
    y = g("Mul", g("GlobalAveragePool", y), 0.5)
    return g.save(path, g("MatMul", g("Flatten", y), weights(g, random, 3, 0.25, 4, 3)))


def in_a_row(path: Path, seed: int) -> Path:
    """Layers over one dimension: convolutions, dilated and of each channel, a maximum, averages."""
    random, g = np.random.default_rng(seed), Builder((3, 20))
    y = g("Conv", g.quant("x", 4, 0.25), weights(g, random, 2, 0.5, 4, 3, 5), strides=[2], pads=[2, 1])
    y = g.quant(g("Relu", g("BatchNormalization", y, *normalisation(random, 4, 4.0))), 2, 0.5, signed=0)
    y = g("Conv", g("MaxPool", y, kernel_shape=[2]), weights(g, random, 2, 1.0, 4, 1, 2), group=4, dilations=[2])
    y = g.quant(g("BatchNormalization", y, *normalisation(random, 4, 2.0)), 3, 0.25)
    y = g("Conv", g("GlobalAveragePool", y), weights(g, random, 3, 0.25, 5, 4, 1))
    y = g.quant(g("Add", y, random.normal(scale=0.3, size=(5, 1))), 3, 0.25)
    return g.save(path, g("MatMul", g("Flatten", y), weights(g, random, 3, 0.25, 5, 3)))


def tabulated(path: Path, seed: int) -> Path:
    """A quantiser of codes, which fall in one channel; and one that leaves them as they are."""
    random, g = np.random.default_rng(seed), Builder((2, 6, 6))
    y = g("MaxPool", g.quant("x", 4, 0.25, signed=0), kernel_shape=[2, 2])
    y = g.quant(g.quant(y, 4, 0.25, signed=0), 2, 0.85, signed=0)
    y = g("Mul", y, np.array([0.3, -0.3]).reshape(2, 1, 1))
    y = g.quant(g("Add", y, np.array([0.1, 0.2]).reshape(2, 1, 1)), 3, 0.25)
    return g.save(path, g("Conv", y, weights(g, random, 3, 0.5, 3, 2, 2, 2)))


def of_four_bits(path: Path, seed: int) -> Path:
    """Quantised by whole numbers of 4 bits, with zero points and by a type alone; weights of 4 bits and of 2."""
    random, g = np.random.default_rng(20 + seed), Builder((2, 6, 6), opset=25)

    def few(kind: Any, *shape: int, axis: int) -> str:
        codes = random.integers(int(iinfo(kind).min), int(iinfo(kind).max) + 1, shape).astype(kind)
        scales = random.uniform(0.1, 0.5, shape[axis]).astype(np.float32)
        return g("DequantizeLinear", codes, scales, np.zeros(shape[axis], kind), axis=axis)

    y = g("Conv", linear(g, "x", 0.25, np.array(6, uint4)), few(int4, 4, 2, 3, 3, axis=0))
    y = linear(g, g("BatchNormalization", y, *normalisation(random, 4, 4.0)), 0.3, np.array(-2, int4))
    y = g("BatchNormalization", g("Conv", y, few(int2, 5, 4, 3, 3, axis=0)), *normalisation(random, 5, 3.0))
    y = g("DequantizeLinear", g("QuantizeLinear", y, 0.3, output_dtype=TensorProto.UINT4), 0.3)
    return g.save(path, linear(g, g("MatMul", g("Flatten", y), few(int4, 20, 6, axis=1)), 2.5, np.array(1, int4)))


def truncated(path: Path, seed: int, version: int = 1) -> Path:
    """Sums of windows without their lowest bits, as Brevitas writes averages: by a number of bits, or by a step."""
    random, g = np.random.default_rng(seed), Builder((2, 8, 8), version=version)

    def average(y: str, step: float, wide: int, bits: int, **attributes: Any) -> str:
        y = g("Mul", g("AveragePool", y, kernel_shape=[2, 3], strides=[2, 1]), 6.0)
        steps = [step * 2.0 ** (wide - bits)] if version > 1 else []
        return g("Trunc", y, step, float(version == 1), float(wide), *steps, float(bits), **attributes)

    y = average(g.quant("x", 3, 0.6, signed=0), 0.6, 6, 3, rounding_mode="FLOOR", **({"signed": 0} if version > 1 else {}))
    y = g("Conv", y, weights(g, random, 2, 0.5, 4, 2, 3, 3))
    y = g.quant(g("BatchNormalization", y, *normalisation(random, 4, 4.0)), 4, 0.25)
    y = average(y, 0.25, 6, 2, rounding_mode=("ROUND", "CEIL")[seed % 2], **({"narrow": 1} if version > 1 else {}))
    return g.save(path, g("MatMul", g("Flatten", y), weights(g, random, 3, 0.25, 8, 3)))


def frames(network: Network, count: int, seed: int) -> np.ndarray:
    """Random pixels on the input's grid, and off it."""
    shape = (count, *network.input.shape)
    return np.random.default_rng(seed).uniform(-0.5, 4.5, shape).astype(np.float32)


Drawing = Callable[[Path, int], Path]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("draw", "kinds"),
    [
        (graph, "wwww"),
        (pooled, "pwpwpwp"),
        (stepped, "www"),
        (linearly, "wpww"),
        (averaged, "wwwww"),
        (in_a_row, "wpwww"),
        (tabulated, "prw"),
        (of_four_bits, "www"),
        (truncated, "wwww"),
        (partial(truncated, version=2), "wwww"),
    ],
)
def test_golden(tmp_path: Path, draw: Drawing, kinds: str, seed: int) -> None:
    """qonnx or onnxruntime computes the same results from the same file."""
    path = draw(tmp_path / "few.onnx", seed)
    network = import_model(path)
    letters = {FewBits: "w", Recode: "r", Pool: "p"}
    assert "".join(letters[type(layer)] for layer in network.layers) == kinds
    x = frames(network, 60, seed)
    assert not network.ties  # of these seeds
    assert np.array_equal(network.run(x), reference.execute(path, x).outputs)


@pytest.mark.parametrize(
    ("kind", "choice"),
    [
        ("INT64", lambda g, y: g("ArgMax", y, axis=1)),
        ("INT32", lambda g, y: g("Cast", g("ArgMax", g("Softmax", y), axis=-1, keepdims=0), to=TensorProto.INT32)),
        ("INT64", lambda g, y: g("ArgMax", y, axis=1, select_last_index=1)),
        ("FLOAT", lambda g, y: top(g, y, "largest")),
        ("INT64", lambda g, y: g("Squeeze", top(g, y, "places"), np.array([1]))),
        ("FLOAT", lambda g, y: g("Cast", top(g, g.quant(y, 3, 2.0), "places"), to=TensorProto.FLOAT)),
    ],
)
def test_choice(tmp_path: Path, kind: str, choice: Callable[[Builder, str], str]) -> None:
    """What the host chooses of the scores is what the graph does; among equal ones, too."""
    random, g = np.random.default_rng(9), Builder((6,))
    y = g("MatMul", g.quant("x", 2, 1.0), weights(g, random, 2, 1.0, 6, 4))
    y = choice(g, y)
    path = g.save(tmp_path / "choice.onnx", y, kind=TensorProto.DataType.Value(kind))
    network, x = import_model(path), random.normal(scale=2, size=(300, 6)).astype(np.float32)
    expected = reference.execute(path, x).outputs
    assert np.array_equal(network.run(x), expected)
    assert network.output.chooses == (y != "largest")
    if network.output.chooses:
        assert network.output.decisions(network.run(x)).tolist() == expected.reshape(-1).tolist()


def top(g: Builder, scores: str, result: str) -> str:
    """One of the two outputs of a TopK."""
    g.nodes.append(helper.make_node("TopK", [scores, g.constant(np.array([1]))], ["largest", "places"], name="top"))
    return result


@pytest.mark.parametrize(
    ("kernel", "strides", "pads", "more"),
    [
        ([3, 3], [3, 3], [1, 1, 1, 1], {}),  # of two by two elements each
        ([3, 2], [3, 2], [1, 0, 1, 0], {"ceil_mode": 1}),
        ([2, 4], [2, 2], [0, 1, 0, 1], {"count_include_pad": 1}),
    ],
)
def test_divisors(tmp_path: Path, kernel: list[int], strides: list[int], pads: list[int], more: dict[str, Any]) -> None:
    """Sums of windows are divided by the elements that count, whatever the padding."""
    random, g = np.random.default_rng(3), Builder((2, 4, 4))
    y = g("AveragePool", g.quant("x", 3, 0.5, signed=0), kernel_shape=kernel, strides=strides, pads=pads, **more)
    y = g("Flatten", g.quant(y, 4, 0.25, signed=0))
    path = g.save(tmp_path / "divided.onnx", y)
    network, x = import_model(path), random.uniform(-0.5, 4.5, (200, 2, 4, 4)).astype(np.float32)
    assert np.array_equal(network.run(x), reference.execute(path, x).outputs)


def test_halves(tmp_path: Path) -> None:
    """QuantizeLinear rounds to even before it adds an odd zero point, at the input and behind a layer."""
    random, g = np.random.default_rng(6), Builder((4,))
    y = g("MatMul", linear(g, "x", 1.0, np.uint8(3)), integers(g, random, 1, (4, 3), 1))
    path = g.save(tmp_path / "halves.onnx", linear(g, g("Mul", y, 0.5), 0.5, np.int8(1)))
    numbers = random.integers(-8, 9, (200, 4)).astype(np.float32) / 2
    assert np.array_equal(import_model(path).run(numbers), reference.execute(path, numbers).outputs)


def test_thresholds_that_are_met(tmp_path: Path) -> None:
    """A sum that is a threshold of a MultiThreshold reaches it."""
    random, g = np.random.default_rng(5), Builder((4,))
    x = g("MultiThreshold", "x", np.array([[1.0, 2.0, 3.0]]), out_dtype="UINT2", data_layout="NC")
    y = g("MatMul", x, weights(g, random, 2, 1.0, 4, 3))
    y = g("MultiThreshold", y, np.array([[-2.0, 0.0, 1.0]]), out_dtype="UINT2", data_layout="NC")
    path = g.save(tmp_path / "met.onnx", y)
    numbers = random.integers(0, 4, (200, 4)).astype(np.float32)
    assert np.array_equal(import_model(path).run(numbers), reference.execute(path, numbers).outputs)


@pytest.mark.parametrize(
    ("draw", "slower"),
    [
        *[(graph, 1), (graph, 5), (pooled, 5), (pooled, 1), (stepped, 5)],
        *[(linearly, 1), (averaged, 5), (in_a_row, 1), (tabulated, 1), (truncated, 1)],
    ],
)
def test_verilog(tmp_path: Path, draw: Drawing, slower: int) -> None:
    """Every integer of every layer, at the planned cycles."""
    network = import_model(draw(tmp_path / "few.onnx", 0))
    planner = Planner(network, "xc7vx690t", 200.0)
    plan = planner.fastest() if slower == 1 else planner.plan(slower * planner.fastest().interval)
    codes = network.input.encode(frames(network, 20, 7))
    measured = simulate(plan, codes, taps=True)
    assert first_difference(dict(network.steps(codes)), measured.trace) is None
    assert measured.latency == plan.latency
    assert set(np.diff(measured.last_out[plan.settling :]).tolist()) == {plan.interval}


def test_turning_chain(tmp_path: Path) -> None:
    """Codes that both rise and fall with a sum are refused, at the quantiser."""
    g, random = Builder((1, 4, 4)), np.random.default_rng(1)
    y = g("Conv", g.quant("x", 4, 0.25, signed=0), weights(g, random, 3, 0.5, 2, 1, 3, 3))
    y = g.quant(g("Abs", y, name="fold"), 2, 0.5, signed=0, name="quantiser")
    y = g("MatMul", g("Flatten", y), weights(g, random, 2, 0.25, 8, 2))
    with pytest.raises(UnsupportedModelError, match=r"quantiser \(Quant\): what comes before it is not monotone from fold on"):
        import_model(g.save(tmp_path / "turning.onnx", y))


def test_a_mean_behind_zeros(tmp_path: Path) -> None:
    """A layer of one position that pads the mean of all gives more positions; it is not the layer that sums up all of them, but
    one of real numbers.
    """
    g = Builder((2, 4, 4))
    kernels = weights(g, np.random.default_rng(0), 3, 0.5, 3, 2, 1, 1)
    path = g.save(
        tmp_path / "m.onnx", g("Conv", g("GlobalAveragePool", g.quant("x", 3, 0.5, signed=0)), kernels, pads=[1, 1, 1, 1])
    )
    with pytest.raises(UncalibratedError, match="its numbers are real"):
        import_model(path)
