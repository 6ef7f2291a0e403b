"""Blocks that become Verilog modules of their own.

MyHDL flattens what it converts. Here a block is marked as one of three kinds, and hdl/convert.py keeps the hierarchy:

* `leaf`: generators and flattened helper blocks, converted by MyHDL into one module;
* `composite`: nothing but instances, written out as instances;
* `written`: Verilog text given by its configuration, with a MyHDL twin for simulation, where Verilog is needed that MyHDL cannot
  write.

A module block has an argument `config`, a frozen dataclass whose `module` property names the module: equal configurations share
one module, unequal ones must not share a name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from myhdl import block

LEAF, COMPOSITE, WRITTEN = "leaf", "composite", "written"


def _marked(kind: str) -> Callable[[Callable[..., Any]], Any]:
    def mark(function: Callable[..., Any]) -> Any:
        function.module_kind = kind  # type: ignore[attr-defined]
        return block(function)

    return mark


leaf = _marked(LEAF)
composite = _marked(COMPOSITE)
written = _marked(WRITTEN)


def kind_of(instance: Any) -> str | None:
    """The kind of an elaborated block's module, or None for a helper that is flattened into its user."""
    return getattr(instance.func, "module_kind", None)
