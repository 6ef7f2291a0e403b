"""sigmabit bench differential: drawn graphs, imported and executed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

import sigmabit

from ...interface.terminal import Terminal, table
from .. import options


@click.command(name="differential")
@click.option("--graphs", type=click.IntRange(min=1), default=3000, show_default=True, help="Graphs that are drawn.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first graph's; the next has the next."
)
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Processes.")
@click.option(
    "--verilog", type=click.IntRange(min=0), default=0, metavar="N", help="Also simulate what is accepted of the first N."
)
@click.option("--few-bits", is_flag=True, help="Networks of weights and activations of one bit to eight alone.")
@click.option(
    "-o", "--output", type=options.PATH, default=Path("differential"), show_default=True, help="Folder for files that fail."
)
@options.as_json
def differential(graphs: int, seed: int, jobs: int, verilog: int, few_bits: bool, output: Path, as_json: bool) -> None:
    """Draw graphs, import each, and hold golden against onnxruntime or qonnx executing the same file.

    A refusal must name a node that is at fault. Exit status 1 if a graph fails.
    """
    try:
        from sigmabit.verif.differential.campaign import Outcome, Tally, trials  # it brings executors
    except ImportError as error:
        raise sigmabit.SigmabitError(f"drawing graphs needs {error.name}: pip install 'sigmabit[test]'") from None

    terminal = Terminal(as_json)
    tally, began = Tally(), time.perf_counter()
    with terminal.progress() as report:
        report("graphs", 0, graphs)
        for number, found in enumerate(trials(range(seed, seed + graphs), jobs, output, verilog, few_bits), 1):
            tally.add(found)
            report(f"graphs, {len(tally.failures)} failed", number, graphs)
    seconds = time.perf_counter() - began
    failures = [
        {"seed": t.seed, "file": str(t.file) if t.file else None, "text": t.text, "again": _again(t.seed, few_bits)}
        for t in tally.failures
    ]
    missing = tally.missing()
    data = {
        "graphs": graphs,
        "seed": seed,
        "seconds": seconds,
        "outcomes": {outcome.value: tally.outcomes[outcome] for outcome in Outcome},
        "excused_frames": tally.excused,
        "planted": dict(sorted(tally.planted.items())),
        "operators": dict(sorted(tally.operators.items())),
        "missing": missing,
        "failures": failures,
    }
    rows: list[list[object]] = [[outcome.value, tally.outcomes[outcome]] for outcome in Outcome]
    rows.append(["frames that differ behind a listed tie", tally.excused])
    rows.append(["supported operators in no accepted graph", ", ".join(missing) or "none"])
    parts = [table(f"{graphs:,} graphs from seed {seed} on, {seconds:.0f} s", ["", ""], rows)]
    parts.append(table("operators in accepted graphs (* on constants)", ["", "times"], sorted(tally.operators.items())))
    texts = [f"seed {f['seed']}: {f['text']}\n  {f['file'] or ''}\n  {f['again']}" for f in failures]
    terminal.emit(data, *parts, *texts)
    sys.exit(1 if failures else 0)


def _again(seed: int, few_bits: bool) -> str:
    return f"sigmabit bench differential --graphs 1 --seed {seed}{' --few-bits' if few_bits else ''}"
