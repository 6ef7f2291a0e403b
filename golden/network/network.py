"""A network as integers: what the hardware must compute, and how a float graph's input and output relate to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..layers.fixed import Fixed
from ..layers.layer import Layer
from ..layers.normalisation import Tie
from ..layers.ways import every, reached, traced
from ..sampling.latent import Latent
from ..types.coding import SAME, Coding, Line
from ..types.errors import InputError
from ..types.grid import Grid
from ..types.layout import Layout
from ..types.reach import Reach
from ..types.scalar import Chain, Choice, Float
from ..types.tensor import TensorType

SHOWN_DEAD = 5
"""Names of nodes in a remark."""

GRID_TOLERANCE = 1e-3
"""How far from a code, in steps, an input value may lie: float32 rounding of v * scale stays far below."""


AT_A_TIME = 1 << 22
"""Numbers of the input, or of a layer's input and result, that are computed at a time."""


@dataclass(frozen=True)
class Statement:
    """What a file says of the step of its input without a Quant node: by the input's type, or by nodes that divide it."""

    scale: float
    by: str


@dataclass(frozen=True)
class Omitted:
    """What of a graph a network leaves out.

    outputs: those of the graph that were not taken. beside: how many nodes lead to them alone. dead: nodes that lead to none.
    """

    outputs: tuple[str, ...] = ()
    beside: int = 0
    dead: tuple[str, ...] = ()

    def remarks(self, taken: str) -> tuple[str, ...]:
        """One sentence on each kind, beside the output that was taken."""
        said = []
        if self.outputs:
            others = ", ".join(self.outputs)
            nodes = "no node leads to them alone" if not self.beside else f"{_nodes(self.beside)} to them alone, left out"
            said.append(f"output {taken} is taken, {others} not ({nodes}); --output-name NAME takes another")
        if self.dead:
            shown = ", ".join(self.dead[:SHOWN_DEAD]) + (", ..." if len(self.dead) > SHOWN_DEAD else "")
            said.append(f"{_nodes(len(self.dead))} to no output, left out: {shown}")
        return tuple(said)


def _nodes(count: int) -> str:
    return f"{count} node{'s lead' if count > 1 else ' leads'}"


@dataclass(frozen=True)
class Condition:
    """A further input of the graph, whose numbers are the last of a frame.

    shape: its own, without the batch; first: that of the first input. beside: what codes stand for in it. function: what the host
    makes of its numbers (N, n) before they become codes, (N, m), where that is part of the graph.
    """

    name: str
    shape: tuple[int, ...]
    first: tuple[int, ...]
    beside: Line = SAME
    function: Callable[[NDArray[Any]], NDArray[np.float32]] | None = None

    @property
    def start(self) -> int:
        """How many numbers are before its own."""
        return math.prod(self.first)

    def place(self, number: int) -> tuple[str, tuple[int, ...]]:
        """Whose the given number of a frame is, in words, and where it stands there."""
        if number < self.start:
            return "input value", tuple(int(i) for i in np.unravel_index(number, self.first))
        own = np.unravel_index(number - self.start, self.shape)
        return f"condition {self.name}: value", tuple(int(i) for i in own)

    def numbers(self, frames: NDArray[Any]) -> NDArray[Any]:
        """Of frames (N, size) the numbers (N, m) that become codes."""
        own = frames[:, self.start :]
        return own if self.function is None else self.function(own)

    def of(self, numbers: NDArray[np.floating]) -> NDArray[np.floating]:
        """The inverse of `aligned`, up to what the host makes of a condition."""
        own = numbers[:, self.start :] * self.beside.gain + self.beside.offset
        return np.concatenate([numbers[:, : self.start], own.astype(numbers.dtype)], axis=1)

    def aligned(self, numbers: NDArray[np.floating]) -> NDArray[np.float64]:
        """Numbers of frames (N, size), those of the condition as what their codes stand for in the first input."""
        aligned = self.beside.aligned(self.numbers(numbers))
        return np.concatenate([numbers[:, : self.start].astype(np.float64), aligned], axis=1)


@dataclass(frozen=True, eq=False)
class InputFormat:
    """How the graph's first input becomes codes.

    shape: the input's, without the batch. order: for each code in stream order (raster, channels inside), the flat index of its
    input element. quantiser: the graph's own nodes up to its input Quant, which the host applies; None where the input itself
    lies on the grid. assumed: nothing in the file fixed the grid. statement: what the file says of it beside a Quant node. whole:
    the least and the largest number of the input's type, where that is one of whole numbers. coding: what `quantiser` rounds to,
    where that is no part of the graph but was calibrated or stated. condition: a further input, which is part of a frame: shape
    is then that of a row of all numbers, and a number of the condition may have several codes.
    """

    name: str
    shape: tuple[int, ...]
    order: NDArray[np.int64]
    tensor: TensorType
    grid: Grid
    quantiser: Chain | None
    assumed: bool = False
    statement: Statement | None = None
    whole: tuple[int, int] | None = None
    coding: Coding | None = None
    condition: Condition | None = None

    @property
    def first(self) -> tuple[int, ...]:
        """The shape of the first input, without the batch."""
        return self.shape if self.condition is None else self.condition.first

    @property
    def beside(self) -> int:
        """How many numbers of a condition become codes of a frame."""
        return 0 if self.condition is None else int(self.order.max()) + 1 - self.condition.start

    def of_first(self, x: NDArray[Any]) -> NDArray[Any]:
        """Of frames x (N, *shape) what the first input takes."""
        if self.condition is None:
            return x
        return x[:, : self.condition.start].reshape(len(x), *self.condition.first)

    def joined(self, x: NDArray[Any], condition: NDArray[Any] | None) -> NDArray[Any]:
        """Frames (N, *shape) of what the first input and the condition take, (N, ...) each.

        Raises InputError where there is a condition without an input for it, or the other way round, or where they do not fit.
        """
        form = self.condition
        if form is None:
            if condition is not None:
                raise InputError(f"--condition: the graph takes {self.name} alone, no condition beside it")
            return x
        if condition is None:
            sizes = "".join(f" {size}," for size in form.shape)[:-1]
            raise InputError(
                f"the graph takes a condition {form.name} (N,{sizes}) beside {self.name}; --condition C.npy gives it"
            )
        if x.dtype.kind not in "fiub" or x.shape[1:] != form.first or not len(x):
            first = ", ".join(map(str, form.first))
            raise InputError(f"input of type {x.dtype} and shape {x.shape}, expected numbers (N, {first})")
        if condition.dtype.kind not in "fiub" or condition.shape != (len(x), *form.shape):
            found = f"of type {condition.dtype} and shape {condition.shape}"
            expected = (len(x), *form.shape)
            raise InputError(f"the condition {form.name} is {found}, expected numbers {expected} for {len(x)} frames")
        return np.concatenate([numbers.reshape(len(x), -1) for numbers in (x, condition)], axis=1)

    def of_condition(self, x: NDArray[np.generic]) -> NDArray[np.generic]:
        """Of frames x (N, *shape) the condition's numbers that become codes, (N, size); there must be one."""
        assert self.condition is not None
        return self.condition.numbers(x)

    def suited(self, coding: Coding, x: NDArray[np.generic]) -> Coding:
        """Codes for frames x (N, *shape), which say what they stand for in a condition."""
        return coding if self.condition is None else coding.with_condition(self.of_condition(x))

    def fitting(self, x: NDArray[np.generic], bits: int | None = None) -> Coding:
        """The finest codes for frames x (N, *shape); bits and errors as for Coding.fitting."""
        return self.suited(Coding.fitting(self.of_first(x), bits), x)

    def held(self, coding: Coding, x: NDArray[np.generic]) -> bool:
        """Do codes stand for all numbers of frames x (N, *shape), but for rounding?"""
        rest = self.condition is None or coding.holds(coding.beside.aligned(self.of_condition(x).astype(np.float64)))
        return rest and coding.holds(self.of_first(x))

    def encode(self, x: NDArray[np.generic]) -> NDArray[np.int64]:
        """(N, *shape) numbers to (N, height, width, channels) codes.

        Raises InputError for a wrong shape or type, for NaN, and for a value off the grid, by position and value.
        """
        self.check(x)
        step = max(1, AT_A_TIME // self.order.size)
        return np.concatenate([self._codes(x[first : first + step], first) for first in range(0, len(x), step)])

    def _codes(self, x: NDArray[np.generic], first: int) -> NDArray[np.int64]:
        """Those of the frames from `first` on."""
        numbers = x.astype(np.float32).reshape(len(x), -1)
        if self.condition is not None:
            numbers = self.condition.aligned(numbers).astype(np.float32)
        if self.quantiser is None:
            codes = numbers.astype(np.float64) / self.grid.scale
            nearest = np.rint(codes)
            wrong = (np.abs(codes - nearest) > GRID_TOLERANCE) | (nearest < 0) | (nearest > self.tensor.high)
            if wrong.any():
                row, element = (int(i) for i in np.argwhere(wrong)[0])
                position = (first + row, *(int(i) for i in np.unravel_index(element, self.shape)))
                raise InputError(
                    f"input value {numbers[row, element]:g} at {position} is not one of the {self.tensor.codes.levels} multiples "
                    f"of {self.grid.scale:g} from 0; {_way_out(numbers)}"
                )
        else:
            with np.errstate(all="ignore"):  # of the graph's own nodes in front of its quantiser
                steps = self.quantiser(numbers).astype(np.float64) / self.grid.scale
            nearest = np.rint((steps - self.grid.offset) / self.grid.gain)
        return nearest.astype(np.int64)[:, self.order].reshape(-1, *self.tensor.shape)

    def saturated(self, x: NDArray[np.generic]) -> NDArray[np.bool_]:
        """Which of the numbers of frames (N, *shape) lie beyond the codes that were calibrated or stated for them."""
        if self.coding is None:
            return np.zeros(x.shape, bool)
        return self.coding.beyond(x if self.condition is None else self.condition.aligned(x.astype(np.float64)))

    def check(self, x: NDArray[np.generic]) -> NDArray[np.generic]:
        """x itself, if it is a batch of finite numbers of the right shape; otherwise InputError."""
        if x.dtype.kind not in "fiub":
            raise InputError(f"input of type {x.dtype}, expected numbers")
        if x.shape[1:] != self.shape:
            raise InputError(f"input of shape {x.shape}, expected (N, {', '.join(map(str, self.shape))})")
        if len(x) == 0:
            raise InputError("input holds no frames")
        with np.errstate(over="ignore"):
            finite = np.isfinite(x.astype(np.float32))
        if not finite.all():
            position = tuple(int(i) for i in np.argwhere(~finite)[0])
            what, place = "input value", position[1:]
            if self.condition is not None:
                what, place = self.condition.place(position[1])
            raise InputError(f"{what} {x[position]} at {(position[0], *place)} is not a finite float32")
        if self.whole is not None:
            least, largest = self.whole
            numbers = x.astype(np.float64)
            wrong = (numbers != np.rint(numbers)) | (numbers < least) | (numbers > largest)
            if wrong.any():
                position = tuple(int(i) for i in np.argwhere(wrong)[0])
                raise InputError(
                    f"input value {x[position]} at {position} is not a whole number from {least} to {largest}, which is all that "
                    f"the graph's input {self.name} can hold"
                )
        return x


@dataclass(frozen=True, eq=False)
class OutputFormat:
    """How the last layer's result becomes the graph's first output, on the host, in float32.

    shape: the output's, without the batch. order: for each element of the flat output, the index of its score in stream order.
    scale: what a unit of each score is worth, before the chain; offset is added to it first (for codes: gain and offset).
    """

    name: str
    shape: tuple[int, ...]
    order: NDArray[np.int64]
    scale: Float
    gain: int
    offset: int
    chain: Chain

    def decode(self, result: NDArray[np.integer]) -> NDArray[np.float32]:
        """(N, height, width, channels) scores or codes to the graph's (N, *shape) float32."""
        return self.of_scores(result.reshape(len(result), -1).astype(np.int64)[:, self.order])

    def of_scores(self, scores: NDArray[np.int64]) -> NDArray[np.float32]:
        """The same of (N, elements) numbers in the order of the graph's elements."""
        values = self.gain * scores + self.offset
        with np.errstate(all="ignore"):  # the graph's own numbers, if they are not finite
            reals = self.chain(values.astype(np.float32) * self.scale.astype(np.float32))
        return reals.astype(np.float32).reshape(len(scores), *self.shape)

    @property
    def chooses(self) -> bool:
        """Is it the number of a class, not a row of scores?"""
        return any(isinstance(step, Choice) for step in self.chain.steps)

    @property
    def classes(self) -> int:
        """How many there are: scores, of which one is chosen at most."""
        return len(self.order) if self.chooses else math.prod(self.shape)

    def decisions(self, y: NDArray[np.floating]) -> NDArray[np.int64]:
        """The class (N,) that each output (N, *shape) stands for: the number itself, or that of the largest score, the first of
        equals.
        """
        rows = y.reshape(len(y), -1)
        return rows[:, 0].astype(np.int64) if self.chooses else rows.argmax(axis=1)

    def accuracy(self, y: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
        """Fraction of outputs (N, *shape) whose class is the label (N,)."""
        return float((self.decisions(y) == labels).mean())


@dataclass(frozen=True, eq=False)
class Network:
    """Layers in order, integer from end to end, with the formats at both ends.

    `ties` lists decisions that another executor of the float graph may take differently, within float32 rounding; `omitted` is
    what of the graph is no part of it; `uneven` are layers whose weights the graph computes with an error of rounding, and by how
    much of their size they differ. They are taken as equal. origin is the digest of the graph that it was read from, if it was.
    """

    name: str
    input: InputFormat
    layers: tuple[Layer, ...]
    output: OutputFormat
    ties: tuple[Tie, ...] = field(default=())
    omitted: Omitted = field(default=Omitted())
    uneven: tuple[tuple[str, float], ...] = ()
    origin: str | None = None

    def __post_init__(self) -> None:
        expected = self.input.tensor
        for layer in self.layers:
            if layer.input != expected:
                raise ValueError(f"{layer.name} takes {layer.input}, the layer before gives {expected}")
            expected = layer.output

    def __repr__(self) -> str:
        ends = ("x".join(map(str, shape)) for shape in (self.input.first, self.output.shape))
        return f"<Network {self.name}: {' to '.join(ends)}, {len(self.every)} layers, {self.operations:,} MAC per frame>"

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame."""
        return sum(layer.operations for layer in self.every)

    @cached_property
    def every(self) -> tuple[Layer, ...]:
        """All layers; those of two ways come before what joins them."""
        return tuple(every(self.layers))

    @property
    def result(self) -> Layout:
        """How the last layer's result lies on a stream inside the pipeline."""
        return self.layers[-1].output.layout

    @cached_property
    def reach(self) -> dict[str, Reach]:
        """What the results of each layer can be, by its name, for all codes of the input."""
        return dict(reached(self.layers, Reach.of(self.input.tensor)))

    @property
    def constant_layers(self) -> tuple[str, ...]:
        """Names of the layers whose results are the same for all frames."""
        return tuple(name for name, reach in self.reach.items() if reach.constant_channels.all())

    @property
    def calibrated(self) -> bool:
        """Are there layers of real weights, which a calibration made integers?"""
        return any(isinstance(layer, Fixed | Latent) for layer in self.layers)

    @property
    def latent(self) -> Latent | None:
        """The layer that draws samples; None for a network whose result follows from its input."""
        return next((layer for layer in self.layers if isinstance(layer, Latent)), None)

    def steps(
        self, codes: NDArray[np.integer], epsilon: NDArray[np.integer] | None = None
    ) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """The input and each layer's result, by name, for (N, height, width, channels) codes.

        epsilon: (N, K, latents) codes of standard normal samples, for a network that draws them; from the layer that does on,
        results are (N * K, height, width, channels).
        """
        result = codes.astype(np.int64)
        yield "input", result
        for layer in self.layers:
            found = [(layer.name, layer.run(result, epsilon))] if isinstance(layer, Latent) else traced((layer,), result)
            for name, result in found:  # the last one is what the next layer takes
                yield name, result

    def trace(self, x: NDArray[np.generic], epsilon: NDArray[np.integer] | None = None) -> dict[str, NDArray[np.int64]]:
        """Every integer tensor of the frames x (N, *input.shape)."""
        return dict(self.steps(self.input.encode(x), epsilon))

    def results(self, codes: NDArray[np.integer], epsilon: NDArray[np.integer] | None = None) -> NDArray[np.int64]:
        """The last layer's integers for (N, height, width, channels) codes.

        Computed in parts of AT_A_TIME numbers, so that no more is kept of many frames, or many samples, than what they give.
        """
        samples = 1 if epsilon is None else epsilon.shape[1]
        size = max(1, AT_A_TIME // max(math.prod(layer.input.shape) + math.prod(layer.output.shape) for layer in self.every))
        frames = max(1, size // samples)
        parts = []
        for start in range(0, len(codes), frames):
            for first in range(0, samples, size):
                some = None if epsilon is None else epsilon[start : start + frames, first : first + size]
                *_, (_, last) = self.steps(codes[start : start + frames], some)
                parts.append(last.astype(np.int64))
        return np.concatenate(parts)

    def run(self, x: NDArray[np.generic], epsilon: NDArray[np.integer] | None = None) -> NDArray[np.float32]:
        """The graph's first output for the frames x (N, *input.shape): the truth that hardware is held against.

        With epsilon (N, K, latents), (N * K, ...): K results for each frame.
        """
        return self.output.decode(self.results(self.input.encode(x), epsilon))


def recognise_scale(x: NDArray[np.generic]) -> float | None:
    """The step of pixel data: 1 for integers from 0 to 255, 1/255 for multiples of that from 0 to 1; None for anything else."""
    if x.dtype.kind not in "fiub" or x.size == 0:
        return None
    numbers = x.astype(np.float64)
    if not np.isfinite(numbers).all() or numbers.min() < 0:
        return None
    for scale in (1 / 255, 1.0):
        codes = numbers / scale
        if codes.max() <= 255 + GRID_TOLERANCE and np.all(np.abs(codes - np.rint(codes)) <= GRID_TOLERANCE):
            return scale
    return None


LEVELS = 256
"""Codes of an input that no Quant node describes."""


def fitting_scale(x: NDArray[np.floating]) -> float | None:
    """The largest step of which all numbers are multiples from 0 to 255, of six digits where these suffice; None without one."""
    numbers = np.unique(x).astype(np.float64)
    largest = float(numbers[-1])
    if numbers[0] < 0 or not largest > 0 or len(numbers) > LEVELS:
        return None
    for steps in range(1, LEVELS):
        for scale in (float(f"{largest / steps:.6g}"), float(f"{largest / steps:.9g}")):
            codes = numbers / scale
            if np.all(np.abs(codes - np.rint(codes)) <= GRID_TOLERANCE):
                return scale
    return None


def _way_out(x: NDArray[np.floating]) -> str:
    """What helps where an input's numbers are not on its grid."""
    scale = fitting_scale(x)
    if scale is not None:
        return f"the input as a whole fits --input-scale {scale:.9g}"
    why = f"numbers down to {x.min():g}" if x.min() < 0 else f"numbers up to {x.max():g} that have no step of a 255th of that"
    return (
        f"no --input-scale fits {why}: let the graph take pixels from 0 to 255 and normalise them in its own first nodes, or "
        f"begin with a Quant node; --input-bits and --input-offset beside --input-scale state other codes"
    )
