"""What cannot become hardware is refused: every offender, by name and reason, in one error."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from sigmabit.golden import UnsupportedModelError, import_model
from sigmabit.golden.front.importer.walk import CONDITION

from ..harness.onnx_graphs import Builder, Operand, normalisation, signs
from ..simulation.reference import execute

RANDOM = np.random.default_rng(3)
WEIGHTS = signs(RANDOM, 4, 2, 3, 3)
POINTS = signs(RANDOM, 4, 4, 1, 1)
MATRIX = signs(RANDOM, 60, 4)
SCORES = signs(np.random.default_rng(1), 48, 3)
ONE_TOO_LARGE = WEIGHTS * np.where(np.arange(72) == 20, 2.0003, 1).reshape(WEIGHTS.shape)
ONE_NAN = np.where(np.arange(72) == 20, np.nan, 1).reshape(WEIGHTS.shape)
BY_CHANNEL = np.array([1.0, 2.0]).reshape(2, 1, 1)
THREE = np.array(3, np.int8)
MANY = np.linspace(-6, 6, 300)[None]
PAIR: dict[str, Any] = {"kernel_shape": [2, 2]}


class Case(Builder):
    """A graph on (2, 6, 5) pixels, from parts that are supported and one `bad` node, which is called culprit."""

    def __init__(self) -> None:
        super().__init__((2, 6, 5))

    def bad(self, operator: str, *operands: Operand, **attributes: Any) -> str:
        return self(operator, *operands, name="culprit", **attributes)

    def conv(self, x: Operand = "x", **attributes: Any) -> str:
        """A convolution (1, 4, 4, 3)."""
        return self("Conv", x, WEIGHTS, **attributes)

    def bits(self, x: Operand = None, **attributes: Any) -> str:
        """A tensor, or else a convolution, binarised."""
        return self("BipolarQuant", x or self.conv(), 1.0, **attributes)

    def dense(self) -> str:
        """A dense layer's scores (1, 4)."""
        return self("MatMul", self("Flatten", "x"), MATRIX)

    def padded(self, *pads: int) -> np.ndarray:
        """Pads above and left of an image, then below and right."""
        return np.array([0, 0, *pads[:2], 0, 0, *pads[2:]])


Graph = Callable[[Case], str]
"""Adds the nodes of a case and gives the output."""

Cases = dict[str, tuple[Graph, str]]
"""By what is wrong: a graph, and words of the reason that is given."""


def refusals(graph: Graph, folder: Path) -> dict[str, str]:
    """The reason by node of everything that is refused; the error is one line that holds them all."""
    case = Case()
    path = case.save(folder / "m.onnx", graph(case))
    with pytest.raises(UnsupportedModelError) as caught:
        import_model(path)
    findings = caught.value.findings
    count = f"{len(findings)} unsupported node{'s' * (len(findings) > 1)}"
    assert str(caught.value) == f"{path}: {count}: " + "; ".join(map(str, findings))
    assert "\n" not in str(caught.value)
    return {finding.node: finding.reason for finding in findings}


def refused(cases: Cases) -> Any:
    """A test of each case: the culprit is refused for its reason, and nothing else is."""

    @pytest.mark.parametrize("case", cases)
    def test(self: Any, case: str, tmp_path: Path) -> None:
        graph, reason = cases[case]
        found = refusals(graph, tmp_path)
        assert list(found) == ["culprit"]
        assert reason in found["culprit"]

    return test


class TestLayers:
    test_weights = refused(
        {
            "float": (
                lambda g: g.bits(g.bad("Conv", "x", ONE_TOO_LARGE)),
                "8 bits times a step: output 1 holds",
            ),
            "zero": (lambda g: g.bits(g.bad("Conv", "x", WEIGHTS * 0)), "all its weights are 0"),
            "none": (lambda g: g.bad("Conv", "x", WEIGHTS[:0]), "weights of shape (0, 2, 3, 3)"),
            "NaN": (lambda g: g.bad("Conv", "x", ONE_NAN), "not finite"),
            "infinite": (lambda g: g.bad("Conv", "x", WEIGHTS * np.inf), "not finite"),
            "of another type": (lambda g: g.bits(g.bad("Conv", "x", np.ones((4, 2, 3, 3), np.uint8))), "weights of type uint8"),
            "for other channels": (lambda g: g.bad("Conv", g.bits(), WEIGHTS), "for an activation of shape (1, 4, 4, 3)"),
            "computed": (lambda g: g.bad("Conv", "x", g.bits("x")), "input 1 depends on the graph's input"),
            "first": (lambda g: g.bad("MatMul", MATRIX, "x"), "input 1 depends on the graph's input"),
            "left out": (lambda g: g.bad("Conv", "x"), "input 1 is missing"),
            "a vector": (lambda g: g.bad("MatMul", g("Flatten", "x"), MATRIX[:, 0]), "1 dimensions, expected a matrix"),
            "on an image": (lambda g: g.bad("MatMul", "x", MATRIX), "for an activation of shape (1, 2, 6, 5)"),
            "a scale too many": (lambda g: g.conv(g.bad("BipolarQuant", WEIGHTS, np.ones((5, 1, 1, 1, 1)))), "does not fit"),
        }
    )
    test_convolutions = refused(
        {
            "grouped": (lambda g: g.bad("Conv", "x", WEIGHTS[:, :1], group=3), "3 groups do not divide its 4 outputs"),
            "of other groups": (
                lambda g: g.bad("Conv", "x", WEIGHTS, group=2),
                "in 2 groups for an activation of shape (1, 2, 6, 5)",
            ),
            "dilated": (lambda g: g.bad("Conv", "x", WEIGHTS, dilations=[4, 1]), "kernel=9 exceeds the padded size=6"),
            "in a row": (lambda g: g.bad("Conv", "x", WEIGHTS[:, :, 0]), "a convolution over 1 dimensions, expected 2"),
            "over one dimension": (lambda g: g.bad("Conv", "x", WEIGHTS[:, :, 0]), "over 1 dimensions"),
            "larger than the image": (lambda g: g.bad("Conv", "x", np.ones((1, 2, 7, 7))), "kernel=7 exceeds"),
            "without a stride": (lambda g: g.bad("Conv", "x", WEIGHTS, strides=[0, 1]), "stride=0 is below 1"),
            "of sums": (lambda g: g.bits(g.bad("Conv", g.conv(), POINTS)), "the activation before it is not quantised; put"),
            "transposed": (lambda g: g.bits(g.bad("ConvTranspose", "x", WEIGHTS)), "not supported on activations"),
        }
    )
    test_dense = refused(
        {
            "transposed": (lambda g: g.bad("Gemm", g("Flatten", "x"), MATRIX, transA=1), "a transposed activation"),
            "of sums": (
                lambda g: g.bits(g.bad("MatMul", g.dense(), np.ones((4, 2)))),
                "the activation before it is not quantised; put",
            ),
            "with padding": (
                lambda g: g.bits(g.bad("MatMul", g("Flatten", g("Pad", "x", g.padded(1, 0, 0, 0))), np.ones((70, 2)))),
                "every element of the activation before it exactly once",
            ),
        }
    )
    test_pooling = refused(
        {
            "average": (
                lambda g: g.bad("AveragePool", g.bits(), **PAIR, pads=[1, 0, 0, 0]),
                "divided by 2 at the borders and by 4 inside; one number is needed, as with count_include_pad=1",
            ),
            "average beyond the image": (
                lambda g: g.bad("AveragePool", g.bits(), kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, count_include_pad=1),
                "divided by 6 at the borders and by 9 inside",
            ),
            "mean": (lambda g: g.bad("ReduceMean", g.bits(), axes=[1]), "over axes [1] of an activation of shape (1, 4, 4, 3)"),
            "rows": (lambda g: g.bits(g.bad("MaxPool", g("Flatten", "x"), **PAIR)), "of an activation of shape (1, 60)"),
            "zeros": (lambda g: g.bad("MaxPool", g("Pad", g.bits(), g.padded(1, 1, 0, 0)), **PAIR), "after zero padding"),
            "padding alone": (lambda g: g.bad("MaxPool", g.bits(), **PAIR, pads=[0, 2, 0, 0]), "padding=2 is not below kernel=2"),
            "one end twice": (lambda g: g.bad("MaxPool", g.bits(), **PAIR, pads=[0, 0, 1, 1]), "two windows end at the same"),
            "vast": (lambda g: g.bad("MaxPool", g.bits(), kernel_shape=[1 << 40] * 2, pads=[(1 << 40) - 1] * 4), "windows of"),
            "places": (lambda g: places(g), "its output places is used"),
        }
    )
    test_choices = refused(
        {
            "of two": (lambda g: g.bad("TopK", g.dense(), np.array([2])), "the 2 largest; only the largest is supported"),
            "of the smallest": (lambda g: g.bad("TopK", g.dense(), np.array([1]), largest=0), "only the largest is supported"),
            "of an image": (lambda g: g.bad("ArgMax", g.conv(), axis=1), "over axis 1 of an activation of shape (1, 4, 4, 3)"),
            "of frames": (lambda g: g.bad("ArgMax", g.dense()), "over axis 0 of an activation of shape (1, 4)"),
            "twice": (lambda g: g.bad("ArgMax", g("TopK", g.dense(), np.array([1])), axis=1), "the result of another choice"),
            "taken": (
                lambda g: g.bad("MatMul", g("TopK", g.dense(), np.array([1]), name="top"), np.ones((1, 2))),
                "the result of top, which only the host can compute",
            ),
        }
    )
    test_branches = refused(
        {
            "a product": (lambda g: g.bits(product(g)), "it combines two activations"),
            "shapes": (lambda g: g.bits(g.bad("Add", g.bits(), g("MaxPool", g.bits(), **PAIR))), "it adds activations of shapes"),
        }
    )

    @pytest.mark.parametrize(
        ("branches", "reason"),
        [
            (lambda g: (g.conv(g.quant("x", 8)), g.bad("Conv", "x", WEIGHTS)), "beside its Quant node"),
            (lambda g: (g.conv(g.quant("x", 8)), g.conv(g.bad("BipolarQuant", "x", 1.0))), "taken a second time"),
            (
                lambda g: (g.conv(g.quant(y := g.quant("x", 8), 4)), g.bad("Conv", y, WEIGHTS)),
                "before Quant_1, a second quantiser",
            ),
        ],
        ids=["pixels beside their quantiser", "two quantisers", "between two quantisers"],
    )
    def test_both_ways(self, branches: Callable[[Case], tuple[str, str]], reason: str, tmp_path: Path) -> None:
        """Branches that meet again: what takes something a second time is refused."""
        found = refusals(lambda g: g("Add", *branches(g), name="sum"), tmp_path)
        assert list(found) == ["culprit"]
        assert reason in found["culprit"]


def steps(g: Case, thresholds: np.ndarray, x: str | None = None, **attributes: Any) -> str:
    """A MultiThreshold."""
    return g.bad("MultiThreshold", x or g.conv(), thresholds, out_dtype="INT32", data_layout="NCHW", **attributes)


def places(g: Case) -> str:
    """A MaxPool whose indices are used."""
    g.nodes.append(helper.make_node("MaxPool", [g.bits()], ["largest", "places"], name="culprit", **PAIR))
    return "places"


def product(g: Case) -> str:
    """A layer's result times its input."""
    y = g.bits(g.conv(pads=[1, 1, 1, 1]))
    return g.bad("Mul", g("Conv", y, POINTS), y)


def test_sizes_are_printed_so_that_they_differ(tmp_path: Path) -> None:
    """Two float32 numbers that agree in six digits."""

    def graph(g: Case) -> str:
        sizes = np.where(np.arange(72) == 20, 0.05, 0.0500203).reshape(WEIGHTS.shape).astype(np.float32)
        return g.bits(g.bad("Conv", "x", WEIGHTS * sizes))

    (reason,) = refusals(graph, tmp_path).values()
    assert re.search(r"output 1 holds -?0.05 beside -?0.0500203$", reason)


class TestActivations:
    test_quantisers = refused(
        {
            "of nine bits": (
                lambda g: g("Conv", g.quant(g.conv(), 9, 0.01, name="culprit"), POINTS),
                "activations of 512 levels",
            ),
            "of one level": (lambda g: g.quant(g.conv(), 1, signed=0, narrow=1, name="culprit"), "the single level 0"),
            "of half a bit": (lambda g: g.quant(g.conv(), 1.5, name="culprit"), "bit width [1.5]"),
            "rounding at random": (lambda g: g.quant(g.conv(), 8, rounding_mode="DICE", name="culprit"), "rounding mode DICE"),
            "of negative step": (
                lambda g: g.quant(g.conv(), 1, -1.0, name="culprit"),
                "a quantisation step that is not positive",
            ),
            "of many steps": (lambda g: g("Conv", steps(g, MANY), POINTS), "activations of 301 levels"),
            "of too many steps": (lambda g: steps(g, np.zeros((1, 1 << 17))), "131072 steps for an activation of 48 elements"),
            "of steps in a row": (lambda g: steps(g, np.zeros(4)), "thresholds of shape (4,), expected (channels, steps)"),
            "of steps of no size": (lambda g: steps(g, np.zeros((4, 3)), out_scale=0.0), "out_scale=0, which gives one number"),
            "of zero points by channel": (
                lambda g: g.bad("QuantizeLinear", g.conv(), np.ones(4), np.arange(4, dtype=np.uint8)),
                "zero points that differ between channels",
            ),
            "of scales by block": (
                lambda g: g.bad(
                    "QuantizeLinear", g.conv(), np.ones((1, 4, 1, 1)), np.zeros((1, 4, 1, 1), np.uint8), block_size=1
                ),
                "a scale for each block",
            ),
            "of one whole number": (
                lambda g: g.bad("Clip", g("QuantizeLinear", g.conv(), 1.0, THREE), THREE, THREE),
                "a clip to whole numbers from 3 to 3",
            ),
            "of whole numbers that were none": (lambda g: g.bad("DequantizeLinear", g.conv(), 1.0), "only whole numbers can be"),
            "cut to more bits": (lambda g: g.bad("Trunc", g.conv(), 1.0, 0.0, 4.0, 5.0), "5 bits, of a number of 4"),
            "cut without bits": (lambda g: g.bad("Trunc", g.conv(), 1.0, 0.0, 4.0), "4 inputs, expected 5 or"),
            "cut to no step": (lambda g: g.bad("Trunc", g.conv(), 1.0, 0.0, 4.0, 0.0, 2.0), "step that is not positive"),
            "of a size by channel": (lambda g: g.bad("BipolarQuant", "x", BY_CHANNEL), "differs between channels"),
            "of a softmax": (
                lambda g: g.bad("Sign", g("Softmax", g.dense(), name="soft")),
                "the result of soft, which only the host can compute",
            ),
        }
    )
    test_inputs = refused(
        {
            "of many steps": (lambda g: g.conv(steps(g, np.zeros((1, 1 << 16)), "x")), "an input of 65537 levels"),
            "a second of 24 bits": (
                lambda g: g.conv(g.quant(g.quant("x", 8), 24, name="culprit")),
                "an input of 16777216 levels",
            ),
            "of 24 bits": (lambda g: g.conv(g.quant("x", 24, name="culprit")), "an input of 16777216 levels"),
            "of a step by channel": (lambda g: g.conv(g.quant("x", 8, BY_CHANNEL, name="culprit")), "differs between channels"),
            "off zero": (lambda g: g.conv(g.quant("x", 8, 1.0, 0.5, name="culprit")), "a zero point of 0.5"),
            "scaled by channel": (
                lambda g: g.bits(g.bad("Conv", g("Mul", "x", BY_CHANNEL, name="scale"), WEIGHTS)),
                "scale scales its input elements differently",
            ),
            "curved": (
                lambda g: g.bits(g.bad("Conv", g("Exp", "x", name="curve"), WEIGHTS)),
                "linear function of integers, after curve",
            ),
            "soft": (
                lambda g: g.bad("MatMul", g("Softmax", g("Flatten", "x"), name="soft"), MATRIX),
                "the result of soft, which only the host can compute",
            ),
        }
    )
    test_normalisations = refused(
        {
            "not monotone": (
                lambda g: g.bad("Sign", g("Sub", g("Abs", g("Add", g.conv(), 0.1), name="size"), 0.5)),
                "not monotone from size on: channel 0 turns between accumulators",
            ),
            "a square": (
                lambda g: g.bad("Sign", g("Sub", g("Pow", g.conv(), 2.0, name="square"), 0.5)),
                "not monotone from square",
            ),
            "a pole": (
                lambda g: g.bad("Sign", g("Sub", g("Div", 1.0, g("Add", g.conv(), 0.3), name="pole"), 0.5)),
                "not monotone from pole",
            ),
            "pooled where not monotone": (
                lambda g: g.bad("Sign", g("Add", g("MaxPool", g("Abs", g.conv()), **PAIR, name="pool"), 0.5)),
                "what pool pools before it is not monotone",
            ),
            "by position": (
                lambda g: g.bad("Sign", g("Add", g.conv(), np.arange(12.0).reshape(4, 3))),
                "differs between positions",
            ),
            "in training": (lambda g: batch_normalization(g, training_mode=1), "in training mode"),
            "of NaN": (lambda g: batch_normalization(g, variance=np.nan), "a constant that is not finite"),
            "of infinite variance": (lambda g: batch_normalization(g, variance=np.inf), "a constant that is not finite"),
            "of negative variance": (
                lambda g: batch_normalization(g, variance=-1.0),
                "the variance of channel 2 is not positive",
            ),
            "of other channels": (
                lambda g: g.bits(g.bad("BatchNormalization", "x", *normalisation(RANDOM, 3, 1))),
                "does not fit an activation of shape (1, 2, 6, 5)",
            ),
            "of a batch": (lambda g: g.bits(g.bad("Mul", g.conv(), np.ones((3, 4, 1, 1)))), "does not fit an activation"),
            "an exponential": (lambda g: g.bits(g.bad("Pow", 2.0, g.conv())), "a constant to the power of an activation"),
        }
    )
    test_rearrangements = refused(
        {
            "flat from axis 0 on": (
                lambda g: g("MatMul", g.bad("Flatten", "x", axis=0), MATRIX),
                "it mixes the frames of a batch",
            ),
            "flat from axis -4 on": (lambda g: g.bad("Flatten", g.bits(), axis=-4), "axis=1"),
            "one row of all frames": (
                lambda g: g("MatMul", g.bad("Reshape", "x", np.array([1, -1])), MATRIX),
                "it mixes the frames of a batch: keep the batch in front (-1 or 0 as its size)",
            ),
            "reflected": (
                lambda g: g("Conv", g.bad("Pad", g.bits(), g.padded(1, 1, 0, 0), mode="reflect"), POINTS),
                "of mode reflect",
            ),
            "ones around": (lambda g: g.conv(g.bad("Pad", "x", g.padded(1, 1, 0, 0), 1.0)), "a value other than zero"),
            "cropped": (lambda g: g.conv(g.bad("Pad", "x", g.padded(-1, 0, 0, 0))), "negative padding"),
            "vast": (lambda g: g.conv(g.bad("Pad", "x", g.padded(1 << 40, 0, 0, 0))), "more than 16777216 elements"),
            "padded too early": (
                lambda g: g.conv(g.bad("Add", g("Pad", "x", g.padded(1, 1, 0, 0)), 1.0)),
                "between a padding and the layer",
            ),
            "of another size": (lambda g: g.bad("Reshape", "x", np.array([7, -1])), "cannot become (7, -1)"),
            "of two free sizes": (lambda g: g.bad("Reshape", "x", np.array([-1, -1])), "cannot become (-1, -1)"),
            "rows as channels": (
                lambda g: g.bad("Conv", g("Reshape", g.bits(), np.array([1, 3, 4, 4])), np.ones((1, 3, 1, 1))),
                "rearranged",
            ),
            "a convolution of parts of a frame": (
                lambda g: g.bad("Conv", g("Reshape", g.bits(), np.array([-1, 2, 4, 3])), np.ones((3, 2, 1, 1))),
                "for an activation of shape (2, 2, 4, 3)",
            ),
            "maxima of parts of a frame": (
                lambda g: g.bad("MaxPool", g("Reshape", g.bits(), np.array([-1, 2, 4, 3])), **PAIR),
                "of an activation of shape (2, 2, 4, 3)",
            ),
            "means of parts of a frame": (
                lambda g: g.bad("AveragePool", g("Reshape", g.bits(), np.array([-1, 2, 4, 3])), **PAIR),
                "of an activation of shape (2, 2, 4, 3)",
            ),
            "frames as channels": (
                lambda g: g.bad("Conv", g("Transpose", g.bits(), perm=[1, 0, 2, 3]), np.ones((3, 1, 1, 1))),
                "it mixes the frames of a batch: keep the batch in front (perm=[0, ...] where it is transposed)",
            ),
            "a choice of roots": (
                lambda g: g("ArgMax", g("Add", g.bad("Sqrt", g("MatMul", g("Flatten", g.bits()), SCORES)), 1.0), axis=1),
                "is no number at accumulator -48, and a choice is made of it",
            ),
            "neither kept nor not": (
                lambda g: g.bad("ArgMax", g.dense(), axis=1, keepdims=-1),
                "keepdims=-1, which is neither 0 nor 1",
            ),
            "an axis too many": (
                lambda g: g.bits(g.bad("Transpose", g.conv(), perm=[0, 1, 2, 3, 4])),
                "do not suit the operator",
            ),
            "a slice": (lambda g: g.bits(g.bad("Slice", g.conv(), np.array([0]), np.array([1]))), "not supported on activations"),
            "a joint": (
                lambda g: g.bits(g("Conv", g.bad("Concat", "x", "x", axis=0), np.ones((3, 2, 3, 3)))),
                "it joins frames of a batch",
            ),
            "integers": (lambda g: g.bits(g.bad("Cast", g.conv(), to=TensorProto.INT8)), "another type than float or double"),
            "half floats": (
                lambda g: g.bits(g.bad("Cast", g.conv(), to=TensorProto.FLOAT16)),
                "another type than float or double",
            ),
        }
    )


def batch_normalization(g: Case, variance: float = 1.0, **attributes: Any) -> str:
    """A BatchNormalization in which channel 2 has the given variance."""
    constants = normalisation(RANDOM, 4, 2)
    constants[3][2] = variance
    return g.bits(g.bad("BatchNormalization", g.conv(), *constants, **attributes))


def nine_bits(g: Case, y: str) -> str:
    """Weights of 9 bits."""
    sizes = np.random.default_rng(9).integers(1, 256, 16)
    sizes[3] = 255
    return g.quant(g("Conv", y, sizes.reshape(4, 4, 1, 1) / 256, name="nine bits"), 3, 0.5)


def groups(g: Case, y: str) -> str:
    """Groups that do not divide."""
    return g.quant(g("Conv", y, POINTS[:, :2], group=3, name="groups"), 3, 0.5)


def uneven(g: Case, y: str) -> str:
    """Levels that lie on no grid: two comparisons of one sum."""
    y = g("Conv", y, POINTS)
    first, second = (g("Cast", g("Greater", y, bound), to=TensorProto.FLOAT) for bound in (0.6, 1.1))
    return g.quant(g("Conv", g("Add", first, g("Mul", second, np.pi), name="uneven"), POINTS), 3, 0.5)


def turning(g: Case, y: str) -> str:
    """A chain that turns."""
    return g.quant(g("Abs", g("Conv", y, POINTS)), 3, 0.5, signed=0, name="turning")


def unrelated(g: Case, y: str) -> str:
    """A sum of unrelated steps."""
    return g.quant(
        g("Add", g.quant(g("Conv", y, POINTS), 3, 0.7854), g.quant(g("Conv", y, -POINTS), 3, 0.5), name="unrelated"), 3, 0.5
    )


def shapes(g: Case, y: str) -> str:
    """A sum of different shapes."""
    smaller = g.quant(g("Conv", y, POINTS, strides=[2, 2]), 3, 0.5)
    return g.quant(g("Add", g.quant(g("Conv", y, POINTS), 3, 0.5), smaller, name="shapes"), 3, 0.5)


def products(g: Case, y: str) -> str:
    """A product of two activations."""
    ways = (g.quant(g("Conv", y, weights), 3, 0.5) for weights in (POINTS, -POINTS))
    return g.quant(g("Mul", *ways, name="product"), 3, 0.5)


FAULTS: dict[str, tuple[Callable[[Case, str], str], str]] = {
    "nine bits": (nine_bits, "weights of 9 bits; at most 8"),
    "groups": (groups, "3 groups do not divide its 4 outputs"),
    "uneven": (uneven, "its levels in channel 0, 0.0, 1.0 and 4.141593, are not evenly spaced"),
    "turning": (turning, "what comes before it is not monotone from Abs"),
    "unrelated": (unrelated, "in steps of 0.785399973 and of 0.5"),
    "shapes": (shapes, "it adds activations of shapes (1, 4, 6, 5) and (1, 4, 3, 3)"),
    "product": (products, "it combines two activations; of two, only sums"),
}
"""By the node that is at fault: what a graph goes on with, (1, 4, 6, 5), and words of the reason."""

ORDERS = [
    tuple(FAULTS),
    tuple(FAULTS)[::-1],
    ("uneven", "turning", "product", "groups", "shapes"),
    ("product", "nine bits", "uneven", "unrelated", "turning", "groups"),
    ("shapes", "groups", "turning", "nine bits", "uneven", "product", "unrelated"),
    ("turning", "unrelated", "product", "uneven", "shapes", "nine bits", "groups"),
    ("groups", "uneven", "nine bits", "turning", "shapes"),
]


class TestGraphs:
    test_operators = refused(
        {
            "unknown": (lambda g: g.bits(g.bad("Frobnicate", g.conv())), "not supported on activations"),
            "of an unknown domain": (lambda g: g.bad("Conv", "x", WEIGHTS, domain="com.example"), "of the domain com.example"),
            "of the wrong domain": (
                lambda g: g.bad("Quant", g.conv(), 1.0, domain="ai.onnx.ml"),
                "Quant of the domain ai.onnx.ml",
            ),
            "of QONNX's that is unknown": (
                lambda g: g.bits(g.bad("FloatQuant", g.conv(), 1.0, domain="qonnx.custom_op.general")),
                "operator FloatQuant of the domain qonnx.custom_op.general, of which only BipolarQuant",
            ),
            "of FINN's": (
                lambda g: g.bits(g.bad("XnorPopcountMatMul", g.conv(), 1.0, domain="finn.custom_op.general")),
                "operator XnorPopcountMatMul",
            ),
            "random": (
                lambda g: g.bad("Add", g.conv(), g("RandomNormal", shape=[1])),
                "noise of shape (1,) for latent variables",
            ),
            "failing": (lambda g: g.bits(g("Add", g.conv(), g.bad("Reshape", WEIGHTS, np.array([5])))), "cannot be evaluated"),
            "softmax of an image": (lambda g: g.bad("Softmax", g.conv(), axis=1), "of an activation of shape (1, 4, 4, 3)"),
        }
    )

    def test_all_offenders_are_listed(self, tmp_path: Path) -> None:
        """Also behind the first, also bad weights of a layer whose input is unknown by then; and nothing that is fine."""

        def graph(g: Case) -> str:
            y = g("Conv", "x", WEIGHTS[:, :1], group=3, name="grouped")
            y = g("AveragePool", g.bits(y), **PAIR, dilations=[2, 2], name="average")
            y = g("Conv", y, np.linspace(0, 1, 144).reshape(4, 4, 3, 3), name="float")
            y = g("Mish", g("Conv", y, POINTS), domain="com.example", name="function")
            batch = g("Unsqueeze", g("Gather", g("Shape", y), np.array(0)), np.array([0]))
            y = g("Reshape", y, g("Concat", batch, np.array([-1]), axis=0))
            return g("Hardmax", g("Gemm", y, ONE_TOO_LARGE.reshape(8, 9), transB=1, name="matrix"), name="top")

        assert list(refusals(graph, tmp_path)) == ["grouped", "average", "float", "function", "matrix", "top"]

    def test_one_frame_at_a_time(self, tmp_path: Path) -> None:
        """Nothing is mixed where the graph takes one, or where the size of a row comes from a shape."""
        for number, (batch, row) in enumerate([(1, "Flatten"), (1, "Reshape"), ("N", "Shape")]):
            g = Builder((2, 6, 5), batch=batch)
            match row:
                case "Flatten":
                    y = g("Flatten", "x", axis=0)
                case "Reshape":
                    y = g("Reshape", "x", np.array([1, -1]))
                case _:
                    frames = g("Unsqueeze", g("Gather", g("Shape", "x"), np.array(0)), np.array([0]))
                    y = g("Reshape", "x", g("Concat", frames, np.array([-1]), axis=0))
            path = g.save(tmp_path / f"{number}.onnx", g("MatMul", y, MATRIX))
            x = np.eye(60, dtype=np.float32).reshape(60, 2, 6, 5)
            np.testing.assert_array_equal(import_model(path, 1.0).run(x), execute(path, x).outputs)

    def test_seven_faults_one_behind_the_other(self, tmp_path: Path) -> None:
        """Each for its own reason, though nothing is known any more of what it takes but the shape."""

        def graph(g: Case) -> str:
            y = g("Conv", "x", np.linspace(0, 1, 144).reshape(8, 2, 3, 3) ** 3, pads=[1, 1, 1, 1], name="real")
            y = g("Conv", g.bits(y), signs(RANDOM, 8, 4, 3, 3), group=3, pads=[1, 1, 1, 1], name="grouped")
            y = g("BatchNormalization", y, *normalisation(RANDOM, 8, 3))
            y = g("AveragePool", g.bits(y), kernel_shape=[3, 3], pads=[1, 1, 1, 1], name="average")
            short = g.bits(y)
            y = g("Add", g("Conv", short, signs(RANDOM, 1, 8, 1, 1)), short, name="residual")
            y = g("MaxPool", g.quant(y, 9, name="nine bits"), **PAIR, dilations=[2, 2], name="pool")
            y = g.quant(g("Conv", y, signs(RANDOM, 8, 8, 2, 2)), 10, name="ten bits")
            return g("MatMul", g("Flatten", y), signs(RANDOM, 48, 3))

        found = refusals(graph, tmp_path)
        reasons = {
            "real": "weights that are not whole numbers of up to 8 bits",
            "grouped": "3 groups do not divide",
            "average": "padding that is not counted",
            "residual": "it adds activations of shapes",
            "nine bits": "activations of 512 levels",
            "pool": "dilations [2, 2]",
            "ten bits": "activations of 1024 levels",
        }
        assert list(found) == list(reasons)
        for node, reason in reasons.items():
            assert reason in found[node]

    def test_faults_between_quantisers(self, tmp_path: Path) -> None:
        """Behind a refused node the next quantiser's codes are known, and what is wrong with chains behind them is found."""

        def graph(g: Case) -> str:
            y = g.quant(g("Abs", g.conv(g.quant("x", 4, 0.25))), 3, 0.25, signed=0, name="turning")
            nine = np.concatenate([[256.0, 1.0], RANDOM.integers(1, 256, 14)]).reshape(4, 4, 1, 1) / 256
            y = g.quant(g("Conv", y, nine, name="nine bits"), 3, 0.5, signed=0)
            y = g.quant(g("Conv", g("Sqrt", y), POINTS, name="uneven"), 2, 0.5)
            y = g.quant(g("Conv", y, POINTS[:, :2], group=3, name="groups"), 2, 0.5)
            y = g.quant(g("Add", g.quant(g("Conv", y, POINTS), 3, 0.7854), y, name="unrelated"), 2, 0.5)
            left = g.quant(g("Conv", y, POINTS), 3, 0.5)
            right = g.quant(g("Conv", y, POINTS[::-1]), 3, 0.5)
            y = g.quant(g("Mul", left, right, name="product"), 2, 0.5)
            y = g("Transpose", g("Transpose", y, perm=[0, 2, 3, 1]), perm=[0, 3, 1, 2])
            y = g.quant(g("Tan", g("Conv", y, POINTS, name="fine"), name="sine"), 2, 0.5)
            return g.quant(g("Add", y, g.quant(g("Conv", y, POINTS, strides=[2, 2]), 2, 0.5), name="shapes"), 2, 0.5)

        reasons = {
            "turning": "what comes before it is not monotone",
            "nine bits": "weights of 9 bits; at most 8 are supported",
            "uneven": "its input is not a linear function of integers",
            "groups": "3 groups do not divide its 4 outputs",
            "unrelated": "in steps of 0.785399973 and of 0.5",
            "product": "it combines two activations",
            "sine": "not supported on activations",
            "shapes": "it adds activations of shapes",
        }
        found = refusals(graph, tmp_path)
        assert list(found) == list(reasons)
        for node, reason in reasons.items():
            assert reason in found[node]

    @pytest.mark.parametrize("order", ORDERS, ids=lambda order: " ".join(order))
    def test_faults_in_any_order(self, order: tuple[str, ...], tmp_path: Path) -> None:
        """Each is named for its own reason, once, and nothing else is."""

        def graph(g: Case) -> str:
            y = g.quant(g.conv(g.quant("x", 4, 0.25), pads=[1, 1, 1, 1]), 3, 0.5)
            for fault in order:
                y = FAULTS[fault][0](g, y)
            return g("MatMul", g("Flatten", y), signs(RANDOM, 4 * 6 * 5, 3))

        found = refusals(graph, tmp_path)
        assert list(found) == list(order)
        for fault, reason in found.items():
            assert FAULTS[fault][1] in reason

    @pytest.mark.parametrize("layer", ["groups", "nine bits"])
    def test_turning_right_behind_a_fault(self, layer: str, tmp_path: Path) -> None:
        """No quantiser stands between."""

        def graph(g: Case) -> str:
            y = g.quant(g.conv(g.quant("x", 4, 0.25)), 3, 0.5, signed=0)
            weights = POINTS[:, :2] if layer == "groups" else np.arange(241.0, 257.0).reshape(4, 4, 1, 1) * POINTS
            y = g("Abs", g("Conv", y, weights, group=3 if layer == "groups" else 1, name=layer))
            return g("MatMul", g("Flatten", g.quant(y, 3, 0.5, signed=0, name="turning")), signs(RANDOM, 48, 3))

        found = refusals(graph, tmp_path)
        assert list(found) == [layer, "turning"]
        assert "what comes before it is not monotone" in found["turning"]

    @pytest.mark.parametrize("size", [np.pi, 3.0])
    def test_levels_right_behind_a_fault(self, size: float, tmp_path: Path) -> None:
        """Of comparisons with something that is not known: what they make together is uneven, or it is not."""

        def graph(g: Case) -> str:
            y = g("Tan", g("Conv", "x", WEIGHTS), name="unknown")
            first, second = (g("Cast", g("Greater", y, bound), to=TensorProto.FLOAT) for bound in (0.6, 1.1))
            y = g("Conv", g("Add", first, g("Mul", second, size), name="levels"), POINTS)
            return g("MatMul", g("Flatten", g.quant(y, 2, 0.5)), signs(RANDOM, 48, 3))

        found = refusals(graph, tmp_path)
        assert list(found) == (["unknown", "levels"] if size > 3 else ["unknown"])
        assert "its levels 0.0, 1.0 and 4.141593 are not evenly spaced" in found.get("levels", "") or size == 3

    def test_faults_of_both_ways(self, tmp_path: Path) -> None:
        """Of both that a sum takes, of what is pooled, and behind that; of what an unknown node takes, and a choice."""

        def graph(g: Case) -> str:
            start = g.quant(g.conv(g.quant("x", 4, 0.25), pads=[1, 1, 1, 1]), 3, 0.5)

            def turned(y: str, name: str) -> str:
                return g.quant(g("Abs", g("Conv", y, POINTS)), 3, 0.5, signed=0, name=name)

            y = g.quant(g("Add", turned(start, "left"), turned(start, "right")), 3, 0.5, signed=0)
            pooled = g("MaxPool", turned(y, "pooled"), **PAIR)
            y = g("Add", g("Conv", pooled, POINTS), g("Mul", g("Conv", pooled, POINTS), np.pi), name="sum")
            y = g.quant(g("Tan", turned(g.quant(y, 3, 0.5), "taken"), name="unknown"), 3, 0.5)
            y = g("Concat", turned(y, "beside"), g.quant(g("Conv", y, POINTS, strides=[2, 2]), 3, 0.5), axis=1, name="joined")
            return g("ArgMin", g("MatMul", g("Flatten", y), signs(RANDOM, 8 * 5 * 4, 3)), axis=1, name="choice")

        found = refusals(graph, tmp_path)
        assert list(found) == ["left", "right", "pooled", "sum", "taken", "unknown", "beside", "joined", "choice"]
        assert found["sum"].startswith("it adds numbers in steps of ")
        assert found["joined"].startswith("it joins activations of shapes")
        assert found["choice"].startswith("the place of the smallest; only that of the largest (ArgMax, TopK) is supported")

    @pytest.mark.parametrize("seed", range(8))
    def test_faults_on_two_ways(self, seed: int, tmp_path: Path) -> None:
        """Some on each way into a sum, some behind it."""
        order = np.random.default_rng(seed).permutation(list(FAULTS)).tolist()

        def graph(g: Case) -> str:
            start = g.quant(g.conv(g.quant("x", 4, 0.25), pads=[1, 1, 1, 1]), 3, 0.5)
            ways = []
            for faults in (order[:2], order[2:4]):
                y = start
                for fault in faults:
                    y = FAULTS[fault][0](g, y)
                ways.append(y)
            y = g.quant(g("Add", *ways), 3, 0.5)
            for fault in order[4:]:
                y = FAULTS[fault][0](g, y)
            return g("ArgMax", g("MatMul", g("Flatten", y), signs(RANDOM, 4 * 6 * 5, 3)), axis=1)

        assert list(refusals(graph, tmp_path)) == order

    @pytest.mark.parametrize(
        "binarised",
        [
            lambda g, y: g("Sign", y),
            lambda g, y: g("Sign", g("Relu", g("Add", y, 0.5))),
            lambda g, y: g("Where", g("Greater", y, 0.0), 1.0, -1.0),
            lambda g, y: g.quant(y, 1),
            lambda g, y: g("MultiThreshold", y, np.zeros((4, 1))),
            lambda g, y: g("Round", g("Clip", y, 0.0, 1.0)),
        ],
    )
    def test_any_binarisation_may_stand_behind(self, binarised: Callable[[Case, str], str], tmp_path: Path) -> None:
        """What is behind it is looked at as well."""

        def graph(g: Case) -> str:
            y = g("Conv", binarised(g, g.bad("Tan", g.conv())), POINTS, name="fine")
            return g("Conv", g("Sign", y), ONE_TOO_LARGE[:, :, :2, 1:].repeat(2, axis=1), name="weights")

        assert list(refusals(graph, tmp_path)) == ["culprit", "weights"]

    @pytest.mark.parametrize("operator", ["Tan", "GlobalLpPool", "LpPool", "Sinh", "InstanceNormalization"])
    def test_what_stands_behind_may_be_right(self, operator: str, tmp_path: Path) -> None:
        """Also a Quant of the input behind a function that is refused; and what is wrong with its shape is said."""

        def graph(g: Case) -> str:
            constants = [np.ones(2), np.zeros(2)] if operator.startswith("Instance") else []
            y = g.quant(g.bad(operator, "x", *constants, **(PAIR if operator == "LpPool" else {})), 8)
            y = g("Conv", y, signs(RANDOM, 4, 2, 1, 1))
            return g("MatMul", g("Flatten", g.bits(y)), np.ones((7, 3)), name="matrix")

        found = refusals(graph, tmp_path)
        assert list(found) == ["culprit", "matrix"]
        assert "weights of shape (7, 3) for an activation of shape" in found["matrix"]

    @pytest.mark.parametrize("binarise", ["Sign", "BipolarQuant", "Greater"])
    def test_bits_behind_a_finding(self, binarise: str, tmp_path: Path) -> None:
        """Of any kind, they are no finding of their own."""

        def graph(g: Case) -> str:
            y = g("Conv", g.bad("Tan", g.conv()), POINTS)
            match binarise:
                case "Sign":
                    y = g("Sign", y)
                case "Greater":
                    y = g("Cast", g("Greater", y, 0.0), to=TensorProto.FLOAT)
                case _:
                    y = g.bits(y)
            return g("Conv", y, POINTS)

        assert list(refusals(graph, tmp_path)) == ["culprit"]

    def test_behind_a_shape_that_is_not_known(self, tmp_path: Path) -> None:
        """What a node says of itself is still read."""

        def graph(g: Case) -> str:
            y = g("Shift", g.bits(), domain="com.example", name="function")
            y = g("Conv", y, signs(RANDOM, 4, 2, 1, 1), group=3, name="grouped")
            y = g("AveragePool", y, **PAIR, dilations=[2, 2], name="average")
            return g.conv(g("MaxPool", y, **PAIR, dilations=[1, 2], name="pool"))

        assert list(refusals(graph, tmp_path)) == ["function", "grouped", "average", "pool"]

    def test_real_weights(self, tmp_path: Path) -> None:
        """In front of what is binary they are refused, and it is said where they may be."""
        (reason,) = refusals(lambda g: g.bits(g("Conv", "x", RANDOM.normal(size=(4, 2, 3, 3)))), tmp_path).values()
        assert "real weights may stand behind all binary activations, not before any" in reason

    def test_nodes_without_names_are_counted(self, tmp_path: Path) -> None:
        def graph(g: Case) -> str:
            y = g("Tan", g.conv())
            for node in g.nodes:
                node.ClearField("name")
            return y

        assert list(refusals(graph, tmp_path)) == ["Tan_1"]

    def test_functions_of_the_file_count_as_one_node(self, tmp_path: Path) -> None:
        """Nodes without names are counted as the file has them; those of a function by where it has them."""
        opsets = [helper.make_opsetid("", 13)]
        body = [helper.make_node("Neg", ["x"], ["t"]), helper.make_node("Tan", ["t"], ["y"])]
        case = Case()
        y = case("Twice", case("Sinh", case("Twice", case.conv(), domain="own")), domain="own")
        for node in case.nodes:
            node.ClearField("name")
        model = case.model(y)
        model.functions.append(helper.make_function("own", "Twice", ["x"], ["y"], body, opsets))
        model.opset_import.append(helper.make_opsetid("own", 1))
        onnx.save(model, str(tmp_path / "m.onnx"))
        with pytest.raises(UnsupportedModelError) as caught:
            import_model(tmp_path / "m.onnx")
        first, second, third = (finding.node for finding in caught.value.findings)
        assert second == "Sinh_2"
        assert first.startswith("Twice/Tan_1")
        assert third.startswith("Twice/Tan_1")
        assert first != third

    def test_a_second_input(self, tmp_path: Path) -> None:
        def graph(g: Case) -> str:
            g.inputs.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 4, 1, 1]))
            return g("Max", g.conv(), "z")

        assert refusals(graph, tmp_path) == {"z": f"a second input; {CONDITION}"}

    @pytest.mark.parametrize(
        ("graph", "reason"),
        [
            (lambda g: "x", "no layer stands between the input and the output"),
            (lambda g: g("Mul", "x", 2.0), "no layer stands between the input and the output"),
            (lambda g: g("Identity", WEIGHTS), "it does not depend on the input"),
            (lambda g: "nowhere", "no node gives it"),
            (lambda g: g.quant("x", 8, 0.25), "no layer stands between the input and the output"),
            (lambda g: g("BipolarQuant", "x", 1.0), "no layer stands between the input and the output"),
            (lambda g: g("Relu", g.quant("x", 4)), "no layer stands between the input and the output"),
            (lambda g: g("Pad", g.conv(), g.padded(1, 1, 0, 0)), "no padding"),
            (lambda g: g("Transpose", g.conv(), perm=[1, 0, 2, 3]), "expected a batch in front"),
        ],
    )
    def test_outputs(self, graph: Graph, reason: str, tmp_path: Path) -> None:
        (found,) = refusals(graph, tmp_path).values()
        assert reason in found
