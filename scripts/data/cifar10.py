"""CIFAR-10 from its official binary version, or from a tar of JPEG files."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ..interface.files import DatasetError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIDE = 32
PIXELS = 3 * SIDE * SIDE
BATCH = 10_000
"""Images of one binary file; the test set is one of these."""

BATCHES = {"train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)), "test": ("test_batch.bin",)}
FOLDERS = ("", "cifar10", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin")
"""Where, inside the data folder, the files may lie."""

JPEG = "cifar10-jpeg.tar"
JPEG_NOTE = "JPEG-recompressed"
MAX_JPEG_BYTES = 1 << 16

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""(N, 3, 32, 32) pixels, and (N,) classes."""

NOTHING: Part = (np.empty((0, 3, SIDE, SIDE), np.uint8), np.empty(0, np.int64))


def read(folder: Path, parts: tuple[str, ...] = ("train", "test")) -> tuple[dict[str, Part], str]:
    """The parts asked for, and what is to be said of their images: "" for those of the binary version.

    Where both versions lie in the folder, the binary one is read. Raises DatasetError.
    """
    for place in (folder / inside for inside in FOLDERS):
        if any((place / name).is_file() for names in BATCHES.values() for name in names):
            return {part: _binary_part(place, part) for part in parts}, ""
    for place in (folder / inside for inside in FOLDERS):
        if (place / JPEG).is_file():
            return _jpeg_parts(place / JPEG, parts), JPEG_NOTE
    raise DatasetError(f"{folder}: neither test_batch.bin with data_batch_1.bin to 5.bin, nor {JPEG}, there or in cifar10/")


def _binary_part(folder: Path, part: str) -> Part:
    records = np.concatenate([_batch(folder / name) for name in BATCHES[part]])
    return np.ascontiguousarray(records[:, 1:]).reshape(-1, 3, SIDE, SIDE), records[:, 0].astype(np.int64)


def _batch(path: Path) -> NDArray[np.uint8]:
    """(BATCH, 1 + PIXELS) bytes: a class, then the red, the green and the blue rows."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(raw) != BATCH * (1 + PIXELS):
        raise DatasetError(f"{path}: {len(raw)} bytes, expected {BATCH * (1 + PIXELS)}; truncated, or another file")
    records = np.frombuffer(raw, np.uint8).reshape(BATCH, 1 + PIXELS)
    wrong = np.flatnonzero(records[:, 0] >= len(CLASSES))
    if wrong.size:
        raise DatasetError(f"{path}: image {wrong[0]} is of class {records[wrong[0], 0]}, expected 0 to {len(CLASSES) - 1}")
    return records


def _jpeg_parts(path: Path, parts: tuple[str, ...]) -> dict[str, Part]:
    """train/CLASS/*.jpg and test/CLASS/*.jpg; in order of their file names, the classes in turn."""
    from PIL import Image

    found: dict[str, list[tuple[str, int, NDArray[np.uint8]]]] = {part: [] for part in parts}
    for name, part, label, raw in _jpeg_files(path, parts):
        try:
            with Image.open(io.BytesIO(raw), formats=["JPEG"]) as image:
                pixels = np.asarray(image)
        except Exception:  # Pillow raises whatever its parsers do
            raise DatasetError(f"{path}: {name} is not a JPEG file, or damaged") from None
        if pixels.shape != (SIDE, SIDE, 3):
            raise DatasetError(f"{path}: {name} has the shape {pixels.shape}, expected {(SIDE, SIDE, 3)}")
        found[part].append((PurePosixPath(name).name, label, pixels))
    for part, images in found.items():
        expected = BATCH * len(BATCHES[part])
        if len(images) != expected:
            raise DatasetError(f"{path}: {len(images)} images in {part}/, expected {expected}; truncated, or another file")
        images.sort(key=lambda image: image[:2])
    return {
        part: (np.stack([i[2].transpose(2, 0, 1) for i in images]), np.array([i[1] for i in images], np.int64))
        for part, images in found.items()
    }


def _jpeg_files(path: Path, parts: tuple[str, ...]) -> Iterator[tuple[str, str, int, bytes]]:
    """Name, part, class and contents of each file in the parts."""
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                place = PurePosixPath(member.name).parts
                if not member.isfile() or len(place) != 3 or place[0] not in parts or not place[2].endswith(".jpg"):
                    continue
                if place[1] not in CLASSES:
                    raise DatasetError(f"{path}: {member.name} is of no known class, expected one of {', '.join(CLASSES)}")
                if member.size > MAX_JPEG_BYTES:
                    raise DatasetError(f"{path}: {member.name} has {member.size} bytes, at most {MAX_JPEG_BYTES} are read")
                file = archive.extractfile(member)
                assert file is not None  # it is a regular file
                yield member.name, place[0], CLASSES.index(place[1]), file.read()
    except (OSError, EOFError, tarfile.TarError):
        raise DatasetError(f"{path}: cannot be read as a tar archive, or truncated") from None
