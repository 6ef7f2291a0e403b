"""What tells one network from another: a digest of everything that its results follow from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np

from .network import Network

IDENTITY_BYTES = 16


def identity(network: Network) -> bytes:
    """The first bytes of a SHA-256 over input format and layers. Names count, what the host computes afterwards does not."""
    digest = hashlib.sha256()
    for part in _parts((network.input.tensor, network.input.grid, network.input.order, network.layers)):
        digest.update(part)
    return digest.digest()[:IDENTITY_BYTES]


def _parts(value: Any) -> Iterator[bytes]:
    """A value as bytes, each part with its type and length, so that no two values look alike."""
    if is_dataclass(value) and not isinstance(value, type):
        yield type(value).__name__.encode()
        for field in fields(value):
            yield field.name.encode()
            yield from _parts(getattr(value, field.name))
    elif isinstance(value, list | tuple):
        yield f"{len(value)} values".encode()
        for inner in value:
            yield from _parts(inner)
    elif isinstance(value, dict):
        yield from _parts(sorted(value.items()))
    elif isinstance(value, np.ndarray):
        plain = value if value.dtype.kind == "f" else value.astype(np.int64)
        yield f"{plain.dtype.str} {plain.shape}".encode()
        yield np.ascontiguousarray(plain).tobytes()
    elif value is None or isinstance(value, bool | int | float | str | Enum | np.number):
        text = repr(value.item() if isinstance(value, np.number) else value)
        yield f"{type(value).__name__} {len(text)} {text}".encode()
    else:
        raise TypeError(f"a {type(value).__name__} has no identity")
