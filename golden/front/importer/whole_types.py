"""ONNX's types of whole numbers, those of 2 and 4 bits among them, which NumPy itself has not."""

from __future__ import annotations

from typing import Any

import numpy as np

BITS = {"BOOL": 1, "UINT2": 2, "UINT4": 4, "UINT8": 8, "UINT16": 16, "UINT32": 32, "UINT64": 64}
SIGNED = {"INT2": 2, "INT4": 4, "INT8": 8, "INT16": 16, "INT32": 32, "INT64": 64}


def limits(name: str) -> tuple[int, int]:
    """The least and the largest number of a type of whole numbers, by ONNX's name."""
    if name in BITS:
        return 0, (1 << BITS[name]) - 1
    half = 1 << (SIGNED[name] - 1)
    return -half, half - 1


def counts(kind: np.dtype[Any]) -> bool:
    """Is an array's type one of whole numbers, and not of truth values?"""
    return kind.name.upper() in {*BITS, *SIGNED} - {"BOOL"}
