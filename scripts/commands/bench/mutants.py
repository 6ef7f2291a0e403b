"""sigmabit bench mutants: faults drawn in blocks, and whether their suites see them."""

from __future__ import annotations

from pathlib import Path

import click

import sigmabit

from ...interface.terminal import Terminal, table
from .. import options


@click.command(name="mutants")
@click.argument("blocks", nargs=-1, metavar="[BLOCK]...")
@click.option("--count", type=click.IntRange(1, 60_000), default=50, show_default=True, help="Faults drawn in each sample.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Which ones.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Processes.")
@click.option(
    "--limit",
    type=click.FloatRange(1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Of a processor, for each step of a proof that a fault changes nothing.",
)
@click.option(
    "--kept",
    type=options.PATH,
    default=Path("build/closure/mutants"),
    show_default=True,
    help="Folder for verdicts: what was interrupted goes on.",
)
@options.as_json
def mutants(blocks: tuple[str, ...], count: int, seed: int, workers: int, limit: float, kept: Path, as_json: bool) -> None:
    """Draw faults in the Verilog of every sample of BLOCK's suite, such as pool; without BLOCK, of all suites.

    What the suite does not see goes to a proof that it changes nothing; what is neither seen nor proven so is listed.
    """
    try:
        from sigmabit.verif.closure import mutants as closure  # it brings pytest and hypothesis
    except ImportError as error:
        if str(error.name).startswith("sigmabit"):
            raise sigmabit.SigmabitError("trying suites needs the suites, which are not installed: call it in a clone") from None
        raise sigmabit.SigmabitError(f"trying suites on mutants needs {error.name}: pip install 'sigmabit[test]'") from None

    terminal = Terminal(as_json)
    accounts = []
    with closure.quietly(), terminal.progress() as report:
        for suite in closure.named(blocks):
            accounts.append(closure.Trial(suite, count, seed, limit, workers, kept, report).account())
    rows: list[list[object]] = [[a.suite, len(a.drawn), len(a.killed), len(a.equivalent), len(a.left)] for a in accounts]
    rows.append(["all", *(sum(int(str(row[column])) for row in rows) for column in range(1, 5))])
    listed = [f"{a.suite}, {mutant}" for a in accounts for mutant in a.left]
    columns = ["suite", "drawn", "killed", "equivalent", "left"]
    data = {"count": count, "seed": seed, "suites": [account.to_json() for account in accounts]}
    terminal.emit(data, table(f"mutants, {count} of each sample, seed {seed}", columns, rows), *listed)
