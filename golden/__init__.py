"""What every block must compute, as integers in NumPy, and how a model file becomes a Network."""

from __future__ import annotations

from .calibration import Calibration, calibrated, embed
from .errors import (
    CalibrationError,
    InputError,
    ModelFileError,
    SigmabitError,
    UncalibratedError,
    Unsupported,
    UnsupportedModelError,
)
from .importer import import_model, import_real, is_real
from .network import Network, recognise_scale
from .quantise import Precision

__all__ = [
    "Calibration",
    "CalibrationError",
    "InputError",
    "ModelFileError",
    "Network",
    "Precision",
    "SigmabitError",
    "UncalibratedError",
    "Unsupported",
    "UnsupportedModelError",
    "calibrated",
    "embed",
    "import_model",
    "import_real",
    "is_real",
    "recognise_scale",
]
