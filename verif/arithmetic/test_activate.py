"""activate: sums shifted, saturated to what the code holds, and looked up, a cycle or three later."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import floor
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.golden.arithmetic.activate import Activation
from sigmabit.hdl.arithmetic import activate as block
from sigmabit.hdl.family.rules import BLOCK_RAM_FROM
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests
from ..sampling.test_score import packed, signed


@dataclass(frozen=True)
class Case:
    """Sums of sum_bits bits in two's complement, side by side. table: width and sign of its codes, drawn, or None."""

    lanes: int
    sum_bits: int
    shift: int
    bits: int
    signed: bool
    table: tuple[int, bool] | None = None

    @cached_property
    def activation(self) -> Activation:
        """The golden activation."""
        if self.table is None:
            return Activation(self.shift, self.bits, self.signed)
        bits, of_signed = self.table
        low = -(1 << (bits - 1)) if of_signed else 0
        codes = np.random.default_rng(self.bits).integers(low, low + (1 << bits), 1 << self.bits)
        return Activation(self.shift, self.bits, self.signed, codes, bits, of_signed)

    @cached_property
    def config(self) -> block.ActivateConfig:
        """The blocks."""
        return block.configure("layer", self.activation, self.lanes, self.sum_bits)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Numbers narrower than what is left of the sums, mostly; as wide, and wider; and shifts that leave nothing."""
    sum_bits = draw(st.integers(2, 14))
    shift = draw(st.sampled_from([0, 1, 2, sum_bits // 2]) | st.integers(0, sum_bits + 2))
    bits = draw(st.sampled_from([1, 2, 3]) | st.integers(1, max(1, min(10, sum_bits - shift + 1))))
    table = draw(st.none() | st.tuples(st.integers(2, 6), st.booleans()))
    return Case(draw(st.integers(1, 3)), sum_bits, shift, bits, draw(st.booleans()), table)


@dataclass(frozen=True)
class Sums:
    """Idle cycles, then sums of all lanes."""

    idle: int
    sums: tuple[int, ...]


class ActivateSuite(BlockSuite):
    """Sums one after the other, with and without pauses."""

    samples = (
        Case(3, 12, 4, 5, signed=True),
        Case(2, 12, 4, 5, signed=False),
        Case(2, 7, 2, 9, signed=True),  # sums narrower than codes
        Case(2, 7, 2, 4, signed=False),  # sums as wide as codes but for the sign
        Case(1, 6, 9, 4, signed=True),  # nothing but the sign is left
        Case(3, 4, 3, 1, signed=False),
        Case(2, 10, 1, 6, signed=True, table=(7, False)),
        Case(2, 14, 3, BLOCK_RAM_FROM.bit_length() - 1, signed=False, table=(5, True)),
    )
    flags = ("source_valid",)

    def configs(self) -> st.SearchStrategy[Case]:
        return cases()

    def stimuli(self, config: Case) -> st.SearchStrategy[list[Sums]]:
        half = 1 << (config.sum_bits - 1)
        edges = [edge + step << config.shift for edge in config.activation.limits for step in (0, 1)]
        telling = {-half, half - 1, -1, 0, *[number for edge in edges for number in (edge - 1, edge) if -half <= number < half]}
        total = st.sampled_from(sorted(telling)) | st.integers(-half, half - 1)
        some = st.lists(st.builds(Sums, st.integers(0, 2), st.tuples(*[total] * config.lanes)), min_size=1, max_size=8)
        # each bit of a sum alone may say that it is too large or too small
        alone = [number for place in range(config.sum_bits - 1) for number in (1 << place, ~(1 << place))]
        some |= st.permutations(alone).map(lambda sums: [Sums(0, (each,) * config.lanes) for each in sums])
        lowest, size = config.activation.limits[0], 1 << config.bits

        def row(first: int) -> list[Sums]:
            """One entry of the table after the other, with those of other lanes."""
            totals = [lowest + (first + step) % size << config.shift for step in range(min(size, 64) + config.lanes - 1)]
            fitting = [min(max(each, -half), half - 1) for each in totals]
            return [Sums(0, tuple(fitting[number:][: config.lanes])) for number in range(min(size, 64))]

        return some if config.table is None else some | st.integers(0, size - 1).map(row)

    def expected(self, config: Case, stimulus: list[Sums]) -> list[list[int]]:
        return [[self._code(config, total) for total in item.sums] for item in stimulus]

    @staticmethod
    def _code(config: Case, total: int) -> int:
        lowest = -(2 ** (config.bits - 1)) if config.signed else 0
        number = min(max(floor(Fraction(total, 2**config.shift)), lowest), lowest + 2**config.bits - 1)
        table = config.activation.table
        return number if table is None else int(table[number - lowest])

    def golden(self, config: Case, stimulus: list[Sums]) -> list[list[int]]:
        return config.activation(np.array([item.sums for item in stimulus])).tolist()  # type: ignore[no-any-return]

    def elaborate(self, config: Case) -> Any:
        blocks = config.config
        sink, source = Flow(config.lanes * config.sum_bits), Flow(config.lanes * blocks.result_bits)
        return block.activate(bit(), reset(), sink, source, blocks)

    def play(self, dut: Dut, config: Case, stimulus: list[Sums]) -> list[list[int]]:
        dut.reset({"sink_valid": 1, "sink_data": 0})
        due, seen = [], []
        for item in stimulus:
            seen += [dut.step({"sink_valid": 0, "sink_data": 0}) for _ in range(item.idle)]
            due.append(dut.cycle + config.config.latency)
            seen.append(dut.step({"sink_valid": 1, "sink_data": packed(item.sums, config.sum_bits)}))
        seen += [dut.step({"sink_valid": 0}) for _ in range(config.config.latency + 2)]
        assert [cycle for cycle, outputs in enumerate(seen) if outputs["source_valid"]] == due
        bits, mask = config.config.result_bits, (1 << config.config.result_bits) - 1
        fields = [[seen[cycle]["source_data"] >> (lane * bits) & mask for lane in range(config.lanes)] for cycle in due]
        return [[signed(code, bits) for code in codes] for codes in fields] if config.activation.result_signed else fields


class TestGolden(ActivateSuite, GoldenTests):
    pass


class TestMyHdl(ActivateSuite, MyHdlTests):
    pass


class TestVerilog(ActivateSuite, VerilogTests):
    pass


def test_homes() -> None:
    """The samples have a table in logic, and one in block RAM."""
    tables = [case.config.table for case in ActivateSuite.samples]
    assert [table.block for table in tables if table is not None] == [False, True]


def test_overflows() -> None:
    """Sums above the range count, and below it where codes are signed; a ReLU's negative sums do not."""
    sums = np.array([-33, -32, -17, -16, 0, 15, 16, 31, 32, 64])
    assert Activation(1, 4, signed=True).overflows(sums) == 7
    assert Activation(1, 4, signed=False).overflows(sums) == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((-1, 4, True), "shift=-1, bits=4: a shift of at least 0 and one bit are needed"),
        ((0, 0, True), "shift=0, bits=0: a shift of at least 0 and one bit are needed"),
        ((0, 2, True, np.zeros(3, np.int64), 4), r"a table of \(3,\) codes for numbers of 2 bits"),
        ((0, 1, True, np.array([0, 16]), 4), "a table from 0 to 16 for codes from 0 to 15"),
        ((0, 1, True, np.array([-9, 0]), 4, True), "a table from -9 to 0 for codes from -8 to 7"),
    ],
)
def test_refused(fields: tuple[Any, ...], message: str) -> None:
    """With the numbers that do not fit."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        Activation(*fields)
