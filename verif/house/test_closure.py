"""docs/closure.md has a row for every block but those that are named, each of the Verilog that the block has."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from sigmabit.verif.closure.page import PAGE, WITHOUT, Row, argued, blocks, digest, name, page, python, read
from sigmabit.verif.closure.sources.account import Account

ROWS = read()


def test_every_block_has_a_row() -> None:
    """Or is one of those of which none has been made. Whoever makes one takes the name away."""
    assert set(ROWS).isdisjoint(WITHOUT)
    assert set(ROWS) | WITHOUT == set(blocks())


@pytest.mark.parametrize("block", ROWS)
def test_row_is_of_this_verilog(block: str) -> None:
    """Where only its text has changed: python -m sigmabit.verif.closure.page --digests; otherwise it is measured again."""
    assert ROWS[block].digest == digest(block)


@pytest.mark.parametrize("block", ROWS)
def test_row_is_whole(block: str) -> None:
    """What was drawn was killed, proven equivalent, or is listed; so is what was not reached."""
    row = ROWS[block]
    assert row.drawn == row.killed + row.equivalent + len(row.left) > 0
    assert any(reached < whole for reached, whole in (row.lines, row.toggles, row.covers)) == bool(row.missed)
    assert row.resets[1] - row.resets[0] == len(row.needless)


def test_page() -> None:
    """Is made of the rows."""
    assert PAGE.read_text() == page(ROWS, argued())


@pytest.mark.parametrize("block", argued())
def test_arguments(block: str) -> None:
    """Each is of a mutant that is left, and they are few. One that became stale is taken out of argued.toml."""
    row, why = ROWS[block], argued()[block]
    assert set(why) <= set(map(name, row.left))
    assert all(why.values()) and 100 * len(why) <= row.drawn


def test_what_is_left_is_said() -> None:
    """A mutant, a line, a reset: each is listed on the page."""
    row = Row("0", "abc", 5, 3, 1, ["inv of x\n    a line"], [0, 1], ["x.q"], [1, 2], [3, 3], [4, 5], ["line x.v:3"])
    text = page({"wing.block": row}, {"wing.other": {"inv of x": "not of this block"}})
    assert "| wing.block | 5 | 3 | 1 | 0 | 1 | 1 of 2 | 3 of 3 | 4 of 5 | 0 of 1 | abc |" in text and "75.0% of those" in text
    assert all(each in text for each in ("inv of x", "line x.v:3", "x.q")) and "## Argued" not in text
    text = page({"wing.block": row}, {"wing.block": {"inv of x": "since x is 0", "inv of y": "is killed"}})
    assert "| wing.block | 5 | 3 | 1 | 1 | 0 |" in text and "100.0% of those" in text
    assert "## Left" not in text and "inv of x\n    a line\nsince x is 0\n" in text and "is killed" not in text
    assert "## " not in page({"wing.block": replace(row, left=[], missed=[], needless=[])}, {}).partition("## Proven")[0]


def test_what_is_proven_is_said() -> None:
    """As many assertions as the claims of a block have, in configurations that are claimed."""
    text = page({}, {})
    assert "| pipeline.ingress | 13 | 6 | 14 |" in text  # those of ingress_claims.sv, of six samples; and rule S4
    counts = [int(line.split("|")[2]) for line in text.splitlines() if re.match(r"\| [a-z]+\.\w+ \|", line)]
    assert f"All together: {sum(counts)} assertions" in text


def test_faults_in_python_are_said() -> None:
    """How many; why some change nothing; which no test sees."""
    accounts = [Account("golden", 9, 6, [("a.py:1", "since it is so")], ["a.py:2", "a.py:3"]), Account("planner", 4, 4, [], [])]
    text = "\n".join(python(accounts))
    assert "| golden | 9 | 6 | 1 | 2 |" in text and "| planner | 4 | 4 | 0 | 0 |" in text
    assert all(each in text for each in ("a.py:1\n  since it is so", "a.py:2\na.py:3"))
    assert "```text" not in "\n".join(python(accounts[1:]))


def test_digests_tell_blocks_apart() -> None:
    """By their Verilog."""
    assert len({digest("link.uart_receiver"), digest("link.uart_transmitter"), digest("arithmetic.delay")}) == 3
