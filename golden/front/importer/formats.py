"""The ends of a network: how the graph's input becomes codes, and how its output follows from the last layer's results."""

from __future__ import annotations

import numpy as np

from ...network.network import InputFormat, OutputFormat
from ...types.grid import Grid
from ...types.range import BITS, Range
from ...types.scalar import Add, Binarise, Chain, Count, Float, Quantise, Sign, Step, Truncate
from ...types.tensor import TensorType
from .joins import Unquantised
from .scalar_nodes import Refusal
from .symbols import Codes, Index, Input, Sums, Symbol

MAX_LEVELS = 1 << 16
"""Of an input."""

MOST_ZERO = 1 << 24
"""Of zero points, in steps."""


def output_format(name: str, symbol: Symbol, shape: tuple[int, ...]) -> OutputFormat:
    """How the graph's output, of such a shape with a batch of 1, follows from the last layer's result."""
    source = symbol.source
    if isinstance(source, Input):
        raise Refusal("no layer stands between the input and the output")
    elements = symbol.index.reshape(-1)
    raster = source.frame.settled.transpose(1, 2, 0).reshape(-1)
    place = np.empty(source.frame.size, np.int64)
    place[raster] = np.arange(source.frame.size)
    chain = symbol.chain.map_constants(lambda c: np.asarray(c) if np.ndim(c) == 0 else c[elements])
    if isinstance(source, Codes):
        scale, gain, offset = np.array(source.grid.scale), source.grid.gain, source.grid.offset
    else:
        assert isinstance(source, Sums | Unquantised)
        channel = np.empty(source.frame.size, np.int64)
        channel[source.frame.settled] = np.arange(source.frame.shape[0])[:, None, None]
        scales, origin = source.line
        scale, gain, offset = scales[channel[elements]], 1, 0
        if origin.any():
            chain = Chain((Add(source.node.name, origin[channel[elements]]), *chain.steps))
    return OutputFormat(name, shape[1:], place[elements], scale, gain, offset, chain)


def input_format(
    name: str, shape: tuple[int, ...], view: Index, codes: Range, grid: Grid, quantiser: Chain | None, assumed: bool
) -> InputFormat:
    """How the graph's input becomes the first layer's codes; view: (C, H, W) elements as they are on the stream."""
    channels, height, width = view.shape
    order = view.transpose(1, 2, 0).reshape(-1)
    return InputFormat(name, shape, order, TensorType(height, width, channels, codes), grid, quantiser, assumed)


def _levels(last: Step) -> tuple[float, float]:
    """The lower and the upper number that a binarisation gives."""
    pair: tuple[Float, Float]
    if isinstance(last, Quantise):
        zero_point = last.zero_point.astype(np.float32)
        pair = ((last.lowest - zero_point) * last.scale, (last.highest - zero_point) * last.scale)
    elif isinstance(last, Binarise):
        pair = (last.low, last.high)
    else:
        raise Refusal("numbers of a function, expected those of a quantiser")
    if any(np.asarray(level).size > 1 for level in pair):
        raise Refusal("binary activations whose size differs between channels")
    low, high = sorted(float(np.asarray(level).flat[0]) for level in pair)
    return low, high


def codes_of(last: Step) -> tuple[Range, Grid]:
    """The codes that the input's quantiser gives, and what they stand for."""
    if last.levels > MAX_LEVELS:
        raise Refusal(f"an input of {last.levels} levels; at most {MAX_LEVELS} are supported")
    if isinstance(last, Truncate):
        raise Refusal("numbers that are cut, expected those of a quantiser")
    if isinstance(last, Count):
        reals = np.sort(last.of(np.arange(last.levels, dtype=np.float32)))
        grid = Grid.fit(reals)
        if grid is None:
            raise Refusal(f"levels from {reals[0]:g} to {reals[-1]:g} that are not evenly spaced")
        return Range.of_levels(last.levels), grid
    if any(map(np.ndim, last.constants)):
        raise Refusal("an input grid that differs between channels")
    if isinstance(last, Quantise):
        zero_point = float(last.zero_point.flat[0])
        if zero_point % 1:
            raise Refusal(f"a zero point of {zero_point:g}, expected a whole number")
        if abs(zero_point) > MOST_ZERO:
            raise Refusal(f"a zero point of {zero_point:g}, beyond {MOST_ZERO}, up to which float32 holds all whole numbers")
        return Range.of_levels(last.levels), Grid(1, last.lowest - int(zero_point), float(last.scale.flat[0]))
    return BITS, binary_grid(last)


def cut_codes(chain: Chain, codes: Codes) -> tuple[Range, Grid]:
    """What is left of the input's codes behind a chain of one number each: those that it takes them to. Raises Refusal."""
    if any(np.ndim(constant) for step in chain.steps for constant in step.constants):
        raise Refusal("an input grid that differs between channels")
    reals = np.unique(chain(codes.grid.reals(np.arange(codes.range.low, codes.range.high + 1))))
    grid = Grid.fit(reals) if len(reals) > 1 else None
    if grid is None:
        raise Refusal(f"{len(reals)} levels from {reals[0]:g} to {reals[-1]:g} that are not evenly spaced")
    return Range.of_levels(len(reals)), grid


def binary_grid(last: Step) -> Grid:
    """The grid of the two numbers that a binarisation gives."""
    low, high = _levels(last.without_zero if isinstance(last, Sign) else last)
    grid = Grid.fit(np.array([low, high], np.float32))
    if grid is None:
        raise Refusal(f"binary activations of the levels {low:g} and {high:g}")
    return grid
