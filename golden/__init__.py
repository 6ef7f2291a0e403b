"""What every block must compute, as integers in NumPy, and how a model file becomes a Network."""

from __future__ import annotations

from .errors import InputError, ModelFileError, SigmabitError, Unsupported, UnsupportedModelError
from .importer import import_model
from .network import Network, recognise_scale

__all__ = [
    "InputError",
    "ModelFileError",
    "Network",
    "SigmabitError",
    "Unsupported",
    "UnsupportedModelError",
    "import_model",
    "recognise_scale",
]
