"""Which block makes codes of sums: comparators for all thresholds at once, or one after the other."""

from __future__ import annotations

from sigmabit.golden.arithmetic.steps import Steps

from . import search, steps
from .search import SearchConfig
from .steps import StepsConfig

Stepping = StepsConfig | SearchConfig

THERMOMETER = 7
"""Thresholds of a channel that are compared at once; of more, a search has fewer comparators."""


def configure(name: str, thresholds: Steps, lanes: int, sum_bits: int, places: int = 1) -> Stepping:
    """The block of a layer's steps; arguments as for either."""
    all_at_once = thresholds.thresholds.shape[1] <= THERMOMETER
    return (steps if all_at_once else search).configure(name, thresholds, lanes, sum_bits, places)
