"""fixed: dense layers and convolutions of fixed-point weights are the golden layer, at the planned cycles."""

from __future__ import annotations

from hypothesis import strategies as st

from sigmabit.golden.layers.window import Axis
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import Range
from sigmabit.hdl.layers.folding import Folding

from ..harness.layers import GRIDS, FixedCase, Numbers, convolutions, denses, fixed
from ..harness.suite import GoldenTests, MyHdlTests, VerilogTests
from .test_convolution import SAME, ConvolutionSuite
from .test_dense import DenseSuite

BYTES = Numbers(Range(0, 255), Grid(1, 0, 1.0))
"""Codes that multipliers are worth their while for."""


class FixedDenseSuite(DenseSuite):
    """Multipliers of LUTs and of DSP48, tables of both kinds."""

    samples = (
        FixedCase(Axis(1, 1), Axis(1, 1), 7, 5, GRIDS[2], False, True, Folding(1, 1, 5), 1, True, 6, False),
        FixedCase(Axis(3, 3), Axis(4, 4), 3, 6, GRIDS[3], False, True, Folding(4, 1, 4, block=True), 2, False, 9, True),
        FixedCase(Axis(2, 2), Axis(2, 2), 4, 3, GRIDS[0], False, True, Folding(1, 4, 1), 3, False, 4, True),
        FixedCase(Axis(2, 2), Axis(3, 3), 2, 3, GRIDS[3], False, True, Folding(2, 1, 2), 4, True, 5, True, positions=2),
        FixedCase(Axis(2, 2), Axis(3, 3), 2, 3, BYTES, False, True, Folding(3, 1, 2, products="pairs"), 5, False, 8, False),
    )

    def configs(self) -> st.SearchStrategy[FixedCase]:
        return fixed(denses()).filter(lambda case: case.layer.dense)


class FixedConvolutionSuite(ConvolutionSuite):
    """Padding, strides, grids with an offset, and biases of kernel positions."""

    costly = 4

    samples = (
        FixedCase(SAME, SAME, 2, 4, GRIDS[2], False, False, Folding(3, 1, 4), 1, True, 5, True),
        FixedCase(Axis(6, 2, 2), Axis(5, 3, 2, 1, 0), 3, 3, GRIDS[4], False, False, Folding(1, 3, 2), 3, False, 9, False),
        FixedCase(SAME, SAME, 2, 4, GRIDS[2], False, False, Folding(3, 2, 3), 4, True, 5, True, positions=2),
        FixedCase(SAME, SAME, 2, 4, BYTES, False, False, Folding(3, 2, 1, products="logic"), 5, False, 9, False, positions=2),
        FixedCase(SAME, SAME, 2, 4, GRIDS[3], False, False, Folding(1, 2, 3), 6, False, 5, True, inside=True),
        FixedCase(SAME, SAME, 2, 4, GRIDS[2], False, False, Folding(3, 1, 4), 7, True, 7, False, positions=2, inside=True),
    )

    def configs(self) -> st.SearchStrategy[FixedCase]:
        return fixed(convolutions()).filter(lambda case: not case.layer.dense)


class TestGoldenDense(FixedDenseSuite, GoldenTests):
    pass


class TestMyHdlDense(FixedDenseSuite, MyHdlTests):
    pass


class TestVerilogDense(FixedDenseSuite, VerilogTests):
    pass


class TestGoldenConvolution(FixedConvolutionSuite, GoldenTests):
    pass


class TestMyHdlConvolution(FixedConvolutionSuite, MyHdlTests):
    pass


class TestVerilogConvolution(FixedConvolutionSuite, VerilogTests):
    pass
