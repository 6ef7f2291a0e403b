"""Binary weights in an ONNX file, one bit each: bytes, and standard operators that unfold them by a table of 256 rows.

Any executor of ONNX reads them, and a file takes a thirty-second of what float32 weights take.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

TABLE = "signs_of_bytes"


def table() -> onnx.TensorProto:
    """The eight signs of every byte, the least significant bit first: 1 is +1, 0 is -1. One serves a whole graph."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    return numpy_helper.from_array(bits.astype(np.float32) * 2 - 1, TABLE)


def unpack(packed: NDArray[np.uint8], shape: Sequence[int]) -> NDArray[np.float32]:
    """What the graph unfolds bytes to."""
    bits = np.unpackbits(packed, bitorder="little")
    return (bits.astype(np.float32) * 2 - 1).reshape(shape)


def unfolded(name: str, packed: NDArray[np.uint8], shape: Sequence[int]) -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]]:
    """The constants and the nodes that give the tensor `name`; the table comes on top of them."""
    constants = [
        numpy_helper.from_array(packed, f"{name}.packed"),
        numpy_helper.from_array(np.asarray(shape, np.int64), f"{name}.shape"),
    ]
    index, rows = f"{name}.index", f"{name}.rows"
    nodes = [
        helper.make_node("Cast", [f"{name}.packed"], [index], name=index, to=onnx.TensorProto.INT32),
        helper.make_node("Gather", [TABLE, index], [rows], name=rows),
        helper.make_node("Reshape", [rows, f"{name}.shape"], [name], name=name),
    ]
    return constants, nodes


def pack_weights(model: onnx.ModelProto) -> None:
    """Store float32 constants of nothing but +1 and -1 as bits, where they are whole bytes."""
    constants: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size % 8 == 0 and array.size and np.all(np.abs(array) == 1):
            more, unfolding = unfolded(tensor.name, np.packbits(array.reshape(-1) > 0, bitorder="little"), array.shape)
            constants += more
            nodes += unfolding
        else:
            constants.append(tensor)
    if not nodes:
        return
    given = {name for node in nodes for name in node.output}
    inputs = [value for value in model.graph.input if value.name not in given]  # some exporters list constants there, too
    nodes += model.graph.node
    constants.append(table())
    for field, values in ((model.graph.input, inputs), (model.graph.initializer, constants), (model.graph.node, nodes)):
        del field[:]
        field.extend(values)  # type: ignore[attr-defined]
