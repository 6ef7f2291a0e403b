"""What blocks are planned with, held against Yosys: shapes at which something else is built than for most."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sigmabit.fpga.synthesis import Area, synthesise
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.types.range import Range
from sigmabit.hdl.family import SERIES7, Cost
from sigmabit.hdl.layers.folding import Folding
from sigmabit.hdl.layers.pool import MaximumConfig
from sigmabit.hdl.layers.residual import MeetConfig, Operand, meet
from sigmabit.hdl.layers.window import WindowConfig
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.layers import GRIDS, LayerCase
from ..layers.test_convolution import ConvolutionSuite
from ..layers.test_pool import MaximumSuite
from ..layers.test_recode import Case as RecodeCase
from ..layers.test_recode import RecodeSuite
from ..layers.test_window import WindowSuite

SAME = Axis(4, 3, 1, 1, 1)


def synthesised(elaborate: Callable[[], Any], folder: Path) -> Area:
    """The area of a block."""
    with outline():
        block = elaborate()
    design = convert(block)
    return synthesise(design.write(folder / "verilog"), design.top, folder / "yosys").area


def agree(planned: Cost, found: Area, off: float = 0.1) -> None:
    """LUTs to within a share, block RAM exactly."""
    assert planned.lut == pytest.approx(found.lut, rel=off)
    assert planned.bram36 == found.bram36


@pytest.mark.parametrize(
    "config",
    [
        MaximumConfig(Window(Axis(8, 8), Axis(8, 8)), 32, mixed=False, bits=4),
        MaximumConfig(Window(Axis(4, 2, 2), Axis(4, 2, 2)), 32, mixed=False, positions=16),
    ],
    ids=["whole image", "whole image at once"],
)
def test_pool(config: MaximumConfig, tmp_path: Path) -> None:
    """Few levels, however many taps."""
    found = synthesised(lambda: MaximumSuite().elaborate(config), tmp_path)
    agree(config.bill(SERIES7), found)
    assert found.levels <= 4


def test_window_that_steps_over_rows(tmp_path: Path) -> None:
    """Of a kernel of one position and a stride of two, every other row is read."""
    config = WindowConfig(Window(Axis(16, 1, 2), Axis(16, 1, 2)), 128, 1, 1, 32, 2)
    assert config.fixed
    agree(config.bill(SERIES7), synthesised(lambda: WindowSuite().elaborate(config), tmp_path))


@pytest.mark.parametrize(("channels", "depth"), [(16, 81), (4, 81), (16, 40)], ids=["block RAM", "narrow", "shallow"])
def test_queue(channels: int, depth: int, tmp_path: Path) -> None:
    """A queue is in block RAM where that is cheaper by the weights of synthesis."""
    late, early = Operand(13, True, (1,) * channels), Operand(4, False, (16,) * channels)
    config = MeetConfig("sum", late, early, depth, 0, 13)

    def elaborate() -> Any:
        return meet(bit(), reset(), Flow(late.beat_bits), Flow(early.beat_bits), Flow(13 * channels), config)

    agree(config.bill(SERIES7), synthesised(elaborate, tmp_path), 0.15)


def test_recode(tmp_path: Path) -> None:
    """Bits of results that are wires cost nothing."""
    config = RecodeCase(Range(0, 15), Range(0, 15), 2, 1, seed=1)
    agree(config.config.bill(SERIES7), synthesised(lambda: RecodeSuite().elaborate(config), tmp_path))


def test_places_at_an_edge(tmp_path: Path) -> None:
    """All of an image at once: most places lack some of their taps, and cost less for it."""
    case = LayerCase(SAME, SAME, 16, 8, GRIDS[0], True, False, Folding(3, 1, 8), 1, positions=16)
    suite = ConvolutionSuite()
    agree(suite.configured(case).bill(SERIES7), synthesised(lambda: suite.elaborate(case), tmp_path))
