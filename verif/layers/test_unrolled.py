"""unrolled: small dense layers as graphs of adders, a frame in every cycle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden.arithmetic.activate import Activation
from sigmabit.golden.layers.fixed import Fixed
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.arithmetic.products import Products
from sigmabit.hdl.layers import unrolled as block
from sigmabit.hdl.layers.folding import Folding, Unsuitable
from sigmabit.hdl.planning.kinds import kind_of
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.bench import Dut
from ..harness.layers import GRIDS, FixedCase, Numbers, naive
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from ..sampling.test_score import packed, signed

ONE = Axis(1, 1)


@dataclass(frozen=True)
class Case:
    """A layer made from a seed. sparse: most weights and biases are zero. bounds: all weights and biases are the least ones.
    eager: so many cycles less are wanted of the adders. products: what they add.
    """

    inputs: int
    outputs: int
    numbers: Numbers
    weight_bits: int
    signed: bool
    table: bool
    kind: str
    seed: int
    eager: int = 0
    products: Products = "single"

    @cached_property
    def layer(self) -> Fixed:
        """The golden layer."""
        drawn = (self.seed, self.signed, self.weight_bits, self.table)
        shape = ONE, ONE, self.inputs, self.outputs, self.numbers, False, True, Folding(1, 1, self.outputs)
        fixed = replace(FixedCase(*shape, *drawn).layer, name=f"dense{self.seed}")
        if self.kind == "bounds":
            least = -(1 << (self.weight_bits - 1))
            return replace(fixed, weights=np.full_like(fixed.weights, least), bias=np.full_like(fixed.bias, 8 * least))
        if self.kind == "sparse":
            random = np.random.default_rng(self.seed)
            weights = fixed.weights * (random.integers(0, 4, fixed.weights.shape) == 0)
            return replace(fixed, weights=weights, bias=fixed.bias * random.integers(0, 2, self.outputs))
        return fixed

    @cached_property
    def config(self) -> block.UnrolledConfig:
        """The blocks."""
        return block.configure(self.layer, self.eager, self.products)


@dataclass(frozen=True)
class Frame:
    """Idle cycles, then a frame of codes."""

    idle: int
    codes: tuple[int, ...]


class UnrolledSuite(BlockSuite):
    """Frames one after the other, with and without pauses."""

    samples = (
        Case(5, 3, GRIDS[2], 5, signed=False, table=False, kind="any", seed=1),
        Case(4, 4, Numbers(Range.of_levels(64), Grid(1, 0, 1.0)), 6, signed=True, table=True, kind="bounds", seed=2),
        Case(3, 5, GRIDS[4], 4, signed=False, table=True, kind="sparse", seed=3),
        Case(9, 3, GRIDS[2], 6, signed=False, table=False, kind="any", seed=4, eager=2),
        Case(8, 4, GRIDS[2], 6, signed=True, table=False, kind="any", seed=5, eager=1),
        Case(9, 4, GRIDS[2], 6, signed=True, table=False, kind="any", seed=6, products="tables"),
        Case(6, 3, GRIDS[4], 6, signed=False, table=True, kind="sparse", seed=7, eager=2, products="tables"),
    )

    def configs(self) -> st.SearchStrategy[Case]:
        grids = st.sampled_from((*GRIDS, Numbers(Range.of_levels(256), Grid(1, 0, 1.0))))
        kinds = st.sampled_from(["any", "any", "sparse", "bounds"])
        shape = st.integers(1, 6), st.integers(1, 6), grids, st.integers(2, 7)
        how = st.integers(0, 2), st.sampled_from(["single", "single", "tables"])
        return st.builds(Case, *shape, st.booleans(), st.booleans(), kinds, st.integers(0, 99), *how)

    def stimuli(self, config: Case) -> st.SearchStrategy[list[Frame]]:
        tensor = config.layer.input
        code = st.sampled_from([tensor.low, tensor.high]) | st.integers(tensor.low, tensor.high)
        codes = st.tuples(*[code] * tensor.channels)
        least = Frame(0, (tensor.low,) * tensor.channels)
        return st.lists(st.just(least) | st.builds(Frame, st.integers(0, 2), codes), min_size=1, max_size=6)

    def expected(self, config: Case, stimulus: list[Frame]) -> list[list[int]]:
        return [naive(config.layer, np.array(frame.codes).reshape(1, 1, -1))[0] for frame in stimulus]

    def golden(self, config: Case, stimulus: list[Frame]) -> list[list[int]]:
        codes = np.array([frame.codes for frame in stimulus])[:, None, None, :]
        return config.layer.run(codes)[:, 0, 0].tolist()  # type: ignore[no-any-return]

    def elaborate(self, config: Case) -> Any:
        layer = config.layer
        return block.unrolled(
            bit(), reset(), Flow(layer.input.layout.beat_bits), Flow(layer.output.layout.beat_bits), config.config
        )

    def play(self, dut: Dut, config: Case, stimulus: list[Frame]) -> list[list[int]]:
        tensor, layout = config.layer.input, config.layer.output.layout
        dut.reset({"sink_valid": 1, "sink_data": 0})
        due, seen = [], []
        for frame in stimulus:
            seen += [dut.step({"sink_valid": 0, "sink_data": 0}) for _ in range(frame.idle)]
            due.append(dut.cycle + config.config.latency)
            seen.append(dut.step({"sink_valid": 1, "sink_data": packed(frame.codes, tensor.bits)}))
        seen += [dut.step({"sink_valid": 0}) for _ in range(config.config.latency + 2)]
        assert [cycle for cycle, outputs in enumerate(seen) if outputs["source_valid"]] == due
        bits, mask = layout.bits, (1 << layout.bits) - 1
        fields = [[seen[cycle]["source_data"] >> (i * bits) & mask for i in range(layout.channels)] for cycle in due]
        return [[signed(code, bits) for code in codes] for codes in fields] if layout.signed else fields


class TestGolden(UnrolledSuite, GoldenTests):
    pass


class TestMyHdl(UnrolledSuite, MyHdlTests):
    pass


class TestVerilog(UnrolledSuite, VerilogTests):
    pass


@pytest.mark.parametrize("weights", [[[1]], [[0]], [[4, 4]], [[-1]], [[1, 0], [0, 1]]], ids=str)
def test_without_adders(weights: list[list[int]]) -> None:
    """Matrices whose graphs hardly have a sum: latency and width are still those of a block."""
    matrix = np.array(weights, np.int64)
    inputs, outputs = matrix.shape
    shape = Window(ONE, ONE), matrix.reshape(1, 1, inputs, outputs), np.zeros(outputs, np.int64)
    layer = Fixed("layer", (), TensorType(1, 1, inputs, Range.of_levels(8)), Grid(1, 0, 1.0), *shape, Activation(0, 4, True))
    config = block.configure(layer)
    assert config.latency >= 2
    assert config.sums.output_bits >= 1


@pytest.mark.parametrize(("inputs", "offered"), [(4, False), (5, True), (9, True)])
def test_tables(inputs: int, offered: bool) -> None:
    """They are for haste alone, for frames whose slices have nine bits or ten, and of all outputs at once."""
    case = Case(inputs, 6, Numbers(Range.of_levels(256), Grid(1, 0, 1.0)), 5, False, False, "any", 1)
    kind = kind_of(case.layer)
    whole = Folding(1, 1, 6)
    assert "tables" not in {folding.products for folding in kind.foldings()}
    assert ("tables" in {folding.products for folding in kind.hastened(whole)}) == offered
    if offered:
        kind.folding(replace(whole, products="tables", eager=1))
        message = "products=tables are of a whole frame and all its 6 outputs at once"
        with pytest.raises(Unsuitable, match=message):
            kind.folding(replace(whole, products="tables", lanes=3))


def test_applies() -> None:
    """To frames of one position only."""
    case = FixedCase(ONE, ONE, 2, 3, GRIDS[2], False, True, Folding(1, 1, 3), 1, False, 4, False)
    assert block.applies(case.layer)
    assert not block.applies(replace(case, columns=Axis(2, 2)).layer)
