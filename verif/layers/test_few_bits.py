"""few_bits: dense layers and convolutions of weights of a few bits are the golden layer, at the planned cycles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden.arithmetic.steps import Steps
from sigmabit.golden.layers.few_bits import FewBits
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.layers.folding import Folding

from ..harness.layers import GRIDS, FewBitsCase, convolutions, denses, few_bits
from ..harness.suite import GoldenTests, MyHdlTests, VerilogTests
from .test_convolution import SAME, ConvolutionSuite
from .test_dense import DenseSuite


class FewBitsDenseSuite(DenseSuite):
    """Weights that are counted and that are multiplied, thresholds as constants and in tables, scores."""

    samples = (
        FewBitsCase(Axis(1, 1), Axis(1, 1), 7, 5, GRIDS[2], False, True, Folding(1, 1, 5), 1, 2, 3),
        FewBitsCase(Axis(3, 3), Axis(4, 4), 3, 6, GRIDS[4], False, True, Folding(4, 1, 4, block=True), 2, 1, 3),
        FewBitsCase(Axis(2, 2), Axis(2, 2), 4, 3, GRIDS[3], True, True, Folding(1, 4, 1), 3, 4, 0),
        FewBitsCase(Axis(2, 2), Axis(3, 3), 2, 3, GRIDS[2], False, True, Folding(2, 1, 2), 4, 2, 2, positions=2),
        FewBitsCase(
            Axis(2, 2), Axis(2, 2), 5, 4, GRIDS[2], False, True, Folding(2, 1, 3, products="planes"), 5, 2, 3, ternary=True
        ),
        FewBitsCase(
            Axis(2, 2), Axis(2, 2), 5, 4, GRIDS[2], True, True, Folding(4, 1, 4, products="planes"), 6, 2, 0, ternary=True
        ),
        FewBitsCase(Axis(2, 2), Axis(3, 3), 3, 4, GRIDS[2], False, True, Folding(3, 1, 3, products="planes"), 8, 3, 3),
        FewBitsCase(Axis(2, 2), Axis(2, 2), 4, 4, GRIDS[3], True, True, Folding(2, 1, 2, products="planes"), 9, 2, 0),
        FewBitsCase(Axis(2, 2), Axis(2, 2), 5, 4, GRIDS[2], True, True, Folding(4, 1, 4, products="planes"), 10, 3, 0),
        FewBitsCase(Axis(1, 1), Axis(1, 1), 6, 3, GRIDS[4], False, True, Folding(1, 1, 3, products="planes"), 11, 8, 2),
    )

    def configs(self) -> st.SearchStrategy[FewBitsCase]:
        return few_bits(denses()).filter(lambda case: case.layer.dense)


class FewBitsConvolutionSuite(ConvolutionSuite):
    """Padding, strides, grids with an offset, scores."""

    samples = (
        FewBitsCase(SAME, SAME, 2, 4, GRIDS[2], False, False, Folding(3, 1, 4), 1, 2, 3),
        FewBitsCase(Axis(6, 2, 2), Axis(5, 3, 2, 1, 0), 3, 3, GRIDS[4], False, False, Folding(1, 3, 2), 3, 1, 7),
        FewBitsCase(SAME, SAME, 2, 4, GRIDS[2], False, False, Folding(3, 2, 3), 4, 2, 3, positions=2),
        FewBitsCase(SAME, SAME, 4, 4, GRIDS[4], False, False, Folding(3, 2, 2, products="planes"), 6, 2, 3, ternary=True),
        FewBitsCase(SAME, SAME, 3, 4, GRIDS[4], False, False, Folding(3, 1, 2, products="planes"), 8, 2, 3),
        FewBitsCase(SAME, SAME, 2, 4, GRIDS[2], False, False, Folding(3, 1, 2, products="planes"), 9, 4, 3, positions=2),
        FewBitsCase(
            SAME, SAME, 3, 4, GRIDS[3], False, False, Folding(3, 1, 4, products="planes"), 7, 2, 1, positions=2, ternary=True
        ),
        FewBitsCase(SAME, SAME, 2, 4, GRIDS[3], False, False, Folding(3, 1, 4, products="planes"), 12, 4, 3, positions=2),
        FewBitsCase(SAME, SAME, 3, 3, GRIDS[4], True, False, Folding(3, 1, 3, products="planes"), 13, 2, 0),
        # whole rows, and all of the image: places at its edges keep some of their taps
        FewBitsCase(
            SAME, SAME, 4, 4, GRIDS[4], False, False, Folding(3, 2, 2, products="planes"), 14, 2, 3, positions=5, ternary=True
        ),
        FewBitsCase(SAME, SAME, 3, 4, GRIDS[3], False, False, Folding(3, 1, 2), 15, 1, 3, positions=25),
        FewBitsCase(SAME, SAME, 3, 4, GRIDS[3], True, False, Folding(3, 1, 4), 16, 1, 0, positions=5),
        # windows in the padding alone, whose scores are all zero
        FewBitsCase(Axis(1, 1, 2, 1), Axis(2, 2), 2, 1, GRIDS[0], True, False, Folding(2, 1, 1), 0, 1, 0),
        FewBitsCase(Axis(1, 1, 2, 1), Axis(2, 2), 2, 1, GRIDS[0], True, False, Folding(2, 1, 1), 0, 3, 0),
    )

    def configs(self) -> st.SearchStrategy[FewBitsCase]:
        return few_bits(convolutions()).map(lambda case: replace(case, positions=1)).filter(lambda case: not case.layer.dense)


class TestGoldenDense(FewBitsDenseSuite, GoldenTests):
    pass


class TestMyHdlDense(FewBitsDenseSuite, MyHdlTests):
    pass


class TestVerilogDense(FewBitsDenseSuite, VerilogTests):
    pass


class TestGoldenConvolution(FewBitsConvolutionSuite, GoldenTests):
    pass


class TestMyHdlConvolution(FewBitsConvolutionSuite, MyHdlTests):
    pass


class TestVerilogConvolution(FewBitsConvolutionSuite, VerilogTests):
    pass


def test_refused() -> None:
    """Thresholds for other channels than there are."""
    tensor, window = TensorType(1, 1, 3, Range(0, 3)), Window(Axis(1, 1), Axis(1, 1))
    with pytest.raises(ValueError, match=r"^thresholds of 3 channels for 2$"):
        FewBits("layer", (), tensor, GRIDS[2].grid, window, np.ones((1, 1, 3, 2), int), Steps(np.zeros((3, 1), int)))
