"""What the tests of the `sigmabit` command share: running it, listing folders, and networks too small to wait for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .onnx_graphs import Builder, signs

MODELS = Path(__file__).resolve().parents[2] / "models"
DIGITS = MODELS / "digits_bcnn.onnx"
COMMAND = Path(sys.executable).with_name("sigmabit")


@dataclass(frozen=True)
class Result:
    """What a command left: its exit status and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which holds one JSON document and nothing else."""
        assert self.status == 0, self.err
        return json.loads(self.out)


Call = Callable[..., Result]
"""Runs the command with the given arguments."""

Refused = Callable[..., None]
"""Takes a list of arguments, then words: the command must refuse those, in one sentence that holds these."""


def outside() -> dict[str, str]:
    """The environment, without the width of any terminal."""
    return {key: value for key, value in os.environ.items() if key != "COLUMNS"}


def command(*arguments: object, **environment: str) -> Result:
    """The installed command, in a process of its own, far from any terminal."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)], env=outside() | environment, capture_output=True, text=True, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def listing(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its contents, hidden ones included."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@dataclass(frozen=True)
class Tiny:
    """A network of 4x4 pixels of 3 bits: a padded convolution, a pooling and a dense layer. The fields say what is wrong with it.

    between: operators, with their names, between the convolution and its binarisation.
    """

    seed: int = 1
    weight: float = 1.0
    between: tuple[tuple[str, str], ...] = ()
    quantised: bool = True
    channels: int = 2
    classes: int = 3

    def save(self, path: Path) -> Path:
        """The ONNX file."""
        random = np.random.default_rng(self.seed)
        kernel = signs(random, self.channels, 1, 3, 3)
        kernel[1, 0, 2, 2] *= self.weight
        g = Builder((1, 4, 4))
        y = g.quant("x", 3, signed=0, name="pixels") if self.quantised else "x"
        y = g("Conv", y, kernel, name="conv", pads=[1, 1, 1, 1])
        for operator, name in self.between:
            y = g(operator, y, *([3.0] if operator in ("Sub", "Mod") else []), name=name)
        y = g("MaxPool", g("BipolarQuant", y, 1.0, name="binary"), name="pool", kernel_shape=[2, 2], strides=[2, 2])
        return g.save(path, g("MatMul", g("Flatten", y), signs(random, 4 * self.channels, self.classes), name="dense"))


def frames(count: int = 12) -> np.ndarray:
    """Pixels for a tiny network."""
    return np.random.default_rng(7).integers(0, 8, (count, 1, 4, 4)).astype(np.float32)
