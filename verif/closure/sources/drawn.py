"""Faults drawn in Python by Cosmic Ray: one operator, comparison, number or loop that is another.

All places of all files are alike: first a place is drawn, then one of the faults that are possible there. What changes nothing
that is executed, such as an annotation, is none.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOMS: Mapping[str, Sequence[str]] = {
    "golden": ("golden/*.py", *(f"golden/{wing}/*.py" for wing in ("arithmetic", "layers", "link", "network", "noise"))),
    "golden, sampling and types": ("golden/pipeline/*.py", "golden/sampling/*.py", "golden/types/*.py"),
    "importer": ("golden/front/**/*.py",),
    "planner": ("hdl/planning/*.py",),
}
"""What is tried, and in which files it is."""


@dataclass(frozen=True)
class Change:
    """A fault: a line of a file and what stands there instead. operator: Cosmic Ray's; occurrence: its place in the file."""

    room: str
    file: str
    line: int
    operator: str
    occurrence: int
    before: str
    after: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is, wherever in its file it stands."""
        return self.file, self.before, self.after

    def text(self, source: str) -> str:
        """The file with the fault in it."""
        return _mutated(source, self.operator, self.occurrence)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}\n  - {self.before}\n  + {self.after}"


@dataclass(frozen=True)
class _Place:
    file: Path
    line: int
    column: int


def drawn(root: Path, room: str, count: int, seed: int) -> list[Change]:
    """So many faults of a room, each at another place, or as many as there are places. The same seed draws the same."""
    places: dict[_Place, list[tuple[str, int]]] = {}
    for pattern in ROOMS[room]:
        for file in sorted(root.glob(pattern)):
            for operator, occurrence, line, column in _possible(file.read_text()):
                places.setdefault(_Place(file, line, column), []).append((operator, occurrence))
    chance = random.Random(f"{room} {seed}")
    order = list(places)
    chance.shuffle(order)
    found: list[Change] = []
    for place in order:
        if len(found) == count:
            break
        operator, occurrence = chance.choice(places[place])
        source = place.file.read_text()
        after = _mutated(source, operator, occurrence)
        if _executed(after) not in (None, _executed(source)):
            found.append(_change(room, str(place.file.relative_to(root)), operator, occurrence, source, after))
    return found


def _change(room: str, file: str, operator: str, occurrence: int, source: str, after: str) -> Change:
    old, new = source.splitlines(), after.splitlines()
    first = next(number for number, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1])
    length = 1 + max(0, len(old) - len(new))  # a decorator may be gone
    now = " ".join(line.strip() for line in new[first : first + length + len(new) - len(old)])
    return Change(
        room, file, first + 1, operator, occurrence, " ".join(line.strip() for line in old[first : first + length]), now
    )


def _possible(source: str) -> Iterator[tuple[str, int, int, int]]:
    """Operators, the numbers of their places, and where these are: line and column."""
    import cosmic_ray.plugins
    from cosmic_ray.ast import ast_nodes, get_ast

    nodes = list(ast_nodes(get_ast(source)))
    for name in cosmic_ray.plugins.operator_names():
        kind = cosmic_ray.plugins.get_operator(name)
        if kind.arguments():
            continue
        operator = kind()
        places = (start for node in nodes for start, _ in operator.mutation_positions(node))
        for occurrence, (line, column) in enumerate(places):
            yield name, occurrence, line, column


def _mutated(source: str, operator: str, occurrence: int) -> str:
    import cosmic_ray.plugins
    from cosmic_ray.mutating import mutate_code

    text = mutate_code(source, cosmic_ray.plugins.get_operator(operator)(), occurrence)
    assert isinstance(text, str), (operator, occurrence)
    return text


def _executed(source: str) -> str | None:
    """What of a file is executed: without annotations, which nobody evaluates. None of what is no Python, as {a, & b}."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        match node:
            case ast.arg():
                node.annotation = None
            case ast.FunctionDef():
                node.returns = None
            case ast.AnnAssign():
                node.annotation = ast.Constant(None)
    return ast.dump(tree)
