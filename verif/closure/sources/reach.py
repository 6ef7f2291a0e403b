"""Which lines each test reaches, and how long the processor takes for it: coverage.py, with a context for each test.

As a program it is pytest that writes this to files: `reach.py '{"MODULE": "FILE", ...}' ARGUMENTS...`.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
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

WAITING = ("verif/link/test_host.py",)
"""Whose tests wait more than they work."""

LONGEST_S = 5.0
"""Of the processor, for a test that judges, while it is measured, which slows it. What takes longer judges nothing."""

WAITS = 4.0
"""A test that takes so many times longer than the processor is busy with it waits for something, unless the machine is."""

IMPORT_S = 0.5
"""For a module more, to import it."""

PART_S = 2.0
"""Of a module of another wing, that its tests may take."""

FEWER = {"SIGMABIT_CONFIGS": "10", "SIGMABIT_FEWER": "4", "SIGMABIT_AS_FOUND": "1"}
"""Suites draw less (verif/harness/suite.py), and do not make smaller what they found."""


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
        """Tests that may see a fault there: those named after the file; those that reach the line, of so many seconds in sum; and
        as many of the others of its wing, which may have had from a cache what the line makes.

        Module by module, the file's own first, then its wing's, and of each the quickest.
        """
        every = {test for test in self.of_file.get(file, []) if _near(file, _module(test)) < (True, True)}
        reaching = set(self.lines.get(file, {}).get(line) or self.of_file.get(file, []))
        named = {test for test in self.seconds if test.endswith(f"[{file}]")}  # it need not call what it looks at
        chosen = (named, reaching - named, every - reaching - named)
        return [test for tests in chosen for test in self._quickest(file, tests, limit_s)]

    def _quickest(self, file: str, tests: Set[str], limit_s: float) -> Iterator[str]:
        """As many of the tests as take no longer than that together."""
        modules: dict[str, list[str]] = {}
        for test in sorted(tests, key=lambda test: (self.seconds[test], test)):
            modules.setdefault(_module(test), []).append(test)
        left = limit_s
        for module in sorted(modules, key=lambda module: (*_near(file, module), self.seconds[modules[module][0]])):
            left -= IMPORT_S
            part = left if _near(file, module) < (True, True) else min(left, PART_S)
            for test in modules[module]:
                if self.seconds[test] <= part:
                    yield test
                    part -= self.seconds[test]
                    left -= self.seconds[test]

    @staticmethod
    def measured(root: Path, kept: Path, report: Callable[[str], None] = lambda what: None) -> Reach:
        """Of each module of tests as kept, or by a run of it, which takes some minutes for all. What fails then judges nothing.

        What is kept holds until the module, what tests share, or a file that the module's tests reach is another.
        """
        files = {
            module: kept / f"{module.replace('/', '.')}-{digest(root, (module, 'verif/harness'))}.json"
            for module in modules(root)
        }
        if todo := {module: file for module, file in files.items() if not _current(root, file)}:
            report(f"{len(todo)} module{'s' * (len(todo) > 1)} of tests")
            run(root, todo)
        seconds: dict[str, float] = {}
        lines: dict[str, dict[int, list[str]]] = {}
        for file in files.values():
            held = json.loads(file.read_text())
            tests = list(held["seconds"])
            here = {test: taken for test, taken in held["seconds"].items() if str(root) not in test}  # those of any tree
            seconds |= here
            for tried, found in held["lines"].items():
                for line, numbers in found.items():
                    named = (tests[number] for number in numbers)
                    lines.setdefault(tried, {}).setdefault(int(line), []).extend(test for test in named if test in here)
        return Reach(seconds, lines)


def _module(test: str) -> str:
    return test.partition("::")[0]


def _near(file: str, module: str) -> tuple[bool, bool]:
    """The nearer to a file the less: its own module, one of its wing, another; as golden/network/real.py is in networks."""
    wing = Path(module).parent.name.startswith(Path(file).parts[1:-1])
    return Path(module).name != f"test_{Path(file).name}", not wing


def _current(root: Path, file: Path) -> bool:
    return file.exists() and all(
        found == digest(root, (tried,)) for tried, found in json.loads(file.read_text())["files"].items()
    )


def modules(root: Path) -> Iterator[str]:
    """All that judge."""
    for wing in WINGS:
        files = (str(file.relative_to(root)) for file in sorted((root / "verif" / wing).glob("test_*.py")))
        yield from (file for file in files if file not in WAITING)
    yield "verif/commands/test_bad_input.py"


def digest(root: Path, wings: Sequence[str]) -> str:
    """Of all Python there; a wing may be one file, or one that is gone."""
    found = hashlib.sha256()
    for wing in wings:
        for file in sorted((root / wing).rglob("*.py")) or [root / wing]:
            found.update(f"{file.relative_to(root)}\n{file.read_text() if file.is_file() else None}".encode())
    return found.hexdigest()[:12]


def run(root: Path, files: Mapping[str, Path]) -> None:
    """The tests of modules, each of which has a file, but for those of hardware and those that start processes."""
    chosen = ["-q", "-k", f"not ({' or '.join(HARDWARE)})", *files]
    command = [
        sys.executable,
        "-P",
        __file__,
        json.dumps({module: str(file.resolve()) for module, file in files.items()}),
        *chosen,
    ]
    with tempfile.TemporaryFile("w+") as told:
        done = subprocess.run(command, cwd=root, env={**os.environ, **FEWER}, stdout=told, stderr=sys.stderr, check=False)
        told.seek(0)
        if done.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            sys.exit(told.read()[-2000:])


class Recorder:
    """Of one run of pytest, in which each module's tests are a process of their own: what is kept for later calls stays apart."""

    def __init__(self, root: Path, files: Mapping[str, Path]) -> None:
        self.root, self.files = root.resolve(), files
        self.alone = False
        vars(multiprocessing.util)["spawnv_passfds"] = self.spawned  # which is no event
        signal.signal(signal.SIGPROF, lambda *_: pytest.skip("takes too long"))
        sys.addaudithook(self.audit)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """One module after another."""
        items = {module: [item for item in session.items if item.nodeid.startswith(f"{module}::")] for module in self.files}
        for number, (module, file) in enumerate(self.files.items(), 1):
            print(f"{number} of {len(items)}: {module}", file=sys.stderr, flush=True)
            if not (child := os.fork()):
                self.begin()
                for item, following in zip_longest(items[module], items[module][1:]):
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                self.write(file)
                os._exit(0)
            session.testsfailed += os.waitpid(child, 0)[1] > 0
        return True

    def begin(self) -> None:
        """Of a module's tests."""
        from coverage import Coverage

        self.seconds: dict[str, float] = {}
        self.skipped: set[str] = set()
        self.coverage = Coverage(data_file=None, source=[str(self.root / wing) for wing in TRIED], config_file=False)
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """A context for each test."""
        self.coverage.switch_context(item.nodeid)
        began, busy = time.monotonic(), time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = round(max(time.process_time() - busy, (time.monotonic() - began) / WAITS), 3)
            self.coverage.switch_context("")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """No longer than it may take, and in this process."""
        signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
        self.alone = True
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            self.alone = False

    def spawned(self, *_: object) -> int:
        """Instead of a process."""
        pytest.skip("starts a process")

    def audit(self, event: str, _: object) -> None:
        """Of Python's events."""
        if self.alone and event in ("subprocess.Popen", "os.fork"):
            pytest.skip("starts a process")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Who does not run to its end and pass judges nothing."""
        if not report.passed:
            self.skipped.add(report.nodeid)
        if report.failed:
            print(f"{report.nodeid} fails", report.longreprtext, sep="\n", file=sys.stderr, flush=True)

    def write(self, file: Path) -> None:
        """All of it."""
        self.coverage.stop()
        data = self.coverage.get_data()
        seconds = {test: taken for test, taken in self.seconds.items() if test not in self.skipped}
        numbers = {test: number for number, test in enumerate(seconds)}
        lines = {
            str(Path(name).resolve().relative_to(self.root)): {
                line: found
                for line, tests in data.contexts_by_lineno(name).items()
                if (found := sorted(numbers[test] for test in tests if test in numbers))
            }
            for name in data.measured_files()
        }
        lines = {name: found for name, found in lines.items() if found}
        files = {name: digest(self.root, (name,)) for name in lines}
        new = file.with_suffix(".new")
        new.write_text(json.dumps({"seconds": seconds, "lines": lines, "files": files}))
        new.replace(file)


if __name__ == "__main__":
    asked = {module: Path(file) for module, file in json.loads(sys.argv[1]).items()}
    sys.exit(pytest.main(sys.argv[2:], plugins=[Recorder(Path.cwd(), asked)]))
