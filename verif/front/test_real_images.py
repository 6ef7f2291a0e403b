"""Images of real numbers that are pooled, repeated or shuffled, or have one dimension: they become what the graph computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sigmabit.golden import Coding, Precision, UnsupportedModelError, calibrated, import_model, import_real
from sigmabit.golden.network.real import RealNetwork
from sigmabit.hdl.planning.planner import Planner

from ..harness.onnx_graphs import Builder, normalisation
from ..harness.quantisation import compare_layers
from ..simulation import simulate
from ..simulation.compare import first_difference
from ..simulation.reference import execute

FRAMES = 12
SHAPE = (2, 6, 5)
LONG = (3, 16)


class Images(Builder):
    """A graph whose weights are drawn from a seed."""

    def __init__(self, shape: tuple[int, ...], opset: int = 13) -> None:
        super().__init__(shape, opset=opset)
        self.random = np.random.default_rng(3)

    def weights(self, *shape: int) -> np.ndarray:
        """Of order 1 in sum."""
        return (self.random.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    def bias(self, outputs: int) -> np.ndarray:
        """Numbers of some size."""
        return (self.random.normal(size=outputs) / 2).astype(np.float32)

    def conv(self, x: str, inputs: int, outputs: int, *kernel: int, **attributes: Any) -> str:
        """A convolution with a bias."""
        return self("Conv", x, self.weights(outputs, inputs, *kernel), self.bias(outputs), **attributes)

    def half(self, x: str, outputs: int = 4) -> str:
        """A convolution over the input's two channels, padded, and a ReLU."""
        return self("Relu", self.conv(x, 2, outputs, 3, 3, pads=[1, 1, 1, 1]))

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        """A dense layer of all elements."""
        return self("Gemm", self("Flatten", x), self.weights(outputs, inputs), self.bias(outputs), transB=1)


Graph = Callable[[Images], str]

NONE = np.zeros(0, np.float32)


def scales(*factors: float) -> np.ndarray:
    """Of Resize."""
    return np.array((1, 1, *factors), np.float32)


TALL: dict[str, Any] = {"kernel_shape": [2, 1]}

POOLED: dict[str, Graph] = {
    "average": lambda g: g.conv(g("AveragePool", g.half("x"), kernel_shape=[2, 2], strides=[2, 2]), 4, 3, 2, 2),
    "average at the end": lambda g: g("AveragePool", g.half("x"), kernel_shape=[3, 2]),
    "average that counts its padding": lambda g: g.dense(
        g("AveragePool", g.half("x"), kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2], count_include_pad=1), 36, 5
    ),
    "average of the input": lambda g: g.dense(g("AveragePool", "x", kernel_shape=[2, 1], strides=[2, 1]), 30, 3),
    "of all positions, dense": lambda g: g.dense(g("GlobalAveragePool", g.half("x")), 4, 3),
    "of all positions, a function": lambda g: g.dense(g("Tanh", g("GlobalAveragePool", g.half("x"))), 4, 3),
    "mean of all positions": lambda g: g.dense(g("ReduceMean", g.half("x"), axes=[2, 3], keepdims=0), 4, 3),
    "mean at the end": lambda g: g("ReduceMean", g.half("x"), axes=[-2, -1], keepdims=0),
}

MAXIMA: dict[str, Graph] = {
    "of a ReLU": lambda g: g.conv(g("MaxPool", g.half("x"), kernel_shape=[2, 2], strides=[2, 2]), 4, 3, 2, 2),
    "before a ReLU": lambda g: g.conv(g("Relu", g("MaxPool", g.conv("x", 2, 4, 3, 3), kernel_shape=[2, 2])), 4, 3, 2, 2),
    "of a tanh": lambda g: g.conv(
        g("MaxPool", g("Tanh", g.conv("x", 2, 4, 3, 3)), kernel_shape=[2, 1]), 4, 3, 2, 2, pads=[1] * 4
    ),
    "of sums": lambda g: g.dense(g("MaxPool", g.conv("x", 2, 4, 3, 3), kernel_shape=[3, 3], strides=[2, 2]), 4, 3),
    "padded": lambda g: g.dense(g("MaxPool", g.half("x"), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]), 36, 3),
    "of one position each": lambda g: g.dense(g("MaxPool", g.half("x"), kernel_shape=[1, 1]), 120, 3),
    "of one position of the input": lambda g: g.dense(g("MaxPool", "x", kernel_shape=[1, 1]), 60, 3),
    "of one maximum": lambda g: g("MaxPool", g("MaxPool", g.half("x"), kernel_shape=[2, 2]), kernel_shape=[1, 1]),
    "of every other position": lambda g: g.dense(g("MaxPool", g.half("x"), kernel_shape=[1, 1], strides=[2, 2]), 36, 3),
    "of all positions": lambda g: g.dense(g("GlobalMaxPool", g.half("x")), 4, 3),
    "scaled behind": lambda g: g.dense(g("Sub", g("Mul", g("MaxPool", g.half("x"), kernel_shape=[2, 2]), -2.0), 1.0), 80, 3),
    "scaled, then a sigmoid": lambda g: g.dense(
        g("Sigmoid", g("Mul", g("MaxPool", g.half("x"), kernel_shape=[2, 2]), 1.5)), 80, 3
    ),
    "of a transposed": lambda g: g.dense(
        g(
            "MaxPool",
            g("Relu", g("ConvTranspose", "x", g.weights(2, 3, 3, 3), strides=[2, 2])),
            kernel_shape=[3, 2],
            strides=[3, 2],
        ),
        *(60, 4),
    ),
    "of a normalisation": lambda g: g.dense(
        g(
            "MaxPool",
            g("Relu", g("BatchNormalization", g.conv("x", 2, 4, 3, 3), *normalisation(g.random, 4, 1))),
            kernel_shape=[2, 2],
        ),
        *(24, 4),
    ),
    "at the end": lambda g: g("MaxPool", g("LeakyRelu", g.conv("x", 2, 4, 3, 3), alpha=0.25), kernel_shape=[2, 2]),
}

REPEATED: dict[str, Graph] = {
    "once along each axis": lambda g: g.dense(g("Expand", g.half("x"), np.array([1, 1, 1, 1])), 120, 3),
    "to what it is": lambda g: g.dense(g("Expand", g.half("x"), np.array([4, 1, 5])), 120, 3),
    "convolution": lambda g: g.conv(g("Resize", g.half("x"), NONE, scales(2, 2), mode="nearest"), 4, 3, 3, 3, pads=[1, 1, 1, 1]),
    "wide kernel": lambda g: g.conv(g("Resize", g.half("x"), NONE, scales(2, 3)), 4, 2, 5, 4, pads=[2, 1, 2, 2]),
    "no padding": lambda g: g.conv(g("Resize", g.half("x"), NONE, scales(3, 2)), 4, 2, 2, 3),
    "rows alone": lambda g: g.conv(g("Resize", g.half("x"), NONE, scales(2, 1)), 4, 2, 3, 3, pads=[0, 2, 1, 0]),
    "function behind": lambda g: g.conv(g("Relu", g("Resize", g.conv("x", 2, 4, 2, 2), NONE, scales(2, 2))), 4, 3, 3, 3),
    "of a row": lambda g: g.conv(
        g("Resize", g("Reshape", g("Relu", g.dense("x", 60, 12)), np.array([-1, 3, 2, 2])), NONE, scales(2, 2)), 3, 2, 3, 3
    ),
    "of the input": lambda g: g.conv(g("Resize", "x", NONE, scales(2, 2)), 2, 3, 3, 3, pads=[1, 1, 1, 1]),
    "twice": lambda g: g.conv(
        g("Resize", g("Relu", g.conv(g("Resize", g.half("x"), NONE, scales(2, 2)), 4, 3, 3, 3)), NONE, scales(2, 2)), 3, 1, 3, 3
    ),
    "strides": lambda g: g.conv(g("Resize", g.half("x"), NONE, scales(2, 2)), 4, 2, 3, 3, strides=[3, 2]),
    "transposed behind": lambda g: g("ConvTranspose", g("Resize", g.half("x"), NONE, scales(2, 2)), g.weights(4, 2, 2, 2)),
    "at the end": lambda g: g("Resize", g.half("x"), NONE, scales(2, 2)),
    "dense": lambda g: g.dense(g("Resize", g.half("x", 1), NONE, scales(2, 2)), 120, 3),
    "sizes": lambda g: g.conv(g("Resize", g.half("x"), NONE, NONE, np.array([1, 4, 12, 10])), 4, 2, 3, 3),
    "asymmetric": lambda g: g.conv(
        g(
            *("Resize", g.half("x"), NONE, scales(3, 3)),
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
        *(4, 2, 3, 3),
    ),
    "averaged again": lambda g: g("AveragePool", g("Resize", g.half("x"), NONE, scales(2, 2)), kernel_shape=[3, 3]),
}

SHUFFLED: dict[str, Graph] = {
    "depth to space": lambda g: g.conv(g("DepthToSpace", g("Relu", g.conv("x", 2, 8, 3, 3)), blocksize=2), 2, 3, 3, 3),
    "columns first": lambda g: g.conv(g("Relu", g("DepthToSpace", g.conv("x", 2, 8, 3, 3), blocksize=2, mode="CRD")), 2, 3, 3, 3),
    "spelt out": lambda g: g.conv(
        g(
            "Reshape",
            g(
                "Transpose",
                g("Reshape", g("Tanh", g.conv("x", 2, 8, 3, 3)), np.array([-1, 2, 2, 2, 4, 3])),
                perm=[0, 1, 4, 2, 5, 3],
            ),
            np.array([-1, 2, 8, 6]),
        ),
        *(2, 3, 3, 3),
    ),
    "at the end": lambda g: g("Sigmoid", g("DepthToSpace", g.conv("x", 2, 8, 3, 3), blocksize=2)),
    "transposed behind": lambda g: g(
        "ConvTranspose", g("DepthToSpace", g("Relu", g.conv("x", 2, 8, 3, 3)), blocksize=2), g.weights(2, 1, 2, 2), strides=[2, 2]
    ),
}

ROWS: dict[str, Graph] = {
    "transposed": lambda g: g(
        "ConvTranspose", g("Relu", g.conv("x", 3, 4, 3, strides=[2])), g.weights(4, 2, 4), g.bias(2), strides=[2], pads=[1, 1]
    ),
    "transposed with more": lambda g: g(
        "ConvTranspose", g("Relu", g.conv("x", 3, 4, 3)), g.weights(4, 2, 3), strides=[3], output_padding=[1]
    ),
    "repeated": lambda g: g.conv(
        g("Resize", g("Relu", g.conv("x", 3, 4, 3)), NONE, scales(2), mode="nearest"), 4, 2, 3, pads=[1, 1]
    ),
    "averaged": lambda g: g.conv(g("AveragePool", g("Relu", g.conv("x", 3, 4, 3)), kernel_shape=[2], strides=[2]), 4, 2, 3),
    "maxima": lambda g: g.dense(g("MaxPool", g("Relu", g.conv("x", 3, 4, 3)), kernel_shape=[2], strides=[2]), 28, 2),
    "mean": lambda g: g.dense(g("ReduceMean", g("Relu", g.conv("x", 3, 4, 3)), axes=[2]), 4, 2),
}

KINDS = (
    ("pooled", SHAPE, POOLED),
    ("maxima", SHAPE, MAXIMA),
    ("repeated", SHAPE, REPEATED),
    ("shuffled", SHAPE, SHUFFLED),
    ("rows", LONG, ROWS),
)
ALL = [(shape, f"{kind}, {name}", graph) for kind, shape, graphs in KINDS for name, graph in graphs.items()]


def made(shape: tuple[int, ...], graph: Graph, folder: Path, opset: int = 13) -> tuple[Path, np.ndarray]:
    """The file of a graph, and frames that lie on their grid."""
    g = Images(shape, opset)
    x = np.random.default_rng(4).normal(size=(FRAMES, *shape))
    return g.save(folder / "m.onnx", graph(g)), Coding.fitting(x).nearest(x).astype(np.float32)


def agree(path: Path, x: np.ndarray) -> RealNetwork:
    """Assert that results in real numbers are onnxruntime's, and each quantised layer as near to it as roundings allow."""
    real = import_real(path, coding=Coding.fitting(x))
    none = np.zeros((len(x), 0))
    executed = execute(path, x).outputs
    found = real.output(x, none)
    assert found.shape == executed.shape
    np.testing.assert_allclose(found, executed, rtol=1e-4, atol=1e-5 * np.abs(executed).max())
    network = import_model(path, calibration=calibrated(real, x, Precision()))
    for layer in compare_layers(real, network, x, none.astype(np.int64)):
        assert np.all(layer.differences <= layer.bound * (1 + 1e-9) + 1e-9), layer.layer
    assert np.sqrt(np.mean((network.run(x) - executed) ** 2)) < 0.05 * max(float(executed.std()), 0.1)
    return real


@pytest.mark.parametrize(("shape", "name", "graph"), ALL, ids=[name for _, name, _ in ALL])
def test_agrees(shape: tuple[int, ...], name: str, graph: Graph, tmp_path: Path) -> None:
    """As the exporters write it."""
    agree(*made(shape, graph, tmp_path))


@pytest.mark.parametrize("name", ["repeated, wide kernel", "shuffled, columns first", "maxima, of a tanh"])
def test_hardware(name: str, tmp_path: Path) -> None:
    """Every tensor is golden's, in the cycles that were planned."""
    shape, graph = next((shape, graph) for shape, known, graph in ALL if known == name)
    path, x = made(shape, graph, tmp_path)
    real = import_real(path, coding=Coding.fitting(x))
    plan = Planner(import_model(path, calibration=calibrated(real, x, Precision())), "xc7vx690t", 200.0).plan(600)
    codes = plan.network.input.encode(x)
    measured = simulate(plan, codes, "verilator", taps=True, optimise=0)
    assert first_difference(dict(plan.network.steps(codes)), measured.trace) is None
    assert measured.latency == plan.latency


def test_means_cost_no_layer(tmp_path: Path) -> None:
    """A dense layer behind a mean of all positions sums them up itself; positions that are repeated are never computed twice, and
    the largest of one is that one.
    """
    real = agree(*made(SHAPE, POOLED["of all positions, dense"], tmp_path))
    assert [layer.name for layer in real.layers] == ["conv1", "dense1"]
    real = agree(*made(SHAPE, MAXIMA["of one position each"], tmp_path))
    assert [layer.name for layer in real.layers] == ["conv1", "dense1"]
    real = agree(*made(SHAPE, REPEATED["convolution"], tmp_path))
    assert [layer.name for layer in real.layers] == ["conv1", "conv2"]
    assert [layer.shape for layer in real.layers] == [(6, 5, 4), (12, 10, 3)]


REFUSED: dict[str, tuple[Graph, str]] = {
    "as many maxima as positions": (
        lambda g: g.dense(g("MaxPool", g.half("x"), kernel_shape=[3, 3], pads=[1, 1, 1, 1], name="bad"), 120, 3),
        "padding so wide that two windows end at the same input",
    ),
    "linear": (lambda g: g("Resize", g.half("x"), NONE, scales(2, 2), mode="linear", name="bad"), "mode linear"),
    "a fraction": (lambda g: g("Resize", g.half("x"), NONE, scales(1.5, 2), name="bad"), r"factors \[1\.0, 1\.0, 1\.5, 2\.0\]"),
    "cropped": (
        lambda g: g("Resize", g.half("x"), NONE, scales(2, 2), coordinate_transformation_mode="tf_crop_and_resize", name="bad"),
        "coordinates tf_crop_and_resize",
    ),
    "maxima of the input": (lambda g: g.half(g("MaxPool", "x", **TALL, name="bad")), "maxima of what no convolution gives"),
    "maxima before what falls": (
        lambda g: g.conv(
            g("Relu", g("Mul", g("MaxPool", g.half("x"), kernel_shape=[2, 2]), -1.0, name="turn")), 4, 2, 2, 2, name="bad"
        ),
        "turn behind maxima does not rise everywhere",
    ),
    "uncounted": (
        lambda g: g("AveragePool", g.half("x"), kernel_shape=[2, 2], pads=[1, 1, 0, 0], name="bad"),
        "padding that is not counted",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    """By the node that is at fault."""
    graph, says = REFUSED[name]
    with pytest.raises(UnsupportedModelError, match=rf"1 unsupported node: bad .*{says}"):
        import_real(made(SHAPE, graph, tmp_path)[0])
