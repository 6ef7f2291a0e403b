"""docs/closure.md: what is known of how far each block's suite suffices, a row per block.

    python -m sigmabit.verif.closure.page                 # measure what has no row, or another Verilog than its row is of
    python -m sigmabit.verif.closure.page link.framer     # these blocks, again
    python -m sigmabit.verif.closure.page --workers 2     # in so many processes
    python -m sigmabit.verif.closure.page --digests       # only text has changed: rows are of today's Verilog
    python -m sigmabit.verif.closure.page --page          # only the page, of closure.json

A block's row is written as soon as it is whole: what is interrupted goes on. test_closure.py holds rows against blocks' Verilog.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..harness.suite import SideBySide
from . import coverage, mutants
from .resets import every, suites, survivors
from .sources import account as sources

ROWS = Path(__file__).with_name("closure.json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "closure.md"

WITHOUT = frozenset(
    """
    arithmetic.accumulate arithmetic.dot arithmetic.planes
    arithmetic.popcount arithmetic.search layers.abreast
    layers.concatenation layers.convolution layers.dense layers.eager layers.few_bits layers.fixed layers.gather
    layers.mvu layers.pool layers.quantiser layers.residual layers.shuffle layers.unrolled
    layers.window link.answerer link.controller link.datagram_receiver link.datagrams link.deframer link.framer
    link.link link.session networks.residual_networks networks.sampling noise.epsilon noise.sampler noise.seeder
    pipeline.egress pipeline.ingress pipeline.top sampling.deferred sampling.deviations
    sampling.exponential sampling.latent sampling.reparameterise sampling.score sampling.tabled
    """.split()  # noqa: SIM905  a name a line would be a page of them
)
"""Blocks of which no row has been made. No name may be added."""

TITLE = """# Closure: how far the suites suffice

A suite that passes says little if it would pass on a faulty block, too. Each block's Verilog, in every sample configuration of
its suite, is therefore made faulty on purpose, and the suite must see it:

```console
$ sigmabit bench mutants framer
$ make closure
```

| column | what it counts |
|---|---|
| mutants | faults drawn by Yosys (`mutate`): one bit of a cell or a register inverted, stuck, or confused with another |
| killed | those that the block's own suite sees |
| equivalent | of the others, those [proven](../verif/closure/equivalence.py) to change nothing from the first reset on |
| left | neither: holes in the suite, logic that is not needed, or faults that only inputs show which never come |
| lines, toggles | of the Verilog that run, of bits that rise and fall, but for [what cannot](../verif/closure/coverage.py) |
| resets | registers of which the suite sees it if their reset is taken away |

`python -m sigmabit.verif.closure.page` makes this page. [test_closure.py](../verif/house/test_closure.py) fails where a row is
of another Verilog than the block's.
"""


PYTHON = """## Python

The same of golden, the importer and the planner: faults that [Cosmic Ray](https://cosmic-ray.readthedocs.io) makes, one at a time
in a copy of the tree, judged by the quickest tests that reach the line. Tests that take long or start other programs, such as
simulators, do not judge: what only they would see is among what is left.

```console
$ python -m sigmabit.verif.closure.sources.account --write
```
"""


@dataclass(frozen=True)
class Row:
    """What is known of a block. lines, toggles, resets: reached, and all. left, missed, needless: what is not."""

    digest: str
    commit: str
    drawn: int
    killed: int
    equivalent: int
    left: Sequence[str]
    lines: Sequence[int]
    toggles: Sequence[int]
    missed: Sequence[str]
    resets: Sequence[int]
    needless: Sequence[str]


def blocks() -> list[str]:
    """All that have a suite in Verilog: link.framer and so on."""
    return [each.replace(".test_", ".") for each in every()]


def module(block: str) -> str:
    """The test module of a block."""
    return block.replace(".", ".test_")


def digest(block: str) -> str:
    """Of the Verilog of a block's samples."""
    texts: dict[str, str] = {}
    for suite in suites([module(block)]):
        with tempfile.TemporaryDirectory() as folder:
            texts |= {f"{suite.__name__}/{name}": text for name, text in SideBySide.of(suite, Path(folder)).texts.items()}
    return mutants.digest(texts)[:16]


def read() -> dict[str, Row]:
    """The rows that there are."""
    return {block: Row(**row) for block, row in json.loads(ROWS.read_text()).items()}


def write(rows: Mapping[str, Row]) -> None:
    """The rows, one a line, and the page."""
    lines = [f" {json.dumps(block)}: {json.dumps(asdict(row))}" for block, row in sorted(rows.items())]
    ROWS.write_text("{\n" + ",\n".join(lines) + "\n}\n" if lines else "{}\n")
    PAGE.write_text(page(rows))


def measured(block: str, workers: int = 1) -> Row:
    """All of it. SystemExit where a suite fails."""
    found = list(suites([module(block)]))
    with mutants.quietly():
        accounts = [mutants.Trial(suite, workers=workers).account() for suite in found]
        reached = coverage.measured(found)
        resets = []
        for suite in found:
            with tempfile.TemporaryDirectory() as folder:
                resets += list(survivors(suite, Path(folder), workers))
    needless = [f"{mutant.module}.{mutant.register}" for mutant, survives in resets if survives]
    return Row(
        digest(block),
        _commit(),
        sum(len(account.drawn) for account in accounts),
        sum(len(account.killed) for account in accounts),
        sum(len(account.equivalent) for account in accounts),
        [f"{account.suite.partition('.')[2]}, {mutant}" for account in accounts for mutant in account.left],
        reached.share("line"),
        reached.share("toggle"),
        reached.listed(),
        (len(resets) - len(needless), len(resets)),
        needless,
    )


def _commit() -> str:
    """What is measured, with a + where anything but rows has changed since."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(PAGE.parents[1]), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    rows = [f":!{file.relative_to(PAGE.parents[1])}" for file in (ROWS.resolve(), PAGE)]
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", *rows)
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


def page(rows: Mapping[str, Row]) -> str:
    """The page's text."""
    table = ["| block | mutants | killed | equivalent | left | lines | toggles | resets | commit |", "|" + "---|" * 9]
    for block, row in sorted(rows.items()):
        shares = " | ".join(f"{reached} of {whole}" for reached, whole in (row.lines, row.toggles))
        mutants_of = f"{row.drawn} | {row.killed} | {row.equivalent} | {len(row.left)}"
        table.append(f"| {block} | {mutants_of} | {shares} | {row.resets[0]} of {row.resets[1]} | {row.commit} |")
    drawn, killed, same = (sum(getattr(row, name) for row in rows.values()) for name in ("drawn", "killed", "equivalent"))
    left = sum(len(row.left) for row in rows.values())
    parts = [TITLE, f"{len(rows)} of {len(WITHOUT.union(rows))} blocks have a row.\n"]
    if rows:
        share = f"{killed / (drawn - same):.1%}" if drawn > same else "100 %"
        parts.append("\n".join(table) + "\n")
        counts = f"{drawn} drawn, {killed} killed, {same} equivalent, {left} left"
        parts.append(f"All together: {counts}; {share} of those not proven equivalent are killed.\n")
    for title, name in (("Left", "left"), ("Not reached", "missed"), ("Resets that nobody misses", "needless")):
        listed = [(block, getattr(row, name)) for block, row in sorted(rows.items()) if getattr(row, name)]
        if listed:
            parts.append(f"## {title}\n")
            parts += [f"{block}:\n\n```text\n" + "\n".join(found) + "\n```\n" for block, found in listed]
    return "\n".join([*parts, *python(sources.read())])


def python(accounts: Sequence[sources.Account]) -> list[str]:
    """What became of faults in Python."""
    table = [f"| {each.room} | {each.drawn} | {each.seen} | {len(each.argued)} | {len(each.left)} |" for each in accounts]
    argued = [f"{what}\n  {why}" for each in accounts for what, why in each.argued]
    left = [what for each in accounts for what in each.left]
    parts = [PYTHON]
    if table:
        parts.append("\n".join(["| room | drawn | seen | argued | left |", "|" + "---|" * 5, *table]) + "\n")
    for title, found in (("change nothing, as is argued", argued), ("none of these tests sees", left)):
        if found:
            parts.append(f"What {title}:\n\n```text\n" + "\n".join(found) + "\n```\n")
    return parts


def main(arguments: Sequence[str]) -> None:
    """As the module says."""
    parser = ArgumentParser()
    parser.add_argument("blocks", nargs="*")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--digests", action="store_true")
    parser.add_argument("--page", action="store_true")
    given = parser.parse_args(arguments)
    rows, chosen = read(), given.blocks
    if given.page:
        write(rows)
    elif given.digests:
        write({block: Row(**{**asdict(row), "digest": digest(block)}) for block, row in rows.items()})
    else:
        for block in chosen or blocks():
            if not chosen and block in rows and rows[block].digest == digest(block):
                continue
            row = measured(block, given.workers)
            rows = {**read(), block: row}  # others may have written some meanwhile
            write(rows)
            print(
                f"{block}: {row.drawn} mutants, {row.killed} killed, {row.equivalent} equivalent, {len(row.left)} left",
                flush=True,
            )
    print(f"{len(rows)} blocks have a row, {sum(len(row.left) for row in rows.values())} mutants are left")


if __name__ == "__main__":
    main(sys.argv[1:])
