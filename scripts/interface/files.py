"""Reading and writing the files that commands name; bad ones become one clear sentence."""

from __future__ import annotations

import json
import math
import os
import re
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import InputError, OutputError
from sigmabit.golden.front.untrusted import MAX_JSON_BYTES, content, opened, parse_json

MAX_ARRAY_BYTES = 1 << 30
MAX_ELEMENTS = 1 << 27
"""Of one .npy file: 40,000 images of CIFAR-10."""


class DatasetError(ValueError):
    """A data set is missing or damaged; the message names the file."""


def read_array(path: Path) -> NDArray[Any]:
    """The array of a .npy file, of bounded size; object arrays, which could carry code, are refused."""
    with opened(path, MAX_ARRAY_BYTES, InputError) as file:
        if file.peek(2)[:2] == b"PK" and zipfile.is_zipfile(file):
            raise InputError(f"{path}: an .npz archive, expected a single array as .npy")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Python's parser, and of NumPy about old files
                elements = _elements(file)
                if elements <= MAX_ELEMENTS:
                    file.seek(0)
                    return np.asarray(np.load(file, allow_pickle=False))
        except Exception:  # damaged files raise whatever NumPy's parsers do
            raise InputError(f"{path}: not a .npy file of numbers, or truncated") from None
        raise InputError(f"{path}: {elements} numbers, at most {MAX_ELEMENTS} are read")


def _elements(file: BufferedReader) -> int:
    """How many elements the header of a .npy file states; an error if the file is too short for them."""
    version = np.lib.format.read_magic(file)
    header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, _, kind = header[version](file)
    elements = math.prod(shape)
    left = os.fstat(file.fileno()).st_size - file.tell()
    if min(shape, default=0) < 0 or kind.itemsize == 0 or elements * kind.itemsize > left:
        raise ValueError("negative, or more than there is")
    return elements


def read_labels(path: Path | NDArray[Any], frames: int, classes: int) -> NDArray[np.int64]:
    """One class per frame, of a file, or an array of them."""
    labels, path = (path, Path("the labels")) if isinstance(path, np.ndarray) else (read_array(path), path)
    if labels.shape != (frames,) or labels.dtype.kind not in "iu":
        raise InputError(f"{path}: labels of shape {labels.shape} and type {labels.dtype}, expected {frames} whole numbers")
    if labels.min() < 0 or labels.max() >= classes:
        frame = int(np.flatnonzero((labels < 0) | (labels >= classes))[0])
        raise InputError(f"{path}: label {labels[frame]} of frame {frame} is none of the {classes} classes")
    return labels.astype(np.int64)


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file so that it is there whole or not at all: write(fresh) fills a file which then takes the place of `path`."""
    try:
        if path.exists() and not path.is_file():  # /dev/null and its like are written to, not replaced
            write(path)
            return
        with room_beside(path.resolve()) as room:
            write(room / "file")
            (room / "file").replace(path.resolve())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None


@contextmanager
def room_beside(path: Path) -> Iterator[Path]:
    """A folder on the file system of `path`, for what is not whole yet; gone at the end, come what may."""
    with tempfile.TemporaryDirectory(prefix=".sigmabit-", dir=path.parent) as room:
        yield Path(room)


def write_folder(folder: Path, write: Callable[[Path], object], leftovers: Sequence[str] = (), last: Sequence[str] = ()) -> None:
    """Fill a folder: write(fresh) fills a new one, which then takes its place, or whose files do if it exists.

    A new folder, with its parents, appears whole or not at all. In an old one `leftovers` are removed, and the files of `last` go
    first and come last, in their order: where one is, the rest is.
    """
    folder = folder.absolute()
    try:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        top = missing[-1] if missing else folder
        with room_beside(top) as room:
            fresh = room / "new" / folder.relative_to(top)
            fresh.mkdir(parents=True)
            try:
                write(fresh)
            except OutputError as error:
                raise OutputError(str(error).replace(str(fresh), str(folder))) from None
            if missing:
                (room / "new").rename(top)
                return
            for name in (*last, *leftovers):
                (folder / name).unlink(missing_ok=True)
            names = {file.name for file in fresh.iterdir()}
            for name in (*sorted(names - {*last}), *(name for name in last if name in names)):
                (fresh / name).replace(folder / name)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from None


def written_before(folder: Path, record: str, top: Callable[[Any], str]) -> list[str]:
    """The modules of an earlier run in a folder, and their list's name in front; none where `record`, from whose JSON `top` tells
    the top module, or the list is missing or damaged.
    """
    try:
        listed = f"{top(parse_json(content(folder / record, MAX_JSON_BYTES, InputError)))}.f"
        modules = content(folder / listed, MAX_JSON_BYTES, InputError).decode().split()
    except (ValueError, LookupError, TypeError, AttributeError):
        return []
    files = [listed, *modules, *(f"{Path(module).stem}.mem" for module in modules)]
    return [name for name in files if re.fullmatch(r"\w[\w.-]*", name)]


def write_array(path: Path, array: NDArray[Any]) -> None:
    """A .npy file."""

    def write(fresh: Path) -> None:
        with fresh.open("w+b") as file:  # NumPy takes it for no file, and says why, too, if it cannot be written
            np.save(file, array)

    write_whole(path, write)


def write_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """A compressed .npz file."""

    def write(fresh: Path) -> None:
        with fresh.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    write_whole(path, write)


def write_json(path: Path, value: Any) -> None:
    """A JSON file that people can read."""

    def write(fresh: Path) -> None:
        fresh.write_text(json.dumps(value, indent=2) + "\n")

    write_whole(path, write)


def check_writable(path: Path) -> None:
    """OutputError if a file could not be written, before any long work is done."""
    try:
        if path.is_dir():
            raise OutputError(f"{path}: is a folder, expected a file name")
        if not path.parent.is_dir():
            raise OutputError(f"{path}: its folder {path.parent} does not exist")
        if path.is_file() or not path.exists():
            with room_beside(path.resolve()):
                pass
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None


def check_folder(path: Path) -> None:
    """OutputError if a folder could not be made, or not be written to, before any long work is done."""
    try:
        nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        if not nearest.is_dir():
            raise OutputError(f"{path}: {'it' if nearest == path else nearest} is a file, expected a folder")
        with room_beside(nearest / "any"):
            pass
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None
