"""Values of golden and of the planner: none changes once it is made, and those that hold arrays are told apart by identity."""

from __future__ import annotations

import dataclasses
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(str(file.relative_to(ROOT)) for wing in ("golden", "hdl/planning") for file in (ROOT / wing).rglob("[a-z]*.py"))

ARRAYS = {"NDArray", "Array", "Float", "Real", "Integers", "Callable", "NodeProto", "ModelProto"}
"""Of whose values NumPy, ONNX and Python cannot say, or not by one word, whether two are alike."""

IDENTITY = {"Ways", "Concatenation", "Deferred", "Step", "Sign", "Chain", "Symbol"}
"""Told apart by identity, though they hold nothing of the kind: layers, steps among others that do, and what is on its way."""

FIELDS = {"Given", "Structure", "_Carried", "Condition", "Plan"}
"""Compared by their fields, among them functions or what is never compared."""


def classes(file: str) -> list[type]:
    """The dataclasses of a file."""
    name = f"sigmabit.{file[:-3].replace('/', '.')}"
    found = [held for held in vars(import_module(name)).values() if inspect.isclass(held) and held.__module__ == name]
    return [held for held in found if "__dataclass_params__" in vars(held)]


def spread(words: set[str]) -> set[str]:
    """Names of all classes that hold one of these, by themselves, by what they derive from, or by another class."""
    every = [held for file in FILES for held in classes(file)]
    held_by = {held: set(re.findall(r"\w+", " ".join(str(field.type) for field in dataclasses.fields(held)))) for held in every}
    found: set[str] = set()
    while (
        more := {
            held.__name__
            for held in every
            if held_by[held] & (words | found) or {base.__name__ for base in held.__mro__[1:]} & (words | found)
        }
        - found
    ):
        found |= more
    return found


APART = spread(ARRAYS) - FIELDS | IDENTITY


@pytest.mark.parametrize("file", FILES)
def test_values(file: str) -> None:
    """A value stays as it is, but for what the importer hands on, which has a frame; what is compared by its fields can be."""
    for held in classes(file):
        parameters = held.__dataclass_params__  # type: ignore[attr-defined]
        framed = any(base.__name__ == "Frame" or "frame" in getattr(base, "__annotations__", {}) for base in held.__mro__)
        assert parameters.frozen == (not framed), held.__name__
        assert parameters.eq == (not framed and held.__name__ not in APART), held.__name__
