"""The float graph itself, executed by onnxruntime, or by qonnx where the file has QONNX operators."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.inliner import inline_local_functions

from sigmabit.golden import SigmabitError
from sigmabit.golden.front.condition_input import condition_input
from sigmabit.golden.front.noise_input import noise_input


class ExecutionError(SigmabitError):
    """An executor refuses a model file; the message holds its own."""


BATCH = 500
"""Frames executed at a time."""

LARGEST = 1 << 30
"""Bytes of a model whose shapes are inferred."""

MOST_SAID = 600
"""Characters of an executor's own message."""

MOST_NOISES = 2
"""Sources of noise, one behind the other."""

RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial")


@dataclass(frozen=True, eq=False)
class Reference:
    """What an executor made of the frames: the output that was asked for (N, ...), the executor's name, other tensors by name.

    With K samples of each frame, all arrays are (N, K, ...).
    """

    outputs: NDArray[np.float32]
    executor: str
    tensors: dict[str, NDArray[np.float32]] = field(default_factory=dict)


def execute(
    model: Path,
    x: NDArray[np.generic],
    progress: Callable[[int, int], None] = lambda done, total: None,
    epsilon: NDArray[np.floating] | None = None,
    tensors: Sequence[str] = (),
    output: str | None = None,
    whole: bool = False,
    plain: bool = False,
) -> Reference:
    """Run the frames x (N, ...) through the model file.

    epsilon: (N, latents) or (N, K, latents), what the graph's random node gives instead of random numbers, or its second input
    is given. tensors: others of the
    graph's that are wanted too. output: the one of its outputs that is wanted, by default the first.

    Files with a batch of 1 written into them are executed in batches all the same if their results do not depend on it, which
    is tried on the first frames unless the file is known to take a `whole` batch; otherwise frame by frame.
    plain: node by node, as the file has them; executors put some together, which rounds otherwise.

    Raises ExecutionError, whatever an executor, or what prepares the file for it, raises.
    """
    try:
        return _execute(model, x, progress, epsilon, tensors, output, whole, plain)
    except SigmabitError:
        raise
    except Exception as error:  # shape inference and the like raise what they like, too
        raise ExecutionError(f"{model}: it cannot be executed: {_in_one_line(error)}") from None


def _execute(
    model: Path,
    x: NDArray[np.generic],
    progress: Callable[[int, int], None],
    epsilon: NDArray[np.floating] | None,
    tensors: Sequence[str],
    output: str | None,
    whole: bool,
    plain: bool,
) -> Reference:
    proto = onnx.load(str(model))
    if proto.functions:
        proto = inline_local_functions(proto)
    wanted = list(dict.fromkeys((output or proto.graph.output[0].name, *tensors)))
    given = noise_input(proto.graph)
    constants = {tensor.name for tensor in proto.graph.initializer}
    condition = condition_input(proto.graph)
    if condition is not None and condition.name not in _needed(proto.graph, wanted):
        condition = None
    first = next(v for v in proto.graph.input if v.name not in constants and v is not given and v is not condition)
    entries = {value.name: value.type.tensor_type for value in (first, condition) if value is not None}
    feeds = _fed(x, entries, model)
    _prune(proto, wanted, list(entries))
    samples = epsilon.shape[1:-1] if epsilon is not None else ()
    noise = _noise(proto, wanted, model)
    if bool(noise) != (epsilon is not None):
        raise ExecutionError(f"{model}: " + ("it draws random numbers; give them" if noise else "no node draws random numbers"))
    if epsilon is not None:
        if epsilon.ndim not in (2, 3) or len(epsilon) != len(x):
            raise ExecutionError(f"{model}: noise of shape {epsilon.shape} for {len(x)} frames")
        for name in entries:
            feeds[name] = np.repeat(feeds[name], epsilon.size // (len(x) * epsilon.shape[-1]), axis=0)
        rows, place = epsilon.reshape(-1, epsilon.shape[-1]), 0
        for name, shape in _shapes(proto, noise, epsilon.shape[-1], model, _part(feeds, 0, 1)).items():
            end = place + math.prod(shape)
            feeds[name] = rows[:, place:end].reshape(-1, *shape).astype(_feed(proto, name, shape))
            place = end
    maker = _executor(proto)
    executor = "qonnx" if maker is _qonnx else "onnxruntime"
    if plain and maker is _onnxruntime:
        maker = partial(_onnxruntime, plain=True)
    results: list[list[NDArray[np.float32]]] = []
    total = len(feeds[first.name])
    try:
        run = maker(proto, list(feeds), wanted)
        size = BATCH if whole or _batches(run, _part(feeds, 0, 3)) else 1
        for start in range(0, total, size):
            results.append(run(_part(feeds, start, start + size)))
            progress(min(start + size, total) * len(x) // total, len(x))
    except Exception as error:  # executors raise what they like; whatever it is, they cannot run the file
        raise ExecutionError(f"{model}: {executor} cannot run it: {_in_one_line(error)}") from None
    arrays = [np.concatenate(parts).astype(np.float32) for parts in zip(*results, strict=True)]
    found = {name: a.reshape(len(x), *samples, *a.shape[1:]) for name, a in zip(wanted, arrays, strict=True)}
    return Reference(found[wanted[0]], executor, {name: found[name] for name in tensors})


def _in_one_line(error: Exception) -> str:
    """What an executor says, all of it if that is not endless."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= MOST_SAID else f"{text[:MOST_SAID].rsplit(' ', 1)[0]} ..."


Feeds = dict[str, NDArray[Any]]
Run = Callable[[Feeds], list[NDArray[np.float32]]]
"""From the inputs of a batch to the wanted tensors."""


def _part(feeds: Feeds, start: int, end: int) -> Feeds:
    """Some frames of all inputs."""
    return {name: array[start:end] for name, array in feeds.items()}


def _fed(x: NDArray[np.generic], entries: Mapping[str, onnx.TypeProto.Tensor], model: Path) -> Feeds:
    """What each input takes of the frames x (N, ...): all, or of a row of the input's numbers and a condition's its own."""
    shapes = [tuple(dimension.dim_value for dimension in entry.shape.dim[1:]) for entry in entries.values()]
    size = sum(math.prod(shape) for shape in shapes)
    if len(entries) > 1 and x.shape[1:] != (size,):
        raise ExecutionError(f"{model}: frames of shape {x.shape}, expected (N, {size}) with the condition's numbers")
    parts = [x] if len(entries) == 1 else apart(x, shapes)
    kinds = (onnx.helper.tensor_dtype_to_np_dtype(entry.elem_type) for entry in entries.values())
    return {name: part.astype(kind) for name, part, kind in zip(entries, parts, kinds, strict=True)}


def apart(x: NDArray[np.generic], shapes: Sequence[Sequence[int]]) -> list[NDArray[np.generic]]:
    """Rows x (N, numbers) as inputs (N, *shape) of such shapes, one behind the other."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    return [part.reshape(len(x), *shape) for part, shape in zip(np.split(x, ends[:-1], axis=1), shapes, strict=True)]


def _needed(graph: onnx.GraphProto, wanted: Sequence[str]) -> set[str]:
    """All tensors that the wanted ones depend on, and they themselves."""
    found = {*wanted}
    for node in reversed(graph.node):
        if found.intersection(node.output):
            found.update(node.input)
    return found


def _prune(proto: onnx.ModelProto, wanted: Sequence[str], fed: Sequence[str]) -> None:
    """Take out nodes and inputs that the wanted tensors do not depend on, so that nothing must be known about them."""
    needed, kept = {*fed, *wanted}, []
    for node in reversed(proto.graph.node):
        if needed.intersection(filter(None, node.output)):
            needed.update(node.input)
            kept.append(node)
            for attribute in node.attribute:  # what the bodies of loops and choices take from outside
                graphs = (attribute.g, *attribute.graphs)
                needed.update(name for graph in graphs for inner in graph.node for name in inner.input)
    inputs = [value for value in proto.graph.input if value.name in needed]
    kept, inputs = ([type(item).FromString(item.SerializeToString()) for item in items] for items in (kept[::-1], inputs))
    del proto.graph.node[:], proto.graph.input[:]
    proto.graph.node.extend(kept)
    proto.graph.input.extend(inputs)


def _noise(proto: onnx.ModelProto, wanted: Sequence[str], model: Path) -> list[str]:
    """The random nodes' results among those that the wanted tensors depend on, in order; or the input that is noise."""
    needed, found = set(wanted), []
    for node in reversed(proto.graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            if node.op_type in RANDOM:
                found.append(node.output[0])
    if len(found) > MOST_NOISES:
        raise ExecutionError(f"{model}: {len(found)} nodes draw random numbers, only {MOST_NOISES} can be replaced")
    given = None if found else noise_input(proto.graph)
    return [given.name] if given is not None else found[::-1]


def _shapes(proto: onnx.ModelProto, noise: Sequence[str], latents: int, model: Path, frame: Feeds) -> dict[str, tuple[int, ...]]:
    """By name the shape of the noise of one frame: a row, or an image; so many numbers together."""
    found: dict[str, tuple[int, ...]] = {}
    if proto.ByteSize() <= LARGEST:
        inferred = onnx.shape_inference.infer_shapes(proto, data_prop=True).graph
        for value in (*inferred.input, *inferred.value_info):
            sizes = tuple(dimension.dim_value for dimension in value.type.tensor_type.shape.dim[1:])
            if value.name in noise and sizes and (len(noise) > 1 or math.prod(sizes) == latents):
                found[value.name] = sizes
    if len(found) < len(noise) and not any(value.name in noise for value in proto.graph.input):  # sizes that the graph computes
        with suppress(Exception):  # what an executor cannot run is told when it runs all
            made = _executor(proto)(proto, list(frame), noise)(frame)
            found = {name: array.shape[1:] for name, array in zip(noise, made, strict=True)}
    if len(noise) == 1 and sum(map(math.prod, found.values())) != latents:
        found = {noise[0]: (latents,)}
    if sum(map(math.prod, found.values())) != latents or len(found) < len(noise):
        raise ExecutionError(f"{model}: noise of {latents} numbers for {', '.join(noise)} of shapes {list(found.values())}")
    return {name: found[name] for name in noise}


def _feed(proto: onnx.ModelProto, noise: str, shape: tuple[int, ...]) -> np.dtype[Any]:
    """Turn the random node into an input (N, *shape) of the graph, if it is none; its element type."""
    for value in proto.graph.input:
        if value.name == noise:
            return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type))
    node = next(node for node in proto.graph.node if noise in node.output)
    kind = next((attribute.i for attribute in node.attribute if attribute.name == "dtype"), onnx.TensorProto.FLOAT)
    proto.graph.node.remove(node)
    proto.graph.input.append(onnx.helper.make_tensor_value_info(noise, kind, ["N", *shape]))
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind))


def _batches(run: Run, feeds: Feeds) -> bool:
    """Do a few frames at once give what they give one by one?"""
    count = len(next(iter(feeds.values())))
    single = [run(_part(feeds, frame, frame + 1)) for frame in range(count)]
    try:
        together = run(feeds)
    except Exception:  # whatever the executor raises, it does not take batches
        return False
    apart = [np.concatenate(arrays) if arrays[0].ndim else np.stack(arrays) for arrays in zip(*single, strict=True)]
    return all(len(a) == count and np.array_equal(a, b) for a, b in zip(together, apart, strict=True))


def _free(proto: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str]) -> onnx.ModelProto:
    """The model with any batch, and with the given outputs alone."""
    free = onnx.ModelProto()
    free.CopyFrom(proto)
    graph = free.graph
    results = {value.name: value for value in graph.output}
    kept = [results.get(name) or onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs]
    for value in (*(value for value in graph.input if value.name in inputs), *kept):
        if value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_param = "N"
    copies = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in kept]
    del graph.output[:]
    graph.output.extend(copies)
    return free


def _executor(proto: onnx.ModelProto) -> Callable[[onnx.ModelProto, Sequence[str], Sequence[str]], Run]:
    """What runs a graph: onnxruntime, or qonnx for operators that are not ONNX's own."""
    return _qonnx if any(node.domain not in ("", "ai.onnx") for node in proto.graph.node) else _onnxruntime


def _onnxruntime(proto: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str], plain: bool = False) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # weights kept in integers are multiplied as real numbers, as the file says, instead of with quantised activations
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    if plain:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    content = _free(proto, inputs, outputs).SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(feeds: Feeds) -> list[NDArray[np.float32]]:
        return [np.asarray(array, np.float32) for array in session.run(list(outputs), feeds)]

    return run


def _qonnx(proto: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str]) -> Run:
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    wrappers: dict[int, ModelWrapper] = {}

    def wrapper(count: int) -> ModelWrapper:
        if count not in wrappers:
            fresh = _free(proto, inputs, outputs)
            graph = fresh.graph
            for value in (*(value for value in graph.input if value.name in inputs), *graph.output):
                if value.type.tensor_type.shape.dim:
                    value.type.tensor_type.shape.dim[0].dim_value = count
            del graph.value_info[:]
            wrappers[count] = ModelWrapper(fresh).transform(InferShapes())
        return wrappers[count]

    def run(feeds: Feeds) -> list[NDArray[np.float32]]:
        ready = wrapper(len(next(iter(feeds.values()))))
        results = execute_onnx(ready, feeds)
        return [np.asarray(results[name], np.float32) for name in outputs]

    return run
