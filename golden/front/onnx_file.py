"""Opening ONNX files.

They are looked at before protobuf's own parser does: two bytes of a file can become an object of a hundred, and texts that are
not UTF-8 are errors wherever they are read later.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import onnx
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from ..types.errors import ModelFileError
from .untrusted import content

MAX_FILE_BYTES = 1 << 30

MAX_FIELDS = 1 << 20
"""Of all messages together. A graph of 20,000 nodes has some 500,000."""

MAX_DEPTH = 64
"""Messages inside messages; the main graph's tensors are the fifth."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Kinds of fields on the wire."""


def load(path: Path) -> onnx.ModelProto:
    """The message of an ONNX file. Raises ModelFileError where it is none, or too large."""
    data = content(path, MAX_FILE_BYTES, ModelFileError)
    model = onnx.ModelProto()
    try:
        check(data, model.DESCRIPTOR)
        model.ParseFromString(data)
    except _Odd as odd:
        raise ModelFileError(f"{path}: {odd}") from None
    except Exception:  # protobuf has no common base class for its errors
        raise ModelFileError(f"{path}: not an ONNX file, or truncated") from None
    return model


class _Odd(ValueError):
    """A message that is not to be read; the text says why."""


def check(data: bytes, kind: Descriptor) -> None:
    """Raises ValueError where the bytes are no message of this kind, or one that is not to be read."""
    pending: list[tuple[int, int, Descriptor, tuple[str, ...]]] = [(0, len(data), kind, ())]
    left = MAX_FIELDS
    while pending:
        start, end, message, path = pending.pop()
        fields = _worth_a_look(message)
        for number, begin, stop in _fields(data, start, end):
            left -= 1
            if left < 0:
                raise _Odd(f"more than {MAX_FIELDS} fields")
            if stop < 0 or number not in fields:
                continue
            name, inside = fields[number]
            if inside is not None:
                if len(path) > MAX_DEPTH:
                    raise _Odd("nested too deeply")
                pending.append((begin, stop, inside, (*path, name)))
                continue
            text = data[begin:stop]
            try:
                text.decode()
            except UnicodeDecodeError:
                raise _Odd(f"{'.'.join((*path, name))} is {text[:40]!r}, which is not UTF-8 text") from None


@lru_cache
def _worth_a_look(kind: Descriptor) -> dict[int, tuple[str, Descriptor | None]]:
    """Of a message's fields the texts, and the messages, with what they are; by number."""
    return {
        field.number: (field.name, field.message_type)
        for field in kind.fields
        if field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_MESSAGE)
    }


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, begin and end of each field of a message; the end is -1 of a field without a length of its own."""
    while at < end:
        tag, at = _varint(data, at, end)
        number, kind = tag >> 3, tag & 7
        begin = at
        if kind == BYTES:
            length, begin = _varint(data, at, end)
            at = begin + length
        elif kind == VARINT:
            _, at = _varint(data, at, end)
        elif kind in (FIXED32, FIXED64):
            at += 4 if kind == FIXED32 else 8
        else:
            raise ValueError
        if at > end:
            raise ValueError
        yield number, begin, at if kind == BYTES else -1


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number, and the place behind it."""
    if at < end and data[at] < 128:
        return data[at], at + 1
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError
