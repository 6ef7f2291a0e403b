"""Which lines each test reaches, and how long it takes: coverage.py, with a context for each test.

As a program it is pytest that writes this to a file: `reach.py FILE ARGUMENTS...`.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

TRIED = "golden", "hdl/planning"

WINGS = ("arithmetic", "front", "layers", "link", "networks", "noise", "pipeline", "planning", "sampling", "types")
"""Whose tests judge, and those of bad input."""

HARDWARE = (
    *("verilog", "myhdl", "area", "hardware", "synth", "gates", "bodies", "body", "netlist", "cost", "price", "ethernet"),
    *("proven", "broken", "claim", "paths"),
)
"""Words in the names of tests that try hardware, which know nothing more of golden than the others do."""


@dataclass(frozen=True)
class Reach:
    """seconds: of each test. lines: of each file and line, the tests that reach it; none where it runs on import."""

    seconds: Mapping[str, float]
    lines: Mapping[str, Mapping[int, Sequence[str]]]

    @cached_property
    def of_file(self) -> dict[str, list[str]]:
        """All tests that reach any line of a file."""
        return {file: sorted({test for tests in lines.values() for test in tests}) for file, lines in self.lines.items()}

    def judges(self, file: str, line: int, limit_s: float) -> list[str]:
        """Tests that may see a fault there, the file's own first and then the quickest, of so many seconds in sum."""
        tests = self.lines.get(file, {}).get(line) or self.of_file.get(file, [])
        own = f"/test_{Path(file).stem}.py::"
        found, left = [], limit_s
        for test in sorted(tests, key=lambda test: (own not in test, self.seconds[test], test)):
            if self.seconds[test] <= left:
                found.append(test)
                left -= self.seconds[test]
        return found

    @staticmethod
    def measured(root: Path, kept: Path, report: Callable[[str], None] = lambda what: None) -> Reach:
        """Of each module of tests as kept, or by a run of it, which takes some minutes for all. SystemExit where a test fails."""
        seconds: dict[str, float] = {}
        lines: dict[str, dict[int, list[str]]] = {}
        state = digest(root, ("golden", "hdl", "scripts", "verif/harness"))
        for module in modules(root):
            name = (
                f"{module.replace('/', '.')}-{hashlib.sha256(f'{state} {(root / module).read_text()}'.encode()).hexdigest()[:12]}"
            )
            file = kept / f"{name}.json"
            if not file.exists():
                report(module)
                run(root, module, file)
            held = json.loads(file.read_text())
            seconds |= held["seconds"]
            tests = list(held["seconds"])
            for tried, found in held["lines"].items():
                for line, numbers in found.items():
                    lines.setdefault(tried, {}).setdefault(int(line), []).extend(tests[number] for number in numbers)
        return Reach(seconds, lines)


def modules(root: Path) -> Iterator[str]:
    """All that judge."""
    for wing in WINGS:
        yield from (str(file.relative_to(root)) for file in sorted((root / "verif" / wing).glob("test_*.py")))
    yield "verif/commands/test_bad_input.py"


def digest(root: Path, wings: Sequence[str]) -> str:
    """Of all Python there."""
    found = hashlib.sha256()
    for wing in wings:
        for file in sorted((root / wing).rglob("*.py")):
            found.update(f"{file.relative_to(root)}\n{file.read_text()}".encode())
    return found.hexdigest()[:12]


def run(root: Path, module: str, file: Path) -> None:
    """A module's tests, but for those of hardware."""
    new = file.with_suffix(".new")
    chosen = ["-q", "-k", f"not ({' or '.join(HARDWARE)})", module]
    command = [sys.executable, "-P", __file__, str(new.resolve()), *chosen]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        sys.exit(done.stdout[-2000:])
    new.replace(file)


class Recorder:
    """Of one run of pytest."""

    def __init__(self, root: Path, file: Path) -> None:
        from coverage import Coverage

        self.root, self.file = root.resolve(), file
        self.seconds: dict[str, float] = {}
        self.coverage = Coverage(data_file=None, source=[str(root / wing) for wing in TRIED], config_file=False)
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """A context for each test."""
        self.coverage.switch_context(item.nodeid)
        began = time.perf_counter()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = round(time.perf_counter() - began, 3)
            self.coverage.switch_context("")

    def pytest_sessionfinish(self) -> None:
        """Write all of it."""
        self.coverage.stop()
        data = self.coverage.get_data()
        numbers = {test: number for number, test in enumerate(self.seconds)}
        lines = {
            str(Path(name).resolve().relative_to(self.root)): {
                line: sorted(numbers[test] for test in tests if test) for line, tests in data.contexts_by_lineno(name).items()
            }
            for name in data.measured_files()
        }
        self.file.write_text(json.dumps({"seconds": self.seconds, "lines": lines}))


if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[2:], plugins=[Recorder(Path.cwd(), Path(sys.argv[1]))]))
