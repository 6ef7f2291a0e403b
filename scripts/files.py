"""Reading and writing the files that commands name; bad ones become one clear sentence."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden import InputError, SigmabitError


class OutputError(SigmabitError):
    """A file cannot be written."""


def read_array(path: Path) -> NDArray[Any]:
    """The array of a .npy file; object arrays, which could carry code, are refused."""
    try:
        array = np.load(path, allow_pickle=False)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'not a .npy file'}") from None
    except (ValueError, EOFError):
        raise InputError(f"{path}: not a .npy file of numbers, or truncated") from None
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path}: an .npz archive, expected a single array as .npy")
    return array


def read_labels(path: Path, frames: int) -> NDArray[np.int64]:
    """One whole number per frame."""
    labels = read_array(path)
    if labels.shape != (frames,) or labels.dtype.kind not in "iu":
        raise InputError(f"{path}: labels of shape {labels.shape} and type {labels.dtype}, expected {frames} whole numbers")
    return labels.astype(np.int64)


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file so that it is there whole or not at all: write(path) fills a file beside it, which then takes its place."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(fresh)
        fresh.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        fresh.unlink(missing_ok=True)


def write_array(path: Path, array: NDArray[Any]) -> None:
    """A .npy file."""

    def write(fresh: Path) -> None:
        with fresh.open("wb") as file:
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
    """OutputError if `path` could not be written, before any long work is done."""
    folder = path.parent
    if path.is_dir():
        raise OutputError(f"{path}: is a folder, expected a file name")
    if not folder.is_dir():
        raise OutputError(f"{path}: its folder {folder} does not exist")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{path}: its folder {folder} is not writable")
