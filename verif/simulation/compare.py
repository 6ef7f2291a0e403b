"""Where two traces of a network first differ, in their integers or in their cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigmabit.hdl.planning.plan import Plan

from .job import Measured


@dataclass(frozen=True)
class Difference:
    """The first element that differs: in which layer, frame, position and channel, and what each side has."""

    layer: str
    frame: int
    row: int
    column: int
    channel: int
    expected: int
    found: int
    count: int
    """Elements of the layer that differ."""

    def __str__(self) -> str:
        return (
            f"{self.layer} differs first in frame {self.frame} at row {self.row}, column {self.column}, channel {self.channel}: "
            f"golden has {self.expected}, the simulation {self.found}; {self.count} elements of the layer differ"
        )


def first_difference(golden: Mapping[str, NDArray[np.int64]], simulated: Mapping[str, NDArray[np.int64]]) -> Difference | None:
    """The first difference, layers in golden's order, elements in the order frame, row, column, channel."""
    for layer, expected in golden.items():
        found = simulated[layer]
        if expected.shape != found.shape:
            raise ValueError(f"{layer}: golden has shape {expected.shape}, the simulation {found.shape}")
        wrong = np.argwhere(expected != found)
        if len(wrong):
            place = tuple(int(i) for i in wrong[0])
            frame, row, column, channel = place
            return Difference(layer, frame, row, column, channel, int(expected[place]), int(found[place]), len(wrong))
    return None


def first_delay(plan: Plan, measured: Measured) -> str | None:
    """Which layer, in the plan's order, first gives results of the first two frames in other cycles than planned, and in which.

    Only simulations without stalls, whose layers are tapped, are in the plan's cycles.
    """
    for layer in plan.layers:
        found = (measured.passes[layer.name][:2] - measured.first_in[0]).tolist()
        planned = [list(ends) for ends in layer.passes[: len(found)]]
        if found != planned:
            return f"{layer.name} gives its first and last results of the first frames in cycles {found}, planned {planned}"
    return None
