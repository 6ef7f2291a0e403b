"""convolution: windows and matrix-vector unit together are the golden layer, at the planned cycles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden.layers.convolution import Convolution
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.arithmetic.popcount import PopcountConfig
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.layers import convolution as block
from sigmabit.hdl.layers.binary import Binary
from sigmabit.hdl.layers.folding import Folding
from sigmabit.hdl.layers.weighted import Weighted

from ..harness.layer_suite import LayerSuite
from ..harness.layers import GRIDS, LayerCase, convolutions
from ..harness.suite import GoldenTests, MyHdlTests, VerilogTests

SAME = Axis(5, 3, 1, 1, 1)


class ConvolutionSuite(LayerSuite):
    """Kernels, strides, paddings, grids and foldings of every kind."""

    samples: ClassVar[Sequence[LayerCase]] = (
        LayerCase(SAME, SAME, 1, 4, GRIDS[2], False, False, Folding(3, 1, 4), 1),
        LayerCase(SAME, SAME, 4, 6, GRIDS[0], False, False, Folding(1, 2, 4, block=True), 2),
        LayerCase(Axis(6, 2, 2), Axis(5, 3, 2, 1, 0), 3, 3, GRIDS[4], True, False, Folding(1, 3, 1), 3),
        LayerCase(Axis(4, 3), Axis(4, 1), 2, 5, GRIDS[0], True, False, Folding(1, 1, 2), 4),
        LayerCase(SAME, Axis(7, 3, 1, 1, 1), 4, 6, GRIDS[0], False, False, Folding(3, 2, 4), 5, positions=3),
        LayerCase(SAME, Axis(6, 3, 2, 1, 1), 2, 3, GRIDS[2], True, False, Folding(3, 1, 3), 6, positions=4),
        LayerCase(Axis(4, 3), Axis(5, 3, 3), 2, 2, GRIDS[1], False, False, Folding(3, 2, 1, block=True), 7, positions=5),
        LayerCase(SAME, SAME, 2, 3, GRIDS[2], False, False, Folding(3, 2, 2), 8, positions=10),
        LayerCase(SAME, Axis(4, 3, 1, 1, 1), 2, 3, GRIDS[2], True, False, Folding(3, 1, 3), 9, positions=20),
        # places at an edge count in fewer levels, and wait for the others
        LayerCase(SAME, Axis(4, 3, 1, 1, 1), 6, 2, GRIDS[0], True, False, Folding(3, 1, 2), 10, positions=4),
        LayerCase(SAME, Axis(4, 3, 1, 1, 1), 3, 2, GRIDS[0], False, False, Folding(3, 1, 1), 11, positions=4),
    )

    def configs(self) -> st.SearchStrategy[LayerCase]:
        return convolutions()

    def kind(self, case: LayerCase) -> Weighted:
        arithmetic = case.arithmetic
        return block.ConvolutionKind(arithmetic.layer, arithmetic, positions=case.positions)

    def block(self) -> Any:
        return block.convolution


class TestGolden(ConvolutionSuite, GoldenTests):
    pass


class TestMyHdl(ConvolutionSuite, MyHdlTests):
    pass


class TestVerilog(ConvolutionSuite, VerilogTests):
    pass


@pytest.mark.parametrize(("channels", "outputs", "grid", "shared"), [(1, 4, 2, True), (4, 6, 0, False)], ids=["codes", "bits"])
def test_shared_adders(channels: int, outputs: int, grid: int, shared: bool) -> None:
    """Codes of a whole window meet adders, where these are smaller; bits are counted. Adders are no later."""
    arithmetic = LayerCase(SAME, SAME, channels, outputs, GRIDS[grid], False, False, Folding(3, 1, outputs), 1).arithmetic
    layer = arithmetic.layer
    counters = PopcountConfig(9 * channels, layer.input.bits, outputs, constant=True)
    for contents in (False, True):  # a plan is sized without weights
        unit = block.configure(arithmetic, Folding(3, 1, outputs), 4, contents).mvu
        assert unit.shared is shared
        assert unit.multiply.latency <= counters.latency
        assert unit.multiply.count_bits <= counters.count_bits
        assert unit.multiply.bill(SERIES7).lut <= counters.bill(SERIES7).lut
    folded = block.configure(arithmetic, Folding(1, 1, outputs), 4).mvu
    assert not folded.shared


def test_shared_adders_area(tmp_path: Path) -> None:
    """A first layer of 9 pixels of 8 bits and 32 channels: fewer than half the LUTs of counters, and four levels, by Yosys."""
    random = np.random.default_rng(2)
    one = Axis(3, 3)
    weights = random.choice(np.array([-1, 1], np.int8), (3, 3, 1, 32))
    shape = TensorType(3, 3, 1, Range(0, 255)), Grid(1, 0, 1.0), Window(one, one)
    adders = Binary(Convolution("conv1", (), *shape, weights, None)).shared()
    assert adders is not None
    tmp_path.joinpath("counts.v").write_text(adders.verilog())
    area = synthesise([tmp_path / "counts.v"], adders.module, tmp_path / "yosys").area
    assert area.lut <= PopcountConfig(9, 8, 32, constant=True).bill(SERIES7).lut / 2
    assert area.levels <= 4
    assert adders.bill(SERIES7).lut == pytest.approx(area.lut, rel=0.15)
