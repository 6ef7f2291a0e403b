"""The boards that there are, of all families."""

from __future__ import annotations

import re
from pathlib import Path

from .board import Board, BoardError, Table, is_text, values
from .ecp5.board import Ecp5Board
from .gowin.board import GowinBoard
from .series7.board import Series7Board

KINDS: tuple[type[Board], ...] = (Series7Board, Ecp5Board, GowinBoard)
"""A family's boards each. Which one a file's board is of, its part says."""

FILE = r"[\w.+ -]+\.toml"
"""What the file of a board may be called: it is named in a line of Tcl."""


def files(*kinds: type[Board]) -> dict[str, Path]:
    """The files of the package's boards, all of them or those of some kinds, by the board's name."""
    return {path.stem: path for kind in kinds or KINDS for path in sorted(kind.folder.glob("*.toml"))}


def known(*kinds: type[Board]) -> list[str]:
    """The names of the package's boards, all of them or those of some kinds."""
    return sorted(files(*kinds))


def is_file(name: str) -> bool:
    """Is it a file, rather than the name of a board of the package?"""
    return name.endswith(".toml")


def board(name: str, folder: Path | None = None) -> Board:
    """The board of that name, in a folder if one is given; or of a file, whose name ends in .toml. Raises BoardError."""
    if is_file(name):
        path = Path(name)
        if not re.fullmatch(FILE, path.name, re.ASCII):
            raise BoardError(f"{name!r:.200}: a board's file is named with letters, digits, blanks, and . + - _")
        return _read(path.name, name, path)
    path = folder / f"{name}.toml" if folder else files().get(name, Path("nowhere"))
    if not re.fullmatch(r"\w+", name, re.ASCII) or not path.is_file():
        raise BoardError(f"{name:.60}: there is no such board, only {', '.join(known())}, or a file that ends in .toml")
    home = next((f"fpga/{kind.folder.parent.name}/boards/" for kind in KINDS if path.parent == kind.folder), "")
    return _read(f"{home}{path.name}", path.name, path)


def _read(origin: str, said: str, path: Path) -> Board:
    """The board of a file, with the name that is said."""
    found = values(path, said)
    for kind in KINDS:
        if is_text(found.get("part"), kind.parts):
            return kind.read(origin, Table(said, found, kind.keys))
    raise Table(said, found, tuple(found)).wrong("part", " or ".join(kind.parts[1] for kind in KINDS))
