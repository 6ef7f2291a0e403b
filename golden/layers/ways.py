"""Two ways through a network that begin at one tensor and meet again, and the chains of layers that hold such."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types.reach import Reach
from ..types.tensor import TensorType
from .layer import Layer


@dataclass(frozen=True, eq=False)
class Ways:
    """One result of the results of two ways; what of it, a subclass says.

    main, skip: the layers of each way; a way without any is the input itself.
    """

    name: str
    nodes: tuple[str, ...]
    input: TensorType
    main: tuple[Layer, ...]
    skip: tuple[Layer, ...]

    def __post_init__(self) -> None:
        for way in self.ways:
            expected = self.input
            for layer in way:
                if layer.input != expected:
                    raise ValueError(f"{layer.name} takes {layer.input}, what is before it gives {expected}")
                expected = layer.output

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
        """What it gives."""
        raise NotImplementedError

    @property
    def operations(self) -> int:
        """Multiply-accumulates per frame, those of its ways left out."""
        return 0

    def merged(self, main: NDArray[np.int64], skip: NDArray[np.int64]) -> NDArray[np.int64]:
        """The result of those of both ways."""
        raise NotImplementedError

    def reach_of(self, main: Reach, skip: Reach) -> Reach:
        """What the result can be, for such of both ways."""
        raise NotImplementedError

    def trace(self, codes: NDArray[np.integer]) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """The results of the layers of both ways by name, main first, and its own at last."""
        start, ends = codes.astype(np.int64), []
        for way in self.ways:
            end = start
            for name, end in traced(way, start):  # the last one is the way's
                yield name, end
            ends.append(end)
        yield self.name, self.merged(*ends)

    def run(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, height, width, channels) codes of the input to the result."""
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
        yield self.name, self.reach_of(*ends)

    def reach(self, inputs: Reach) -> Reach:
        *_, (_, found) = self.reaches(inputs)
        return found


def every(layers: Sequence[Layer]) -> Iterator[Layer]:
    """All layers of a chain; those of two ways come before what joins them."""
    for layer in layers:
        if isinstance(layer, Ways):
            for way in layer.ways:
                yield from every(way)
        yield layer


def traced(layers: Sequence[Layer], codes: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """The result of each layer, by name, in the order of `every`."""
    for layer in layers:
        found = layer.trace(codes) if isinstance(layer, Ways) else [(layer.name, layer.run(codes))]
        for name, codes in found:
            yield name, codes


def reached(layers: Sequence[Layer], inputs: Reach) -> Iterator[tuple[str, Reach]]:
    """What the result of each layer can be, by name, in the order of `every`."""
    for layer in layers:
        found = layer.reaches(inputs) if isinstance(layer, Ways) else [(layer.name, layer.reach(inputs))]
        for name, inputs in found:
            yield name, inputs
