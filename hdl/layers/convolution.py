"""A convolution layer: windows of the stream, and the matrix-vector unit that they feed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmabit.golden.layers.abreast import Abreast
from sigmabit.golden.layers.linear import Linear

from ..arithmetic.rom import RomStyle
from ..family import Cost
from ..verilog.module import composite
from ..verilog.stream import Operand
from . import mvu as unit
from .abreast import TapsConfig
from .folding import Folding, Unsuitable
from .kind import Arrivals, Use
from .layer import LayerConfig, Stage
from .mvu import Arithmetic, MvuConfig, mvu
from .timing import Times
from .weighted import MOST_SLICES, Weighted, divisors
from .window import WindowConfig, rows_needed, window, window_starts


@dataclass(frozen=True)
class ConvolutionConfig(LayerConfig):
    """name: the layer's. windows: what reads its operands. mvu: what they meet."""

    windows: WindowConfig
    mvu: MvuConfig

    @property
    def block(self) -> Any:
        return convolution

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.windows, self.mvu


def configure(
    arithmetic: Arithmetic, folding: Folding, rows: int, contents: bool = True, positions: int = 1
) -> ConvolutionConfig:
    """The blocks of a layer: folding.group kernel columns and 1 / folding.slices of the channels at a time.

    rows: of the buffer. contents: False leaves the table of weights empty, for estimates. positions: side by side in a beat.
    """
    layer, repeats = arithmetic.layer, folding.repeats(arithmetic.layer.channels)
    width = layer.input.layout.beat_bits
    columns = folding.group if positions == 1 else Abreast(layer.window, positions).beats.columns.kernel
    windows = WindowConfig(layer.window, width, columns, folding.slices, repeats, rows, positions)
    chunks, style = windows.fold.chunks, folding.weights_style(windows.fold.folds)
    tapping = None if positions == 1 else TapsConfig(windows.abreast, width // folding.slices)
    if contents:
        return ConvolutionConfig(layer.name, windows, _filled(arithmetic, folding, chunks, style, tapping))
    limits = Borders(positions)
    array = unit.configure(arithmetic, chunks, None, folding.lanes, style, limits, tapping, products=folding.products)
    return ConvolutionConfig(layer.name, windows, array)


@lru_cache(maxsize=32)
def _filled(arithmetic: Arithmetic, folding: Folding, chunks: int, style: RomStyle, tapping: TapsConfig | None) -> MvuConfig:
    """The unit with its weights. From point to point of a sweep, most layers stay as they are."""
    layer = arithmetic.layer
    # weights (ky, kx, c, o) in the order of the chunks: groups of kx, slices of c; inside a chunk ky, kx, c
    kernel_rows, kernel_columns, inputs, channels = layer.weights.shape
    parts = kernel_columns // folding.group, folding.group, folding.slices, inputs // folding.slices
    split = layer.weights.reshape(kernel_rows, *parts, channels)
    weights = split.transpose(1, 3, 0, 2, 4, 5).reshape(chunks, -1, channels)
    limits = Borders(1 if tapping is None else tapping.abreast.positions)
    return unit.configure(arithmetic, chunks, weights, folding.lanes, style, limits, tapping, products=folding.products)


@dataclass(frozen=True)
class Borders:
    """What kernel positions on the image add, (borders * places, channels), for each value of Operand.bias above the repeat."""

    positions: int = 1

    def __call__(self, layer: Linear) -> NDArray[np.int64]:
        kernel = Abreast(layer.window, self.positions).beats
        width = layer.input.layout.beat_bits
        windows = WindowConfig(layer.window, width, kernel.columns.kernel, 1, 1, kernel.rows.kernel, self.positions)
        _, column_bits, _ = windows.bias_fields
        # (row classes, rows of places, kernel rows), (column classes, columns of places, kernel columns)
        down, across = np.array(windows.row_classes, np.int64), np.array(windows.column_classes, np.int64)
        # of the taps inside, (row classes, column classes, places, channels)
        sums = np.einsum("yqr,xpc,rco->yxqpo", down, across, layer.tap_offsets, optimize=True)
        inside = sums.reshape(*sums.shape[:2], -1, layer.channels)
        words = np.zeros((len(down), 1 << column_bits, *inside.shape[2:]), np.int64)
        words[:, : len(across)] = inside
        filled = words.reshape(-1, *inside.shape[2:])[: (len(down) - 1 << column_bits) + len(across)]
        return filled.reshape(-1, layer.channels)


@composite
def convolution(clk, rst, sink, source, config):
    """source = the convolution of sink's frames with the layer's weights, made bits or codes, or as scores."""
    windows, array = config.windows, config.mvu
    operand = operand_for(windows.chunk_bits, windows.fold.address_bits, windows.bias_bits, array)
    return window(clk, rst, sink, operand, windows), mvu(clk, rst, operand, source, array)


def operand_for(bits: int, address_bits: int, bias_bits: int, array: MvuConfig) -> Operand:
    """The operand between a source of that shape and a unit, without what the folding has no use for."""
    needs_address = len(array.weights.words) > 1
    return Operand(bits, address_bits if needs_address else 0, bias_bits, folded=array.accumulate.folded)


@dataclass(frozen=True)
class ConvolutionKind(Weighted):
    """Windows that slide over the image: one kernel column at a time or all of them, and some of the channels.

    Of several positions side by side all kernel columns are taken at once: each place has other ones in a beat.
    """

    def check_positions(self) -> None:
        try:
            _ = self.abreast.beats
        except ValueError as error:
            raise Unsuitable(f"{self.layer.name}: {self.positions} positions side by side: {error}") from None

    @cached_property
    def abreast(self) -> Abreast:
        """How windows lie on beats."""
        return Abreast(self.layer.window, self.positions)

    @property
    def places(self) -> int:
        return self.abreast.places

    @property
    def whole(self) -> int:
        return self.layer.window.columns.kernel

    @cached_property
    def turns(self) -> int:
        return self.abreast.beats.outputs

    @cached_property
    def last_turns(self) -> int:
        needs = self.abreast.beats.needs()
        return len(needs) - needs.index(max(needs))

    def cuts(self) -> Iterator[tuple[int, int]]:
        for group in sorted({1, self.whole} if self.positions == 1 else {self.whole}):
            yield from ((group, slices) for slices in divisors(self.layer.input.channels, MOST_SLICES))

    def check(self, folding: Folding) -> None:
        super().check(folding)
        if folding.group not in (1, self.whole):
            raise Unsuitable(f"{self.layer.name}: group={folding.group} does not suit a kernel of {self.whole}")
        if self.positions > 1 and folding.group != self.whole:
            raise Unsuitable(
                f"{self.layer.name}: group={folding.group} of {self.whole}, with {self.positions} positions in a beat"
            )

    def needs(self, position: int) -> int:
        return self._needs[position]

    @cached_property
    def _needs(self) -> tuple[int, ...]:
        return self.abreast.beats.needs()

    def starts(self, arrivals: Arrivals, folding: Folding) -> Times:
        return window_starts(arrivals.beats, self.abreast.beats, self.folds(folding))

    def sized(self, arrivals: Arrivals, folding: Folding, contents: bool = True) -> LayerConfig:
        rows = rows_needed(arrivals.beats, self.starts(arrivals, folding), self.abreast.beats, self.folds(folding))
        return configure(self.arithmetic, folding, rows, contents, self.positions)

    def expected_cost(self, folding: Folding, use: Use) -> Cost:
        rows = self.abreast.beats.rows.kernel + 1
        contents = self.arithmetic.reckons(self.folds(folding))
        return configure(self.arithmetic, folding, rows, contents, positions=self.positions).bill(use.family)
