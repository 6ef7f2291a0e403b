"""adder_graph: a constant matrix times a vector, plus a bias, in every cycle."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden.arithmetic.adder_graph import AdderGraph, Term, in_threes, optimise
from sigmabit.hdl.arithmetic.adder_graph import AdderGraphConfig, adder_graph
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.verilog.stream import Flow, bit, reset

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests, run_cocotb

Rows = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Case:
    """A matrix, a row per input, and what is made of it."""

    matrix: Rows
    bias: tuple[int, ...]
    input_bits: int
    signed: bool
    slack: int | None = 0
    operands: int = 3
    cycles: int | None = None
    levels: int = 4
    behind: int = 0
    uses: int = 2

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the greatest input."""
        low = -(2 ** (self.input_bits - 1)) if self.signed else 0
        return low, low + 2**self.input_bits - 1

    @cached_property
    def config(self) -> AdderGraphConfig:
        low, high = self.ends
        matrix, bias = np.array(self.matrix, np.int64), np.array(self.bias, np.int64)
        graph = optimise(matrix, bias, low, high, self.slack, min(2, self.operands))
        if self.operands == 3:
            graph = in_threes(graph, low, high, self.uses)
        return AdderGraphConfig(graph, self.input_bits, self.signed, self.cycles, self.levels, self.behind)


@dataclass(frozen=True)
class Vector:
    """One vector, after some idle cycles."""

    idle: int
    x: tuple[int, ...]


def seeded(seed: int, inputs: int, outputs: int) -> Rows:
    """A matrix of 6-bit weights, at least 90 % of them not zero."""
    weights = np.random.default_rng(seed).integers(-32, 32, (inputs, outputs))
    assert np.count_nonzero(weights) >= 0.9 * weights.size
    return tuple(map(tuple, weights.tolist()))


def fields(word: int, bits: int, count: int) -> list[int]:
    """Fields in two's complement."""
    parts = [word >> (bits * number) & (2**bits - 1) for number in range(count)]
    return [part - 2**bits if part >> (bits - 1) else part for part in parts]


class MatrixSuite(BlockSuite):
    """Blocks that give x @ matrix + bias: vectors one after the other, with and without pauses."""

    resets = 2
    flags = ("source_valid",)

    def always(self, config: Any) -> Sequence[list[Vector]]:
        """What makes each output as large as it can be, and as small."""
        low, high = config.ends
        columns = list(zip(*config.matrix, strict=True))
        ends = [tuple(high if (weight > 0) == top else low for weight in column) for column in columns for top in (True, False)]
        return [[Vector(0, x) for x in ends]]

    def expected(self, config: Any, stimulus: list[Vector]) -> list[list[int]]:
        columns = list(zip(*config.matrix, strict=True))
        return [
            [
                sum(a * b for a, b in zip(vector.x, column, strict=True)) + bias
                for column, bias in zip(columns, config.bias, strict=True)
            ]
            for vector in stimulus
        ]

    def play(self, dut: Dut, config: Any, stimulus: list[Vector]) -> list[list[int]]:
        made, bits = config.config, config.input_bits
        dut.reset({"sink_valid": 1, "sink_data": 0})
        due, seen = [], []
        for vector in stimulus:
            word = sum(value % 2**bits << (bits * i) for i, value in enumerate(vector.x))
            seen += [dut.step({"sink_valid": 0, "sink_data": ~word % 2 ** (bits * len(vector.x))}) for _ in range(vector.idle)]
            due.append(dut.cycle + made.latency)
            seen.append(dut.step({"sink_valid": 1, "sink_data": word}))
        seen += [dut.step({"sink_valid": 0}) for _ in range(made.latency + 1)]
        assert [cycle for cycle, outputs in enumerate(seen) if outputs["source_valid"]] == due
        return [fields(seen[cycle]["source_data"], made.output_bits, made.outputs) for cycle in due]


class AdderGraphSuite(MatrixSuite):
    """Matrices of all kinds, and programs that share more or less."""

    samples: ClassVar[Sequence[Case]] = (
        Case(((3, -5, 7), (0, 1, -32), (31, 2, 13), (-9, 21, 4)), (0, 100, -77), 4, signed=False),
        Case(((5,),), (0,), 3, signed=True),
        Case(((0, 0), (0, 0)), (0, -3), 3, signed=True),
        Case(((-1, -4, 0), (-2, -8, 0)), (0, 0, 1), 8, signed=False, slack=None),
        Case(seeded(1, 9, 6), (1, 2, 3, 0, -500, 600), 8, signed=False, slack=1, operands=2),
        Case(seeded(2, 12, 5), (1, -2, 3, 0, -500), 6, signed=True),
        Case(seeded(3, 16, 4), (9, 8, 7, 6), 5, signed=False, cycles=3),
        Case(seeded(4, 7, 4), (9, 8, 7, 6), 5, signed=False, levels=8),
        Case(seeded(5, 16, 4), (9, 8, 7, 6), 5, signed=False, cycles=3, behind=2, uses=3),
        Case(((4, 0),), (0, 7), 3, signed=True, behind=1),
    )

    def configs(self) -> st.SearchStrategy[Case]:
        weight = st.sampled_from([0, 0, 1, -1, 2, -4, 32, -32]) | st.integers(-40, 40)

        def of(size: tuple[int, int]) -> st.SearchStrategy[Case]:
            row = st.tuples(*[weight] * size[1])
            bias = st.tuples(*[st.integers(-300, 300) | st.just(0)] * size[1])
            slack, levels = st.sampled_from([None, 0, 1]), st.integers(3, 9)
            bits, operands = st.integers(1, 8), st.integers(2, 3)
            cycles = st.none() | st.integers(12, 14)
            how = slack, operands, cycles, levels, st.integers(0, 1), st.integers(2, 4)
            return st.builds(Case, st.tuples(*[row] * size[0]), bias, bits, st.booleans(), *how)

        return st.tuples(st.integers(1, 8), st.integers(1, 6)).flatmap(of)

    def stimuli(self, config: Case) -> st.SearchStrategy[list[Vector]]:
        low = -(2 ** (config.input_bits - 1)) if config.signed else 0
        high = low + 2**config.input_bits - 1
        x = st.tuples(*[st.sampled_from([low, high]) | st.integers(low, high)] * len(config.matrix))
        return st.lists(st.builds(Vector, st.sampled_from([0, 0, 0, 1, 3]), x), min_size=1, max_size=8)

    def golden(self, config: Case, stimulus: list[Vector]) -> list[list[int]]:
        return config.config.graph.run(np.array([vector.x for vector in stimulus], np.int64)).tolist()

    def elaborate(self, config: Case) -> Any:
        made = config.config
        sink, source = Flow(made.graph.inputs * made.input_bits), Flow(len(made.graph.outputs) * made.output_bits)
        return adder_graph(bit(), reset(), sink, source, made)


class TestGolden(AdderGraphSuite, GoldenTests):
    pass


class TestMyHdl(AdderGraphSuite, MyHdlTests):
    pass


class TestVerilog(AdderGraphSuite, VerilogTests):
    pass


# --- beyond small matrices


ENCODER = ((57, 32, 4), (32, 16, 4), (16, 26, 3))
"""Inputs, outputs and cycles of the layers of a 57-32-16-2x13 encoder."""


def layer(inputs: int, outputs: int, cycles: int | None = None, **how: Any) -> Case:
    """A layer of seeded 6-bit weights with unsigned inputs of 8 bits."""
    bias = np.random.default_rng(inputs).integers(-2000, 2000, outputs)
    return Case(seeded(1, inputs, outputs), tuple(bias.tolist()), 8, signed=False, cycles=cycles, **how)


class FirstLayerSuite(AdderGraphSuite):
    """57 inputs, 32 outputs."""

    samples: ClassVar[Sequence[Case]] = (layer(*ENCODER[0]),)
    examples = 40

    def configs(self) -> st.SearchStrategy[Case]:
        return st.just(self.samples[0])


@pytest.mark.long
def test_first_layer(tmp_path: Path) -> None:
    """The largest matrix that is asked for, in Verilator, which test_vaes.py::test_trigger has in a network."""
    run_cocotb(FirstLayerSuite, tmp_path)


@pytest.mark.parametrize(
    ("case", "lut"),
    [
        pytest.param(layer(*ENCODER[0]), 17000, marks=pytest.mark.long),
        *((layer(*sizes), lut) for sizes, lut in zip(ENCODER[1:], (5100, 4710), strict=True)),
        (layer(16, 26), 3700),
        pytest.param(layer(16, 26, operands=2), 5300, marks=pytest.mark.long),
    ],
    ids=["57x32", "32x16", "16x26", "16x26-smallest", "16x26-sums-of-two"],
)
def test_area(case: Case, lut: int, tmp_path: Path) -> None:
    """LUT6 and logic levels by Yosys; the estimate is near."""
    config = case.config
    tmp_path.joinpath("adders.v").write_text(config.adders.verilog())
    area = synthesise([tmp_path / "adders.v"], config.adders.module, tmp_path / "yosys").area
    cost = config.bill(SERIES7)
    print(f"{config.module}: {area.lut} LUT6, {area.ff} registers, {area.levels} levels, latency {config.latency}; {cost}")
    assert area.lut <= lut
    assert area.levels <= config.levels
    assert (area.bram36, area.dsp) == (0, 0)
    assert cost.lut == pytest.approx(area.lut, rel=0.1)
    assert cost.ff == pytest.approx(area.ff, rel=0.1)


@pytest.mark.parametrize(("kind", "terms"), [("sum2", 2), ("sum3", 3), ("fast3", 3)])
def test_primitives(kind: str, terms: int, tmp_path: Path) -> None:
    """What is synthesised adds as what is simulated does, for every width up to 24: proven by Yosys.

    Yosys defines SYNTHESIS, but not where it reads for a formal proof.
    """
    config = Case(((3,),), (0,), 4, signed=False).config.adders
    tmp_path.joinpath("adders.v").write_text(config.verilog())
    bodies = {"simulated": ["-formal adders.v"], "synthesised": ["+/xilinx/cells_sim.v", "adders.v"]}
    sizes = [(width, negatives) for width in range(1, 25) for negatives in range(terms)]
    script = []
    for label, reads in bodies.items():
        script += ["design -reset", *(f"read_verilog {read}" for read in reads), f"design -save {label}_text"]
    for width, negatives in sizes:
        for label in bodies:
            top = f"{config.module}_{kind} -chparam WIDTH {width} -chparam NEGATIVES {negatives}"
            script += [f"design -load {label}_text", f"hierarchy -top {top}", "proc", "flatten", "opt_clean"]
            script += [f"rename -top {label}", f"design -stash {label}"]
        script += ["design -reset", *(f"design -copy-from {label} -as {label} {label}" for label in bodies)]
        script += ["miter -equiv -make_assert -flatten simulated synthesised miter", "sat -verify -prove-asserts miter"]
    tmp_path.joinpath("prove.ys").write_text("\n".join(script) + "\n")
    program = "from pyosys import libyosys; libyosys.run_pass('script prove.ys', libyosys.Design())"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:]
    assert done.stdout.count("SAT proof finished - no model found: SUCCESS!") == len(sizes)


def test_same_everywhere() -> None:
    """Other processes, with other hash seeds and numbers of threads, find the same program."""
    program = "from sigmabit.verif.arithmetic.test_adder_graph import layer; print(layer(32, 16, 4).config.module)"
    names = {layer(32, 16, 4).config.module}
    for number in ("1", "2"):
        variables = {**os.environ, "PYTHONHASHSEED": number, "OMP_NUM_THREADS": number}
        names.add(
            subprocess.run(
                [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True
            ).stdout.strip()
        )
    assert len(names) == 1


@pytest.mark.parametrize("seed", range(20))
def test_ranges(seed: int) -> None:
    """What the outputs are for all inputs there are, and no more; of each output the bias and what is left for it."""
    random = np.random.default_rng(seed)
    matrix = random.integers(-12, 13, random.integers(1, 4, 2)) * 4 ** (seed % 2)
    bias, low, high = (
        random.integers(-9, 10, matrix.shape[1]) * (seed % 4),
        int(random.integers(-3, 1)),
        int(random.integers(1, 5)),
    )
    graph = optimise(matrix, bias, low, high)
    every = np.array(list(itertools.product(range(low, high + 1), repeat=len(matrix))))
    sums = every @ matrix + bias
    assert np.array_equal(graph.run(every), sums)
    assert graph.output_range(low, high) == (sums.min(), sums.max())
    assert np.array_equal(graph.matrix, matrix) and np.array_equal(graph.bias, bias)


# --- what is refused


def test_graph_refused() -> None:
    """Programs that are none."""
    one, two = Term(0), Term(1)
    for sums, outputs, message in (
        (((one,),), (two,), "value 1 is a sum of 1 terms, not of 2 or 3"),
        (((Term(0, 0, True), Term(0, 1, True)),), (two,), "value 1 is a sum of negative terms only"),
        (((one, two),), (two,), "value 1 = .*: terms are lower values, shifted left"),
        (((one, Term(0, -1)),), (two,), "value 1 = .*: terms are lower values, shifted left"),
        (((one, one),), (Term(2),), "output 0 is .*: outputs are positive values below 2, shifted left"),
        (((one, one),), (Term(1, 0, True),), "output 0 is .*: outputs are positive values below 2, shifted left"),
    ):
        with pytest.raises(ValueError, match=message):
            AdderGraph(1, (), sums, outputs)


@pytest.mark.parametrize(
    ("matrix", "bias", "low", "high", "message"),
    [
        (np.zeros((0, 3)), np.zeros(3), 0, 1, "a matrix of 0 x 3"),
        (np.zeros((3, 0)), np.zeros(0), 0, 1, "a matrix of 3 x 0"),
        (np.ones((3, 2)), np.zeros(3), 0, 1, r"biases of shape \(3,\) for 2 outputs"),
        (np.ones((3, 2)), np.zeros(2), 1, 0, "inputs from 1 to 0"),
        (np.full((3, 2), 1 << 24), np.zeros(2), 0, 1, "a weight of 16777216, the limit is 16777215"),
        (np.ones((3, 2)), np.zeros(2), 0, 1 << 60, f"sums may reach {3 << 60}, the limit is {(1 << 60) - 1}"),
    ],
)
def test_matrix_refused(matrix: NDArray[np.float64], bias: NDArray[np.float64], low: int, high: int, message: str) -> None:
    """Matrices that cannot be made."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        optimise(matrix.astype(np.int64), bias.astype(np.int64), low, high)


def test_config_refused() -> None:
    """Inputs of no bits, stages without room for a sum, more haste than possible."""
    graph = layer(16, 26).config.graph
    for fields, message in (
        ((graph, 0, False), "inputs of 0 bits"),
        ((graph, 8, False, None, 2), "levels=2 between registers: a sum may have 3"),
        ((graph, 8, False, 1), "cycles=1: 2 are needed"),
    ):
        with pytest.raises(ValueError, match=f"^{message}$"):
            AdderGraphConfig(*fields)
