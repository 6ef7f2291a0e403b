"""sigmabit inspect: what a model file holds, and what is unsupported and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType

import sigmabit

from ..interface.choices import Reading
from ..interface.terminal import Terminal, table
from . import options


@click.command(short_help="Layers, shapes and unsupported nodes.")
@options.model
@options.reading
@options.as_json
def inspect(model: Path, reading: Reading, as_json: bool) -> None:
    """Layers, shapes and operations of MODEL, and every node that is unsupported."""
    terminal = Terminal(as_json)
    try:
        found = sigmabit.inspect(model, **reading.of_model, remark=terminal.remark)
    except sigmabit.UnsupportedModelError as error:
        findings = [{"node": f.node, "operator": f.operator, "reason": f.reason} for f in error.findings]
        data = {"model": str(model), "supported": False, "unsupported": findings}
        terminal.emit(data, f"{model}: unsupported nodes", *(f"  {finding}" for finding in error.findings))
        if as_json:
            raise
        count = f"{len(findings)} unsupported node{'s' * (len(findings) > 1)}"
        raise sigmabit.SigmabitError(f"{model}: {count}, listed on the standard output") from None
    terminal.emit(found.to_json(), *tables(found.name, found.layers), "", *found.remarks)


def tables(name: str, layers: list[dict[str, Any]]) -> list[RenderableType]:
    """Layers for people."""
    rows, origins = [], []
    for layer in layers:
        ends = (("x".join(map(str, layer[f"{end}_shape"])), layer[f"{end}_bits"]) for end in ("input", "output"))
        shapes = [shape if bits is None else f"{shape} of {bits} bit" for shape, bits in ends]
        rows.append([layer["name"], *shapes, layer["operations"]])
        origins.append([layer["name"], ", ".join(layer["nodes"])])
    total = ["total", "", "", sum(layer["operations"] for layer in layers)]
    return [
        table(name, ["layer", "input (h x w x c)", "output", "MAC per frame"], rows, total=total),
        "",
        table("what the layers are made of", ["layer", "nodes of the graph"], origins, texts=2),
    ]
