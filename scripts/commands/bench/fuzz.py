"""sigmabit bench fuzz: files that lie, and what becomes of them."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from ...interface.files import read_array
from ...interface.terminal import Terminal, table
from .. import options


@click.command(name="fuzz")
@click.option("--files", type=click.IntRange(min=1), default=1000, show_default=True, help="Files that are drawn.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first file's; the next has the next.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option(
    "--kind",
    type=click.Choice(["models", "plans", "boards", "arrays", "serial"]),
    default="models",
    show_default=True,
    help="What is drawn.",
)
@click.option("-o", "--output", type=options.PATH, default=Path("fuzz"), show_default=True, help="Folder for files that fail.")
@options.as_json
def fuzz(files: int, seed: int, jobs: int, kind: str, output: Path, as_json: bool) -> None:
    """Draw files that lie, and read each in a process of bounded memory and time: it is refused in one sentence, or what it says
    is right.

    A seed alone says what is drawn. Exit status 1 if a file fails.
    """
    from sigmabit.verif.fuzzing.campaign import Tally, again, trials  # it brings executors, which take a second
    from sigmabit.verif.fuzzing.kind import Outcome
    from sigmabit.verif.fuzzing.kinds import kinds

    terminal = Terminal(as_json)
    drawn = kinds(read_array)[kind]
    tally, began = Tally(), time.perf_counter()
    with terminal.progress() as report:
        report("files", 0, files)
        for number, found in enumerate(trials(drawn, range(seed, seed + files), jobs, output), 1):
            tally.add(found)
            report(f"files, {len(tally.failures)} failed", number, files)
    seconds = time.perf_counter() - began
    failures = [
        {"seed": t.seed, "folder": str(t.kept), "text": t.verdict.text, "again": again(drawn, t.seed)} for t in tally.failures
    ]
    data = {
        "kind": kind,
        "files": files,
        "seed": seed,
        "seconds": seconds,
        "slowest_s": tally.slowest,
        "outcomes": {outcome.value: tally.outcomes[outcome] for outcome in Outcome},
        "failures": failures,
    }
    rows: list[list[object]] = [[outcome.value, f"{tally.outcomes[outcome]:,}"] for outcome in Outcome]
    rows.append(["processor time of the slowest", f"{tally.slowest:.1f} s"])
    texts = [f"seed {f['seed']}: {f['text']}\n  {f['folder']}\n  {f['again']}" for f in failures]
    terminal.emit(data, table(f"{files:,} {kind} from seed {seed} on, {seconds:.0f} s", ["", ""], rows), *texts)
    sys.exit(1 if failures else 0)
