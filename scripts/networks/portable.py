"""QONNX files for executors that know ONNX alone: what the QONNX operators do, as functions inside the file."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx.parser

from sigmabit.golden import SigmabitError

QONNX = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")
"""Domains under which QONNX operators are found."""

IR_VERSION = 8
"""The first that knows functions."""

BODIES = {
    "BipolarQuant": """
        BipolarQuant (x, scale) => (y)
        {
            zero = Constant <value_float = 0.0> ()
            down = Less (x, zero)
            minus = Neg (scale)
            y = Where (down, minus, scale)
        }""",
    "Quant": """
        Quant <signed, narrow> (x, scale, zero_point, bits) => (y)
        {
            one = Constant <value_float = 1.0> ()
            two = Constant <value_float = 2.0> ()
            signed_i = Constant <value_int : int = @signed> ()
            narrow_i = Constant <value_int : int = @narrow> ()
            s = Cast <to = 1> (signed_i)
            n = Cast <to = 1> (narrow_i)
            width = Sub (bits, s)
            power = Pow (two, width)
            unsigned = Sub (one, s)
            lost = Mul (n, unsigned)
            top = Sub (power, one)
            high = Sub (top, lost)
            bottom = Sub (power, n)
            depth = Mul (s, bottom)
            low = Neg (depth)
            scaled = Div (x, scale)
            moved = Add (scaled, zero_point)
            rounded = Round (moved)
            capped = Min (rounded, high)
            code = Max (capped, low)
            back = Sub (code, zero_point)
            y = Mul (back, scale)
        }""",
}
"""The operators, in the language of onnx.parser; Quant rounds to even."""


class NotPortableError(SigmabitError):
    """A file has operators that other executors do not know."""


def portable(model: Path) -> bytes:
    """A model file for any executor of ONNX, for batches of any size. Weights are no inputs, so that they count as constants.

    Raises NotPortableError where an operator is unknown to ONNX, by its node.
    """
    proto = onnx.load(str(model))
    graph, known = proto.graph, ("", "ai.onnx")
    foreign = [node for node in graph.node if node.domain not in known]
    for node in foreign:
        rounding = next((attribute.s for attribute in node.attribute if attribute.name == "rounding_mode"), b"ROUND")
        if node.domain not in QONNX or node.op_type not in BODIES or rounding.upper() != b"ROUND":
            raise NotPortableError(f"node {node.name or node.output[0]} ({node.op_type}) is no operator of ONNX")
    version = max((imported.version for imported in proto.opset_import if imported.domain in known), default=13)
    for domain, operator in sorted({(node.domain, node.op_type) for node in foreign}):
        head = f'<opset_import: ["" : {version}], domain: "{domain}">'
        proto.functions.append(onnx.parser.parse_function(head + BODIES[operator]))
        if all(imported.domain != domain for imported in proto.opset_import):
            proto.opset_import.append(onnx.helper.make_opsetid(domain, 1))
    if foreign:
        proto.ir_version = max(proto.ir_version, IR_VERSION)
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_param = "N"
    return proto.SerializeToString()
