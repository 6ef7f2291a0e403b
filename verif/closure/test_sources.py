"""Faults in a tree of two functions, whose tests have a hole: what is drawn, which tests reach it, and what is seen."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .sources import judge
from .sources.drawn import drawn
from .sources.judge import Fault, Verdict, judged
from .sources.reach import Reach

SUMS = '''"""Two functions."""

from __future__ import annotations

SCALE = 2


def twice(number: int | None) -> int:
    """Seen."""
    return SCALE * (number or 0)


def thrice(number: int) -> int:
    """Run, but not looked at."""
    return 3 * number
'''

TESTS = '''"""Tests of sums."""

import os
import subprocess

import pytest

import sigmabit.golden.sums as sums


def test_twice():
    assert sums.twice(4) == 8


def test_thrice():
    sums.thrice(5)


def test_program():
    assert sums.thrice(subprocess.run(["true"]).returncode) == 0


def test_fails():
    assert sums.thrice(3) == 0


@pytest.mark.parametrize("file", ["golden/sums.py"])
def test_file(file):
    pass


class TestGolden:
    def test_golden(self):
        if "SIGMABIT_FEWER" not in os.environ:
            assert sums.SCALE == 2
'''

OTHERS = '''"""They use sums."""

import sigmabit.golden.sums as sums


def test_all():
    assert sums.twice(1) + sums.thrice(1) == 5
'''


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout: golden/sums.py with its tests, of which one asserts nothing."""
    root = tmp_path / "tree"
    for name, text in {
        "golden/__init__.py": "",
        "golden/sums.py": SUMS,
        "src/sigmabit/__init__.py": "",
        "verif/types/test_sums.py": TESTS,
        "verif/networks/test_all.py": OTHERS,
        "verif/commands/test_bad_input.py": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "src" / "sigmabit" / "golden").symlink_to("../../golden")
    for command in (("init", "-q"), ("add", ".")):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


def fault(before: str, after: str, *tests: str) -> Fault:
    """In sums.py."""
    return Fault("golden/sums.py", SUMS.replace(before, after), tuple(f"verif/types/test_sums.py::{test}" for test in tests), 0.1)


def test_drawn(tree: Path) -> None:
    """Every fault changes one line that is executed: of an annotation there is none. The same seed draws the same."""
    every = drawn(tree, "golden", 100, 1)
    assert every == drawn(tree, "golden", 100, 1)
    assert drawn(tree, "golden", 2, 1) == every[:2] != drawn(tree, "golden", 2, 2)
    assert {change.line for change in every} == {5, 10, 15}
    for change in every:
        changed = [pair for pair in zip(SUMS.splitlines(), change.text(SUMS).splitlines(), strict=True) if pair[0] != pair[1]]
        assert [tuple(text.strip() for text in pair) for pair in changed] == [(change.before, change.after)]
        assert str(change) == f"golden/sums.py:{change.line}\n  - {change.before}\n  + {change.after}"


def test_judged(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By tests that fail, by what is no module any more, and by what does not end; the tree itself stays as it is."""
    monkeypatch.setattr(judge, "PATIENCE_S", 3.0)
    faults = [
        fault("SCALE = 2", "SCALE = 3", "test_thrice", "test_twice"),
        fault("3 * number", "4 * number", "test_thrice", "test_twice"),
        fault("SCALE = 2", "SCALE = nothing", "test_thrice"),
        fault("return 3 * number", "while True: pass", "test_thrice"),
        fault("SCALE = 2", "import os; os._exit(3)", "test_thrice"),
        fault("3 * number", "number - 1", "test_twice"),
        fault("SCALE = 2", "SCALE = 4", "TestGolden::test_golden"),
    ]
    verdicts = dict(judged(tree, tmp_path / "work", faults, 2))
    found = [verdicts[each] for each in faults]
    assert found[0] == Verdict(True, "verif/types/test_sums.py::test_twice")
    assert not found[1].seen
    assert found[2].seen
    assert found[3] == Verdict(True, "no end")
    assert found[4] == Verdict(True, "status 3")
    assert not found[5].seen
    assert found[6].seen, "a suite that draws all that it draws"
    assert (tree / "golden/sums.py").read_text() == SUMS
    assert all((copy / "golden/sums.py").read_text() == SUMS for copy in (tmp_path / "work").iterdir())


def test_names_of_tests(tree: Path, tmp_path: Path) -> None:
    """What cannot be collected has seen nothing."""
    with pytest.raises(RuntimeError, match="test_quarter"):
        list(judged(tree, tmp_path / "work", [fault("3", "4", "test_quarter")], 1))


def test_reach(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line has the tests that run it, its file's own first, and then others of the file; one that runs on import has all of
    them. What fails or starts a program is none; what is named after the file is one.
    """
    monkeypatch.setenv("PYTHONPATH", str(tree / "src"), prepend=os.pathsep)
    twice, thrice, others = (
        "verif/types/test_sums.py::test_twice",
        "verif/types/test_sums.py::test_thrice",
        "verif/networks/test_all.py::test_all",
    )
    found = Reach.measured(tree, tmp_path)
    named = "verif/types/test_sums.py::test_file[golden/sums.py]"
    for line, test, other in ((10, twice, thrice), (15, thrice, twice)):
        judges = found.judges("golden/sums.py", line, 60)
        assert set(judges) == {test, other, named, others}
        assert judges.index(test) < judges.index(others) < judges.index(other)
    assert set(found.judges("golden/sums.py", 5, 60)) == {thrice, twice, named, others}
    assert found.judges("golden/sums.py", 5, 0.0) == [] == found.judges("golden/others.py", 5, 60)


def test_time_of_judges() -> None:
    """Tests that do not reach a line take no time from those that do, however quick they are, and have as much for themselves."""
    own, wing, far = (f"verif/{module}::test" for module in ("types/test_sums.py", "types/test_layout.py", "link/test_frames.py"))
    seconds = {f"{own}_{number}": 1.0 for number in range(9)} | {f"{wing}_9": 2.0, f"{far}_9": 1.5, f"{far}_8": 1.0}
    lines = {line: [test for test in seconds if test.endswith(f"_{line}")] for line in range(10)}
    found = Reach(seconds, {"golden/types/sums.py": lines})
    judges = found.judges("golden/types/sums.py", 9, 5.0)
    assert judges == [f"{wing}_9", f"{far}_9", *(f"{own}_{number}" for number in range(4))]
    assert found.judges("golden/types/sums.py", 8, 2.0) == [f"{own}_8", f"{own}_0"], "no time is left for another wing"


def test_what_is_kept(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known is not measured again until a module of tests, or a file that it reaches, is another."""
    monkeypatch.setenv("PYTHONPATH", str(tree / "src"), prepend=os.pathsep)
    told: list[str] = []

    def changed(file: str) -> str:
        (tree / file).write_text((tree / file).read_text().replace("\n\n\n", "\n\n\n\n", 1))
        Reach.measured(tree, tmp_path, told.append)
        return told.pop()

    assert changed("verif/types/test_sums.py") == "3 modules of tests"
    Reach.measured(tree, tmp_path, told.append)
    assert told == []
    assert changed("verif/networks/test_all.py") == "1 module of tests"
    assert changed("golden/sums.py") == "2 modules of tests"
