"""ONNX and QONNX nodes as scalar steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from ...types import scalar
from ...types.scalar import Float, Step
from .model_file import Node
from .whole_types import counts, limits

QUANTISERS = ("BipolarQuant", "IntQuant", "MultiThreshold", "Quant", "Trunc")
"""Operators that ONNX itself has not; IntQuant is Quant's newer name."""

QUANTISER_DOMAINS = ("", "qonnx.custom_op.general", "onnx.brevitas", "finn", "finn.custom_op.general")
"""Where they have lived over the years; the oldest files name no domain."""


class Refusal(Exception):
    """A node cannot become hardware; the text says why. Collected by the importer, never seen by callers.

    node: the name of the node at fault, where it is not the one that is being imported.
    """

    def __init__(self, reason: str, node: str | None = None) -> None:
        self.node = node
        super().__init__(reason)


def _sigmoid(x: Float) -> Float:
    y: Float = 1 / (1 + np.exp(-x))
    return y


def _softmax(x: Float) -> Float:
    shifted = np.exp(x - x.max(axis=1, keepdims=True))
    y: Float = shifted / shifted.sum(axis=1, keepdims=True)
    return y


def _log_softmax(x: Float) -> Float:
    shifted = x - x.max(axis=1, keepdims=True)
    y: Float = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return y


def largest(x: Float) -> Float:
    """(N, 1): the largest number of each row (N, K)."""
    y: Float = x.max(axis=1, keepdims=True)
    return y


def first_place(x: Float) -> Float:
    """(N, 1): where in each row (N, K) the largest number stands, the first of equals."""
    y: Float = x.argmax(axis=1, keepdims=True).astype(x.dtype)
    return y


def last_place(x: Float) -> Float:
    """The same, but the last of equals."""
    y: Float = x.shape[1] - 1 - first_place(x[:, ::-1])
    return y


_ERF = np.vectorize(math.erf, otypes=[np.float64])


def _erf(x: Float) -> Float:
    y: Float = _ERF(x).astype(x.dtype)
    return y


UNARY: dict[str, Callable[[Float], Float]] = {
    "Abs": np.abs,
    "Atan": np.arctan,
    "Ceil": np.ceil,
    "Cos": np.cos,
    "Erf": _erf,
    "Exp": np.exp,
    "Floor": np.floor,
    "HardSwish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "Log": np.log,
    "Mish": lambda x: x * np.tanh(np.logaddexp(x, 0)),
    "Neg": np.negative,
    "Reciprocal": np.reciprocal,
    "Round": np.rint,
    "Sigmoid": _sigmoid,
    "Sin": np.sin,
    "Softplus": lambda x: np.logaddexp(x, 0),
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Sqrt": np.sqrt,
    "Tanh": np.tanh,
}
"""Functions of one argument without constants."""


def _exponential_unit(x: Float, scale: float, alpha: float, width: float = 1) -> Float:
    """scale * x above 0, scale * alpha * (exp(x / width) - 1) below."""
    one = x.dtype.type
    below = one(alpha) * np.expm1(np.minimum(x, 0) / one(width))
    y: Float = one(scale) * np.where(x < 0, below, x)
    return y


def _gelu(x: Float, approximate: object) -> Float:
    one = x.dtype.type
    if approximate == "tanh":
        part = np.tanh(one(math.sqrt(2 / math.pi)) * (x + one(0.044715) * x**3))
    else:
        part = _erf(x / one(math.sqrt(2)))
    y: Float = one(0.5) * x * (1 + part)
    return y


def _shrink(x: Float, bias: float, limit: float) -> Float:
    one = x.dtype.type
    y: Float = np.where(x < -one(limit), x + one(bias), np.where(x > one(limit), x - one(bias), one(0)))
    return y


SHAPED: dict[str, Callable[[Node], Callable[[Float], Float]]] = {
    "Celu": lambda node: partial(
        _exponential_unit, scale=1, **dict.fromkeys(("alpha", "width"), node.attributes.get("alpha", 1.0))
    ),
    "Elu": lambda node: partial(_exponential_unit, scale=1, alpha=node.attributes.get("alpha", 1.0)),
    "Gelu": lambda node: partial(_gelu, approximate=node.attributes.get("approximate", "none")),
    "Selu": lambda node: partial(
        _exponential_unit,
        scale=node.attributes.get("gamma", 1.05070102214813232421875),
        alpha=node.attributes.get("alpha", 1.67326319217681884765625),
    ),
    "Swish": lambda node: lambda x: x * _sigmoid(x.dtype.type(node.attributes.get("alpha", 1.0)) * x),
}
"""Functions of one argument that a node's attributes complete, with ONNX's defaults."""

PIECES: dict[str, Callable[[Node], Callable[[Float], Float]]] = {
    "Shrink": lambda node: partial(_shrink, bias=node.attributes.get("bias", 0.0), limit=node.attributes.get("lambd", 0.5)),
    "ThresholdedRelu": lambda node: lambda x: np.where(x > x.dtype.type(node.attributes.get("alpha", 1.0)), x, x.dtype.type(0)),
}
"""Those that may jump, so that nothing can be decided behind them."""

ROWWISE = {"Softmax": _softmax, "LogSoftmax": _log_softmax}
"""Functions of a row of scores."""

ROUNDINGS: dict[str, Callable[[Float], Float]] = {
    "ROUND": np.rint,
    "HALF_EVEN": np.rint,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "DOWN": np.trunc,
    "ROUND_TO_ZERO": np.trunc,
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - 0.5),
}
"""QONNX rounding modes."""


def binary_step(node: Node, constant: Float, constant_first: bool) -> list[Step]:
    """Add, Sub, Mul, Div or Pow with a constant on either side."""
    name = node.name
    match node.operator, constant_first:
        case "Add", _:
            return [scalar.Add(name, constant)]
        case "Mul", _:
            return [scalar.Multiply(name, constant)]
        case "Sub", False:
            return [scalar.Add(name, -constant)]
        case "Sub", True:
            return [scalar.Function(name, np.negative), scalar.Add(name, constant)]
        case "Div", False:
            return [scalar.Divide(name, constant)]
        case "Div", True:
            return [scalar.DivideInto(name, constant)]
        case "Pow", False:
            return [scalar.Power(name, constant)]
    raise Refusal("a constant to the power of an activation")


def clip(node: Node, low: Float | None, high: Float | None) -> Step:
    """Clip with bounds as inputs (opset 11 on) or attributes."""
    lowest = node.attributes.get("min", -np.inf) if low is None else low
    highest = node.attributes.get("max", np.inf) if high is None else high
    return scalar.Clip(node.name, np.asarray(lowest, np.float32), np.asarray(highest, np.float32))


def compare(node: Node, constant: Float, constant_first: bool) -> list[Step]:
    """Greater, GreaterOrEqual, Less or LessOrEqual against a constant: 1 where true, 0 where not, as for NaN."""
    operator = node.operator
    if constant_first:
        operator = operator.replace("Less", "?").replace("Greater", "Less").replace("?", "Greater")
    steps: list[Step] = []
    exact = constant.astype(np.float32)
    if operator.startswith("Less"):  # x < c is -x > -c
        steps, exact = [scalar.Function(node.name, np.negative)], -exact
    # x > c is x >= the next float32 after c
    threshold = exact if operator.endswith("OrEqual") else np.nextafter(exact, np.float32(np.inf))
    zero, one = np.zeros((), np.float32), np.ones((), np.float32)
    return [*steps, scalar.Binarise(node.name, threshold, zero, one)]


def hard_sigmoid(node: Node) -> list[Step]:
    """max(0, min(1, alpha * x + beta))."""
    alpha, beta = (np.float32(node.attributes.get(key, default)) for key, default in (("alpha", 0.2), ("beta", 0.5)))
    return [
        scalar.Multiply(node.name, np.asarray(alpha)),
        scalar.Add(node.name, np.asarray(beta)),
        scalar.Clip(node.name, np.asarray(np.float32(0)), np.asarray(np.float32(1))),
    ]


def bipolar(node: Node, scale: Float) -> scalar.Binarise:
    """BipolarQuant: +scale where x >= 0, -scale elsewhere."""
    zero = np.zeros((), np.float32)
    return scalar.Binarise(node.name, zero, -scale.astype(np.float32), scale.astype(np.float32))


def quantise(node: Node, scale: Float, zero_point: Float, bit_width: Float) -> list[Step]:
    """QONNX Quant of one integer bit width. Signed and of one bit it is bipolar: its codes are +1 and -1."""
    bits = _width(bit_width)
    if not np.all(scale > 0):
        raise Refusal("a quantisation step that is not positive")
    scale, zero_point = scale.astype(np.float32), zero_point.astype(np.float32)
    lowest, highest = _ends(node, bits)
    if node.attributes.get("signed", 1) and bits == 1:
        one, zero = np.float32(1), np.zeros((), np.float32)
        binarise = scalar.Binarise(node.name, zero, (-one - zero_point) * scale, (one - zero_point) * scale)
        return [scalar.Divide(node.name, scale), scalar.Add(node.name, zero_point), binarise]
    rounding = _rounding(node, "ROUND")
    if highest <= lowest:
        raise Refusal(f"{bits} bits give the single level {lowest}")
    return [scalar.Quantise(node.name, scale, zero_point, lowest, highest, rounding)]


def truncate(node: Node, scale: Float, zero_point: Float, bit_width: Float, *rest: Float) -> list[Step]:
    """QONNX Trunc. The first version leaves the upper bits of a number of `bit_width`, on the step that it had; the second gives
    the step of what is left, and limits it. rest: bits that are left, after their step in the second version.
    """
    if len(rest) not in (1, 2):
        raise Refusal(f"{4 + len(rest)} inputs, expected 5 or, of its second version, 6")
    before, bits = _width(bit_width), _width(rest[-1])
    rounding = _rounding(node, "FLOOR")
    if not all(np.all(step > 0) for step in (scale, *rest[:-1])):
        raise Refusal("a quantisation step that is not positive")
    scale, zero_point = scale.astype(np.float32), zero_point.astype(np.float32)
    if len(rest) == 1:
        if bits > before:
            raise Refusal(f"{bits} bits, of a number of {before}")
        divisor = np.asarray(np.float32(2.0 ** (before - bits)))
        return [scalar.Truncate(node.name, scale, zero_point, divisor, zero_point, scale, -np.inf, np.inf, rounding, bits)]
    unit = rest[0].astype(np.float32)
    divisor = np.exp2(np.round(np.log2(unit / scale)))
    lowest, highest = _ends(node, bits)
    return [scalar.Truncate(node.name, scale, zero_point, divisor, zero_point / divisor, unit, lowest, highest, rounding, bits)]


def _width(bit_width: Float) -> int:
    """Of whole numbers, in bits."""
    widths = np.unique(np.asarray(bit_width, np.float64))
    if len(widths) != 1 or widths[0] != int(widths[0]) or not 1 <= widths[0] <= 32:
        raise Refusal(f"bit width {widths.tolist()}, expected one whole number from 1 to 32")
    return int(widths[0])


def _ends(node: Node, bits: int) -> tuple[int, int]:
    """The least and the largest whole number of so many bits."""
    signed, narrow = node.attributes.get("signed", 1), node.attributes.get("narrow", 0)
    if signed not in (0, 1) or narrow not in (0, 1):
        raise Refusal(f"signed={signed} and narrow={narrow}, expected 0 or 1")
    if signed:
        return -(1 << (bits - 1)) + int(narrow), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1 - int(narrow)


def _rounding(node: Node, default: str) -> Callable[[Float], Float]:
    """A quantiser's own, or else the default."""
    mode = str(node.attributes.get("rounding_mode", default)).upper()
    if mode not in ROUNDINGS:
        raise Refusal(f"rounding mode {mode}")
    return ROUNDINGS[mode]


def along_axis(node: Node, numbers: Float, rank: int) -> Float:
    """A scale or zero point of QuantizeLinear or DequantizeLinear: one for all elements, or one for each along an axis."""
    if node.attributes.get("block_size", 0):
        raise Refusal("a scale for each block, expected one for all elements or for each along an axis")
    if numbers.size == 1:
        return numbers.reshape(())
    shape = [1] * rank
    shape[node.attributes.get("axis", 1)] = -1
    return numbers.reshape(shape)


def quantize_linear(node: Node, scale: Float, zero_point: NDArray[Any] | None, rank: int) -> tuple[str, list[Step]]:
    """QuantizeLinear of an activation of the given rank: ONNX's name of the type that it gives, and steps, the last of which adds
    the zero point.
    """
    if zero_point is None:
        zero_point = np.zeros(
            (), onnx.helper.tensor_dtype_to_np_dtype(node.attributes.get("output_dtype", 0) or TensorProto.UINT8)
        )
    kind = zero_point.dtype
    if not counts(kind) or scale.dtype.kind != "f":
        raise Refusal(f"numbers of type {kind} in steps of type {scale.dtype}, expected whole numbers in steps of a float")
    if np.any(zero_point != zero_point.flat[0]):
        raise Refusal("zero points that differ between channels")
    if not np.all(scale > 0):
        raise Refusal("a quantisation step that is not positive")
    zero, (least, largest) = int(zero_point.flat[0]), limits(kind.name.upper())
    # rounded before the zero point is added: from a half it goes to the even one of two quotients
    steps = [
        scalar.Divide(node.name, along_axis(node, scale.astype(np.float32), rank)),
        whole(node, least - zero, largest - zero),
        scalar.Add(node.name, np.asarray(np.float32(zero))),
    ]
    return kind.name.upper(), steps


def whole(node: Node, low: int, high: int) -> Step:
    """Rounding to whole numbers from low to high."""
    return scalar.Quantise(node.name, np.ones((), np.float32), np.zeros((), np.float32), low, high, np.rint)


def narrow(node: Node, low: Float | None, high: Float | None, least: int, largest: int) -> list[Step]:
    """Clip of whole numbers of a type from least to largest, which leaves fewer of them."""
    lowest = least if low is None else max(least, int(np.asarray(low).reshape(())))
    highest = largest if high is None else min(largest, int(np.asarray(high).reshape(())))
    if highest <= lowest:
        raise Refusal(f"a clip to whole numbers from {lowest} to {highest}")
    return [whole(node, lowest, highest)]


def multi_threshold(node: Node, thresholds: NDArray[Any], rank: int) -> Step:
    """MultiThreshold; (channels or 1, steps) thresholds for an activation of the given rank."""
    if thresholds.ndim != 2 or not thresholds.size:
        raise Refusal(f"thresholds of shape {thresholds.shape}, expected (channels, steps)")
    axis = rank - 1 if node.attributes.get("data_layout", "NCHW") in ("NHWC", "NWC") else 1
    shape = [1] * rank
    shape[axis] = -1
    bias = np.float32(node.attributes.get("out_bias", 0.0))
    scale = np.float32(node.attributes.get("out_scale", 1.0))
    if scale == 0:
        raise Refusal("out_scale=0, which gives one number for all")
    columns = tuple(column.astype(np.float32).reshape(shape) for column in thresholds.T)
    if len(columns) > 1:
        return scalar.Count(node.name, columns, scale, bias)
    return scalar.Binarise(node.name, columns[0], np.asarray(bias), np.asarray(bias + scale))
