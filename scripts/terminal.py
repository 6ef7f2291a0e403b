"""What commands print: tables and progress for people, JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

Report = Callable[[str, int, int], None]
"""Says what is going on, and how far it is: done of total; 0 of 0 where that is not known."""

UNWRAPPED = 10_000
"""Width of what goes to a file or a pipe, where nobody is helped by a line cut in two."""


def printable(text: str) -> str:
    """What a terminal can only show: names from files may hold escape sequences, which would move its cursor or worse."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


class Terminal:
    """Results go to standard output; progress and remarks to standard error, where they disturb no pipe."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        wrapped = sys.stdout.isatty() or "COLUMNS" in os.environ
        # names of nodes and files are printed as they are, even where they look like rich's markup
        self.out = Console(highlight=False, markup=False, emoji=False, width=None if wrapped else UNWRAPPED)
        self.err = Console(highlight=False, markup=False, emoji=False, stderr=True)

    def emit(self, data: dict[str, Any], *parts: RenderableType) -> None:
        """The result: `data` as JSON, or the tables and lines of text."""
        if self.as_json:
            text = json.dumps(data, indent=2)
        else:
            with self.out.capture() as captured:
                for part in parts:
                    self.out.print(printable(part) if isinstance(part, str) else part)
            text = "\n".join(line.rstrip() for line in captured.get().splitlines())
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def remark(self, text: str) -> None:
        """Something to know that is no error."""
        self.err.print(f"note: {printable(text)}", soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[Report]:
        """A bar that shows what is reported to it, on terminals only."""
        what = TextColumn("{task.description}", markup=False)
        columns = (SpinnerColumn(), what, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.err, transient=True, disable=not self.err.is_terminal) as bar:
            task = bar.add_task("", total=None)

            def report(what: str, done: int, total: int) -> None:
                bar.update(task, description=printable(what), completed=done, total=total or None)

            yield report


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], texts: int = 1, total: Sequence[object] = ()
) -> Group:
    """A titled table: `texts` columns of text, then numbers, aligned right; the total stands below a line."""
    named = any(columns)
    result = Table(box=SIMPLE_HEAD, show_header=named, show_edge=False, pad_edge=False)
    for position, column in enumerate(columns):
        result.add_column(printable(column), justify="left" if position < texts else "right", overflow="fold")
    for row in rows:
        result.add_row(*map(_text, row))
    if total:
        result.add_section()
        result.add_row(*map(_text, total))
    return Group(Text(printable(title), style="bold"), result)


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, int):
        return f"{value:,}"
    return printable(str(value))
