"""Functions of one number, and of a row of them: what ONNX Runtime computes, attributes and their defaults included."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from sigmabit.golden.front.importer.model_file import Node
from sigmabit.golden.front.importer.scalar_nodes import PIECES, ROUNDINGS, ROWWISE, SHAPED, UNARY

X = np.concatenate([np.linspace(-6, 6, 97), [-0.5, 0.5, 1.5, 2.5, -1.5, -2.5, 1e-3, -1e-3, 20, -20]]).astype(np.float32)
POSITIVE = ("Log", "Reciprocal", "Sqrt")
"""Functions of numbers above zero."""

ATTRIBUTES: dict[str, list[dict[str, Any]]] = {
    "Celu": [{}, {"alpha": 2.5}],
    "Elu": [{}, {"alpha": 0.3}],
    "Gelu": [{}, {"approximate": "tanh"}, {"approximate": "none"}],
    "Selu": [{}, {"alpha": 0.5, "gamma": 2.0}],
    "Swish": [{}, {"alpha": 0.25}],
    "Shrink": [{}, {"bias": 0.25, "lambd": 1.5}, {"lambd": 2.0}],
    "ThresholdedRelu": [{}, {"alpha": 2.5}],
}
EVERY = [(operator, attributes) for operator in (*UNARY, *SHAPED, *PIECES) for attributes in ATTRIBUTES.get(operator, [{}])]


def executed(operator: str, attributes: dict[str, Any], x: NDArray[np.float32]) -> NDArray[np.float32]:
    """By ONNX Runtime; Swish, which few of its versions have, by its definition."""
    if operator == "Swish":
        return np.asarray(x * executed("Sigmoid", {}, np.float32(attributes.get("alpha", 1.0)) * x))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in "xy"]
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"], **attributes)], "one", ends[:1], ends[1:])
    model = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 22)])
    (found,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    return np.asarray(found)


def node(operator: str, attributes: dict[str, Any]) -> Node:
    """As it is read from a file."""
    return Node("n", operator, "", ("x",), ("y",), attributes, onnx.NodeProto())


@pytest.mark.parametrize(("operator", "attributes"), EVERY, ids=str)
def test_functions(operator: str, attributes: dict[str, Any]) -> None:
    """In float32, to a few last bits; in float64 the same numbers, with more digits."""
    shapes = SHAPED | PIECES
    function = shapes[operator](node(operator, attributes)) if operator in shapes else UNARY[operator]
    x = np.abs(X) + np.float32(0.01) if operator in POSITIVE else X
    expected = executed(operator, attributes, x)
    found = function(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(function(x.astype(np.float64)), expected, rtol=2e-5, atol=2e-6)


def test_all_attributes_are_tried() -> None:
    """Each that ONNX has of a function that attributes complete."""
    for operator in (*SHAPED, *PIECES):
        known = set(onnx.defs.get_schema(operator).attributes)
        assert known == {name for attributes in ATTRIBUTES[operator] for name in attributes}


@pytest.mark.parametrize("operator", ROWWISE)
def test_rows(operator: str) -> None:
    """However large the scores are."""
    x = np.random.default_rng(1).normal(size=(5, 7)).astype(np.float32) * np.array([[1], [10], [30], [0], [1]], np.float32)
    np.testing.assert_allclose(ROWWISE[operator](x), executed(operator, {"axis": 1}, x), rtol=2e-5, atol=2e-6)
    assert np.isfinite(ROWWISE[operator](x * 100)).all()


@pytest.mark.parametrize(
    ("mode", "rounded"),
    [
        ("ROUND", [-2, -2, -1, 0, 0, 0, 1, 2, 2]),
        ("HALF_EVEN", [-2, -2, -1, 0, 0, 0, 1, 2, 2]),
        ("CEIL", [-2, -1, 0, 0, 0, 1, 1, 2, 3]),
        ("FLOOR", [-3, -2, -1, -1, 0, 0, 0, 1, 2]),
        ("UP", [-3, -2, -1, -1, 0, 1, 1, 2, 3]),
        ("DOWN", [-2, -1, 0, 0, 0, 0, 0, 1, 2]),
        ("ROUND_TO_ZERO", [-2, -1, 0, 0, 0, 0, 0, 1, 2]),
        ("HALF_UP", [-3, -2, -1, -1, 0, 1, 1, 2, 3]),
        ("HALF_DOWN", [-2, -1, -1, 0, 0, 0, 1, 1, 2]),
    ],
)
def test_roundings(mode: str, rounded: list[int]) -> None:
    """Of halves, and of what is nearer to one of two whole numbers: here -2.5, -1.5, -0.75, -0.5, 0, 0.5, 0.75, 1.5, 2.5."""
    x = np.array([-2.5, -1.5, -0.75, -0.5, 0, 0.5, 0.75, 1.5, 2.5])
    assert ROUNDINGS[mode](x).tolist() == rounded
