"""Arrays' files that are changed: refused in one sentence, or read as NumPy reads them."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kind import Outcome, Stage, Verdict, attempt
from .mutation import Random, in_bytes

TYPES = ("<f4", "<f8", ">f4", "<f2", "|i1", "<i8", "|u1", ">u2", "|b1", "<c16", "<U3", "|S4", "<M8[s]", "<i4,<f4", "|O")

HEADERS = (
    "{'descr': '|O', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '<f4', 'fortran_order': 1, 'shape': (2, 2), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1 << 62, 4), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 7), }",
    "{'descr': '<f4', 'fortran_order': True, 'shape': (), }",
    "{'descr': '<f4'}",
    "{'descr': '|V0', 'fortran_order': False, 'shape': (99999999999,), }",
    "{'descr': '<U999999999', 'fortran_order': False, 'shape': (0,), }",
    "{'descr': [('a', '<f4', (1000000,))], 'fortran_order': False, 'shape': (3,), }",
    "__import__('os').getcwd()",
    "[" * 3000,
    "1" * 5000,
    "\0" * 20,
    "",
)
"""What a file may say of itself."""

Read = Callable[[Path], NDArray[Any]]


@dataclass(frozen=True)
class Arrays:
    """Files .npy, and .npz where .npy is wanted. read: what is tried."""

    read: Read
    name: str = "arrays"

    def trial(self, seed: int, folder: Path, stage: Stage) -> Verdict:
        chance = random.Random(seed)
        path = folder / "x.npy"
        path.write_bytes(drawn(chance))
        stage("read")
        found = attempt("read", lambda: self.read(path), path)
        if isinstance(found, Verdict):
            return found
        stage("NumPy")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _agrees(found, np.load(path, allow_pickle=False))


def _agrees(found: NDArray[Any], expected: NDArray[Any]) -> Verdict:
    """Is it the same array?"""
    if (found.dtype, found.shape) != (expected.dtype, expected.shape):
        return Verdict(Outcome.FAILED, f"{found.dtype} {found.shape}, NumPy reads {expected.dtype} {expected.shape}")
    if found.dtype.hasobject:
        return Verdict(Outcome.FAILED, "objects, which may be code")
    return (
        Verdict(Outcome.RIGHT) if found.tobytes() == expected.tobytes() else Verdict(Outcome.FAILED, "other numbers than NumPy's")
    )


def drawn(chance: Random) -> bytes:
    """A file, of any type and shape, with a lie in its header, or its end cut off, or neither."""
    kind = np.dtype(chance.choice(TYPES))
    shape = chance.choice(((), (3,), (2, 3), (1, 4, 4), (0, 2), (2, 1, 1, 1, 2)))
    array = np.zeros(shape, kind)
    if not kind.hasobject:
        array = np.frombuffer(chance.randbytes(array.nbytes), kind).reshape(shape) if array.nbytes else array
    file = BytesIO()
    match chance.randrange(12):
        case 0:
            np.savez(file, x=array, y=np.arange(3))
        case 1:
            np.savez_compressed(file, array)
        case _:
            version: Any = chance.choice(((1, 0), (2, 0), (3, 0)))
            np.lib.format.write_array(file, np.asfortranarray(array) if chance.randrange(2) else array, version)
    content = file.getvalue()
    match chance.randrange(6):
        case 0:
            return content
        case 1:
            return content[: chance.randrange(len(content) + 1)]
        case 2:
            head = chance.choice(HEADERS).encode() + b"\n"
            size = len(head).to_bytes(2, "little")
            return b"\x93NUMPY\x01\x00" + size + head + chance.randbytes(chance.choice((0, 4, 16, 64)))
        case _:
            return in_bytes(chance, content[:128], content) + content[128:]
