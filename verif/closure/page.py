"""docs/closure.md: what is known of how far each block's suite suffices, a row per block.

    python -m sigmabit.verif.closure.page                 # measure what has no row, or another Verilog than its row is of
    python -m sigmabit.verif.closure.page link.framer     # these blocks, again
    python -m sigmabit.verif.closure.page --workers 2     # in so many processes
    python -m sigmabit.verif.closure.page --digests       # only text has changed: rows are of today's Verilog
    python -m sigmabit.verif.closure.page --coverage      # rows' lines, toggles and covers alone are measured again
    python -m sigmabit.verif.closure.page --page          # only the page, of closure.json

A block's row is written as soon as it is whole: what is interrupted goes on. test_closure.py holds rows against blocks' Verilog.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..harness.suite import SideBySide
from . import coverage, mutants, proofs
from .resets import every, suites, survivors
from .sources import account as sources

ROWS = Path(__file__).with_name("closure.json")
ARGUED = Path(__file__).with_name("argued.toml")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "closure.md"

WITHOUT = frozenset(
    """
    arithmetic.dot arithmetic.planes arithmetic.search layers.abreast layers.convolution layers.dense layers.eager
    layers.few_bits layers.fixed layers.mvu layers.pool layers.residual layers.shuffle layers.unrolled
    layers.window link.answerer link.controller link.datagram_receiver link.datagrams link.deframer link.framer
    link.link link.session networks.residual_networks networks.sampling noise.epsilon noise.sampler noise.seeder
    pipeline.egress pipeline.ingress pipeline.top sampling.deferred sampling.deviations sampling.latent
    sampling.reparameterise sampling.score sampling.tabled
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
| argued | neither, but [said](../verif/closure/argued.toml) why nothing shows them: of a block's, one in a hundred at the most |
| left | none of these: holes in the suite, logic that is not needed, or faults that only inputs show which never come |
| lines, toggles | of the Verilog that run, of bits that rise and fall, but for [what cannot](../verif/closure/coverage.py) |
| covers | of what a suite [says](../verif/harness/suite.py) that each sample must be seen to do; 0 of 0 where it says nothing |
| resets | registers of which the suite sees it if their reset is taken away |

`python -m sigmabit.verif.closure.page` makes this page. [test_closure.py](../verif/house/test_closure.py) fails where a row is
of another Verilog than the block's.
"""


PROVEN = """## Proven

[By induction](verilog/formal.md), without a bound: assertions of different names, of how many configurations, and faults that
were made to break them, one each. `make test` proves what takes seconds, `make closure` all.
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
    """What is known of a block. lines, toggles, covers, resets: reached, and all. left, missed, needless: what is not.

    left: with those for which there is an argument.
    """

    digest: str
    commit: str
    drawn: int
    killed: int
    equivalent: int
    left: Sequence[str]
    resets: Sequence[int]
    needless: Sequence[str]
    lines: Sequence[int] = (0, 0)
    toggles: Sequence[int] = (0, 0)
    covers: Sequence[int] = (0, 0)
    missed: Sequence[str] = ()

    def reaching(self, found: coverage.Coverage) -> Row:
        """The same with what the suite reaches."""
        lines, toggles, covers = (found.share(kind) for kind in ("line", "toggle", "cover"))
        return replace(self, lines=lines, toggles=toggles, covers=covers, missed=found.listed())

    def argued(self, why: Mapping[str, str]) -> dict[str, str]:
        """Of what is left, that for which there is an argument, and which."""
        return {mutant: why[name(mutant)] for mutant in self.left if name(mutant) in why}


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


def name(mutant: str) -> str:
    """What argued.toml calls a mutant that is left: all but the lines that it is of."""
    return mutant.partition("\n")[0]


def argued() -> dict[str, dict[str, str]]:
    """Why nothing shows a block's mutants: for each block, arguments by mutants' names."""
    found: dict[str, dict[str, str]] = {}
    for each in tomllib.loads(ARGUED.read_text()).get("mutant", []):
        found.setdefault(each["block"], {})[each["name"]] = each["why"]
    return found


def read() -> dict[str, Row]:
    """The rows that there are."""
    return {block: Row(**row) for block, row in json.loads(ROWS.read_text()).items()}


def write(rows: Mapping[str, Row]) -> None:
    """The rows, one a line, and the page."""
    lines = [f" {json.dumps(block)}: {json.dumps(asdict(row))}" for block, row in sorted(rows.items())]
    ROWS.write_text("{\n" + ",\n".join(lines) + "\n}\n" if lines else "{}\n")
    PAGE.write_text(page(rows, argued()))


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
        (len(resets) - len(needless), len(resets)),
        needless,
    ).reaching(reached)


def _commit() -> str:
    """What is measured, with a + where anything but rows has changed since."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(PAGE.parents[1]), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    rows = [f":!{file.relative_to(PAGE.parents[1])}" for file in (ROWS.resolve(), PAGE)]
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", *rows)
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


def page(rows: Mapping[str, Row], why: Mapping[str, Mapping[str, str]]) -> str:
    """The page's text. why: arguments, as `argued` gives them."""
    table = [
        "| block | mutants | killed | equivalent | argued | left | lines | toggles | covers | resets | commit |",
        "|" + "---|" * 11,
    ]
    arguments = {block: row.argued(why.get(block, {})) for block, row in rows.items()}
    remaining = {block: [mutant for mutant in row.left if mutant not in arguments[block]] for block, row in rows.items()}
    for block, row in sorted(rows.items()):
        shares = " | ".join(f"{reached} of {whole}" for reached, whole in (row.lines, row.toggles, row.covers, row.resets))
        mutants_of = f"{row.drawn} | {row.killed} | {row.equivalent} | {len(arguments[block])} | {len(remaining[block])}"
        table.append(f"| {block} | {mutants_of} | {shares} | {row.commit} |")
    drawn, killed, same = (sum(getattr(row, name) for row in rows.values()) for name in ("drawn", "killed", "equivalent"))
    said, left = (sum(map(len, each.values())) for each in (arguments, remaining))
    parts = [TITLE, f"{len(rows)} of {len(WITHOUT.union(rows))} blocks have a row.\n"]
    if rows:
        share = f"{killed / (drawn - same - said):.1%}" if drawn > same + said else "100 %"
        parts.append("\n".join(table) + "\n")
        counts = f"{drawn} drawn, {killed} killed, {same} equivalent, {said} argued, {left} left"
        parts.append(f"All together: {counts}; {share} of those neither proven nor argued are killed.\n")
    lists: Mapping[str, Mapping[str, Sequence[str]]] = {
        "Left": remaining,
        "Argued": {block: [f"{mutant}\n{reason}" for mutant, reason in each.items()] for block, each in arguments.items()},
        "Not reached": {block: row.missed for block, row in rows.items()},
        "Resets that nobody misses": {block: row.needless for block, row in rows.items()},
    }
    for title, listed in lists.items():
        if any(listed.values()):
            parts.append(f"## {title}\n")
            parts += [f"{block}:\n\n```text\n" + "\n".join(each) + "\n```\n" for block, each in sorted(listed.items()) if each]
    return "\n".join([*parts, *proven(), *python(sources.read())])


def proven() -> list[str]:
    """How much is claimed, of which blocks."""
    claimed = proofs.every()
    table = [f"| {block} | {each.assertions} | {each.configurations} | {each.faults} |" for block, each in claimed.items()]
    total = sum(each.assertions for each in claimed.values())
    head = ["| claims | assertions | configurations | faults |", "|" + "---|" * 4]
    return [PROVEN, "\n".join([*head, *table]) + "\n", f"All together: {total} assertions.\n"]


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
    parser.add_argument("--digests", action="store_true", help="rows are of the Verilog that there is now")
    parser.add_argument("--coverage", action="store_true", help="of blocks with a row, measure what their suites reach alone")
    parser.add_argument("--page", action="store_true")
    given = parser.parse_args(arguments)
    rows, chosen = read(), given.blocks
    if given.page:
        write(rows)
    elif given.digests:
        write({block: Row(**{**asdict(row), "digest": digest(block)}) for block, row in rows.items()})
    elif given.coverage:
        for block in chosen or rows:
            with mutants.quietly():
                found = coverage.measured(suites([module(block)]))
            write({**read(), block: rows[block].reaching(found)})
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
