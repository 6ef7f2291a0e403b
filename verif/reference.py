"""The float graph itself, executed by onnxruntime, or by qonnx where the file has QONNX operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sigmabit.golden import SigmabitError


class ExecutionError(SigmabitError):
    """An executor refuses a model file; the message holds its own."""


BATCH = 500
"""Frames executed at a time."""


@dataclass(frozen=True, eq=False)
class Reference:
    """What an executor made of the frames: the graph's first output (N, ...), and the executor's name."""

    outputs: NDArray[np.float32]
    executor: str


def execute(model: Path, x: NDArray[np.generic], progress: Callable[[int, int], None] = lambda done, total: None) -> Reference:
    """Run the frames x (N, ...) through the model file.

    Files with a batch of 1 written into them are executed in batches all the same if their results do not depend on it, which
    is tried on the first frames; otherwise frame by frame.
    """
    proto = onnx.load(str(model))
    executor = "qonnx" if any(node.domain not in ("", "ai.onnx") for node in proto.graph.node) else "onnxruntime"
    outputs = []
    try:
        run = _qonnx(model) if executor == "qonnx" else _onnxruntime(proto)
        frames = x.astype(_input_type(proto))
        size = BATCH if _batches(run, frames[:3]) else 1
        for start in range(0, len(frames), size):
            outputs.append(run(frames[start : start + size]))
            progress(min(start + size, len(frames)), len(frames))
    except Exception as error:  # executors raise what they like; whatever it is, they cannot run the file
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ExecutionError(f"{model}: {executor} cannot run it: {first[:200]}") from None
    return Reference(np.concatenate(outputs).astype(np.float32), executor)


def _input_type(proto: onnx.ModelProto) -> np.dtype[Any]:
    """The element type of the graph's first input."""
    constants = {tensor.name for tensor in proto.graph.initializer}
    first = next(value for value in proto.graph.input if value.name not in constants)
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(first.type.tensor_type.elem_type))


Run = Callable[[NDArray[Any]], NDArray[np.float32]]


def _batches(run: Run, frames: NDArray[Any]) -> bool:
    """Do a few frames at once give what they give one by one?"""
    single = [run(frame[None]) for frame in frames]
    try:
        together = run(frames)
    except Exception:  # whatever the executor raises, it does not take batches
        return False
    return together.shape == (len(frames), *single[0].shape[1:]) and np.array_equal(together, np.concatenate(single))


def _onnxruntime(proto: onnx.ModelProto) -> Run:
    import onnxruntime

    free = onnx.ModelProto()
    free.CopyFrom(proto)
    constants = {tensor.name for tensor in free.graph.initializer}
    inputs = [value for value in free.graph.input if value.name not in constants]
    for value in (*inputs[:1], *free.graph.output):
        if value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_param = "N"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(free.SerializeToString(), options, providers=["CPUExecutionProvider"])
    name, result = inputs[0].name, free.graph.output[0].name

    def run(frames: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(session.run([result], {name: frames})[0], np.float32)

    return run


def _qonnx(model: Path) -> Run:
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    wrappers: dict[int, ModelWrapper] = {}

    def wrapper(count: int) -> ModelWrapper:
        if count not in wrappers:
            fresh = ModelWrapper(str(model))
            graph = fresh.model.graph
            constants = {tensor.name for tensor in graph.initializer}
            first = next(value for value in graph.input if value.name not in constants)
            for value in (first, *graph.output):
                if value.type.tensor_type.shape.dim:
                    value.type.tensor_type.shape.dim[0].dim_value = count
            del graph.value_info[:]
            wrappers[count] = fresh.transform(InferShapes())
        return wrappers[count]

    def run(frames: NDArray[Any]) -> NDArray[np.float32]:
        ready = wrapper(len(frames))
        graph = ready.model.graph
        constants = {tensor.name for tensor in graph.initializer}
        name = next(value.name for value in graph.input if value.name not in constants)
        return np.asarray(execute_onnx(ready, {name: frames})[graph.output[0].name], np.float32)

    return run
