"""Charts that are part of the page itself: where things stand, in per cent, so that the words beside them keep their size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .published import PAPER

STEPS = (1, 2, 5)
"""Ticks in a decade."""

MARGIN = 0.06
"""Of a logarithmic axis, as a share of its length, on either side of what is shown."""


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, linear or logarithmic; places are per cent of its length."""

    low: float
    high: float
    logarithmic: bool

    @staticmethod
    def of(values: Sequence[float]) -> Scale:
        """A logarithmic one with room for positive values."""
        low, high = math.log10(min(values)), math.log10(max(values))
        room = MARGIN * (high - low) or 0.1
        return Scale(10 ** (low - room), 10 ** (high + room), True)

    def place(self, value: float) -> float:
        """Where a value is."""
        ends = (self.low, self.high, value)
        low, high, at = map(math.log10, ends) if self.logarithmic else ends
        return 100 * (at - low) / (high - low)

    @property
    def ticks(self) -> Iterator[tuple[float, float]]:
        """Round values in it, and their places; of a logarithmic one those of 1, 2 and 5, or more where that gives too few."""
        if self.logarithmic:
            found = list(self._decades(STEPS))
            values = found if len(found) > 1 else list(self._decades(range(1, 10)))
        else:
            step = _round_step((self.high - self.low) / 4)
            values = [step * n for n in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
        yield from ((value, self.place(value)) for value in values)

    def _decades(self, steps: Sequence[int]) -> Iterator[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for value in (step * 10.0**decade for decade in range(first, last + 1) for step in steps):
            if self.low <= value <= self.high:
                yield value


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20 and so on that is not below `least`."""
    decade = 10 ** math.floor(math.log10(least))
    return next(step * decade for step in (*STEPS, 10) if step * decade >= least)


@dataclass(frozen=True)
class Sweep:
    """Plans as points of interval against a resource. points: (place across, place up) of each; marks likewise, with a label."""

    across: Scale
    up: Scale
    points: tuple[tuple[float, float], ...]
    marks: tuple[tuple[str, float, float], ...]

    @staticmethod
    def of(points: Sequence[Mapping[str, float]], key: str, marks: Sequence[tuple[str, float, float]]) -> Sweep:
        """marks: label, interval, and how much of the resource. What takes nothing of it stands where 1 would."""
        sizes = [max(1.0, point[key]) for point in points]
        marked = [(label, interval, max(1.0, size)) for label, interval, size in marks]
        across = Scale.of([*(point["interval_cycles"] for point in points), *(interval for _, interval, _ in marked)])
        up = Scale.of([*sizes, *(size for _, _, size in marked)])
        places = tuple(
            (across.place(point["interval_cycles"]), up.place(size)) for point, size in zip(points, sizes, strict=True)
        )
        return Sweep(across, up, places, tuple((label, across.place(x), up.place(y)) for label, x, y in marked))


def marks(data: Mapping[str, Any], key: str) -> list[tuple[str, float, float]]:
    """This plan among those of the sweep, what Yosys made of it, and the design of Li et al. where it computes the same: what it
    is called, its interval, and what it takes of a resource.
    """
    interval, area = data["planned"]["interval_cycles"], data["area"]
    found = [("this plan", interval, area["planned"][key])]
    if area["measured"]:
        found.append(("this plan, by Yosys", interval, area["measured"][key]))
    if data["comparison"] and key == "lut" and PAPER.cycles and PAPER.lut:
        found.append((f"{PAPER.design} ({PAPER.lut.remark})", PAPER.cycles.value, PAPER.lut.value))
    return found


@dataclass(frozen=True)
class Bar:
    """From a layer's first result of a frame to its last, in cycles; left, width: the bar's, in per cent."""

    kind: str
    frame: int
    first: int
    last: int
    left: float
    width: float


@dataclass(frozen=True)
class Timing:
    """The way of two frames through the layers. rows: a layer's name and its bars; ends: when the last result has left."""

    scale: Scale
    rows: tuple[tuple[str, tuple[Bar, ...]], ...]
    ends: tuple[tuple[int, float], ...]

    @staticmethod
    def of(passes: Mapping[str, Any]) -> Timing:
        """Of `passes` as a study has it."""
        last = max([*passes["last_out"], *(ends[1] for kind in ("planned", "measured") for of in passes[kind] for ends in of)])
        scale = Scale(0, last + 1, False)

        def bars(number: int) -> Iterator[Bar]:
            for kind in ("planned", "measured"):
                for frame, (first, end) in enumerate(passes[kind][number], 1):
                    # a single beat takes a cycle
                    yield Bar(kind, frame, first, end, scale.place(first), scale.place(end + 1) - scale.place(first))

        rows = tuple((name, tuple(bars(number))) for number, name in enumerate(passes["layers"]))
        return Timing(scale, rows, tuple((cycle, scale.place(cycle)) for cycle in passes["last_out"]))
