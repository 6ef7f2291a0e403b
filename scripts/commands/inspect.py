"""sigmabit inspect: what a model file holds, and what is unsupported and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType

from sigmabit.golden import Network, UnsupportedModelError
from sigmabit.golden.network import Layer

from ..models import load_network, remark_constant
from ..terminal import Terminal, table
from . import options

SHOWN_TIES = 20


@click.command(short_help="Layers, shapes and unsupported nodes.")
@options.model
@options.input_scale
@options.calibration
@options.as_json
def inspect(model: Path, input_scale: float | None, calibration: Path | None, as_json: bool) -> None:
    """Layers, shapes and operations of MODEL, and every node that is unsupported."""
    terminal = Terminal(as_json)
    try:
        network = load_network(model, input_scale, terminal, calibration=calibration)
    except UnsupportedModelError as error:
        findings = [{"node": f.node, "operator": f.operator, "reason": f.reason} for f in error.findings]
        data = {"model": str(model), "supported": False, "unsupported": findings}
        terminal.emit(data, f"{model}: unsupported nodes", *(f"  {finding}" for finding in error.findings))
        raise
    remark_constant(terminal, network)
    terminal.emit(describe(network, str(model)), *_tables(network))


def describe(network: Network, model: str) -> dict[str, Any]:
    """The network as plain values."""
    form = network.input
    return {
        "model": model,
        "supported": True,
        "unsupported": [],
        "input": {
            "name": form.name,
            "shape": list(form.shape),
            "levels": form.grid.levels,
            "scale": form.grid.scale,
            "from_quant_node": form.quantiser is not None,
            "assumed": form.assumed,
        },
        "output": {"name": network.output.name, "shape": list(network.output.shape)},
        "operations": network.operations,
        "layers": [{**_layer(layer), "constant_channels": _constant(network, layer)} for layer in network.layers],
        "constant_layers": list(network.constant_layers),
        "ties": [str(tie) for tie in network.ties],
    }


def _layer(layer: Layer) -> dict[str, Any]:
    layout = layer.layout
    return {
        "name": layer.name,
        "kind": type(layer).__name__.lower(),
        "input_shape": list(layer.input.shape),
        "input_bits": layer.input.bits,
        "output_shape": list(layout.shape),
        "output_bits": layout.bits,
        "operations": layer.operations,
        "nodes": list(layer.nodes),
    }


def _constant(network: Network, layer: Layer) -> int:
    """How many of a layer's channels never change."""
    return int(network.reach[layer.name].constant_channels.sum())


def _tables(network: Network) -> list[RenderableType]:
    rows, origins = [], []
    for layer in network.layers:
        entry = _layer(layer)
        shapes = [f"{'x'.join(map(str, entry[f'{end}_shape']))} of {entry[f'{end}_bits']} bit" for end in ("input", "output")]
        rows.append([layer.name, *shapes, layer.operations])
        origins.append([layer.name, ", ".join(layer.nodes)])
    form, ties = network.input, network.ties
    if form.quantiser:
        where = "its Quant node"
    else:
        where = "assumption" if form.assumed else "--input-scale, or its calibration" if network.latent else "--input-scale"
    lines = [
        "",
        f"input {form.name} {form.shape}: {form.grid.levels} levels, step {form.grid.scale:g} by {where}",
        f"output {network.output.name} {network.output.shape}",
    ]
    for layer in network.layers:
        constant = _constant(network, layer)
        if constant:
            which = "outputs" if layer.name in network.constant_layers else f"{constant} of {layer.layout.channels} channels"
            lines.append(f"{layer.name}: its {which} never change, whatever the input")
    if ties:
        count = "1 decision lies" if len(ties) == 1 else f"{len(ties)} decisions lie"
        lines.append(f"{count} within float32 rounding, or on the zero of a Sign, where another executor may decide otherwise:")
        lines.extend(f"  {tie}" for tie in ties[:SHOWN_TIES])
        if len(ties) > SHOWN_TIES:
            lines.append(f"  and {len(ties) - SHOWN_TIES} more (--json lists all)")
    columns = ["layer", "input (h x w x c)", "output", "MAC per frame"]
    return [
        table(network.name, columns, rows, total=["total", "", "", network.operations]),
        "",
        table("what the layers are made of", ["layer", "nodes of the graph"], origins, texts=2),
        *lines,
    ]
