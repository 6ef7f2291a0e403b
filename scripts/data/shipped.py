"""The models that Sigmabit brings with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import sigmabit
from sigmabit.golden.types.errors import InputError

MODELS = Path(sigmabit.__file__).with_name("models")


def shipped() -> dict[str, Path]:
    """Their files by name, in alphabetical order."""
    return {path.stem: path for path in sorted(MODELS.rglob("*.onnx"), key=lambda path: path.stem)}


def held_out(model: Path) -> tuple[NDArray[np.float32], NDArray[np.int64] | None] | None:
    """Frames for a shipped model of scikit-learn's digits, which are at hand, and their classes, where it tells them; None for
    any other model.
    """
    name = model.stem
    if name not in shipped() or shipped()[name].resolve() != model.resolve() or not name.startswith("digits"):
        return None
    from .datasets import digits

    found = digits()
    return found.test_images, None if "vae" in name else found.test_labels


def model_file(model: str | Path) -> Path:
    """The file that is meant: one here, or else that of the shipped model of this name. Raises InputError for neither."""
    path = Path(model)
    if path.is_file():
        return path
    known = shipped()
    if not path.exists() and not path.suffix and path.name == str(model) and path.name not in known:
        raise InputError(f"{model}: no such file, nor a shipped model; those are {', '.join(known)}")
    return known.get(str(model), path)
