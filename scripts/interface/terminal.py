"""What commands print: tables and progress for people, JSON for programs."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import click
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from .files import OutputError

Report = Callable[[str, int, int], None]
"""Says what is going on, and how far it is: done of total; 0 of 0 where that is not known."""

SAYS, QUIET, VERBOSE = "sigmabit.says", "quiet", "verbose"
"""Where a context keeps how much is to be said beside the result."""

UNWRAPPED = 10_000
"""Width of what goes to a file or a pipe, where nobody is helped by a line cut in two."""


class Stream(Console):
    """rich's console, without its exit status of 1 where a pipe is closed: that one means wrong hardware."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def printable(text: str) -> str:
    """What a terminal can only show: names from files may hold escape sequences, which would move its cursor or worse."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


class Terminal:
    """Results go to standard output; progress and remarks to standard error, where they disturb no pipe."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        context = click.get_current_context(silent=True)
        self.says: str = context.meta.get(SAYS, "") if context else ""
        self.notes: list[str] = []
        self.figures: dict[str, int] = {}
        wrapped = sys.stdout.isatty() or "COLUMNS" in os.environ
        # names of nodes and files are printed as they are, even where they look like rich's markup
        self.out = Stream(highlight=False, markup=False, emoji=False, width=None if wrapped else UNWRAPPED)
        self.err = Stream(highlight=False, markup=False, emoji=False, stderr=True)

    def emit(self, data: dict[str, Any], *parts: RenderableType) -> None:
        """The result: `data` as JSON, with figures about the frames, and what was remarked as `notes`; or the text's parts."""
        try:
            if self.as_json:
                text = json.dumps(data | self.figures | ({"notes": self.notes} if self.notes else {}), indent=2)
            else:
                with self.out.capture() as captured:
                    for part in parts:
                        self.out.print(printable(part) if isinstance(part, str) else part)
                text = "\n".join(line.rstrip() for line in captured.get().splitlines())
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"standard output: cannot be written: {error.strerror or error}") from None

    def remark(self, text: str) -> None:
        """Something to know that is no error."""
        self.notes.append(text)
        if self.says != QUIET:
            self.err.print(f"note: {printable(text)}", soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[Report]:
        """A bar that shows what is reported to it, on terminals only; elsewhere a line for each step, if that is wanted."""
        if self.says == VERBOSE and not self.err.is_terminal:
            begun = ""

            def line(what: str, done: int, total: int) -> None:
                nonlocal begun
                if what != begun:
                    self.err.print(printable(what), soft_wrap=True)
                begun = what

            yield line
            return
        what = TextColumn("{task.description}", markup=False)
        columns = (SpinnerColumn(), what, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.err, transient=True, disable=self.says == QUIET or not self.err.is_terminal) as bar:
            task = bar.add_task("", total=None)

            def report(what: str, done: int, total: int) -> None:
                bar.update(task, description=printable(what), completed=done, total=total or None)

            yield report


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], texts: int = 1, total: Sequence[object] = ()
) -> Group:
    """A titled table: `texts` columns of text, then numbers, aligned right; the total stands below a line."""
    cells = tuple(tuple(map(_text, row)) for row in rows)
    return Group(
        Text(printable(title), style="bold"), _Sheet(tuple(map(printable, columns)), cells, texts, tuple(map(_text, total)))
    )


GAP = 3
"""Characters between two columns."""

_FIGURES = re.compile(r"[-+\d][-+\d,. /%e]*")
"""A number, or several that belong together: they stay on one line."""


@dataclass(frozen=True)
class _Sheet:
    """A table that fits any terminal. Where its columns do not fit side by side, some go below, with the first column again.

    Lines break between words, a word longer than there is room for inside it; numbers never do.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int
    total: tuple[str, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """The bands that the columns are in."""
        for number, band in enumerate(self._bands(options.max_width)):
            if number:
                yield ""
            yield self._table(self._widths(band, options.max_width))

    def _column(self, place: int) -> list[str]:
        return [row[place] for row in (self.columns, *self.rows, self.total) if row]

    def _natural(self, place: int) -> int:
        """Width of a column without line breaks."""
        return max(map(cell_len, self._column(place)))

    def _figures(self, place: int) -> int:
        """Width of a column's widest number."""
        cells = self._column(place)
        parts = (cell for each in cells for cell in ([each] if _FIGURES.fullmatch(each) else each.split()))
        return max((cell_len(part) for part in parts if _FIGURES.fullmatch(part)), default=1)

    def _least(self, place: int, width: int) -> int:
        """Width of a column below which numbers break, or words that there is room for, beside the first column or in it."""
        words = max((cell_len(word) for cell in self._column(place) for word in cell.split()), default=1)
        room = width // 2 if place == 0 else width - GAP - self._least(0, width)
        return max(self._figures(place), min(words, room))

    def _bands(self, width: int) -> list[list[int]]:
        """The columns side by side in each band."""
        bands, used = [[0]], self._least(0, width)
        for place in range(1, len(self.columns)):
            least = GAP + self._least(place, width)
            if used + least > width and len(bands[-1]) > 1:
                bands.append([0])
                used = self._least(0, width)
            bands[-1].append(place)
            used += least
        return bands

    def _widths(self, band: list[int], width: int) -> dict[int, int]:
        """A width for each column of a band: what is left over goes first to those that want least of it."""
        widths = {place: self._least(place, width) for place in band}
        spare = width - sum(widths.values()) - GAP * (len(band) - 1)
        for place in sorted(band, key=lambda place: self._natural(place) - widths[place]):
            more = max(0, min(self._natural(place) - widths[place], spare))
            widths[place] += more
            spare -= more
        return widths

    def _table(self, widths: dict[int, int]) -> Table:
        result = Table(box=SIMPLE_HEAD, show_header=any(self.columns), show_edge=False, pad_edge=False)
        for place, width in widths.items():
            justify: Literal["left", "right"] = "left" if place < self.texts else "right"
            result.add_column(self.columns[place], justify=justify, overflow="fold", width=width)
        for row in self.rows:
            result.add_row(*(row[place] for place in widths))
        total = [self.total[place] for place in widths] if self.total else []
        if total and (any(total[1:]) or not any(self.total[1:])):  # else it stands in another band
            result.add_section()
            result.add_row(*total)
        return result


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, int):
        return f"{value:,}"
    return printable(str(value))
