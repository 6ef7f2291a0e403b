"""A model's own functions, written out where they are called."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import onnx
from onnx.inliner import inline_local_functions

from ...types.errors import ModelFileError

Key = tuple[str, str, str]
"""Domain, name, overload."""

MAX_DEPTH = 64
"""Of calls within calls."""


def inlined(model: onnx.ModelProto, path: Path, most: int) -> onnx.ModelProto:
    """The model without functions of its own. Raises ModelFileError for one that calls itself, or unfolds to more than `most`."""
    if not model.functions:
        return model
    functions = {(f.domain, f.name, f.overload): f for f in model.functions}
    sizes: dict[Key, int] = {}

    def nodes(body: Iterable[onnx.NodeProto], callers: tuple[Key, ...]) -> int:
        """How many nodes a body becomes."""
        total = 0
        for node in body:
            key = (node.domain, node.op_type, node.overload)
            total += called(key, callers) if key in functions else 1
            for attribute in node.attribute:
                for graph in (attribute.g, *attribute.graphs):
                    total += nodes(graph.node, callers)
        return total

    def called(key: Key, callers: tuple[Key, ...]) -> int:
        name = functions[key].name
        if key in callers:
            raise ModelFileError(f"{path}: its function {name} calls itself")
        if len(callers) > MAX_DEPTH:
            raise ModelFileError(f"{path}: its function {name} is called at a depth of more than {MAX_DEPTH}")
        if key not in sizes:
            sizes[key] = nodes(functions[key].node, (*callers, key))
        return sizes[key]

    total = nodes(model.graph.node, ())
    if total > most:
        raise ModelFileError(f"{path}: {total} nodes with its functions written out, at most {most} are read")
    _name(model.graph.node, "")
    for function in model.functions:
        _name(function.node, f"{function.name}/")
    try:
        return inline_local_functions(model)
    except Exception as error:  # the inliner raises what its library does
        names = ", ".join(dict.fromkeys(f.name for f in model.functions))
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelFileError(f"{path}: its functions {names} cannot be written out: {reason[:200]}") from None


def _name(nodes: Iterable[onnx.NodeProto], prefix: str) -> None:
    """Name nodes without a name by where they stand in the file, which they no longer do where functions are written out."""
    for position, node in enumerate(nodes):
        if not node.name:
            node.name = f"{prefix}{node.op_type}_{position}"
