"""Activations of a graph while it is imported: which elements of which source they are, and what is still to be applied."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...layers.window import Window
from ...types.grid import Grid
from ...types.range import Range
from ...types.scalar import Chain, Float, Join, Rowwise, Step
from .model_file import Node
from .scalar_nodes import Refusal

MAX_ACTIVATION = 1 << 24
"""Elements of an activation: far more than any hardware streams, few enough to be indexed."""

PAD = -1
"""Index of an element that is a padding zero."""

Shape = tuple[int, int, int]
"""(channels, height, width)."""

Index = NDArray[np.int64]


def _size(shape: tuple[int, ...]) -> int:
    """How many elements an activation has. Raises Refusal if these are too many."""
    size = math.prod(shape)
    if size > MAX_ACTIVATION:
        raise Refusal(f"an activation of {size} elements, at most {MAX_ACTIVATION} are supported")
    return size


def once_each(elements: Index, size: int) -> bool:
    """Are they all numbers below `size`, each of them once?"""
    if elements.size != size or np.any(elements < 0) or np.any(elements >= size):
        return False
    there = np.zeros(size, np.bool_)
    there[elements.reshape(-1)] = True
    return bool(there.all())


@dataclass(eq=False)
class Frame:
    """The elements of one tensor on a stream. view: (C, H, W) of their flat indices; on the graph's input it stays open until
    a layer asks for an order.
    """

    size: int
    view: Index | None = None

    @staticmethod
    def of(shape: Shape) -> Frame:
        """A tensor in its natural order."""
        size = _size(shape)
        return Frame(size, np.arange(size).reshape(shape))

    def read_as(self, view: Index) -> bool:
        """Can the elements be read as `view`? An open order becomes it."""
        if self.view is None and once_each(view, self.size):
            self.view = view
        return self.view is not None and np.array_equal(self.view, view)

    @property
    def settled(self) -> Index:
        """The order, which must be known by now."""
        assert self.view is not None
        return self.view

    @property
    def shape(self) -> Shape:
        """(channels, height, width)."""
        channels, height, width = self.settled.shape
        return channels, height, width


@dataclass(eq=False)
class Input:
    """The graph's input as it is fed."""

    frame: Frame


@dataclass(eq=False)
class Codes:
    """Codes on a stream after `stage` layers, which there are, and what their maker means by them.

    requantised: the node that makes others of them before they are on any stream, as of an input that is quantised twice.
    """

    frame: Frame
    stage: int
    range: Range
    grid: Grid
    consumer: str | None = None
    requantised: str | None = None


@dataclass(frozen=True, eq=False)
class Pooling:
    """A maximum taken over sums, after the steps of `before`."""

    node: Node
    before: Chain
    window: Window


@dataclass(eq=False)
class Sums:
    """Accumulators of a layer whose normalisation is open, perhaps pooled.

    weights: (kh, kw, in, out), or (in, out) in stream order for a dense layer, whose window is None. grid: how the layer
    reads `codes`. scale: (out,) float64, what one unit of a sum is worth; variation: by how much of it the weights differ. means:
    what they are the means of, all positions of each channel, if they are.
    """

    node: Node
    codes: Codes
    grid: Grid
    window: Window | None
    weights: NDArray[np.integer]
    scale: Float
    variation: float
    frame: Frame
    poolings: tuple[Pooling, ...] = ()
    consumer: str | None = None
    means: Symbol | None = None

    @property
    def line(self) -> tuple[Float, Float]:
        """(out,) what a unit of a sum is worth, and the number of sum 0."""
        return self.scale, np.zeros_like(self.scale)


@dataclass(eq=False)
class Unknown:
    """What a refused node would give, so that faults behind it are found. raw: only scalar nodes lead to it from the input."""

    frame: Frame
    raw: bool


@dataclass(eq=False)
class Chosen:
    """One number that the host makes of a whole row of scores. scores: with the steps that lead to it."""

    frame: Frame
    scores: Symbol


class Source(Protocol):
    """What an activation's elements are elements of."""

    @property
    def frame(self) -> Frame: ...


@dataclass(frozen=True, eq=False)
class Symbol:
    """An activation of the graph, in the graph's shape with a batch of 1: element index[...] of the source, then `chain`.

    The chain's constants are scalars, or arrays over the source's elements.
    """

    source: Source
    index: Index
    chain: Chain = field(default_factory=Chain)

    @property
    def shape(self) -> tuple[int, ...]:
        """The activation's shape in the graph."""
        return self.index.shape

    def rearranged(self, index: Index) -> Symbol:
        """The same elements in another arrangement."""
        return replace(self, index=index)

    def then(self, steps: Sequence[Step]) -> Symbol:
        """The symbol after scalar steps whose constants broadcast against its shape."""
        if np.any(self.index == PAD):
            raise Refusal("it stands between a padding and the layer that the padding is for")
        chain = self.chain
        for step in steps:
            chain = chain.then(step.with_constants(tuple(map(self._by_element, step.constants))))
        return replace(self, chain=chain)

    def _by_element(self, constant: Float) -> Float:
        constant = np.asarray(constant)
        try:
            spread = np.broadcast_to(constant, self.shape)
        except ValueError:
            raise Refusal(f"a constant of shape {constant.shape} does not fit an activation of shape {self.shape}") from None
        if np.all(constant == constant.flat[0]):
            return constant.reshape(-1)[0]  # type: ignore[no-any-return]
        flat = np.zeros(self.source.frame.size, constant.dtype)
        elements = self.index.reshape(-1)
        flat[elements] = spread.reshape(-1)
        if np.any((flat[elements] != spread.reshape(-1)) & (elements != PAD)):
            raise Refusal("it treats copies of one element differently, which are one on the stream")
        return flat


def unwrapped(symbol: Symbol) -> Symbol:
    """An activation as scores with all that the host does to them, in the scores' shape."""
    source = symbol.source
    if not isinstance(source, Chosen):
        return symbol
    return replace(source.scores, chain=Chain((*source.scores.chain.steps, *symbol.chain.steps)))


def unknown(shape: tuple[int, ...], raw: bool = False) -> Symbol:
    """An activation of which nothing but the shape is known. Raises Refusal if it is too large."""
    size = _size(shape)
    return Symbol(Unknown(Frame(size), raw), np.arange(size).reshape(shape))


def joined(node: str, function: Callable[[Float, Float], Float], first: Symbol, second: Symbol) -> Symbol | None:
    """A function of two activations as a step of one, where both are made of the same elements alone; None elsewhere."""
    if first.source is not second.source or not np.array_equal(first.index, second.index) or np.any(first.index == PAD):
        return None
    ones, others = first.chain.steps, second.chain.steps
    common = 0
    while common < min(len(ones), len(others)) and ones[common] is others[common]:
        common += 1
    if any(isinstance(step, Rowwise) for step in (*ones[common:], *others[common:])):
        return None
    step = Join(node, function, Chain(ones[common:]), Chain(others[common:]))
    return replace(first, chain=Chain((*ones[:common], step)))


Value = Symbol | NDArray[Any] | None
"""What a tensor of the graph is: an activation, a constant, or None where a finding made it unknown."""


def per_channel(chain: Chain, frame: Frame) -> Chain:
    """The chain with its constants as scalars or columns (channels, 1), for a tensor that is normalised channel by channel."""

    def column(constant: Float) -> Float:
        if np.ndim(constant) == 0:
            return np.asarray(constant)
        rows = constant[frame.settled].reshape(frame.shape[0], -1)
        if np.any(rows != rows[:, :1]):
            raise Refusal("the normalisation before it differs between positions of one channel")
        return np.asarray(rows[:, :1])

    return chain.map_constants(column)


def strip_padding(index: Index) -> tuple[Index, tuple[int, int, int, int]]:
    """The image inside the zeros around (C, H, W) elements, and their margins: top, left, bottom, right."""
    rows = np.flatnonzero(np.any(index != PAD, axis=(0, 2)))
    columns = np.flatnonzero(np.any(index != PAD, axis=(0, 1)))
    if not len(rows):
        raise Refusal("its input is nothing but padding")
    top, bottom, left, right = int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])
    inner = index[:, top : bottom + 1, left : right + 1]
    if np.any(inner == PAD):
        raise Refusal("zeros inside its input, or padded channels")
    return inner, (top, left, index.shape[1] - 1 - bottom, index.shape[2] - 1 - right)
