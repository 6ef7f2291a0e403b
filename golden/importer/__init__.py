"""From an ONNX file to a Network."""

from __future__ import annotations

from pathlib import Path

from ..network import Network
from .model_file import read
from .walk import Walk

__all__ = ["import_model"]


def import_model(path: str | Path, input_scale: float | None = None) -> Network:
    """The network of an ONNX or QONNX file.

    input_scale is the step of the input's 8-bit codes where the graph has no Quant at its input; 1/255 is assumed without it.
    Raises ModelFileError, or UnsupportedModelError with every node that cannot become hardware.
    """
    return Walk(read(Path(path)), str(path), input_scale).run()
