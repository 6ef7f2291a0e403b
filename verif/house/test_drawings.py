"""The drawings of blocks' timing: there is one on each page, and the block gives today what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sigmabit.verif.house import drawings
from sigmabit.verif.house.drawings import Timing, blocks, file_of

from .test_docs import BLOCKS

every_block = pytest.mark.parametrize("name", BLOCKS)


def test_every_block_has_one() -> None:
    """And nothing else has."""
    assert sorted(blocks()) == sorted(BLOCKS)
    assert {path.name for path in drawings.DOCS.rglob("*_timing.svg")} == {f"{name}_timing.svg" for name in BLOCKS}


@every_block
def test_it_is_on_the_page(name: str) -> None:
    """In the section on timing."""
    text = file_of(name).with_name(f"{name}.md").read_text()
    section = text.partition("\n## Timing\n")[2].partition("\n## ")[0]
    assert re.search(rf"^!\[.+\]\({name}_timing\.svg\)$", section, re.MULTILINE)


@every_block
def test_it_is_what_the_block_does(name: str) -> None:
    """The inputs that it shows, played again."""
    text = file_of(name).read_text()
    assert Timing.again(text).svg() == text


def test_another_answer_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A block that gives something else, or a sample that is gone."""
    text = file_of("accumulate").read_text()
    rise = drawings.Recorder.rise

    def late(self: drawings.Recorder) -> None:
        rise(self)
        self.cycles[-1] = {**self.cycles[-1], "result_valid": 1 - self.cycles[-1]["result_valid"]}

    with monkeypatch.context() as patch:
        patch.setattr(drawings.Recorder, "rise", late)
        assert Timing.again(text).svg() != text
    with pytest.raises(LookupError, match="accumulate: its suite has no sample"):
        Timing.again(text.replace("lanes=1", "lanes=77"))
