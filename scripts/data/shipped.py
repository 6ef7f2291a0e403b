"""The models that Sigmabit brings with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import sigmabit

MODELS = Path(sigmabit.__file__).with_name("models")


def shipped() -> dict[str, Path]:
    """Their files by name, in alphabetical order."""
    return {path.stem: path for path in sorted(MODELS.rglob("*.onnx"), key=lambda path: path.stem)}


def held_out(model: Path) -> tuple[NDArray[np.float32], NDArray[np.int64] | None] | None:
    """Frames for a shipped model of scikit-learn's digits, which are at hand, and their classes, where it tells them; None for
    any other model.
    """
    name = model.stem
    if shipped().get(name) != model or not name.startswith("digits"):
        return None
    from .datasets import digits

    found = digits()
    return found.test_images, None if "vae" in name else found.test_labels


def model_file(model: str | Path) -> Path:
    """The file that is meant: that of a shipped model where it is the name of one, and there is no such file here."""
    path = Path(model)
    return path if path.exists() else shipped().get(str(model), path)
