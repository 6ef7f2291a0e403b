"""The house: dependencies point one way, between rooms and between their wings, and the command line needs no test framework."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

KNOWS = {
    "golden": set(),
    "hdl": {"golden"},
    "fpga": {"hdl"},
    "host": {"golden"},
    "verif": {"golden", "hdl", "fpga", "host", "scripts"},
    "scripts": {"golden", "hdl", "fpga", "host", "verif"},
}
"""What each room may import from, besides itself."""

PRODUCT = ("board", "differential", "fuzzing", "simulation")
"""Wings of verif/ that the command line uses. They know nothing of scripts/, and what they import needs no test framework."""

SHIPPED = (*PRODUCT, "harness")
"""Wings of verif/ that are in the wheel: the fuzzer draws its graphs with the tests' own tools."""

TESTING = ("cocotb", "cocotb_test", "hypothesis", "pytest", "xdist")


def modules(room: str) -> Iterator[tuple[tuple[str, ...], ast.Module]]:
    """Every module of a room as the parts of its name, and its syntax."""
    for path in sorted((ROOT / room).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield (parts[:-1] if parts[-1] == "__init__" else parts), ast.parse(path.read_text())


def imported(parts: tuple[str, ...], syntax: ast.Module) -> Iterator[tuple[str, ...]]:
    """The modules of the project that a module imports, wherever in its text."""
    package = parts if (ROOT.joinpath(*parts) / "__init__.py").exists() else parts[:-1]
    for node in ast.walk(syntax):
        if isinstance(node, ast.ImportFrom):
            words = tuple(node.module.split(".")) if node.module else ()
            if not node.level and words[:1] != ("sigmabit",):
                continue
            base = package[: len(package) - node.level + 1] + words if node.level else words[1:]
            for alias in node.names:
                whole = (*base, alias.name)
                yield whole if is_module(whole) else base


def is_module(parts: tuple[str, ...]) -> bool:
    """Is it a module or a package of the project?"""
    path = ROOT.joinpath(*parts)
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def wing(parts: tuple[str, ...]) -> str:
    """The folder that a module lies in, two levels deep at most; a room's own __init__ is the room."""
    return "/".join(parts[:2]) if len(parts) > 2 or ROOT.joinpath(*parts).is_dir() else parts[0]


@pytest.mark.parametrize("room", KNOWS)
def test_rooms_know_one_another_one_way(room: str) -> None:
    """A room imports only from those that stand before it."""
    strangers = {
        (".".join(parts), other[0])
        for parts, syntax in modules(room)
        for other in imported(parts, syntax)
        if other[0] != room and other[0] not in KNOWS[room]
    }
    assert strangers == set()


def test_what_the_command_line_uses_of_verif_knows_no_command_line() -> None:
    """Simulators, boards and the fuzzer import nothing of scripts/."""
    known = {
        (".".join(parts), ".".join(other))
        for parts, syntax in modules("verif")
        for other in imported(parts, syntax)
        if parts[1:2] and parts[1] in PRODUCT and not parts[-1].startswith("test_") and other[0] == "scripts"
    }
    assert known == set()


@pytest.mark.parametrize("room", ["golden", "hdl", "scripts", "verif"])
def test_no_wing_needs_itself(room: str) -> None:
    """The wings of a room in an order in which each needs only those before it. Tests may need any."""
    needs: dict[str, set[str]] = {}
    for parts, syntax in modules(room):
        if parts[-1].startswith("test_") or parts[-1] == "conftest":
            continue
        here = wing(parts)
        found = {wing(other) for other in imported(parts, syntax) if other[0] == room}
        needs.setdefault(here, set()).update(found - {here})
    assert list(TopologicalSorter(needs).static_order())  # CycleError names the circle
    assert len(needs) > 5


def test_commands_need_no_test_framework() -> None:
    """Every command is imported where none of the frameworks can be."""
    block = f"import sys; sys.modules.update(dict.fromkeys({TESTING}))"
    result = subprocess.run(
        [sys.executable, "-c", f"{block}; from sigmabit.scripts.group import load; load([])"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_python_finds_the_rooms() -> None:
    """src/sigmabit links to every room, and to the models, and to nothing else; where they lie, editors and pyright find them."""
    links = {path.name: path.resolve() for path in (ROOT / "src" / "sigmabit").iterdir() if path.is_symlink()}
    assert links == {room: ROOT / room for room in (*KNOWS, "models")}


def test_the_wheel_has_no_tests() -> None:
    """Of verif/ there is in it what commands use, and no test is there."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    packages = [path.parent.relative_to(ROOT).parts for path in (ROOT / "verif").rglob("__init__.py")]
    left_out = {"*__pycache__*", *(f"sigmabit.{'.'.join(parts)}" for parts in packages if not {*parts} & {*SHIPPED})}
    assert set(found["exclude"]) == left_out
    assert [path for wing in SHIPPED for path in (ROOT / "verif" / wing).glob("test_*.py")] == []
