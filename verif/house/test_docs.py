"""docs: every example runs, every name exists, and every block has its page, its golden model and its test."""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import click
import pytest

from sigmabit.hdl.verilog.module import COMPOSITE, LEAF, WRITTEN
from sigmabit.scripts.group import sigmabit

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("golden", "hdl", "host", "verif", "fpga", "scripts", "models", "docs")

GOLDEN = {
    "top": "network/network",
    "stream": "types/layout",
    "eager": "layers/gather",
    "unrolled": "layers/fixed",
    "tabled": "sampling/reparameterise",
    "datagram_receiver": "link/datagram",
    "answerer": "link/session",
    "datagrams": "link/session",
}
"""Where golden/ calls what hdl/ builds by another name: a pipeline is a network there, a stream a tensor's layout, a
layer of fixed-point weights the same however it is built, and a device on a network is one session after the other."""

WITHOUT_BLOCKS = ("family", "planning", "verilog")
"""Wings of hdl/ that only serve blocks."""

SECTIONS = ("What it computes", "Ports", "Configuration", "Timing", "Why it is built so", "Invariants")
ROWS = ("golden source", "hdl source", "test", "configuration", "latency", "interval")


@dataclass(frozen=True)
class Fence:
    """A fenced block: its language, its text, and the line of the page that its text begins at."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Page:
    """A Markdown file."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def fences(self) -> tuple[Fence, ...]:
        """All fenced blocks, in order."""
        found = re.finditer(r"^```(\w*)\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)
        return tuple(Fence(m[1], m[2], self.text.count("\n", 0, m.start(2)) + 1) for m in found)

    @cached_property
    def prose(self) -> str:
        """The page without its fenced blocks."""
        return re.sub(r"^```\w*\n.*?^```$", "", self.text, flags=re.MULTILINE | re.DOTALL)

    @cached_property
    def anchors(self) -> set[str]:
        """What a link may point at: headings, in lower case, with hyphens for blanks and nothing else but letters and digits."""
        headings = re.findall(r"^#+ (.*)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    def section(self, title: str) -> str:
        """What stands under a heading of the second level."""
        _, _, rest = self.text.partition(f"\n## {title}\n")
        return rest.partition("\n## ")[0]


PAGES = {page.stem: Page(page) for page in sorted((ROOT / "docs").rglob("*.md"))}
EVERYWHERE = {**PAGES, "README": Page(ROOT / "README.md")}
WINGS = {path.stem: path.parent.name for path in (ROOT / "hdl").glob("*/*.py") if path.stem != "__init__"}
"""The wing of each module of hdl/."""


def hdl_module(name: str) -> ModuleType:
    """A module of hdl/."""
    return importlib.import_module(f"sigmabit.hdl.{WINGS[name]}.{name}")


def module_blocks(name: str) -> dict[str, Callable[..., object]]:
    """The functions of a module of hdl/ that elaborate to Verilog modules."""
    module = hdl_module(name)
    kinds = {key: value for key, value in vars(module).items() if getattr(value, "kind", None) in (LEAF, COMPOSITE, WRITTEN)}
    return {key: block.func for key, block in kinds.items() if block.func.__module__ == module.__name__}


BLOCKS = tuple(sorted(name for name in WINGS if module_blocks(name)))
BLOCK_PAGES = (*BLOCKS, "stream")

every_page = pytest.mark.parametrize("page", EVERYWHERE.values(), ids=EVERYWHERE)
every_block = pytest.mark.parametrize("name", BLOCKS)
every_block_page = pytest.mark.parametrize("name", BLOCK_PAGES)


# --- examples


@every_page
def test_python_examples_run(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's Python, in order, in one namespace, at the root of the project."""
    monkeypatch.chdir(ROOT)
    namespace: dict[str, object] = {"__name__": page.path.stem}
    examples = [fence for fence in page.fences if fence.language == "python"]
    for example in examples:
        code = "\n" * (example.line - 1) + example.text  # so that a traceback names the page's own line
        exec(compile(code, str(page.path), "exec"), namespace)
    assert not examples or len(namespace) > 2


@every_page
def test_console_examples_parse(page: Page) -> None:
    """Commands exist, and take the options and arguments that are shown; targets and variables of make exist."""
    for fence in page.fences:
        if fence.language == "console":
            for line in fence.text.replace("\\\n", " ").splitlines():
                if line.startswith("$ "):
                    check_command(line[2:])


def check_command(line: str) -> None:
    """A failed assertion or click's error where the project has no such command."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    end = next((i for i, word in enumerate(words) if set(word) <= set("|&;<>")), len(words))
    program, *arguments = words[:end]
    if Path(program).name == "sigmabit":
        with patch.object(click.Command, "invoke"):  # everything is parsed, nothing is done
            sigmabit.main(arguments, standalone_mode=False)
    elif program == "make":
        for word in arguments:
            known = make_variables() if "=" in word else make_targets()
            assert word.partition("=")[0] in known, f"make has no {word}"


def makefiles() -> str:
    """The Makefile and what it includes."""
    return "".join(path.read_text() for path in (ROOT / "Makefile", *sorted((ROOT / "fpga").rglob("*.mk"))))


def make_targets() -> set[str]:
    """What make can be asked for."""
    return set(re.findall(r"^([a-z_-]+):", makefiles(), re.MULTILINE))


def make_variables() -> set[str]:
    """What may be given."""
    return set(re.findall(r"^([A-Z_]+) \?=", makefiles(), re.MULTILINE))


# --- names


def named_tests(page: Page) -> set[str]:
    """The test ids on a page."""
    return set(re.findall(r"verif/\w+/test_\w+\.py::[\w:]+", page.text))


def collected(test_id: str) -> bool:
    """Would pytest collect it? Inherited tests count for the class that inherits them."""
    path, *names = test_id.split("::")
    found: object = importlib.import_module("sigmabit." + path.removesuffix(".py").replace("/", "."))
    for name in names:
        found = getattr(found, name, None)
    good_class = len(names) == 1 or names[0].startswith("Test")
    return callable(found) and good_class and names[-1].startswith("test_")


@every_page
def test_named_tests_exist(page: Page) -> None:
    """Every test id on the page is a test."""
    missing = sorted(name for name in named_tests(page) if not (ROOT / name.partition("::")[0]).is_file() or not collected(name))
    assert missing == []


@every_page
def test_links_lead_somewhere(page: Page) -> None:
    """Files and headings that relative links name exist."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.prose):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.path.parent / path).resolve() if path else page.path
        assert file.exists(), f"{page.path.name}: no {path}"
        assert not anchor or anchor in Page(file).anchors, f"{page.path.name}: {file.name} has no heading {anchor}"


@every_page
def test_named_files_exist(page: Page) -> None:
    """Every file of the project that is named in the prose exists."""
    names = re.findall(rf"`((?:{'|'.join(ROOMS)})/[\w./-]+)", page.prose)
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_index_lists_every_page() -> None:
    """Once each in the index's tables."""
    listed = re.findall(r"^\| \[\w+\]\((?:\w+/)?(\w+)\.md\)", PAGES["index"].text, re.MULTILINE)
    assert sorted(listed) == sorted(set(PAGES) - {"index"})


# --- one block, one file, the same name in golden/, hdl/ and verif/, and a page


def test_wings_that_only_serve_blocks_have_none() -> None:
    """And every other wing of hdl/ has blocks."""
    assert sorted({WINGS[name] for name in BLOCKS}) == sorted(set(WINGS.values()) - set(WITHOUT_BLOCKS))


@every_block_page
def test_block_has_its_three_files(name: str) -> None:
    """golden/, hdl/, verif/ and docs/ have a file of the block's name in the same wing, and the page's table links to them."""
    wing = WINGS[name]
    assert PAGES[name].path == ROOT / "docs" / wing / f"{name}.md"
    table = PAGES[name].text.partition("\n## ")[0]
    golden = f"golden/{GOLDEN.get(name, f'{wing}/{name}')}.py"
    for row, path in zip(ROWS, (golden, f"hdl/{wing}/{name}.py", f"verif/{wing}/test_{name}.py"), strict=False):
        assert (ROOT / path).is_file(), path
        line = next(line for line in table.splitlines() if line.startswith(f"| {row} |"))
        assert f"(../../{path})" in line


@every_block_page
def test_page_has_the_skeleton(name: str) -> None:
    """A title, a table, and the sections in order; a stream, which computes nothing, has its own names for two of them."""
    page = PAGES[name]
    assert page.text.startswith(f"# {name}: ")
    assert [row for row in ROWS if f"\n| {row} | " not in page.text] == []
    titles = re.findall(r"^## (.*)$", page.prose, re.MULTILINE)
    if name == "stream":
        assert titles == ["What it carries", "Rules", "Ports", "Timing", "Why it is built so", "Invariants"]
    else:
        assert titles == list(SECTIONS)


@every_block_page
def test_invariants_are_held_by_tests(name: str) -> None:
    """I1, I2, ... in order, each with at least one test."""
    rows = re.findall(r"^\| I(\d+) \| (.+) \| (.+) \|$", PAGES[name].section("Invariants"), re.MULTILINE)
    assert [int(number) for number, *_ in rows] == list(range(1, len(rows) + 1))
    assert rows
    assert [number for number, _, tests in rows if "/test_" not in tests] == []


def configurations(name: str) -> Iterator[Any]:
    """The configuration classes that a module of hdl/ defines."""
    module = hdl_module(name)
    for key, value in vars(module).items():
        if key.endswith("Config") and isinstance(value, type) and value.__module__ == module.__name__:
            yield value


@every_block
def test_page_names_every_field_and_port(name: str) -> None:
    """Every field of the block's configurations under Configuration, every argument of its modules under Ports."""
    configuration, ports = PAGES[name].section("Configuration"), PAGES[name].section("Ports")
    named = [field.name for config in configurations(name) for field in fields(config)]
    assert [field for field in named if f"`{field}`" not in configuration] == []
    block = module_blocks(name).get(name) or module_blocks(name)["pipeline"]
    arguments = [argument for argument in inspect.signature(block).parameters if argument != "config"]
    assert [argument for argument in arguments if not re.search(rf"`{argument}(_[\w<>]+)?`", ports)] == []


# --- the checks themselves


@pytest.mark.parametrize(
    "line", ["sigmabit nonsense", "sigmabit plan", "sigmabit plan m.onnx --colour red", "make nonsense", "make sim COLOUR=red"]
)
def test_wrong_commands_are_seen(line: str) -> None:
    """A page that shows a command that does not exist fails."""
    with pytest.raises((click.UsageError, AssertionError)):
        check_command(line)


@pytest.mark.parametrize("name", ["test_rom.py::TestGolden", "test_rom.py::TestGolden::test_verilog", "test_rom.py::table"])
def test_wrong_test_ids_are_seen(name: str) -> None:
    """A page that names a test that does not exist fails."""
    assert not collected(f"verif/arithmetic/{name}")
    assert collected("verif/arithmetic/test_rom.py::TestGolden::test_golden")
