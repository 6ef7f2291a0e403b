"""What multiplies in layers of a few bits, made in each of its ways: planned and found by Yosys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sigmabit.fpga.netlist import Area
from sigmabit.fpga.synthesis import synthesise
from sigmabit.golden.arithmetic.steps import Steps
from sigmabit.golden.layers.few_bits import FewBits
from sigmabit.golden.layers.window import Axis, Window
from sigmabit.golden.types.grid import Grid
from sigmabit.golden.types.range import Range
from sigmabit.golden.types.tensor import TensorType
from sigmabit.hdl.arithmetic.products import Products
from sigmabit.hdl.family import SERIES7
from sigmabit.hdl.layers import mvu as unit
from sigmabit.hdl.layers.convolution import operand_for
from sigmabit.hdl.layers.dense import borders
from sigmabit.hdl.layers.few_bits import few_bits_kind
from sigmabit.hdl.layers.folding import Folding
from sigmabit.hdl.layers.mvu import Arithmetic, MvuConfig
from sigmabit.hdl.verilog.convert import convert
from sigmabit.hdl.verilog.module import outline
from sigmabit.hdl.verilog.stream import Flow, bit, index_bits, reset

SHAPES = ((18, 4), (72, 8))
"""Codes and outputs at a time of the units that are measured: windows of 3 x 3 of 2 channels and of 8."""

BITS = ((1, 1), (1, 2), (2, 2), (3, 3), (4, 4), (8, 8))
"""Of weights and of codes."""

FOLDS = (1, 8)
"""Groups of outputs that take turns: one, whose weights are constants, and several."""

MOST = 1 << 14
"""Products of single bits that a sweep's unit makes: Yosys takes minutes for more."""

SHOWN: dict[Products, str] = {"planes": "counts of bits", "single": "multipliers", "pairs": "multipliers of two", "logic": "rows"}
"""What ways are called; single multipliers are LUTs where numbers are too short for a DSP48."""


@dataclass(frozen=True)
class Shape:
    """A dense layer whose sums take one chunk: codes at a time, outputs at a time, bits of a weight and of a code, groups.

    whole: weights of two bits and more are all that these can be; else as many below 0 as above, two bits -1, 0 and 1.
    """

    inputs: int
    lanes: int
    weight_bits: int
    bits: int
    folds: int
    whole: bool = False

    @property
    def products(self) -> int:
        """Made in every cycle."""
        return self.inputs * self.lanes

    @property
    def layer(self) -> FewBits:
        """Drawn weights, and thresholds where sums lie; a code of 2 bits or 1 behind it, or 3."""
        random, levels, outputs = np.random.default_rng(1), 1 << self.bits, self.lanes * self.folds
        limit = max(1, (1 << (self.weight_bits - 1)) - 1)
        drawn = random.integers(-limit - self.whole, limit + 1, (1, 1, self.inputs, outputs))
        weights = random.choice(np.array([-1, 1]), drawn.shape) if self.weight_bits == 1 else drawn
        spread = max(2, int(np.sqrt(self.inputs) * limit * levels / 4))
        thresholds = np.sort(random.integers(-spread, spread + 1, (outputs, min(7, levels - 1))), axis=1)
        tensor, window = TensorType(1, 1, self.inputs, Range(0, levels - 1)), Window(Axis(1, 1), Axis(1, 1))
        return FewBits("layer", (), tensor, Grid(1, 0, 1.0), window, weights, Steps(thresholds))

    @property
    def arithmetic(self) -> Arithmetic:
        """What a plan would compute the layer by."""
        return few_bits_kind(self.layer, 1).arithmetic

    @property
    def ways(self) -> tuple[Products, ...]:
        """What its products can be made by."""
        return self.arithmetic.ways(self.lanes, self.folds == 1)

    def shown(self, way: Products) -> str:
        """What a way is called: single bits are counted in any case."""
        return SHOWN["planes" if self.weight_bits == 1 else way]

    def unit(self, way: Products) -> MvuConfig:
        """What multiplies, accumulates and compares."""
        arithmetic = self.arithmetic
        style = Folding(1, 1, self.lanes, block=True).weights_style(self.folds)
        weights = arithmetic.layer.weights.reshape(1, self.inputs, -1)
        return unit.configure(arithmetic, 1, weights, self.lanes, style, borders, products=way)


def unit_area(config: MvuConfig, shape: Shape, folder: Path) -> Area:
    """The unit by itself, its tables included, by Yosys for xc7."""
    words = len(config.biases.words)
    operand = operand_for(
        shape.inputs * shape.bits, index_bits(len(config.weights.words)), index_bits(words) if words > 1 else 0, config
    )
    assert config.activate is not None
    with outline():
        block = unit.mvu(bit(), reset(), operand, Flow(shape.lanes * shape.folds * config.activate.result_bits), config)
    design = convert(block)
    return synthesise(design.write(folder / "verilog"), design.top, folder / "yosys").area


def swept() -> list[Shape]:
    """Those of a sweep."""
    every = [
        Shape(*size, *bits, folds, whole) for size in SHAPES for bits in BITS for folds in FOLDS for whole in _kinds(bits[0])
    ]
    return [shape for shape in every if shape.products * shape.weight_bits * shape.bits <= MOST]


def _kinds(weight_bits: int) -> tuple[bool, ...]:
    """Weights of two bits are looked at both ways."""
    return (False, True) if weight_bits == 2 else (False,)


def plot(path: Path, labels: Sequence[str], found: Sequence[dict[str, float]]) -> None:
    """Draw LUT6 per product for each shape, a bar for each way."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.add_subplot()
    ways = [way for way in SHOWN.values() if any(way in each for each in found)]
    width = 0.8 / len(ways)
    for number, way in enumerate(ways):
        places = [place + (number - (len(ways) - 1) / 2) * width for place, each in enumerate(found) if way in each]
        axes.bar(places, [each[way] for each in found if way in each], width, label=way)
    axes.set_xticks(range(len(labels)), list(labels), rotation=60, ha="right", fontsize=7)
    axes.set(
        yscale="log",
        ylabel=f"{SERIES7.resources['lut']} per product",
        title="Units of a few bits, accumulators and thresholds included, by Yosys for xc7",
    )
    axes.grid(axis="y", which="both", alpha=0.3)
    axes.legend(fontsize=8, loc="upper left")
    figure.savefig(path, format="png", dpi=110)
