"""Sums of two ways through a network that begin at one tensor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.steps import Steps
from ..types.reach import Reach
from ..types.tensor import TensorType
from .layer import Layer


@dataclass(frozen=True, eq=False)
class Residual:
    """code = the number of thresholds that gain * main's result + gain * skip's result reaches, channel by channel.

    main, skip: the layers of each way; a way without any is the input itself. gains: (2, channels) int64, those of main first:
    what a unit of each way's result is worth in units of the sum.
    """

    name: str
    nodes: tuple[str, ...]
    input: TensorType
    main: tuple[Layer, ...]
    skip: tuple[Layer, ...]
    gains: NDArray[np.int64]
    steps: Steps

    def __post_init__(self) -> None:
        for way in self.ways:
            expected = self.input
            for layer in way:
                if layer.input != expected:
                    raise ValueError(f"{layer.name} takes {layer.input}, what is before it gives {expected}")
                expected = layer.output
        first, second = (end.shape for end in self.ends)
        if first != second:
            raise ValueError(f"{self.name}: results of shapes {first} and {second}")
        channels = self.ends[0].channels
        if self.gains.shape != (2, channels) or not self.gains.all():
            raise ValueError(f"{self.name}: gains of shape {self.gains.shape}, expected (2, {channels}), none 0")
        if len(self.steps.thresholds) != channels:
            raise ValueError(f"{self.name}: thresholds of {len(self.steps.thresholds)} channels for {channels}")

    @property
    def ways(self) -> tuple[tuple[Layer, ...], tuple[Layer, ...]]:
        """Both, main first."""
        return self.main, self.skip

    @property
    def ends(self) -> tuple[TensorType, TensorType]:
        """What the two ways give."""
        main, skip = (way[-1].output if way else self.input for way in self.ways)
        return main, skip

    @property
    def output(self) -> TensorType:
        """The codes."""
        return TensorType(*self.ends[0].shape, self.steps.codes)

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame, those of its ways left out."""
        return 0

    @property
    def sum_range(self) -> tuple[int, int]:
        """The smallest and the largest sum that any two results give."""
        products = np.stack([[gains * end.low, gains * end.high] for gains, end in zip(self.gains, self.ends, strict=True)])
        return int(products.min(axis=1).sum(axis=0).min()), int(products.max(axis=1).sum(axis=0).max())

    def trace(self, codes: NDArray[np.integer]) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """The results of the layers of both ways by name, main first, and its own at last."""
        start, ends = codes.astype(np.int64), []
        for way in self.ways:
            end = start
            for name, end in traced(way, start):  # the last one is the way's
                yield name, end
            ends.append(end)
        yield self.name, self.steps(weighed(self.gains, *ends))

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, channels) codes of the input to codes."""
        *_, (_, result) = self.trace(codes)
        return result

    def reaches(self, inputs: Reach) -> Iterator[tuple[str, Reach]]:
        """What the results of the layers of both ways can be, and its own at last."""
        ends = []
        for way in self.ways:
            end = inputs
            for name, end in reached(way, inputs):
                yield name, end
            ends.append(end)
        products = [np.sort([gains * end.low, gains * end.high], axis=0) for gains, end in zip(self.gains, ends, strict=True)]
        low, high = products[0] + products[1]
        yield self.name, Reach(self.steps(low), self.steps(high))

    def reach(self, inputs: Reach) -> Reach:
        *_, (_, found) = self.reaches(inputs)
        return found


def weighed(gains: NDArray[np.int64], main: NDArray[np.integer], skip: NDArray[np.integer]) -> NDArray[np.int64]:
    """(..., channels) results of both ways to their sums; gains: (2, channels)."""
    total: NDArray[np.int64] = gains[0] * main.astype(np.int64) + gains[1] * skip.astype(np.int64)
    return total


def every(layers: Sequence[Layer]) -> Iterator[Layer]:
    """All layers of a chain; those of a sum's ways come before it."""
    for layer in layers:
        if isinstance(layer, Residual):
            for way in layer.ways:
                yield from every(way)
        yield layer


def traced(layers: Sequence[Layer], codes: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """The result of each layer, by name, in the order of `every`."""
    for layer in layers:
        found = layer.trace(codes) if isinstance(layer, Residual) else [(layer.name, layer.run(codes))]
        for name, codes in found:
            yield name, codes


def reached(layers: Sequence[Layer], inputs: Reach) -> Iterator[tuple[str, Reach]]:
    """What the result of each layer can be, by name, in the order of `every`."""
    for layer in layers:
        found = layer.reaches(inputs) if isinstance(layer, Residual) else [(layer.name, layer.reach(inputs))]
        for name, inputs in found:
            yield name, inputs
