"""Is a fault in Python seen? The tests run in a copy of the tree with the fault in it, in a process that starts warm.

A test that fails, takes more than five times its time, or more than 4 GiB, has seen it. Suites draw little at first, and all that
they draw otherwise where that sees nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path

import pytest

from .reach import FEWER

MEMORY = 4 << 30
"""Bytes."""

PATIENCE_S = 20.0
"""Seconds of the processor more than five times what its tests take."""

HANGS = 10.0
"""How many times as long a trial may take on a clock as on the processor: others are at work, too."""

SUITE = "::test_golden"
"""A test that draws as much as it is told to (verif/harness/suite.py)."""

IMPORTED = (
    "asyncio",
    "hypothesis.strategies",
    "myhdl",
    "onnx.helper",
    "onnxruntime",
    "scipy.special",
    "scipy.optimize",
    "sklearn.datasets",
)
"""What takes long to import."""

OURS = ("sigmabit", "verif")
"""What is imported anew for each fault."""


@dataclass(frozen=True)
class Fault:
    """A file, what is to stand in it, and the tests that may see it, in this order, which take so many seconds."""

    file: str
    text: str
    tests: Sequence[str]
    seconds: float


@dataclass(frozen=True)
class Verdict:
    """seen: by a test, by a tree that cannot be imported, or since tests did not end; by: what says so."""

    seen: bool
    by: str


def copy(root: Path, folder: Path) -> None:
    """What git has of a tree or would have, as it is now."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, folder / name, follow_symlinks=False)


@dataclass(frozen=True)
class _Trial:
    """A fault that is being tried: in which tree, by whom, what they say, and until when."""

    fault: Fault
    tree: Path
    process: ForkProcess
    told: Connection
    end: float

    @staticmethod
    def of(fault: Fault, tree: Path) -> _Trial:
        context = multiprocessing.get_context("fork")
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_try, args=(tree, fault, theirs))
        process.start()
        theirs.close()
        return _Trial(fault, tree, process, mine, time.monotonic() + HANGS * _patience(fault))

    def verdict(self, root: Path) -> Verdict | None:
        """What was found, once it is; the tree is whole again then."""
        late = time.monotonic() > self.end
        if self.process.is_alive() and not late:
            return None
        if late:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid or 0, signal.SIGKILL)
        self.process.join()
        shutil.copy2(root / self.fault.file, self.tree / self.fault.file)
        try:
            seen, by = self.told.recv()
        except EOFError:
            late = late or self.process.exitcode == -signal.SIGXCPU
            seen, by = True, "no end" if late else f"status {self.process.exitcode}"
        finally:
            self.told.close()
        if seen is None:
            raise RuntimeError(by)
        return Verdict(seen, by)


def judged(root: Path, work: Path, faults: Sequence[Fault], workers: int) -> Iterator[tuple[Fault, Verdict]]:
    """The verdict on each fault, as soon as it is known. work: an empty folder for copies of the tree.

    Raises RuntimeError where the tests cannot be collected without any fault.
    """
    _warm()
    free = [work / str(number) for number in range(workers)]
    for tree in free:
        copy(root, tree)
    collected(free[0], sorted({test for fault in faults for test in fault.tests}))
    todo, trials = iter(faults), list[_Trial]()
    while True:
        trials += [_Trial.of(fault, free.pop()) for fault in islice(todo, len(free))]
        if not trials:
            return
        wait([trial.process.sentinel for trial in trials], timeout=0.5)
        for trial in list(trials):
            if verdict := trial.verdict(root):
                trials.remove(trial)
                free.append(trial.tree)
                yield trial.fault, verdict


def collected(tree: Path, tests: Sequence[str]) -> None:
    """A name that no test has would end every trial, as if a fault were seen. Raises RuntimeError."""
    told = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tree / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])}
    modules = sorted({test.partition("::")[0] for test in tests})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--rootdir", str(tree), *modules]
    done = subprocess.run(command, cwd=tree, env=told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode or (missing := set(tests) - set(done.stdout.splitlines())):
        raise RuntimeError(done.stdout[-2000:] if done.returncode else f"no such tests: {', '.join(sorted(missing))}")


def _warm() -> None:
    """What tests import and is not ours, and pytest's plugins."""
    for name in IMPORTED:
        import_module(name)
    with redirect_stdout(StringIO()):
        pytest.main(["--markers"])


def _patience(fault: Fault) -> float:
    return 5 * fault.seconds + PATIENCE_S


class _Chosen:
    """A plugin of pytest: these tests alone, in their order, and the first that fails."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.tests = {test: place for place, test in enumerate(tests)}
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self.tests), key=lambda item: self.tests[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def _try(tree: Path, fault: Fault, told: Connection) -> None:
    """In a process of its own: never returns."""
    try:
        told.send(_tried(tree, fault))
    except BaseException:
        told.send((None, traceback.format_exc()))  # a verdict is what tests say
    told.close()
    os._exit(0)


def _tried(tree: Path, fault: Fault) -> tuple[bool, str]:
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    seconds = int(time.process_time() + _patience(fault))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    (tree / fault.file).write_text(fault.text)
    os.chdir(tree)
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(tree / "src"))
    if failed := _failed(tree, fault.tests, FEWER):
        return True, failed
    if failed := _failed(tree, [test for test in fault.tests if test.endswith(SUITE)], dict.fromkeys(FEWER)):
        return True, failed
    return False, "all tests pass"


def _failed(tree: Path, tests: Sequence[str], told: Mapping[str, str | None]) -> str:
    """What fails first of modules of tests, one after the other, in an environment that is told this. Nothing if they pass."""
    for name, value in told.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    for module in dict.fromkeys(test.partition("::")[0] for test in tests):
        chosen = _Chosen(tests)
        if status := pytest.main(["-q", "-x", "--rootdir", str(tree), module], plugins=[chosen]):
            return chosen.failed or f"pytest ends with {int(status)} in {module}"
    return ""
