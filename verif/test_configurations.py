"""Configurations that no block can be built from are refused, with the numbers that do not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sigmabit.golden.window import Axis, Window
from sigmabit.hdl.accumulate import AccumulateConfig
from sigmabit.hdl.collect import CollectConfig
from sigmabit.hdl.delay import DelayConfig
from sigmabit.hdl.gather import GatherConfig
from sigmabit.hdl.ingress import IngressConfig
from sigmabit.hdl.pool import MaximumConfig
from sigmabit.hdl.popcount import PopcountConfig
from sigmabit.hdl.rom import RomConfig, RomStyle
from sigmabit.hdl.window import WindowConfig

SAME = Axis(5, 3, 1, 1, 1)
SQUARE = Window(SAME, SAME)

REFUSED: tuple[tuple[Callable[..., Any], tuple[Any, ...], str], ...] = (
    (PopcountConfig, (0, 1, 1), "inputs=0 is below 1"),
    (PopcountConfig, (1, 0, 1), "bits=0 is below 1"),
    (PopcountConfig, (1, 1, 0), "lanes=0 is below 1"),
    (AccumulateConfig, (1, 1, 2, 0, False, False), "gain=0 is below 1"),
    (MaximumConfig, (Window(Axis(3, 3, 1, 0, 2), Axis(3, 3)), 1, False), "two windows end at the same input of the rows"),
    (MaximumConfig, (Window(Axis(3, 3), Axis(3, 3, 1, 0, 2)), 1, False), "two windows end at the same input of the columns"),
    (WindowConfig, (SQUARE, 4, 2, 1, 1, 4), "columns=2 is neither 1 nor the kernel's 3"),
    (WindowConfig, (SQUARE, 4, 3, 3, 1, 4), "slices=3 does not divide width=4"),
    (WindowConfig, (SQUARE, 4, 3, 1, 1, 2), "rows=2 is below the kernel's 3"),
    (WindowConfig, (SQUARE, 4, 3, 1, 0, 4), "repeats=0 is below 1"),
    (GatherConfig, (12, 4, 5, 1, 1, 2), "merge=5 does not divide positions=12"),
    (GatherConfig, (12, 4, 1, 3, 1, 2), "slices=3 does not divide width=4"),
    (GatherConfig, (12, 4, 4, 2, 1, 2), "merge=4 and slices=2: one of them is 1"),
    (GatherConfig, (12, 4, 4, 1, 0, 2), "frames=2, repeats=0: both are at least 1"),
    (RomConfig, ("conv1", "weights", 4, (), RomStyle.LOGIC), "conv1_weights: no words"),
    (RomConfig, ("conv1", "weights", 4, (1, 2), RomStyle.CONSTANT), "conv1_weights: 2 words in style constant"),
    (RomConfig, ("conv1", "weights", 4, (1,), RomStyle.BLOCK), "conv1_weights: 1 words in style block"),
    (RomConfig, ("conv1", "weights", 4, (1, 16), RomStyle.LOGIC), "conv1_weights: a word of 5 bits, the width is 4"),
    (CollectConfig, (9, 4, 2), "2 chunks of 4 bits for a position of 9 bits"),
    (CollectConfig, (8, 4, 3), "3 chunks of 4 bits for a position of 8 bits"),
    (DelayConfig, (1, 0, True), "a delay of 1 bits by 0 cycles"),
    (IngressConfig, (5, 1, 8, 0, 5, 1), "pace=0, frames=1: both are at least 1"),
    (IngressConfig, (5, 1, 8, 2, 9, 1), r"interval=9 is below beats \* pace = 10"),
)


@pytest.mark.parametrize(("config", "fields", "message"), REFUSED, ids=[f"{case[0].__name__}-{case[2]}" for case in REFUSED])
def test_refused(config: Callable[..., Any], fields: tuple[Any, ...], message: str) -> None:
    """The message says what does not fit."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        config(*fields)
