"""Tensors of an ONNX file that lie in other files beside it, as PyTorch writes them: read as untrusted as the file itself."""

from __future__ import annotations

import math
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from ..types.errors import ModelFileError

MAX_BYTES = 1 << 29
"""Of all external tensors of a model together."""

PACKED = {"UINT4": 2, "INT4": 2, "FLOAT4E2M1": 2, "UINT2": 4, "INT2": 4}
"""Elements in a byte, by element type."""

MAX_DIGITS = 19
"""Of an offset or a length."""


class Beside:
    """The files beside one model. Nothing else is opened: no other folder, no link that leads there, no device."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.left = MAX_BYTES

    def fill(self, tensor: onnx.TensorProto) -> None:
        """Put a tensor's data into it. Raises ModelFileError."""
        data = self.read(tensor, math.prod(tensor.dims))
        tensor.ClearField("external_data")
        tensor.data_location = onnx.TensorProto.DEFAULT
        tensor.raw_data = data

    def array(self, tensor: onnx.TensorProto, elements: int) -> NDArray[Any]:
        """A tensor that shall not be in memory twice. Raises ModelFileError."""
        if onnx.TensorProto.DataType.Name(tensor.data_type) in PACKED:
            self.fill(tensor)
            return np.asarray(numpy_helper.to_array(tensor))
        data = self.read(tensor, elements)
        kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
        return np.frombuffer(data, kind.newbyteorder("<")).astype(kind, copy=False).reshape(tensor.dims)

    def read(self, tensor: onnx.TensorProto, elements: int) -> bytes:
        """A tensor's data. Raises ModelFileError."""
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        size = self._size(tensor, elements)
        offset, length = (self._number(tensor, entries, key, default) for key, default in (("offset", 0), ("length", size)))
        if length != size:
            raise self._error(tensor, f"has {length} bytes in {location!r}, its type and shape ask for {size}")
        self.left -= size
        if self.left < 0:
            raise self._error(tensor, f"makes the data in other files more than {MAX_BYTES} bytes")
        return self._bytes(tensor, location, offset, size)

    def _bytes(self, tensor: onnx.TensorProto, location: str, offset: int, size: int) -> bytes:
        if location in ("", ".", "..") or "\0" in location or "\\" in location or Path(location).name != location:
            raise self._error(tensor, f"lies in another file, {location!r}, which is no plain name; save the model in one piece")
        try:
            folder = self.path.parent.resolve()
            file = (folder / location).resolve()
        except (OSError, RuntimeError):  # the latter for links in a circle
            raise self._error(tensor, f"lies in another file, {location}, which cannot be found") from None
        if file.parent != folder:
            raise self._error(tensor, f"lies in another file, {location}, a link that leads out of the model's folder")
        try:
            # a pipe must not be waited for, nor a link be followed that was made just now
            descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as opened:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode):
                    raise self._error(tensor, f"lies in another file, {location}, which is no regular file")
                if offset + size > found.st_size:
                    raise self._error(tensor, f"needs bytes {offset} to {offset + size} of {location}, which has {found.st_size}")
                opened.seek(offset)
                data = opened.read(size)
        except OSError as error:
            raise self._error(tensor, f"lies in another file, {location}: {error.strerror or error}") from None
        if len(data) != size:
            raise self._error(tensor, f"needs {size} bytes of {location}, which became shorter")
        return data

    def _size(self, tensor: onnx.TensorProto, elements: int) -> int:
        try:
            kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
        except KeyError:
            raise self._error(tensor, "is damaged") from None
        if min(tensor.dims, default=0) < 0:
            raise self._error(tensor, "is damaged")
        if kind.kind == "O":
            raise self._error(tensor, "of strings lies in another file")
        packed = PACKED.get(onnx.TensorProto.DataType.Name(tensor.data_type), 0)
        return -(-elements // packed) if packed else elements * kind.itemsize

    def _number(self, tensor: onnx.TensorProto, entries: dict[str, str], key: str, default: int) -> int:
        text = entries.get(key)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
            raise self._error(tensor, f"has the {key} {text[:MAX_DIGITS]!r}, expected bytes in another file")
        return int(text)

    def _error(self, tensor: onnx.TensorProto, what: str) -> ModelFileError:
        return ModelFileError(f"{self.path}: tensor {tensor.name} {what}")


def gather(model: onnx.ModelProto, path: Path) -> None:
    """Put all tensors of a model file's graph that lie in other files into the model. Raises ModelFileError."""
    beside = Beside(path)
    values = (attribute.t for node in model.graph.node for attribute in node.attribute)
    for tensor in (*model.graph.initializer, *values):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            beside.fill(tensor)
