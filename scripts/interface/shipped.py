"""The models that Sigmabit brings with it."""

from __future__ import annotations

from pathlib import Path

import sigmabit

MODELS = Path(sigmabit.__file__).with_name("models")


def shipped() -> dict[str, Path]:
    """Their files by name, in alphabetical order."""
    return {path.stem: path for path in sorted(MODELS.rglob("*.onnx"), key=lambda path: path.stem)}


def model_file(model: str | Path) -> Path:
    """The file that is meant: that of a shipped model where it is the name of one, and there is no such file here."""
    path = Path(model)
    return path if path.exists() else shipped().get(str(model), path)
