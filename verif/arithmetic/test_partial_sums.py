"""partial_sums: a constant matrix times a vector, plus a bias, in every cycle, by tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from zlib import crc32

import numpy as np
import pytest
from hypothesis import strategies as st

from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden.arithmetic.adder_graph import add_up
from sigmabit.golden.arithmetic.partial_sums import PartialSums
from sigmabit.hdl.arithmetic.adder_graph import AdderGraphConfig
from sigmabit.hdl.arithmetic.partial_sums import PartialSumsConfig, partial_sums
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.suite import GoldenTests, MyHdlTests, VerilogTests
from .test_adder_graph import MatrixSuite, Rows, Vector, seeded


@dataclass(frozen=True)
class Case:
    """A matrix, a row per input, and what is made of it. sooner: cycles less than the smallest adders take, if they can be."""

    matrix: Rows
    bias: tuple[int, ...]
    bits: int
    signed: bool
    slice_bits: int
    sooner: int = 0
    behind: int = 0

    @property
    def input_bits(self) -> int:
        """Width of an input."""
        return self.bits

    @cached_property
    def sums(self) -> PartialSums:
        matrix, bias = np.array(self.matrix, np.int64), np.array(self.bias, np.int64)
        return PartialSums(matrix, bias, self.bits, self.signed, self.slice_bits)

    @cached_property
    def config(self) -> PartialSumsConfig:
        owner = f"dense{crc32(repr(self).encode())}"  # tables in one build are told apart by their owners
        usual = PartialSumsConfig(owner, self.sums, None, 4, self.behind)
        return replace(usual, cycles=max(usual.least_latency, usual.latency - self.sooner))

    @property
    def every(self) -> list[Vector]:
        """Vectors that read every entry of every table."""
        sizes = [high - low for low, high in self.sums.slices]
        found = []
        for number in range(1 << max(sizes)):
            bits = "".join(f"{number % (1 << size):0{size}b}"[::-1] for size in sizes)
            codes = [int(bits[place : place + self.bits][::-1], 2) for place in range(0, len(bits), self.bits)]
            found.append(Vector(0, tuple(code - (1 << self.bits) if code > self.ends[1] else code for code in codes)))
        return found

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the greatest input."""
        low = -(1 << (self.bits - 1)) if self.signed else 0
        return low, low + (1 << self.bits) - 1


class PartialSumsSuite(MatrixSuite):
    """Slices of all sizes."""

    samples: ClassVar[Sequence[Case]] = (
        Case(((3, -5, 7), (0, 1, -32), (31, 2, 13), (-9, 21, 4)), (0, 100, -77), 4, signed=False, slice_bits=9),
        Case(((5,),), (0,), 3, signed=True, slice_bits=2),
        Case(((0, 0), (0, 0)), (0, -3), 3, signed=True, slice_bits=3),
        Case(((0, 3), (0, 0), (0, 0), (4, -4)), (-5, 9), 3, signed=True, slice_bits=3),
        Case(seeded(1, 9, 6), (1, 2, 3, 0, -500, 600), 8, signed=False, slice_bits=9, sooner=2),
        Case(seeded(2, 12, 5), (1, -2, 3, 0, -500), 6, signed=True, slice_bits=9, behind=1),
    )

    def configs(self) -> st.SearchStrategy[Case]:
        weight = st.sampled_from([0, 0, 1, -1, 32, -32]) | st.integers(-40, 40)

        def of(size: tuple[int, int]) -> st.SearchStrategy[Case]:
            row = st.tuples(*[weight] * size[1])
            bias = st.tuples(*[st.integers(-300, 300) | st.just(0)] * size[1])
            how = st.integers(1, 10), st.integers(0, 2), st.integers(0, 2)
            return st.builds(Case, st.tuples(*[row] * size[0]), bias, st.integers(1, 8), st.booleans(), *how)

        return st.tuples(st.integers(1, 6), st.integers(1, 4)).flatmap(of)

    def stimuli(self, config: Case) -> st.SearchStrategy[list[Vector]]:
        x = st.tuples(*[st.sampled_from(config.ends) | st.integers(*config.ends)] * len(config.matrix))
        some = st.lists(st.builds(Vector, st.sampled_from([0, 0, 0, 1, 3]), x), min_size=1, max_size=8)
        return st.just(config.every) | some

    def golden(self, config: Case, stimulus: list[Vector]) -> list[list[int]]:
        return config.sums.run(np.array([vector.x for vector in stimulus], np.int64)).tolist()

    def elaborate(self, config: Case) -> Any:
        made = config.config
        sink, source = Flow(len(config.matrix) * config.input_bits), Flow(made.outputs * made.output_bits)
        return partial_sums(bit(), reset(), sink, source, made)


class TestGolden(PartialSumsSuite, GoldenTests):
    pass


class TestMyHdl(PartialSumsSuite, MyHdlTests):
    pass


class TestVerilog(PartialSumsSuite, VerilogTests):
    pass


def test_entries() -> None:
    """Every entry of every table is within its term's limits, which some entry reaches; all but the first table's begin at 0."""
    sums = Case(seeded(5, 7, 4), (-9, 800, 0, 6), 6, signed=True, slice_bits=8).sums
    assert [high - low for low, high in sums.slices] == [7, 7, 7, 7, 7, 7]
    assert PartialSums(sums.matrix, sums.bias, 6, True, 10).slices == ((0, 8), (8, 16), (16, 25), (25, 33), (33, 42))
    limits = dict(zip(sums.terms, sums.limits, strict=True))
    for number in range(len(sums.slices)):
        entries = sums.entries(number)
        for output in range(sums.outputs):
            assert limits[number, output] == (entries[:, output].min(), entries[:, output].max())
            assert number == 0 or entries[:, output].min() == 0


@pytest.mark.parametrize(("sooner", "latency", "lut"), [(0, 3, 460), (1, 2, 680)])
def test_area(sooner: int, latency: int, lut: int, tmp_path: Path) -> None:
    """LUT6, block RAM and logic levels by Yosys, of a matrix of 16 x 5; what is planned is near."""
    bias = tuple(np.random.default_rng(16).integers(-2000, 2000, 5).tolist())
    config = Case(seeded(1, 16, 5), bias, 8, signed=False, slice_bits=10, sooner=sooner, behind=1).config
    tables, adders = config.tables, config.added.adders
    for file, text in {"tables.v": tables.verilog(), "adders.v": adders.verilog(), **tables.contents()}.items():
        tmp_path.joinpath(file).write_text(text)
    looked_up = synthesise([tmp_path / "tables.v"], tables.module, tmp_path / "tables").area
    added = synthesise([tmp_path / "adders.v"], adders.module, tmp_path / "adders").area
    cost = config.bill(SERIES7)
    print(f"{looked_up}, {added}; planned {cost}")
    assert config.latency == latency
    assert (looked_up.lut, looked_up.bram36) == (0, cost.bram36)
    assert added.lut <= lut
    assert added.levels <= config.levels
    assert cost.lut == pytest.approx(added.lut, rel=0.05)


def test_refused() -> None:
    """Slices of nothing, more haste than possible, limits of other inputs."""
    with pytest.raises(ValueError, match=r"^slices of 0 bits$"):
        PartialSums(np.ones((1, 1), np.int64), np.zeros(1, np.int64), 1, False, 0)
    case = Case(seeded(1, 16, 26), (0,) * 26, 8, signed=False, slice_bits=10)
    with pytest.raises(ValueError, match=r"^cycles=2: 3 are needed$"):
        PartialSumsConfig("dense1", case.sums, 2)
    with pytest.raises(ValueError, match=r"^limits of 2 inputs, there are 3$"):
        AdderGraphConfig(add_up([[0, 1, 2]], [(0, 1)] * 3), 1, False, limits=((0, 1), (0, 1)))
