"""What dominates a pipeline, and what to change: the resource that binds, who takes it, and what a slower plan takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..measures.area import HELD

SLOWER = 2
"""How much longer the interval of the plan is that is looked at instead."""


def binding(area: Mapping[str, Any]) -> str:
    """The resource of which the pipeline takes the largest share that the part has."""
    return max(HELD, key=lambda key: area["share"][key])


def advice(rows: Sequence[Mapping[str, Any]], area: Mapping[str, Any], points: Sequence[Mapping[str, Any]], interval: int) -> Any:
    """As plain values: the resource that binds, and the part of the pipeline that takes most of it, with its share of the whole.

    rows: the parts of the pipeline, area: their sum (facts.py). points: plans of the sweep. slower: the plan of the longest
    interval of at most twice this one's, with the share that it takes of what this plan is to take, and the part of the pipeline
    that it has most of; None where the sweep has none.
    """
    key = binding(area)
    kind = "measured" if area["measured"] else "planned"
    whole = area[kind][key]
    most = max(rows, key=lambda row: row[kind][key])
    slower = [point for point in points if interval < point["interval_cycles"] <= SLOWER * interval]
    then = max(slower, key=lambda point: point["interval_cycles"], default=None)
    planned = area["planned"][key]
    return {
        "resource": key,
        "share_of_part": area["share"][key],
        "most": most["name"],
        "share": most[kind][key] / whole if whole else 0.0,
        "slower": then
        and planned
        and {"interval_cycles": then["interval_cycles"], "share": then[key] / planned, "place": points.index(then)},
    }
