"""Layers of real weights while a graph is imported."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...layers.window import Axis, Window
from ...network.real import RealBeside, RealLinear
from ...types.grid import BIPOLAR, Grid
from ...types.range import BITS, Range
from ...types.scalar import Apart, Chain, Float
from .affine import IDENTITY, Affine, Parts, Real, affine, behind, split
from .scalar_nodes import Refusal
from .symbols import Codes, Frame, Index, Source, Symbol

PROBES = 16
"""Random frames on which expressions of heads are compared."""

MAX_WEIGHTS = 1 << 26
"""Weights of a network, zeros included: of two bits each more than all memories and tables of any known part hold, but for the
largest of UltraScale+; to read more would take more memory than a file that nobody vouches for may. How many of fewer a part has
room for, its plan says.
"""

MOST_OWN = 1 << 12
"""Channels of a layer that may have functions of their own: each has a table."""

ALIKE = np.linspace(-64, 64, 4097)
"""Numbers for which functions must be the same that are taken for one."""

MAX_PROBE = 1 << 16
"""Sums of a layer that may be part of expressions."""


@dataclass(eq=False)
class Intermediate:
    """A source that no layer can take, and why."""

    frame: Frame
    reason: str


@dataclass(frozen=True, eq=False)
class Reading:
    """What a layer takes: elements of `source`, placed on the stream as the (C, H, W) elements of `view`.

    parts: of the steps behind the source; `before` and `function` are the source's to apply, `after` is the layer's. shift: what
    is added to the numbers that codes stand for (-1 and +1, if they are bits of a layer), where zero padding keeps the layer from
    absorbing it.
    """

    source: Source
    parts: Parts
    view: Index
    nodes: tuple[str, ...]
    shift: float = 0.0

    @property
    def absorbed(self) -> tuple[str, ...]:
        """Nodes that become part of the layer that reads."""
        return () if isinstance(self.source, Linear) else self.nodes

    def same(self, other: Reading) -> bool:
        """Do two layers take the same?"""
        mine, others = (
            (*(a for part in (r.parts.before, r.parts.after) for a in (part.gain, part.offset)), r.view, np.array(r.shift))
            for r in (self, other)
        )
        alike = all(np.array_equal(a, b) for a, b in zip(mine, others, strict=True))
        return alike and self.source is other.source and self.parts.function.steps == other.parts.function.steps


@dataclass(eq=False)
class Linear:
    """A layer of weights, as the source of its sums.

    weights: (kernel_height, kernel_width, in, rows, columns, out) as in RealLinear; bias: (rows, columns, out). A layer of one
    position is open: its sums may be read as an image of any shape. tensor: the graph's that it begins. means: what they are the
    means of, all positions of each channel, if they are. pool: a window, of whose results of the function `inner` the largest are
    taken. inside: (kernel_height, kernel_width, rows, columns, out) biases of kernel positions, as in RealLinear; None for none,
    or for one window, whose bias they are part of.
    """

    kind: str
    nodes: tuple[str, ...]
    tensor: str
    input: Reading
    window: Window
    weights: Real
    bias: Real
    frame: Frame
    means: Symbol | None = None
    pool: Window | None = None
    inner: Chain = field(default_factory=Chain)
    inside: Real | None = None

    def chosen(self, channels: Index, gain: Real, offset: Real) -> Linear:
        """The same with other channels, (n,) of its own, each times a gain, plus an offset."""
        inside = None if self.inside is None else self.inside[..., channels] * gain
        weights, bias = self.weights[..., channels] * gain, self.bias[..., channels] * gain + offset
        return replace(self, weights=weights, bias=bias, inside=inside)

    @property
    def open(self) -> bool:
        """Is there one position?"""
        return self.frame.shape[1:] == (1, 1) and self.pool is None

    @cached_property
    def probe(self) -> NDArray[np.float32]:
        """(PROBES, size) numbers that stand for the sums, others for each layer."""
        if self.frame.size > MAX_PROBE:
            raise Refusal(f"it samples or combines {self.frame.size} sums, at most {MAX_PROBE} are supported")
        random = np.random.default_rng(zlib.crc32(self.tensor.encode()))
        return random.normal(size=(PROBES, self.frame.size)).astype(np.float32)

    def build(self, name: str, taken: Reading) -> RealLinear:
        """The layer, whose sums are read as `taken` says."""
        _, height, width = taken.view.shape
        function = self.function_of(taken)
        gain, offset = taken.parts.before.of(taken.view)
        if self.open:
            elements = taken.view.transpose(1, 2, 0)
            gain, offset = gain.transpose(1, 2, 0), offset.transpose(1, 2, 0)
            weights, bias = self.weights[:, :, :, 0, 0, elements] * gain, self.bias[0, 0, elements] * gain + offset
            inside = None
        else:
            if np.any(gain != gain[:, :1, :1]) or np.any(offset != offset[:, :1, :1]):
                raise Refusal(f"{', '.join(taken.nodes)} before it differ between positions of one channel")
            chosen = taken.view[:, 0, 0] // (height * width)
            gain, offset = gain[:, 0, 0], offset[:, 0, 0]
            layer = self.chosen(chosen, gain, offset)
            weights, bias, inside = layer.weights, layer.bias, layer.inside
        rows, columns = weights.shape[3:5]
        if self.pool is not None:
            height, width = self.pool.rows.size, self.pool.columns.size
        return RealLinear(
            name,
            tuple(dict.fromkeys((*self.nodes, *taken.nodes))),
            self.window,
            weights.reshape(*weights.shape[:3], -1),
            bias.reshape(-1),
            function,
            rows,
            columns,
            height,
            width,
            self.pool,
            inside=None if inside is None else inside.reshape(*inside.shape[:2], -1),
        )

    def function_of(self, taken: Reading) -> Chain:
        """The function of the sums that `taken` reads, its constants as they are for each of the results of a position."""
        function = taken.parts.function.map_constants(lambda constant: self._of_results(constant, taken))
        results = max((np.size(constant) for constant in function.constants), default=0)
        if results > MOST_OWN:
            raise Refusal(f"{', '.join(taken.nodes)} before it differ between {results} channels, at most {MOST_OWN} have tables")
        return function

    def _of_results(self, constant: Float, taken: Reading) -> Float:
        if np.ndim(constant) == 0:
            return np.asarray(constant)
        numbers = constant[taken.view]
        if self.open:
            return numbers.transpose(1, 2, 0).reshape(-1)
        if np.any(numbers != numbers[:, :1, :1]):
            raise Refusal(f"{', '.join(taken.nodes)} before it differ between positions of one channel")
        return np.tile(numbers[:, 0, 0], self.weights.shape[3] * self.weights.shape[4])


@dataclass(eq=False)
class Beside:
    """What a dense layer gives, taken as `taken` says, and behind it numbers of a condition."""

    frame: Frame
    taken: Reading
    beside: RealBeside


def read(symbol: Symbol, view: Index | None = None) -> Reading:
    """What a layer takes that reads `symbol` as the image `view`, or element by element if that is None."""
    source = symbol.source
    if isinstance(source, Intermediate):
        raise Refusal(source.reason)
    nodes = tuple(dict.fromkeys(symbol.chain.nodes))
    if view is not None:
        source.frame.read_as(view)  # an order that is still open
    natural = source.frame.settled
    if isinstance(source, Linear):
        parts = split(symbol.chain, own=True) if source.pool is None else behind(symbol.chain, source.inner)
        if view is None:
            used = np.unique(symbol.index[symbol.index >= 0])
            reading = Reading(source, parts, used.reshape(-1, 1, 1) if source.open else natural, nodes)
            source.function_of(reading)  # refused here, where a node takes it
            return reading
        chosen = view[:, 0, 0] // natural[0].size
        fits = source.open or (view.shape[1:] == natural.shape[1:] and np.array_equal(view, natural[chosen]))
    else:
        whole = of_bits(symbol, source) if isinstance(source, Codes) and source.stage else affine(symbol.chain)
        if whole is None:
            raise Refusal(f"its input passes {', '.join(nodes)}, which only a layer of weights may have behind it")
        parts = Parts(IDENTITY, Chain(), whole)
        fits = view is None or np.array_equal(view, natural) or (isinstance(source, Codes) and source.stage == 0)
        view = natural if view is None else view
    if not fits:
        raise Refusal(f"it reads an activation of {natural.shape} rearranged, as {view.shape}")
    reading = Reading(source, parts, view, nodes)
    if isinstance(source, Linear):
        source.function_of(reading)
    return reading


def side_by_side(parts: Sequence[tuple[Symbol, Affine]]) -> Linear:
    """One layer of what several give: of each the elements (1, n) of a symbol, as an affine function of its sums. They take the
    same, or what layers of one function give that become one layer as well.

    Raises Refusal where they take other activations, or are no such layers.
    """
    layers = []
    for symbol, _ in parts:
        if not (isinstance(symbol.source, Linear) and symbol.source.open):
            raise Refusal("it joins what no dense layer gives")
        layers.append(symbol.source)
    layers = _on_one(layers)
    first = layers[0]
    weights, bias, nodes = [], [], list[str]()
    for layer, (symbol, function) in zip(layers, parts, strict=True):
        gain, offset = function.of(symbol.index[0])
        weights.append(layer.weights[..., symbol.index[0]] * gain)
        bias.append(layer.bias[..., symbol.index[0]] * gain + offset)
        nodes += layer.nodes
    joined = np.concatenate(weights, axis=-1), np.concatenate(bias, axis=-1)
    frame = Frame.of((joined[1].size, 1, 1))
    return Linear(first.kind, tuple(dict.fromkeys(nodes)), first.tensor, first.input, first.window, *joined, frame)


def _on_one(layers: list[Linear]) -> list[Linear]:
    """The same layers on one activation, which holds what each of them takes, if they do not take one anyway."""
    readings: list[Reading] = []
    for layer in layers:
        if not any(layer.input.same(reading) for reading in readings):
            readings.append(layer.input)
    if len(readings) == 1:
        return layers
    for reading in readings:
        if not isinstance(reading.source, Linear) or not reading.source.open or reading.shift:
            raise Refusal("it joins layers on different activations; branches are not supported")
    hidden = side_by_side([(Symbol(r.source, r.view.reshape(1, -1)), r.parts.before) for r in readings])
    nodes = tuple(dict.fromkeys(name for reading in readings for name in reading.nodes))
    ends = np.cumsum([0, *(reading.view.size for reading in readings)])
    view = np.arange(ends[-1]).reshape(-1, 1, 1)
    function = side_by_side_functions(nodes[0] if nodes else "", [(r.parts.function, r.view.reshape(-1)) for r in readings])
    whole = Reading(hidden, Parts(IDENTITY, function, IDENTITY), view, nodes)
    found = []
    for layer in layers:
        place = next(i for i, reading in enumerate(readings) if layer.input.same(reading))
        weights = np.zeros((1, 1, ends[-1], *layer.weights.shape[3:]))
        weights[:, :, ends[place] : ends[place + 1]] = layer.weights
        found.append(replace(layer, input=whole, weights=weights))
    return found


def side_by_side_functions(node: str, parts: Sequence[tuple[Chain, Index]]) -> Chain:
    """One function of what several layers give: of each the elements (n,) that stand one behind the other, behind its own."""
    if all(function.steps == parts[0][0].steps or alike(function, parts[0][0]) for function, _ in parts):
        return parts[0][0]
    ends = np.cumsum([0, *(len(elements) for _, elements in parts)])
    which, chains = np.zeros(ends[-1], np.float32), list[Chain]()
    for number, (function, elements) in enumerate(parts):
        which[ends[number] : ends[number + 1]] = number

        def spread(constant: Float, elements: Index = elements, begin: int = ends[number]) -> Float:
            """A constant, as it is for the elements that stand side by side."""
            if np.ndim(constant) == 0:
                return np.asarray(constant)
            everywhere = np.zeros(ends[-1], constant.dtype)
            everywhere[begin : begin + len(elements)] = constant[elements]
            return everywhere

        chains.append(function.map_constants(spread))
    return Chain((Apart(node, tuple(chains), which),))


def alike(first: Chain, second: Chain) -> bool:
    """Are two functions of one number the same, but for the nodes that they come from?"""
    if [type(step) for step in first.steps] != [type(step) for step in second.steps]:
        return False
    if any(np.ndim(constant) for constant in (*first.constants, *second.constants)):
        return False
    with np.errstate(all="ignore"):
        return bool(np.array_equal(first(ALIKE), second(ALIKE), equal_nan=True))


def spread_out(layer: Linear) -> Linear:
    """A convolution of few positions as a dense layer of the same sums, which may be read in any order."""
    matrix = matrix_of(layer.window, layer.weights, layer.frame)
    size, elements = layer.frame.size, layer.frame.settled.reshape(-1)
    weights, bias = np.empty(matrix.shape), np.empty(size)
    weights[:, elements] = matrix
    everywhere = np.broadcast_to(layer.bias, (1, *_positions(layer.window), *layer.bias.shape))
    if layer.inside is not None:
        everywhere = everywhere + layer.window.total_inside(layer.inside)
    bias[elements] = _image(everywhere, layer.frame).reshape(-1)
    axes = layer.window.rows, layer.window.columns
    shape = (*(axis.size for axis in axes), layer.weights.shape[2], 1, 1, size)
    return replace(
        layer,
        kind="dense",
        window=Window(*(Axis(axis.size, axis.size) for axis in axes)),
        weights=weights.reshape(shape),
        bias=bias.reshape(1, 1, -1),
        frame=Frame.of((size, 1, 1)),
        means=None,
        inside=None,
    )


def matrix_of(window: Window, weights: Real, frame: Frame) -> Real:
    """(height * width * in, size) what the sums, as (C, H, W), of a window of (kh, kw, in, rows, columns, out) weights take of
    each number of an image. Raises Refusal where these are more than any part holds.
    """
    inputs = window.inputs * weights.shape[2]
    if inputs * max(inputs, frame.size) > MAX_WEIGHTS:
        raise Refusal(
            f"layers at latent variables of more than one position become dense ones; {inputs} by {frame.size} weights are more "
            f"than the {MAX_WEIGHTS} that are read"
        )
    blocks = weights.reshape(*weights.shape[:3], -1)
    one = RealLinear("", (), window, blocks, np.zeros(blocks.shape[3]), Chain(), 1, 1, *_positions(window))
    sums = one.sums(np.eye(inputs).reshape(inputs, window.rows.size, window.columns.size, -1))
    shape = (inputs, *_positions(window), *weights.shape[3:])
    return _image(sums.reshape(shape), frame).reshape(inputs, -1)


def _positions(window: Window) -> tuple[int, int]:
    return window.rows.outputs, window.columns.outputs


def _image(blocks: Real, frame: Frame) -> Real:
    """(N, C, H, W) of (N, rows of blocks, columns of blocks, rows, columns, C)."""
    count, down, across, rows, columns, channels = blocks.shape
    image = blocks.transpose(0, 5, 1, 3, 2, 4).reshape(count, channels, down * rows, across * columns)
    return image[:, :, : frame.shape[1], : frame.shape[2]]


def dense(matrix: Real, elements: NDArray[np.int64], reading: Reading) -> tuple[Window, Real, Real]:
    """Window, weights and bias of a dense layer that multiplies the given elements of what is read by a matrix (K, M)."""
    gain, offset = reading.parts.after.of(elements)
    shape = (*reading.view.transpose(1, 2, 0).shape, 1, 1, matrix.shape[1])
    by_element = np.zeros((reading.source.frame.size, matrix.shape[1]))
    np.add.at(by_element, elements, matrix * gain[:, None])
    window = Window(*(Axis(size, size) for size in reading.view.shape[1:]))
    return window, by_element[reading.view.transpose(1, 2, 0)].reshape(shape), (offset @ matrix).reshape(1, 1, -1)


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Of a layer, as in Linear: weights (kh, kw, in, rows, columns, out), bias (rows, columns, out), inside (kh, kw, rows,
    columns, out), or None.
    """

    weights: Real
    bias: Real
    inside: Real | None = None

    @property
    def of_position(self) -> Coefficients:
        """Those of the one position of a layer that computes a block, as channels of their own."""
        weights, bias = self.weights, self.bias
        along = weights.transpose(0, 1, 2, 5, 3, 4).reshape(*weights.shape[:3], 1, 1, -1)
        return Coefficients(along, bias.transpose(2, 0, 1).reshape(1, 1, -1))


def absorb(weights: Real, reading: Reading, window: Window, quantised: bool) -> tuple[Reading, Coefficients]:
    """The reading, and the coefficients of a convolution of such weights that has absorbed the steps before it.

    Padding is 0 behind these steps. Where they move all of the input's codes alike, the codes get another grid; elsewhere what
    they add becomes biases of the kernel positions that lie on the image. quantised: the graph itself has a quantiser at its
    input.
    """
    gain, offset = reading.parts.after.of(reading.view)
    if np.any(gain != gain[:, :1, :1]) or np.any(offset != offset[:, :1, :1]):
        raise Refusal(f"{', '.join(reading.nodes)} before it differ between positions of one channel")
    gain, offset = gain[:, 0, 0], offset[:, 0, 0]
    inside = np.einsum("hwircm,i->hwrcm", weights, offset)
    weights = weights * gain[:, None, None, None]
    if not (window.padded and offset.any()):
        return reading, Coefficients(weights, inside.sum(axis=(0, 1)))
    none, moved = np.zeros(inside.shape[2:]), _moved(reading.source, gain, offset, quantised)
    if moved is not None:
        shift, factor = moved
        return replace(reading, shift=shift), Coefficients(weights / factor, none)
    if window.outputs == 1:
        return reading, Coefficients(weights, window.total_inside(inside)[0, 0])
    return reading, Coefficients(weights, none, inside)


def _moved(source: Source, gain: Real, offset: Real, quantised: bool) -> tuple[float, float] | None:
    """What is added to the numbers of codes, and by which factor the sums are multiplied, where that makes gain * x + offset of
    all their channels; None where they differ, or the numbers are no multiples of a step then.
    """
    with np.errstate(all="ignore"):
        shifts = offset / gain
    if not isinstance(source, Codes) or not np.isfinite(shifts).all() or not np.allclose(shifts, shifts[0]):
        return None
    shift = float(shifts[0])
    form = (BIPOLAR, BITS) if source.stage else (source.grid, source.range)
    try:
        _, factor = shifted(*form, shift, quantised or bool(source.stage))
    except Refusal:
        return None
    return shift, factor


def shifted(grid: Grid, codes: Range, shift: float, quantised: bool) -> tuple[Grid, float]:
    """The grid of (x + shift) * factor for the numbers x of a grid, and the factor.

    Unless the input is quantised in the graph, the factor makes the grid's scale that of the numbers which are fed.
    """
    if not shift:
        return grid, 1.0
    found = Grid.fit(grid.scale * grid.values(np.arange(codes.low, codes.high + 1)) + shift)
    if found is None:
        raise Refusal(f"its input plus {shift:g} is not a linear function of integers, which the zeros of a padding need")
    if quantised:
        return found, 1.0
    return replace(found, scale=grid.scale), grid.scale / found.scale


def of_bits(symbol: Symbol, codes: Codes) -> Affine | None:
    """A chain on bits, as a function of -1 and +1; what a chain makes of two numbers is always on a line."""
    whole = affine(symbol.chain, bits(codes.grid))
    if whole is not None or codes.range != BITS:
        return whole
    ends = codes.grid.reals(np.arange(2)[:, None])
    low, high = symbol.chain(np.broadcast_to(ends, (2, codes.frame.size))).astype(np.float64)
    return Affine((high - low) / 2, (high + low) / 2)


def bits(grid: Grid) -> Affine:
    """What numbers of -1 and +1 become that travel as bits of the given grid."""
    low, high = grid.scale * grid.values(np.arange(2))
    return Affine(np.asarray(high - low) / 2, np.asarray(high + low) / 2)
