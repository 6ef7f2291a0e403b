"""Changes of an ONNX model that leave a well-formed file: one lie each, drawn from a seed."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from sigmabit.golden.front.calibration import KEY

from .mutation import DEEP, REAL, TEXTS, WHOLE, Random, in_json, in_message

TYPES = (*TensorProto.DataType.values(), 99)

OPERATORS = (
    *("Abs", "Add", "ArgMax", "AveragePool", "BatchNormalization", "BipolarQuant", "Cast", "Clip", "Concat", "Constant", "Conv"),
    *("ConstantOfShape", "ConvTranspose", "DequantizeLinear", "Div", "Dropout", "Einsum", "Erf", "Exp", "Expand", "Flatten"),
    *("Gather", "Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Greater", "Identity", "If", "LeakyRelu", "Log", "Loop"),
    *("LSTM", "MatMul", "Max", "MaxPool", "Min", "Mul", "MultiThreshold", "Neg", "OneHot", "PRelu", "Pad", "Pow", "Quant"),
    *(
        "QuantizeLinear",
        "RandomNormalLike",
        "Range",
        "Reciprocal",
        "ReduceMean",
        "ReduceSum",
        "Relu",
        "Reshape",
        "Resize",
        "Round",
    ),
    *("Scan", "ScatterND", "Shape", "Sigmoid", "Sign", "Slice", "Softmax", "Softplus", "Split", "Sqrt", "Squeeze", "Sub", "Sum"),
    *("Tanh", "Tile", "TopK", "Transpose", "Trunc", "Unsqueeze", "Where"),
)

LARGE = 1 << 12
"""Elements of a constant that is spread out."""

Change = Callable[[Random, ModelProto], None]


def change(chance: Random, model: ModelProto) -> None:
    """One change, of any kind. Where the model has nothing of the kind it stays as it is."""
    chance.choice(CHANGES)(chance, model)


def _node(chance: Random, model: ModelProto) -> NodeProto:
    return chance.choice(model.graph.node) if model.graph.node else model.graph.node.add()


def _name(chance: Random, model: ModelProto) -> str:
    """Of a tensor; now and then of none."""
    graph = model.graph
    names = [name for node in graph.node for name in (*node.input, *node.output)]
    names += [value.name for value in (*graph.input, *graph.output, *graph.initializer)]
    return chance.choice(TEXTS) if not names or chance.randrange(8) == 0 else chance.choice(names)


def _tensor(chance: Random, model: ModelProto) -> TensorProto:
    constants = [attribute.t for node in model.graph.node for attribute in node.attribute if attribute.HasField("t")]
    found = [*model.graph.initializer, *constants]
    return chance.choice(found) if found else model.graph.initializer.add()


def _size(chance: Random) -> int:
    return chance.choice((0, -1, -2, 1, 2, 3, 5, 1000, 1 << 20, 1 << 31, 1 << 62, -(1 << 63)))


# what nodes are told


def attribute(chance: Random, model: ModelProto) -> None:
    """Another value of the same type."""
    told = [attribute for node in model.graph.node for attribute in node.attribute]
    if not told:
        return
    found: AttributeProto = chance.choice(told)
    match found.type:
        case AttributeProto.INT:
            found.i = chance.choice((found.i + 1, found.i - 1, -found.i, *WHOLE[:12], chance.choice(WHOLE)))
        case AttributeProto.FLOAT:
            found.f = chance.choice((found.f * 2, -found.f, *REAL))
        case AttributeProto.STRING:
            found.s = chance.choice((*(text.encode() for text in TEXTS), b"\xff", b"SAME_UPPER", b"VALID", b"reflect", b"edge"))
        case AttributeProto.INTS if found.ints:
            place = chance.randrange(len(found.ints))
            match chance.randrange(5):
                case 0:
                    del found.ints[place]
                case 1:
                    found.ints.append(chance.choice(WHOLE))
                case 2:
                    found.ints[:] = sorted(found.ints, key=lambda _: chance.random())
                case _:
                    found.ints[place] = chance.choice((found.ints[place] + 1, found.ints[place] - 1, chance.choice(WHOLE)))
        case AttributeProto.TENSOR:
            tensor_of(chance, found.t)
        case _:
            in_message(chance, found)


def another_attribute(chance: Random, model: ModelProto) -> None:
    """One less, one twice, one of another name or type, one of another node."""
    node, other = _node(chance, model), _node(chance, model)
    match chance.randrange(5):
        case 0 if node.attribute:
            del node.attribute[chance.randrange(len(node.attribute))]
        case 1 if other.attribute:
            node.attribute.add().CopyFrom(chance.choice(other.attribute))
        case 2 if node.attribute and other.attribute:
            chance.choice(node.attribute).name = chance.choice(other.attribute).name
        case 3 if node.attribute:
            chance.choice(node.attribute).type = chance.choice(AttributeProto.AttributeType.values())
        case _:
            names = ("axis", "axes", "pads", "strides", "dilations", "group", "kernel_shape", "ceil_mode", "auto_pad", "alpha")
            value = chance.choice((1, -1, 0, 3, 2.5, [1, 1], [0, 1, 1, 0], [], "SAME_LOWER", 1 << 40, [1 << 40, 2]))
            node.attribute.add().CopyFrom(helper.make_attribute(chance.choice(names), value, attr_type=_type_of(value)))


def _type_of(value: object) -> int | None:
    return AttributeProto.INTS if value == [] else None


# constants


def tensor(chance: Random, model: ModelProto) -> None:
    """A constant of another type, shape, length or name, or one that lies in another file."""
    tensor_of(chance, _tensor(chance, model))


def tensor_of(chance: Random, found: TensorProto) -> None:
    """The same of a tensor."""
    match chance.randrange(8):
        case 0:
            found.data_type = chance.choice(TYPES)
        case 1 if found.dims:
            found.dims[chance.randrange(len(found.dims))] = _size(chance)
        case 2:
            found.dims.insert(chance.randrange(len(found.dims) + 1), chance.choice((1, _size(chance))))
        case 3 if found.dims:
            dims = [*found.dims]
            chance.shuffle(dims)
            found.dims[:] = dims if chance.randrange(2) else dims[1:]
        case 4:
            data = found.raw_data
            length = chance.choice((0, 1, max(len(data) - 1, 0), len(data) // 2))
            found.raw_data = chance.choice((data[:length], data + bytes(length), data * 2))
        case 5:
            found.ClearField("raw_data")
            chance.choice((found.float_data, found.double_data)).extend([chance.choice(REAL[:10])] * chance.randrange(5))
        case 6:
            found.data_location = TensorProto.EXTERNAL
            for key, value in (("location", chance.choice(("data.bin", "m.onnx", *TEXTS))), *_where(chance)):
                found.external_data.add(key=key, value=value)
        case _:
            in_message(chance, found)


def _where(chance: Random) -> list[tuple[str, str]]:
    """Where in another file a tensor lies."""
    keys = [key for key in ("offset", "length", "checksum") if chance.randrange(2)]
    return [(key, str(chance.choice((0, 16, 64, -1, 1 << 40, 1 << 70, "x", "")))) for key in keys]


def values(chance: Random, model: ModelProto) -> None:
    """Some of a constant's numbers become others: larger, tiny, equal, not finite, or of another sign."""
    found = _tensor(chance, model)
    try:
        array = np.array(numpy_helper.to_array(found))
    except Exception:  # an earlier change's
        return
    if not array.size or array.dtype.kind not in "fiu":
        return
    flat = array.reshape(-1)
    places = [chance.randrange(flat.size) for _ in range(chance.choice((1, 1, 2, flat.size)))]
    with np.errstate(all="ignore"):
        match chance.randrange(4):
            case 0 if array.dtype.kind == "f":
                flat[places] = chance.choice(REAL)
            case 0:
                limits = np.iinfo(array.dtype)
                flat[places] = chance.choice((limits.min, limits.max, 0, 1, 2, limits.max // 2))
            case 1:
                flat[places] *= np.array(chance.choice((2, 3, 100, 0)), array.dtype)
            case 2:
                flat[places] = flat[chance.randrange(flat.size)]
            case _:
                flat[places] = -flat[places]
    found.CopyFrom(numpy_helper.from_array(array, found.name))


def spread(chance: Random, model: ModelProto) -> None:
    """A constant of another shape: one more axis, one number for all, one number along an axis, or repeated."""
    found = _tensor(chance, model)
    try:
        array = np.array(numpy_helper.to_array(found))
    except Exception:  # an earlier change's
        return
    if not array.size or array.size > LARGE:
        return
    match chance.randrange(5):
        case 0:
            array = np.expand_dims(array, chance.randrange(array.ndim + 1))
        case 1:
            array = array.reshape(-1)[0]
        case 2 if array.ndim:
            array = np.repeat(array, 2, axis=chance.randrange(array.ndim))
        case 3 if array.ndim:
            array = np.take(array, [0], axis=chance.randrange(array.ndim))
        case _:
            array = array.T
    found.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array).reshape(np.shape(array)), found.name))


# how nodes are connected


def connection(chance: Random, model: ModelProto) -> None:
    """A node takes another tensor, none, one more, or the same in another order."""
    node = _node(chance, model)
    match chance.randrange(5):
        case 0 if node.input:
            del node.input[chance.randrange(len(node.input))]
        case 1:
            node.input.append(_name(chance, model))
        case 2 if node.input:
            node.input[chance.randrange(len(node.input))] = ""
        case 3 if node.input:
            node.input[:] = [*node.input][::-1]
        case _ if node.input:
            node.input[chance.randrange(len(node.input))] = _name(chance, model)


def result(chance: Random, model: ModelProto) -> None:
    """A node gives a tensor of another's name, one more, or none."""
    node = _node(chance, model)
    match chance.randrange(4):
        case 0:
            node.output.append(chance.choice(("more", _name(chance, model))))
        case 1 if node.output:
            del node.output[chance.randrange(len(node.output))]
        case _ if node.output:
            node.output[chance.randrange(len(node.output))] = _name(chance, model)


def nodes(chance: Random, model: ModelProto) -> None:
    """One less, one twice, two exchanged, one jumped over."""
    graph = model.graph
    if not graph.node:
        return
    place = chance.randrange(len(graph.node))
    match chance.randrange(5):
        case 0:
            del graph.node[place]
        case 1:
            graph.node.add().CopyFrom(graph.node[place])
        case 2:
            other, kept = chance.randrange(len(graph.node)), NodeProto()
            kept.CopyFrom(graph.node[place])
            graph.node[place].CopyFrom(graph.node[other])
            graph.node[other].CopyFrom(kept)
        case 3:
            again = NodeProto()
            again.CopyFrom(graph.node[place])
            if again.input and again.output:
                again.input[0], again.output[0], again.name = again.output[0], "twice", f"{again.name}_twice"
                for node in graph.node[place + 1 :]:
                    node.input[:] = ["twice" if name == again.input[0] else name for name in node.input]
                graph.node.insert(place + 1, again)
        case _:
            node = graph.node[place]
            if node.input and node.output:
                for later in graph.node[place + 1 :]:
                    later.input[:] = [node.input[0] if name == node.output[0] else name for name in later.input]


def operator(chance: Random, model: ModelProto) -> None:
    """Another operator, domain or name."""
    node = _node(chance, model)
    match chance.randrange(4):
        case 0:
            domains = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "qonnx.custom_op.general", "onnx.brevitas", "local")
            node.domain = chance.choice(domains)
        case 1:
            node.name = chance.choice((*TEXTS, _node(chance, model).name))
        case _:
            node.op_type = chance.choice((*OPERATORS, chance.choice(TEXTS)))


def unary(chance: Random, model: ModelProto) -> None:
    """One more operator behind a node."""
    graph, place = model.graph, chance.randrange(len(model.graph.node) + 1) - 1
    if place < 0 or not graph.node[place].output:
        return
    before = graph.node[place].output[0]
    for node in graph.node[place + 1 :]:
        node.input[:] = ["more" if name == before else name for name in node.input]
    graph.node.insert(place + 1, helper.make_node(chance.choice(OPERATORS), [before], ["more"], name="more"))


# the ends


def ends(chance: Random, model: ModelProto) -> None:
    """An input or output of another shape, type or name, one more, or one less."""
    values = chance.choice((model.graph.input, model.graph.input, model.graph.output))
    if not values or chance.randrange(12) == 0:
        values.add().CopyFrom(helper.make_tensor_value_info(_name(chance, model), chance.choice(TYPES[:17]), ["N", 3]))
        return
    value = chance.choice(values)
    dims = value.type.tensor_type.shape.dim
    match chance.randrange(9):
        case 0 if chance.randrange(3) == 0:
            del values[0]
        case 1:
            value.name = _name(chance, model)
        case 2:
            value.type.tensor_type.elem_type = chance.choice(TYPES)
        case 3 if dims:
            del dims[chance.randrange(len(dims))]
        case 4:
            dims.add().dim_value = _size(chance)
        case 5 if dims:
            chance.choice(dims).dim_param = chance.choice(("N", *TEXTS))
        case 6 if chance.randrange(4) == 0:
            value.type.ClearField("tensor_type")
        case _ if dims:
            dim = chance.choice(dims)
            with suppress(ValueError):  # an earlier change's, which has no double
                dim.dim_value = chance.choice((dim.dim_value + 1, dim.dim_value - 1, dim.dim_value * 2, _size(chance)))


def versions(chance: Random, model: ModelProto) -> None:
    """Other versions of ONNX, or of a domain; none, or two."""
    match chance.randrange(5):
        case 0:
            model.ir_version = chance.choice(WHOLE)
        case 1 if model.opset_import:
            del model.opset_import[chance.randrange(len(model.opset_import))]
        case 2:
            model.opset_import.add(domain=chance.choice(("", "ai.onnx", "local")), version=chance.choice((*WHOLE, *range(1, 26))))
        case _ if model.opset_import:
            chance.choice(model.opset_import).version = chance.choice((*range(1, 26), *WHOLE))


# what lies within what


def nested(chance: Random, model: ModelProto) -> None:
    """Graphs within graphs: choices and loops, deep or wide, around nodes of the graph or nothing."""
    inner = helper.make_graph([], "inner", [], [])
    name = _name(chance, model)
    if chance.randrange(2):
        inner.node.add().CopyFrom(_node(chance, model))
    inner.output.add().CopyFrom(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    for depth in range(chance.choice((1, 1, 3, 12, 20))):
        node = _around(chance, inner, name, f"{depth}")
        inner = helper.make_graph([node], f"around_{depth}", [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)])
    found = inner.node[0]
    found.output[:] = [chance.choice(("nested", _name(chance, model)))]
    model.graph.node.insert(chance.randrange(len(model.graph.node) + 1), found)


def _around(chance: Random, inner: GraphProto, name: str, suffix: str) -> NodeProto:
    match chance.randrange(3):
        case 0:
            return helper.make_node("If", [name], [name], name=f"if_{suffix}", then_branch=inner, else_branch=inner)
        case 1:
            return helper.make_node("Loop", [name, ""], [name], name=f"loop_{suffix}", body=inner)
        case _:
            return helper.make_node("Scan", [name], [name], name=f"scan_{suffix}", body=inner, num_scan_inputs=1)


def functions(chance: Random, model: ModelProto) -> None:
    """A function of the file's own in place of a node: of the node itself, of itself, of many of its like, or of nothing."""
    node = _node(chance, model)
    body = NodeProto()
    body.CopyFrom(node)
    inputs, outputs = [*dict.fromkeys(filter(None, node.input))], [*dict.fromkeys(filter(None, node.output))]
    kind = chance.randrange(4)
    inside = [body]
    if kind == 0:
        inside = [helper.make_node("Own", inputs, outputs, domain="local")]
    elif kind == 1:
        inside = []
    elif kind == 2 and inputs and outputs:
        inside = [helper.make_node("Own2", inputs, [f"y{n}"], domain="local") for n in range(20)] + [body]
        again = [helper.make_node("Own3", ["x"], [f"z{n}"], domain="local") for n in range(20)]
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid("local", 1)]
        model.functions.append(helper.make_function("local", "Own2", ["x"], ["z0"], again, opsets))
        last = helper.make_node("Relu", ["x"], ["y"])
        model.functions.append(helper.make_function("local", "Own3", ["x"], ["y"], [last], opsets))
    opsets = [helper.make_opsetid("", chance.choice((13, 17))), helper.make_opsetid("local", 1)]
    model.functions.append(helper.make_function("local", "Own", inputs, outputs, inside, opsets))
    model.opset_import.add(domain="local", version=1)
    node.op_type, node.domain = "Own", "local"
    del node.attribute[:]


def notes(chance: Random, model: ModelProto) -> None:
    """Another calibration, if there is one."""
    for entry in model.metadata_props:
        if entry.key == KEY:
            with suppress(ValueError):  # an earlier change's
                try:
                    entry.value = json.dumps(in_json(chance, json.loads(entry.value)))
                except RecursionError:
                    entry.value = "[" * DEEP


def anything(chance: Random, model: ModelProto) -> None:
    """Any field of any message."""
    in_message(chance, model if chance.randrange(4) == 0 else model.graph)


def sparse(chance: Random, model: ModelProto) -> None:
    """A sparse constant that says it is large."""
    whole = onnx.SparseTensorProto()
    whole.values.CopyFrom(numpy_helper.from_array(np.ones(2, np.float32), _name(chance, model)))
    whole.indices.CopyFrom(numpy_helper.from_array(np.array([0, chance.choice(WHOLE)]), "indices"))
    whole.dims.extend([_size(chance), _size(chance)])
    if chance.randrange(2):
        model.graph.sparse_initializer.add().CopyFrom(whole)
        return
    node = _node(chance, model)
    node.op_type = "Constant"
    del node.input[:], node.attribute[:]
    node.attribute.add(name="sparse_value", type=AttributeProto.SPARSE_TENSOR).sparse_tensor.CopyFrom(whole)


CHANGES: tuple[Change, ...] = (
    *(attribute, attribute, attribute, another_attribute, tensor, tensor, values, values, values, spread),
    *(connection, connection, result, nodes, nodes, operator, unary, ends, ends, versions),
    *(nested, functions, notes, notes, anything, anything, sparse),
)
"""All of them, the more telling ones more than once."""
