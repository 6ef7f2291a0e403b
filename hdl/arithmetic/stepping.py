"""Which block makes codes of sums: comparators for all thresholds at once, or one after the other."""

from __future__ import annotations

from sigmabit.golden.arithmetic.steps import Steps

from . import search, steps
from .search import SearchConfig
from .steps import StepsConfig

Stepping = StepsConfig | SearchConfig

THERMOMETER = 7
"""Thresholds of a channel that are compared at once; of more, a search has fewer comparators."""

MOST_WORDS = 64
"""Of a table that a search looks into, where channels come in several groups: a LUT for each bit."""


def configure(name: str, thresholds: Steps, lanes: int, sum_bits: int, places: int = 1) -> Stepping:
    """The block of a layer's steps; arguments as for either."""
    channels, each = thresholds.thresholds.shape
    groups = -(-channels // lanes)
    words = groups << each.bit_length() - 1
    all_at_once = each <= THERMOMETER or (groups > 1 and words > MOST_WORDS)
    return (steps if all_at_once else search).configure(name, thresholds, lanes, sum_bits, places)
