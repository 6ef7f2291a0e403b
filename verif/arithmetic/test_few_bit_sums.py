"""What products of few bits and their sums are planned with: within a tenth of what synthesis makes of a unit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden.arithmetic.steps import Steps
from sigmabit.golden.layers.few_bits import FewBits
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.arithmetic.dot import DotConfig
from sigmabit.hdl.arithmetic.few_bit_sums import constant_adder, sums_of_products, sums_of_unlike
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.layers import mvu as unit
from sigmabit.hdl.layers.convolution import operand_for
from sigmabit.hdl.layers.dense import borders
from sigmabit.hdl.layers.few_bits import few_bits_kind
from sigmabit.hdl.layers.folding import Folding
from sigmabit.hdl.layers.mvu import MvuConfig
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import Flow, bit, index_bits, reset

PLAIN = Grid(1, 0, 1.0)


@dataclass(frozen=True)
class Unit:
    """A dense layer: weights from -limit to limit of codes of `bits` bits; thresholds of a channel, 0 for scores. Its sums take
    so many chunks, and outputs come `lanes` at a time.
    """

    inputs: int
    outputs: int
    limit: int
    bits: int
    thresholds: int
    chunks: int = 1
    lanes: int = 0
    signed: bool = False
    grid: Grid = PLAIN

    @cached_property
    def layer(self) -> FewBits:
        """Drawn weights, and thresholds where sums lie."""
        random, levels = np.random.default_rng(1), 1 << self.bits
        weights = random.integers(-self.limit, self.limit + 1, (1, 1, self.inputs, self.outputs))
        spread = max(1, int(np.sqrt(self.inputs) * self.limit * levels / 4))
        drawn = np.sort(random.integers(-spread, spread + 1, (self.outputs, self.thresholds)), axis=1)
        steps = Steps(drawn) if self.thresholds else None
        codes = Range(-levels // 2, levels // 2 - 1) if self.signed else Range(0, levels - 1)
        window = Window(Axis(1, 1), Axis(1, 1))
        return FewBits("layer", (), TensorType(1, 1, self.inputs, codes), self.grid, window, weights, steps)

    @cached_property
    def config(self) -> MvuConfig:
        """The unit."""
        lanes = self.lanes or self.outputs
        weights = self.layer.weights.reshape(self.chunks, -1, self.outputs)
        style = Folding(1, 1, lanes).weights_style(self.chunks * -(-self.outputs // lanes))
        return unit.configure(few_bits_kind(self.layer, 1).arithmetic, self.chunks, weights, lanes, style, borders)

    def synthesised(self, folder: Path) -> int:
        """LUTs of the unit."""
        config, words = self.config, len(self.config.biases.words)
        operand_bits = self.inputs // self.chunks * self.bits
        folds = index_bits(len(config.weights.words))
        operand = operand_for(operand_bits, folds, index_bits(words) if words > 1 else 0, config)
        result_bits = config.accumulate.result_bits if config.activate is None else config.activate.result_bits
        with outline():
            block = unit.mvu(bit(), reset(), operand, Flow(self.outputs * result_bits), config)
        design = convert(block)
        return synthesise(design.write(folder / "verilog"), design.top, folder / "yosys").area.lut


@pytest.mark.parametrize(
    "case",
    [
        Unit(18, 4, 1, 2, 3),  # ternary constants
        Unit(12, 3, 3, 4, 7, grid=Grid(2, -7, 1.0)),  # constants of three bits, of codes on an odd grid
        pytest.param(Unit(36, 8, 1, 2, 3), marks=pytest.mark.long),
        pytest.param(Unit(24, 4, 1, 8, 0), marks=pytest.mark.long),
        pytest.param(Unit(24, 4, 3, 4, 0, signed=True), marks=pytest.mark.long),
        pytest.param(Unit(18, 4, 7, 4, 7), marks=pytest.mark.long),
        pytest.param(Unit(12, 4, 127, 4, 3), marks=pytest.mark.long),
        pytest.param(Unit(18, 4, 3, 4, 7, 3, 2), marks=pytest.mark.long),  # weights that change
        pytest.param(Unit(27, 8, 7, 4, 7, 3, 4), marks=pytest.mark.long),
        pytest.param(Unit(18, 4, 1, 2, 3, 2), marks=pytest.mark.long),  # in two words
    ],
    ids=str,
)
def test_area(case: Unit, tmp_path: Path) -> None:
    """A unit with what its weights leave of it."""
    found = case.synthesised(tmp_path)
    assert 0.9 * found <= case.config.bill(SERIES7).lut <= 1.1 * found


def lut(weights: list[list[list[int]]], bits: int = 4) -> float:
    """Of such weights, (words, inputs, lanes)."""
    drawn = np.array(weights)
    config = DotConfig(drawn.shape[1], bits, False, 4, drawn.shape[2], 10)
    return sums_of_products(SERIES7, config, drawn).lut


def test_constants() -> None:
    """Zeros and powers of two take no logic, negative ones inverters, and what lanes have in common is there once."""
    assert lut([[[0], [0]]]) == lut([[[4], [0]]]) - 4 == 0  # three registers in a row are a delay, of a LUT for each bit
    assert lut([[[1], [2]]]) == 3  # of two numbers of four bits, three overlap
    assert lut([[[1], [-1]]]) == 4 + 4  # inverters, and a sum
    assert lut([[[3], [5]]]) == lut([[[3, 3], [5, 5]]])


def test_weights_that_change() -> None:
    """All of them are unlike where none is known; of two words, few are."""
    random = np.random.default_rng(1)
    config = DotConfig(8, 2, False, 4, 6, 10)
    many = random.integers(-8, 8, (16, 8, 6))
    assert sums_of_products(SERIES7, config, many).lut == pytest.approx(sums_of_unlike(SERIES7, config).lut, rel=0.05)
    assert sums_of_products(SERIES7, config, np.clip(many[:2], -1, 1)).lut < 0.6 * sums_of_unlike(SERIES7, config).lut


def test_only_some_are_looked_at() -> None:
    """Of very many products a part stands for all."""
    random = np.random.default_rng(1)
    config = DotConfig(1024, 2, False, 3, 96, 16)
    weights = random.integers(-4, 4, (1, 1024, 96))
    whole = sums_of_products(SERIES7, config, weights).lut
    half = sums_of_products(SERIES7, DotConfig(512, 2, False, 3, 96, 16), weights[:, :512]).lut
    assert whole == 2 * half


def test_adding_a_constant() -> None:
    """An inverter for each bit."""
    assert [constant_adder(SERIES7, constant, 8).lut for constant in (0, 5, -1)] == [0, 2, 8]
