"""Parts of a graph by themselves, executed over every sum that can occur: what a refusal is judged by, without the importer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from ..simulation.reference import execute
from .case import Case, Segment

Array = np.ndarray


def needed(graph: onnx.GraphProto, inputs: set[str], outputs: set[str]) -> list[int]:
    """Positions of the nodes that lead from some tensors to others."""
    wanted, found = set(outputs), []
    for position in reversed(range(len(graph.node))):
        node = graph.node[position]
        if wanted.intersection(node.output) - inputs:
            wanted.update(name for name in node.input if name)
            found.append(position)
    return found[::-1]


def part(model: onnx.ModelProto, inputs: dict[str, list[Any]], *outputs: str) -> onnx.ModelProto:
    """The graph between tensors, with inputs of the given shapes."""
    graph = model.graph
    nodes = [graph.node[position] for position in needed(graph, set(inputs), set(outputs))]
    feeds = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    constants = [tensor for tensor in graph.initializer if tensor.name not in inputs]
    cut = helper.make_graph(nodes, "part", feeds, results, constants)
    return helper.make_model(cut, opset_imports=model.opset_import, ir_version=model.ir_version, functions=model.functions)


def run(model: onnx.ModelProto, feeds: dict[str, Array]) -> Array:
    """The first output, by onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {k: v.astype(np.float32) for k, v in feeds.items()})[0])


def through(model: onnx.ModelProto, tensor: str, values: Array, output: str) -> Array:
    """What the graph makes of a tensor's values (N, ...) up to another tensor, by the executor that the file asks for."""
    cut = part(model, {tensor: ["N", *values.shape[1:]]}, output)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.onnx"
        onnx.save(cut, str(path))
        return execute(path, values, whole=True).outputs


def names_of(model: onnx.ModelProto, segment: Segment) -> frozenset[str]:
    """The nodes between a segment's sums and its bits, as an importer calls them."""
    nodes, positions = model.graph.node, needed(model.graph, {segment.sums}, {segment.bits})
    return frozenset(nodes[p].name or f"{nodes[p].op_type}_{p}" for p in positions)


def what_is_wrong(case: Case, model: onnx.ModelProto, segment: Segment) -> str:
    """Why a segment gives no bits that hardware takes, over all sums that can occur; empty if it does."""
    source = _source(case, model, segment)
    sums = _sums(model, segment, source)
    if len(_levels(source)) == 1 or len(sums) == 1:
        return "what it takes is always the same"  # which no importer needs to find out
    for tensor in segment.pooled:
        inner = through(model, segment.sums, sums, tensor) if tensor != segment.sums else sums
        if _turns(inner):
            return "what is pooled is not monotone"
    return _wrong(through(model, segment.sums, sums, segment.bits))


def _by_channel(values: Array) -> Array:
    """(M, channels): one number of each channel, all of which are alike."""
    return values.reshape(*values.shape[:2], -1)[:, :, 0] if values.ndim > 2 else values


def _turns(values: Array) -> bool:
    change = np.diff(_by_channel(values).astype(np.float64), axis=0)
    return bool(np.any((change > 0).any(axis=0) & (change < 0).any(axis=0)))


def _wrong(bits: Array) -> str:
    """Why what a chain gives is no bit."""
    columns = _by_channel(bits)
    levels = np.unique(columns)
    changes = (columns[1:] != columns[:-1]).sum(axis=0)
    if np.isnan(levels).any():
        return "it is not a number somewhere"
    if len(levels) == 1:
        return "it is the same for all sums"
    if len(levels) == 2:
        return "it is not monotone" if (changes > 1).any() else ""
    single = len(levels) == 3 and levels[1] == 0
    if single and all(_isolated(column) for column in columns.T):
        return ""
    return f"it takes the values {levels[:5].tolist()}"


def _isolated(column: Array) -> bool:
    """Is zero, if it occurs, one sum between sums of one level and of another?"""
    runs = column[np.flatnonzero(np.r_[True, column[1:] != column[:-1]])]
    return bool((column == 0).sum() <= 1 and len(runs) <= 3 and (len(runs) < 3 or runs[1] == 0))


def _source(case: Case, model: onnx.ModelProto, segment: Segment) -> Array:
    """(M, *shape) of what a segment's layer takes; of binarised pixels themselves, every number."""
    shape = case.x.shape[1:]
    every = (
        None if case.levels is None else np.broadcast_to(case.levels.reshape(-1, *[1] * len(shape)), (len(case.levels), *shape))
    )
    if segment.source is None:
        assert every is not None
        return every
    frames = [case.x] if every is None else [case.x, every]
    bytes_ = (node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear" and node.input[0] == "x")
    return through(model, next(bytes_, "x"), np.concatenate(frames).astype(np.float32), segment.source)


def _levels(source: Array) -> Array:
    """The numbers that a layer takes, rising."""
    levels = np.unique(source[np.isfinite(source)]).astype(np.float64)
    if len(levels) == 3 and levels[1] == 0:
        levels = levels[[0, 2]]  # a Sign that met its zero
    return levels


def _sums(model: onnx.ModelProto, segment: Segment, source: Array) -> Array:
    """(M, *shape) sums in rising order, channel by channel, each the same at all positions."""
    if segment.source is None:
        return source
    assert segment.weights is not None
    levels, weights = _levels(source), run_constant(model, segment.weights)
    low, high = levels[0], levels[-1]
    feeds = {segment.source: ["N", *source.shape[1:]], segment.weights: list(weights.shape)}
    cut = part(model, feeds, segment.sums)

    def layer(x: float, w: Array) -> Array:
        full = np.full((1, *source.shape[1:]), x)
        return run(cut, {segment.source: full, segment.weights: w})[0].astype(np.float64)  # type: ignore[dict-item]

    bias = layer(0, weights)
    middle, spread = layer((low + high) / 2, weights), np.abs(layer((high - low) / 2, np.abs(weights)) - bias)
    first, last = ((middle + s * spread).reshape(len(bias), -1) for s in (-1, 1))
    sizes = np.abs(layer(1.0, np.abs(weights)) - bias).reshape(len(bias), -1).max(axis=1)
    taps = np.abs(layer(1.0, np.ones_like(weights)) - bias).reshape(len(bias), -1).max(axis=1)
    # a change of one input by one level moves a sum by this much
    unit = sizes / np.maximum(taps, 1e-30) * _alpha(model, segment) * (high - low) / max(len(levels) - 1, 1)
    found = []
    for channel in range(len(bias)):
        ends = np.unique(np.round(np.stack([first[channel], last[channel]], axis=1), 5), axis=0)
        values = [
            np.linspace(a, b, round(float((b - a) / unit[channel])) + 1) if unit[channel] else np.array([a]) for a, b in ends
        ]
        found.append(np.unique(np.round(np.concatenate(values), 5)))
    count = max(map(len, found))
    table = np.stack([np.r_[values, np.full(count - len(values), values[-1])] for values in found], axis=1)
    spatial = layer(0, weights).shape[1:]
    return np.broadcast_to(table.reshape(count, len(bias), *[1] * len(spatial)), (count, len(bias), *spatial)).astype(np.float32)


def _alpha(model: onnx.ModelProto, segment: Segment) -> float:
    """The factor of a Gemm's product: sizes count it, and so do taps."""
    for node in model.graph.node:
        if segment.sums in node.output and node.op_type == "Gemm":
            return abs(next((a.f for a in node.attribute if a.name == "alpha"), 1.0))
    return 1.0


def run_constant(model: onnx.ModelProto, name: str) -> Array:
    """A tensor that does not depend on the input, by qonnx's operators or onnxruntime."""
    cut = part(model, {}, name)
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx

    for tensor in cut.graph.initializer:
        if tensor.name == name:
            return onnx.numpy_helper.to_array(tensor)
    if any(node.domain not in ("", "ai.onnx") for node in cut.graph.node):
        from qonnx.transformation.infer_shapes import InferShapes

        return np.asarray(execute_onnx(ModelWrapper(cut).transform(InferShapes()), {})[name])
    return run(cut, {})
