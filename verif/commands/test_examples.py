"""examples/: each runs from anywhere, and prints what lies beside it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..harness import needs

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

SIMULATED = pytest.mark.long
"""They build a model of some Verilog: for `make docs`."""


@pytest.mark.parametrize(
    "name",
    [
        "speed_against_area",
        "samples",
        pytest.param("library", marks=SIMULATED),
        pytest.param("wrong_layer", marks=SIMULATED),
        pytest.param("from_torch", marks=SIMULATED),
    ],
)
def test_it_prints_what_it_says(name: str, tmp_path: Path) -> None:
    """Word by word; a … stands for whatever differs from machine to machine."""
    if name == "from_torch":
        needs.training("torch")
        needs.training("brevitas")
    arguments = ["out"] if "FOLDER" in (EXAMPLES / f"{name}.py").read_text() else []
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = re.escape((EXAMPLES / f"{name}.txt").read_text()).replace("…", ".*")
    assert re.fullmatch(expected, done.stdout), done.stdout


def test_every_example_is_listed() -> None:
    """With what it prints."""
    listed = set(re.findall(r"\[(\w+)\.py\]", (EXAMPLES / "README.md").read_text()))
    assert listed == {path.stem for path in EXAMPLES.glob("*.py")} == {path.stem for path in EXAMPLES.glob("*.txt")}
