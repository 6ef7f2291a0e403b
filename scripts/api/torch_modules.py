"""From PyTorch and Brevitas modules to networks. Needs the training extra."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from sigmabit.golden import InputError, Network, SigmabitError, UncalibratedError

from .networks import Remark, load, load_with_frames, warn

OPSET = 13
"""Of the files that are written: what Brevitas writes, and all that is supported."""


class TorchModule(Protocol):
    """What from_torch asks of a torch.nn.Module."""

    training: bool

    def modules(self) -> Iterator[Any]:
        """It and all modules inside it."""

    def eval(self) -> Any:
        """Let it compute as it does after training."""

    def train(self, mode: bool = True) -> Any:
        """Let it compute as it does in training, or not."""


class ExportError(SigmabitError):
    """PyTorch cannot write a module as ONNX; the message holds its own."""


def from_torch(
    model: TorchModule,
    example: ArrayLike,
    calibration: ArrayLike | None = None,
    *,
    file: Path | None = None,
    input_scale: float | None = None,
    remark: Remark = warn,
) -> Network:
    """The network of a module of PyTorch, with or without Brevitas' layers, as it computes after training.

    Args:
        model: the module; with any layer of Brevitas it is written as QONNX, without as plain ONNX.
        example: frames (N, ...) as the module takes them, of which the first shows the shape.
        calibration: frames (N, ...) that settle what the module leaves open: the step of pixels, and the ranges of real weights'
            sums. A module whose input has a quantiser, and whose weights are of few bits, needs none.
        file: where the ONNX file stays; without it, it is gone afterwards.
        input_scale: see load.
        remark: see load.

    Raises:
        SigmabitError: PyTorch, or Brevitas, is not installed.
        ExportError: it cannot write the module.
        UnsupportedModelError: nodes are not supported; its findings name each, with the reason.
        UncalibratedError: weights are real, and there is no calibration.
    """
    frames = _frames(example, "example")
    with nullcontext(None) if file else tempfile.TemporaryDirectory() as folder:
        path = file or Path(str(folder)) / f"{type(model).__name__.lower()}.onnx"
        _export(model, frames[:1], path)
        try:
            if calibration is None:
                return load(path, input_scale=input_scale, remark=remark)
            data = _frames(calibration, "calibration")
            return load_with_frames(path, data, input_scale=input_scale, remark=remark).network
        except UncalibratedError:
            name = type(model).__name__
            raise UncalibratedError(f"{name}: its weights are real; give frames of every kind as calibration") from None
        except SigmabitError as error:
            if file is None:  # of which nobody has heard
                error.args = (str(error).replace(str(path), type(model).__name__),)
            raise


def _frames(values: ArrayLike, name: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    frames = np.asarray(values, np.float32)
    if frames.ndim < 2 or not len(frames):
        raise InputError(f"{name}: an array of shape {frames.shape}, expected frames (N, ...)")
    return frames


def _export(model: TorchModule, example: np.ndarray[Any, np.dtype[np.float32]], path: Path) -> None:
    """Write a module as a file, for any number of frames."""
    torch = _installed("torch")
    brevitas = any(type(each).__module__.startswith("brevitas.") for each in model.modules())
    write = _installed("brevitas.export").export_qonnx if brevitas else torch.onnx.export
    options = {"opset_version": OPSET, "dynamo": False, "input_names": ["x"], "output_names": ["y"]}
    frames = torch.from_numpy(example)
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            write(model, frames if brevitas else (frames,), str(path), **options, dynamic_axes={"x": {0: "N"}, "y": {0: "N"}})
    except Exception as error:  # exporters raise what they like
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ExportError(f"{type(model).__name__}: PyTorch cannot write it as ONNX: {text[:200]}") from error
    finally:
        model.train(training)


def _installed(name: str) -> Any:
    """A module of the training extra."""
    try:
        return import_module(name)
    except ImportError as error:
        raise SigmabitError(f"{error.name or name} is not installed: pip install 'sigmabit[training]'") from None
