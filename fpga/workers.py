"""Whoever does many independent pieces of work: this process, threads that wait for programs, or processes elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")

Report = Callable[[str, int, int], None]
"""Says what is going on, and how far it is: done of total; 0 of 0 where that is not known."""

Told = Callable[[int, str, int, int], None]
"""The same of one piece of many, whose number stands first. It may be called from any thread."""


def untold(number: int, what: str, done: int, total: int) -> None:
    """For pieces of which nobody wants to know how far they are."""


class Workers(Protocol):
    """They do `count` pieces at a time, and give the results in the order of the pieces, bit for bit those of one process."""

    @property
    def count(self) -> int:
        """How many pieces are worked on at a time."""
        ...

    def map(self, work: Callable[[Piece, Report], Result], pieces: Sequence[Piece], told: Told = untold) -> Iterator[Result]:
        """work(piece, report) of each piece, in order. Raises what `work` raises, at the piece in question; those behind it are
        given up, as they are where the iterator is closed.

        work: a function of a module, or a partial one, and what it is given, can be pickled. told: is told what `work` reports.
        """
        ...


@dataclass(frozen=True)
class Here:
    """This process, one piece after the other."""

    count: int = 1

    def map(self, work: Callable[[Piece, Report], Result], pieces: Sequence[Piece], told: Told = untold) -> Iterator[Result]:
        for number, piece in enumerate(pieces):
            yield work(piece, partial(told, number))


HERE = Here()


@dataclass(frozen=True)
class Threads:
    """Threads of this process, for work that waits for other programs."""

    count: int

    def map(self, work: Callable[[Piece, Report], Result], pieces: Sequence[Piece], told: Told = untold) -> Iterator[Result]:
        with ThreadPoolExecutor(self.count) as pool:
            yield from pool.map(lambda number: work(pieces[number], partial(told, number)), range(len(pieces)))


def together(
    workers: Workers,
    work: Callable[[Piece, Report], Result],
    pieces: Sequence[Piece],
    sizes: Sequence[int],
    report: Report,
) -> Iterator[Result]:
    """The results of all pieces, in order, with one account of how far they are: what one of them reports, and how much of the
    sum of `sizes` is done of all.
    """
    reached = [0] * len(pieces)

    def told(number: int, what: str, done: int, total: int) -> None:
        reached[number] = max(reached[number], done)
        report(what, sum(reached), sum(sizes) if total else 0)

    for number, result in enumerate(workers.map(work, pieces, told)):
        reached[number] = sizes[number]
        yield result
