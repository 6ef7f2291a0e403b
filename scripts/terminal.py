"""What commands print: tables and progress for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

Report = Callable[[str, int, int], None]
"""Says what is going on, and how far it is: done of total; 0 of 0 where that is not known."""


class Terminal:
    """Results go to standard output; progress and remarks to standard error, where they disturb no pipe."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.out = Console(highlight=False)
        self.err = Console(stderr=True, highlight=False)

    def emit(self, data: dict[str, Any], *tables: Table | str) -> None:
        """The result: `data` as JSON, or the tables."""
        if self.as_json:
            sys.stdout.write(json.dumps(data, indent=2) + "\n")
            return
        for table in tables:
            self.out.print(table, soft_wrap=isinstance(table, str))

    def remark(self, text: str) -> None:
        """Something to know that is no error."""
        self.err.print(f"note: {text}", soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[Report]:
        """A bar that shows what is reported to it, on terminals only."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.err, transient=True, disable=not self.err.is_terminal) as bar:
            task = bar.add_task("", total=None)

            def report(what: str, done: int, total: int) -> None:
                bar.update(task, description=what, completed=done, total=total or None)

            yield report


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], numbers_from: int = 1) -> Table:
    """A table whose columns from `numbers_from` on are aligned right."""
    result = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    for position, column in enumerate(columns):
        result.add_column(column, justify="right" if position >= numbers_from else "left", overflow="fold")
    for row in rows:
        result.add_row(*(_text(value) for value in row))
    return result


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
