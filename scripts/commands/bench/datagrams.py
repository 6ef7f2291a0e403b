"""sigmabit bench datagrams: what the receiver of datagrams makes of drawn ones."""

from __future__ import annotations

import click

from sigmabit.verif.differential.datagrams import fuzzed

from ...interface.terminal import Terminal, table
from .. import options


@click.command(name="datagrams")
@click.option("--count", type=click.IntRange(1, 10_000_000), default=100_000, show_default=True, help="How many are drawn.")
@click.option("--seed", type=click.IntRange(0, 1 << 32), default=1, show_default=True, help="Which ones.")
@options.as_json
def datagrams(count: int, seed: int, as_json: bool) -> None:
    """Draw datagrams, whole, damaged, and made up, and send them to the receiver's Verilog: it takes what the golden model takes,
    word for word, refuses what that refuses, and never hangs.
    """
    terminal = Terminal(as_json)
    with terminal.progress() as report:
        verdicts = fuzzed(count, seed, report)
    rows: list[list[object]] = [[verdict, f"{number:,}"] for verdict, number in verdicts.most_common()]
    title = f"{count:,} datagrams of seed {seed}: golden's and the Verilog's verdict on each are the same"
    terminal.emit({"count": count, "seed": seed, "verdicts": dict(verdicts)}, table(title, ["verdict", "datagrams"], rows))
