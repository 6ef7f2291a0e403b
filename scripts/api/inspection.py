"""What a model file holds, as plain values and as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sigmabit.golden import Network, UncalibratedError, import_real
from sigmabit.golden.layers.layer import Layer
from sigmabit.golden.layers.residual import Residual
from sigmabit.golden.layers.ways import Ways
from sigmabit.golden.network.network import Condition, InputFormat, Omitted
from sigmabit.golden.network.real import RealLatent, RealLinear, RealNetwork

from ..data.shipped import model_file
from ..interface.choices import Reading, Source
from ..interface.loading import load_network, remark_constant, remark_reading
from .networks import Ear, Remark, warn

SHOWN_TIES = 20

UNCALIBRATED = (
    "not calibrated: nothing says yet what range its numbers have, and so what widths. Frames do: "
    "`sigmabit calibrate MODEL --input x.npy -o calibrated.onnx`, or --calibration x.npy for one command"
)


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a model file holds. network: None where weights are real, and nothing has calibrated them yet.

    about: inputs, outputs, and each of the layers with its shapes, widths, multiplications and nodes, as plain values.
    remarks: what else there is to know, in sentences: the input's step, outputs that are not taken, joins, ties.
    """

    name: str
    network: Network | None
    about: dict[str, Any]
    remarks: tuple[str, ...]

    @property
    def layers(self) -> list[dict[str, Any]]:
        """name, input_shape, input_bits, output_shape, output_bits, operations (multiplications per frame), nodes; of each."""
        layers: list[dict[str, Any]] = self.about["layers"]
        return layers

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return self.about


def inspect(
    model: str | Path,
    *,
    input_scale: float | None = None,
    input_bits: int | None = None,
    input_offset: float | None = None,
    output_name: str | None = None,
    calibration: Source | None = None,
    condition: Source | None = None,
    remark: Remark = warn,
) -> Inspection:
    """Layers, shapes and operations of a model file, also of one that is not calibrated.

    Args:
        model: the file, or the name of a shipped model.
        input_scale: see load, also for the arguments that are not listed here.
        input_bits: see load.
        input_offset: see load.
        output_name: see load.
        calibration: see load.
        condition: see load.
        remark: see load.

    Raises:
        ModelFileError: there is no such file, or it is no ONNX file.
        UnsupportedModelError: nodes are not supported; its findings name each, with the reason.
    """
    reading = Reading(input_scale, output_name, calibration, input_bits, input_offset, condition=condition)
    file, ear = model_file(model), Ear(remark)
    try:
        network = load_network(file, reading, ear)
    except UncalibratedError:
        real = import_real(file, coding=reading.coding, output_name=reading.output_name)
        remark_reading(ear, file, real, reading.input_scale)
        ends = _ends(real.input, real.output_name, real.output_shape, real.omitted, "--input-scale")
        return Inspection(real.name, None, _describe_real(real, str(file)), (*ends, UNCALIBRATED))
    remark_constant(ear, network)
    return Inspection(network.name, network, _describe(network, str(file)), tuple(_remarks(network, reading)))


def _describe(network: Network, model: str) -> dict[str, Any]:
    """The network as plain values."""
    output = network.output
    return {
        **_about(model, network.input, output.name, output.shape, network.omitted),
        "calibrated": network.calibrated or None,
        "operations": network.operations,
        "layers": [{**_layer(layer), "constant_channels": _constant(network, layer)} for layer in network.every],
        "sums": {layer.name: list(ends) for layer, ends in _joins(network.layers, "input") if isinstance(layer, Residual)},
        "concatenations": {
            layer.name: list(ends) for layer, ends in _joins(network.layers, "input") if not isinstance(layer, Residual)
        },
        "constant_layers": list(network.constant_layers),
        "uneven_weights": dict(network.uneven),
        "ties": [str(tie) for tie in network.ties],
    }


def _describe_real(network: RealNetwork, model: str) -> dict[str, Any]:
    """The same of a network without a calibration: widths of what real layers read and give are not known."""
    layers = [*map(_layer, network.binary), *map(_real_layer, network.layers)]
    return {
        **_about(model, network.input, network.output_name, network.output_shape, network.omitted),
        "calibrated": False,
        "operations": sum(layer["operations"] for layer in layers),
        "layers": layers,
        "ties": [str(tie) for tie in network.ties],
    }


def _about(model: str, form: InputFormat, output: str, shape: tuple[int, ...], omitted: Omitted) -> dict[str, Any]:
    return {
        "model": model,
        "supported": True,
        "unsupported": [],
        "input": {
            "name": form.name,
            "shape": list(form.first),
            **({} if form.condition is None else {"condition": _condition(form.condition, form.beside)}),
            "levels": form.tensor.codes.levels,
            "scale": form.grid.scale,
            **({} if form.coding is None else {"range": list(form.coding.ends), "bits": form.tensor.bits}),
            "from_quant_node": form.quantiser is not None and form.statement is None and form.coding is None,
            "stated_by": form.statement.by if form.statement else None,
            "assumed": form.assumed,
        },
        "output": {"name": output, "shape": list(shape)},
        "outputs_not_taken": list(omitted.outputs),
        "nodes_of_other_outputs": omitted.beside,
        "nodes_without_output": list(omitted.dead),
    }


def _layer(layer: Layer) -> dict[str, Any]:
    layout = layer.output.layout
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


def _joins(layers: Sequence[Layer], before: str) -> Iterator[tuple[Ways, tuple[str, ...]]]:
    """For each layer that joins two ways those whose results it takes, or the input. before: what the layers begin behind."""
    for layer in layers:
        if isinstance(layer, Ways):
            for way in layer.ways:
                yield from _joins(way, before)
            yield layer, tuple(way[-1].name if way else before for way in layer.ways)
        before = layer.name


def _constant(network: Network, layer: Layer) -> int:
    """How many of a layer's channels never change."""
    return int(network.reach[layer.name].constant_channels.sum())


def _real_layer(layer: RealLinear | RealLatent) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": "latent" if isinstance(layer, RealLatent) else layer.name.rstrip("0123456789"),
        "input_shape": list(layer.input_shape),
        "input_bits": None,
        "output_shape": list(layer.shape),
        "output_bits": None,
        "operations": layer.operations,
        "nodes": list(layer.nodes),
    }


def _remarks(network: Network, reading: Reading) -> list[str]:
    scale = "--input-scale" if reading.input_scale else "--calibration" if reading.calibration else "its calibration"
    lines = _ends(network.input, network.output.name, network.output.shape, network.omitted, scale)
    for layer in network.every:
        constant = _constant(network, layer)
        if constant:
            which = "outputs" if layer.name in network.constant_layers else f"{constant} of {layer.output.channels} channels"
            lines.append(f"{layer.name}: its {which} never change, whatever the input")
    for layer, (first, second) in _joins(network.layers, "the input"):
        does = "adds" if isinstance(layer, Residual) else "puts side by side"
        lines.append(f"{layer.name} {does} what {first} and {second} give")
    for name, variation in network.uneven:
        lines.append(
            f"{name}: its weights differ by up to {variation:.1g} of their size, as rounding leaves them; taken as equal"
        )
    ties = network.ties
    if ties:
        count = "1 decision lies" if len(ties) == 1 else f"{len(ties)} decisions lie"
        lines.append(f"{count} within float32 rounding, or on the zero of a Sign, where another executor may decide otherwise:")
        lines.extend(f"  {tie}" for tie in ties[:SHOWN_TIES])
        if len(ties) > SHOWN_TIES:
            lines.append(f"  and {len(ties) - SHOWN_TIES} more (--json lists all)")
    return lines


def _ends(form: InputFormat, output: str, shape: tuple[int, ...], omitted: Omitted, scale: str) -> list[str]:
    """What is said of input and output. scale: what gave the input's step, where neither the graph nor an assumption did."""
    said = form.statement
    if form.coding is not None:
        where = scale
    elif said is not None and (form.quantiser is not None or said.scale == form.grid.scale):
        where = said.by
    elif form.quantiser:
        where = "its Quant node"
    else:
        where = "assumption" if form.assumed else scale
    taken = f"{form.name} {form.first}{_beside(form)}"
    return [
        f"input {taken}: {form.tensor.codes.levels} levels{_from_to(form)}, step {_step(form):g} by {where}",
        f"output {output} {shape}",
        *omitted.remarks(output),
    ]


def _condition(condition: Condition, numbers: int) -> dict[str, Any]:
    """A condition, and how many numbers of it a frame holds."""
    return {"name": condition.name, "shape": list(condition.shape), "numbers": numbers}


def _beside(form: InputFormat) -> str:
    condition = form.condition
    if condition is None:
        return ""
    hosted = "" if condition.function is None else f", of which the host makes {form.beside} numbers"
    return f" with condition {condition.name} {condition.shape or '(one number)'}{hosted}"


def _from_to(form: InputFormat) -> str:
    """The least and the largest number that the input may be, but where a layer adds something to them."""
    if form.coding is not None:
        low, high = form.coding.ends
    elif form.grid.offset == 0 if form.quantiser is None else form.quantiser.steps[-1].binarises:
        low, high = form.grid.reals(np.array([form.tensor.codes.low, form.tensor.codes.high])).tolist()
    else:
        return ""
    return f" from {low:g} to {high:g}"


def _step(form: InputFormat) -> float:
    return form.grid.scale if form.coding is None else form.coding.step
