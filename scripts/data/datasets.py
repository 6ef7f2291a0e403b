"""Labelled image sets: the bundled digits, MNIST and CIFAR-10 from a folder that the user names."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..interface.files import DatasetError
from . import cifar10 as cifar10_files

DATA_VARIABLE = "SIGMABIT_DATA"
"""Environment variable that names the folder with the larger data sets."""

NAMES = ("digits", "mnist", "cifar10")


@dataclass(frozen=True)
class Dataset:
    """Images and labels, split once and for all into training and test parts.

    `images` are (N, C, H, W) float32 in the units that the network's first input takes; labels are (N,) int64. note: what is to
    be said wherever a figure comes from these images, in a word or two; mostly nothing.
    """

    name: str
    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]
    note: str = ""

    @property
    def tested_on(self) -> str:
        """The test images, in words."""
        return f"{len(self.test_labels)} {self.note} test images".replace("  ", " ")


def digits() -> Dataset:
    """scikit-learn's 8x8 digits, integers 0 to 16; every third image is held out (599 of 1,797)."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = bunch.images.astype(np.float32)[:, None]
    labels = bunch.target.astype(np.int64)
    held_out = np.arange(len(labels)) % 3 == 2
    return Dataset("digits", images[~held_out], labels[~held_out], images[held_out], labels[held_out])


def mnist(folder: Path) -> Dataset:
    """The four MNIST idx files (gzipped or not) of `folder` or `folder`/mnist; pixels divided by 255."""

    def part(stem: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        images = _read_idx(folder, f"{stem}-images-idx3-ubyte")
        labels = _read_idx(folder, f"{stem}-labels-idx1-ubyte")
        return (images.astype(np.float32) / np.float32(255))[:, None], labels.astype(np.int64)

    return Dataset("mnist", *part("train"), *part("t10k"))


def cifar10(folder: Path, test_only: bool = False) -> Dataset:
    """CIFAR-10's binary version, or its JPEG files, as `cifar10.read` finds them in a folder; pixels divided by 255.

    With test_only the training part is left empty, which saves half a minute with JPEG files.
    """
    parts, note = cifar10_files.read(folder, ("test",) if test_only else ("train", "test"))

    def part(name: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        pixels, labels = parts.get(name, cifar10_files.NOTHING)
        return pixels.astype(np.float32) / np.float32(255), labels

    return Dataset("cifar10", *part("train"), *part("test"), note=note)


def data_folder(option: str | Path | None = None) -> Path | None:
    """The data folder: the option, else $SIGMABIT_DATA, else `shared/data` beside the checkout; None where there is none."""
    if option is not None:
        return Path(option)
    if os.environ.get(DATA_VARIABLE):
        return Path(os.environ[DATA_VARIABLE])
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return beside if beside.is_dir() else None


def load(name: str, folder: Path | None, test_only: bool = False) -> Dataset:
    """The data set called `name`; `folder` is needed for all but the bundled digits.

    test_only: the training part may be left empty.
    """
    if name == "digits":
        return digits()
    if name not in NAMES:
        raise DatasetError(f"{name}: unknown data set, expected digits, mnist or cifar10")
    if folder is None:
        raise DatasetError(f"{name}: no data folder; give --data DIR or set {DATA_VARIABLE}")
    return mnist(folder) if name == "mnist" else cifar10(folder, test_only)


def _read_idx(folder: Path, name: str) -> NDArray[np.uint8]:
    for path in (folder / name, folder / f"{name}.gz", folder / "mnist" / name, folder / "mnist" / f"{name}.gz"):
        if path.is_file():
            break
    else:
        raise DatasetError(f"{folder}: no file {name} or {name}.gz, there or in mnist/")
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            raw = file.read()
        zero, kind, rank = struct.unpack(">HBB", raw[:4])
        shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
    except (OSError, EOFError, zlib.error, struct.error):
        raise DatasetError(f"{path}: cannot be read, or truncated") from None
    if zero != 0 or kind != 8:
        raise DatasetError(f"{path}: not an idx file of unsigned bytes")
    body = np.frombuffer(raw, np.uint8, offset=4 + 4 * rank)
    if body.size != int(np.prod(shape)):
        raise DatasetError(f"{path}: {body.size} bytes of data, expected {int(np.prod(shape))} for shape {shape}")
    return body.reshape(shape)
