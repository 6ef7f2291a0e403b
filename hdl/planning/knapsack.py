"""One row of each table, so that their sum is smallest within limits: the multiple-choice knapsack problem, solved exactly."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]
"""(choices, resources) costs, none negative. Multiples of GRAIN, so that sums are exact, in whatever order they are taken."""

GRAIN = 2.0**-20
"""Unit of costs: sums below 2**33 have room in a float."""

DEAR = 16.0
"""How many times the largest sum a whole limit is worth at the most."""

WIDTH = 1024
"""Partial sums that are followed at first."""

WIDER = 16
"""How many times as many are followed where that left some out."""

GAP = 1e-3
"""By what share of it a sum of `lightest` may be above the smallest."""

TOLERANCE = 1e-6
"""By what share of a limit HiGHS may pass it: less than one of anything."""

MARGIN = 1e-3
"""By how much a bound, which is reckoned in floats, must pass what it is held against."""


def grained(costs: NDArray[np.float64]) -> Table:
    """The costs, rounded to multiples of GRAIN."""
    return np.rint(costs / GRAIN) * GRAIN


def front(costs: Table) -> NDArray[np.intp]:
    """The rows that no other row equals or betters in every column, by value; of equal rows, the first."""
    order = np.lexsort(costs.T[::-1])
    left, found = costs[order], []
    while len(order):
        found.append(order[0])
        beyond = (left < left[0]).any(axis=1)
        order, left = order[beyond], left[beyond]
    return np.array(found, np.intp)


def smallest(tables: Sequence[Table], limits: NDArray[np.float64], width: int = WIDTH, exact: bool = True) -> list[int] | None:
    """The row of each table with which the sum, compared column by column from the first on, is smallest within the limits.

    None where no sum lies within them. limits: (resources,), infinite ones included. width: partial sums that are followed at
    first; the result is the same with any, unless it need not be exact: then it is what `lightest` gives where so many do not
    do.
    """
    if np.any(_total(limits, (table.min(axis=0) for table in tables)) > limits):
        return None
    alone = [int(np.lexsort(table.T[::-1])[0]) for table in tables]
    if np.all(_total(limits, (table[row] for table, row in zip(tables, alone, strict=True))) <= limits):
        return alone
    fronts = [front(table) for table in tables]
    search = _Search.of([table[rows] for table, rows in zip(tables, fronts, strict=True)], limits)
    ceiling = float(limits[0])
    while True:
        chosen, complete = search.run(ceiling, width)
        if chosen is not None:
            ceiling = float(sum(table[row, 0] for table, row in zip(search.tables, chosen, strict=True)))
        if complete:
            return None if chosen is None else [int(rows[choice]) for rows, choice in zip(fronts, chosen, strict=True)]
        if not exact:
            return lightest(tables, limits)
        width *= WIDER


def lightest(tables: Sequence[Table], limits: NDArray[np.float64]) -> list[int] | None:
    """The row of each table with which the sum of first columns is smallest within the limits, by HiGHS, to GAP of it.

    None where no sum lies within them. It minds the first column alone, and is soon done where many resources, none of which is
    worth much of another, leave `smallest` with long fronts.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    rows = np.concatenate(tables)
    scale = np.maximum(limits, 1.0)
    one_of_each = np.repeat(np.eye(len(tables)), [len(table) for table in tables], axis=1)
    with _quiet():
        found = milp(
            rows[:, 0],
            integrality=np.ones(len(rows)),
            bounds=Bounds(0, 1),
            constraints=[LinearConstraint((rows / scale).T, ub=limits / scale), LinearConstraint(one_of_each, lb=1, ub=1)],
            options={"mip_rel_gap": GAP},
        )
    if found.x is None:
        return None
    taken = np.flatnonzero(found.x > 0.5)
    chosen = (taken - np.cumsum([0, *(len(table) for table in tables[:-1])])).tolist()
    total = _total(limits, (table[row] for table, row in zip(tables, chosen, strict=True)))
    return chosen if np.all(total <= limits + TOLERANCE * scale) else None


@contextmanager
def _quiet() -> Iterator[None]:
    """HiGHS has words of its own for the standard output, which no option of it keeps back."""
    output = 1
    try:
        kept = os.dup(output)
    except OSError:  # there is none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, output)
        yield
        ctypes.CDLL(None).fflush(None)
    finally:
        os.dup2(kept, output)
        os.close(kept)
        os.close(nowhere)


def _total(like: NDArray[np.float64], rows: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The sum of rows, which may be none."""
    return sum(rows, np.zeros_like(like))


@dataclass(frozen=True, eq=False)
class _Search:
    """Follows partial sums, table by table, and drops those that others better or that can no longer come to anything.

    prices: (resources,) what a unit of each is worth in units of the first. rest: (tables + 1, resources) least sums of the
    tables from each one on; worth: (tables + 1,) likewise, at the prices.
    """

    tables: list[Table]
    limits: NDArray[np.float64]
    prices: NDArray[np.float64]
    rest: NDArray[np.float64]
    worth: NDArray[np.float64]

    @staticmethod
    def of(tables: list[Table], limits: NDArray[np.float64]) -> _Search:
        """The search through tables without rows that others better."""
        prices = _prices(tables, limits)
        least = np.array([[*table.min(axis=0), (table @ prices).min()] for table in tables])
        rest = np.concatenate([np.cumsum(least[::-1], axis=0)[::-1], np.zeros((1, least.shape[1]))])
        return _Search(tables, limits, prices, rest[:, :-1], rest[:, -1])

    def run(self, ceiling: float, width: int) -> tuple[list[int] | None, bool]:
        """The smallest sum found whose first column is at most `ceiling`; and whether there can be no smaller one.

        width: partial sums that are followed at the most, those of the lowest bounds. A sum's bound is its own value at the
        prices and the least value of what is still to come, less what the limits are worth: whatever the prices, if only none
        is negative, the first column of no sum within the limits is below it (Everett 1963).
        """
        priced = self.prices > 0
        priced[0] = False
        allowed = float(self.prices[priced] @ self.limits[priced])
        sums, complete = np.zeros((1, len(self.limits))), True
        steps: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
        for table, rest, worth in zip(self.tables, self.rest[1:], self.worth[1:], strict=True):
            every = (sums[:, None] + table).reshape(-1, len(self.limits))
            bounds = every @ self.prices + (worth - allowed)
            kept = np.flatnonzero((every + rest <= self.limits).all(axis=1) & (bounds <= ceiling + MARGIN))
            if len(kept) > width:
                complete = False
                kept = np.sort(kept[np.argpartition(bounds[kept], width)[:width]])
            kept = kept[front(every[kept])]
            steps.append((kept // len(table), kept % len(table)))
            sums = every[kept]
        if not len(sums):
            return None, complete
        at, chosen = 0, []  # a front begins with its smallest row
        for before, choice in reversed(steps):
            chosen.append(int(choice[at]))
            at = int(before[at])
        return chosen[::-1], complete


def _prices(tables: Sequence[Table], limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Those of the linear relaxation, which give the highest bound.

    Limits may be passed at a price that nothing within them is worth, so that there is always a solution.
    """
    from scipy.optimize import linprog  # takes a second to import, which commands that plan nothing need not wait for

    rows = np.concatenate(tables)
    bounded = np.flatnonzero(np.isfinite(limits[1:])) + 1
    scale = np.maximum(limits[bounded], 1.0)
    penalty = DEAR * sum(table[:, 0].max() for table in tables) + 1.0
    one_of_each = np.repeat(np.eye(len(tables)), [len(table) for table in tables], axis=1)
    relaxed = linprog(
        np.concatenate([rows[:, 0], np.full(len(bounded), penalty)]),
        A_ub=np.hstack([(rows[:, bounded] / scale).T, -np.eye(len(bounded))]),
        b_ub=limits[bounded] / scale,
        A_eq=np.hstack([one_of_each, np.zeros((len(tables), len(bounded)))]),
        b_eq=np.ones(len(tables)),
    )
    prices = np.zeros(len(limits))
    prices[0] = 1.0
    if relaxed.success:  # without prices the bounds are weaker, and the result is the same
        prices[bounded] = np.maximum(-relaxed.ineqlin.marginals, 0.0) / scale
    return prices
