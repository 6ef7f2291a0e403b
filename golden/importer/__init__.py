"""From an ONNX file to a network."""

from __future__ import annotations

from pathlib import Path

from ..calibration import KEY, Calibration
from ..errors import CalibrationError, UncalibratedError
from ..network import Network
from ..quantise import quantise
from ..real import RealNetwork
from . import latent
from .binary_walk import BinaryWalk
from .model_file import read
from .real_walk import RealWalk

__all__ = ["import_model", "import_real", "is_real"]


def import_model(path: str | Path, input_scale: float | None = None, calibration: Calibration | None = None) -> Network:
    """The network of an ONNX or QONNX file.

    input_scale is the step of the input's 8-bit codes where the graph has no Quant at its input; 1/255 is assumed without it.
    calibration is what makes integers of a real-valued graph; without it, the one in the file's metadata.
    Raises ModelFileError, UnsupportedModelError with every node that cannot become hardware, or CalibrationError.
    """
    graph = read(Path(path))
    if not latent.is_real(graph):
        return BinaryWalk(graph, str(path), input_scale).run()
    if calibration is None and KEY in graph.metadata:
        try:
            calibration = Calibration.from_json(graph.metadata[KEY])
        except CalibrationError as error:
            raise CalibrationError(f"{path}: {error}") from None
    scale = input_scale or (None if calibration is None else calibration.input_scale)
    real = RealWalk(graph, str(path), scale).run()
    if calibration is None:
        raise UncalibratedError(
            f"{path}: its numbers are real, and nothing says what range they have: give --calibration x.npy, or write a "
            f"calibrated copy with sigmabit calibrate"
        )
    try:
        return quantise(real, calibration.ranges, calibration.precision)
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from None


def import_real(path: str | Path, input_scale: float | None = None) -> RealNetwork:
    """The real-valued network of an ONNX file whose graph samples latent variables; arguments and errors as for import_model."""
    return RealWalk(read(Path(path)), str(path), input_scale).run()


def is_real(path: str | Path) -> bool:
    """Is the graph of an ONNX file real-valued, that is: does it draw random numbers, or hold some as constants?"""
    return latent.is_real(read(Path(path)))
