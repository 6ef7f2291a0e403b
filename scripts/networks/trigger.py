"""Trigger-class networks with seeded weights: a dense encoder, its sampler and its scores, as an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

SEED = 57
OPSET = 17
IR_VERSION = 8
WEIGHT_STEP = 2.0**-6
BIAS_STEP = 2.0**-10
INPUT_STEP = 2.0**-8


def random_trigger(sizes: Sequence[int] = (57, 32, 16), latents: int = 13, bits: int = 6, seed: int = SEED) -> onnx.ModelProto:
    """Dense layers of `sizes` with ReLUs, heads for mu and logvar, and what comes of them: (N, latents + 2).

    The shape is that of Govorkova et al., Nature Machine Intelligence 4 (2022): 57 inputs, 13 latents. The result is z, the
    sum of mu squared and the KL divergence from the standard normal. Weights are drawn evenly from all integers of `bits`
    bits, symmetric about zero, and stand for multiples of WEIGHT_STEP; inputs are codes of 8 bits, 0 to 255.
    """
    generator = np.random.default_rng(seed)
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(name: str, values: object) -> str:
        constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def node(operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def dense(name: str, source: str, inputs: int, outputs: int) -> str:
        largest = 2 ** (bits - 1) - 1
        weights = generator.integers(-largest, largest, (outputs, inputs), endpoint=True) * WEIGHT_STEP
        biases = generator.integers(-256, 256, outputs, endpoint=True) * BIAS_STEP
        arguments = [source, constant(f"{name}.weight", weights), constant(f"{name}.bias", biases)]
        return node("Gemm", arguments, name, transB=1)

    flow = node("Mul", ["input", constant("input.step", INPUT_STEP)], "scaled")
    for number, (inputs, outputs) in enumerate(pairwise(sizes), 1):
        flow = node("Relu", [dense(f"dense{number}", flow, inputs, outputs)], f"relu{number}")
    mu, logvar = (dense(name, flow, sizes[-1], latents) for name in ("mu", "logvar"))

    half = constant("half", 0.5)
    sigma = node("Exp", [node("Mul", [logvar, half], "logsigma")], "sigma")
    spread = node("Mul", [sigma, node("RandomNormalLike", [mu], "eps")], "spread")
    z = node("Add", [mu, spread], "z")
    square = node("Mul", [mu, mu], "mu_squared")
    growth = node("Add", [square, node("Exp", [logvar], "variance")], "growth")
    twice = node("Sub", [node("Sub", [growth, constant("one", 1.0)], "excess"), logvar], "twice_kl")
    constants.append(numpy_helper.from_array(np.array([1], np.int64), "axis"))
    sums = [
        node("ReduceSum", [square, "axis"], "sum_mu_squared"),
        node("ReduceSum", [node("Mul", [twice, half], "kl_per_latent"), "axis"], "kl"),
    ]
    node("Concat", [z, *sums], "score", axis=1)

    graph = helper.make_graph(
        nodes,
        f"trigger_{'-'.join(map(str, sizes))}-2x{latents}",
        [helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, ["N", sizes[0]])],
        [helper.make_tensor_value_info("score", onnx.TensorProto.FLOAT, ["N", latents + 2])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model
