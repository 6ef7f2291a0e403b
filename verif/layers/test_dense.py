"""dense: gathering and matrix-vector unit together are the golden layer, at the planned cycles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden.layers.dense import Dense
from sigmabit.golden.layers.window import Axis
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.layers import dense as block
from sigmabit.hdl.layers.folding import Folding
from sigmabit.hdl.layers.weighted import Weighted

from ..harness.layer_suite import LayerSuite
from ..harness.layers import GRIDS, LayerCase, denses
from ..harness.suite import GoldenTests, MyHdlTests, VerilogTests


class DenseSuite(LayerSuite):
    """Inputs of one and of many beats, and foldings of every kind."""

    samples: ClassVar[Sequence[LayerCase]] = (
        LayerCase(Axis(1, 1), Axis(1, 1), 7, 5, GRIDS[0], True, True, Folding(1, 1, 5), 1),
        LayerCase(Axis(3, 3), Axis(4, 4), 3, 6, GRIDS[0], False, True, Folding(4, 1, 4, block=True), 2),
        LayerCase(Axis(2, 2), Axis(2, 2), 4, 3, GRIDS[3], True, True, Folding(1, 4, 1), 3),
        LayerCase(Axis(1, 1), Axis(6, 6), 1, 4, GRIDS[2], False, True, Folding(6, 1, 1), 4),
        LayerCase(Axis(3, 3), Axis(5, 5), 2, 4, GRIDS[0], True, True, Folding(2, 1, 3), 5, positions=3),
        LayerCase(Axis(2, 2), Axis(4, 4), 3, 4, GRIDS[3], False, True, Folding(1, 6, 4), 6, positions=4),
        LayerCase(Axis(3, 3), Axis(2, 2), 2, 4, GRIDS[0], True, True, Folding(2, 1, 3), 7, positions=4),
        LayerCase(Axis(3, 3), Axis(4, 4), 3, 6, GRIDS[0], False, True, Folding(4, 1, 4, True, eager=True), 8),
        LayerCase(Axis(3, 3), Axis(5, 5), 2, 4, GRIDS[3], True, True, Folding(1, 3, 1, eager=True), 9, positions=3),
    )

    def configs(self) -> st.SearchStrategy[LayerCase]:
        return denses()

    def kind(self, case: LayerCase) -> Weighted:
        arithmetic = case.arithmetic
        return block.DenseKind(arithmetic.layer, arithmetic, positions=case.positions)

    def block(self) -> Any:
        return block.dense


class TestGolden(DenseSuite, GoldenTests):
    pass


class TestMyHdl(DenseSuite, MyHdlTests):
    pass


class TestVerilog(DenseSuite, VerilogTests):
    pass


def test_refused() -> None:
    """Bit planes count from 0."""
    tensor = TensorType(1, 1, 2, Range(-8, 7))
    with pytest.raises(ValueError, match="codes from -8 on, expected 0"):
        Dense.of("dense1", (), tensor, Grid(1, 0, 1.0), np.ones((2, 1), np.int8), None)
