"""Networks that nobody has trained, and images of data sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sigmabit.golden import InputError, SigmabitError
from sigmabit.golden.network.network import GRID_TOLERANCE
from sigmabit.verif.simulation.job import Progress

from ..data.datasets import Dataset, DatasetError, data_folder
from ..data.datasets import load as load_dataset
from ..interface.choices import Source
from ..interface.files import read_array, write_whole
from ..networks.random_network import IMAGES, RandomNetwork, random_network
from ..networks.shapes import SHAPES, Shape
from .execution import silent

WEIGHTS: Mapping[str, int] = MappingProxyType({name: shape.weights for name, shape in SHAPES.items()})
"""Shapes that seeded takes, and how many weights each has."""


@dataclass(frozen=True, eq=False)
class Seeded:
    """A network of seeded weights. weights: how many. ones: of each layer's bits, the fraction that are one."""

    name: str
    seed: int
    made: RandomNetwork

    @property
    def weights(self) -> int:
        """How many there are."""
        return WEIGHTS[self.name]

    @property
    def ones(self) -> tuple[float, ...]:
        """Of each layer's bits, the fraction that are one over some images."""
        return self.made.ones

    def write(self, file: Path) -> None:
        """The ONNX file, the same byte for byte for the same seed. Raises OutputError where it cannot be written."""
        write_whole(Path(file), lambda fresh: onnx.save(self.made.model, str(fresh)))

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"seed": self.seed, "weights": self.weights, "ones": list(self.ones)}


def seeded(name: str, *, seed: int = 1, images: Source | None = None, progress: Progress = silent) -> Seeded:
    """A network of a shipped shape with seeded weights, and normalisations that keep every channel's bits balanced: half of them
    are ones over some images. Speed does not depend on what the weights are, and area hardly does.

    Args:
        name: one of WEIGHTS.
        seed: of the weights.
        images: (N, channels, height, width) to take the medians over, the first 64; synthetic ones without it.
        progress: is told how many layers are done.

    Raises:
        SigmabitError: there is no such shape.
        InputError: images of another shape, or of other numbers than the shape's input takes.
    """
    if name not in SHAPES:
        raise SigmabitError(f"unknown network {name}, expected one of {', '.join(SHAPES)}")
    if seed < 0:
        raise InputError(f"seed={seed}, expected a whole number from 0 on")
    codes = None if images is None else _codes(images, SHAPES[name])
    return Seeded(name, seed, random_network(name, SHAPES[name], seed, codes, partial(progress, "balancing layers")))


def _codes(source: Source, shape: Shape) -> NDArray[np.int64]:
    """The first images of a file as whole numbers."""
    path = "the images" if isinstance(source, np.ndarray) else source
    images = (source if isinstance(source, np.ndarray) else read_array(source))[:IMAGES]
    if images.shape[1:] != shape.input or not len(images):
        raise InputError(f"{path}: input of shape {images.shape}, expected (N, {', '.join(map(str, shape.input))})")
    codes = images.astype(np.float64) * (255 if shape.bits is None else 1) if images.dtype.kind in "fiub" else np.full(1, np.nan)
    if not np.all((np.abs(codes - np.rint(codes)) <= GRID_TOLERANCE) & (codes > -0.5) & (codes < shape.levels - 0.5)):
        kind = "multiples of 1/255 from 0 to 1" if shape.bits is None else f"whole numbers from 0 to {shape.levels - 1}"
        raise InputError(f"{path}: its numbers are not all {kind}")
    return np.rint(codes).astype(np.int64)


def dataset(name: str, *, folder: Path | None = None, test_only: bool = False) -> Dataset:
    """Images and classes of a data set, split once and for all: what the shipped networks were trained and tested with.

    Args:
        name: digits, mnist or cifar10.
        folder: where the larger ones lie; without it, SIGMABIT_DATA names it.
        test_only: the training images stay unread, and are empty.

    Raises:
        SigmabitError: there is no such set, or its files are missing or damaged.
    """
    try:
        return load_dataset(name, data_folder(folder), test_only=test_only)
    except DatasetError as error:
        raise SigmabitError(str(error)) from None
