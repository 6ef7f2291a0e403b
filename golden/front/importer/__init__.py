"""From an ONNX file to a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...network.network import Network
from ...network.real import RealNetwork
from ...types.coding import Coding
from ...types.errors import CalibrationError, UncalibratedError
from ..calibration import KEY, Calibration
from ..quantise import quantise
from .interpretation import interpret
from .model_file import read

__all__ = ["import_model", "import_real", "read_model"]


def import_model(
    path: str | Path,
    input_scale: float | None = None,
    calibration: Calibration | None = None,
    output_name: str | None = None,
    coding: Coding | None = None,
) -> Network:
    """The network of an ONNX or QONNX file, up to one of the graph's outputs.

    input_scale is the step of the input's 8-bit codes where the graph has no Quant at its input; without it, the step that the
    input's type or its first nodes state, or else 1/255, which is assumed. coding says instead which codes its numbers become.
    calibration is what makes integers of a real-valued graph; without it, the one in the file's metadata. output_name is the
    output that is taken; without it, the one that the file was calibrated for, or its first. What does not lead to it is named in
    `Network.omitted`.
    Raises ModelFileError, UnsupportedModelError with every node that cannot become hardware, or CalibrationError.
    """
    graph = read(Path(path), output_name)
    if calibration is None and KEY in graph.metadata:
        try:
            calibration = Calibration.from_json(graph.metadata[KEY])
        except CalibrationError as error:
            raise CalibrationError(f"{path}: {error}") from None
        if calibration.output is not None and output_name is None:
            graph = graph.taking(calibration.output, Path(path))
        _check_suits(calibration, path, coding or _pixels(input_scale), output_name)
    given = coding or _pixels(input_scale) or (None if calibration is None else calibration.input)
    if given is not None and calibration is not None:
        given = replace(given, beside=calibration.beside)
    found = interpret(graph, str(path), given)
    if isinstance(found, Network):
        return replace(found, origin=graph.digest)
    if calibration is None:
        because = f" (no binary network behind its bits: {'; '.join(map(str, found.unlike))})" if found.unlike else ""
        raise UncalibratedError(
            f"{path}: its numbers are real, and nothing says what range they have: give --calibration x.npy, or write a "
            f"calibrated copy with sigmabit calibrate{because}"
        )
    try:
        network = quantise(found, calibration.ranges, calibration.precision, calibration.own)
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from None
    return replace(network, origin=graph.digest)


def _pixels(scale: float | None) -> Coding | None:
    return None if scale is None else Coding.pixels(scale)


def _check_suits(calibration: Calibration, path: str | Path, coding: Coding | None, output_name: str | None) -> None:
    """CalibrationError where the calibration of a file is for another output, or other codes of its input, than are asked for."""
    if None not in (output_name, calibration.output) and output_name != calibration.output:
        raise CalibrationError(
            f"{path}: it was calibrated for its output {calibration.output}, not for {output_name}; "
            f"sigmabit calibrate --output-name {output_name} makes another copy"
        )
    known = calibration.input
    if coding is not None and known is not None and not coding.alike(known):
        raise CalibrationError(
            f"{path}: it was calibrated with {known}, not with {coding}; sigmabit calibrate makes a copy for such frames"
        )


def read_model(
    path: str | Path, input_scale: float | None = None, output_name: str | None = None, coding: Coding | None = None
) -> Network | RealNetwork:
    """What an ONNX file is, without any calibration: integers as they are, or the real-valued network that needs one.

    Arguments and errors as for import_model.
    """
    return interpret(read(Path(path), output_name), str(path), coding or _pixels(input_scale))


def import_real(
    path: str | Path, input_scale: float | None = None, output_name: str | None = None, coding: Coding | None = None
) -> RealNetwork:
    """The real-valued network of an ONNX file; arguments and errors as for import_model, CalibrationError for a binary one."""
    found = read_model(path, input_scale, output_name, coding)
    if isinstance(found, Network):
        raise CalibrationError(
            f"{path}: its weights and activations are few whole numbers, exact as they are; there is nothing to calibrate"
        )
    return found
