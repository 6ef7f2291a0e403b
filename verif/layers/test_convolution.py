"""convolution: windows and matrix-vector unit together are the golden layer, at the planned cycles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from hypothesis import strategies as st

from sigmabit.golden.layers.window import Axis
from sigmabit.hdl.layers import convolution as block
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
