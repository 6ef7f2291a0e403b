"""Autoencoders of dense layers, as every tutorial trains them, as an ONNX graph; with seeded weights, or any others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

OPSET = 17
IR_VERSION = 8
PARTS = ("weight", "bias")
LARGEST = 127
"""Of a weight, in steps: 8 bits."""


def random_autoencoder(
    shape: Sequence[int] = (1, 28, 28), hidden: int = 400, latents: int = 20, seed: int = 1
) -> onnx.ModelProto:
    """Pixels from 0 to 255 to a hidden layer, to `latents` means and logarithms, a sample, a hidden layer, and pixels again.

    shape: of an image, (channels, height, width) or (pixels,); the result's is the same. Weights are drawn evenly from all
    integers of 8 bits, symmetric about zero, in steps such that sums of all layers are of order 1.
    """
    generator, pixels = np.random.default_rng(seed), math.prod(shape)

    def drawn(inputs: int, outputs: int) -> tuple[NDArray[Any], NDArray[Any]]:
        weights = generator.integers(-LARGEST, LARGEST, (outputs, inputs), endpoint=True) * (2.0**-6 / math.sqrt(inputs))
        return weights, 0.1 * generator.normal(size=outputs)

    sizes = {"encoder": (pixels, hidden), "mu": (hidden, latents), "logvar": (hidden, latents)}
    sizes |= {"decoder": (latents, hidden), "result": (hidden, pixels)}
    return autoencoder(shape, {name: drawn(*size) for name, size in sizes.items()}, 1 / 255)


def autoencoder(
    shape: Sequence[int], weights: Mapping[str, tuple[NDArray[Any], NDArray[Any]]], step: float | None = None
) -> onnx.ModelProto:
    """The graph of dense layers encoder, mu, logvar, decoder and result, (outputs, inputs) weights and (outputs,) biases by name.

    shape: of an image, (channels, height, width) or (pixels,). step: what the graph multiplies its pixels by, if anything.
    """
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []
    pixels, hidden, latents = math.prod(shape), len(weights["encoder"][0]), len(weights["mu"][0])

    def constant(name: str, values: object, dtype: Any = np.float32) -> str:
        constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def node(operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def dense(name: str, source: str) -> str:
        arguments = [source, *(constant(f"{name}.{part}", values) for part, values in zip(PARTS, weights[name], strict=True))]
        return node("Gemm", arguments, name, transB=1)

    def reshaped(source: str, name: str, to: Sequence[int]) -> str:
        return node("Reshape", [source, constant(f"{name}.shape", (-1, *to), np.int64)], name)

    flow = "input" if step is None else node("Mul", ["input", constant("input.step", step)], "scaled")
    if len(shape) > 1:
        flow = reshaped(flow, "pixels", (pixels,))
    flow = node("Relu", [dense("encoder", flow)], "encoded")
    mu, logvar = (dense(name, flow) for name in ("mu", "logvar"))
    sigma = node("Exp", [node("Mul", [logvar, constant("half", 0.5)], "logsigma")], "sigma")
    z = node("Add", [mu, node("Mul", [sigma, node("RandomNormalLike", [mu], "eps")], "spread")], "z")
    flow = node("Relu", [dense("decoder", z)], "decoded")
    flow = node("Sigmoid", [dense("result", flow)], "reconstructed")
    if len(shape) > 1:
        flow = reshaped(flow, "image", shape)

    graph = helper.make_graph(
        nodes,
        f"autoencoder_{pixels}-{hidden}-2x{latents}",
        [helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, ["N", *shape])],
        [helper.make_tensor_value_info(flow, onnx.TensorProto.FLOAT, ["N", *shape])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model
