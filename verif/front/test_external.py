"""Tensors in files beside a model: every type, read at once or into a tensor, is what ONNX itself reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sigmabit.golden.front.external import Beside

TYPES = ("FLOAT", "DOUBLE", "FLOAT16", "INT8", "UINT8", "INT16", "INT32", "INT64", "BOOL", "INT4", "UINT4")


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("shape", [(3, 5), (1,), (2, 4)])
def test_types(kind: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    """Also of elements that share bytes, of which the last may be half empty."""
    numbers = np.random.default_rng(1).integers(0, 2 if kind == "BOOL" else 8, shape)
    inside = helper.make_tensor("w", TensorProto.DataType.Value(kind), shape, numbers.reshape(-1))
    inside = inside if inside.raw_data else raw(inside)
    (tmp_path / "w.bin").write_bytes(b"abc" + inside.raw_data + b"d")
    tensor = onnx.TensorProto()
    tensor.CopyFrom(inside)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": "w.bin", "offset": "3", "length": str(len(inside.raw_data))}.items():
        tensor.external_data.add(key=key, value=value)
    copied = onnx.TensorProto()
    copied.CopyFrom(tensor)
    found = Beside(tmp_path / "m.onnx").array(tensor, numbers.size)
    wanted = numpy_helper.to_array(inside)
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    assert np.array_equal(found.astype(np.int64), numbers) and np.array_equal(wanted.astype(np.int64), numbers)
    Beside(tmp_path / "m.onnx").fill(copied)
    assert copied.raw_data == inside.raw_data and not copied.external_data
    assert np.array_equal(numpy_helper.to_array(copied).astype(np.int64), numbers)


def raw(tensor: onnx.TensorProto) -> onnx.TensorProto:
    """The same with its data as bytes."""
    made = helper.make_tensor(
        tensor.name, tensor.data_type, tensor.dims, packed(numpy_helper.to_array(tensor), tensor.data_type), raw=True
    )
    assert isinstance(made, onnx.TensorProto)
    return made


def packed(numbers: np.ndarray, kind: int) -> bytes:
    """As ONNX says: two elements of 4 bits in a byte, the first one lower."""
    if kind not in (TensorProto.INT4, TensorProto.UINT4):
        return numbers.tobytes()
    flat = [*numbers.reshape(-1).astype(np.int64).tolist(), 0]
    return bytes(low & 15 | (high & 15) << 4 for low, high in zip(flat[0 : numbers.size : 2], flat[1::2], strict=False))
