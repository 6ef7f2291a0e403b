"""What every block must compute, as integers in NumPy, and how a model file becomes a Network."""

from __future__ import annotations

from .front.calibration import Calibration, calibrated, embed
from .front.importer import import_model, import_real, read_model
from .front.quantise import Precision
from .network.network import Network, recognise_scale
from .types.coding import Coding
from .types.errors import (
    CalibrationError,
    InputError,
    ModelFileError,
    OutputError,
    SigmabitError,
    UncalibratedError,
    Unsupported,
    UnsupportedModelError,
)

__all__ = [
    "Calibration",
    "CalibrationError",
    "Coding",
    "InputError",
    "ModelFileError",
    "Network",
    "OutputError",
    "Precision",
    "SigmabitError",
    "UncalibratedError",
    "Unsupported",
    "UnsupportedModelError",
    "calibrated",
    "embed",
    "import_model",
    "import_real",
    "read_model",
    "recognise_scale",
]
