"""Boards' files that are changed: refused in one sentence, or boards whose constraints can be written."""

from __future__ import annotations

import json
import random
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sigmabit.fpga import boards
from sigmabit.fpga.board import Board, BoardError

from .kind import Outcome, Stage, Verdict, attempt
from .mutation import DEEP, Random, in_bytes, in_json

CLOCKS_MHZ = (25.0, 99.5, 200.0)


@dataclass(frozen=True)
class Boards:
    """Files board.toml of all families."""

    name: str = "boards"

    def trial(self, seed: int, folder: Path, stage: Stage) -> Verdict:
        chance = random.Random(seed)
        path = folder / "board.toml"
        path.write_bytes(drawn(chance))
        stage("read")
        found = attempt("read", lambda: boards.board(str(path)), path)
        if isinstance(found, Verdict):
            return found
        stage("constraints")
        return attempt("constraints", lambda: _agrees(found))


def _agrees(board: Board) -> Verdict:
    """Are its constraints lines of plain text, in which each of its pins stands, and its clocks none that was not asked for?"""
    text = board.constraints()
    if not text.isascii() or not text.replace("\n", "").isprintable():
        return Verdict(Outcome.FAILED, "characters in its constraints that are no plain text")
    missing = [pin for _, pin, _ in board.places if pin not in text]
    if missing:
        return Verdict(Outcome.FAILED, f"no line of its constraints has {', '.join(missing)}")
    for wanted in CLOCKS_MHZ:
        try:
            clock = board.made_clock(wanted)
        except BoardError:
            continue
        if not 0 < clock.mhz <= wanted:
            return Verdict(Outcome.FAILED, f"a clock of {float(clock.mhz):g} MHz where {wanted:g} was asked for")
        board.arguments(clock)
    return Verdict(Outcome.RIGHT)


@lru_cache
def whole() -> tuple[bytes, ...]:
    """The files of the package's boards."""
    return tuple(path.read_bytes() for path in boards.files().values())


def drawn(chance: Random) -> bytes:
    """A file with a lie or two in it."""
    content = chance.choice(whole())
    if chance.randrange(3) == 0:
        return in_bytes(chance, content, chance.choice(whole()))
    value: Any = tomllib.loads(content.decode())
    for _ in range(chance.choice((1, 1, 2, 3))):
        value = in_json(chance, value)
    try:
        if not isinstance(value, dict):
            return str(value).encode()
        return "\n".join(f"{json.dumps(key)} = {_value(each)}" for key, each in value.items()).encode()
    except RecursionError:
        return content + b"\nx = " + b"[" * DEEP


def _value(value: Any) -> str:
    """As TOML has it, but for null, of which it knows nothing."""
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {_value(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_value, value)) + "]"
        case float():
            return repr(value)
        case int() if abs(value) > 1 << 70:
            return "9" * 5000
        case _:
            return json.dumps(value)
