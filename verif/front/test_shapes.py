"""Shapes behind nodes that are refused, against ONNX's own inference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, shape_inference

from sigmabit.golden.front.importer.model_file import Node
from sigmabit.golden.front.importer.shapes import shape_behind

IMAGE = (1, 4, 7, 10)
PADS = [1, 0, 2, 1]

WINDOWS: list[dict[str, Any]] = [
    {},
    {"strides": [2, 3]},
    {"pads": PADS},
    {"strides": [3, 2], "pads": PADS, "dilations": [2, 3]},
    {"auto_pad": "SAME_UPPER", "strides": [2, 3]},
    {"auto_pad": "SAME_LOWER", "strides": [3, 4]},
    {"auto_pad": "VALID", "strides": [1, 2]},
]

CASES: list[tuple[str, tuple[tuple[int, ...], ...], dict[str, Any]]] = [
    *(("Conv", (IMAGE, (5, 4, 2, 3)), window) for window in WINDOWS),
    *(("Conv", (IMAGE, (6, 2, 2, 3)), {"group": 2, **window}) for window in WINDOWS),
    *(("ConvTranspose", (IMAGE, (4, 5, 2, 3)), window) for window in WINDOWS[:4]),
    ("ConvTranspose", (IMAGE, (4, 5, 2, 3)), {"strides": [3, 2], "output_padding": [2, 1], "group": 2}),
    *(("MaxPool", (IMAGE,), {"kernel_shape": [3, 2], **window}) for window in WINDOWS),
    *(("MaxPool", (IMAGE,), {"kernel_shape": [3, 2], "ceil_mode": 1, **window}) for window in WINDOWS[:3]),
    *(("AveragePool", (IMAGE,), {"kernel_shape": [2, 3], **window}) for window in WINDOWS[:3]),
    *((operator, (IMAGE,), {}) for operator in ("GlobalAveragePool", "GlobalMaxPool", "Relu", "Softmax", "Sigmoid")),
    ("Gemm", ((3, 4), (4, 5)), {}),
    ("Gemm", ((3, 4), (5, 4)), {"transB": 1}),
    ("MatMul", ((2, 3, 4), (4, 6)), {}),
    ("Add", ((2, 1, 4), (5, 1)), {}),
]


def behind(operator: str, shapes: tuple[tuple[int, ...], ...], attributes: dict[str, Any]) -> tuple[int, ...] | None:
    """What the importer takes the shape for."""
    names = tuple(f"x{number}" for number in range(len(shapes)))
    proto = helper.make_node(operator, list(names), ["y"], **attributes)
    node = Node("n", operator, "", names, ("y",), attributes, proto, False)
    return shape_behind(node, [np.zeros(shape, np.float32) for shape in shapes], lambda node, arguments: arguments)


@pytest.mark.parametrize(("operator", "shapes", "attributes"), CASES)
def test_as_onnx_infers(operator: str, shapes: tuple[tuple[int, ...], ...], attributes: dict[str, Any]) -> None:
    """Windows with strides, padding and gaps, products, and what keeps its shape."""
    names = [f"x{number}" for number in range(len(shapes))]
    graph = helper.make_graph(
        [helper.make_node(operator, names, ["y"], **attributes)],
        "g",
        [helper.make_tensor_value_info(names[0], TensorProto.FLOAT, shapes[0])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.zeros(shape, np.float32), name) for name, shape in zip(names[1:], shapes[1:], strict=True)],
    )
    model = shape_inference.infer_shapes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), strict_mode=True)
    wanted = tuple(size.dim_value for size in model.graph.output[0].type.tensor_type.shape.dim)
    assert behind(operator, shapes, attributes) == wanted


def test_not_known() -> None:
    """Of other operators, of images without a window, and where ONNX would have to look at more."""
    assert behind("NonZero", (IMAGE,), {}) is None
    assert behind("MaxPool", (IMAGE,), {"kernel_shape": [9, 2]}) is None
    assert behind("MaxPool", (IMAGE,), {}) is None
    assert behind("ConvTranspose", (IMAGE, (4, 5, 2, 3)), {"auto_pad": "SAME_UPPER"}) is None
    assert behind("ConvTranspose", (IMAGE, (4, 5, 2, 3)), {"output_shape": [20, 20]}) is None
    assert behind("Add", ((1 << 20, 1), (1, 1 << 20)), {}) is None
